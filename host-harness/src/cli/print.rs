//! What *Test request* shows: the exact request, the answer, the outcome.

use std::fmt::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use http_task_host::catalogue::Difference;
use http_task_host::component::{Body, Completed, Denial, Failure, Problem, Request, Response, Run};
use http_task_host::exchange::{Exchange, head};
use http_task_host::grants;
use http_task_host::report::{effect_name, failure_name, host_of, outcome_name, reason_of, response_of};

use super::output::{Output, visible};

const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const LATER: Style = AnsiColor::Yellow.on_default().bold();

/// The request as it would be on the wire, but for the credential.
pub(super) fn prepared(request: &Request, output: &Output) {
    let mut text = head_of_prepared(request);
    text.push('\n');
    output.put(&text);
    put_content(request.body.bytes(), output);
}

/// The head of a prepared request, with the `host` that the URL stands for.
fn head_of_prepared(request: &Request) -> String {
    let host = host_of(&request.url);
    let target = request.url.split_once(host).map_or("/", |(_, target)| target);
    let fields = request.headers.iter().map(|header| (header.name.clone(), header.value.clone()));
    let headers: Vec<_> = std::iter::once(("host".to_owned(), host.to_owned())).chain(fields).collect();
    head(&request.method, target, &headers)
}

fn put_content(content: &[u8], output: &Output) {
    if !content.is_empty() {
        output.put_exact(&format!("{}\n", String::from_utf8_lossy(content)));
    }
}

/// A run: what was sent, what came back, and what it means.
pub(super) fn run(request: &Request, run: &Run, output: &Output) {
    match &run.exchange {
        Some(exchange) => {
            output.put(&styled_head(&exchange.sent.head()));
            if !exchange.sent.body.is_empty() {
                output.put("\n");
                put_content(&exchange.sent.body, output);
            }
            output.put(&format!("\n{}\n", summary(exchange)));
        }
        None => output.put(&format!("{BOLD}{} {}{BOLD:#}\n\n{LATER}not sent{LATER:#}\n", request.method, request.url)),
    }
    match response_of(&run.outcome) {
        Some(response) => output.put(&self::response(response)),
        None => output.put("\n"),
    }
    output.put(&outcome(&run.outcome));
    if let (Err(Failure::PermanentRejected(rejection)), Some(exchange)) = (&run.outcome, &run.exchange)
        && let (401, Some(credential)) = (rejection.response.status, &exchange.sent.credential)
    {
        let name = shell_word(&credential.reference);
        output.put(&format!("hint: it was sent with these credentials: http-task credentials check {name}\n"));
    }
    if let Some(error) = &run.error {
        output.put(&format!("{}\n", visible(&error.0)));
    }
}

fn styled_head(head: &str) -> String {
    let (first, fields) = head.split_once('\n').unwrap_or((head, ""));
    format!("{BOLD}{}{BOLD:#}\n{DIM}{}{DIM:#}", visible(first), visible(fields))
}

/// Status, time and size, always in one place.
fn summary(exchange: &Exchange) -> String {
    let mut text = String::new();
    if let Some(received) = &exchange.received {
        let style = match received.status.as_u16() {
            200..=299 => GOOD,
            300..=399 => LATER,
            _ => BAD,
        };
        let _ = write!(text, "{style}{}{style:#} · ", received.status);
    }
    let _ = write!(text, "{} ms", exchange.total.as_millis());
    if let Some(received) = &exchange.received {
        let _ = write!(text, " · {} bytes · {:?}", received.bytes, received.version);
    }
    match exchange.connect {
        Some(connect) => {
            let _ = write!(text, " · connected in {} ms", connect.total().as_millis());
        }
        None => text.push_str(" · no new connection"),
    }
    if let Some(trouble) = &exchange.trouble {
        let _ = write!(text, "\n{LATER}{}{LATER:#}", visible(trouble));
    }
    text
}

/// Header fields and body.
pub(super) fn response(response: &Response) -> String {
    let mut text = String::new();
    for header in &response.headers {
        let _ = writeln!(text, "{DIM}{}: {}{DIM:#}", visible(&header.name), visible(&header.value));
    }
    text.push('\n');
    match &response.body {
        Body::None => {}
        Body::Json(json) => {
            let _ = writeln!(text, "{}\n", visible(&indented(json)));
        }
        Body::Text(body) => {
            let _ = writeln!(text, "{}\n", visible(body));
        }
        Body::Binary(bytes) => {
            let _ = writeln!(text, "{} bytes that are no text\n", bytes.len());
        }
    }
    text
}

/// The outcome, why it is that, and what to do.
fn outcome(outcome: &Result<Completed, Failure>) -> String {
    let completed = match outcome {
        Ok(completed) => completed,
        Err(failure) => return self::failure(failure),
    };
    format!("{GOOD}{}{GOOD:#}\n", outcome_name(outcome)) + &warnings(&completed.warnings)
}

fn warnings(warnings: &[Problem]) -> String {
    warnings.iter().map(|warning| format!("{LATER}warning{LATER:#}: {}\n", problem_line(warning))).collect()
}

/// Where an answer is not what its document says.
pub(super) fn differences(differences: &[Difference], output: &Output) {
    for Difference { place, message, .. } in differences {
        let place = if place.is_empty() { String::new() } else { format!(" at {}", visible(place)) };
        let message = visible(message);
        output.put(&format!("{LATER}warning{LATER:#}: the answer is not as its document says{place}: {message}\n"));
    }
}

/// The failure, why it is that, and what to do.
pub(super) fn failure(failure: &Failure) -> String {
    let style = if matches!(failure, Failure::Temporary(_)) { LATER } else { BAD };
    let mut text = format!("{style}{}{style:#}: {}\n", failure_name(failure), visible(reason_of(failure)));
    match failure {
        Failure::PermanentInvalid(problems) => {
            text.extend(problems.iter().map(|problem| format!("{}\n", problem_line(problem))));
        }
        Failure::PermanentRejected(rejection) => text.push_str(&warnings(&rejection.warnings)),
        _ => {}
    }
    text + &advice(failure)
}

/// What to do now, and who must do it.
fn advice(failure: &Failure) -> String {
    match failure {
        Failure::ExecutionFailed | Failure::PermanentInvalid(_) | Failure::PermanentRejected(_) => String::new(),
        Failure::PermanentDenied(denial) => remedy(denial),
        Failure::PermanentUnknown(_) => {
            "hint: look whether it took effect before it is sent again; a repeat could do it twice\n".to_owned()
        }
        Failure::Temporary(temporary) => {
            let wait = temporary
                .retry_after_seconds
                .map_or_else(String::new, |seconds| format!(", but not before {seconds} s have passed"));
            format!("hint: a repeat is right{wait} (effect of this attempt: {})\n", effect_name(temporary.effect))
        }
    }
}

/// What would allow what was refused.
pub(super) fn remedy(denial: &Denial) -> String {
    match denial.hint.as_deref().map(str::trim_end) {
        Some(lines) if lines.contains('\n') => format!("hint: add the lines\n\n{lines}\n"),
        Some(line) => format!("hint: {line}\n"),
        None => String::new(),
    }
}

/// Whether a grant is what is missing.
pub(super) fn is_grant(denial: &Denial) -> bool {
    denial.hint.as_ref().is_some_and(|hint| hint.starts_with(grants::ENTRY))
}

/// The command that adds the grants which a definition needs.
pub(super) fn grant_command(definition: &str, file: Option<&Path>, output: &Output) {
    let option = file.map_or_else(String::new, |file| format!(" --grants {}", shell_word(&file.display().to_string())));
    output.say(&format!("or run: http-task grant {}{option}", shell_word(definition)));
}

fn problem_line(problem: &Problem) -> String {
    let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("{} {}{}", visible(&problem.place), visible(&problem.message), visible(&hint)).trim_start().to_owned()
}

/// A word for a shell, quoted where it must be.
pub(super) fn shell_word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-/".contains(character);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// What a part of a variable's name may be made of.
pub(super) fn capitals(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }).collect()
}

/// In single quotes, as a POSIX shell reads it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// JSON with a line for each member; every token stays as it came.
pub(super) fn indented(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let line = |shown: &mut String, depth: usize| {
        shown.push('\n');
        shown.extend(std::iter::repeat_n("  ", depth));
    };
    for (at, character) in json.char_indices() {
        if in_string {
            shown.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '"' => {
                in_string = true;
                shown.push(character);
            }
            '{' | '[' => {
                shown.push(character);
                let close = json[at + 1..].trim_start().chars().next();
                if !matches!(close, Some('}' | ']')) {
                    depth += 1;
                    line(&mut shown, depth);
                }
            }
            '}' | ']' => {
                if !shown.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    line(&mut shown, depth);
                }
                shown.push(character);
            }
            ',' => {
                shown.push(character);
                line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            character if character.is_ascii_whitespace() => {}
            character => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_without_touching_a_token() {
        let json = r#"{"a":[1e2,{},[ ],"x,{\"y\\"],"b":{"c":null}}"#;
        let expected = "{\n  \"a\": [\n    1e2,\n    {},\n    [],\n    \"x,{\\\"y\\\\\"\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}";
        assert_eq!(indented(json), expected);
        assert_eq!(indented(expected), expected);
    }

    #[test]
    fn a_quote_in_a_shell_word_stays_in_it() {
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
    }
}
