//! A request, a response and an outcome as JSON, in the words of `wit/http-task.wit`. JSON bodies stand in it as JSON,
//! their numbers as they came; text is a string; other bytes are `{"base64": …}`; no content is null.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::component::{Body, Completed, Effect, Failure, Header, Problem, Request, Response};
use crate::exchange::Sent;

/// The name of an outcome: `completed`, or the failure's case.
pub fn outcome_name(outcome: &Result<Completed, Failure>) -> &'static str {
    outcome.as_ref().map_or_else(failure_name, |_| "completed")
}

/// The name of a failure's case.
pub fn failure_name(failure: &Failure) -> &'static str {
    match failure {
        Failure::ExecutionFailed => "execution-failed",
        Failure::PermanentInvalid(_) => "permanent-invalid",
        Failure::PermanentDenied(_) => "permanent-denied",
        Failure::PermanentRejected(_) => "permanent-rejected",
        Failure::PermanentUnknown(_) => "permanent-unknown",
        Failure::Temporary(_) => "temporary",
    }
}

/// The response that an outcome carries.
pub fn response_of(outcome: &Result<Completed, Failure>) -> Option<&Response> {
    match outcome {
        Ok(completed) => Some(&completed.response),
        Err(failure) => response_of_failure(failure),
    }
}

/// The response that a failure carries.
pub fn response_of_failure(failure: &Failure) -> Option<&Response> {
    match failure {
        Failure::PermanentRejected(rejection) => Some(&rejection.response),
        Failure::PermanentUnknown(unknown) => unknown.response.as_ref(),
        Failure::Temporary(temporary) => temporary.response.as_ref(),
        _ => None,
    }
}

/// Why an outcome is a failure, in one sentence.
pub fn reason_of(failure: &Failure) -> &str {
    match failure {
        Failure::ExecutionFailed => "the host could not run the task",
        Failure::PermanentInvalid(_) => "the definition or its input is wrong; nothing was sent",
        Failure::PermanentDenied(denial) => &denial.message,
        Failure::PermanentRejected(rejection) => &rejection.reason,
        Failure::PermanentUnknown(unknown) => &unknown.reason,
        Failure::Temporary(temporary) => &temporary.reason,
    }
}

/// A request as JSON.
#[derive(Serialize)]
pub struct RequestReport<'a> {
    method: &'a str,
    url: &'a str,
    headers: Vec<HeaderReport<'a>>,
    body: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<&'a str>,
}

#[derive(Serialize)]
struct HeaderReport<'a> {
    name: &'a str,
    value: &'a str,
}

fn headers(headers: &[Header]) -> Vec<HeaderReport<'_>> {
    headers.iter().map(|header| HeaderReport { name: &header.name, value: &header.value }).collect()
}

impl<'a> RequestReport<'a> {
    /// The request with the header fields that left, the credential among them redacted.
    pub fn sent(request: &'a Request, sent: &'a Sent) -> Self {
        let headers = sent.headers.iter().map(|(name, value)| HeaderReport { name, value }).collect();
        Self { headers, ..Self::from(request) }
    }
}

impl<'a> From<&'a Request> for RequestReport<'a> {
    fn from(request: &'a Request) -> Self {
        let mut fields = vec![HeaderReport { name: "host", value: host_of(&request.url) }];
        fields.extend(headers(&request.headers));
        Self {
            method: &request.method,
            url: &request.url,
            headers: fields,
            body: body(&request.body),
            credentials: request.credentials.as_deref(),
        }
    }
}

/// What the `host` field says for a URL that the component prepared, which has neither user nor fragment.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// A response as JSON.
#[derive(Serialize)]
pub struct ResponseReport<'a> {
    status: u16,
    headers: Vec<HeaderReport<'a>>,
    body: Box<RawValue>,
}

impl<'a> From<&'a Response> for ResponseReport<'a> {
    fn from(response: &'a Response) -> Self {
        Self { status: response.status, headers: headers(&response.headers), body: body(&response.body) }
    }
}

/// A task's output, as later tasks see it: the response as JSON, and the warnings.
pub struct TaskOutput<'a>(pub &'a Completed);

impl Serialize for TaskOutput<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ResponseReport { status, headers, body } = ResponseReport::from(&self.0.response);
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("status", &status)?;
        map.serialize_entry("headers", &headers)?;
        map.serialize_entry("body", &body)?;
        map.serialize_entry("warnings", &problems(&self.0.warnings))?;
        map.end()
    }
}

fn body(body: &Body) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Binary {
        base64: String,
    }
    let raw = match body {
        Body::None => to_raw_value(&()),
        Body::Json(text) => RawValue::from_string(text.clone()).or_else(|_| to_raw_value(text)),
        Body::Text(text) => to_raw_value(text),
        Body::Binary(bytes) => to_raw_value(&Binary { base64: STANDARD.encode(bytes) }),
    };
    raw.unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A problem as JSON.
#[derive(Serialize)]
pub struct ProblemReport<'a> {
    place: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> From<&'a Problem> for ProblemReport<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self { place: &problem.place, message: &problem.message, hint: problem.hint.as_deref() }
    }
}

/// Problems or warnings as JSON.
pub fn problems(problems: &[Problem]) -> Vec<ProblemReport<'_>> {
    problems.iter().map(Into::into).collect()
}

/// An outcome as JSON: its name, what its case carries, and its response.
pub struct OutcomeReport<'a>(pub &'a Result<Completed, Failure>);

impl OutcomeReport<'_> {
    /// Writes the outcome as members of an object that has others as well.
    pub fn serialize_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self.0 {
            Ok(completed) => {
                map.serialize_entry("outcome", outcome_name(self.0))?;
                map.serialize_entry("warnings", &problems(&completed.warnings))?;
                map.serialize_entry("response", &ResponseReport::from(&completed.response))
            }
            Err(failure) => FailureReport(failure).serialize_members(map),
        }
    }
}

/// A failure as JSON.
pub struct FailureReport<'a>(pub &'a Failure);

impl FailureReport<'_> {
    fn serialize_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("outcome", failure_name(self.0))?;
        map.serialize_entry("reason", reason_of(self.0))?;
        match self.0 {
            Failure::PermanentInvalid(found) => map.serialize_entry("problems", &problems(found))?,
            Failure::PermanentDenied(denial) => map.serialize_entry("hint", &denial.hint)?,
            Failure::Temporary(temporary) => {
                map.serialize_entry("retryAfterSeconds", &temporary.retry_after_seconds)?;
                map.serialize_entry("effect", effect_name(temporary.effect))?;
            }
            Failure::PermanentRejected(rejection) => {
                map.serialize_entry("warnings", &problems(&rejection.warnings))?;
            }
            Failure::ExecutionFailed | Failure::PermanentUnknown(_) => {}
        }
        map.serialize_entry("response", &response_of_failure(self.0).map(ResponseReport::from))
    }
}

impl Serialize for FailureReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_members(&mut map)?;
        map.end()
    }
}

/// Whether a failed attempt may have changed anything, in a word.
pub fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "none",
        Effect::Possible => "possible",
    }
}

impl Serialize for OutcomeReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_members(&mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_stands_as_what_it_is() {
        for (given, expected) in [
            (Body::None, "null"),
            (Body::Json("{ \"n\": 1e2 }".into()), "{ \"n\": 1e2 }"),
            (Body::Text("{".into()), "\"{\""),
            (Body::Binary(vec![0xff]), "{\"base64\":\"/w==\"}"),
        ] {
            assert_eq!(body(&given).get(), expected);
        }
    }
}
