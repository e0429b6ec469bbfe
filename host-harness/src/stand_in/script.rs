//! What a server does with its requests, one line for each in turn: `model` for the proper answer, the name of a fault, or an
//! answer written out:
//!
//! ```text
//! unavailable
//! cut-body 10
//! 200
//!   content-type: application/json
//!   | {"ok": true}
//! model
//! ```

use std::collections::VecDeque;
use std::fmt::{self, Display};

use http::{HeaderName, HeaderValue, StatusCode};

use super::answer::Answer;
use super::fault::Fault;

/// A script; when its lines are used up every request is answered by the model, unless it was made otherwise.
#[derive(Debug, Clone, Default)]
pub struct Script {
    lines: VecDeque<Line>,
    then: Line,
}

/// What is done with one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Line {
    /// It is answered properly.
    #[default]
    Model,
    /// Something goes wrong.
    Fault(Fault),
    /// It is answered so.
    Answer(Answer),
}

/// A script that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
    /// What could stand there.
    pub hint: String,
}

impl Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}\nhint: {}", self.line, self.message, self.hint)
    }
}

impl std::error::Error for ScriptError {}

impl Script {
    /// The same for every request.
    pub fn always(line: impl Into<Line>) -> Self {
        Self { lines: VecDeque::new(), then: line.into() }
    }

    /// Reads a script.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut lines: VecDeque<Line> = VecDeque::new();
        for (index, written) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let error = |(message, hint): (String, String)| ScriptError { line: index + 1, message, hint };
            match (written.strip_prefix("  "), lines.back_mut()) {
                (Some(part), Some(Line::Answer(answer))) => add_part(part, answer).map_err(error)?,
                _ => lines.push_back(written.trim().parse().map_err(error)?),
            }
        }
        let refuses = lines.iter().any(|line| *line == Line::Fault(Fault::Refuse));
        if refuses && lines.len() > 1 {
            let message = "a server that refuses connections sees no requests to take in turn".to_owned();
            return Err(ScriptError { line: 1, message, hint: "let `refuse` be the only line".into() });
        }
        // Nobody can tell how often nobody was reached.
        Ok(if refuses { Self::always(Fault::Refuse) } else { Self { lines, then: Line::Model } })
    }

    /// Whether connections are refused.
    pub(super) fn refuses(&self) -> bool {
        self.then == Line::Fault(Fault::Refuse)
    }

    /// What is done with the request that has just come.
    pub(super) fn next(&mut self) -> Line {
        self.lines.pop_front().unwrap_or_else(|| self.then.clone())
    }

    /// The lines that no request has used.
    pub fn unused(&self) -> Vec<Line> {
        self.lines.iter().cloned().collect()
    }
}

impl From<Fault> for Script {
    fn from(fault: Fault) -> Self {
        Self::always(fault)
    }
}

impl From<Fault> for Line {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Answer> for Line {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// Message and hint.
type Wrong = (String, String);

impl std::str::FromStr for Line {
    type Err = Wrong;

    fn from_str(written: &str) -> Result<Self, Wrong> {
        if written == "model" {
            return Ok(Self::Model);
        }
        if written.starts_with(|first: char| first.is_ascii_digit()) {
            let status = written.parse().ok().filter(|status| (200..=599).contains(status));
            let status = status.and_then(|status: u16| StatusCode::from_u16(status).ok());
            let wrong = || (format!("`{written}` is not a status"), "a number from 200 to 599".to_owned());
            return Ok(Self::Answer(Answer::new(status.ok_or_else(wrong)?)));
        }
        written.parse().map(Self::Fault)
    }
}

/// A header field, or after `| ` a line of the content.
fn add_part(part: &str, answer: &mut Answer) -> Result<(), Wrong> {
    if let Some(line) = part.strip_prefix('|') {
        if !answer.body.is_empty() {
            answer.body.push('\n');
        }
        answer.body.push_str(line.strip_prefix(' ').unwrap_or(line));
        return Ok(());
    }
    let field = part.split_once(':').and_then(|(name, value)| {
        Some((name.trim().parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?))
    });
    let wrong =
        || (format!("`{part}` is no part of an answer"), "`name: value`, or `| a line of the content`".to_owned());
    answer.headers.push(field.ok_or_else(wrong)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_taken_in_turn_and_then_the_model_answers() {
        let mut script =
            Script::parse("unavailable\n\n200\n  X-A: 1\n  x-a: 2\n  | {\"a\":\n  |   1}\nmodel\ncut-body 7\n")
                .unwrap();
        assert_eq!(script.next(), Line::Fault(Fault::Unavailable));
        let Line::Answer(Answer { status, headers, body }) = script.next() else { panic!("no answer") };
        assert_eq!((status.as_u16(), headers.len(), body.as_str()), (200, 2, "{\"a\":\n  1}"));
        assert_eq!(script.next(), Line::Model);
        assert_eq!(script.unused(), [Line::Fault(Fault::CutBody(7))]);
        assert_eq!(script.next(), Line::Fault(Fault::CutBody(7)));
        assert_eq!((script.next(), script.unused().len()), (Line::Model, 0));
    }

    #[test]
    fn what_is_no_line_is_told_with_what_could_stand_there() {
        for (text, line, message) in [
            ("model\nunavailble", 2, "there is no fault `unavailble`"),
            ("cut-body x", 1, "`cut-body` takes a number of bytes up to 16777216, not `x`"),
            (
                "cut-body 18446744073709551615",
                1,
                "`cut-body` takes a number of bytes up to 16777216, not `18446744073709551615`",
            ),
            ("redirect 3", 1, "`redirect` takes nothing behind it"),
            ("99", 1, "`99` is not a status"),
            ("200\n  nothing", 2, "`nothing` is no part of an answer"),
            ("model\nrefuse", 1, "a server that refuses connections sees no requests to take in turn"),
        ] {
            let error = Script::parse(text).unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (line, message));
        }
        assert_eq!(Script::parse("unavailble").unwrap_err().hint, "did you mean `unavailable`?");
    }

    proptest! {
        #[test]
        fn any_script_is_read_or_refused_at_a_line(text in "((model|cut-body 1|200|  a: b|  \\| x|\\PC{0,8})\n){0,6}") {
            match Script::parse(&text) {
                Ok(script) => prop_assert!(script.unused().len() <= text.lines().count()),
                Err(error) => prop_assert!((1..=text.lines().count()).contains(&error.line)),
            }
        }
    }
}
