//! The path of a grant: `/v1/leads/{leadId}`, in which `{…}` stands for one segment and a last `**` for any that follow.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::target::Target;

/// A path of which some segments are left open.
#[derive(Debug, Clone)]
pub struct PathTemplate {
    segments: Vec<Segment>,
    /// Whether any segments may follow, or none.
    open: bool,
}

#[derive(Debug, Clone)]
enum Segment {
    /// In its normal form.
    Literal(String),
    /// One segment that is not empty. The name says what it is to a reader, and nothing more.
    Any(String),
}

/// A text that is no path of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathError;

impl Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path begins with `/`, has `{…}` for one whole segment, and may end with `/**`")
    }
}

impl std::error::Error for PathError {}

impl PathTemplate {
    /// Every path.
    pub fn any() -> Self {
        Self { segments: Vec::new(), open: true }
    }

    /// The path of a request, of which nothing is open.
    pub(super) fn of_target(target: &Target) -> Self {
        Self { segments: target.segments().into_iter().map(Segment::Literal).collect(), open: false }
    }

    /// The path of a URL as a definition writes it. A segment with an expression is open, whatever else is in it.
    pub(super) fn of_written(url: &str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        // A backslash is a slash to whoever reads URLs as browsers do (WHATWG URL, section 4.4).
        let path = rest.find(['/', '\\', '?', '#']).map_or("", |at| &rest[at..]);
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut name = None;
        let mut end = |literal: &mut String, name: &mut Option<String>| {
            let literal = std::mem::take(literal);
            segments.push(name.take().map_or_else(|| normal(&literal), Segment::Any));
        };
        let mut rest = path.strip_prefix(['/', '\\']).unwrap_or(path);
        while let Some(character) = rest.chars().next() {
            if let Some((expression, after)) = expression(rest) {
                name = name.or_else(|| Some(last_name(expression)));
                rest = after;
                continue;
            }
            match character {
                '?' | '#' => break,
                '/' | '\\' => end(&mut literal, &mut name),
                character => literal.push(character),
            }
            rest = &rest[character.len_utf8()..];
        }
        end(&mut literal, &mut name);
        Self { segments, open: false }
    }

    /// Whether every path of the other is one of these.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.compare(other, |ours, theirs| match (ours, theirs) {
            (Segment::Any(_), Segment::Literal(literal)) => !literal.is_empty(),
            (Segment::Any(_), Segment::Any(_)) => true,
            (Segment::Literal(ours), Segment::Literal(theirs)) => ours == theirs,
            (Segment::Literal(_), Segment::Any(_)) => false,
        }) && (self.open || !other.open)
    }

    /// Whether some path of the other is one of these.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.compare(other, |ours, theirs| match (ours, theirs) {
            (Segment::Any(_), Segment::Literal(literal)) | (Segment::Literal(literal), Segment::Any(_)) => {
                !literal.is_empty()
            }
            (Segment::Any(_), Segment::Any(_)) => true,
            (Segment::Literal(ours), Segment::Literal(theirs)) => ours == theirs,
        })
    }

    fn compare(&self, other: &Self, same: impl Fn(&Segment, &Segment) -> bool) -> bool {
        let enough = match self.open {
            true => other.segments.len() >= self.segments.len(),
            false => other.segments.len() == self.segments.len(),
        };
        enough && self.segments.iter().zip(&other.segments).all(|(ours, theirs)| same(ours, theirs))
    }
}

fn normal(segment: &str) -> Segment {
    // Read as part of a URL, so that both sides of a comparison went the same way.
    let read = Target::of(&format!("http://a/{segment}")).map(|target| target.segments().concat());
    Segment::Literal(read.unwrap_or_else(|_| segment.to_owned()))
}

/// The expression that a text begins with, and what follows it. A quoted `}` does not end it.
fn expression(text: &str) -> Option<(&str, &str)> {
    let expression = text.strip_prefix("${")?;
    let mut quote = None;
    for (at, character) in expression.char_indices() {
        match (quote, character) {
            (None, '}') => return Some((&expression[..at], &expression[at + 1..])),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

/// `leadId` of `$.lead['leadId']`.
fn last_name(expression: &str) -> String {
    let mut names = expression.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    names.rfind(|name| !name.is_empty()).unwrap_or("value").to_owned()
}

impl PartialEq for PathTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }
}

impl FromStr for PathTemplate {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let path = text.strip_prefix('/').ok_or(PathError)?;
        let mut segments: Vec<_> = path.split('/').collect();
        let open = segments.pop_if(|last| *last == "**").is_some();
        let segments = segments.into_iter().map(|segment| {
            match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
                Some(name) if !name.is_empty() && !name.contains(['{', '}']) => Ok(Segment::Any(name.to_owned())),
                None if segment.contains(['{', '}', '?', '#', '*', '\\']) || segment == "." || segment == ".." => {
                    Err(PathError)
                }
                None => Ok(normal(segment)),
                Some(_) => Err(PathError),
            }
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()?, open })
    }
}

impl Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => write!(f, "/{literal}")?,
                Segment::Any(name) => write!(f, "/{{{name}}}")?,
            }
        }
        f.write_str(if self.open { "/**" } else { "" })
    }
}

impl<'de> Deserialize<'de> for PathTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathTemplate {
        text.parse().unwrap()
    }

    fn of(url: &str) -> PathTemplate {
        PathTemplate::of_target(&Target::of(url).unwrap())
    }

    #[test]
    fn a_path_covers_what_has_the_same_segments_and_nothing_else() {
        for (template, covered, not_covered) in [
            (
                "/v1/leads/{id}",
                &["/v1/leads/7", "/v1/leads/a%2Fb", "/v1/%6ceads/x"][..],
                &[
                    "/v1/leads",
                    "/v1/leads/",
                    "/v1/leads/7/x",
                    "/v1/leadsx/7",
                    "/V1/leads/7",
                    "/v1/leads//",
                    "/v1%2Fleads/7",
                ][..],
            ),
            ("/", &["", "/"], &["/x"]),
            ("/a/**", &["/a/", "/a/b", "/a/b/c", "/a"], &["/ab", "/b/a", "/"]),
            ("/**", &["/", "/a/b"], &[]),
            ("/é", &["/é", "/%c3%a9"], &["/e"]),
        ] {
            for covered in covered {
                assert!(path(template).covers(&of(&format!("https://a.example{covered}"))), "{template} {covered}");
            }
            for other in not_covered {
                assert!(!path(template).covers(&of(&format!("https://a.example{other}"))), "{template} {other}");
            }
        }
    }

    #[test]
    fn the_path_of_a_definition_has_an_open_segment_for_each_expression() {
        for (url, expected) in [
            ("https://a.example/v1/leads/${leadId}", "/v1/leads/{leadId}"),
            ("https://a.example/${$.lead['id']}.json?x=${y}", "/{id}"),
            ("https://a.example/a/${$['}']}-${b}/c", "/a/{value}/c"),
            ("https://a.example", "/"),
            ("https://a.example?x=/y", "/"),
        ] {
            assert_eq!(PathTemplate::of_written(url).to_string(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_and_what_is_one_reads_as_it_writes() {
        for text in ["", "v1", "/a{id}", "/{}", "/a/**/b", "/a*", "/../a", "/a?b", "/{a}{b}"] {
            assert!(text.parse::<PathTemplate>().is_err(), "{text}");
        }
        for text in ["/", "/v1/{id}", "/a//b/", "/**", "/a/{b}/**", "/x%2Fy"] {
            assert_eq!(path(text).to_string(), text);
        }
    }
}
