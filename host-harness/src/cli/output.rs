//! The sinks of the program: data to stdout, talk to stderr, and no secret to either. Colours only on a terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use http_task_host::redaction::Redactor;
use serde::Serialize;

use super::Stop;

/// Where everything that the program says goes.
pub(super) struct Output {
    redactor: Redactor,
    /// Print JSON instead of text.
    pub(super) json: bool,
    losses: Losses,
}

/// Why data could not be written, if it could not.
#[derive(Clone, Default)]
pub(super) struct Losses(Arc<Mutex<Option<io::Error>>>);

impl Losses {
    /// Whoever reads data may stop at any time, as `head` does; any other loss is kept.
    pub(super) fn keep(&self, result: io::Result<()>) {
        if let Err(error) = result
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl Output {
    pub(super) fn new(redactor: Redactor, json: bool) -> Self {
        Self { redactor, json, losses: Losses::default() }
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Why data could not be written, if it could not.
    pub(super) fn lost(&self) -> Option<String> {
        self.losses.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ToString::to_string)
    }

    /// Where others who write data say that they could not.
    pub(super) fn losses(&self) -> Losses {
        self.losses.clone()
    }

    /// Data.
    pub(super) fn put(&self, text: &str) {
        let mut stdout = anstream::stdout().lock();
        let text = harmless(&self.redactor.redact(text));
        self.losses.keep(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    }

    /// Data byte for byte, unless a terminal would take some of it for commands.
    pub(super) fn put_exact(&self, text: &str) {
        if io::stdout().is_terminal() {
            return self.put(&visible(text));
        }
        let mut stdout = io::stdout().lock();
        self.losses.keep(stdout.write_all(self.redactor.redact(text).as_bytes()).and_then(|()| stdout.flush()));
    }

    /// Data as JSON, on a line of its own.
    pub(super) fn put_json(&self, value: &impl Serialize) {
        let json = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
        let mut stdout = io::stdout().lock();
        let json = escaped_controls(&json);
        self.losses.keep(writeln!(stdout, "{}", self.redactor.redact(&json)).and_then(|()| stdout.flush()));
    }

    /// Text as it would be put: without secrets, and with nothing in it that steers a terminal.
    pub(super) fn harmless(&self, text: &str) -> String {
        harmless(&self.redactor.redact(text))
    }

    /// Talk.
    pub(super) fn say(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{}", harmless(&self.redactor.redact(text)));
    }

    /// Why a command cannot go on.
    pub(super) fn stop(&self, stop: &Stop) {
        let Some(message) = &stop.message else { return };
        if self.json {
            #[derive(Serialize)]
            struct Stopped<'a> {
                error: &'a str,
                hint: Option<&'a str>,
            }
            self.put_json(&Stopped { error: message, hint: stop.hint.as_deref() });
            return;
        }
        self.say(&format!("{ERROR}error{ERROR:#}: {}", visible(message)));
        if let Some(hint) = &stop.hint {
            self.say(&format!("hint: {}", visible(hint)));
        }
    }

    /// Asks a question, when there is somebody to answer it.
    pub(super) fn ask(&self, question: &str) -> Option<String> {
        if self.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let _ = write!(anstream::stderr().lock(), "{} ", harmless(&self.redactor.redact(question)));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok().filter(|bytes| *bytes > 0)?;
        Some(answer.trim().to_owned())
    }
}

/// Text of others without what would steer the terminal.
pub(super) fn visible(text: &str) -> String {
    let steers = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    let mut shown = String::with_capacity(text.len());
    for character in text.chars().filter(|character| *character != '\r') {
        if steers(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    shown
}

/// Text of which a terminal takes nothing for a command but colours: whatever came from others is shown, not obeyed.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|character: char| character.is_control() && !matches!(character, '\n' | '\t')) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let taken = match colour(from) {
            Some(length) => {
                shown.push_str(&from[..length]);
                length
            }
            None => {
                let control = from.chars().next().unwrap_or_default();
                if control != '\r' {
                    shown.extend(control.escape_unicode());
                }
                control.len_utf8()
            }
        };
        rest = &from[taken..];
    }
    shown.push_str(rest);
    shown
}

/// The length of a colour sequence (SGR, ECMA-48, section 8.3.117) at the start of a text.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|character: char| !character.is_ascii_digit() && character != ';')?;
    parameters[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

/// JSON in which the control characters that it allows are escaped: it says the same, and steers no terminal.
fn escaped_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_control() {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_commands_are_shown() {
        assert_eq!(harmless("\u{1b}[1;31ma\u{1b}[0m"), "\u{1b}[1;31ma\u{1b}[0m");
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\tc\u{9b}\u{1b}["), "a\\u{1b}[2Jb\n\tc\\u{9b}\\u{1b}[");
    }

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\r\n\tc\u{9b}"), "a\\u{1b}[2Jb\n\tc\\u{9b}");
    }

    #[test]
    fn json_says_the_same_without_control_characters() {
        let json = serde_json::to_string("\u{9b}\u{7f}\u{1b}é").unwrap();
        let escaped = escaped_controls(&json);
        assert!(!escaped.contains(char::is_control));
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "\u{9b}\u{7f}\u{1b}é");
    }
}
