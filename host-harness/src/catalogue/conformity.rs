//! A request or an answer compared with its operation: what differs, where, and what to write instead. What is not known yet
//! is not compared.

mod message;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use self::message::said;
use super::call::{self, Call, CallContent, UNKNOWN};
use super::operation::{Content, Location, Operation, Parameter, Style};
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
    let Some(values) = path_values(path, &call.path).filter(|_| call.method == key.method) else {
        let message = format!("this is not the request of its `operation`, {}", key.text());
        let difference = Difference::new("/httpRequest", message);
        found.warnings.push(difference.hint(Some("add the operation again, or take `operation` out".to_owned())));
        return found;
    };
    compare_parameters(operation, call, &values, &mut found);
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
    against(&content.schema, &value, "", &|_, _| false)
}

/// The values that a path has for the parameters of a template; none where it is another path. A base before it is of the
/// server.
fn path_values(template: &str, path: &[String]) -> Option<BTreeMap<String, String>> {
    let segments: Vec<_> = template.split('/').skip(1).collect();
    let path = path.get(path.len().checked_sub(segments.len())?..)?;
    let mut values = BTreeMap::new();
    for (template, segment) in segments.iter().zip(path) {
        match (template.find('{'), template.rfind('}')) {
            (Some(open), Some(close)) if open < close => {
                let inner = segment.strip_prefix(&template[..open])?.strip_suffix(&template[close + 1..])?;
                // Of several in one segment none can be told from the others.
                let name = &template[open + 1..close];
                let value = if name.contains('{') { UNKNOWN } else { inner };
                values.insert(name.to_owned(), value.to_owned());
            }
            _ if template == segment || segment == UNKNOWN => {}
            _ => return None,
        }
    }
    Some(values)
}

fn compare_parameters(operation: &Operation, call: &Call, in_path: &BTreeMap<String, String>, found: &mut Conformity) {
    for parameter in operation.parameters.iter().filter(|parameter| !parameter.secret) {
        let name = &parameter.name;
        let (values, holder): (Vec<&str>, &str) = match parameter.location {
            Location::Path => (in_path.get(name).map(String::as_str).into_iter().collect(), "/httpRequest/url"),
            Location::Query => (values_of(&call.query, name, parameter.style), "/httpRequest/query"),
            Location::Header => {
                let values = call.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
                (values.map(|(_, value)| value.as_str()).collect(), "/httpRequest/headers")
            }
            Location::Cookie => continue,
        };
        let place = match parameter.location {
            Location::Path => holder.to_owned(),
            _ => pointer(holder, name),
        };
        if values.is_empty() {
            if parameter.required && parameter.location != Location::Path {
                let what = if parameter.location == Location::Query { "the query" } else { "the header" };
                let difference = Difference::new(holder, format!("{what} has no `{name}`, which is required"));
                found.problems.push(difference.hint(Some(format!("\"{name}\": …"))));
            }
            continue;
        }
        if values.iter().any(|value| value.contains(UNKNOWN)) {
            continue;
        }
        let value = read_parameter(parameter, &values, call);
        let named = |mut difference: Difference| {
            // Within a parameter's value there is no place of its own.
            difference.place.clone_from(&place);
            if parameter.location == Location::Path {
                difference.message =
                    format!("{{{name}}} {}", difference.message.trim_start_matches(&format!("`{name}` ")));
            }
            difference
        };
        found
            .problems
            .extend(against(&parameter.schema, &value, &pointer("", name), &|_, _| false).into_iter().map(named));
    }
    unknown_names(operation, call, found);
}

/// All values of a name; of an object as its members the members' too.
fn values_of<'c>(pairs: &'c [(String, String)], name: &str, style: Style) -> Vec<&'c str> {
    let is_it = |known: &str| match style {
        Style::DeepObject => known.strip_prefix(name).is_some_and(|rest| rest.starts_with('[')),
        // Many write the brackets that only some documents name.
        _ => known == name || known.strip_suffix("[]") == Some(name),
    };
    pairs.iter().filter(|(known, _)| is_it(known)).map(|(_, value)| value.as_str()).collect()
}

/// The value that text stands for, by what the schema would take.
fn read_parameter(parameter: &Parameter, values: &[&str], call: &Call) -> Value {
    let schema = &parameter.schema;
    let shape = Shape::of(schema, schema);
    let separator = match parameter.style {
        Style::DeepObject => {
            let inner = |name: &str| {
                let rest = name.strip_prefix(parameter.name.as_str())?.strip_prefix('[')?;
                rest.split_once(']').map(|(inner, _)| inner.to_owned())
            };
            let member = |(name, value): &(String, String)| {
                let name = inner(name)?;
                let of_member = shape.properties.iter().find(|(known, _)| *known == name);
                let value = of_member.map_or_else(|| json!(value), |(_, member)| read(schema, member, value));
                Some((name, value))
            };
            return Value::Object(call.query.iter().filter_map(member).collect());
        }
        Style::Json => {
            return serde_json::from_str(values[0]).unwrap_or_else(|_| json!(values[0]));
        }
        Style::Repeated => None,
        Style::Commas => Some(','),
        Style::Spaces => Some(' '),
        Style::Pipes => Some('|'),
    };
    let is_list = shape.types.contains("array");
    match (is_list, separator) {
        (true, separator) => {
            let anything = json!(true);
            let items = shape.items.unwrap_or(&anything);
            let parts: Vec<&str> = match separator {
                Some(separator) => values.iter().flat_map(|value| value.split(separator)).collect(),
                None => values.to_vec(),
            };
            parts.into_iter().map(|part| read(schema, items, part)).collect()
        }
        (false, _) => read(schema, schema, values[0]),
    }
}

/// One piece of text.
fn read(root: &Value, schema: &Value, text: &str) -> Value {
    let shape = Shape::of(root, schema);
    let is_number = shape.types.contains("integer") || shape.types.contains("number");
    let takes = |value: &Value| match value {
        Value::Number(_) => is_number,
        Value::Bool(_) => shape.types.contains("boolean"),
        _ => false,
    };
    if shape.types.contains("string") {
        return json!(text);
    }
    serde_json::from_str(text).ok().filter(takes).unwrap_or_else(|| json!(text))
}

/// Names that the operation does not know: typing errors, or what the document forgot.
fn unknown_names(operation: &Operation, call: &Call, found: &mut Conformity) {
    let of_query = |parameter: &&Parameter| parameter.location == Location::Query;
    // Something that spreads over several names may have any.
    let spreads = |parameter: &Parameter| {
        let shape = Shape::of(&parameter.schema, &parameter.schema);
        parameter.style == Style::Repeated && (shape.types.contains("object") || shape.types.is_empty())
    };
    let known: Vec<_> = operation.parameters.iter().filter(of_query).collect();
    // Documents tell operations of the same path apart by a query.
    let in_path = operation.entry.key.path.split_once('?').map_or("", |(_, query)| query);
    let in_path = call::pairs(in_path);
    if known.iter().any(|parameter| spreads(parameter)) {
        return;
    }
    for (name, _) in call.query.iter().filter(|pair| !in_path.contains(pair)) {
        if !known
            .iter()
            .any(|parameter| !values_of(&[(name.clone(), String::new())], &parameter.name, parameter.style).is_empty())
        {
            let names = known.iter().map(|parameter| parameter.name.as_str());
            let message = format!("the operation has no query parameter `{name}`");
            let difference = Difference::new(pointer("/httpRequest/query", name), message);
            found.warnings.push(difference.hint(message::nearest(name, names).map(|near| format!("\"{near}\""))));
        }
    }
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
    // A member that is missing is told of the object that has not got it, whatever its other members are.
    let is_of_members = |at: &str, keyword: &str| {
        matches!(keyword, "required" | "additionalProperties" | "type")
            && value.pointer(at).is_some_and(|value| value.is_object() || value.is_array())
    };
    let differences = against(&content.schema, value, "", &|at, keyword| {
        (call.is_unknown(at) || call.has_unknown(at)) && !is_of_members(at, keyword)
    });
    found.problems.extend(differences.into_iter().map(of_task));
    let mut unknown = Vec::new();
    unknown_members(&content.schema, &content.schema, value, "", &mut unknown);
    found.warnings.extend(unknown.into_iter().map(of_task));
}

fn compare_form(content: &Content, pairs: &[(String, String)], found: &mut Conformity) {
    let schema = &content.schema;
    let shape = Shape::of(schema, schema);
    for name in shape.required.iter().filter(|name| !pairs.iter().any(|(known, _)| known == **name)) {
        let message = format!("the form has no `{name}`, which is required");
        found.problems.push(Difference::new("/httpRequest/form", message).hint(Some(format!("\"{name}\": …"))));
    }
    let mut members = Map::new();
    for (name, text) in pairs.iter().filter(|(_, text)| !text.contains(UNKNOWN)) {
        let place = pointer("/httpRequest/form", name);
        match shape.properties.iter().find(|(known, _)| known == name) {
            Some((_, member)) => {
                let of_member = Shape::of(schema, member);
                let value = match of_member.items.filter(|_| of_member.types.contains("array")) {
                    Some(items) => json!([read(schema, items, text)]),
                    None => read(schema, member, text),
                };
                members.insert(name.clone(), value);
            }
            None if shape.choices.is_empty() && !shape.properties.is_empty() => {
                let names = shape.properties.iter().map(|(name, _)| *name);
                let near = message::nearest(name, names).map(|near| format!("\"{near}\""));
                let message = format!("the operation has no field `{name}`");
                found.warnings.push(Difference::new(place, message).hint(near));
            }
            None => {}
        }
    }
    // What is missing has been told; what is unknown cannot be judged.
    let is_of_form = |at: &str, _: &str| at.is_empty();
    let of_task = |difference: Difference| {
        let member = difference.place.split('/').nth(1).unwrap_or_default();
        Difference { place: format!("/httpRequest/form/{member}"), ..difference }
    };
    found.problems.extend(against(schema, &Value::Object(members), "", &is_of_form).into_iter().map(of_task));
}

/// What a schema says against a value that stands at a place. What is said of a place within it by a keyword may be passed over.
fn against(schema: &Value, value: &Value, place: &str, passed_over: &dyn Fn(&str, &str) -> bool) -> Vec<Difference> {
    let Some(validator) = schema::validator(schema, value) else {
        let message = "not compared: the schema of the document is too large for that";
        return vec![Difference::new(place, message)];
    };
    let errors = validator.iter_errors(value);
    let told = errors.filter(|error| !passed_over(error.instance_path().as_str(), error.kind().keyword()));
    let mut differences: Vec<Difference> = Vec::new();
    for difference in told.flat_map(|error| said(schema, &error, place)).take(MOST_DIFFERENCES) {
        // What is mended by the same words is one mistake.
        let same = |known: &Difference| known.place == difference.place && known.hint == difference.hint;
        if difference.hint.is_none() || !differences.iter().any(same) {
            differences.push(difference);
        }
    }
    differences
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
                    None if open || patterns || shape.properties.is_empty() => {}
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
