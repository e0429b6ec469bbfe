//! JSON that stands in a definition for itself: nothing in it is taken for an expression.

use serde_json::{Map, Value, json};

/// A value that stands in a definition for itself: no text in it is taken for an expression. None where that cannot be.
pub(crate) fn literal(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.starts_with("jsonata:") => None,
        // Text that opens an expression and does not close it cannot be escaped.
        Value::String(text) if text.contains("${") => {
            let closed = text.split("${").skip(1).all(|rest| rest.contains('}'));
            closed.then(|| json!(text.replace("${", "$${")))
        }
        Value::Array(elements) => elements.iter().map(literal).collect::<Option<Vec<_>>>().map(Value::Array),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let value = literal(value).filter(|_| !name.contains("${"))?;
                Some((name.clone(), value))
            };
            members.iter().map(member).collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => Some(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_expression_is_escaped_and_what_cannot_be_is_none() {
        assert_eq!(literal(&json!({"a": ["${x} $${y}", 1]})), Some(json!({"a": ["$${x} $$${y}", 1]})));
        for value in [json!("${x"), json!("jsonata:x"), json!({"${x}": 1}), json!(["${a} ${"])] {
            assert_eq!(literal(&value), None);
        }
    }
}
