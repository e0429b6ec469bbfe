//! Circles of schemas that say nothing but each other: whoever follows them would never end. One of each is opened.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::DEFINITIONS;

/// Keywords whose schemas are about the same value, and so would never end in a circle.
const SAME_VALUE: [&str; 8] = ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/// Opens circles of references that say nothing but each other.
pub(super) fn open(definitions: &mut Map<String, Value>) {
    fn leads_to(schema: &Value, found: &mut BTreeSet<String>) {
        let Value::Object(members) = schema else { return };
        for keyword in SAME_VALUE {
            match members.get(keyword) {
                Some(Value::String(reference)) => {
                    found.extend(reference.strip_prefix(DEFINITIONS).map(str::to_owned));
                }
                Some(Value::Array(schemas)) => schemas.iter().for_each(|schema| leads_to(schema, found)),
                Some(schema) => leads_to(schema, found),
                None => {}
            }
        }
    }
    // What leads to nothing that is left cannot be in a circle.
    let mut left: BTreeMap<String, BTreeSet<String>> = definitions
        .iter()
        .map(|(name, schema)| {
            let mut found = BTreeSet::new();
            leads_to(schema, &mut found);
            (name.clone(), found)
        })
        .collect();
    loop {
        let ends: BTreeSet<_> =
            left.iter().filter(|(_, found)| found.is_empty()).map(|(name, _)| name.clone()).collect();
        if ends.is_empty() {
            let Some(name) = left.keys().next().cloned() else { return };
            // One of a circle, or on the way to one: opened here or by the next.
            if is_in_circle(&left, &name) {
                definitions.insert(name.clone(), json!({ "description": "refers to itself" }));
            }
            left.remove(&name);
            left.values_mut().for_each(|found| {
                found.remove(&name);
            });
            continue;
        }
        left.retain(|name, _| !ends.contains(name));
        left.values_mut().for_each(|found| found.retain(|name| !ends.contains(name)));
    }
}

fn is_in_circle(graph: &BTreeMap<String, BTreeSet<String>>, name: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = vec![name];
    while let Some(at) = open.pop() {
        for next in graph.get(at).into_iter().flatten() {
            if next == name {
                return true;
            }
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    false
}
