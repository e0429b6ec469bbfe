//! What a schema takes, member by member, as people read it.

use serde::Serialize;
use serde_json::Value;

use super::schema::definition;
use super::shape::Shape;

/// How deep members are told.
const MOST_DEPTH: usize = 5;

/// How many members are told of one schema.
const MOST_FIELDS: usize = 300;

/// A value that somebody may give or get.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name; `[]` for the elements of a list.
    pub name: String,
    /// `string`, `integer`, `list of string`, …; several are joined with `or`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it may be `null`.
    pub nullable: bool,
    /// Whether it will go away.
    pub deprecated: bool,
    /// The only values that it may have.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// `at most 255 characters`, …
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// What it is when it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// A value that the document gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its own members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// A complete schema as a field of that name.
pub(super) fn field(schema: &Value, name: &str, required: bool) -> Field {
    Telling { root: schema, left: MOST_FIELDS }.field(schema, name, required, 0)
}

struct Telling<'s> {
    root: &'s Value,
    left: usize,
}

impl<'s> Telling<'s> {
    fn field(&mut self, schema: &'s Value, name: &str, required: bool, depth: usize) -> Field {
        self.left = self.left.saturating_sub(1);
        let shape = Shape::of(self.root, schema);
        let kind = self.kind(&shape, 0);
        Field {
            name: name.to_owned(),
            required,
            nullable: shape.nullable && kind != "null",
            kind,
            deprecated: shape.is("deprecated"),
            values: shape.values.iter().map(|value| (*value).clone()).collect(),
            limits: limits(&shape),
            default: shape.keywords.get("default").cloned(),
            example: shape.keywords.get("examples").and_then(|examples| examples.get(0)).cloned(),
            description: shape.text("description").trim().to_owned(),
            fields: self.members(&shape, depth),
        }
    }

    fn members(&mut self, shape: &Shape<'s>, depth: usize) -> Vec<Field> {
        if depth >= MOST_DEPTH {
            return Vec::new();
        }
        let mut fields = Vec::new();
        let mut add = |telling: &mut Self, name: &str, schema: &'s Value, required: bool| {
            if telling.left > 0 && !fields.iter().any(|known: &Field| known.name == name) {
                fields.push(telling.field(schema, name, required, depth + 1));
            }
        };
        for (name, schema) in &shape.properties {
            add(self, name, schema, shape.required.contains(name));
        }
        if let Some(items) = shape.items {
            let of = Shape::of(self.root, items);
            for (name, schema) in &of.properties {
                add(self, name, schema, of.required.contains(name));
            }
        }
        // What only some choices have is required in none.
        for choice in &shape.choices {
            let of = Shape::of(self.root, choice);
            for (name, schema) in &of.properties {
                add(self, name, schema, false);
            }
        }
        fields
    }

    fn kind(&self, shape: &Shape<'s>, depth: usize) -> String {
        const MOST_KINDS: usize = 6;
        let mut kinds: Vec<String> = shape
            .types
            .iter()
            .map(|name| match (*name, shape.items) {
                ("array", Some(items)) if depth < MOST_DEPTH => {
                    format!("list of {}", self.kind(&Shape::of(self.root, items), depth + 1))
                }
                ("array", _) => "list".to_owned(),
                (name, _) => name.to_owned(),
            })
            .collect();
        if kinds.is_empty() && depth < MOST_DEPTH {
            let of = |choice: &&'s Value| self.choice(choice, depth);
            kinds = shape.choices.iter().map(of).collect();
        }
        if kinds.is_empty() && !shape.properties.is_empty() {
            kinds.push("object".to_owned());
        }
        if kinds.is_empty() {
            kinds.extend(shape.values.iter().map(|value| type_of(value).to_owned()));
        }
        if kinds.is_empty() && shape.nullable {
            return "null".to_owned();
        }
        if let Some(format) = shape.keywords.get("format").and_then(Value::as_str) {
            kinds.last_mut().into_iter().for_each(|kind| kind.push_str(&format!(" ({format})")));
        }
        kinds.dedup();
        if kinds.len() > MOST_KINDS {
            let more = kinds.len() - MOST_KINDS;
            kinds.truncate(MOST_KINDS);
            kinds.push(format!("{more} others"));
        }
        if kinds.is_empty() { "anything".to_owned() } else { kinds.join(" or ") }
    }

    /// By its title or the name of its definition, when it is an object.
    fn choice(&self, choice: &'s Value, depth: usize) -> String {
        let written = definition(self.root, choice);
        if let Some(title) = written.get("title").and_then(Value::as_str) {
            return title.to_owned();
        }
        let name = choice.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
        match name {
            Some(name) => name.to_owned(),
            None => self.kind(&Shape::of(self.root, choice), depth + 1),
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn limits(shape: &Shape<'_>) -> Vec<String> {
    let number = |keyword: &str| shape.keywords.get(keyword).filter(|value| value.is_number()).map(ToString::to_string);
    let mut limits = Vec::new();
    for (least, most, of) in
        [("minLength", "maxLength", " characters"), ("minItems", "maxItems", " elements"), ("minimum", "maximum", "")]
    {
        match (number(least).filter(|least| of.is_empty() || least != "0"), number(most)) {
            (Some(least), Some(most)) if least == most => limits.push(format!("{least}{of}")),
            (Some(least), Some(most)) => limits.push(format!("{least} to {most}{of}")),
            (Some(least), None) => limits.push(format!("at least {least}{of}")),
            (None, Some(most)) => limits.push(format!("at most {most}{of}")),
            (None, None) => {}
        }
    }
    limits.extend(number("exclusiveMinimum").map(|limit| format!("more than {limit}")));
    limits.extend(number("exclusiveMaximum").map(|limit| format!("less than {limit}")));
    limits.extend(number("multipleOf").map(|step| format!("a multiple of {step}")));
    if shape.is("uniqueItems") {
        limits.push("no element twice".to_owned());
    }
    if let Some(pattern) = shape.keywords.get("pattern").and_then(Value::as_str) {
        limits.push(format!("matches {pattern}"));
    }
    for (keyword, says) in [("readOnly", "only in answers"), ("writeOnly", "only in requests")] {
        if shape.is(keyword) {
            limits.push(says.to_owned());
        }
    }
    limits
}
