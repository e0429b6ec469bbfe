//! A URL as written in a definition → its parts → the URL over an input, percent-encoded exactly once.
//!
//! Scheme and authority are fixed when the definition is read, so that nothing in an input can choose the server. A
//! value fills part of one path segment or of one query value, and is encoded for that place: it never adds a slash, a
//! dot segment, a query or an authority (RFC 3986, sections 2.1, 3.3 and 5.2.4).

mod authority;

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use self::authority::{origin, read_authority, split_authority, split_scheme};
use crate::expression::{Part, Text};
use crate::problem::{Place, Problem};

/// All but the unreserved characters (RFC 3986, section 2.3): what a value may not say unencoded.
pub const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an author may write as it is in a path (RFC 3986, section 3.3); `%` is judged apart.
const WRITTEN_IN_PATH: &AsciiSet = &VALUE
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'%');

/// The same in a query (RFC 3986, section 3.4).
const WRITTEN_IN_QUERY: &AsciiSet = &WRITTEN_IN_PATH.remove(b'/').remove(b'?');

/// What stands for an expression where a URL is looked at without an input: no character of it is in any other URL.
pub const EXPRESSION: &str = "{}";

/// A URL with its expressions read.
#[derive(Debug, Clone, PartialEq)]
pub struct UrlTemplate {
    /// `https://api.example.com`, lower case, without the default port.
    origin: String,
    segments: Vec<Text>,
    query: Option<Text>,
}

impl UrlTemplate {
    /// Reads a URL, with all its problems.
    pub fn read(written: &str, place: &Place) -> Result<Self, Vec<Problem>> {
        let Text(parts) = Text::read(written, place)?;
        let mut problems = Vec::new();
        let (scheme, parts) = match split_scheme(parts) {
            Ok(split) => split,
            Err(message) => {
                return Err(vec![Problem::new(place, message).hint("https://api.example.com/v1/leads/${leadId}")]);
            }
        };
        let (authority, rest) = split_authority(parts);
        let origin = match read_authority(&authority) {
            Ok(authority) => origin(scheme, &authority),
            Err(message) => {
                problems.push(Problem::new(place, message).hint("write the server out: https://api.example.com/…"));
                String::new()
            }
        };
        let (path, query) = split_query(rest, place, &mut problems);
        let segments = split_segments(path);
        for segment in &segments {
            if segment.0.iter().all(|part| matches!(part, Part::Literal(_))) && is_dot_segment(&literal_text(segment)) {
                problems.push(Problem::new(place, "a `.` or `..` segment would change the path on its way"));
            }
        }
        let mut url = Self { origin, segments, query };
        url.encode_what_is_written(place, &mut problems);
        if problems.is_empty() { Ok(url) } else { Err(problems) }
    }

    /// The URL without its query, with [`EXPRESSION`] for each expression.
    pub fn written(&self) -> String {
        let part = |part: &Part| match part {
            Part::Literal(literal) => literal.clone(),
            Part::Expression(_) => EXPRESSION.to_owned(),
        };
        let segments =
            self.segments.iter().flat_map(|segment| std::iter::once("/".to_owned()).chain(segment.0.iter().map(part)));
        std::iter::once(self.origin.clone()).chain(segments).collect()
    }

    fn encode_what_is_written(&mut self, place: &Place, problems: &mut Vec<Problem>) {
        let in_path = self.segments.iter_mut().map(|text| (text, WRITTEN_IN_PATH));
        let in_query = self.query.iter_mut().map(|text| (text, WRITTEN_IN_QUERY));
        for (text, set) in in_path.chain(in_query) {
            for part in &mut text.0 {
                let Part::Literal(literal) = part else { continue };
                if has_stray_percent(literal) {
                    problems
                        .push(Problem::new(place, "a `%` that is not followed by two hexadecimal digits").hint("%25"));
                }
                *literal = utf8_percent_encode(literal, set).to_string();
            }
        }
    }

    /// The URL over an input, with `query` added to what the URL itself has.
    pub fn resolve(&self, input: &Value, query: &[(String, String)], place: &Place) -> Result<String, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut url = self.origin.clone();
        for segment in &self.segments {
            url.push('/');
            let start = url.len();
            fill(segment, Slot::Segment, input, place, &mut url, &mut problems);
            if is_dot_segment(&url[start..]) {
                problems
                    .push(Problem::new(place, "the value makes a `.` or `..` segment, which would change the path"));
            }
        }
        if self.segments.is_empty() {
            url.push('/');
        }
        let mut separator = Some('?');
        if let Some(text) = &self.query {
            url.push('?');
            fill(text, Slot::Query, input, place, &mut url, &mut problems);
            separator = (!url.ends_with(['?', '&'])).then_some('&');
        }
        for (name, value) in query {
            url.extend(separator);
            let _ = write!(url, "{}={}", utf8_percent_encode(name, VALUE), utf8_percent_encode(value, VALUE));
            separator = Some('&');
        }
        if problems.is_empty() { Ok(url) } else { Err(problems) }
    }
}

/// What a value fills.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    /// Part of a segment; an empty one would make another resource of it: `/leads/` is not `/leads/{id}`.
    Segment,
    /// Part of the query.
    Query,
}

fn fill(text: &Text, slot: Slot, input: &Value, place: &Place, url: &mut String, problems: &mut Vec<Problem>) {
    for part in &text.0 {
        match part {
            Part::Literal(literal) => url.push_str(literal),
            Part::Expression(expression) => match expression.text(input, place) {
                Ok(value) if value.is_empty() && slot == Slot::Segment => problems.push(Problem::new(
                    place,
                    format!("`{}` is empty, which would change the path", expression.written()),
                )),
                Ok(value) => url.extend(utf8_percent_encode(&value, VALUE)),
                Err(problem) => problems.push(problem),
            },
        }
    }
}

fn split_query(parts: Vec<Part>, place: &Place, problems: &mut Vec<Problem>) -> (Vec<Part>, Option<Text>) {
    let mut path = Vec::new();
    let mut query: Option<Vec<Part>> = None;
    for part in parts {
        let Part::Literal(mut literal) = part else {
            query.as_mut().unwrap_or(&mut path).push(part);
            continue;
        };
        if literal.contains('#') {
            problems.push(Problem::new(place, "a `#` begins a fragment, which is never sent").hint("%23"));
        }
        if query.is_none()
            && let Some(at) = literal.find('?')
        {
            path.push(Part::Literal(literal[..at].to_owned()));
            query = Some(Vec::new());
            literal.drain(..=at);
        }
        if !literal.is_empty() {
            query.as_mut().unwrap_or(&mut path).push(Part::Literal(literal));
        }
    }
    (path, query.map(Text))
}

/// Splits a path that begins with `/` (or is empty) at its slashes.
fn split_segments(path: Vec<Part>) -> Vec<Text> {
    let mut segments: Vec<Text> = Vec::new();
    for part in path {
        let Part::Literal(literal) = part else {
            if let Some(Text(segment)) = segments.last_mut() {
                segment.push(part);
            }
            continue;
        };
        for (index, piece) in literal.split('/').enumerate() {
            if index > 0 {
                segments.push(Text(Vec::new()));
            }
            if !piece.is_empty()
                && let Some(Text(segment)) = segments.last_mut()
            {
                segment.push(Part::Literal(piece.to_owned()));
            }
        }
    }
    segments
}

fn literal_text(text: &Text) -> String {
    text.0
        .iter()
        .filter_map(|part| match part {
            Part::Literal(literal) => Some(literal.as_str()),
            Part::Expression(_) => None,
        })
        .collect()
}

/// Whether a receiver would take the segment for `.` or `..`; an encoded dot counts (WHATWG URL, "double-dot").
fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

fn has_stray_percent(written: &str) -> bool {
    let bytes = written.as_bytes();
    (0..bytes.len()).any(|at| {
        bytes[at] == b'%' && !bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Names and values as `application/x-www-form-urlencoded` (WHATWG URL, section 5.2).
pub fn form(pairs: &[(String, String)]) -> String {
    /// Of the unreserved characters, a form encodes `~` and keeps `*`.
    const FORM: &AsciiSet = &VALUE.add(b'~').remove(b'*');
    let encode = |text: &str| utf8_percent_encode(text, FORM).to_string().replace("%20", "+");
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn resolve(written: &str, input: Value) -> Result<String, Vec<String>> {
        let place = Place::root();
        UrlTemplate::read(written, &place)
            .and_then(|url| url.resolve(&input, &[], &place))
            .map_err(|problems| problems.into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn what_the_author_writes_is_encoded_once() {
        for (written, sent) in [
            ("https://API.example.com", "https://api.example.com/"),
            ("HTTPS://api.example.com:443/a b/%20/é", "https://api.example.com/a%20b/%20/%C3%A9"),
            ("http://[::1]:8080/?q=a b&c", "http://[::1]:8080/?q=a%20b&c"),
            ("https://a.example?x=1", "https://a.example/?x=1"),
            ("https://a.example//b/", "https://a.example//b/"),
            ("https://a.example/a\\b\"<>", "https://a.example/a%5Cb%22%3C%3E"),
            ("https://a.example/$${x}", "https://a.example/$%7Bx%7D"),
        ] {
            assert_eq!(resolve(written, json!({})), Ok(sent.to_owned()));
        }
    }

    #[test]
    fn a_value_fills_one_segment_or_one_query_value() {
        let hostile = "../a/b?c=d&e#f@g%2e\\ é+";
        let encoded = "..%2Fa%2Fb%3Fc%3Dd%26e%23f%40g%252e%5C%20%C3%A9%2B";
        assert_eq!(
            resolve("https://a.example/x/${v}/y?q=${v}&r=1", json!({"v": hostile})),
            Ok(format!("https://a.example/x/{encoded}/y?q={encoded}&r=1"))
        );
    }

    #[test]
    fn a_value_that_would_change_the_path_is_a_problem() {
        for value in ["", ".", ".."] {
            assert!(resolve("https://a.example/x/${v}", json!({"v": value})).is_err(), "{value:?}");
        }
        assert!(resolve("https://a.example/x/.${v}", json!({"v": "."})).is_err());
        assert!(resolve("https://a.example/x/%2e${v}", json!({"v": "."})).is_err());
        assert_eq!(
            resolve("https://a.example/x/%2e${v}", json!({"v": "%2e"})),
            Ok("https://a.example/x/%2e%252e".into())
        );
        assert_eq!(resolve("https://a.example/?q=${v}", json!({"v": ""})), Ok("https://a.example/?q=".into()));
    }

    #[test]
    fn what_could_reach_another_server_is_a_problem() {
        for written in [
            "${base}/leads",
            "https://${company}.example.com/",
            "https://a.example${x}/",
            "https://user:pass@a.example/",
            "https://a.example:70000/",
            "https://a.example:/",
            "https://exämple.com/",
            "https:///leads",
            "https://a%2eexample/",
            "https://[::1/",
            "ftp://a.example/",
            "/leads",
            "https://a.example/#x",
            "https://a.example/../x",
            "https://a.example/%2E%2e/x",
            "https://a.example/100%",
        ] {
            assert!(resolve(written, json!({"x": "x", "base": "x", "company": "x"})).is_err(), "{written}");
        }
    }

    #[test]
    fn added_query_values_follow_what_the_url_has() {
        let place = Place::root();
        let added = [("a b".to_owned(), "c&d".to_owned()), ("a b".to_owned(), String::new())];
        for (written, sent) in [
            ("https://a.example/", "https://a.example/?a%20b=c%26d&a%20b="),
            ("https://a.example/?x=1", "https://a.example/?x=1&a%20b=c%26d&a%20b="),
            ("https://a.example/?", "https://a.example/?a%20b=c%26d&a%20b="),
        ] {
            let url = UrlTemplate::read(written, &place).unwrap();
            assert_eq!(url.resolve(&json!({}), &added, &place), Ok(sent.to_owned()));
        }
    }

    #[test]
    fn a_form_writes_a_space_as_a_plus() {
        assert_eq!(form(&[("a b".into(), "~*+é".into()), ("c".into(), String::new())]), "a+b=%7E*%2B%C3%A9&c=");
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_segment(value in "\\PC*|[./%?#@:\\\\]{0,6}") {
            if let Ok(url) = resolve("https://a.example/x/${v}/y", json!({"v": value})) {
                let path = url.strip_prefix("https://a.example/x/").unwrap();
                let segment = path.strip_suffix("/y").unwrap();
                prop_assert!(!segment.contains(['/', '?', '#', '\\', '@']));
                let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(decoded, value);
            }
        }

        #[test]
        fn reading_any_url_ends(written in "(https://)?[a-z0-9.:/@%?#\\[\\]${}]{0,40}") {
            let _ = resolve(&written, json!({"a": "b"}));
        }
    }
}
