//! The data of a command → the body or the form of a request.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::Reading;
use super::secret::is_secret;
use crate::redaction::Secret;

const FORM: &str = "application/x-www-form-urlencoded";

impl Reading {
    /// `body` or `form`, with the content type that cURL would send.
    pub(super) fn content(&mut self, data: String) -> (&'static str, Value) {
        let given = self.headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let media_type = match (given, self.is_json) {
            (Some(at), _) => self.headers[at].1.clone(),
            (None, true) => "application/json".to_owned(),
            (None, false) => FORM.to_owned(),
        };
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence == "application/json" || essence.ends_with("+json") {
            match serde_json::from_str(&data) {
                Ok(value) => {
                    if let Some(at) = given.filter(|_| essence == "application/json") {
                        self.headers.remove(at);
                    }
                    return ("body", value);
                }
                Err(error) => self.problems.push(format!("the content is not the JSON that it is said to be: {error}")),
            }
            return ("body", Value::Null);
        }
        // What documentation shows, and what APIs take it for, whatever cURL calls it.
        let is_shown_as_json = given.is_none() && data.trim_start().starts_with(['{', '[']);
        if let Some(value) = serde_json::from_str(&data).ok().filter(|_| is_shown_as_json) {
            self.left_out.push(format!("the content type: cURL calls this {FORM}, and it is sent as JSON"));
            return ("body", value);
        }
        if essence == FORM {
            if let Some(found) = pairs(&data).filter(|_| !data.trim_start().starts_with(['{', '['])) {
                if let Some(at) = given {
                    self.headers.remove(at);
                }
                return ("form", Value::Object(grouped(found)));
            }
            if given.is_none() {
                self.headers.push(("Content-Type".to_owned(), FORM.to_owned()));
            }
        }
        ("body", Value::String(data))
    }

    /// Secrets in the content go no further: the input must give them. Names tell what is one.
    pub(super) fn take_secrets_of_content(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(text) if !text.is_empty() && is_secret(&name.to_ascii_lowercase()) => {
                            self.secrets.push(Secret::new(std::mem::take(text)));
                            let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
                            let input: String = name.chars().map(plain).collect();
                            *text =
                                format!("${{{}{input}}}", if input.starts_with(char::is_numeric) { "_" } else { "" });
                            self.left_out
                                .push(format!("`{name}` of the content: it carries a secret; the input must give it"));
                        }
                        member => self.take_secrets_of_content(member),
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.take_secrets_of_content(element)),
            _ => {}
        }
    }
}

/// What is there several times as a list.
pub(super) fn grouped(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let mut members: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        match members.get_mut(&name) {
            None => {
                members.insert(name, json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(one) => *one = json!([one.clone(), value]),
        }
    }
    members
}

/// Names and values; none where taking them apart and joining them again would say something else.
pub(super) fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(|text| text.into_owned());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name)?, decoded(value)?))
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}
