//! What a stand-in begins with: a JSON file → labels, custom fields, leads, limits, and the assumptions that do not hold.
//! The vendor's rules apply to it as to any request, and all that is wrong with it is found at once.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::assumption::{Assumption, Assumptions};
use super::budget::{Budget, Plan};
use super::custom::{self, CustomField, FieldType, TYPES};
use super::labels::Labels;
use super::lead::{Company, Lead};
use super::leads::Leads;
use super::rules::{self, Refusal};
use crate::source::{Finding, Source, pointer};

/// What the stand-in begins with where nothing else is said.
const DEFAULT: &str = include_str!("seed.json");

/// When the seeds were made, in seconds of the Unix epoch: some day before any test, so that every update moves on from it.
const MADE_SECONDS: u64 = 1_700_000_000;

/// What a stand-in begins with.
#[derive(Debug, Clone)]
pub struct Seed {
    pub(super) company: Company,
    pub(super) leads: Leads,
    pub(super) budget: Option<Budget>,
}

impl Default for Seed {
    fn default() -> Self {
        let source = Source::parse("seed.json", DEFAULT.to_owned()).expect("the seed that is built in is JSON");
        Self::read(&source).expect("the seed that is built in is right")
    }
}

impl Seed {
    /// Reads a seed, or finds all that is wrong with it.
    pub fn read(source: &Source) -> Result<Self, Vec<Finding>> {
        let root = serde_json::from_str(source.text()).unwrap_or_default();
        let mut reading = Reading { source, findings: Vec::new() };
        let seed = reading.seed(&root);
        if reading.findings.is_empty() { Ok(seed) } else { Err(reading.findings) }
    }

    /// With the other answer to what is only assumed.
    pub fn without(mut self, assumption: Assumption) -> Self {
        self.company.assumptions.set(assumption, false);
        self
    }

    /// The id of a lead that can be updated.
    pub fn lead(&self) -> Option<&str> {
        self.leads.first()
    }

    /// With limits, unless it has some: those of one seat, with the whole day before it.
    pub fn limited(mut self, plan: Plan) -> Self {
        self.budget.get_or_insert_with(|| Budget::new(plan, 1, 0));
        self
    }
}

struct Reading<'s> {
    source: &'s Source,
    findings: Vec<Finding>,
}

impl Reading<'_> {
    fn find(&mut self, place: &str, message: impl Into<String>) {
        self.findings.push(self.source.finding(place, message));
    }

    fn find_with(&mut self, place: &str, message: impl Into<String>, hint: impl Into<String>) {
        let finding = self.source.finding(place, message).hint(hint);
        self.findings.push(finding);
    }

    fn seed(&mut self, root: &Value) -> Seed {
        let members = self.object("", root, &["labels", "fields", "leads", "limits", "assumptions"]);
        let of = |name: &str| members.get(name).unwrap_or(&Value::Null);
        let made = SystemTime::UNIX_EPOCH + Duration::from_secs(MADE_SECONDS);
        let mut company = Company { assumptions: self.assumptions(of("assumptions")), ..Company::default() };
        for (place, fields) in self.list("/labels", of("labels")) {
            self.label(&place, fields, &mut company.labels, made);
        }
        for (place, fields) in self.list("/fields", of("fields")) {
            let id = company.fields.len() as u64 + 1;
            let field = self.field(&place, fields, id);
            company.fields.extend(field);
        }
        let mut leads = Leads::default();
        for (place, fields) in self.list("/leads", of("leads")) {
            self.lead(&place, fields, &company, &mut leads, made);
        }
        let budget = members.get("limits").and_then(|limits| self.budget(limits));
        Seed { company, leads, budget }
    }

    /// The members of an object that has no others.
    fn object<'v>(&mut self, place: &str, value: &'v Value, known: &[&str]) -> Members<'v> {
        let Some(members) = value.as_object() else {
            self.find_with(place, "must be an object", "{}");
            return Members(None);
        };
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let hint = format!("one of {}", known.join(", "));
            self.find_with(&pointer(place, name), format!("`{name}` is not known here"), hint);
        }
        Members(Some(members))
    }

    /// The objects of a list that may be absent, and where each stands.
    fn list<'v>(&mut self, place: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(all) => {
                all.iter().enumerate().map(|(index, value)| (format!("{place}/{index}"), value)).collect()
            }
            _ => {
                self.find_with(place, "must be a list", "[]");
                Vec::new()
            }
        }
    }

    /// A text that must be there.
    fn text(&mut self, place: &str, members: &Members<'_>, name: &str) -> Option<String> {
        let text = members.get(name).and_then(Value::as_str).map(str::to_owned);
        if text.is_none() && members.0.is_some() {
            self.find(&pointer(place, name), format!("`{name}` must be a string"));
        }
        text
    }

    /// A number that may be absent.
    fn number(&mut self, place: &str, members: &Members<'_>, name: &str, otherwise: u64) -> u64 {
        let Some(value) = members.get(name) else { return otherwise };
        value.as_u64().unwrap_or_else(|| {
            self.find_with(&pointer(place, name), "must be a whole number", otherwise.to_string());
            otherwise
        })
    }

    fn refuse(&mut self, place: &str, refusal: Refusal) {
        let message = match refusal {
            Refusal::Invalid(words) => words,
            Refusal::Unlinked { .. } => rules::UNLINKED.to_owned(),
            Refusal::NotModelled(what) => format!("the stand-in does not model {what}"),
        };
        self.find(place, message);
    }

    fn assumptions(&mut self, value: &Value) -> Assumptions {
        let mut assumptions = Assumptions::default();
        let names = Assumption::ALL.map(|(name, _)| name);
        if value.is_null() {
            return assumptions;
        }
        for (name, holds) in self.object("/assumptions", value, &names).0.into_iter().flatten() {
            match (Assumption::named(name), holds.as_bool()) {
                (Some(assumption), Some(holds)) => assumptions.set(assumption, holds),
                (Some(_), None) => self.find_with(&pointer("/assumptions", name), "must be true or false", "false"),
                // Found already.
                (None, _) => {}
            }
        }
        assumptions
    }

    fn budget(&mut self, value: &Value) -> Option<Budget> {
        let place = "/limits";
        let members = self.object(place, value, &["plan", "seats", "spent"]);
        let plan = self.text(place, &members, "plan")?;
        let (seats, spent) = (self.number(place, &members, "seats", 1), self.number(place, &members, "spent", 0));
        let Some((_, plan)) = Plan::ALL.into_iter().find(|(name, _)| *name == plan) else {
            let hint = format!("one of {}", Plan::ALL.map(|(name, _)| name).join(", "));
            self.find_with(&pointer(place, "plan"), format!("there is no plan `{plan}`"), hint);
            return None;
        };
        Some(Budget::new(plan, seats, spent))
    }

    fn label(&mut self, place: &str, value: &Value, labels: &mut Labels, made: SystemTime) {
        let known = self.object(place, value, &["id", "name", "color"]);
        let Some(id) = self.id(place, &known, |id| labels.has(id)) else { return };
        let mut members = known.0.cloned().unwrap_or_default();
        members.shift_remove("id");
        if let Err(refusal) = labels.add(id, &members, made) {
            self.refuse(place, refusal);
        }
    }

    /// A UUID that no other has.
    fn id(&mut self, place: &str, members: &Members<'_>, is_taken: impl Fn(&str) -> bool) -> Option<String> {
        let id = self.text(place, members, "id")?;
        if !rules::is_uuid(&id) {
            self.find(&pointer(place, "id"), format!("{id:?} is not a UUID"));
            return None;
        }
        if is_taken(&id) {
            self.find(&pointer(place, "id"), format!("there is another with the id {id}"));
            return None;
        }
        Some(id)
    }

    fn field(&mut self, place: &str, value: &Value, id: u64) -> Option<CustomField> {
        let members = self.object(place, value, &["key", "name", "field_type", "options"]);
        let key = self.text(place, &members, "key");
        let name = self.text(place, &members, "name");
        let type_name = self.text(place, &members, "field_type");
        let key = key.filter(|key| {
            let is_key = custom::split(key).is_some_and(|(_, rest)| rest.is_empty());
            if !is_key {
                self.find(&pointer(place, "key"), "the key of a custom field has 40 hexadecimal digits");
            }
            is_key
        });
        let found = type_name.and_then(|name| {
            let found = TYPES.into_iter().find(|(known, _)| *known == name);
            if found.is_none() {
                let hint = format!("one of {}", TYPES.map(|(name, _)| name).join(", "));
                self.find_with(&pointer(place, "field_type"), format!("there is no type `{name}`"), hint);
            }
            found
        });
        let options = self.options(place, &members, found.map(|(_, field_type)| field_type));
        let (type_name, field_type) = found?;
        Some(CustomField { id, key: key?, name: name?, type_name, field_type, options })
    }

    fn options(&mut self, place: &str, members: &Members<'_>, field_type: Option<FieldType>) -> Vec<(u64, String)> {
        let place = pointer(place, "options");
        let chosen = matches!(field_type, Some(FieldType::Option | FieldType::Options));
        let listed = self.list(&place, members.get("options").unwrap_or(&Value::Null));
        if chosen == listed.is_empty() && field_type.is_some() {
            let message = if chosen { "a choice has options" } else { "only a choice (enum, set) has options" };
            self.find_with(&place, message, r#""options": [{"id": 1, "label": "A"}]"#);
        }
        let mut options = Vec::new();
        for (place, value) in listed {
            let members = self.object(&place, value, &["id", "label"]);
            let id = self.number(&place, &members, "id", 0);
            let label = self.text(&place, &members, "label");
            options.extend(label.map(|label| (id, label)));
        }
        options
    }

    /// What a lead is made with, and its `id`; it may lie in the archive.
    fn lead(&mut self, place: &str, value: &Value, company: &Company, leads: &mut Leads, made: SystemTime) {
        let Some(mut members) = value.as_object().cloned() else {
            return self.find_with(place, "must be an object", "{}");
        };
        let Some(id) = self.id(place, &Members(Some(&members)), |id| leads.has(id)) else { return };
        members.shift_remove("id");
        let mut lead = Lead::new(&id, made);
        match lead.fill(members, company, made) {
            Ok(()) => leads.insert(id, lead),
            Err(refusal) => self.refuse(place, refusal),
        }
    }
}

/// The members of what may be no object.
struct Members<'v>(Option<&'v Map<String, Value>>);

impl<'v> Members<'v> {
    fn get(&self, name: &str) -> Option<&'v Value> {
        self.0?.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_with_a_seed_is_found_at_its_place() {
        let text = r#"{
            "labels": [{"id": "7", "name": "x", "color": "red"}, 7],
            "fields": [{"key": "abc", "name": "x", "field_type": "vachar"},
                       {"key": "0000000000000000000000000000000000000000", "name": "x", "field_type": "enum"}],
            "leads": [{"id": "adf21080-0e10-11eb-879b-05d71fb426ec", "title": "x"}, {"title": "x"}],
            "limits": {"plan": "free", "seats": -1},
            "assumptions": {"empty-label-ids-clear": 1, "x": true},
            "lead": []
        }"#;
        let source = Source::parse("seed.json", text.to_owned()).unwrap();
        let mut places: Vec<_> = Seed::read(&source).unwrap_err().into_iter().map(|finding| finding.place).collect();
        places.sort();
        assert_eq!(
            places,
            [
                "/assumptions/empty-label-ids-clear",
                "/assumptions/x",
                "/fields/0/field_type",
                "/fields/0/key",
                "/fields/1/options",
                "/labels/0/id",
                "/labels/1",
                "/lead",
                "/leads/0",
                "/leads/1/id",
                "/limits/plan",
                "/limits/seats",
            ]
        );
        assert!(Seed::read(&Source::parse("seed.json", "{}".into()).unwrap()).is_ok());
    }
}
