//! How much work comparing a value with a schema is, before it is done: choices within choices multiply, and a document may
//! be made to do so. Counting is cheap, since what was counted once is not counted again.

use std::collections::HashMap;

use serde_json::Value;

use super::circle::SAME_VALUE;
use super::definition;

/// Schemas asked about values; a comparison of so many takes about a second.
const MOST_EFFORT: u64 = 2_000_000;

/// Schemas and values that are counted, each once.
const MOST_COUNTED: usize = 200_000;

/// How deep values that are compared may be: each level is several calls within a call.
const MOST_DEPTH: usize = 32;

/// Whether a comparison comes to its end in time.
pub(super) fn is_bearable(root: &Value, value: &Value) -> bool {
    let mut counting = Counting { root, counted: HashMap::new() };
    counting.count(root, value, 0).is_some_and(|effort| effort <= MOST_EFFORT)
}

struct Counting<'s> {
    root: &'s Value,
    /// By where schema and value are in memory, which they are for as long as this lives.
    counted: HashMap<(*const Value, *const Value), u64>,
}

impl<'s> Counting<'s> {
    fn count(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Option<u64> {
        let Value::Object(members) = schema else { return Some(1) };
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        if let Some(known) = self.counted.get(&key) {
            return Some(*known);
        }
        if depth > MOST_DEPTH || self.counted.len() > MOST_COUNTED {
            return None;
        }
        let mut effort: u64 = 1;
        let mut add = |more: u64| effort = effort.saturating_add(more);
        for keyword in SAME_VALUE {
            match members.get(keyword) {
                Some(Value::String(_)) => {
                    let refers_to = definition(self.root, schema);
                    if !std::ptr::eq(refers_to, schema) {
                        add(self.count(refers_to, value, depth)?);
                    }
                }
                Some(Value::Array(schemas)) => {
                    for schema in schemas {
                        add(self.count(schema, value, depth)?);
                    }
                }
                Some(schema) => add(self.count(schema, value, depth)?),
                None => {}
            }
        }
        match value {
            Value::Object(values) => {
                let of_all = ["additionalProperties", "unevaluatedProperties"].map(|keyword| members.get(keyword));
                let patterns = members.get("patternProperties").and_then(Value::as_object);
                let of_all: Vec<_> =
                    of_all.into_iter().flatten().chain(patterns.into_iter().flat_map(|of| of.values())).collect();
                let properties = members.get("properties").and_then(Value::as_object);
                let dependent = members.get("dependentSchemas").and_then(Value::as_object);
                for (name, inner) in values {
                    let own = properties.and_then(|properties| properties.get(name));
                    for schema in own.into_iter().chain(of_all.iter().copied()) {
                        add(self.count(schema, inner, depth + 1)?);
                    }
                    if let Some(schema) = dependent.and_then(|dependent| dependent.get(name)) {
                        add(self.count(schema, value, depth)?);
                    }
                }
            }
            Value::Array(values) => {
                let of_all: Vec<_> = ["items", "contains", "unevaluatedItems"]
                    .iter()
                    .filter_map(|keyword| members.get(*keyword))
                    .collect();
                let tuple = members.get("prefixItems").and_then(Value::as_array);
                for (index, inner) in values.iter().enumerate() {
                    let own = tuple.and_then(|tuple| tuple.get(index));
                    for schema in own.into_iter().chain(of_all.iter().copied()) {
                        add(self.count(schema, inner, depth + 1)?);
                    }
                }
            }
            _ => {}
        }
        self.counted.insert(key, effort);
        Some(effort)
    }
}
