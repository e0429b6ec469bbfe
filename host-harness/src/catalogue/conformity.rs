//! A request or an answer compared with its operation: what differs, where, and what to write instead. What is not known yet
//! is not compared.

mod message;
mod parameters;
mod written;

use indexmap::IndexMap;
use jsonschema::ValidationError;
use serde::Serialize;
use serde_json::{Value, json};

use self::message::said;
use self::written::{best, readings};
use super::call::{Call, CallContent, UNKNOWN};
use super::example::Examples;
use super::operation::{Content, Operation, Style};
use super::schema;
use super::shape::Shape;
use crate::component::{Body, Response};
use crate::source::pointer;

/// Something that differs from what the document says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// In the task, as a JSON Pointer; of an answer, in its body.
    pub place: String,
    /// A lower-case phrase.
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Difference {
    pub(super) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// How a request differs from its operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conformity {
    /// The document says that it is wrong.
    pub problems: Vec<Difference>,
    /// The document says nothing of it, which may be its fault.
    pub warnings: Vec<Difference>,
}

/// What is told of one request: whoever mends so many looks again.
const MOST_DIFFERENCES: usize = 50;

/// Compares a request with its operation.
pub fn compare_request(operation: &Operation, call: &Call) -> Conformity {
    let key = &operation.entry.key;
    let mut found = Conformity::default();
    let path = key.path.split(['#', '?']).next().unwrap_or_default();
    let Some(values) = parameters::path_values(path, &call.path).filter(|_| call.method == key.method) else {
        let message = format!("this is not the request of its `operation`, {}", key.text());
        let difference = Difference::new("/httpRequest", message);
        found.warnings.push(difference.hint(Some("add the operation again, or take `operation` out".to_owned())));
        return found;
    };
    parameters::compare(operation, call, &values, &mut found);
    compare_content(operation, call, &mut found);
    found.problems.truncate(MOST_DIFFERENCES);
    found.warnings.truncate(MOST_DIFFERENCES);
    found
}

/// Compares an answer with what its operation says of it.
pub fn compare_answer(operation: &Operation, response: &Response) -> Vec<Difference> {
    let status = response.status.to_string();
    let class = format!("{}XX", &status[..1]);
    let declared = [status.as_str(), &class, "default"];
    let answer = declared.iter().find_map(|name| operation.answers.iter().find(|answer| answer.status == *name));
    let Some(answer) = answer else {
        let known: Vec<_> = operation.answers.iter().map(|answer| answer.status.as_str()).collect();
        if known.is_empty() {
            return Vec::new();
        }
        let message = format!("the document has no answer {status}, only {}", known.join(", "));
        return vec![Difference::new("", message)];
    };
    let Body::Json(text) = &response.body else { return Vec::new() };
    let content = answer.contents.iter().find(|content| content.is_json());
    let (Some(content), Ok(value)) = (content, serde_json::from_str(text)) else { return Vec::new() };
    let judged = against(&content.schema, &value, "", &|_| false);
    judged.problems.into_iter().chain(judged.doubts).collect()
}

fn compare_content(operation: &Operation, call: &Call, found: &mut Conformity) {
    let is_form = matches!(call.content, CallContent::Form(_));
    let place = if is_form { "/httpRequest/form" } else { "/httpRequest/body" };
    match &call.content {
        CallContent::None if operation.content_required => {
            let message = "the request has no content, which is required";
            found.problems.push(Difference::new("/httpRequest", message).hint(Some("\"body\": …".to_owned())));
        }
        CallContent::None | CallContent::Other => {}
        CallContent::Json(value) => {
            let Some(content) = operation.contents.iter().find(|content| content.is_json()) else {
                return other_content(operation, "JSON", place, found);
            };
            compare_json(content, value, call, found);
        }
        CallContent::Form(pairs) => {
            let Some(content) = operation.contents.iter().find(|content| content.is_form()) else {
                return other_content(operation, "a form", place, found);
            };
            compare_form(content, pairs, found);
        }
    }
}

fn other_content(operation: &Operation, sent: &str, place: &str, found: &mut Conformity) {
    let media_types: Vec<_> = operation.contents.iter().map(|content| content.media_type.as_str()).collect();
    let message = match media_types.is_empty() {
        true => "the operation has no content".to_owned(),
        false => format!("the content is {sent}, and the operation takes {}", media_types.join(" or ")),
    };
    found.warnings.push(Difference::new(place, message));
}

fn compare_json(content: &Content, value: &Value, call: &Call, found: &mut Conformity) {
    let place = "/httpRequest/body";
    if call.is_unknown("") {
        return;
    }
    let of_task = |difference: Difference| Difference { place: format!("{place}{}", difference.place), ..difference };
    let judged = against(&content.schema, value, "", &|error| is_open(call, value, error));
    found.problems.extend(judged.problems.into_iter().map(of_task));
    found.warnings.extend(judged.doubts.into_iter().map(of_task));
    let mut unknown = Vec::new();
    unknown_members(&content.schema, &content.schema, value, "", &mut unknown);
    found.warnings.extend(unknown.into_iter().map(of_task));
}

/// Whether what is not known yet may make it right.
fn is_open(call: &Call, value: &Value, error: &ValidationError<'_>) -> bool {
    let at = error.instance_path().as_str();
    if !call.is_unknown(at) && !call.has_unknown(at) {
        return false;
    }
    let path = error.evaluation_path().as_str();
    let is_conditional = ["/then/", "/else/", "/dependentSchemas/"].iter().any(|keyword| path.contains(keyword));
    // A member that is missing is told of the object that has not got it, whatever its other members are.
    let is_of_members = matches!(error.kind().keyword(), "required" | "additionalProperties" | "type")
        && value.pointer(at).is_some_and(|value| value.is_object() || value.is_array());
    is_conditional || !is_of_members
}

fn compare_form(content: &Content, pairs: &[(String, String)], found: &mut Conformity) {
    let schema = &content.schema;
    let shape = Shape::of(schema, schema);
    // `address[city]` is of `address`.
    let own = |name: &'_ str| name.split('[').next().unwrap_or_default().to_owned();
    for name in shape.required.iter().filter(|name| !pairs.iter().any(|(known, _)| own(known) == **name)) {
        let message = format!("the form has no `{name}`, which is required");
        found.problems.push(Difference::new("/httpRequest/form", message).hint(Some(format!("\"{name}\": …"))));
    }
    let mut by_name: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (name, text) in pairs {
        by_name.entry(name).or_default().push(text);
    }
    for (name, texts) in by_name {
        let place = pointer("/httpRequest/form", name);
        let Some((_, member)) = shape.properties.iter().find(|(known, _)| *known == name) else {
            let own = own(name);
            let is_known =
                shape.required.contains(own.as_str()) || shape.properties.iter().any(|(known, _)| *known == own);
            if shape.choices.is_empty() && !shape.properties.is_empty() && !is_known {
                let names = shape.properties.iter().map(|(name, _)| *name);
                let near = message::nearest(name, names).map(|near| format!("\"{near}\""));
                let message = format!("the operation has no field `{name}`");
                found.warnings.push(Difference::new(place, message).hint(near));
            }
            continue;
        };
        if texts.iter().any(|text| text.contains(UNKNOWN)) {
            continue;
        }
        let Some(value) = best(schema, member, readings(schema, member, Style::Repeated, &texts)) else { continue };
        let at = |difference: Difference| Difference { place: place.clone(), ..difference };
        let judged = against(&Examples::new(schema).in_root(member), &value, &pointer("", name), &|_| false);
        found.problems.extend(judged.problems.into_iter().map(at));
        found.warnings.extend(judged.doubts.into_iter().map(at));
    }
}

/// What a schema says against a value.
#[derive(Default)]
struct Judged {
    problems: Vec<Difference>,
    /// A `format` is a remark (JSON Schema 2020-12, section 7.2.1), which documents are not careful with.
    doubts: Vec<Difference>,
}

/// What a schema says against a value that stands at a place, but for what is passed over.
fn against(schema: &Value, value: &Value, place: &str, passed_over: &dyn Fn(&ValidationError<'_>) -> bool) -> Judged {
    let mut judged = Judged::default();
    let Some(validator) = schema::validator(schema, value) else {
        judged.doubts.push(Difference::new(place, "not compared: the document says too much for that"));
        return judged;
    };
    for error in validator.iter_errors(value).filter(|error| !passed_over(error)).take(MOST_DIFFERENCES) {
        let is_doubtful = error.kind().keyword() == "format";
        let told = if is_doubtful { &mut judged.doubts } else { &mut judged.problems };
        for difference in said(schema, &error, place) {
            // What is mended by the same words is one mistake.
            let is_more = matches!(error.kind().keyword(), "enum" | "pattern" | "const");
            let same =
                |known: &Difference| known.place == difference.place && (is_more || known.hint == difference.hint);
            if (difference.hint.is_none() && !is_more) || !told.iter().any(same) {
                told.push(difference);
            }
        }
    }
    judged
}

/// Members that a schema does not name although it names others: what is written wrong would be ignored in silence.
fn unknown_members(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<Difference>) {
    let shape = Shape::of(root, schema);
    match value {
        Value::Object(members) if shape.choices.is_empty() => {
            let open = shape.keywords.get("additionalProperties").is_some_and(|of| *of != json!(false));
            let patterns = shape.keywords.contains_key("patternProperties");
            for (name, member) in members {
                let place = pointer(place, name);
                match shape.properties.iter().find(|(known, _)| known == name) {
                    Some((_, schema)) => unknown_members(root, schema, member, &place, found),
                    None if open
                        || patterns
                        || shape.properties.is_empty()
                        || shape.required.contains(name.as_str()) => {}
                    // Where none may be, that has been told.
                    None if shape.keywords.contains_key("additionalProperties") => {}
                    None => {
                        let near = message::nearest(name, shape.properties.iter().map(|(name, _)| *name));
                        let message = format!("the operation has no field `{name}`");
                        found.push(Difference::new(place, message).hint(near.map(|near| format!("\"{near}\""))));
                    }
                }
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                if let Some(items) = shape.items {
                    unknown_members(root, items, element, &format!("{place}/{index}"), found);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
