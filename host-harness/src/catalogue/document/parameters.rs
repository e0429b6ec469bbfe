//! The parameters of an operation, and those of the path that it stands under.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Found, Reader, is_true};
use crate::catalogue::operation::{Location, Parameter, Scheme, Security, Style, is_json};
use crate::catalogue::reference::Part;
use crate::catalogue::schema::{Dialect, Direction};
use crate::source::pointer;

/// Header fields that are others' to say (OpenAPI 3.1, section 4.8.12.2).
const FIELDS_OF_OTHERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// What documents call a parameter that carries a secret although their security scheme says the same.
const SECRETS: [&str; 8] =
    ["token", "access_token", "api_token", "api_key", "apikey", "x-api-key", "x-api-token", "client_secret"];

impl<'d> Reader<'d> {
    /// All of them, an operation's own before those of its path; no content is among them.
    pub(super) fn parameters(&mut self, found: &Found<'d>) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut known: HashSet<(String, Location)> = HashSet::new();
        for part in self.all_parameters(found) {
            let Some(written) = self.object(&part, "a parameter") else { continue };
            if matches!(written.get("in").and_then(Value::as_str), Some("body" | "formData")) {
                continue;
            }
            let Some(parameter) = self.parameter(written, &part.place) else { continue };
            if known.insert((parameter.name.clone(), parameter.location)) {
                parameters.push(parameter);
            }
        }
        self.match_with_path(found, &mut parameters);
        parameters
    }

    /// As they stand, contents of Swagger 2.0 included.
    pub(super) fn all_parameters(&mut self, found: &Found<'d>) -> Vec<Part<'d>> {
        let mut parts = self.list(found.written, &found.place, "parameters");
        if let Some(item) = found.item.value.as_object() {
            parts.extend(self.list(item, &found.item.place, "parameters"));
        }
        parts.into_iter().filter_map(|part| self.follow(part)).collect()
    }

    fn parameter(&mut self, written: &'d Map<String, Value>, place: &str) -> Option<Parameter> {
        let name = self.text(written, place, "name");
        if name.is_empty() {
            self.omit(place, "a parameter has a `name`");
            return None;
        }
        let location = match written.get("in").and_then(Value::as_str) {
            Some("path") => Location::Path,
            Some("query") => Location::Query,
            Some("header") => Location::Header,
            Some("cookie") => Location::Cookie,
            _ => {
                self.omit(pointer(place, "in"), "a parameter is in path, query, header or cookie");
                return None;
            }
        };
        if location == Location::Header && FIELDS_OF_OTHERS.contains(&name.to_ascii_lowercase().as_str()) {
            return None;
        }
        let (style, schema) = self.written_value(written, place, location);
        Some(Parameter {
            required: location == Location::Path || is_true(written, "required"),
            description: self.text(written, place, "description"),
            example: example(written),
            deprecated: is_true(written, "deprecated"),
            secret: false,
            name,
            location,
            style,
            schema,
        })
    }

    /// How a parameter's value is written, and what it may be.
    fn written_value(&mut self, written: &'d Map<String, Value>, place: &str, location: Location) -> (Style, Value) {
        if self.dialect == Dialect::Swagger2 {
            // The keywords of the schema stand in the parameter itself.
            let schema = self.schema(Some(&inline_schema(written)), place, Direction::Request);
            return (swagger_style(written), schema);
        }
        if let Some(Value::Object(contents)) = written.get("content") {
            let at = pointer(place, "content");
            let Some((media_type, content)) = contents.iter().next() else {
                return (Style::Repeated, Value::Bool(true));
            };
            let at = pointer(&at, media_type);
            let schema = self.schema(content.get("schema"), &pointer(&at, "schema"), Direction::Request);
            if !is_json(media_type) {
                self.omit(at, format!("a parameter in {media_type} is taken as text"));
                return (Style::Repeated, Value::Bool(true));
            }
            return (Style::Json, schema);
        }
        let schema = self.schema(written.get("schema"), &pointer(place, "schema"), Direction::Request);
        let named = written.get("style").and_then(Value::as_str);
        let explodes = written.get("explode").and_then(Value::as_bool);
        let style = match (named, location, explodes) {
            (Some("deepObject"), Location::Query, _) => Style::DeepObject,
            (Some("spaceDelimited"), Location::Query, _) => Style::Spaces,
            (Some("pipeDelimited"), Location::Query, _) => Style::Pipes,
            (Some("form") | None, Location::Query, Some(false)) => Style::Commas,
            (Some("form") | None, Location::Query, _) => Style::Repeated,
            (Some("simple") | None, Location::Path | Location::Header, _) => Style::Commas,
            (Some("form") | None, Location::Cookie, _) => Style::Commas,
            (Some(other), ..) => {
                let reason = format!("the style `{other}` is not known here; a list is written with commas");
                self.omit(pointer(place, "style"), reason);
                Style::Commas
            }
        };
        (style, schema)
    }

    /// Parameters of the path are those that it has, no more and no fewer.
    fn match_with_path(&mut self, found: &Found<'d>, parameters: &mut Vec<Parameter>) {
        let named: Vec<&str> = names_in(&found.key.path);
        parameters.retain(|parameter| {
            let kept = parameter.location != Location::Path || named.contains(&parameter.name.as_str());
            if !kept {
                let reason = format!("the path has no `{{{}}}`", parameter.name);
                self.omit(pointer(&found.place, "parameters"), reason);
            }
            kept
        });
        for name in named {
            let is_it = |known: &Parameter| known.location == Location::Path && known.name == name;
            if !parameters.iter().any(is_it) {
                self.omit(
                    found.place.clone(),
                    format!("the parameter `{{{name}}}` is not described; any text is taken"),
                );
                parameters.push(Parameter {
                    name: name.to_owned(),
                    location: Location::Path,
                    required: true,
                    description: String::new(),
                    style: Style::Commas,
                    schema: serde_json::json!({ "type": "string" }),
                    example: None,
                    deprecated: false,
                    secret: false,
                });
            }
        }
    }

    /// Marks what is the credentials' to add, where something must authenticate a request.
    pub(super) fn without_secrets(&self, parameters: Vec<Parameter>, security: &[Security]) -> Vec<Parameter> {
        let of_scheme = |parameter: &Parameter| {
            security.iter().any(|way| match (&way.scheme, parameter.location) {
                (Scheme::Header { header }, Location::Header) => parameter.name.eq_ignore_ascii_case(header),
                (Scheme::Query { parameter: name }, Location::Query) => parameter.name == *name,
                _ => false,
            })
        };
        let mark = |mut parameter: Parameter| {
            let named = !security.is_empty() && is_secret_name(&parameter.name);
            parameter.secret = parameter.location != Location::Path && (named || of_scheme(&parameter));
            parameter
        };
        parameters.into_iter().map(mark).collect()
    }
}

/// A member of a form that carries what authenticates.
pub(super) fn is_secret_name(name: &str) -> bool {
    SECRETS.contains(&name.to_ascii_lowercase().as_str())
}

/// The names of a path's `{…}`.
fn names_in(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// `example`, or the first of `examples`.
pub(super) fn example(written: &Map<String, Value>) -> Option<Value> {
    if let Some(example) = written.get("example").or_else(|| written.get("x-example")) {
        return Some(example.clone());
    }
    written.get("examples")?.as_object()?.values().find_map(|example| example.get("value")).cloned()
}

/// A parameter of Swagger 2.0 without what is not of its schema.
pub(super) fn inline_schema(written: &Map<String, Value>) -> Value {
    let beside = ["name", "in", "required", "collectionFormat", "allowEmptyValue"];
    let of_schema = written.iter().filter(|(name, _)| !beside.contains(&name.as_str()));
    Value::Object(of_schema.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// `collectionFormat` (Swagger 2.0, Parameter Object).
pub(super) fn swagger_style(written: &Map<String, Value>) -> Style {
    match written.get("collectionFormat").and_then(Value::as_str) {
        Some("multi") => Style::Repeated,
        Some("ssv") => Style::Spaces,
        Some("pipes") => Style::Pipes,
        _ => Style::Commas,
    }
}
