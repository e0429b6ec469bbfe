//! The query and the header fields of a prepared request.

use serde_json::{Map, Value, json};

use super::{Preparing, as_text, example, scalar};
use crate::catalogue::operation::{Location, Operation, Parameter, Style};
use crate::catalogue::shape::Shape;
use crate::workflow::literal;

impl Preparing<'_> {
    /// Query and header fields.
    pub(super) fn parameters(&mut self, operation: &Operation) -> (Map<String, Value>, Map<String, Value>) {
        let (mut query, mut headers, mut cookies) = (Map::new(), Map::new(), Vec::new());
        for parameter in operation.parameters.iter().filter(|parameter| parameter.location != Location::Path) {
            let name = &parameter.name;
            if parameter.secret {
                self.left_out.push(format!("`{name}`: the credentials add it"));
                continue;
            }
            if parameter.is_idempotency_key() {
                continue;
            }
            // An optional cookie cannot be written as part of one header field.
            let wished = self.wishes.fields.contains(name) && parameter.location != Location::Cookie;
            if wished {
                self.met.insert(name.clone());
            }
            match (parameter.location, parameter.required) {
                (Location::Query, true) if wished => {
                    query.insert(name.clone(), json!(format!("${{{}}}", self.input(name, None))));
                }
                (Location::Header, true) if wished => {
                    headers.insert(name.clone(), self.text_or_input(name, None));
                }
                (Location::Query, true) => self.required_in_query(parameter, &mut query),
                (Location::Query, false) if wished => {
                    let shape = Shape::of(&parameter.schema, &parameter.schema);
                    if shape.types.contains("array") && parameter.style != Style::Repeated {
                        self.left_out.push(format!(
                            "`{name}` as a list: it is one text, its elements joined as the API wants them"
                        ));
                    }
                    query.insert(name.clone(), self.optional(name));
                }
                (Location::Header, true) => {
                    let value = example(parameter).and_then(|value| as_text(&value, parameter.style));
                    headers.insert(name.clone(), self.text_or_input(name, value));
                }
                (Location::Header, false) if wished => {
                    headers.insert(name.clone(), self.optional(name));
                }
                (Location::Cookie, true) if !name.contains("${") => {
                    let value = example(parameter).and_then(|value| as_text(&value, Style::Commas));
                    let value = self.text_or_input(name, value);
                    cookies.push(format!("{name}={}", value.as_str().unwrap_or_default()));
                }
                _ => {}
            }
        }
        if !cookies.is_empty() {
            headers.insert("Cookie".to_owned(), json!(cookies.join("; ")));
        }
        (query, headers)
    }

    fn text_or_input(&mut self, name: &str, value: Option<String>) -> Value {
        match value.and_then(|value| literal(&json!(value))) {
            Some(value) => value,
            None => json!(format!("${{{}}}", self.input(name, None))),
        }
    }

    fn required_in_query(&mut self, parameter: &Parameter, query: &mut Map<String, Value>) {
        let name = &parameter.name;
        let found = example(parameter);
        let value = match (parameter.style, &found) {
            (Style::DeepObject, Some(Value::Object(members))) => {
                for (member, value) in members {
                    if let Some(value) = scalar(value).and_then(|value| literal(&value)) {
                        query.insert(format!("{name}[{member}]"), value);
                    }
                }
                return;
            }
            (Style::Repeated, Some(Value::Array(values))) => {
                values.iter().map(scalar).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            (Style::Repeated, Some(value)) => scalar(value),
            (style, Some(value)) => as_text(value, style).map(Value::String),
            (_, None) => None,
        };
        let value = value.and_then(|value| literal(&value));
        let value = value.unwrap_or_else(|| json!(format!("${{{}}}", self.input(name, None))));
        query.insert(name.clone(), value);
    }
}
