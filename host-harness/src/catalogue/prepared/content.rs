//! The content of a prepared request: what is required, and of what is optional as much as helps.

use serde_json::{Map, Value, json};

use super::{Preparing, scalar};
use crate::catalogue::example::Examples;
use crate::catalogue::operation::Content;
use crate::catalogue::schema::takes;
use crate::catalogue::shape::Shape;
use crate::workflow::literal;

/// Optional members that are shown where none is required: more would hide the rest of the task.
const MOST_OPTIONAL_MEMBERS: usize = 40;

impl Preparing<'_> {
    /// A form or a body.
    pub(super) fn content(&mut self, content: &Content) -> Option<Value> {
        if !content.is_json() && !content.is_form() {
            let input = self.input("content", content.example.clone().filter(Value::is_string));
            return Some(json!(format!("${{{input}}}")));
        }
        let schema = &content.schema;
        let shape = Shape::of(schema, schema);
        if !shape.properties.is_empty() {
            let members = self.members(content, &shape);
            if content.is_form() {
                return Some(Value::Object(members));
            }
            if has_expressions(&members) || takes(schema, &Value::Object(members.clone())) {
                return Some(Value::Object(members));
            }
        } else if content.is_form() {
            return Some(json!({}));
        }
        let given = content.example.clone().filter(|example| takes(schema, example));
        let value = given.or_else(|| Examples::new(schema).value(schema, "text")).and_then(|value| literal(&value));
        Some(value.unwrap_or_else(|| json!(format!("${{{}}}", self.input("content", None)))))
    }

    /// What is required; where nothing is, what the document shows, or all there is to choose from.
    fn members(&mut self, content: &Content, shape: &Shape<'_>) -> Map<String, Value> {
        let schema = &content.schema;
        let examples = Examples::new(schema);
        let shown = content.example.as_ref().and_then(Value::as_object);
        let writable = |schema: &Value| !Shape::of(&content.schema, schema).is("readOnly");
        let mut members = Map::new();
        let nothing_required = shape.required.is_empty();
        // Who says which members are wanted wants no others.
        if nothing_required
            && self.wishes.fields.is_empty()
            && let Some(shown) = content.example.as_ref().filter(|shown| takes(schema, shown)).and_then(literal)
        {
            members.extend(shown.as_object().cloned().unwrap_or_default());
        }
        let show_all = nothing_required && members.is_empty() && self.wishes.fields.is_empty();
        let mut optional_members = 0;
        for (name, of_member) in &shape.properties {
            if shape.required.contains(name) && self.wishes.fields.iter().any(|field| field == name) {
                self.met.insert((*name).to_owned());
                members.insert((*name).to_owned(), json!(format!("${{{}}}", self.input(name, None))));
            } else if shape.required.contains(name) {
                let shown = shown.and_then(|shown| shown.get(*name)).filter(|value| {
                    // Of the same member, in the same place.
                    takes_member(schema, of_member, value)
                });
                let value =
                    shown.cloned().or_else(|| examples.value(of_member, name)).and_then(|value| literal(&value));
                let value = value.filter(|value| !content.is_form() || in_form(value));
                let value = value.unwrap_or_else(|| json!(format!("${{{}}}", self.input(name, None))));
                members.insert((*name).to_owned(), value);
            }
        }
        // Where more is required than its names say, what the document shows has it.
        let alone = Value::Object(members.clone());
        if !has_expressions(&members)
            && !takes(schema, &alone)
            && let Some(Value::Object(shown)) =
                content.example.as_ref().filter(|shown| takes(schema, shown)).and_then(literal)
        {
            members = shown;
        }
        for (name, of_member) in shape.properties.iter().filter(|(name, _)| !shape.required.contains(name)) {
            let wished = self.wishes.fields.iter().any(|field| field == name);
            if wished {
                self.met.insert((*name).to_owned());
            }
            if wished || (show_all && optional_members < MOST_OPTIONAL_MEMBERS && writable(of_member)) {
                optional_members += 1;
                members.insert((*name).to_owned(), self.optional(name));
            }
        }
        // What a document requires without saying what it is.
        for name in shape.required.iter().filter(|name| !shape.properties.iter().any(|(known, _)| known == *name)) {
            let input = self.input(name, None);
            members.entry((*name).to_owned()).or_insert_with(|| json!(format!("${{{input}}}")));
        }
        members
    }
}

fn takes_member(root: &Value, member: &Value, value: &Value) -> bool {
    takes(&Examples::new(root).in_root(member), value)
}

fn in_form(value: &Value) -> bool {
    scalar(value).is_some() || value.as_array().is_some_and(|values| values.iter().all(|value| scalar(value).is_some()))
}

fn has_expressions(members: &Map<String, Value>) -> bool {
    members.values().any(|value| value.as_str().is_some_and(|text| text.starts_with("${")))
}
