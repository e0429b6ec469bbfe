//! A value for a schema: one that the document gives where it fits, otherwise one of the right type.

use std::cell::Cell;

use serde_json::{Map, Value, json};

use super::schema;
use super::shape::Shape;

/// How deep examples nest; what is required further down is for the author to say.
const MOST_DEPTH: usize = 8;

/// Schemas that are looked at for one value: choices within choices multiply.
const MOST_LOOKED_AT: usize = 1_000;

/// Candidates that are tried for one value.
const MOST_TRIED: usize = 12;

/// Values for schemas that stand in one complete schema.
pub(super) struct Examples<'s> {
    root: &'s Value,
    looked_at: Cell<usize>,
}

impl<'s> Examples<'s> {
    pub(super) fn new(root: &'s Value) -> Self {
        Self { root, looked_at: Cell::new(0) }
    }

    /// A value that the schema takes; none where none is found. `name` is what a text says when nothing better is known.
    pub(super) fn value(&self, schema: &'s Value, name: &str) -> Option<Value> {
        self.looked_at.set(0);
        let candidates = self.candidates(schema, name, 0);
        let alone = self.in_root(schema);
        candidates.into_iter().take(MOST_TRIED).find(|value| schema::takes(&alone, value))
    }

    /// A part as a schema of its own.
    pub(super) fn in_root(&self, schema: &Value) -> Value {
        let mut alone = schema.clone();
        if let (Value::Object(alone), Some(definitions)) = (&mut alone, self.root.get("$defs")) {
            alone.insert("$defs".to_owned(), definitions.clone());
        }
        alone
    }

    /// Values that may do, the best first.
    fn candidates(&self, schema: &'s Value, name: &str, depth: usize) -> Vec<Value> {
        let mut candidates = Vec::new();
        self.looked_at.set(self.looked_at.get() + 1);
        if self.looked_at.get() > MOST_LOOKED_AT {
            return candidates;
        }
        let shape = Shape::of(self.root, schema);
        let examples = shape.keywords.get("examples").and_then(Value::as_array).and_then(|examples| examples.first());
        // Documents write examples of other types as text.
        let read = |text: &str| serde_json::from_str::<Value>(text).ok();
        candidates.extend(examples.cloned());
        candidates.extend(examples.and_then(Value::as_str).and_then(read));
        candidates.extend(shape.keywords.get("default").filter(|value| !value.is_null()).cloned());
        candidates.extend(shape.values.first().map(|value| (*value).clone()));
        candidates.extend(self.typed(&shape, name, depth));
        for choice in &shape.choices {
            if depth < MOST_DEPTH {
                candidates.extend(self.candidates(choice, name, depth + 1).into_iter().take(2));
            }
        }
        candidates
    }

    /// What is likely to fit, without being tried.
    fn likely(&self, schema: &'s Value, name: &str, depth: usize) -> Value {
        self.candidates(schema, name, depth).into_iter().next().unwrap_or(Value::Null)
    }

    fn typed(&self, shape: &Shape<'s>, name: &str, depth: usize) -> Vec<Value> {
        let mut values = Vec::new();
        let types: Vec<_> = match shape.types.is_empty() {
            true if !shape.properties.is_empty() => vec!["object"],
            true if shape.choices.is_empty() => vec!["string"],
            true => Vec::new(),
            false => shape.types.iter().copied().collect(),
        };
        for kind in types {
            match kind {
                "object" => values.push(self.object(shape, depth)),
                "array" => values.push(self.array(shape, name, depth)),
                "boolean" => values.push(json!(true)),
                "integer" => values.push(json!(number(shape) as i64)),
                "number" => values.push(json!(number(shape) as i64)),
                _ => values.extend(texts(shape, name)),
            }
        }
        values
    }

    fn object(&self, shape: &Shape<'s>, depth: usize) -> Value {
        let mut members = Map::new();
        if depth < MOST_DEPTH {
            for (name, schema) in shape.properties.iter().filter(|(name, _)| shape.required.contains(name)) {
                members.insert((*name).to_owned(), self.likely(schema, name, depth + 1));
            }
        }
        Value::Object(members)
    }

    fn array(&self, shape: &Shape<'s>, name: &str, depth: usize) -> Value {
        const MOST_ELEMENTS: f64 = 20.0;
        let least = shape.number("minItems").unwrap_or(0.0).min(MOST_ELEMENTS) as usize;
        // One shows what may stand there.
        let count = if shape.number("maxItems") == Some(0.0) { 0 } else { least.max(1) };
        match shape.items {
            Some(items) if depth < MOST_DEPTH => vec![self.likely(items, name, depth + 1); count].into(),
            _ => json!([]),
        }
    }
}

fn number(shape: &Shape<'_>) -> f64 {
    let least = shape.number("minimum").or_else(|| shape.number("exclusiveMinimum").map(|limit| limit.floor() + 1.0));
    let most = shape.number("maximum").or_else(|| shape.number("exclusiveMaximum").map(|limit| limit.ceil() - 1.0));
    let wanted = least.map_or(1.0, |least| least.max(1.0).max(least));
    let wanted = most.map_or(wanted, |most| wanted.min(most));
    match shape.number("multipleOf") {
        Some(step) => (wanted / step).ceil() * step,
        None => wanted,
    }
}

fn texts(shape: &Shape<'_>, name: &str) -> Vec<Value> {
    const MOST_CHARACTERS: f64 = 200.0;
    let of_format = match shape.text("format") {
        "date" => "2026-01-31",
        "date-time" => "2026-01-31T12:00:00Z",
        "time" => "12:00:00Z",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "email" | "idn-email" => "someone@example.com",
        "uri" | "url" | "uri-reference" | "iri" => "https://example.com/",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" => "",
        "binary" => return Vec::new(),
        _ => "",
    };
    let text = if of_format.is_empty() { name } else { of_format };
    let least = shape.number("minLength").unwrap_or(0.0).min(MOST_CHARACTERS) as usize;
    let padded: String = text.chars().chain(std::iter::repeat('x')).take(least.max(text.chars().count())).collect();
    let most = shape.number("maxLength").map(|most| most as usize);
    let cut: String = padded.chars().take(most.unwrap_or(usize::MAX)).collect();
    // Numbers and identifiers as text are what patterns ask for most.
    let digits = "1".repeat(least.max(1));
    vec![json!(cut), json!(digits), json!("en-US"), json!("A1")]
}
