//! What text of a URL, a header field or a form may stand for. Types are not in it: a document is taken at its word wherever one
//! reading of the text fits.

use serde_json::{Value, json};

use crate::catalogue::example::Examples;
use crate::catalogue::operation::Style;
use crate::catalogue::schema::takes;
use crate::catalogue::shape::Shape;

/// The values that some text of one name may stand for; the one that was most likely meant comes first.
pub(super) fn readings(root: &Value, schema: &Value, style: Style, values: &[&str]) -> Vec<Value> {
    let shape = Shape::of(root, schema);
    let separator = match style {
        Style::Commas => Some(','),
        Style::Spaces => Some(' '),
        Style::Pipes => Some('|'),
        Style::Repeated | Style::DeepObject | Style::Json => None,
    };
    let parts: Vec<&str> = match separator {
        Some(separator) => values.iter().flat_map(|value| value.split(separator)).collect(),
        None => values.to_vec(),
    };
    let anything = json!(true);
    let items = shape.items.unwrap_or(&anything);
    let lists = [
        parts.iter().map(|part| typed(root, items, part)).collect::<Value>(),
        parts.iter().map(|part| json!(part)).collect(),
        parts.iter().map(|part| parsed(part)).collect(),
    ];
    let mut readings = Vec::new();
    if let [one] = values {
        readings.extend([typed(root, schema, one), json!(one), parsed(one)]);
    }
    if shape.types.contains("array") && style != Style::Json {
        readings.splice(0..0, lists);
    } else if style != Style::Json {
        readings.extend(lists);
    }
    readings
}

/// The first of some readings that a schema takes, or the one that was most likely meant.
pub(super) fn best(root: &Value, schema: &Value, mut readings: Vec<Value>) -> Option<Value> {
    let alone = Examples::new(root).in_root(schema);
    let taken = readings.iter().position(|reading| takes(&alone, reading));
    if readings.is_empty() { None } else { Some(readings.swap_remove(taken.unwrap_or(0))) }
}

/// By what the schema would take.
pub(super) fn typed(root: &Value, schema: &Value, text: &str) -> Value {
    let shape = Shape::of(root, schema);
    let is_number = shape.types.contains("integer") || shape.types.contains("number");
    let takes = |value: &Value| match value {
        Value::Number(_) => is_number,
        Value::Bool(_) => shape.types.contains("boolean"),
        _ => false,
    };
    if shape.types.contains("string") {
        return json!(text);
    }
    serde_json::from_str(text).ok().filter(takes).unwrap_or_else(|| json!(text))
}

/// As JSON, where it is some.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
