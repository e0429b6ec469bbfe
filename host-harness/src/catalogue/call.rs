//! A request as far as it is known, for comparing it with an operation: whole, as it is sent, or as a task is written, where
//! expressions stand for values that only an input brings.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::operation::{FORM, essence, is_json};
use crate::component::{Body, Request};
use crate::source::pointer;

/// What stands for a value that is not known yet: no text of a URL or a header field has it.
pub(super) const UNKNOWN: &str = "\u{0}";

/// A request, as far as it is known. Text with [`UNKNOWN`] in it is known in part.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub(super) method: String,
    /// Segments, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: CallContent,
    /// Pointers into JSON content: what stands there, or in it, is not known.
    pub(super) unknown: BTreeSet<String>,
}

/// The content of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CallContent {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    /// Anything else.
    Other,
}

impl Call {
    /// Of a request that is about to be sent.
    pub fn of_request(request: &Request) -> Self {
        let (url, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let is_form =
            request.headers.iter().any(|header| header.name == "content-type" && essence(&header.value) == FORM);
        let content = match &request.body {
            Body::None => CallContent::None,
            Body::Json(text) => serde_json::from_str(text).map_or(CallContent::Other, CallContent::Json),
            Body::Text(text) if is_form => CallContent::Form(pairs(text)),
            Body::Text(_) | Body::Binary(_) => CallContent::Other,
        };
        Self {
            method: request.method.clone(),
            path: segments(url),
            query: pairs(query),
            headers: request.headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect(),
            content,
            unknown: BTreeSet::new(),
        }
    }

    /// Of a task as it is written. Input parameters with fixed values are known.
    pub fn of_task(task: &Value) -> Option<Self> {
        let request = task.get("httpRequest")?;
        let inputs = task.get("inputParameters").and_then(Value::as_object);
        let mut reading = Reading { inputs, unknown: BTreeSet::new() };
        let url = reading.text(request.get("url")?.as_str()?);
        let (url, in_url) = url.split_once('?').unwrap_or((&url, ""));
        let mut query = pairs(in_url);
        query.extend(reading.pairs(request.get("query")));
        let headers = reading.pairs(request.get("headers"));
        let content = match (request.get("form"), request.get("body")) {
            (Some(form), _) => CallContent::Form(reading.pairs(Some(form))),
            (None, Some(body)) => CallContent::Json(reading.value(body, String::new())),
            (None, None) => CallContent::None,
        };
        let is_json = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .is_none_or(|(_, value)| is_json(value));
        let content = if is_json || matches!(content, CallContent::Form(_)) { content } else { CallContent::Other };
        Some(Self {
            method: request.get("method")?.as_str()?.to_owned(),
            path: segments(url),
            query,
            headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            content,
            unknown: reading.unknown,
        })
    }

    /// Whether the value at a place of JSON content is not known, or a part of what is not.
    pub(super) fn is_unknown(&self, place: &str) -> bool {
        self.unknown.iter().any(|unknown| is_within(place, unknown))
    }

    /// Whether something within a place is not known.
    pub(super) fn has_unknown(&self, place: &str) -> bool {
        self.unknown.iter().any(|unknown| is_within(unknown, place))
    }
}

/// Whether a place is another, or within it.
pub(super) fn is_within(place: &str, outer: &str) -> bool {
    place.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What an expression of a task comes to.
enum Found<'t> {
    Literal,
    Known(&'t Value),
    Unknown,
}

struct Reading<'t> {
    inputs: Option<&'t Map<String, Value>>,
    unknown: BTreeSet<String>,
}

impl<'t> Reading<'t> {
    /// A string that is one whole expression.
    fn whole(&self, text: &str) -> Found<'t> {
        let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let Some(inner) = inner.filter(|inner| !inner.contains("${")) else {
            return if text.contains("${") { Found::Unknown } else { Found::Literal };
        };
        let name = inner.strip_prefix('?').unwrap_or(inner);
        let name = name.strip_prefix("$.").unwrap_or(name);
        match self.inputs.and_then(|inputs| inputs.get(name)).filter(|value| !has_expression(value)) {
            Some(value) => Found::Known(value),
            None => Found::Unknown,
        }
    }

    fn value(&mut self, written: &Value, place: String) -> Value {
        match written {
            Value::String(text) => match self.whole(text) {
                Found::Known(value) => value.clone(),
                Found::Literal => written.clone(),
                Found::Unknown => {
                    let filled = self.text(text);
                    // `$${…}` is text after all.
                    if !filled.contains(UNKNOWN) {
                        return filled.into();
                    }
                    self.unknown.insert(place);
                    Value::Null
                }
            },
            Value::Array(elements) => {
                let element = |(index, element)| self.value(element, format!("{place}/{index}"));
                elements.iter().enumerate().map(element).collect()
            }
            Value::Object(members) => {
                let member =
                    |(name, member): (&String, &Value)| (name.clone(), self.value(member, pointer(&place, name)));
                Value::Object(members.iter().map(member).collect())
            }
            _ => written.clone(),
        }
    }

    /// Names and values of a query, a form or header fields.
    fn pairs(&self, written: Option<&Value>) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, value) in written.and_then(Value::as_object).into_iter().flatten() {
            for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                pairs.push((name.clone(), self.scalar(value)));
            }
        }
        pairs
    }

    fn scalar(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.text(text),
            other => other.to_string(),
        }
    }

    /// Text with its expressions filled, where their values are known.
    fn text(&self, written: &str) -> String {
        let mut filled = String::new();
        let mut rest = written;
        while let Some(at) = rest.find("${") {
            let escaped = rest[..at].ends_with('$');
            filled.push_str(&rest[..if escaped { at - 1 } else { at }]);
            let Some(end) = rest[at..].find('}').map(|end| at + end + 1) else { break };
            let expression = &rest[at..end];
            match self.whole(expression) {
                _ if escaped => filled.push_str(expression),
                Found::Known(Value::String(text)) => filled.push_str(text),
                Found::Known(value @ (Value::Number(_) | Value::Bool(_))) => filled.push_str(&value.to_string()),
                _ => filled.push_str(UNKNOWN),
            }
            rest = &rest[end..];
        }
        filled + rest
    }
}

fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(elements) => elements.iter().any(has_expression),
        Value::Object(members) => members.values().any(has_expression),
        _ => false,
    }
}

/// The segments of an absolute URL, decoded.
fn segments(url: &str) -> Vec<String> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
    path.split('/').map(decoded).collect()
}

/// Names and values of a query or a form, decoded.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
