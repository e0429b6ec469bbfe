//! The text of a document → JSON, whether it is written as JSON or as YAML. Bounded in size, in depth, and in what aliases
//! may repeat: a document comes from anywhere.

use std::fmt::{self, Display};

use serde_json::Value;

/// More than ten times the largest documents that are published; as JSON in memory it takes about 300 MiB.
pub const MOST_DOCUMENT_BYTES: usize = 32 * 1024 * 1024;

/// Real documents stay below 40 levels. JSON has serde_json's own limit, which is 128.
const MOST_DEPTH: usize = 64;

/// What a YAML document of the greatest size has, when its values are short.
const MOST_NODES: usize = 4_000_000;

/// A document that is no JSON and no YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntaxError {
    /// It has so many bytes.
    TooLarge(usize),
    /// It is not UTF-8 from this byte on.
    NotText(usize),
    /// There is nothing in it.
    Empty,
    /// It cannot be read from this place on.
    Malformed {
        /// `JSON` or `YAML`.
        language: &'static str,
        /// Line and column, from 1, where they are known.
        at: Option<(usize, usize)>,
        /// Why.
        message: String,
    },
}

impl Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::TooLarge(bytes) => {
                write!(f, "the document has {} MiB, and may have {} MiB", bytes / MIB, MOST_DOCUMENT_BYTES / MIB)
            }
            Self::NotText(byte) => write!(f, "the document is not text in UTF-8 from byte {byte} on"),
            Self::Empty => f.write_str("the document is empty"),
            Self::Malformed { language, at: Some((line, column)), message } => {
                write!(f, "{line}:{column}: this is not {language}: {message}")
            }
            Self::Malformed { language, at: None, message } => write!(f, "this is not {language}: {message}"),
        }
    }
}

impl std::error::Error for SyntaxError {}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Value, SyntaxError> {
    if bytes.len() > MOST_DOCUMENT_BYTES {
        return Err(SyntaxError::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| SyntaxError::NotText(error.valid_up_to()))?;
    // A byte order mark is no part of the text (RFC 8259, section 8.1).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().chars().next() {
        None => Err(SyntaxError::Empty),
        Some('{' | '[') => json(text),
        Some(_) => yaml(text),
    }
}

fn json(text: &str) -> Result<Value, SyntaxError> {
    serde_json::from_str(text).map_err(|error| SyntaxError::Malformed {
        language: "JSON",
        at: Some((error.line(), error.column())),
        message: without_place(&error.to_string()),
    })
}

/// serde_json says the place after the message.
fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

fn yaml(text: &str) -> Result<Value, SyntaxError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_DEPTH,
            flow_nesting_limit: MOST_DEPTH,
            max_nodes: MOST_NODES,
            max_events: 2 * MOST_NODES,
            max_documents: 1,
        },
        // As JSON has it (RFC 8259, section 4, what most readers do).
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        // `yes` and `no` are text (YAML 1.2, section 10.3.2).
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| SyntaxError::Malformed {
        language: "YAML",
        at: error.location().map(|location| (location.line() as usize, location.column() as usize)),
        message: first_line(&error.without_snippet().to_string()),
    })
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_yaml_say_the_same() {
        let expected =
            json!({"openapi": "3.1.0", "responses": {"200": {"ok": true}, "404": null}, "n": [1, 1.5, "no"]});
        let yaml = "openapi: 3.1.0\nresponses:\n  200: {ok: true}\n  '404':\nn:\n- 1\n- 1.5\n- no\n";
        assert_eq!(read(yaml.as_bytes()).unwrap(), expected);
        assert_eq!(read(expected.to_string().as_bytes()).unwrap(), expected);
        assert_eq!(read(b"\xef\xbb\xbf {\"a\": 1}").unwrap(), json!({"a": 1}));
    }

    #[test]
    fn what_is_hostile_is_refused_with_its_place() {
        let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
            let before = level - 1;
            text + &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 9].join(", "))
        });
        let deep_yaml = "a: ".to_owned() + &"[".repeat(100_000);
        let blocks = (0..2000).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n");
        for (text, says) in [
            ("", "empty"),
            ("  \n", "empty"),
            ("{\"a\": ", "1:6: this is not JSON"),
            ("a: [1", "this is not YAML"),
            ("a: *gone", "this is not YAML"),
            (&("{\"a\":".repeat(100_000)), "recursion limit"),
            (&deep_yaml, "this is not YAML"),
            (&blocks, "this is not YAML"),
            (&bomb, "this is not YAML"),
        ] {
            let said = read(text.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(says) && said.len() < 400, "{said}");
        }
        assert_eq!(read(b"{\"a\": \"\xff\"}"), Err(SyntaxError::NotText(7)));
        assert!(matches!(read(&vec![b' '; 100_000_000]), Err(SyntaxError::TooLarge(100_000_000))));
    }

    proptest! {
        #[test]
        fn reading_anything_ends(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[&*:{}\\[\\]\"' a-c\n-]{0,80}") {
            let _ = read(&bytes);
            let _ = read(text.as_bytes());
        }
    }
}
