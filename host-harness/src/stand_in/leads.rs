//! The leads of a company: read, made, changed, deleted and listed.

use std::time::SystemTime;

use http::StatusCode;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::lead::{Company, Lead};
use super::rules::{self, Refusal};

/// As many as the vendor lists when nothing else is asked for. What tells of further ones is not known.
const MOST_LISTED: usize = 100;

/// By their ids, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Leads(IndexMap<String, Lead>);

impl Leads {
    pub(super) fn insert(&mut self, id: String, lead: Lead) {
        self.0.insert(id, lead);
    }

    /// Whether any of them has a label.
    pub(super) fn have_label(&self, id: &str) -> bool {
        self.0.values().any(|lead| lead.has_label(id))
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The first that is not in the archive.
    pub(super) fn first(&self) -> Option<&str> {
        self.0.iter().find(|(_, lead)| !lead.is_archived()).map(|(id, _)| id.as_str())
    }

    /// Those that are in the archive, or those that are not.
    pub(super) fn list(&self, archived: bool) -> Result<Answer, Refusal> {
        let listed: Vec<_> = self.0.values().filter(|lead| lead.is_archived() == archived).map(Lead::to_json).collect();
        if listed.len() > MOST_LISTED {
            return Err(Refusal::NotModelled(format!("a list of more than {MOST_LISTED} leads")));
        }
        Ok(Answer::success(StatusCode::OK, &listed.into()))
    }

    pub(super) fn read(&self, id: &str) -> Result<Answer, Refusal> {
        check_id(id)?;
        Ok(self.0.get(id).map_or_else(Answer::not_found, |lead| Answer::success(StatusCode::OK, &lead.to_json())))
    }

    pub(super) fn create(
        &mut self,
        members: Map<String, Value>,
        company: &Company,
        now: SystemTime,
    ) -> Result<Answer, Refusal> {
        if members.contains_key("is_archived") {
            return Err(Refusal::NotModelled("a lead that is made archived".to_owned()));
        }
        let id = Uuid::new_v4().to_string();
        let mut lead = Lead::new(&id, now);
        lead.fill(members, company, now)?;
        let answer = Answer::success(StatusCode::CREATED, &lead.to_json());
        self.0.insert(id, lead);
        Ok(answer)
    }

    pub(super) fn update(
        &mut self,
        id: &str,
        members: Map<String, Value>,
        company: &Company,
        now: SystemTime,
    ) -> Result<Answer, Refusal> {
        check_id(id)?;
        let Some(lead) = self.0.get_mut(id) else { return Ok(Answer::not_found()) };
        if lead.is_archived() {
            // That it is refused is known; with which status and words is not.
            return Err(Refusal::NotModelled("an update of an archived lead".to_owned()));
        }
        // All of a refused change is refused.
        let mut changed = lead.clone();
        changed.update(members, company, now)?;
        *lead = changed;
        Ok(Answer::success(StatusCode::OK, &lead.to_json()))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<Answer, Refusal> {
        check_id(id)?;
        let deleted = self.0.shift_remove(id);
        Ok(deleted.map_or_else(Answer::not_found, |_| Answer::success(StatusCode::OK, &json!({"id": id}))))
    }
}

fn check_id(id: &str) -> Result<(), Refusal> {
    if rules::is_uuid(id) { Ok(()) } else { Err(Refusal::NotModelled(format!("{id} as the id of a lead"))) }
}
