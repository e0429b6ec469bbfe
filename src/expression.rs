//! `${JSONPath}` and `$${…}` in any JSON. A template is read once, with all its problems; resolving it over an input
//! gives JSON whose values keep their types. A value is never expanded again.
//!
//! - `"${path}"` as a whole string becomes the value itself, of whatever type.
//! - `"${?path}"` as the whole value of a member leaves the member out when the path finds nothing.
//! - Inside a longer string a value is written as text: strings, numbers and booleans only.
//! - `$${…}` is a literal `${…}`.
//! - A path is a full RFC 9535 query (`$.lead.id`) or the shorthand without `$.` (`lead.id`). A query that can find more
//!   than one node (RFC 9535, section 2.3.5.1) gives the list of all it finds, however many.
//!
//! Deliberately absent: JSONata, and the JSONPath functions `match` and `search`, whose regular expressions would
//! multiply the component's size by five. Both are problems, never wrong values.

use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use crate::problem::{Place, Problem};

/// Any JSON with its expressions read.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// No expression in it.
    Literal(Value),
    /// A string that is one expression.
    Whole(Expression),
    /// A string with expressions in it.
    Text(Text),
    /// A list with expressions in it.
    Array(Vec<Template>),
    /// An object with expressions in it, members in the order written.
    Object(Vec<(String, Template)>),
}

/// Literal text and expressions, in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Text(pub Vec<Part>);

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// Text that the input gives.
    Expression(Expression),
}

/// One `${…}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    written: String,
    optional: bool,
    path: JsonPath,
    many: bool,
}

impl Template {
    /// Reads a JSON value, with all the problems of its expressions.
    pub fn read(value: &Value, place: &Place) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let template = Self::read_value(value, place, Standing::Alone, &mut problems);
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    fn read_value(value: &Value, place: &Place, standing: Standing, problems: &mut Vec<Problem>) -> Self {
        match value {
            Value::String(written) => match Self::read_string(written, place, standing) {
                Ok(template) => template,
                Err(mut found) => {
                    problems.append(&mut found);
                    Self::Literal(Value::Null)
                }
            },
            Value::Array(elements) => {
                let elements: Vec<_> = elements
                    .iter()
                    .enumerate()
                    .map(|(index, element)| {
                        Self::read_value(element, &place.element(index), Standing::Element, problems)
                    })
                    .collect();
                if elements.iter().all(|element| matches!(element, Self::Literal(_))) {
                    return Self::Literal(value.clone());
                }
                Self::Array(elements)
            }
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, member)| {
                        let place = place.member(name);
                        if name.contains("${") {
                            problems.push(
                                Problem::new(&place, "an expression cannot stand in a member's name")
                                    .hint("make the whole object an expression: \"${changes}\""),
                            );
                        }
                        (name.clone(), Self::read_value(member, &place, Standing::Member, problems))
                    })
                    .collect();
                if members.iter().all(|(_, member)| matches!(member, Self::Literal(_))) {
                    return Self::Literal(value.clone());
                }
                Self::Object(members)
            }
            _ => Self::Literal(value.clone()),
        }
    }

    fn read_string(written: &str, place: &Place, standing: Standing) -> Result<Self, Vec<Problem>> {
        if written.starts_with(JSONATA) {
            return Err(vec![jsonata(place)]);
        }
        let Text(mut parts) = Text::read_allowing_optional(written, place)?;
        if let [Part::Expression(expression)] = parts.as_slice() {
            if expression.optional && standing == Standing::Element {
                return Err(vec![expression.misplaced(place)]);
            }
            let Some(Part::Expression(expression)) = parts.pop() else { unreachable!("matched above") };
            return Ok(Self::Whole(expression));
        }
        match parts.as_slice() {
            [] => Ok(Self::Literal(Value::String(String::new()))),
            [Part::Literal(literal)] => Ok(Self::Literal(Value::String(literal.clone()))),
            _ => Ok(Self::Text(Text(parts).without_optional(place)?)),
        }
    }

    /// The JSON over an input; `None` when a whole `${?path}` found nothing.
    pub fn resolve(&self, input: &Value, place: &Place) -> Result<Option<Value>, Vec<Problem>> {
        let mut problems = Vec::new();
        let value = self.resolve_value(input, place, &mut problems);
        if problems.is_empty() { Ok(value) } else { Err(problems) }
    }

    fn resolve_value(&self, input: &Value, place: &Place, problems: &mut Vec<Problem>) -> Option<Value> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            Self::Whole(expression) => match expression.value(input) {
                None if !expression.optional => {
                    problems.push(expression.without_value(place));
                    None
                }
                found => found,
            },
            Self::Text(text) => match text.resolve(input, place) {
                Ok(text) => Some(Value::String(text)),
                Err(mut found) => {
                    problems.append(&mut found);
                    None
                }
            },
            Self::Array(elements) => Some(Value::Array(
                elements
                    .iter()
                    .enumerate()
                    .filter_map(|(index, element)| element.resolve_value(input, &place.element(index), problems))
                    .collect(),
            )),
            Self::Object(members) => {
                let mut resolved = Map::with_capacity(members.len());
                for (name, member) in members {
                    if let Some(value) = member.resolve_value(input, &place.member(name), problems) {
                        resolved.insert(name.clone(), value);
                    }
                }
                Some(Value::Object(resolved))
            }
        }
    }
}

/// Where a string stands decides what its absence would mean.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Alone,
    Member,
    Element,
}

impl Text {
    /// Reads a string in which every expression must find a value.
    pub fn read(written: &str, place: &Place) -> Result<Self, Vec<Problem>> {
        Self::read_allowing_optional(written, place)?.without_optional(place)
    }

    fn read_allowing_optional(written: &str, place: &Place) -> Result<Self, Vec<Problem>> {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        let mut literal = String::new();
        let mut rest = written;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            let escaped = rest.starts_with("$${");
            if !escaped && !rest.starts_with("${") {
                literal.push('$');
                rest = &rest[1..];
                continue;
            }
            let inner = &rest[if escaped { 3 } else { 2 }..];
            let Some(end) = end_of_expression(inner) else {
                problems.push(
                    Problem::new(place, format!("`{rest}` has no closing `}}`"))
                        .hint("close the expression with `}`, or write `$${…}` for a literal `${…}`"),
                );
                break;
            };
            if escaped {
                literal.push_str("${");
                literal.push_str(&inner[..=end]);
            } else {
                match Expression::read(&inner[..end], place) {
                    Ok(expression) => {
                        if !literal.is_empty() {
                            parts.push(Part::Literal(std::mem::take(&mut literal)));
                        }
                        parts.push(Part::Expression(expression));
                    }
                    Err(problem) => problems.push(problem),
                }
            }
            rest = &inner[end + 1..];
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    fn without_optional(self, place: &Place) -> Result<Self, Vec<Problem>> {
        let misplaced: Vec<_> = self
            .expressions()
            .filter(|expression| expression.optional)
            .map(|expression| expression.misplaced(place))
            .collect();
        if misplaced.is_empty() { Ok(self) } else { Err(misplaced) }
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Literal(_) => None,
        })
    }

    /// The text over an input.
    pub fn resolve(&self, input: &Value, place: &Place) -> Result<String, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Expression(expression) => match expression.text(input, place) {
                    Ok(value) => text.push_str(&value),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if problems.is_empty() { Ok(text) } else { Err(problems) }
    }
}

impl Expression {
    /// Reads what stands between `${` and `}`.
    fn read(inner: &str, place: &Place) -> Result<Self, Problem> {
        let written = format!("${{{inner}}}");
        let (optional, path) = match inner.strip_prefix('?') {
            Some(path) => (true, path),
            None => (false, inner),
        };
        if path.starts_with(JSONATA) {
            return Err(jsonata(place));
        }
        if path.starts_with("swf:") {
            return Err(Problem::new(place, format!("`{written}`: names that begin with `swf:` are reserved")));
        }
        let full = if path.starts_with('$') {
            path.to_owned()
        } else if path.starts_with('[') {
            format!("${path}")
        } else {
            format!("$.{path}")
        };
        let parsed = JsonPath::parse(&full).map_err(|_| {
            let problem = Problem::new(place, format!("`{written}` is not a JSONPath (RFC 9535)"));
            if path.contains("match(") || path.contains("search(") {
                problem.hint("the functions match and search are not supported; filter before this task")
            } else {
                problem.hint("write a path such as `${lead.id}`, `${$.lead.id}` or `${$['lead id']}`")
            }
        })?;
        // Only a singular query may stand in a comparison (RFC 9535, section 2.3.5.1), so the parser itself tells.
        let many = JsonPath::parse(&format!("$[?{full}==0]")).is_err();
        Ok(Self { written, optional, path: parsed, many })
    }

    /// The expression as the author wrote it: `${lead.id}`.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What the input has here: a value of any type, or the list of all nodes of a query that may find several.
    fn value(&self, input: &Value) -> Option<Value> {
        let nodes = self.path.query(input);
        if self.many {
            return Some(nodes.into_iter().cloned().collect());
        }
        nodes.first().cloned()
    }

    /// The value as text for a place inside a longer string.
    pub fn text(&self, input: &Value, place: &Place) -> Result<String, Problem> {
        let value = self.value(input).ok_or_else(|| self.without_value(place))?;
        text_of(&value).ok_or_else(|| {
            Problem::new(place, format!("`{}` is {}, which has no place inside text", self.written, kind(&value)))
        })
    }

    fn without_value(&self, place: &Place) -> Problem {
        Problem::new(place, format!("`{}` finds no value in the input", self.written)).missing(self.written.clone())
    }

    fn misplaced(&self, place: &Place) -> Problem {
        Problem::new(
            place,
            format!("`{}` may only be the whole value of a member, which it can leave out", self.written),
        )
        .hint(self.written.replacen("${?", "${", 1))
    }
}

/// A string, number or boolean as text; nothing else is.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The type of a JSON value, in words.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

const JSONATA: &str = "jsonata:";

fn jsonata(place: &Place) -> Problem {
    Problem::new(place, "JSONata is not supported").hint("write a JSONPath: `${lead.id}`")
}

/// The index of the `}` that closes an expression: the first one outside a quoted name.
fn end_of_expression(inner: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in inner.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '}') => return Some(index),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parse(text: &str) -> Value {
        crate::json::parse(text).unwrap()
    }

    fn resolve(template: Value, input: Value) -> Result<Option<Value>, Vec<Problem>> {
        let place = Place::root();
        Template::read(&template, &place)?.resolve(&input, &place)
    }

    fn messages(result: Result<Option<Value>, Vec<Problem>>) -> Vec<String> {
        result.unwrap_err().into_iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect()
    }

    #[test]
    fn a_whole_expression_keeps_the_type() {
        for text in ["null", "true", "0", "1e2", "12345678901234567890", "1.0", "\"\"", "[]", "{}", "{\"b\":1,\"a\":2}"]
        {
            let resolved = resolve(json!({"x": "${v}"}), parse(&format!("{{\"v\":{text}}}"))).unwrap().unwrap();
            assert_eq!(resolved.to_string(), format!("{{\"x\":{text}}}"));
        }
    }

    #[test]
    fn inside_text_a_value_is_written_as_text() {
        let input = parse(r#"{"s":"é","n":1e2,"b":false}"#);
        assert_eq!(resolve(json!("a ${s} ${n} ${b} $5"), input).unwrap(), Some(json!("a é 1e2 false $5")));
    }

    #[test]
    fn null_lists_and_objects_have_no_place_inside_text() {
        let input = json!({"n": null, "l": [], "o": {}});
        assert_eq!(
            messages(resolve(json!(["a ${n}", "a ${l}", "a ${o}"]), input)),
            [
                "/0: `${n}` is null, which has no place inside text",
                "/1: `${l}` is a list, which has no place inside text",
                "/2: `${o}` is an object, which has no place inside text",
            ]
        );
    }

    #[test]
    fn an_optional_expression_leaves_the_member_out() {
        let template = json!({"a": "${?gone}", "b": "${?null}", "c": 1});
        assert_eq!(resolve(template, json!({"null": null})).unwrap(), Some(json!({"b": null, "c": 1})));
    }

    #[test]
    fn an_optional_expression_has_no_other_place() {
        assert_eq!(messages(resolve(json!({"a": ["${?x}"], "b": "x${?x}"}), json!({}))).len(), 2);
    }

    #[test]
    fn a_missing_value_is_a_problem_that_names_the_expression() {
        let problems = resolve(json!({"a": ["${lead.id}"]}), json!({})).unwrap_err();
        assert_eq!(problems[0].place, "/a/0");
        assert_eq!(problems[0].missing.as_deref(), Some("${lead.id}"));
    }

    #[test]
    fn the_escape_is_literal_and_values_are_not_expanded_again() {
        assert_eq!(resolve(json!("$${a} $$${a} ${v}"), json!({"v": "${v}"})).unwrap(), Some(json!("${a} $${a} ${v}")));
    }

    #[test]
    fn paths_are_shorthand_or_full_and_may_hold_braces_in_quotes() {
        let input = json!({"a}b": 1, "l": [{"id": 7}, {"id": 8}], "x-y": 2});
        for (path, value) in [
            ("$['a}b']", json!(1)),
            ("['x-y']", json!(2)),
            ("l[1].id", json!(8)),
            ("$.l[-1].id", json!(8)),
            ("$", input.clone()),
            ("$.l[*].id", json!([7, 8])),
            ("$.l[?@.id>7].id", json!([8])),
            ("$..nothing", json!([])),
        ] {
            assert_eq!(resolve(json!(format!("${{{path}}}")), input.clone()).unwrap(), Some(value), "{path}");
        }
    }

    #[test]
    fn what_is_not_supported_is_a_problem_never_a_value() {
        for template in [
            "jsonata:$sum(a)",
            "${jsonata:$sum(a)}",
            "${swf:now}",
            "${",
            "${}",
            "${a b}",
            "${$.l[?match(@.id, 'x')]}",
            "${$.l[?search(@.id, 'x')]}",
            "${$.l[?nosuch(@.id) == 1]}",
        ] {
            assert!(resolve(json!(template), json!({"a": 1, "l": [{"id": "x"}]})).is_err(), "{template}");
        }
        assert!(resolve(json!({"${a}": 1}), json!({"a": "b"})).is_err());
    }

    proptest! {
        #[test]
        fn reading_any_text_ends_and_text_without_a_dollar_is_itself(text in "\\PC*") {
            let place = Place::root();
            let read = Template::read(&Value::String(text.clone()), &place);
            if !text.contains('$') && !text.starts_with(JSONATA) {
                prop_assert_eq!(read, Ok(Template::Literal(Value::String(text))));
            }
        }

        #[test]
        fn any_value_comes_through_a_whole_expression_as_itself(text in "\\PC*") {
            let resolved = resolve(json!("${v}"), json!({"v": text.clone()}));
            prop_assert_eq!(resolved, Ok(Some(Value::String(text))));
        }
    }
}
