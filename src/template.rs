//! Any JSON with `${…}` in it: read once, with all its problems, and resolved over an input.
//!
//! - `"${path}"` as a whole string becomes the value itself, of whatever type.
//! - `"${?path}"` as the whole value of a member leaves the member out when the path finds nothing.
//! - Inside a longer string a value is written as text.

use serde_json::{Map, Value};

use crate::expression::{Expression, Part, Text, refuse_jsonata};
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
                Self::Array(elements).folded()
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
                Self::Object(members).folded()
            }
            _ => Self::Literal(value.clone()),
        }
    }

    fn read_string(written: &str, place: &Place, standing: Standing) -> Result<Self, Vec<Problem>> {
        refuse_jsonata(written, place).map_err(|problem| vec![problem])?;
        let Text(mut parts) = Text::read_allowing_optional(written, place)?;
        if let [Part::Expression(expression)] = parts.as_slice() {
            if expression.is_optional() && standing == Standing::Element {
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

    /// One literal where all the parts are; a part may differ from what was written, as `$${…}` does.
    fn folded(self) -> Self {
        fn literal(template: &Template) -> Option<Value> {
            match template {
                Template::Literal(value) => Some(value.clone()),
                _ => None,
            }
        }
        let folded = match &self {
            Self::Array(elements) => elements.iter().map(literal).collect::<Option<Vec<_>>>().map(Value::Array),
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| Some((name.clone(), literal(value)?));
                members.iter().map(member).collect::<Option<Map<_, _>>>().map(Value::Object)
            }
            _ => None,
        };
        folded.map_or(self, Self::Literal)
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
                None if !expression.is_optional() => {
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
    fn the_escape_is_literal_wherever_it_stands() {
        for text in ["{\"a\":\"$${x}\"}", "[\"$${x}\",1]", "{\"a\":[{\"b\":\"$${x}\"}],\"c\":\"${v}\"}"] {
            let resolved = resolve(parse(text), json!({"v": 1})).unwrap().unwrap().to_string();
            assert_eq!(resolved, text.replace("$${x}", "${x}").replace("\"${v}\"", "1"));
        }
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
            ("$.l[?@.id=='12345678901234567890' || @.id==8].id", json!([8])),
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
            "${$.l[?@.id == 12345678901234567890]}",
            "${$.l[?@[?@[?@[?@[?@]]]]]}",
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
            if !text.contains('$') && !text.starts_with("jsonata:") {
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
