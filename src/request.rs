//! A step and its input → the request, complete but for what the host adds. Pure: what `prepare` shows is what `run`
//! sends.

use serde_json::Value;

use crate::expression::{kind, text_of};
use crate::header;
use crate::json;
use crate::problem::{Place, Problem, noted_all};
use crate::step::{Content, Step};
use crate::template::Template;
use crate::url::form;

/// Says which program asks; several APIs refuse a request without it. A definition may set its own.
const USER_AGENT: &str = concat!("http-task/", env!("CARGO_PKG_VERSION"));

/// A request that is ready to be sent. Only [`Request::prepare`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As it is sent: `PATCH`.
    pub method: &'static str,
    /// Absolute, percent-encoded.
    pub url: String,
    /// In the order in which they are sent, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Body,
    /// The reference of saved credentials.
    pub credentials: Option<String>,
    /// Whether sending it again does no harm.
    pub repeatable: bool,
}

/// The content of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No content.
    None,
    /// JSON text.
    Json(String),
    /// Any other text.
    Text(String),
}

impl Body {
    /// What goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Json(text) | Self::Text(text) => text.as_bytes(),
        }
    }
}

impl Request {
    /// Resolves a step over its input, with all the problems that the input brings.
    pub fn prepare(step: &Step, input: &str, idempotency_key: Option<&str>) -> Result<Self, Vec<Problem>> {
        let input = json::parse(input)
            .map_err(|error| vec![Problem::new(&Place::root(), format!("the input cannot be read: {error}"))])?;
        let place = Place::root().member("httpRequest");
        let mut problems = Vec::new();
        let query = resolve_pairs(&step.query, &input, &place.member("query"), &mut problems);
        let url = noted_all(step.url.resolve(&input, &query, &place.member("url")), &mut problems);
        let mut headers = resolve_headers(step, &input, &place.member("headers"), &mut problems);
        let body = resolve_content(step, &input, &mut headers, &place, &mut problems);
        let key = match (&step.idempotency_header, idempotency_key) {
            (Some(name), Some(key)) => {
                let checked = if key.is_empty() { Err("the key is empty".into()) } else { header::check_value(key) };
                if let Err(message) = checked {
                    problems.push(Problem::new(&Place::root().member("idempotencyKey"), message));
                }
                Some((name, key))
            }
            _ => None,
        };
        let (Some(url), Some(body), true) = (url, body, problems.is_empty()) else {
            return Err(problems);
        };
        if let Some((name, key)) = key {
            headers.retain(|(known, _)| known != name);
            headers.push((name.clone(), key.to_owned()));
        }
        if !headers.iter().any(|(name, _)| name == "user-agent") {
            headers.push(("user-agent".into(), USER_AGENT.into()));
        }
        // Without it hosts send the content chunked; a method that could have content says that it has none
        // (RFC 9110, section 8.6).
        if body != Body::None || matches!(step.method.name(), "POST" | "PUT" | "PATCH") {
            headers.push(("content-length".into(), body.bytes().len().to_string()));
        }
        Ok(Self {
            method: step.method.name(),
            url,
            headers,
            body,
            credentials: step.credentials.clone(),
            repeatable: step.repeatable || key.is_some(),
        })
    }
}

fn resolve_headers(step: &Step, input: &Value, place: &Place, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, template) in &step.headers {
        let place = place.member(name);
        let Some(Some(value)) = noted_all(template.resolve(input, &place), problems) else { continue };
        match text_of(&value) {
            Some(text) => match header::check_value(&text) {
                Ok(()) => headers.push((name.to_ascii_lowercase(), text)),
                Err(message) => problems.push(Problem::new(&place, message)),
            },
            None => problems.push(no_place(&value, &place)),
        }
    }
    headers
}

fn resolve_pairs(
    templates: &[(String, Template)],
    input: &Value,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, template) in templates {
        let place = place.member(name);
        let Some(Some(value)) = noted_all(template.resolve(input, &place), problems) else { continue };
        let values = match value {
            Value::Array(values) => values,
            single => vec![single],
        };
        for value in values {
            match text_of(&value) {
                Some(text) => pairs.push((name.clone(), text)),
                None => problems.push(no_place(&value, &place)),
            }
        }
    }
    pairs
}

fn no_place(value: &Value, place: &Place) -> Problem {
    Problem::new(place, format!("the value is {}, which has no place here", kind(value)))
}

const FORM: &str = "application/x-www-form-urlencoded";

fn resolve_content(
    step: &Step,
    input: &Value,
    headers: &mut Vec<(String, String)>,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> Option<Body> {
    let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let given = content_type.map(header::media_type);
    if let Some(charset) = content_type.and_then(header::charset).filter(|charset| charset != "utf-8") {
        problems.push(
            Problem::new(&place.member("headers"), format!("the content is sent in utf-8, not in {charset}"))
                .hint("leave out the charset, or write charset=utf-8"),
        );
    }
    let (body, default_type) = match &step.content {
        Content::None => return Some(Body::None),
        Content::Form(templates) => {
            if given.as_deref().is_some_and(|given| given != FORM) {
                problems.push(
                    Problem::new(&place.member("headers"), "a form has another content type than the one given")
                        .hint(format!("\"Content-Type\": \"{FORM}\"")),
                );
            }
            let pairs = resolve_pairs(templates, input, &place.member("form"), problems);
            (Body::Text(form(&pairs)), FORM)
        }
        Content::Body(template) => {
            let place = place.member("body");
            let Some(value) = noted_all(template.resolve(input, &place), problems)? else { return Some(Body::None) };
            match (given.as_deref(), value) {
                (Some(media_type), Value::String(text)) if !header::is_json(media_type) => (Body::Text(text), ""),
                (Some(media_type), value) if !header::is_json(media_type) => {
                    problems.push(
                        Problem::new(&place, format!("{} cannot be sent as {media_type}", kind(&value)))
                            .hint("\"Content-Type\": \"application/json\""),
                    );
                    return None;
                }
                (_, value) => (Body::Json(value.to_string()), "application/json"),
            }
        }
    };
    if given.is_none() {
        headers.push(("content-type".into(), default_type.into()));
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(request: &str, input: &str) -> Result<Request, Vec<Problem>> {
        let step =
            Step::read(&format!(r#"{{"idempotencyKey": {{"header": "Idempotency-Key"}}, "httpRequest": {request}}}"#))?;
        Request::prepare(&step, input, None)
    }

    #[test]
    fn a_body_arrives_as_it_is_written() {
        let body = r#"{"n":null,"z":0,"f":false,"s":"","l":[],"big":12345678901234567890,"exp":1e2,"dec":1.0}"#;
        let request =
            prepare(&format!(r#"{{"method":"PATCH","url":"https://a.example/","body":{body}}}"#), "{}").unwrap();
        assert_eq!(request.body, Body::Json(body.into()));
        assert_eq!(
            request.headers,
            [
                ("content-type".to_owned(), "application/json".to_owned()),
                ("user-agent".to_owned(), USER_AGENT.to_owned()),
                ("content-length".to_owned(), body.len().to_string()),
            ]
        );
    }

    #[test]
    fn a_body_is_json_null_absent_or_text_as_the_definition_says() {
        let body = |request: &str| prepare(request, "{}").map(|request| request.body);
        let url = r#""method":"POST","url":"https://a.example/""#;
        assert_eq!(body(&format!(r#"{{{url},"body":null}}"#)), Ok(Body::Json("null".into())));
        assert_eq!(body(&format!(r#"{{{url},"body":"${{?gone}}"}}"#)), Ok(Body::None));
        assert_eq!(body(&format!(r#"{{{url},"body":"x"}}"#)), Ok(Body::Json("\"x\"".into())));
        let text = r#""headers":{"content-type":"text/plain"}"#;
        assert_eq!(body(&format!(r#"{{{url},{text},"body":"x"}}"#)), Ok(Body::Text("x".into())));
        assert!(body(&format!(r#"{{{url},{text},"body":{{}}}}"#)).is_err());
        assert!(body(&format!(r#"{{{url},{text},"form":{{}}}}"#)).is_err());
        assert!(body(&format!(r#"{{{url},{},"body":"é"}}"#, text.replace("plain", "plain; charset=latin1"))).is_err());
        assert_eq!(
            body(&format!(r#"{{{url},"form":{{"a":[1,true],"b":"${{?x}}"}}}}"#)),
            Ok(Body::Text("a=1&a=true".into()))
        );
    }

    #[test]
    fn a_value_cannot_smuggle_a_header() {
        let request = r#"{"method":"GET","url":"https://a.example/","headers":{"X-A":"${v}"}}"#;
        let problems = prepare(request, r#"{"v":"a\r\nx-b: c"}"#).unwrap_err();
        assert_eq!(problems[0].place, "/httpRequest/headers/X-A");
    }

    #[test]
    fn an_idempotency_key_is_sent_where_the_definition_names_its_header() {
        let step = Step::read(
            r#"{"idempotencyKey": {"header": "Idempotency-Key"}, "httpRequest": {"method":"POST","url":"https://a.example/"}}"#,
        )
        .unwrap();
        let request = Request::prepare(&step, "{}", Some("run-1/task-2")).unwrap();
        assert!(request.headers.contains(&("idempotency-key".into(), "run-1/task-2".into())));
        assert!(request.repeatable);
        assert!(!Request::prepare(&step, "{}", None).unwrap().repeatable);
        for key in ["", "a\nb"] {
            assert!(Request::prepare(&step, "{}", Some(key)).is_err(), "{key:?}");
        }
    }
}
