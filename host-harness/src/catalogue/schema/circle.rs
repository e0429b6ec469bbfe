//! Definitions that say nothing but each other: in a circle, or in so many ways that whoever follows them would not come to an
//! end in time. Such a one is opened: it takes anything, and says so.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::DEFINITIONS;

/// Keywords whose schemas are about the same value.
pub(super) const SAME_VALUE: [&str; 8] = ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/// How many schemas may be asked about one value on behalf of one definition.
const MOST_WAYS: u64 = 10_000;

/// How many schemas deep: each is a call within a call for whoever follows it.
const MOST_STEPS: usize = 32;

/// What a definition refers to about the same value, as often as it does, and what that comes to.
#[derive(Default)]
struct Sight {
    /// Names, each with how deep in the definition it stands.
    refers: Vec<(String, usize)>,
    ways: u64,
    steps: usize,
}

/// Opens what would not end.
pub(super) fn open(definitions: &mut Map<String, Value>) {
    let mut sights: BTreeMap<String, Sight> = BTreeMap::new();
    for (name, schema) in definitions.iter() {
        let mut sight = Sight::default();
        look(schema, 0, &mut sight);
        sights.insert(name.clone(), sight);
    }
    let mut measured: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    let names: Vec<_> = definitions.keys().cloned().collect();
    for name in names {
        measure(name, &sights, &mut measured, definitions);
    }
}

fn look(schema: &Value, depth: usize, sight: &mut Sight) {
    let Value::Object(members) = schema else { return };
    sight.ways += 1;
    sight.steps = sight.steps.max(depth);
    for keyword in SAME_VALUE {
        match members.get(keyword) {
            Some(Value::String(reference)) => {
                sight.refers.extend(reference.strip_prefix(DEFINITIONS).map(|name| (name.to_owned(), depth + 1)));
            }
            Some(Value::Array(schemas)) => schemas.iter().for_each(|schema| look(schema, depth + 1, sight)),
            Some(schema) => look(schema, depth + 1, sight),
            None => {}
        }
    }
}

/// Measures a definition and all that it refers to, the furthest first. Without recursion: a chain may be long.
fn measure(
    name: String,
    sights: &BTreeMap<String, Sight>,
    measured: &mut BTreeMap<String, (u64, usize)>,
    definitions: &mut Map<String, Value>,
) {
    let mut way: Vec<(String, usize)> = vec![(name, 0)];
    while let Some((name, next)) = way.pop() {
        let Some(sight) = sights.get(&name).filter(|_| !measured.contains_key(&name)) else { continue };
        if let Some((inner, _)) = sight.refers.get(next) {
            let inner = inner.clone();
            let is_circle = inner == name || way.iter().any(|(outer, _)| *outer == inner);
            way.push((name, next + 1));
            if is_circle {
                opened(&inner, "refers to itself", measured, definitions);
            } else if !measured.contains_key(&inner) {
                way.push((inner, 0));
            }
            continue;
        }
        let inner = |name: &str| measured.get(name).copied().unwrap_or((1, 1));
        let ways = sight.refers.iter().fold(sight.ways, |ways, (name, _)| ways.saturating_add(inner(name).0));
        let steps = sight.refers.iter().map(|(name, depth)| depth + inner(name).1).fold(sight.steps, usize::max);
        if ways > MOST_WAYS || steps > MOST_STEPS {
            opened(&name, "too large to be followed", measured, definitions);
        } else {
            measured.insert(name, (ways, steps));
        }
    }
}

fn opened(name: &str, why: &str, measured: &mut BTreeMap<String, (u64, usize)>, definitions: &mut Map<String, Value>) {
    definitions.insert(name.to_owned(), json!({ "description": format!("anything is taken here: the schema {why}") }));
    measured.insert(name.to_owned(), (1, 1));
}
