//! Pipedrive's `PATCH /v1/leads/{id}` on the same road as any task: typed changes → a step, and a judge that knows what
//! this operation's answers mean. Repeating the same change converges, so the step is repeatable.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::header;
use crate::json;
use crate::outcome::{Completed, Failure};
use crate::problem::{Place, Problem, noted, noted_all};
use crate::response::{Body, Response};
use crate::step::{Content, Method, Step, SuccessCodes, Timeouts};
use crate::template::Template;
use crate::url::UrlTemplate;

/// Where the API is for an API token, by the vendor's OpenAPI document.
const DEFAULT_SERVER: &str = "https://api.pipedrive.com/v1";

/// The vendor's limit for a title, by the text of its own refusal.
const MOST_TITLE_CHARACTERS: usize = 255;

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
pub enum Change {
    /// `title`
    Title(String),
    /// `value`: the amount as decimal text, and the currency.
    Value(Option<(String, String)>),
    /// `person_id`
    PersonId(Option<u64>),
    /// `organization_id`
    OrganizationId(Option<u64>),
    /// A custom field's key, and its value as JSON text.
    Custom(String, String),
}

impl LeadUpdate {
    /// The step that makes this update, or all that is wrong with it.
    pub fn step(&self) -> Result<Step, Vec<Problem>> {
        let mut problems = Vec::new();
        let url = self.url(&mut problems);
        if let Some(Err(message)) = self.credentials.as_deref().map(header::check_reference) {
            problems.push(Problem::new(&Place::root().member("credentials"), message).hint("pipedrive"));
        }
        let body = self.body(&mut problems);
        match url {
            Some(url) if problems.is_empty() => Ok(Step {
                method: Method::Patch,
                url,
                query: Vec::new(),
                headers: Vec::new(),
                content: Content::Body(Template::Literal(Value::Object(body))),
                credentials: self.credentials.clone(),
                timeouts: Timeouts::default(),
                success: SuccessCodes::default(),
                repeatable: true,
                idempotency_header: None,
            }),
            _ => Err(problems),
        }
    }

    fn url(&self, problems: &mut Vec<Problem>) -> Option<UrlTemplate> {
        if !is_uuid(&self.lead_id) {
            problems.push(
                Problem::new(&Place::root().member("leadId"), format!("{:?} is not a UUID", self.lead_id))
                    .hint("adf21080-0e10-11eb-879b-05d71fb426ec"),
            );
        }
        let place = Place::root().member("server");
        let lead_id = if is_uuid(&self.lead_id) { &self.lead_id } else { "" };
        let server = self.server.as_deref().unwrap_or(DEFAULT_SERVER).trim_end_matches('/');
        if server.contains(['$', '?', '#']) {
            problems.push(Problem::new(&place, "the server must be a plain URL").hint(DEFAULT_SERVER));
            return None;
        }
        noted_all(UrlTemplate::read(&format!("{server}/leads/{lead_id}"), &place), problems)
    }

    fn body(&self, problems: &mut Vec<Problem>) -> Map<String, Value> {
        let place = Place::root().member("changes");
        if self.changes.is_empty() {
            problems.push(Problem::new(&place, "there is nothing to change"));
        }
        let mut body = Map::new();
        for (index, change) in self.changes.iter().enumerate() {
            let (name, value) = change.member();
            let place = place.element(index).member(name);
            let value = noted(value.map_err(|message| Problem::new(&place, message)), problems);
            if body.insert(name.to_owned(), value.unwrap_or_default()).is_some() {
                problems.push(Problem::new(&place, format!("`{name}` is listed twice")));
            }
        }
        let cleared = |name: &str| body.get(name) == Some(&Value::Null);
        if cleared("person_id") && cleared("organization_id") && problems.is_empty() {
            problems.push(Problem::new(&place, "a lead must stay linked to a person or to an organization"));
        }
        body
    }
}

impl Change {
    /// The member that is sent, or what is wrong with it.
    fn member(&self) -> (&str, Result<Value, String>) {
        let id = |id: &Option<u64>| Ok(id.map_or(Value::Null, Value::from));
        match self {
            Self::Title(title) => ("title", check_title(title)),
            Self::Value(None) => ("value", Ok(Value::Null)),
            Self::Value(Some((amount, currency))) => ("value", money(amount, currency)),
            Self::PersonId(person) => ("person_id", id(person)),
            Self::OrganizationId(organization) => ("organization_id", id(organization)),
            Self::Custom(key, value) => (key, custom(key, value)),
        }
    }
}

fn check_title(title: &str) -> Result<Value, String> {
    let characters = title.chars().count();
    if title.trim().is_empty() {
        return Err("a title cannot be blank".into());
    }
    if characters > MOST_TITLE_CHARACTERS {
        return Err(format!("a title has at most {MOST_TITLE_CHARACTERS} characters, not {characters}"));
    }
    Ok(Value::String(title.to_owned()))
}

fn money(amount: &str, currency: &str) -> Result<Value, String> {
    let amount: Number = as_number(amount).ok_or_else(|| format!("{amount:?} is not an amount such as 12.50"))?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("{currency:?} is not a currency of three capital letters, such as EUR"));
    }
    let mut value = Map::new();
    value.insert("amount".into(), Value::Number(amount));
    value.insert("currency".into(), currency.into());
    Ok(Value::Object(value))
}

/// A JSON number, kept as written.
fn as_number(text: &str) -> Option<Number> {
    match json::parse(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => None,
    }
}

fn custom(key: &str, value: &str) -> Result<Value, String> {
    if key.len() != 40 || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the key of a custom field has 40 hexadecimal digits".into());
    }
    json::parse(value).map_err(|error| format!("the value is not JSON: {error}"))
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4), of any version.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the general judgement means for this operation: a success must say so, for the same lead; a refusal tells the
/// API's own words.
pub fn judge(lead_id: &str, outcome: Result<Completed, Failure>) -> Result<Completed, Failure> {
    match outcome {
        Ok(completed) => match check_success(lead_id, &completed.response) {
            Ok(()) => Ok(completed),
            Err(reason) => Err(Failure::Rejected { response: completed.response, reason }),
        },
        Err(Failure::Rejected { response, reason }) => {
            let reason = match Said::by(&response).and_then(|said| said.error()) {
                Some(words) => format!("{reason}: {words}"),
                None => reason,
            };
            Err(Failure::Rejected { response, reason })
        }
        Err(other) => Err(other),
    }
}

fn check_success(lead_id: &str, response: &Response) -> Result<(), String> {
    let status = response.status;
    let Some(said) = Said::by(response) else {
        return Err(format!("the API answered {status} without JSON"));
    };
    if said.success.map(RawValue::get) != Some("true") {
        let words = said.error().unwrap_or_else(|| "no reason given".into());
        return Err(format!("the API answered {status} but not `\"success\": true`: {words}"));
    }
    match said.lead_id() {
        Some(id) if id.eq_ignore_ascii_case(lead_id) => Ok(()),
        Some(other) => Err(format!("the API answered for another lead, {other}")),
        None => Err("the API's answer names no lead".into()),
    }
}

/// What an answer of Pipedrive says of itself; all else in it is passed over, however large it is. A member of another
/// type than expected counts as absent.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    error_info: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct LeadSaid<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl<'a> Said<'a> {
    fn by(response: &'a Response) -> Option<Self> {
        let Body::Json(text) = &response.body else { return None };
        serde_json::from_str(text).ok()
    }

    fn lead_id(&self) -> Option<String> {
        let lead: LeadSaid = serde_json::from_str(self.data?.get()).ok()?;
        as_string(lead.id)
    }

    fn error(&self) -> Option<String> {
        match (as_string(self.error), as_string(self.error_info)) {
            (Some(error), Some(info)) => Some(format!("{error} ({info})")),
            (error, info) => error.or(info),
        }
    }
}

fn as_string(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
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
            Change::Title("Deal €".into()),
            Change::Value(Some(("0".into(), "EUR".into()))),
            Change::Custom(KEY.into(), "1e2".into()),
            Change::PersonId(Some(7)),
        ]);
        let request = Request::prepare(&update.step().unwrap(), "{}", None).unwrap();
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
        let request = update(vec![Change::Title("${x} $${y}".into())]).step().unwrap();
        let request = Request::prepare(&request, "{}", None).unwrap();
        assert_eq!(request.body.bytes(), br#"{"title":"${x} $${y}"}"#);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let mut wrong = update(vec![
            Change::Title("  ".into()),
            Change::Title("x".repeat(256)),
            Change::Value(Some(("12,50".into(), "EUR".into()))),
            Change::Custom("abc".into(), "1".into()),
            Change::Custom(KEY.into(), "{".into()),
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
                "/changes/0/title".into(),
                "/changes/1/title".into(),
                "/changes/1/title".into(),
                "/changes/2/value".into(),
                "/changes/3/abc".into(),
                format!("/changes/4/{KEY}"),
            ]
        );
        assert!(update(vec![]).step().is_err());
        assert!(update(vec![Change::PersonId(None), Change::OrganizationId(None)]).step().is_err());
        assert!(update(vec![Change::PersonId(None)]).step().is_ok());
    }

    #[test]
    fn success_needs_the_api_to_say_so_for_the_same_lead() {
        let judged = |body: &str| {
            let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
            let (response, warnings) = Response::read(200, headers, body.into());
            judge(LEAD, Ok(Completed { response, warnings })).map(|_| ()).map_err(|failure| match failure {
                Failure::Rejected { reason, .. } => reason,
                other => format!("{other:?}"),
            })
        };
        assert_eq!(judged(&format!(r#"{{"success":true,"data":{{"id":"{LEAD}","new":1}}}}"#)), Ok(()));
        assert!(judged(r#"{"success":true,"data":{"id":"other"}}"#).unwrap_err().contains("another lead"));
        assert!(judged(r#"{"success":false,"error":"e","error_info":"i"}"#).unwrap_err().ends_with("e (i)"));
        assert!(judged("").unwrap_err().contains("without JSON"));
    }
}
