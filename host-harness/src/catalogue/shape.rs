//! What a complete schema says of a value at first sight: its types, members, limits. References are followed, what all parts
//! say is joined, and a choice that is only between something and null is that something, or null.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::definition;

/// How many schemas deep one value may be said, and in how many in all.
const MOST_STEPS: usize = 32;
const MOST_PARTS: usize = 2_000;

/// What a value may be.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shape<'s> {
    /// Without `null`.
    pub(super) types: BTreeSet<&'s str>,
    pub(super) nullable: bool,
    /// In the order written.
    pub(super) properties: Vec<(&'s str, &'s Value)>,
    pub(super) required: BTreeSet<&'s str>,
    pub(super) items: Option<&'s Value>,
    pub(super) values: Vec<&'s Value>,
    /// The schemas that it is a choice of.
    pub(super) choices: Vec<&'s Value>,
    /// Every other keyword, the outermost of each.
    pub(super) keywords: Map<String, Value>,
    /// The schemas that were joined so far.
    parts: usize,
}

impl<'s> Shape<'s> {
    /// Of a schema that stands in `root`.
    pub(super) fn of(root: &'s Value, schema: &'s Value) -> Self {
        let mut shape = Self::default();
        shape.add(root, schema, 0);
        shape
    }

    fn add(&mut self, root: &'s Value, schema: &'s Value, depth: usize) {
        self.parts += 1;
        if depth > MOST_STEPS || self.parts > MOST_PARTS {
            return;
        }
        let Value::Object(members) = schema else { return };
        for (keyword, value) in members {
            match (keyword.as_str(), value) {
                ("$defs" | "$ref", _) => {}
                ("type", Value::String(name)) => self.add_type(name),
                ("type", Value::Array(names)) => {
                    names.iter().filter_map(Value::as_str).for_each(|name| self.add_type(name));
                }
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        match self.properties.iter_mut().find(|(known, _)| known == name) {
                            // What is said further out is said of this use.
                            Some(_) => {}
                            None => self.properties.push((name, property)),
                        }
                    }
                }
                ("required", Value::Array(names)) => self.required.extend(names.iter().filter_map(Value::as_str)),
                ("items", items) => self.items = self.items.or(Some(items)),
                ("enum", Value::Array(values)) if self.values.is_empty() => {
                    self.nullable |= values.contains(&Value::Null);
                    self.values = values.iter().filter(|value| !value.is_null()).collect();
                }
                ("const", value) if self.values.is_empty() => self.values = vec![value],
                ("allOf", Value::Array(parts)) => parts.iter().for_each(|part| self.add(root, part, depth + 1)),
                ("anyOf" | "oneOf", Value::Array(choices)) => self.add_choices(root, choices, depth),
                _ => {
                    if !self.keywords.contains_key(keyword) {
                        self.keywords.insert(keyword.clone(), value.clone());
                    }
                }
            }
        }
        if members.contains_key("$ref") {
            let refers_to = definition(root, schema);
            // What refers to nothing but itself.
            if !std::ptr::eq(refers_to, schema) {
                self.add(root, refers_to, depth + 1);
            }
        }
    }

    fn add_type(&mut self, name: &'s str) {
        match name {
            "null" => self.nullable = true,
            name => {
                self.types.insert(name);
            }
        }
    }

    fn add_choices(&mut self, root: &'s Value, choices: &'s [Value], depth: usize) {
        let is_null = |choice: &Value| definition(root, choice).get("type").is_some_and(|name| name == "null");
        let rest: Vec<_> = choices.iter().filter(|choice| !is_null(choice)).collect();
        self.nullable |= rest.len() < choices.len();
        match rest.as_slice() {
            [] => {}
            [only] => self.add(root, only, depth + 1),
            _ => self.choices.extend(rest),
        }
    }

    /// A keyword's text.
    pub(super) fn text(&self, keyword: &str) -> &str {
        self.keywords.get(keyword).and_then(Value::as_str).unwrap_or_default()
    }

    /// A keyword's number.
    pub(super) fn number(&self, keyword: &str) -> Option<f64> {
        self.keywords.get(keyword)?.as_f64()
    }

    pub(super) fn is(&self, keyword: &str) -> bool {
        self.keywords.get(keyword) == Some(&Value::Bool(true))
    }
}
