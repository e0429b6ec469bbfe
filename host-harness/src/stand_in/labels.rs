//! The labels that a company has made for its leads: listed, made, changed, deleted.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::lead::timestamp;
use super::rules::Refusal;

/// By the vendor's document.
const COLORS: [&str; 10] = ["blue", "brown", "dark-gray", "gray", "green", "orange", "pink", "purple", "red", "yellow"];

/// In the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels(Vec<Label>);

#[derive(Debug, Clone)]
struct Label {
    id: String,
    name: String,
    color: String,
    added: SystemTime,
    updated: SystemTime,
}

impl Labels {
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.iter().any(|label| label.id == id)
    }

    pub(super) fn list(&self) -> Answer {
        let labels: Vec<_> = self.0.iter().map(Label::to_json).collect();
        Answer::success(StatusCode::OK, &labels.into())
    }

    /// Adds a label; both its members are required.
    pub(super) fn add(&mut self, id: String, members: &Map<String, Value>, now: SystemTime) -> Result<Value, Refusal> {
        if let Some(name) = ["name", "color"].into_iter().find(|name| !members.contains_key(*name)) {
            return Err(Refusal::field(name, "is required"));
        }
        let mut label = Label { id, name: String::new(), color: String::new(), added: now, updated: now };
        label.change(members)?;
        let added = label.to_json();
        self.0.push(label);
        Ok(added)
    }

    pub(super) fn create(&mut self, members: &Map<String, Value>, now: SystemTime) -> Result<Answer, Refusal> {
        let added = self.add(Uuid::new_v4().to_string(), members, now)?;
        Ok(Answer::success(StatusCode::OK, &added))
    }

    pub(super) fn update(
        &mut self,
        id: &str,
        members: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Answer, Refusal> {
        let label = self.0.iter_mut().find(|label| label.id == id).ok_or_else(|| unknown(id))?;
        let mut changed = label.clone();
        changed.change(members)?;
        changed.updated = now;
        *label = changed;
        Ok(Answer::success(StatusCode::OK, &label.to_json()))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<Answer, Refusal> {
        let index = self.0.iter().position(|label| label.id == id).ok_or_else(|| unknown(id))?;
        self.0.remove(index);
        Ok(Answer::success(StatusCode::OK, &json!({"id": id})))
    }
}

/// The vendor's words for it are not known.
pub(super) fn unknown(id: &str) -> Refusal {
    Refusal::NotModelled(format!("the label {id}, which does not exist"))
}

impl Label {
    fn change(&mut self, members: &Map<String, Value>) -> Result<(), Refusal> {
        for (name, value) in members {
            let text = value.as_str().ok_or_else(|| Refusal::field(name, "must be a string"));
            match name.as_str() {
                "name" => self.name = text?.to_owned(),
                "color" if text.as_ref().is_ok_and(|color| COLORS.contains(color)) => self.color = text?.to_owned(),
                "color" => return Err(Refusal::field(name, &format!("must be one of [{}]", COLORS.join(", ")))),
                _ => return Err(Refusal::NotModelled(format!("the member {name} of a label"))),
            }
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        json!({"id": self.id, "name": self.name, "color": self.color, "add_time": timestamp(self.added),
            "update_time": timestamp(self.updated)})
    }
}
