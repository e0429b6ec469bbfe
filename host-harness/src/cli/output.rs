//! The sinks of the program: data to stdout, talk to stderr, and no secret to either. Colours only on a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use http_task_host::redaction::Redactor;
use serde::Serialize;

use super::Stop;

/// Where everything that the program says goes.
pub(super) struct Output {
    redactor: Redactor,
    /// Print JSON instead of text.
    pub(super) json: bool,
}

impl Output {
    pub(super) fn new(redactor: Redactor, json: bool) -> Self {
        Self { redactor, json }
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Data. Whoever reads it may stop at any time, as `head` does.
    pub(super) fn put(&self, text: &str) {
        let _ = anstream::stdout().lock().write_all(self.redactor.redact(text).as_bytes());
    }

    /// Data as JSON, on a line of its own.
    pub(super) fn put_json(&self, value: &impl Serialize) {
        let json = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
        self.put(&json);
        self.put("\n");
    }

    /// Talk.
    pub(super) fn say(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{}", self.redactor.redact(text));
    }

    /// Why a command cannot go on.
    pub(super) fn stop(&self, stop: &Stop) {
        if self.json {
            #[derive(Serialize)]
            struct Stopped<'a> {
                error: &'a str,
                hint: Option<&'a str>,
            }
            self.put_json(&Stopped { error: &stop.message, hint: stop.hint.as_deref() });
            return;
        }
        self.say(&format!("{ERROR}error{ERROR:#}: {}", stop.message));
        if let Some(hint) = &stop.hint {
            self.say(&format!("hint: {hint}"));
        }
    }

    /// Asks a question, when there is somebody to answer it.
    pub(super) fn ask(&self, question: &str) -> Option<String> {
        if self.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let _ = write!(anstream::stderr().lock(), "{} ", self.redactor.redact(question));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok().filter(|bytes| *bytes > 0)?;
        Some(answer.trim().to_owned())
    }
}

const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
