//! A JSON file whose every place can be shown: text → a tree that remembers where it stood. The text of a part is given
//! as it was written, so that nothing is lost on the way to the component.

use std::ops::Range;

use jsonc_parser::ast::Value as Parsed;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    root: Node,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    span: Range<usize>,
    pub(crate) kind: NodeKind,
}

#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    String(String),
    Other,
}

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A JSON Pointer (RFC 6901) into the file.
    pub place: String,
    /// The same place in bytes of the text.
    pub span: Range<usize>,
    /// A lower-case phrase without a full stop.
    pub message: String,
    /// What to write instead, ready to paste.
    pub hint: Option<String>,
}

/// JSON as it is (RFC 8259), without what the parser would forgive.
pub(crate) const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

impl Source {
    /// Reads a text; `name` is what messages call it. Members that are there twice are found all at once.
    pub fn parse(name: &str, text: String) -> Result<Self, (Self, Vec<Finding>)> {
        let at_root = |span: Range<usize>, message: String| Finding { place: String::new(), span, message, hint: None };
        let mut findings = Vec::new();
        let root = match parse_to_ast(&text, &CollectOptions::default(), &STRICT) {
            Ok(parsed) => match parsed.value {
                Some(value) => node(&value, "", &mut findings),
                None => {
                    findings.push(at_root(0..0, "the file is empty".into()));
                    Node::missing()
                }
            },
            Err(error) => {
                let range = error.range();
                findings.push(at_root(range.start..range.end, lower_first(&error.kind().to_string())));
                Node::missing()
            }
        };
        let source = Self { name: name.to_owned(), text, root };
        if findings.is_empty() { Ok(source) } else { Err((source, findings)) }
    }

    /// What messages call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The text of a part, as it is written.
    pub(crate) fn text_of(&self, node: &Node) -> &str {
        &self.text[node.span.clone()]
    }

    /// What stands at a place.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Node> {
        let (node, found) = self.nearest(pointer);
        found.then_some(node)
    }

    /// Where a place stands; the nearest part around it when it is not there.
    pub fn span(&self, pointer: &str) -> Range<usize> {
        self.first_line(self.nearest(pointer).0.span.clone())
    }

    /// What stands at a place or around it, and whether it is the place itself.
    fn nearest(&self, pointer: &str) -> (&Node, bool) {
        let mut node = &self.root;
        for token in pointer.split('/').skip(1) {
            let name = unescaped(token);
            let Some(inner) = node.member(&name).or_else(|| node.element(&name)) else { return (node, false) };
            node = inner;
        }
        (node, true)
    }

    /// A part of many lines is shown by its first character.
    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        if self.text[span.clone()].contains('\n') { span.start..span.start + 1 } else { span }
    }

    /// A finding at a place.
    pub fn finding(&self, pointer: &str, message: impl Into<String>) -> Finding {
        Finding { place: pointer.to_owned(), span: self.span(pointer), message: message.into(), hint: None }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..byte.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl Finding {
    /// The same with the remedy.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Node {
    fn missing() -> Self {
        Self { span: 0..0, kind: NodeKind::Other }
    }

    pub(crate) fn members(&self) -> Option<&[(String, Self)]> {
        match &self.kind {
            NodeKind::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.members()?.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn element(&self, index: &str) -> Option<&Self> {
        match &self.kind {
            NodeKind::Array(elements) => elements.get(index.parse::<usize>().ok()?),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A JSON Pointer one step further.
pub fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The name that a part of a JSON Pointer stands for (RFC 6901, section 4).
pub(crate) fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn node(value: &Parsed<'_>, place: &str, findings: &mut Vec<Finding>) -> Node {
    let range = value.range();
    let kind = match value {
        Parsed::Object(object) => {
            let mut members: Vec<(String, Node)> = Vec::new();
            for property in &object.properties {
                let name = property.name.as_str();
                let place = pointer(place, name);
                if members.iter().any(|(known, _)| known == name) {
                    let range = property.name.range();
                    let message = format!("`{name}` is there twice");
                    findings.push(Finding { place: place.clone(), span: range.start..range.end, message, hint: None });
                }
                members.push((name.to_owned(), node(&property.value, &place, findings)));
            }
            NodeKind::Object(members)
        }
        Parsed::Array(array) => {
            let element = |(index, element)| node(element, &format!("{place}/{index}"), findings);
            NodeKind::Array(array.elements.iter().enumerate().map(element).collect())
        }
        Parsed::StringLit(text) => NodeKind::String(text.value.clone().into_owned()),
        Parsed::NumberLit(_) | Parsed::BooleanLit(_) | Parsed::NullKeyword(_) => NodeKind::Other,
    };
    Node { span: range.start..range.end, kind }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Source, Vec<String>> {
        Source::parse("x.json", text.to_owned()).map_err(|(source, findings)| {
            findings
                .into_iter()
                .map(|finding| {
                    let (line, column) = source.line_column(finding.span.start);
                    format!("{line}:{column} {}", finding.message)
                })
                .collect()
        })
    }

    #[test]
    fn a_place_is_found_or_the_nearest_around_it() {
        let source = parse("{\n  \"é/b\": [1, {\"c\": 1e2}]\n}").unwrap();
        let shown = |pointer: &str| &source.text()[source.span(pointer)];
        assert_eq!(shown("/é~1b/1/c"), "1e2");
        assert_eq!(shown("/é~1b/1/gone/further"), "{\"c\": 1e2}");
        assert_eq!(source.line_column(source.span("/é~1b/0").start), (2, 11));
    }

    #[test]
    fn what_is_not_json_is_found_with_its_line_and_column() {
        assert_eq!(
            parse("{\"a\": 1, \"a\": 2,\n\"b\": 1, \"b\": 2}").unwrap_err(),
            ["1:10 `a` is there twice", "2:9 `b` is there twice"]
        );
        for text in ["", "{", "{'a': 1}", "{a: 1}", "[1,]", "[1 2]", "// x\n1", "[01]", "[+1]", "[.5]", "[0x1]", "NaN"]
        {
            assert_eq!(parse(text).unwrap_err().len(), 1, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(text in "[\\[\\]{}:,\"a0-9eE.+ -]{0,16}|\\PC{0,10}") {
            let ours = parse(&text);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let twice = matches!(&ours, Err(findings) if findings.iter().all(|finding| finding.ends_with("twice")));
            prop_assert_eq!(ours.is_ok() || twice, theirs.is_ok(), "{:?} {:?}", ours, theirs);
        }
    }
}
