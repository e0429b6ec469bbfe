//! A schema of any OpenAPI version → JSON Schema 2020-12 that is complete in itself: what it refers to stands in its own
//! `$defs`. What is wrong costs that keyword alone, and is told. The result can be compiled, whatever the document said.
//!
//! For a request what only answers have (`readOnly`) is not required, and the other way round.

mod circle;
mod effort;
mod nullable;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::operation::Omission;
use super::reference;

/// What one schema may have with all it refers to: the largest of real documents have below 20,000.
const MOST_NODES: usize = 200_000;

/// Parts of a whole (`allOf`) that are looked into for what goes the other way.
const MOST_PARTS_OF_A_WHOLE: usize = 100;

/// How deep schemas may stand in schemas; JSON that serde_json reads is no deeper.
const MOST_DEPTH: usize = 128;

/// What one schema may refer to: the largest of real documents refer to below 1,000.
const MOST_DEFINITIONS: usize = 3_000;

const DEFINITIONS: &str = "#/$defs/";

/// The version that a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Swagger2,
    OpenApi30,
    OpenApi31,
}

/// Which way what a schema describes goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Answer,
}

/// Translates schemas of one document.
pub(super) struct Translator<'d> {
    root: &'d Value,
    dialect: Dialect,
    direction: Direction,
    /// What has been left out so far.
    omissions: BTreeSet<Omission>,
    /// Places that schemas refer to, each with the name of its definition.
    names: BTreeMap<String, String>,
    used: BTreeSet<String>,
    open: VecDeque<String>,
    nodes: usize,
    /// Members that go the other way, of the whole that the schema is a part of.
    others: BTreeSet<String>,
    /// Places of schemas that were looked at alone.
    looked_at: HashSet<String>,
    /// Patterns that were tried, and whether they can be compiled.
    patterns: BTreeMap<String, bool>,
}

impl<'d> Translator<'d> {
    pub(super) fn new(root: &'d Value, dialect: Dialect) -> Self {
        Self {
            root,
            dialect,
            direction: Direction::Request,
            omissions: BTreeSet::new(),
            names: BTreeMap::new(),
            used: BTreeSet::new(),
            open: VecDeque::new(),
            nodes: 0,
            others: BTreeSet::new(),
            looked_at: HashSet::new(),
            patterns: BTreeMap::new(),
        }
    }

    /// One schema with all that it refers to.
    pub(super) fn complete(&mut self, written: &Value, place: &str, direction: Direction) -> Value {
        self.direction = direction;
        self.names.clear();
        self.used.clear();
        self.open.clear();
        self.nodes = 0;
        let mut schema = self.schema(written, place, 0);
        let mut definitions = Map::new();
        while let Some(place) = self.open.pop_front() {
            let Some(written) = self.root.pointer(&place) else { continue };
            let definition = self.schema(written, &place, 0);
            definitions.insert(self.names[&place].clone(), definition);
        }
        if !definitions.is_empty() {
            circle::open(&mut definitions);
            match &mut schema {
                Value::Object(schema) => schema.insert("$defs".to_owned(), Value::Object(definitions)),
                _ => None,
            };
        }
        schema
    }

    /// One schema alone, for what is wrong with it; once, however many refer to it.
    pub(super) fn look_at(&mut self, written: &Value, place: &str) {
        if self.looked_at.insert(place.to_owned()) {
            self.nodes = 0;
            self.names.clear();
            self.used.clear();
            self.open.clear();
            self.schema(written, place, 0);
        }
    }

    /// What had to be left out.
    pub(super) fn into_omissions(self) -> BTreeSet<Omission> {
        self.omissions
    }

    fn omit(&mut self, place: String, reason: impl Into<String>) {
        self.omissions.insert(Omission { place, reason: reason.into() });
    }

    fn schema(&mut self, written: &Value, place: &str, depth: usize) -> Value {
        self.nodes += 1;
        if self.nodes > MOST_NODES || depth > MOST_DEPTH {
            if self.nodes == MOST_NODES + 1 || depth > MOST_DEPTH {
                self.omit(place.to_owned(), "the schema is too large; from here on anything is taken");
            }
            return json!(true);
        }
        let written = match written {
            Value::Object(written) => written,
            Value::Bool(_) => return written.clone(),
            _ => {
                self.omit(place.to_owned(), "a schema must be an object");
                return json!(true);
            }
        };
        let mut schema = Map::new();
        let refers = written.contains_key("$ref");
        // What goes the other way is said by any part of a whole, and required by any other.
        let outer = self.others.clone();
        let mut left = MOST_PARTS_OF_A_WHOLE;
        self.add_others(written, &mut left);
        let of_whole = std::mem::take(&mut self.others);
        for (keyword, value) in written {
            // Beside a reference only what everybody understands so counts (OpenAPI 3.0, section 4.7.23).
            if refers && self.dialect != Dialect::OpenApi31 && !matches!(keyword.as_str(), "$ref" | "description") {
                continue;
            }
            let at = child(place, keyword);
            if keyword == "allOf" {
                self.others.clone_from(&of_whole);
            }
            let translated = self.keyword(keyword, value, &at, depth);
            self.others.clear();
            match translated {
                Ok(Some(translated)) => {
                    schema.insert(keyword.clone(), translated);
                }
                Ok(None) => {}
                Err(reason) => self.omit(at, reason),
            }
        }
        self.adapt(written, &mut schema, place, depth);
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.retain(|name| !name.as_str().is_some_and(|name| of_whole.contains(name)));
        }
        self.others = outer;
        Value::Object(schema)
    }

    /// A keyword whose meaning needs no other one; none for what says nothing about values.
    fn keyword(&mut self, keyword: &str, value: &Value, at: &str, depth: usize) -> Result<Option<Value>, String> {
        let kept = |fits: bool, what: &str| match fits {
            true => Ok(Some(value.clone())),
            false => Err(format!("`{keyword}` must be {what}")),
        };
        match keyword {
            "$ref" => {
                let reference = value.as_str().ok_or("`$ref` must be text")?;
                reference::find(self.root, reference)?;
                self.definition(reference::place_of(reference)?).map(Some)
            }
            "not"
            | "contains"
            | "propertyNames"
            | "if"
            | "then"
            | "else"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "additionalProperties" => Ok(Some(self.schema(value, at, depth + 1))),
            "items" if !value.is_array() => Ok(Some(self.schema(value, at, depth + 1))),
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let list = value.as_array().filter(|list| !list.is_empty());
                let list = list.ok_or_else(|| format!("`{keyword}` must be a list of schemas"))?;
                let of = |(index, schema)| self.schema(schema, &format!("{at}/{index}"), depth + 1);
                Ok(Some(list.iter().enumerate().map(of).collect()))
            }
            "properties" | "patternProperties" | "dependentSchemas" => {
                let members = value.as_object().ok_or_else(|| format!("`{keyword}` must be an object"))?;
                let mut schemas = Map::new();
                for (name, schema) in members {
                    if keyword == "patternProperties" && !self.can_match(name) {
                        self.omit(child(at, name), "the pattern cannot be compiled");
                        continue;
                    }
                    schemas.insert(name.clone(), self.schema(schema, &child(at, name), depth + 1));
                }
                Ok(Some(Value::Object(schemas)))
            }
            "maximum" | "minimum" => kept(value.is_number(), "a number"),
            "multipleOf" => kept(value.as_f64().is_some_and(|number| number > 0.0), "a number above 0"),
            "exclusiveMaximum" | "exclusiveMinimum" if value.is_boolean() => Ok(None),
            "exclusiveMaximum" | "exclusiveMinimum" => kept(value.is_number(), "a number"),
            "maxContains" | "minContains" | "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties"
            | "minProperties" => kept(value.as_u64().is_some(), "a whole number, 0 or more"),
            "uniqueItems" | "readOnly" | "writeOnly" | "deprecated" => kept(value.is_boolean(), "true or false"),
            "format" | "title" | "description" => kept(value.is_string(), "text"),
            "pattern" => match value.as_str() {
                Some(pattern) if self.can_match(pattern) => Ok(Some(value.clone())),
                Some(_) => Err("the pattern cannot be compiled".to_owned()),
                None => Err("`pattern` must be text".to_owned()),
            },
            "required" if value.is_boolean() => Err("`required` must be a list of names".to_owned()),
            "required" => kept(is_list_of_text(value), "a list of names"),
            "enum" => kept(value.as_array().is_some_and(|values| !values.is_empty()), "a list of values"),
            "const" | "default" | "examples" => Ok(Some(value.clone())),
            // What refers by anything but places cannot be followed.
            "$dynamicRef" | "$recursiveRef" => Err(format!("`{keyword}` cannot be followed")),
            _ => Ok(None),
        }
    }

    /// What means something else in another version, or only together.
    fn adapt(&mut self, written: &Map<String, Value>, schema: &mut Map<String, Value>, place: &str, depth: usize) {
        self.types(written, schema, place);
        // JSON Schema 4 has lists for tuples, and `true` beside a limit that is excluded.
        if let Some(Value::Array(list)) = written.get("items") {
            let at = child(place, "items");
            let of = |(index, schema)| self.schema(schema, &format!("{at}/{index}"), depth + 1);
            let tuple: Vec<_> = list.iter().enumerate().map(of).collect();
            if !tuple.is_empty() {
                schema.insert("prefixItems".to_owned(), Value::Array(tuple));
            }
        }
        for (excludes, limit) in [("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")] {
            if written.get(excludes) == Some(&Value::Bool(true))
                && let Some(limit) = schema.shift_remove(limit)
            {
                schema.insert(excludes.to_owned(), limit);
            }
        }
        if let (Some(example), false) = (written.get("example"), schema.contains_key("examples")) {
            schema.insert("examples".to_owned(), json!([example]));
        }
        let nullable = ["nullable", "x-nullable"].iter().any(|name| written.get(*name) == Some(&Value::Bool(true)));
        // Version 3.1 has not got it any more, and documents still do.
        if nullable {
            nullable::allow_null(schema);
        }
    }

    fn types(&mut self, written: &Map<String, Value>, schema: &mut Map<String, Value>, place: &str) {
        const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
        let Some(value) = written.get("type").filter(|_| !written.contains_key("$ref")) else { return };
        let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
        let kept = match value {
            Value::String(name) if name == "file" => None,
            Value::String(_) if known(value) => Some(value.clone()),
            Value::Array(names) if !names.is_empty() && names.iter().all(known) => {
                let unique: BTreeSet<_> = names.iter().filter_map(Value::as_str).collect();
                (unique.len() == names.len()).then(|| value.clone())
            }
            _ => None,
        };
        match kept {
            Some(value) => {
                schema.insert("type".to_owned(), value);
            }
            None => self.omit(child(place, "type"), format!("{value} is no type of JSON")),
        }
    }

    /// The names of members that go the other way, in a schema and in the parts of it.
    fn add_others(&mut self, written: &Map<String, Value>, left: &mut usize) {
        let other = match self.direction {
            Direction::Request => "readOnly",
            Direction::Answer => "writeOnly",
        };
        let properties = written.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if property.get(other) == Some(&Value::Bool(true)) {
                self.others.insert(name.clone());
            }
        }
        for part in written.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let reference = part.get("$ref").and_then(Value::as_str);
            let found = reference.and_then(|reference| reference::find(self.root, reference).ok());
            let part = found.map_or(part, |found| found.value);
            if let (Value::Object(part), true) = (part, *left > 0) {
                *left -= 1;
                self.add_others(part, left);
            }
        }
    }

    fn can_match(&mut self, pattern: &str) -> bool {
        if let Some(known) = self.patterns.get(pattern) {
            return *known;
        }
        let compiled = compile(&json!({ "pattern": pattern })).is_ok();
        self.patterns.insert(pattern.to_owned(), compiled);
        compiled
    }

    /// The reference that stands for one of the document's.
    fn definition(&mut self, place: String) -> Result<Value, String> {
        if let Some(name) = self.names.get(&place) {
            return Ok(json!(format!("{DEFINITIONS}{name}")));
        }
        if self.names.len() >= MOST_DEFINITIONS {
            return Err("the schema is too large; from here on anything is taken".to_owned());
        }
        let last = place.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or("root");
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
        let mut name: String = last.chars().map(plain).collect();
        if !self.used.insert(name.clone()) {
            name = format!("{name}-{}", self.names.len());
            self.used.insert(name.clone());
        }
        let reference = json!(format!("{DEFINITIONS}{name}"));
        self.names.insert(place.clone(), name);
        self.open.push_back(place);
        Ok(reference)
    }
}

/// Compiles a schema; patterns are matched in linear time, whatever they are.
fn compile(schema: &Value) -> Result<jsonschema::Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(jsonschema::PatternOptions::regex().size_limit(MOST_PATTERN_BYTES))
        .should_validate_formats(true)
        .offline()
        .build(schema)
        .map_err(|error| error.to_string())
}

/// What compares values with a complete schema; none where the schema cannot be compiled, or comparing the value with it would
/// not come to its end in time.
pub(super) fn validator(schema: &Value, value: &Value) -> Option<jsonschema::Validator> {
    if effort::is_bearable(schema, value) { compile(schema).ok() } else { None }
}

/// Whether a schema takes a value, as far as that can be said.
pub(super) fn takes(schema: &Value, value: &Value) -> bool {
    validator(schema, value).is_some_and(|validator| validator.is_valid(value))
}

/// Compiled; the default of the crate `regex` is ten times that.
const MOST_PATTERN_BYTES: usize = 1024 * 1024;

/// What a reference within a complete schema leads to.
pub(super) fn definition<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..MOST_DEPTH {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix(DEFINITIONS));
        match name.and_then(|name| root.get("$defs")?.get(name)) {
            Some(definition) => schema = definition,
            None => return schema,
        }
    }
    schema
}

fn child(place: &str, name: &str) -> String {
    crate::source::pointer(place, name)
}

fn is_list_of_text(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

#[cfg(test)]
mod tests;
