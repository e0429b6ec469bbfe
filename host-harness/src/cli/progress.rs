//! A run as it happens, to stderr, and what came of it, to stdout. As JSON all of it is lines on stdout.

use anstyle::Style;
use http_task_host::next_action::Why;
use http_task_host::report::{reason_of, response_of_failure};
use http_task_host::runner::{InFlight, Progress, Report, RunOutcome};

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
        Progress::Attempted { task, outcome, reason, status, milliseconds, .. } => {
            let style = if reason.is_none() { GOOD } else { outcome_style(outcome) };
            let mut line = format!("{}: {style}{outcome}{style:#}", visible(task));
            if let Some(reason) = reason {
                line.push_str(&format!(": {}", visible(reason)));
            } else if let Some(status) = status {
                line.push_str(&format!(" · {status}"));
            }
            if let Some(milliseconds) = milliseconds {
                line.push_str(&format!(" · {milliseconds} ms"));
            }
            line
        }
        Progress::Waiting { task, seconds } => format!("{}: waiting {seconds} s", visible(task)),
        Progress::Forked { task, branches: 1 } => format!("{}: 1 branch", visible(task)),
        Progress::Forked { task, branches } => format!("{}: {branches} branches at once", visible(task)),
        Progress::Joined { task } => format!("{}: all branches have ended", visible(task)),
    };
    output.say(&line);
}

fn outcome_style(outcome: &str) -> Style {
    if outcome == "temporary" { LATER } else { BAD }
}

/// Puts out what the tasks of a run brought. Before its end is told, which on a terminal is then what is seen last.
pub(super) fn put_outputs(report: &Report, output: &Output) {
    let outputs = serde_json::to_string(&report.outputs()).unwrap_or_default();
    output.put_exact(&format!("{}\n", print::indented(&outputs)));
}

/// Shows how a run ended.
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
    let in_flight: Vec<_> = report.in_flight().collect();
    let flying = if in_flight.is_empty() { String::new() } else { format!(", {} in flight", in_flight.len()) };
    output.say(&format!(
        "\n{style}{}{style:#}{reason}\n{} completed, {} sent{flying}, {} ms",
        report.outcome.name(),
        counted(outputs.len(), "task"),
        counted(report.requests, "request"),
        report.took.as_millis()
    ));
    for (task, InFlight { attempt, method, url }) in in_flight {
        output.say(&format!(
            "{LATER}in flight{LATER:#}: {}, attempt {attempt}: {method} {}; whether it took effect is not known",
            visible(task),
            visible(url)
        ));
    }
    for (task, failure) in report.in_doubt().filter(|(task, _)| report.outcome.task() != Some(*task)) {
        let why = visible(reason_of(failure));
        output.say(&format!("{LATER}in doubt{LATER:#}: {} may have taken effect: {why}", visible(task)));
    }
    if let Some((failure, error)) = report.failure() {
        let task = visible(report.outcome.task().unwrap_or_default());
        output.say(&format!("\n{task}: {}", print::failure(failure).trim_end()));
        if let Some(response) = response_of_failure(failure) {
            output.say(&format!("\n{}", print::response(response).trim_end()));
        }
        if let Some(error) = error {
            output.say(&visible(&error.0));
        }
    }
    if let RunOutcome::Failed { why: Why::WaitTooLong { wait_seconds, .. }, .. } = &report.outcome {
        output.say(&format!("hint: --longest-wait {wait_seconds}"));
    }
}

fn counted(count: impl TryInto<u64>, what: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
