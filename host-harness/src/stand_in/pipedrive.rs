//! The API that the stand-in plays: a request → an answer. Pure but for what it remembers; time is a parameter.
//!
//! Modelled as far as the facts reach: leads, their labels and custom fields under `/v1` and `/api/v1`, the limits, and the
//! refresh of an OAuth token. All else is 501: nothing is invented.

use std::time::SystemTime;

use http::request::Parts;
use http::{HeaderName, Method, header};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::budget::{Budget, TokenKind};
use super::custom::CustomField;
use super::lead::Company;
use super::leads::Leads;
use super::oauth::Oauth;
use super::rules::Refusal;
use super::seed::Seed;

/// What the server knows and remembers.
pub(super) struct Pipedrive {
    api_token: String,
    pub(super) oauth: Oauth,
    budget: Option<Budget>,
    company: Company,
    leads: Leads,
}

/// An operation that is modelled.
#[derive(Clone, Copy)]
enum Operation<'u> {
    GetLeads {
        archived: bool,
    },
    AddLead,
    GetLead(&'u str),
    UpdateLead(&'u str),
    DeleteLead(&'u str),
    /// With PUT, that is; the API has PATCH.
    PutLead,
    GetLabels,
    AddLabel,
    UpdateLabel(&'u str),
    DeleteLabel(&'u str),
    GetFields,
}

impl<'u> Operation<'u> {
    fn of(method: &Method, path: &'u str) -> Option<Self> {
        let rest = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/v1/"))?;
        Some(match (method.as_str(), rest.split('/').collect::<Vec<_>>().as_slice()) {
            ("GET", ["leads"]) => Self::GetLeads { archived: false },
            ("GET", ["leads", "archived"]) => Self::GetLeads { archived: true },
            // An operation of its own, with a query.
            ("GET", ["leads", "search"]) => return None,
            ("POST", ["leads"]) => Self::AddLead,
            ("GET", ["leads", id]) => Self::GetLead(id),
            ("PATCH", ["leads", id]) => Self::UpdateLead(id),
            ("DELETE", ["leads", id]) => Self::DeleteLead(id),
            ("PUT", ["leads", _]) => Self::PutLead,
            ("GET", ["leadLabels"]) => Self::GetLabels,
            ("POST", ["leadLabels"]) => Self::AddLabel,
            ("PATCH", ["leadLabels", id]) => Self::UpdateLabel(id),
            ("DELETE", ["leadLabels", id]) => Self::DeleteLabel(id),
            ("GET", ["leadFields"]) => Self::GetFields,
            _ => return None,
        })
    }

    /// In tokens of the daily budget: of leads as the vendor lists them, of the others by what the same kind costs there.
    fn cost(self) -> u64 {
        match self {
            Self::GetLead(_) => 2,
            Self::DeleteLead(_) | Self::DeleteLabel(_) => 6,
            Self::AddLead | Self::UpdateLead(_) | Self::GetLabels | Self::AddLabel | Self::UpdateLabel(_) => 10,
            Self::GetLeads { .. } | Self::GetFields => 20,
            Self::PutLead => 0,
        }
    }
}

impl Pipedrive {
    pub(super) fn new(api_token: String, oauth: Oauth, seed: Seed) -> Self {
        let Seed { company, leads, budget } = seed;
        Self { api_token, oauth, budget, company, leads }
    }

    /// Answers one request.
    pub(super) fn answer(&mut self, head: &Parts, body: &[u8], now: SystemTime) -> Answer {
        let (method, path) = (&head.method, head.uri.path());
        if path == "/oauth/token" && method == Method::POST {
            return self.oauth.token(&head.headers, body, now);
        }
        let Some((kind, token)) = self.authorized(head, now) else {
            return match head.uri.query() {
                Some(query) if query.contains("api_token=") => Answer::not_modelled("an API token in the query"),
                // Also for unknown paths and wrong methods.
                _ => Answer::unauthorized(),
            };
        };
        let Some(operation) = Operation::of(method, path) else {
            return Answer::not_modelled(&format!("{method} {path}"));
        };
        if head.uri.query().is_some() {
            return Answer::not_modelled("a query");
        }
        let headers = match &mut self.budget {
            Some(budget) => match budget.spend(kind, &token, operation.cost(), now) {
                Ok(headers) => headers.into(),
                Err(refused) => return refused,
            },
            None => Vec::new(),
        };
        let answer = self.operate(operation, head, body, now).unwrap_or_else(Answer::from);
        headers.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }

    /// The token that a request carries, if it is a live one.
    fn authorized(&self, head: &Parts, now: SystemTime) -> Option<(TokenKind, String)> {
        let field = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        let api = field(HeaderName::from_static("x-api-token")).filter(|token| *token == self.api_token);
        let access =
            || field(header::AUTHORIZATION)?.strip_prefix("Bearer ").filter(|token| self.oauth.accepts(token, now));
        let found = api.map(|token| (TokenKind::Api, token)).or_else(|| Some((TokenKind::Access, access()?)));
        found.map(|(kind, token)| (kind, token.to_owned()))
    }

    fn operate(
        &mut self,
        operation: Operation<'_>,
        head: &Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Answer, Refusal> {
        let members = || members(head, body);
        let Self { company, leads, .. } = self;
        match operation {
            Operation::GetLeads { archived } => leads.list(archived),
            Operation::AddLead => leads.create(members()?, company, now),
            Operation::GetLead(id) => leads.read(id),
            Operation::UpdateLead(id) => leads.update(id, members()?, company, now),
            Operation::DeleteLead(id) => leads.delete(id),
            Operation::PutLead => Ok(Answer::new(http::StatusCode::NOT_FOUND)),
            Operation::GetLabels => Ok(company.labels.list()),
            Operation::AddLabel => company.labels.create(&members()?, now),
            Operation::UpdateLabel(id) => company.labels.update(id, &members()?, now),
            Operation::DeleteLabel(id) if leads.have_label(id) => {
                Err(Refusal::NotModelled("the deletion of a label that a lead has".to_owned()))
            }
            Operation::DeleteLabel(id) => company.labels.delete(id),
            // Without the standard fields, whose ids and types are not known.
            Operation::GetFields => {
                let fields: Vec<_> = company.fields.iter().map(CustomField::to_json).collect();
                Ok(Answer::success(http::StatusCode::OK, &fields.into()))
            }
        }
    }
}

/// The members of a request's content, which has to say that it is JSON.
fn members(head: &Parts, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let essence = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Refusal::NotModelled("content that is not sent as application/json".to_owned()));
    }
    serde_json::from_slice(body).map_err(|_| Refusal::NotModelled("content that is not a JSON object".to_owned()))
}

#[cfg(test)]
mod tests;
