//! A run as it happens, to stderr, and what came of it, to stdout. As JSON all of it is lines on stdout.

use anstyle::Style;
use http_task_host::report::response_of;
use http_task_host::runner::{Progress, Report, RunOutcome};

use super::output::{Output, visible};
use super::print::{self, BAD, BOLD, GOOD, LATER};

/// Shows something that has happened, or is about to.
pub(super) fn tell(progress: &Progress<'_>, output: &Output) {
    if output.json {
        return output.put_json(progress);
    }
    let line = match progress {
        Progress::Started { run, name } => format!("{BOLD}{}{BOLD:#} · run {run}", visible(name)),
        Progress::Sending { task, attempt, max_attempts, method, url } => {
            let attempt =
                if *max_attempts > 1 { format!("attempt {attempt} of {max_attempts}: ") } else { String::new() };
            format!("{}: {attempt}{method} {}", visible(task), visible(url))
        }
        Progress::Attempted { task, outcome, reason, status, sent, milliseconds, .. } => {
            let style = if reason.is_none() { GOOD } else { outcome_style(outcome) };
            let mut line = format!("{}: {style}{outcome}{style:#}", visible(task));
            if let Some(reason) = reason {
                line.push_str(&format!(": {}", visible(reason)));
            } else if let Some(status) = status {
                line.push_str(&format!(" · {status}"));
            }
            match milliseconds {
                Some(milliseconds) => line.push_str(&format!(" · {milliseconds} ms")),
                None if !sent => line.push_str(" · nothing was sent"),
                None => {}
            }
            line
        }
        Progress::Waiting { task, seconds } => format!("{}: waiting {seconds} s", visible(task)),
        Progress::Forked { task, branches } => format!("{}: {branches} branches at once", visible(task)),
        Progress::Joined { task } => format!("{}: all branches have ended", visible(task)),
    };
    output.say(&line);
}

fn outcome_style(outcome: &str) -> Style {
    if outcome == "temporary" { LATER } else { BAD }
}

/// Shows how a run ended, and puts out what its tasks did.
pub(super) fn tell_end(report: &Report, output: &Output) {
    if output.json {
        return output.put_json(report);
    }
    let style = match &report.outcome {
        RunOutcome::Completed => GOOD,
        RunOutcome::Interrupted => LATER,
        _ => BAD,
    };
    let reason = report.reason().map_or_else(String::new, |reason| format!(": {}", visible(&reason)));
    let outputs = report.outputs();
    // First, so that on a terminal the end is what is seen last.
    output.put_exact(&format!("{}\n", print::indented(&serde_json::to_string(&outputs).unwrap_or_default())));
    output.say(&format!(
        "\n{style}{}{style:#}{reason}\n{} completed, {} sent, {} ms",
        report.outcome.name(),
        counted(outputs.len(), "task"),
        counted(report.requests, "request"),
        report.took.as_millis()
    ));
    for (task, in_flight) in report.in_flight() {
        output.say(&format!(
            "{LATER}in flight{LATER:#}: {}, attempt {}: {} {}; whether it took effect is not known",
            visible(task),
            in_flight.attempt,
            in_flight.method,
            visible(&in_flight.url)
        ));
    }
    if let Some((failure, error)) = report.failure() {
        let outcome = Err(failure.clone());
        output.say(&format!("\n{}", print::outcome(&outcome).trim_end()));
        if let Some(response) = response_of(&outcome) {
            output.say(&format!("\n{}", print::response(response).trim_end()));
        }
        if let Some(error) = error {
            output.say(&visible(&error.0));
        }
    }
}

fn counted(count: impl TryInto<u64>, what: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
