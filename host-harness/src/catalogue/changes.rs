//! What changed between two documents, operation by operation.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::document::Document;
use super::fields::{self, Field};
use super::operation::{Content, Operation, OperationKey};

/// What changed between two documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Operations that are new.
    pub added: Vec<OperationKey>,
    /// Operations that are gone.
    pub removed: Vec<OperationKey>,
    /// Operations that are different.
    pub changed: Vec<Changed>,
}

/// An operation that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Which.
    #[serde(flatten)]
    pub key: OperationKey,
    /// How, in phrases.
    pub how: Vec<String>,
}

impl Changes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two documents.
pub fn compare(old: &Document, new: &Document) -> Changes {
    let keys = |document: &Document| -> BTreeSet<OperationKey> {
        document.entries.iter().map(|entry| entry.key.clone()).collect()
    };
    let (before, after) = (keys(old), keys(new));
    let mut changes = Changes {
        added: after.difference(&before).cloned().collect(),
        removed: before.difference(&after).cloned().collect(),
        changed: Vec::new(),
    };
    for key in before.intersection(&after) {
        let (Some(old), Some(new)) = (old.operation(key), new.operation(key)) else { continue };
        let how = differences(&old, &new);
        if !how.is_empty() {
            changes.changed.push(Changed { key: key.clone(), how });
        }
    }
    changes
}

fn differences(old: &Operation, new: &Operation) -> Vec<String> {
    let mut how = Vec::new();
    let parameters = |operation: &Operation| -> BTreeMap<String, Value> {
        let of = |parameter: &super::Parameter| {
            let told = fields::field(&parameter.schema, &parameter.name, parameter.required);
            (format!("parameter `{}`", parameter.name), comparable(&told))
        };
        operation.parameters.iter().map(of).collect()
    };
    members(&parameters(old), &parameters(new), &mut how);
    members(&of_contents(&old.contents, "field"), &of_contents(&new.contents, "field"), &mut how);
    let answers = |operation: &Operation| -> BTreeMap<String, Value> {
        let of = |answer: &super::Answer| (format!("answer {}", answer.status), Value::Bool(true));
        operation.answers.iter().map(of).collect()
    };
    members(&answers(old), &answers(new), &mut how);
    for answer in &new.answers {
        let before = old.answers.iter().find(|known| known.status == answer.status);
        let what = format!("answer {} field", answer.status);
        let before = before.map(|known| of_contents(&known.contents, &what)).unwrap_or_default();
        if !before.is_empty() {
            members(&before, &of_contents(&answer.contents, &what), &mut how);
        }
    }
    for (what, differs) in [
        ("the server", old.servers != new.servers),
        ("how it is authenticated", old.security != new.security || old.anonymous != new.anonymous),
        ("what it costs", old.cost != new.cost),
        ("whether it is deprecated", old.entry.deprecated != new.entry.deprecated),
        ("its name", old.entry.id != new.entry.id),
        ("its description", old.entry.summary != new.entry.summary || old.entry.description != new.entry.description),
    ] {
        if differs {
            how.push(format!("{what} changed"));
        }
    }
    if how.is_empty() && without_prose(old) != without_prose(new) {
        how.push("what it takes or gives changed".to_owned());
    }
    how
}

/// An operation without what is only said about it.
fn without_prose(operation: &Operation) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                // A member that is called so is an object or `true`, never text.
                let is_prose = |name: &str, value: &Value| match name {
                    "description" | "title" | "summary" => value.is_string(),
                    "example" | "examples" | "place" | "tags" | "fields" => true,
                    _ => false,
                };
                members.retain(|name, value| !is_prose(name, value));
                members.values_mut().for_each(strip);
            }
            Value::Array(elements) => elements.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(operation).unwrap_or_default();
    strip(&mut value);
    value
}

fn members(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>, how: &mut Vec<String>) {
    for (name, value) in new {
        match old.get(name) {
            None => how.push(format!("{name} added")),
            Some(before) if before != value => how.push(format!("{name} changed")),
            Some(_) => {}
        }
    }
    how.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} removed")));
}

/// All fields of some contents, by media type and path.
fn of_contents(contents: &[Content], what: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for content in contents {
        let told = fields::field(&content.schema, "", true);
        add(&told, &format!("{what} `"), &mut found);
    }
    found
}

fn add(field: &Field, prefix: &str, found: &mut BTreeMap<String, Value>) {
    for inner in &field.fields {
        let path = format!("{prefix}{}", inner.name);
        found.insert(format!("{path}`"), comparable(inner));
        add(inner, &format!("{path}."), found);
    }
}

/// A field without what is only said about it, and without its members.
fn comparable(field: &Field) -> Value {
    let alone = Field { description: String::new(), example: None, fields: Vec::new(), ..field.clone() };
    serde_json::to_value(alone).unwrap_or_default()
}
