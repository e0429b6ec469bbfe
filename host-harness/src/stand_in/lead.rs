//! One lead: a change → the lead after it, all of it or nothing; the keys in the order of the wire.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::assumption::{Assumption, Assumptions};
use super::custom::{self, CustomField};
use super::labels::{self, Labels};
use super::rules::{self, Refusal};

/// The standard keys of a lead in the order of the wire; custom fields stand before `visible_to`.
pub(super) const KEYS: [&str; 23] = [
    "id",
    "title",
    "owner_id",
    "creator_id",
    "label_ids",
    "value",
    "expected_close_date",
    "person_id",
    "organization_id",
    "is_archived",
    "archive_time",
    "source_name",
    "source_deal_id",
    "origin",
    "origin_id",
    "channel",
    "channel_id",
    "was_seen",
    "next_activity_id",
    "add_time",
    "update_time",
    "visible_to",
    "cc_email",
];

#[derive(Debug, Clone)]
pub(super) struct Lead {
    standard: Map<String, Value>,
    custom: Map<String, Value>,
    updated: SystemTime,
}

/// What a company has, to which a lead refers, and the rules that it goes by.
#[derive(Debug, Clone, Default)]
pub(super) struct Company {
    pub(super) fields: Vec<CustomField>,
    pub(super) labels: Labels,
    pub(super) assumptions: Assumptions,
}

impl Lead {
    /// One that has only what the vendor gives it.
    pub(super) fn new(id: &str, now: SystemTime) -> Self {
        let time = Value::from(timestamp(now));
        let mut standard: Map<String, Value> = KEYS.into_iter().map(|key| (key.to_owned(), Value::Null)).collect();
        for (key, value) in [
            ("id", json!(id)),
            ("owner_id", json!(1)),
            ("creator_id", json!(1)),
            ("label_ids", json!([])),
            ("is_archived", json!(false)),
            ("source_name", json!("API")),
            ("origin", json!("API")),
            ("was_seen", json!(false)),
            ("add_time", time.clone()),
            ("update_time", time),
            ("visible_to", json!("3")),
            ("cc_email", json!(format!("company+1+lead{id}@pipedrivemail.com"))),
        ] {
            standard.insert(key.into(), value);
        }
        Self { standard, custom: Map::new(), updated: now }
    }

    pub(super) fn is_archived(&self) -> bool {
        self.standard["is_archived"] == true
    }

    pub(super) fn has_label(&self, id: &str) -> bool {
        self.standard["label_ids"].as_array().is_some_and(|ids| ids.iter().any(|label| label == id))
    }

    /// Sets what a lead is made with: it has a title, and takes an `origin_id`.
    pub(super) fn fill(
        &mut self,
        mut members: Map<String, Value>,
        company: &Company,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        match members.get("title") {
            None => return Err(Refusal::field("title", "is required")),
            Some(Value::Null) => return Err(Refusal::field("title", "must be a string")),
            Some(_) => {}
        }
        if let Some(origin) = members.shift_remove("origin_id") {
            if !origin.is_string() {
                return Err(Refusal::field("origin_id", "must be a string"));
            }
            self.standard.insert("origin_id".into(), origin);
        }
        self.change(members, company, now)
    }

    /// Applies a change, or says what is wrong with it. After a refusal the lead is neither the old nor the new one.
    fn change(&mut self, members: Map<String, Value>, company: &Company, now: SystemTime) -> Result<(), Refusal> {
        for (name, value) in members {
            if let Some(checked) = custom::check(&company.fields, &name, &value) {
                checked?;
                self.set_custom(name, value, company);
            } else if let Some(checked) = rules::check(&name, &value) {
                checked?;
                self.set(name, value, company, now)?;
            } else if name != "id" {
                return Err(Refusal::NotModelled(format!("the field {name}")));
            } else if !company.assumptions.hold(Assumption::IdIsIgnored) {
                return Err(Refusal::field("id", "is not allowed"));
            }
        }
        if self.standard["person_id"].is_null() && self.standard["organization_id"].is_null() {
            return Err(Refusal::Unlinked { in_error_info: company.assumptions.hold(Assumption::LinkTextInErrorInfo) });
        }
        Ok(())
    }

    fn set(&mut self, name: String, value: Value, company: &Company, now: SystemTime) -> Result<(), Refusal> {
        let value = match name.as_str() {
            "title" if value.is_null() && !company.assumptions.hold(Assumption::NullUnsetsTitle) => {
                return Err(Refusal::field("title", "must be a string"));
            }
            "label_ids" => self.relabelled(value, company)?,
            "is_archived" => {
                let archived = if value == true { timestamp(now).into() } else { Value::Null };
                self.standard.insert("archive_time".into(), archived);
                value
            }
            _ => value,
        };
        self.standard.insert(name, value);
        Ok(())
    }

    /// The labels after those of a change.
    fn relabelled(&self, listed: Value, company: &Company) -> Result<Value, Refusal> {
        let ids = listed.as_array().into_iter().flatten().filter_map(Value::as_str);
        if let Some(unknown) = ids.clone().find(|id| !company.labels.has(id)) {
            return Err(labels::unknown(unknown));
        }
        let clears = ids.clone().next().is_none();
        let before = &self.standard["label_ids"];
        if clears && !company.assumptions.hold(Assumption::EmptyLabelIdsClear) {
            return Ok(before.clone());
        }
        if clears || company.assumptions.hold(Assumption::LabelIdsReplace) {
            return Ok(listed);
        }
        let mut all = before.as_array().cloned().unwrap_or_default();
        let added: Vec<_> = ids.map(Value::from).filter(|id| !all.contains(id)).collect();
        all.extend(added);
        Ok(all.into())
    }

    fn set_custom(&mut self, name: String, value: Value, company: &Company) {
        if !value.is_null() {
            self.custom.insert(name, value);
        } else if company.assumptions.hold(Assumption::NullUnsetsCustom) {
            self.custom.shift_remove(&name);
        }
    }

    /// Applies a change as an update does: its time moves on. After a refusal as after one of `change`.
    pub(super) fn update(
        &mut self,
        members: Map<String, Value>,
        company: &Company,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        // Two updates within a millisecond still move on.
        self.updated = now.max(self.updated + Duration::from_millis(1));
        self.standard.insert("update_time".into(), timestamp(self.updated).into());
        self.change(members, company, self.updated)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut lead = Map::new();
        for (key, value) in &self.standard {
            if key == "visible_to" {
                lead.extend(self.custom.clone());
            }
            lead.insert(key.clone(), value.clone());
        }
        Value::Object(lead)
    }
}

/// ISO 8601 with milliseconds and `Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
