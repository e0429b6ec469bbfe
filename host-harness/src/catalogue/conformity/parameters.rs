//! The parameters of a request, compared with those of its operation.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::message;
use super::written::{best, readings, typed};
use super::{Conformity, Difference, against};
use crate::catalogue::call::{self, Call, UNKNOWN};
use crate::catalogue::operation::{Location, Operation, Parameter, Style};
use crate::catalogue::shape::Shape;
use crate::source::pointer;

/// The values that a path has for the parameters of a template; none where it is another path. A base before it is of the
/// server.
pub(super) fn path_values(template: &str, path: &[String]) -> Option<BTreeMap<String, String>> {
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

/// Compares all parameters but those of cookies; `in_path` are the values of the path's.
pub(super) fn compare(operation: &Operation, call: &Call, in_path: &BTreeMap<String, String>, found: &mut Conformity) {
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
        // The task's own member says where the key stands.
        if parameter.is_idempotency_key() || spreads(parameter) {
            continue;
        }
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
        let separator = match parameter.style {
            Style::Commas => ",",
            Style::Spaces => " ",
            Style::Pipes => "|",
            Style::Repeated | Style::DeepObject | Style::Json => "",
        };
        if values.len() > 1 && !separator.is_empty() && parameter.location == Location::Query {
            let message = format!("`{name}` is one text, its elements joined with `{separator}`");
            let hint = format!("\"{name}\": {}", serde_json::json!(values.join(separator)));
            found.problems.push(Difference::new(&place, message).hint(Some(hint)));
            continue;
        }
        let schema = &parameter.schema;
        let value = match parameter.style {
            Style::DeepObject => deep_object(parameter, call),
            style => best(schema, schema, readings(schema, schema, style, &values)),
        };
        let Some(value) = value else { continue };
        let named = |mut difference: Difference| {
            // Within a parameter's value there is no place of its own.
            difference.place.clone_from(&place);
            if parameter.location == Location::Path {
                difference.message =
                    format!("{{{name}}} {}", difference.message.trim_start_matches(&format!("`{name}` ")));
            }
            difference
        };
        let judged = against(schema, &value, &pointer("", name), &|_| false);
        found.problems.extend(judged.problems.into_iter().map(named));
        found.warnings.extend(judged.doubts.into_iter().map(named));
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

/// Whether the members of an object stand under names of their own, so that which they are is not known here.
fn spreads(parameter: &Parameter) -> bool {
    let shape = Shape::of(&parameter.schema, &parameter.schema);
    let is_object = |schema: &&Value| Shape::of(&parameter.schema, schema).types.contains("object");
    let may_be_object = shape.types.contains("object") || shape.choices.iter().any(is_object);
    matches!(parameter.style, Style::Repeated | Style::Commas) && parameter.location == Location::Query && may_be_object
}

/// The object whose members are `name[member]`; none where they go deeper.
fn deep_object(parameter: &Parameter, call: &Call) -> Option<Value> {
    let shape = Shape::of(&parameter.schema, &parameter.schema);
    let mut members = Map::new();
    for (name, value) in &call.query {
        let Some(rest) = name.strip_prefix(parameter.name.as_str()).and_then(|rest| rest.strip_prefix('[')) else {
            continue;
        };
        let inner = rest.strip_suffix(']').filter(|inner| !inner.is_empty() && !inner.contains('['))?;
        let (_, member) = shape.properties.iter().find(|(known, _)| *known == inner)?;
        members.insert(inner.to_owned(), typed(&parameter.schema, member, value));
    }
    Some(Value::Object(members))
}

/// Names that the operation does not know: typing errors, or what the document forgot.
fn unknown_names(operation: &Operation, call: &Call, found: &mut Conformity) {
    let of_query = |parameter: &&Parameter| parameter.location == Location::Query;
    let known: Vec<_> = operation.parameters.iter().filter(of_query).collect();
    // Documents tell operations of the same path apart by a query.
    let in_path = operation.entry.key.path.split_once('?').map_or("", |(_, query)| query);
    let in_path = call::pairs(in_path);
    let is_open =
        |parameter: &&Parameter| spreads(parameter) || Shape::of(&parameter.schema, &parameter.schema).types.is_empty();
    // Something that spreads over several names may have any.
    if known.iter().any(is_open) {
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
