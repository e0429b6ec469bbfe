//! What came back over the wire → a response whose body says what it is. Nothing is judged here.

use serde::de::IgnoredAny;

use crate::header;
use crate::problem::{Place, Problem};

/// Why there is no whole answer. What it means for the task is decided in `outcome.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The host's policy refused; nothing was sent.
    Denied(String),
    /// The host found the request malformed; nothing was sent.
    Malformed(String),
    /// No connection came about; nothing was sent.
    NotConnected(String),
    /// The request may have arrived, and the answer did not, or not whole.
    Lost(String),
    /// The host does not hand the answer over, and would not the next time either.
    Withheld(String),
}

/// What `send.rs` hands over: the head, the bytes, and what cut the bytes short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// In the order in which they came, repeated fields kept.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The content, as far as it came.
    pub content: Vec<u8>,
    /// What ended the content early.
    pub cut: Option<Trouble>,
}

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// In the order in which they came, repeated fields kept.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Body,
}

/// The content of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No content.
    None,
    /// JSON text, byte for byte.
    Json(String),
    /// Text in UTF-8.
    Text(String),
    /// Anything else.
    Binary(Vec<u8>),
}

impl Response {
    /// Reads an answer; the warnings tell where it is not what it says it is.
    pub fn read(status: u16, headers: Vec<(String, Vec<u8>)>, content: Vec<u8>) -> (Self, Vec<Problem>) {
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, field_text(value))).collect();
        let mut response = Self { status, headers, body: Body::None };
        let mut warnings = Vec::new();
        response.body = response.read_body(content, &mut warnings);
        (response, warnings)
    }

    fn read_body(&self, content: Vec<u8>, warnings: &mut Vec<Problem>) -> Body {
        if content.is_empty() {
            return Body::None;
        }
        let content_type = self.header("content-type");
        let json = content_type.is_some_and(|written| header::is_json(&header::media_type(written)));
        // JSON is UTF-8 whatever its charset says (RFC 8259, section 8.1).
        let charset = content_type.and_then(header::charset).filter(|_| !json);
        if let Some(other) = charset.filter(|charset| !matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii")) {
            warnings.push(body_problem(format!("the text is in {other} and passed on as bytes")));
            return Body::Binary(content);
        }
        let text = match String::from_utf8(content) {
            Ok(text) => text,
            Err(error) => {
                if json {
                    warnings.push(body_problem("the answer says it is JSON but is not UTF-8"));
                }
                return Body::Binary(error.into_bytes());
            }
        };
        if !json {
            return Body::Text(text);
        }
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(IgnoredAny) => Body::Json(text),
            Err(error) => {
                warnings.push(body_problem(format!("the answer says it is JSON but is not: {error}")));
                Body::Text(text)
            }
        }
    }

    /// The first field of a lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn body_problem(message: impl Into<String>) -> Problem {
    Problem::new(&Place::root().member("body"), message)
}

/// A field's value as text: UTF-8 where it is that, else one character a byte (obs-text, RFC 9110, section 5.5).
fn field_text(value: Vec<u8>) -> String {
    String::from_utf8(value).unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(content_type: Option<&str>, content: &[u8]) -> (Body, usize) {
        let headers = content_type.map(|value| ("Content-Type".to_owned(), value.as_bytes().to_vec()));
        let (response, warnings) = Response::read(200, headers.into_iter().collect(), content.to_vec());
        (response.body, warnings.len())
    }

    #[test]
    fn a_body_is_what_its_type_and_its_bytes_agree_on() {
        let json = "{ \"n\": 1e2 }".to_owned();
        assert_eq!(body(Some("application/json"), json.as_bytes()), (Body::Json(json.clone()), 0));
        assert_eq!(body(Some("application/json; charset=latin1"), b"[]"), (Body::Json("[]".into()), 0));
        assert_eq!(body(Some("application/json"), b"<html>"), (Body::Text("<html>".into()), 1));
        assert_eq!(body(Some("application/json"), b"\xff"), (Body::Binary(vec![0xff]), 1));
        assert_eq!(body(Some("text/plain"), json.as_bytes()), (Body::Text(json), 0));
        assert_eq!(body(Some("text/plain; charset=ISO-8859-1"), b"\xe9"), (Body::Binary(vec![0xe9]), 1));
        assert_eq!(body(Some("image/png"), b"\x89PNG"), (Body::Binary(b"\x89PNG".to_vec()), 0));
        assert_eq!(body(None, b"x"), (Body::Text("x".into()), 0));
        assert_eq!(body(Some("application/json"), b""), (Body::None, 0));
    }

    #[test]
    fn header_values_that_are_not_utf_8_keep_every_byte() {
        assert_eq!(field_text(b"caf\xe9".to_vec()), "café");
        assert_eq!(field_text("café".into()), "café");
    }
}
