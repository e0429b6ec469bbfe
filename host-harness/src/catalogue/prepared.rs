//! An operation → an HTTP Task, ready to be put into a definition: what is required with values of the right type, what is
//! wished for as expressions, and nothing that only credentials may know.

mod content;
mod parameters;

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde_json::{Map, Value, json};
use url::Url;

use super::document::first_sentence;
use super::example::Examples;
use super::operation::{Content, FORM, Location, Operation, Parameter, Style, essence};
use super::pin::Pin;
use super::schema::takes;
use super::shape::Shape;
use crate::workflow::{MOST_NAME_CHARACTERS, literal};

/// What the author wants beyond what the operation says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// The base URL, in place of the document's.
    pub server: Option<&'a str>,
    /// Where the document came from: what its own base URL may be relative to.
    pub came_from: Option<&'a str>,
    /// The reference of credentials, in place of the API's name.
    pub credentials: Option<&'a str>,
    /// Optional parameters and members that are filled from the input when it has them.
    pub fields: &'a [String],
}

/// A task that was prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What it may be called.
    pub name: String,
    /// The task object, but for where it leads.
    pub task: Map<String, Value>,
    /// What the operation has and the task has not, and why.
    pub left_out: Vec<String>,
}

/// Why an operation cannot be made a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsupported {
    /// The task has no such method.
    Method(String),
    /// No content of these media types can be sent.
    Content(Vec<String>),
    /// The document says nothing of where the API is, or only relative to where it came from.
    Server(String),
    /// A wish that names no field.
    Field {
        /// What was wished for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

impl Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(method) => write!(f, "the method {method} is not supported"),
            Self::Content(media_types) => write!(f, "content as {} is not supported", media_types.join(" or ")),
            Self::Server(url) => write!(f, "the document does not say where the API is: its server is `{url}`"),
            Self::Field { name, .. } => write!(f, "the operation has no field `{name}`"),
        }
    }
}

impl std::error::Error for Unsupported {}

impl Unsupported {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Method(_) | Self::Content(_) => None,
            Self::Server(_) => Some("--server https://api.example.com".to_owned()),
            Self::Field { known, .. } if known.is_empty() => None,
            Self::Field { known, .. } => Some(format!("one of {}", known.join(", "))),
        }
    }
}

/// Why no task can be made of an operation, whatever is wished.
pub(super) fn unsupported(operation: &Operation) -> Option<Unsupported> {
    let method = &operation.entry.key.method;
    if method == "TRACE" {
        return Some(Unsupported::Method(method.clone()));
    }
    content(operation).err()
}

/// Prepares a task.
pub fn prepare(operation: &Operation, pin: &Pin, wishes: Wishes<'_>) -> Result<Prepared, Unsupported> {
    if let Some(why) = unsupported(operation) {
        return Err(why);
    }
    let key = &operation.entry.key;
    let server = server(operation, wishes)?;
    let content = content(operation)?;
    let mut preparing = Preparing { wishes, inputs: Map::new(), left_out: Vec::new(), met: BTreeSet::new() };
    let url = format!("{}{}", server.trim_end_matches('/'), preparing.path(operation));
    let (query, mut headers) = preparing.parameters(operation);
    let mut request = Map::from_iter([("method".to_owned(), json!(key.method)), ("url".to_owned(), json!(url))]);
    let content = content.and_then(|content| Some((content, preparing.content(content)?)));
    headers.extend(accept(operation));
    if let Some((content, _)) = &content
        && !matches!(essence(&content.media_type).as_str(), "application/json" | "*/*" | "application/*" | FORM)
    {
        // What the document calls it may look like an expression.
        let media_type = literal(&json!(content.media_type));
        headers.extend(media_type.map(|media_type| ("Content-Type".to_owned(), media_type)));
    }
    for (name, members) in [("headers", headers), ("query", query)] {
        if !members.is_empty() {
            request.insert(name.to_owned(), Value::Object(members));
        }
    }
    if let Some((content, value)) = content {
        request.insert(if content.is_form() { "form" } else { "body" }.to_owned(), value);
    }
    if let Some(name) = wishes.fields.iter().find(|name| !preparing.met.contains(*name)) {
        return Err(Unsupported::Field { name: name.clone(), known: known_fields(operation) });
    }
    let Preparing { inputs, left_out, .. } = preparing;
    let task = task(operation, pin, wishes, inputs, request);
    Ok(Prepared { name: name(operation), task, left_out })
}

fn task(
    operation: &Operation,
    pin: &Pin,
    wishes: Wishes<'_>,
    inputs: Map<String, Value>,
    request: Map<String, Value>,
) -> Map<String, Value> {
    let mut task = Map::new();
    let mut put = |name: &str, value: Value| task.insert(name.to_owned(), value);
    put("type", json!("Http"));
    // The task is called by the summary already.
    let description = first_sentence(&operation.entry.description);
    if !description.is_empty() && description != operation.entry.summary {
        put("description", json!(description));
    }
    let asked_for = !operation.security.is_empty() && !operation.anonymous;
    if let Some(reference) = wishes.credentials.or(asked_for.then_some(pin.api.as_str())) {
        put("credentials", json!(reference));
    }
    if !inputs.is_empty() {
        put("inputParameters", Value::Object(inputs));
    }
    put("httpRequest", Value::Object(request));
    if operation.repeatable && matches!(operation.entry.key.method.as_str(), "POST" | "PATCH") {
        put("repeatable", json!(true));
    }
    if let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.is_idempotency_key()) {
        put("idempotencyKey", json!({ "header": parameter.name }));
    }
    // What may have taken effect is repeated only where that is safe, whatever stands here.
    put("retry", json!({ "intervalSeconds": 1, "maxAttempts": 3, "backoffRate": 2 }));
    put("operation", json!(pin));
    task
}

/// The base URL, without what it may be relative to.
fn server(operation: &Operation, wishes: Wishes<'_>) -> Result<String, Unsupported> {
    if let Some(server) = wishes.server {
        return Ok(server.to_owned());
    }
    let Some(written) = operation.servers.first() else { return Err(Unsupported::Server("none".to_owned())) };
    let absolute = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    if absolute(written) {
        return Ok(written.clone());
    }
    let base = wishes.came_from.filter(|url| absolute(url)).and_then(|url| Url::parse(url).ok());
    let joined = base.and_then(|base| base.join(written).ok()).map(String::from);
    joined.ok_or_else(|| Unsupported::Server(written.clone()))
}

/// The content that can be sent: the first that has members, or else text.
fn content(operation: &Operation) -> Result<Option<&Content>, Unsupported> {
    let contents = &operation.contents;
    let is_text = |content: &&Content| {
        let essence = essence(&content.media_type);
        essence.starts_with("text/")
            || essence.ends_with("/xml")
            || essence.ends_with("+xml")
            || essence.ends_with("/sdp")
    };
    let structured = contents.iter().find(|content| content.is_json() || content.is_form());
    let found = structured.or_else(|| contents.iter().find(is_text));
    if found.is_none() && !contents.is_empty() {
        return Err(Unsupported::Content(contents.iter().map(|content| content.media_type.clone()).collect()));
    }
    Ok(found)
}

/// Asked for only where the API has something else to give as well.
fn accept(operation: &Operation) -> Option<(String, Value)> {
    let contents = operation.answers.iter().flat_map(|answer| &answer.contents);
    let media_types: BTreeSet<_> = contents.map(|content| essence(&content.media_type)).collect();
    (media_types.len() > 1 && media_types.contains("application/json"))
        .then(|| ("Accept".to_owned(), json!("application/json")))
}

fn name(operation: &Operation) -> String {
    let entry = &operation.entry;
    let summary = entry.summary.trim_end_matches('.');
    let text = match (summary.is_empty(), &entry.id) {
        (false, _) => summary.to_owned(),
        (true, Some(id)) => id.clone(),
        (true, None) => entry.key.text(),
    };
    text.chars().take(MOST_NAME_CHARACTERS).collect::<String>().trim().to_owned()
}

/// Everything that `fields` may name.
fn known_fields(operation: &Operation) -> Vec<String> {
    let parameters = operation
        .parameters
        .iter()
        .filter(|parameter| !parameter.required && !parameter.secret && !parameter.is_idempotency_key());
    let mut known: Vec<_> = parameters.map(|parameter| parameter.name.clone()).collect();
    if let Ok(Some(content)) = content(operation) {
        let shape = Shape::of(&content.schema, &content.schema);
        known.extend(shape.properties.iter().map(|(name, _)| (*name).to_owned()));
    }
    known
}

struct Preparing<'a> {
    wishes: Wishes<'a>,
    /// `inputParameters`
    inputs: Map<String, Value>,
    left_out: Vec<String>,
    /// The wishes that named something.
    met: BTreeSet<String>,
}

impl Preparing<'_> {
    /// The path, with an expression for each parameter.
    fn path(&mut self, operation: &Operation) -> String {
        // Documents tell operations of the same path apart by a fragment, which is never sent (RFC 9110, section 7.1).
        let mut rest = operation.entry.key.path.split('#').next().unwrap_or_default();
        let mut path = String::new();
        while let Some((before, name, after)) = next_name(rest) {
            path.push_str(&without_expressions(before));
            let parameter = of_path(operation, name);
            let value = parameter.and_then(|parameter| as_text(&example(parameter)?, parameter.style));
            let input = self.input(name, value.map(Value::String).filter(|value| *value != json!("")));
            path.push_str(&format!("${{{input}}}"));
            rest = after;
        }
        path + &if rest.contains("${") { without_expressions(rest) } else { rest.to_owned() }
    }

    /// Makes an input parameter, and gives its name in expressions. Without a value, whoever tests is asked for it.
    fn input(&mut self, name: &str, value: Option<Value>) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let mut input: String = name.chars().map(plain).collect();
        if !input.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            input.insert(0, '_');
        }
        while self.inputs.contains_key(&input) {
            input.push('_');
        }
        let value = value.and_then(|value| literal(&value));
        let value = value.unwrap_or_else(|| json!(format!("${{workflow.input.{input}}}")));
        self.inputs.insert(input.clone(), value);
        input
    }

    /// `"${?name}"`: from the input when it is there, whether that is a test's or the workflow's.
    fn optional(&mut self, name: &str) -> Value {
        let input = self.input(name, None);
        self.inputs.insert(input.clone(), json!(format!("${{?workflow.input.{input}}}")));
        json!(format!("${{?{input}}}"))
    }
}

/// The first `{name}` of a path, what is before it, and what is after.
fn next_name(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// A dollar before a brace would make an expression of the two.
fn without_expressions(text: &str) -> String {
    if text.ends_with('$') || text.contains("${") { text.replace('$', "%24") } else { text.to_owned() }
}

fn of_path<'o>(operation: &'o Operation, name: &str) -> Option<&'o Parameter> {
    operation.parameters.iter().find(|parameter| parameter.location == Location::Path && parameter.name == name)
}

/// A value that the document gives for a parameter, or one of the right type.
fn example(parameter: &Parameter) -> Option<Value> {
    let given = parameter.example.clone().filter(|value| takes(&parameter.schema, value));
    given.or_else(|| Examples::new(&parameter.schema).value(&parameter.schema, &parameter.name))
}

fn scalar(value: &Value) -> Option<Value> {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)).then(|| value.clone())
}

/// A value as it is written within one piece of text.
fn as_text(value: &Value, style: Style) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    match (style, value) {
        (Style::Json, value) => Some(value.to_string()),
        (_, Value::Array(values)) => {
            let separator = match style {
                Style::Spaces => " ",
                Style::Pipes => "|",
                _ => ",",
            };
            Some(values.iter().map(text).collect::<Option<Vec<_>>>()?.join(separator))
        }
        (_, value) => text(value),
    }
}
