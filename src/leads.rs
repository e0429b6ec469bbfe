//! Pipedrive's `PATCH /v1/leads/{id}` on the same road as any task: typed changes → a step, and an [`Update`] that knows
//! what this operation's answers mean. Repeating the same change converges, so the step is repeatable.
//!
//! ```text
//! typed changes ─▶ fields ─▶ Update ─▶ answer: what it means for this operation
//! any request   ─▶ recognition ─▲
//! ```

mod answer;
mod custom;
mod fields;
mod recognition;
mod values;

pub use self::recognition::check;

use serde_json::{Map, Value};

use crate::header;
use crate::json;
use crate::problem::{Found, Place, Problem, noted_all};
use crate::step::{Content, Method, Step, SuccessCodes, Timeouts};
use crate::template::Template;
use crate::url::UrlTemplate;

/// Where the API is for an API token, by the vendor's OpenAPI document.
const DEFAULT_SERVER: &str = "https://api.pipedrive.com/v1";

/// A typed lead update.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadUpdate {
    /// The lead's UUID, of any version.
    pub lead_id: String,
    /// In the order in which they are sent.
    pub changes: Vec<Change>,
    /// The reference of saved credentials.
    pub credentials: Option<String>,
    /// Another server than the default.
    pub server: Option<String>,
}

/// One field that changes; `None` unsets it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the vendor's fields; wit/http-task.wit says what each takes")]
pub enum Change {
    Title(Option<String>),
    OwnerId(u64),
    LabelIds(Vec<String>),
    PersonId(Option<u64>),
    OrganizationId(Option<u64>),
    IsArchived(bool),
    /// The amount as decimal text, and the currency.
    Value(Option<(String, String)>),
    ExpectedCloseDate(Option<String>),
    VisibleTo(String),
    WasSeen(bool),
    Channel(Option<u64>),
    ChannelId(Option<String>),
    /// A custom field's key, and its value as JSON text.
    Custom(String, String),
}

/// A lead update that keeps the rules, typed or recognised: what the answer is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    lead_id: String,
    changes: Map<String, Value>,
    /// What is worth knowing before it is sent.
    pub warnings: Vec<Problem>,
}

impl LeadUpdate {
    /// The step that makes this update, or all that is wrong with it.
    pub fn step(&self) -> Result<(Step, Update), Vec<Problem>> {
        let mut found = Found::default();
        check_lead_id(&self.lead_id, &Place::root().member("leadId"), &mut found);
        let url = self.url(&mut found);
        if let Some(Err(message)) = self.credentials.as_deref().map(header::check_reference) {
            found.problem(Problem::new(&Place::root().member("credentials"), message).hint("pipedrive"));
        }
        let changes = self.changes(&mut found);
        let warnings = found.warnings()?;
        let step = Step {
            method: Method::Patch,
            url: url.ok_or_else(Vec::new)?,
            query: Vec::new(),
            headers: Vec::new(),
            content: Content::Body(Template::Literal(Value::Object(changes.clone()))),
            credentials: self.credentials.clone(),
            timeouts: Timeouts::default(),
            success: SuccessCodes::default(),
            repeatable: true,
            idempotency_header: None,
        };
        Ok((step, Update { lead_id: self.lead_id.clone(), changes, warnings }))
    }

    /// `None` when a problem with it has been noted.
    fn url(&self, found: &mut Found) -> Option<UrlTemplate> {
        let place = Place::root().member("server");
        let server = server(self.server.as_deref().unwrap_or(DEFAULT_SERVER))
            .map_err(|problem| found.problem(Problem::new(&place, problem.0).hint(problem.1)))
            .ok()?;
        let lead_id = if values::is_uuid(&self.lead_id) { &self.lead_id } else { "" };
        noted_all(UrlTemplate::read(&format!("{server}/leads/{lead_id}"), &place), &mut found.problems)
    }

    fn changes(&self, found: &mut Found) -> Map<String, Value> {
        let place = Place::root().member("changes");
        if self.changes.is_empty() {
            found.problem(Problem::new(&place, NOTHING));
        }
        let mut sent = Map::new();
        let mut places = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let (name, value) = change.member();
            let place = place.element(index).member(name);
            if let Change::Custom(key, _) = change
                && let Err(message) = fields::check_custom_key(key)
            {
                found.problem(Problem::new(&place, message));
                continue;
            }
            match value {
                Err(message) => found.problem(Problem::new(&place, message)),
                Ok(_) if sent.contains_key(name) => {
                    found.problem(Problem::new(&place, format!("`{name}` is listed twice")));
                }
                Ok(value) => {
                    sent.insert(name.to_owned(), value);
                    places.push(place);
                }
            }
        }
        let changes = sent.iter().zip(places).map(|((name, value), place)| fields::Change { name, value, place });
        fields::check(changes, &place, found);
        sent
    }
}

const NOTHING: &str = "there is nothing to change";

fn check_lead_id(lead_id: &str, place: &Place, found: &mut Found) {
    if !values::is_uuid(lead_id) {
        let problem = Problem::new(place, format!("{lead_id:?} is not the UUID of a lead"));
        found.problem(problem.hint("adf21080-0e10-11eb-879b-05d71fb426ec"));
    }
}

/// The server with its path; or what is wrong with it, and what to write instead.
fn server(written: &str) -> Result<String, (String, String)> {
    let written = written.trim_end_matches('/');
    let wrong = |message: &str, hint: String| Err((message.to_owned(), hint));
    if written.contains(['$', '?', '#']) {
        return wrong("the server must be a plain URL", DEFAULT_SERVER.to_owned());
    }
    let Some((scheme, rest)) = written.split_once("://") else {
        let host = if written.contains('.') { written.to_owned() } else { format!("{written}.pipedrive.com") };
        let host = host.split('/').next().unwrap_or_default();
        return wrong("the server must be a URL", format!("https://{host}/api/v1"));
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match path {
        // As the vendor's document has it.
        "" if host.eq_ignore_ascii_case("api.pipedrive.com") => Ok(format!("{written}/v1")),
        // An OAuth `api_domain`.
        "" => Ok(format!("{written}/api/v1")),
        path if recognition::is_vendor(host) && !recognition::PREFIXES.contains(&path) => {
            wrong("leads are updated under /v1 or /api/v1", format!("{scheme}://{host}/api/v1"))
        }
        _ => Ok(written.to_owned()),
    }
}

impl Change {
    /// The member that is sent. Whether the field takes the value is for `fields.rs` to say.
    fn member(&self) -> (&str, Result<Value, String>) {
        fn text(text: Option<&String>) -> Value {
            text.map_or(Value::Null, |text| text.as_str().into())
        }
        let id = |id: &Option<u64>| id.map_or(Value::Null, Value::from);
        let (name, value) = match self {
            Self::Title(title) => ("title", text(title.as_ref())),
            Self::OwnerId(owner) => ("owner_id", (*owner).into()),
            Self::LabelIds(labels) => ("label_ids", labels.clone().into()),
            Self::PersonId(person) => ("person_id", id(person)),
            Self::OrganizationId(organization) => ("organization_id", id(organization)),
            Self::IsArchived(archived) => ("is_archived", (*archived).into()),
            Self::Value(money) => ("value", money.as_ref().map_or(Value::Null, self::money)),
            Self::ExpectedCloseDate(date) => ("expected_close_date", text(date.as_ref())),
            Self::VisibleTo(level) => ("visible_to", level.as_str().into()),
            Self::WasSeen(seen) => ("was_seen", (*seen).into()),
            Self::Channel(channel) => ("channel", id(channel)),
            Self::ChannelId(channel) => ("channel_id", text(channel.as_ref())),
            Self::Custom(key, value) => {
                return (key, json::parse(value).map_err(|error| format!("the value is not JSON: {error}")));
            }
        };
        (name, Ok(value))
    }
}

/// The amount as the number that is written; what is no number stays a text, to be found.
fn money((amount, currency): &(String, String)) -> Value {
    let amount = json::parse(amount).ok().filter(Value::is_number).unwrap_or_else(|| amount.as_str().into());
    let members = [("amount".to_owned(), amount), ("currency".to_owned(), currency.as_str().into())];
    Value::Object(members.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";
    const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

    fn update(changes: Vec<Change>) -> LeadUpdate {
        LeadUpdate { lead_id: LEAD.into(), changes, credentials: None, server: None }
    }

    #[test]
    fn changes_arrive_in_order_with_their_three_states() {
        let update = update(vec![
            Change::OrganizationId(None),
            Change::Title(Some("Deal €".into())),
            Change::Value(Some(("0".into(), "EUR".into()))),
            Change::Custom(KEY.into(), "1e2".into()),
            Change::PersonId(Some(7)),
        ]);
        let request = Request::prepare(&update.step().unwrap().0, "{}", None).unwrap();
        assert_eq!(request.url, format!("https://api.pipedrive.com/v1/leads/{LEAD}"));
        assert_eq!(
            std::str::from_utf8(request.body.bytes()).unwrap(),
            format!(
                r#"{{"organization_id":null,"title":"Deal €","value":{{"amount":0,"currency":"EUR"}},"{KEY}":1e2,"person_id":7}}"#
            )
        );
        assert!(request.repeatable);
    }

    #[test]
    fn text_in_a_change_is_never_an_expression() {
        let (step, _) = update(vec![Change::Title(Some("${x} $${y}".into()))]).step().unwrap();
        let request = Request::prepare(&step, "{}", None).unwrap();
        assert_eq!(request.body.bytes(), br#"{"title":"${x} $${y}"}"#);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let mut wrong = update(vec![
            Change::Title(Some("  ".into())),
            Change::Title(Some("x".repeat(256))),
            Change::Value(Some(("12,50".into(), "EURO".into()))),
            Change::Custom("abc".into(), "1".into()),
            Change::Custom(KEY.into(), "{".into()),
            Change::Custom("origin_id".into(), "1".into()),
            Change::PersonId(None),
            Change::OrganizationId(None),
        ]);
        wrong.lead_id = "1".into();
        wrong.server = Some("https://${x}".into());
        wrong.credentials = Some("a\r\nb".into());
        let places: Vec<_> = wrong.step().unwrap_err().into_iter().map(|problem| problem.place).collect();
        assert_eq!(
            places,
            [
                "/leadId".to_owned(),
                "/server".into(),
                "/credentials".into(),
                "/changes/1/title".into(),
                "/changes/3/abc".into(),
                format!("/changes/4/{KEY}"),
                "/changes/5/origin_id".into(),
                "/changes/0/title".into(),
                "/changes/2/value/amount".into(),
                "/changes/2/value/currency".into(),
                "/changes".into(),
            ]
        );
        assert!(update(vec![]).step().is_err());
        assert!(update(vec![Change::PersonId(None)]).step().is_ok());
    }

    #[test]
    fn a_server_is_an_address_with_or_without_its_path() {
        for (written, expected) in [
            ("https://api.pipedrive.com", Ok("https://api.pipedrive.com/v1")),
            ("https://api.pipedrive.com/v1/", Ok("https://api.pipedrive.com/v1")),
            ("https://acme.pipedrive.com", Ok("https://acme.pipedrive.com/api/v1")),
            ("https://acme.pipedrive.com/api/v1", Ok("https://acme.pipedrive.com/api/v1")),
            ("https://acme.pipedrive.com/v1", Ok("https://acme.pipedrive.com/v1")),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/api/v1")),
            ("https://gateway.example/crm", Ok("https://gateway.example/crm")),
            ("https://acme.pipedrive.com/api/v2", Err("https://acme.pipedrive.com/api/v1")),
            ("acme", Err("https://acme.pipedrive.com/api/v1")),
            ("acme.pipedrive.com/v1", Err("https://acme.pipedrive.com/api/v1")),
            ("https://acme.pipedrive.com/?x=1", Err(DEFAULT_SERVER)),
        ] {
            let read = server(written);
            let read = read.as_deref().map_err(|(_, hint)| hint.as_str());
            assert_eq!(read, expected, "{written}");
        }
    }
}
