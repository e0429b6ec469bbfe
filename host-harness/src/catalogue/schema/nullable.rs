//! `nullable` of older versions, in the words of JSON Schema 2020-12.

use serde_json::{Map, Value, json};

/// `null` as well as what the schema says.
pub(super) fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(Value::Array(names)) if !names.contains(&json!("null")) => names.push(json!("null")),
        Some(Value::Array(_)) => {}
        Some(name) => *name = json!([name.clone(), "null"]),
        // Without a type it is the parts that refuse null.
        None => {
            let parts: Vec<_> = ["$ref", "allOf", "anyOf", "oneOf"]
                .iter()
                .filter_map(|keyword| Some(((*keyword).to_owned(), schema.shift_remove(*keyword)?)))
                .collect();
            if !parts.is_empty() {
                let rest = Value::Object(parts.into_iter().collect());
                schema.insert("anyOf".to_owned(), json!([rest, { "type": "null" }]));
            }
        }
    }
}
