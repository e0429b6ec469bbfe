//! The HTTP Task of a workflow definition, as a WebAssembly component.
//!
//! ```text
//! definition ─▶ step ─▶ request ─▶ (host: policy, credential, wire) ─▶ response ─▶ outcome
//!    JSON      checked   resolved     the only I/O                        judged
//! ```
//!
//! ```text
//! definition   reads a task object ─▶ step ◀─ leads: the typed operation
//! template     any JSON with expressions ◀─ expression, url
//! request      a step over its input, ready to be sent
//! send         the only I/O
//! response     what came back
//! outcome      what it means: the one table
//! ```
//!
//! Each arrow is a function, each noun a type that only the stage before can make. One call sends at most one request.
//! There is no clock here, no randomness, no environment: what is imported is `wasi:http` and what that needs.
//!
//! This file maps the exports of `wit/http-task.wit` to the stages; with `send.rs` it is the only one that knows the
//! generated bindings.

pub mod definition;
pub mod expression;
pub mod header;
pub mod json;
pub mod leads;
mod members;
pub mod outcome;
pub mod problem;
pub mod request;
pub mod response;
mod send;
pub mod step;
pub mod template;
pub mod url;

mod bindings {
    wit_bindgen::generate!({ world: "http-task", generate_all });

    // Natively there is no host to call these, and their versioned names do not link.
    #[cfg(target_arch = "wasm32")]
    export!(Component with_types_in self);
    #[cfg(target_arch = "wasm32")]
    use super::Component;
}

use bindings::exports::workflow::http_task::{leads as leads_interface, task as task_interface};
use bindings::workflow::http_task::types;
use leads::{Change, LeadUpdate, Update};
use outcome::{Completed, Effect, Failure};
use problem::{Place, Problem};
use request::Request;
use step::Step;
use template::Template;

/// The exports.
pub struct Component;

impl task_interface::Guest for Component {
    fn check(definition: String) -> Result<Vec<types::Problem>, Vec<types::Problem>> {
        let step = Step::read(&definition).map_err(problems)?;
        leads::check(&step).warnings().map(problems).map_err(problems)
    }

    fn resolve(template: String, input: String) -> Result<String, Vec<types::Problem>> {
        resolve(&template, &input).map_err(problems)
    }

    fn prepare(
        definition: String,
        input: String,
        context: types::Context,
    ) -> Result<types::Prepared, Vec<types::Problem>> {
        let step = Step::read(&definition).map_err(problems)?;
        Prepared::task(&step, &input, &context).map(Into::into).map_err(problems)
    }

    fn run(definition: String, input: String, context: types::Context) -> Result<types::Completed, types::Failure> {
        let attempt = || {
            let step = Step::read(&definition).map_err(Failure::Invalid)?;
            Prepared::task(&step, &input, &context).map_err(Failure::Invalid)?.run(&step)
        };
        attempt().map(Into::into).map_err(Into::into)
    }
}

impl leads_interface::Guest for Component {
    fn prepare(
        step: leads_interface::LeadUpdate,
        context: types::Context,
    ) -> Result<types::Prepared, Vec<types::Problem>> {
        let (step, update) = LeadUpdate::from(step).step().map_err(problems)?;
        Prepared::lead(&step, update, &context).map(Into::into).map_err(problems)
    }

    fn update(step: leads_interface::LeadUpdate, context: types::Context) -> Result<types::Completed, types::Failure> {
        let attempt = || {
            let (step, update) = LeadUpdate::from(step).step().map_err(Failure::Invalid)?;
            Prepared::lead(&step, update, &context).map_err(Failure::Invalid)?.run(&step)
        };
        attempt().map(Into::into).map_err(Into::into)
    }
}

/// A typed step has no expressions, so its input is never read.
const NO_INPUT: &str = "{}";

fn resolve(template: &str, input: &str) -> Result<String, Vec<Problem>> {
    let place = Place::root();
    let parse = |name: &str, text: &str| {
        json::parse(text).map_err(|error| vec![Problem::new(&place, format!("the {name} is not JSON: {error}"))])
    };
    let template = Template::read(&parse("template", template)?, &place)?;
    // A template that is nothing but an optional expression has no member to leave out: its absence is null.
    Ok(template.resolve(&parse("input", input)?, &place)?.unwrap_or_default().to_string())
}

/// A request that could be sent now, and what is known of its operation.
struct Prepared {
    request: Request,
    update: Option<Update>,
}

impl Prepared {
    /// Any task; one that is a known operation is held to its rules.
    fn task(step: &Step, input: &str, context: &types::Context) -> Result<Self, Vec<Problem>> {
        let request = Request::prepare(step, input, context.idempotency_key.as_deref())?;
        let update = Update::recognise(&request)?;
        Ok(Self { request, update })
    }

    fn lead(step: &Step, update: Update, context: &types::Context) -> Result<Self, Vec<Problem>> {
        let request = Request::prepare(step, NO_INPUT, context.idempotency_key.as_deref())?;
        Ok(Self { request, update: Some(update) })
    }

    fn run(self, step: &Step) -> Result<Completed, Failure> {
        let Self { request, update } = self;
        let outcome = outcome::judge(send::send(&request, step.timeouts), request.repeatable, &step.success);
        match update {
            Some(update) => update.judge(outcome),
            None => outcome,
        }
    }
}

fn problems(problems: Vec<Problem>) -> Vec<types::Problem> {
    problems.into_iter().map(Into::into).collect()
}

fn headers(headers: Vec<(String, String)>) -> Vec<types::Header> {
    headers.into_iter().map(|(name, value)| types::Header { name, value }).collect()
}

impl From<Problem> for types::Problem {
    fn from(problem: Problem) -> Self {
        let Problem { place, message, hint, missing } = problem;
        Self { place, message, hint, missing }
    }
}

impl From<Request> for types::Request {
    fn from(request: Request) -> Self {
        Self {
            method: request.method.into(),
            url: request.url,
            headers: headers(request.headers),
            body: match request.body {
                request::Body::None => types::Body::None,
                request::Body::Json(text) => types::Body::Json(text),
                request::Body::Text(text) => types::Body::Text(text),
            },
            credentials: request.credentials,
        }
    }
}

impl From<response::Response> for types::Response {
    fn from(response: response::Response) -> Self {
        Self {
            status: response.status,
            headers: headers(response.headers),
            body: match response.body {
                response::Body::None => types::Body::None,
                response::Body::Json(text) => types::Body::Json(text),
                response::Body::Text(text) => types::Body::Text(text),
                response::Body::Binary(bytes) => types::Body::Binary(bytes),
            },
        }
    }
}

impl From<Prepared> for types::Prepared {
    fn from(prepared: Prepared) -> Self {
        let warnings = prepared.update.map(|update| update.warnings).unwrap_or_default();
        Self { request: prepared.request.into(), warnings: problems(warnings) }
    }
}

impl From<Completed> for types::Completed {
    fn from(completed: Completed) -> Self {
        Self { response: completed.response.into(), warnings: problems(completed.warnings) }
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(found) => Self::PermanentInvalid(problems(found)),
            Failure::Denied(message) => Self::PermanentDenied(types::Denial { message, hint: None }),
            Failure::Rejected { response, reason, warnings } => Self::PermanentRejected(types::Rejection {
                response: response.into(),
                reason,
                warnings: problems(warnings),
            }),
            Failure::Unknown { response, reason } => {
                Self::PermanentUnknown(types::Unknown { response: response.map(Into::into), reason })
            }
            Failure::Temporary { response, retry_after_seconds, effect, reason } => Self::Temporary(types::Temporary {
                response: response.map(Into::into),
                retry_after_seconds,
                effect: match effect {
                    Effect::None => types::Effect::None,
                    Effect::Possible => types::Effect::Possible,
                },
                reason,
            }),
        }
    }
}

impl From<leads_interface::LeadUpdate> for LeadUpdate {
    fn from(update: leads_interface::LeadUpdate) -> Self {
        let leads_interface::LeadUpdate { lead_id, changes, credentials, server } = update;
        Self { lead_id, changes: changes.into_iter().map(Into::into).collect(), credentials, server }
    }
}

impl From<leads_interface::Change> for Change {
    fn from(change: leads_interface::Change) -> Self {
        use leads_interface::Change as Typed;
        match change {
            Typed::Title(title) => Self::Title(title),
            Typed::OwnerId(id) => Self::OwnerId(id),
            Typed::LabelIds(ids) => Self::LabelIds(ids),
            Typed::PersonId(id) => Self::PersonId(id),
            Typed::OrganizationId(id) => Self::OrganizationId(id),
            Typed::IsArchived(archived) => Self::IsArchived(archived),
            Typed::Value(money) => Self::Value(money.map(|money| (money.amount, money.currency))),
            Typed::ExpectedCloseDate(date) => Self::ExpectedCloseDate(date),
            Typed::VisibleTo(level) => Self::VisibleTo(level),
            Typed::WasSeen(seen) => Self::WasSeen(seen),
            Typed::Channel(id) => Self::Channel(id),
            Typed::ChannelId(text) => Self::ChannelId(text),
            Typed::Custom(custom) => Self::Custom(custom.key, custom.value),
        }
    }
}
