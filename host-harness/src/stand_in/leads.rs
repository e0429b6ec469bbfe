//! The leads of the stand-in: a request → an answer. Pure but for what it remembers; time is a parameter.
//!
//! Modelled as far as the facts reach: reading, creating and updating a lead under `/v1` and `/api/v1`, the order of the
//! keys, three-state fields, and the bodies of 400, 401 and 404. All else is 501: nothing is invented.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode, Uri};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::rules::{self, Refusal};

/// The standard keys of a lead in the order of the wire; custom fields stand before `visible_to`.
const KEYS: [&str; 23] = [
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

/// A status and its JSON.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

/// What the stand-in remembers.
pub(super) struct Leads(BTreeMap<String, Lead>);

#[derive(Clone)]
struct Lead {
    standard: Map<String, Value>,
    custom: Map<String, Value>,
    updated: SystemTime,
}

impl Default for Leads {
    fn default() -> Self {
        // Some day before any test, so that every update moves on from it.
        let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let seeds = [
            ("adf21080-0e10-11eb-879b-05d71fb426ec", "Jane Doe lead", json!({"amount": 999, "currency": "USD"}), 1),
            (
                "f3c23480-c9b1-11f0-8f0e-2b1a8d0c7e11",
                "Warehouse shelving",
                json!({"amount": 1250.5, "currency": "EUR"}),
                2,
            ),
            ("0b6f1a3e-5d0c-4c5a-9a53-3f0f5f2f9d42", "Coffee machines", Value::Null, 3),
        ];
        Self(
            seeds
                .into_iter()
                .map(|(id, title, value, person)| {
                    let mut lead = Lead::new(id, title, made);
                    lead.standard.insert("value".into(), value);
                    lead.standard.insert("person_id".into(), person.into());
                    lead.standard.insert("expected_close_date".into(), "2026-12-31".into());
                    (id.to_owned(), lead)
                })
                .collect(),
        )
    }
}

impl Leads {
    /// Answers one request.
    pub(super) fn answer(
        &mut self,
        method: &Method,
        url: &Uri,
        authorized: bool,
        body: &[u8],
        now: SystemTime,
    ) -> Answer {
        // Also for unknown paths and wrong methods.
        if !authorized {
            return Answer::unauthorized();
        }
        let path = url.path();
        let Some(rest) = path.strip_prefix("/api/v1/leads").or_else(|| path.strip_prefix("/v1/leads")) else {
            return Answer::not_modelled(&format!("the path {path}"));
        };
        if url.query().is_some() {
            return Answer::not_modelled("a query");
        }
        match (method.as_str(), rest.split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", [""]) => self.create(body, now),
            ("GET", ["", id]) => self.read(id),
            ("PATCH", ["", id]) => self.update(id, body, now),
            ("PUT", ["", _]) => Answer::not_found(),
            _ => Answer::not_modelled(&format!("{method} {path}")),
        }
    }

    fn read(&self, id: &str) -> Answer {
        self.0.get(id).map_or_else(Answer::not_found, |lead| Answer::success(StatusCode::OK, lead))
    }

    fn create(&mut self, body: &[u8], now: SystemTime) -> Answer {
        let id = Uuid::new_v4().to_string();
        let mut lead = Lead::new(&id, "", now);
        if let Err(refused) = lead.change(body) {
            return refused;
        }
        if lead.standard["title"].as_str().is_none_or(str::is_empty) {
            return Answer::bad_request("\"title\" is required");
        }
        let answer = Answer::success(StatusCode::CREATED, &lead);
        self.0.insert(id, lead);
        answer
    }

    fn update(&mut self, id: &str, body: &[u8], now: SystemTime) -> Answer {
        let Some(lead) = self.0.get_mut(id) else { return Answer::not_found() };
        // All of a refused change is refused.
        let mut changed = lead.clone();
        if let Err(refused) = changed.change(body) {
            return refused;
        }
        changed.touch(now);
        *lead = changed;
        Answer::success(StatusCode::OK, lead)
    }
}

impl Lead {
    fn new(id: &str, title: &str, now: SystemTime) -> Self {
        let time = Value::from(timestamp(now));
        let mut standard: Map<String, Value> = KEYS.into_iter().map(|key| (key.to_owned(), Value::Null)).collect();
        for (key, value) in [
            ("id", json!(id)),
            ("title", json!(title)),
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

    /// Applies a change, or says what is wrong with it.
    fn change(&mut self, body: &[u8]) -> Result<(), Answer> {
        let changes: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Answer::not_modelled("content that is not a JSON object"))?;
        for (name, value) in changes {
            if is_custom(&name) {
                if value.is_null() {
                    self.custom.shift_remove(&name);
                } else {
                    self.custom.insert(name, value);
                }
                continue;
            }
            // One of the vendor's tutorials sends it along.
            if name == "id" {
                continue;
            }
            match rules::check(&name, &value) {
                Ok(()) => {}
                Err(Refusal::Unknown) => return Err(Answer::not_modelled(&format!("the field {name}"))),
                Err(Refusal::Words(words)) => return Err(Answer::bad_request(&format!("\"{name}\" {words}"))),
            }
            self.standard.insert(name, value);
        }
        if self.standard["person_id"].is_null() && self.standard["organization_id"].is_null() {
            return Err(Answer::bad_request("One of the \"person_id\" or \"organization_id\" must be set."));
        }
        Ok(())
    }

    fn touch(&mut self, now: SystemTime) {
        // Two updates within a millisecond still move on.
        self.updated = now.max(self.updated + Duration::from_millis(1));
        self.standard.insert("update_time".into(), timestamp(self.updated).into());
    }

    fn to_json(&self) -> Value {
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

fn is_custom(name: &str) -> bool {
    let key = name.strip_suffix("_currency").or_else(|| name.strip_suffix("_until")).unwrap_or(name);
    key.len() == 40 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// ISO 8601 with milliseconds and `Z`.
fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

impl Answer {
    fn success(status: StatusCode, lead: &Lead) -> Self {
        Self { status, body: json!({"success": true, "data": lead.to_json()}) }
    }

    fn bad_request(error_info: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            body: json!({"success": false, "data": null, "additional_data": null,
                "error": "provided dataset is not valid", "error_info": error_info}),
        }
    }

    fn unauthorized() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            body: json!({"success": false, "error": "unauthorized access", "errorCode": 401,
                "error_info": "Please check developers.pipedrive.com"}),
        }
    }

    fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            body: json!({"success": false, "error": "requested lead not found", "error_info": "Object was not found.",
                "data": null, "additional_data": null}),
        }
    }

    /// What the facts do not describe.
    pub(super) fn not_modelled(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_IMPLEMENTED,
            body: json!({"success": false, "error": "not modelled by the stand-in",
                "error_info": format!("the stand-in does not model {what}")}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAD: &str = "/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec";
    const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

    fn ask(leads: &mut Leads, method: &str, path: &str, body: &str) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = leads.answer(&method, &path.parse().unwrap(), true, body.as_bytes(), SystemTime::now());
        (answer.status.as_u16(), answer.body)
    }

    #[test]
    fn a_lead_is_read_in_the_order_of_the_wire() {
        let mut leads = Leads::default();
        ask(&mut leads, "PATCH", LEAD, &format!(r#"{{"{KEY}":"x"}}"#));
        let (status, body) = ask(&mut leads, "GET", &LEAD.replace("/v1", "/api/v1"), "");
        let keys: Vec<_> = body["data"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = KEYS.to_vec();
        expected.insert(21, KEY);
        assert_eq!((status, keys), (200, expected));
    }

    #[test]
    fn an_update_changes_what_it_names_and_moves_the_time() {
        let mut leads = Leads::default();
        let before = ask(&mut leads, "GET", LEAD, "").1;
        let change = format!(
            r#"{{"title":"New","value":{{"amount":0,"currency":"EUR"}},"expected_close_date":null,"{KEY}":[]}}"#
        );
        let (status, after) = ask(&mut leads, "PATCH", LEAD, &change);
        assert_eq!(status, 200);
        let changed: Vec<_> = after["data"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, value)| before["data"].get(key.as_str()) != Some(value))
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(changed, ["title", "value", "expected_close_date", "update_time", KEY]);
        assert_eq!(after["data"]["value"].to_string(), r#"{"amount":0,"currency":"EUR"}"#);
        let (_, cleared) = ask(&mut leads, "PATCH", LEAD, &format!(r#"{{"{KEY}":null}}"#));
        assert!(cleared["data"].get(KEY).is_none());
        assert_ne!(cleared["data"]["update_time"], after["data"]["update_time"]);
    }

    #[test]
    fn a_refused_change_changes_nothing_and_says_why() {
        let mut leads = Leads::default();
        let before = ask(&mut leads, "GET", LEAD, "");
        for (change, info) in [
            (r#"{"title":"New","owner_id":"x"}"#.to_owned(), "\"owner_id\" must be a number"),
            (r#"{"owner_id":null}"#.into(), "\"owner_id\" must be a number"),
            (r#"{"person_id":null}"#.into(), "One of the \"person_id\" or \"organization_id\" must be set."),
            (
                format!(r#"{{"title":"{}"}}"#, "x".repeat(256)),
                "\"title\" length must be less than or equal to 255 characters long",
            ),
        ] {
            let (status, body) = ask(&mut leads, "PATCH", LEAD, &change);
            assert_eq!((status, body["error_info"].as_str()), (400, Some(info)));
        }
        assert_eq!(ask(&mut leads, "GET", LEAD, ""), before);
    }

    #[test]
    fn a_created_lead_can_be_read() {
        let mut leads = Leads::default();
        let (status, made) = ask(&mut leads, "POST", "/v1/leads", r#"{"title":"Made","person_id":1}"#);
        assert_eq!(status, 201);
        let path = format!("/v1/leads/{}", made["data"]["id"].as_str().unwrap());
        assert_eq!(ask(&mut leads, "GET", &path, "").1["data"], made["data"]);
        assert_eq!(ask(&mut leads, "POST", "/v1/leads", r#"{"person_id":1}"#).0, 400);
    }

    #[test]
    fn what_is_unknown_is_said_to_be() {
        let mut leads = Leads::default();
        assert_eq!(ask(&mut leads, "PUT", LEAD, "{}").0, 404);
        assert_eq!(ask(&mut leads, "GET", "/v1/leads/0b6f1a3e-5d0c-4c5a-9a53-000000000000", "").0, 404);
        for (method, path, body) in [
            ("DELETE", LEAD, ""),
            ("GET", "/v1/deals", ""),
            ("GET", "/v1/leads", ""),
            ("PATCH", LEAD, r#"{"origin_id":1}"#),
        ] {
            assert_eq!(ask(&mut leads, method, path, body).0, 501, "{method} {path}");
        }
        let refused = leads.answer(&Method::GET, &"/nowhere".parse().unwrap(), false, b"", SystemTime::now());
        assert_eq!(refused.status, 401);
    }
}
