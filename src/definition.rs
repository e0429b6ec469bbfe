//! The HTTP Task as it stands in a workflow definition → a step. Every problem at once, each with its place.
//!
//! Members of the task that are not ours (`nextTask`, `end`, what an engine adds) are left to their owners; inside
//! `httpRequest`, `retry` and `idempotencyKey`, where a silently ignored member would change what is sent, an unknown
//! one is a problem. Nothing is evaluated here.

use serde_json::Value;

use crate::expression::{kind, text_of};
use crate::header;
use crate::json;
use crate::members::{Members, shown};
use crate::problem::{Place, Problem, noted_all};
use crate::step::{Content, Method, Step, SuccessCodes, Timeouts};
use crate::template::Template;
use crate::url::UrlTemplate;

const TASK_MEMBERS: [&str; 14] = [
    "type",
    "description",
    "inputParameters",
    "httpRequest",
    "credentials",
    "retry",
    "connectionTimeoutSeconds",
    "readTimeoutSeconds",
    "nextTask",
    "end",
    "successCodes",
    "repeatable",
    "idempotencyKey",
    "operation",
];
const REQUEST_MEMBERS: [&str; 6] = ["url", "method", "headers", "query", "form", "body"];

impl Step {
    /// Reads a task object.
    pub fn read(definition: &str) -> Result<Self, Vec<Problem>> {
        let place = Place::root();
        let value = json::parse(definition)
            .map_err(|error| vec![Problem::new(&place, format!("the definition is not JSON: {error}"))])?;
        let mut problems = Vec::new();
        let step = read_task(&value, &mut problems);
        match step {
            Some(step) if problems.is_empty() => Ok(step),
            _ => Err(problems),
        }
    }
}

fn read_task(value: &Value, problems: &mut Vec<Problem>) -> Option<Step> {
    let mut task = Members::of(value, Place::root(), problems)?;
    task.suggest_for_near_misses(&TASK_MEMBERS);
    for name in REQUEST_MEMBERS.iter().filter(|name| task.members.contains_key(**name)) {
        task.problem(name, format!("`{name}` would be ignored here")).hint =
            Some(format!("move `{name}` into `httpRequest`"));
    }
    task.fixed("type", "Http");
    task.string("description");
    task.check_input_parameters();
    task.check_retry();
    let credentials = task.string("credentials").map(str::to_owned);
    if let Some(Err(message)) = credentials.as_deref().map(header::check_reference) {
        task.problem("credentials", message).hint = Some("\"credentials\": \"pipedrive\"".into());
    }
    let connection_seconds = task.seconds("connectionTimeoutSeconds");
    let read_seconds = task.seconds("readTimeoutSeconds");
    let success = task.success_codes();
    let declared = task.boolean("repeatable");
    let idempotency_header = task.idempotency_header();
    let place = task.place.member("httpRequest");
    let request = task.required("httpRequest", "{\"method\": \"GET\", \"url\": \"https://api.example.com/\"}")?;
    let request = read_request(request, place, problems)?;
    let defaults = Timeouts::default();
    Some(Step {
        method: request.method,
        url: request.url,
        query: request.query,
        headers: request.headers,
        content: request.content,
        credentials,
        timeouts: Timeouts {
            connection_seconds: connection_seconds.unwrap_or(defaults.connection_seconds),
            read_seconds: read_seconds.unwrap_or(defaults.read_seconds),
        },
        success: success.unwrap_or_default(),
        repeatable: declared.unwrap_or(request.method.is_idempotent()),
        idempotency_header,
    })
}

/// `httpRequest`, read.
struct RequestTemplate {
    method: Method,
    url: UrlTemplate,
    query: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    content: Content,
}

fn read_request(value: &Value, place: Place, problems: &mut Vec<Problem>) -> Option<RequestTemplate> {
    let mut request = Members::of(value, place, problems)?;
    request.refuse_unknown(&REQUEST_MEMBERS);
    let method = request.method();
    let url = request.url();
    let query = request.templates("query");
    let headers = request.headers();
    let form = request.templates("form");
    let body_place = request.place.member("body");
    let body = request.members.get("body");
    if body.is_some() && form.is_some() {
        request.problem("form", "a request has either `body` or `form`, not both");
    }
    let body = body.map(|body| noted_all(Template::read(body, &body_place), request.problems));
    let content = match (body, form) {
        (Some(template), _) => Content::Body(template?),
        (None, Some(form)) => Content::Form(form),
        (None, None) => Content::None,
    };
    Some(RequestTemplate {
        method: method?,
        url: url?,
        query: query.unwrap_or_default(),
        headers: headers.unwrap_or_default(),
        content,
    })
}

impl Members<'_, '_> {
    fn method(&mut self) -> Option<Method> {
        let written = self.required("method", "\"GET\"")?;
        let method = Method::ALL.into_iter().find(|(name, _)| written.as_str() == Some(name));
        if method.is_none() {
            let names: Vec<_> = Method::ALL.iter().map(|(name, _)| *name).collect();
            let problem = self.problem("method", format!("{} is not a method", shown(written)));
            problem.hint = Some(match written.as_str().map(str::to_ascii_uppercase) {
                Some(upper) if names.contains(&upper.as_str()) => format!("\"method\": \"{upper}\""),
                _ => format!("one of {}", names.join(", ")),
            });
        }
        method.map(|(_, method)| method)
    }

    fn url(&mut self) -> Option<UrlTemplate> {
        self.required("url", "\"https://api.example.com/v1/leads/${leadId}\"")?;
        let written = self.string("url")?;
        noted_all(UrlTemplate::read(written, &self.place.member("url")), self.problems)
    }

    fn headers(&mut self) -> Option<Vec<(String, Template)>> {
        let mut headers = self.object("headers")?;
        let mut read: Vec<(String, Template)> = Vec::new();
        for (name, value) in headers.members {
            if let Err(message) = header::check_name(&name.to_ascii_lowercase()) {
                headers.problem(name, message);
            } else if read.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                headers.problem(name, format!("`{name}` is given twice; names of headers ignore case"));
            }
            let Some(written) = value.as_str() else {
                let problem = headers.problem(name, format!("a header's value must be a string, not {}", shown(value)));
                problem.hint = text_of(value).map(|text| format!("{:?}: {text:?}", name));
                continue;
            };
            let place = headers.place.member(name);
            let Some(template) = noted_all(Template::read(value, &place), headers.problems) else { continue };
            // What an expression brings is checked when it is there.
            if let Template::Literal(_) = template
                && let Err(message) = header::check_value(written)
            {
                headers.problem(name, message);
                continue;
            }
            read.push((name.clone(), template));
        }
        Some(read)
    }

    fn templates(&mut self, name: &str) -> Option<Vec<(String, Template)>> {
        let object = self.object(name)?;
        let mut read = Vec::new();
        for (name, value) in object.members {
            let place = object.place.member(name);
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            if let Some(wrong) = values.iter().find(|value| value.is_null() || value.is_object() || value.is_array()) {
                object.problems.push(
                    Problem::new(&place, format!("{} has no place here", kind(wrong)))
                        .hint("a string, a number, a boolean, or a list of them; `\"${?name}\"` leaves it out"),
                );
                continue;
            }
            if let Some(template) = noted_all(Template::read(value, &place), object.problems) {
                read.push((name.clone(), template));
            }
        }
        Some(read)
    }

    fn check_input_parameters(&mut self) {
        let Some(parameters) = self.object("inputParameters") else { return };
        for (name, value) in parameters.members {
            noted_all(Template::read(value, &parameters.place.member(name)), parameters.problems);
        }
    }

    fn check_retry(&mut self) {
        let Some(mut retry) = self.object("retry") else { return };
        retry.refuse_unknown(&["intervalSeconds", "maxAttempts", "backoffRate"]);
        let at_least = |least: f64| move |value: &Value| value.as_f64().filter(|number| *number >= least);
        retry.typed("intervalSeconds", "a number of seconds, 0 or more", at_least(0.0));
        retry.typed("maxAttempts", "a whole number, 1 or more", |value| value.as_u64().filter(|count| *count >= 1));
        retry.typed("backoffRate", "a number, 1 or more", at_least(1.0));
    }

    fn success_codes(&mut self) -> Option<SuccessCodes> {
        let codes = self.typed("successCodes", "a list such as [\"2xx\", 404]", |value| {
            value.as_array().filter(|codes| !codes.is_empty())
        })?;
        let place = self.place.member("successCodes");
        let mut ranges = Vec::new();
        for (index, code) in codes.iter().enumerate() {
            match success_range(code) {
                Some(range) => ranges.push(range),
                None => self.problems.push(
                    Problem::new(&place.element(index), format!("{} is not a status code", shown(code)))
                        .hint("a number from 100 to 599, or a class such as \"2xx\""),
                ),
            }
        }
        Some(SuccessCodes(ranges))
    }

    fn idempotency_header(&mut self) -> Option<String> {
        let mut key = self.object("idempotencyKey")?;
        key.refuse_unknown(&["header"]);
        key.required("header", "\"Idempotency-Key\"")?;
        let name = key.string("header")?.to_ascii_lowercase();
        if let Err(message) = header::check_name(&name) {
            key.problem("header", message);
        }
        Some(name)
    }
}

fn success_range(code: &Value) -> Option<std::ops::RangeInclusive<u16>> {
    if let Some(class) = code.as_str().and_then(|class| class.strip_suffix("xx")) {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some(class * 100..=class * 100 + 99);
    }
    let code = code.as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| (100..=599).contains(code))?;
    Some(code..=code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(definition: &str) -> Result<Step, Vec<String>> {
        Step::read(definition)
            .map_err(|problems| problems.into_iter().map(|p| format!("{} {}", p.place, p.message)).collect())
    }

    #[test]
    fn a_definition_with_many_mistakes_gets_them_all_with_their_places() {
        let problems = read(
            r#"{
                "type": "Https", "description": 3, "credentials": "${token}",
                "inputParameters": {"a": "${"},
                "httpRequest": {
                    "method": "patch", "url": "api.example.com", "header": {},
                    "headers": {"Host": "x", "X A": "y", "X-B": "a\r\nb", "X-C": 3},
                    "query": {"q": null}, "body": {"t": "${a b}"}
                },
                "retry": {"maxAttempts": 0, "interval": 1},
                "readTimeoutSeconds": 0.5, "connectionTimeoutSecond": 3, "successCodes": ["2xx", 99]
            }"#,
        )
        .unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.split(' ').next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "/connectionTimeoutSecond",
                "/type",
                "/description",
                "/inputParameters/a",
                "/retry/interval",
                "/retry/maxAttempts",
                "/credentials",
                "/readTimeoutSeconds",
                "/successCodes/1",
                "/httpRequest/header",
                "/httpRequest/method",
                "/httpRequest/url",
                "/httpRequest/query/q",
                "/httpRequest/headers/Host",
                "/httpRequest/headers/X",
                "/httpRequest/headers/X-B",
                "/httpRequest/headers/X-C",
                "/httpRequest/body/t",
            ]
        );
    }

    #[test]
    fn what_belongs_in_the_request_is_missed_beside_it() {
        let problems =
            read(r#"{"headers": {}, "httpRequest": {"method": "GET", "url": "https://a.example/"}}"#).unwrap_err();
        assert_eq!(problems, ["/headers `headers` would be ignored here"]);
    }

    #[test]
    fn members_of_other_owners_are_left_alone() {
        let step = read(
            r#"{"type": "Http", "end": true, "x-position": [1, 2], "assignee": "me",
                "httpRequest": {"method": "GET", "url": "https://a.example/"}}"#,
        )
        .unwrap();
        assert_eq!((step.timeouts, step.repeatable), (Timeouts::default(), true));
    }

    #[test]
    fn repeatable_is_the_method_unless_the_definition_says_otherwise() {
        for (method, declared, repeatable) in [
            ("POST", "", false),
            ("PATCH", "", false),
            ("PATCH", "\"repeatable\": true,", true),
            ("PUT", "\"repeatable\": false,", false),
        ] {
            let step = read(&format!(
                r#"{{{declared} "httpRequest": {{"method": "{method}", "url": "https://a.example/"}}}}"#
            ));
            assert_eq!(step.unwrap().repeatable, repeatable);
        }
    }

    #[test]
    fn what_is_not_an_object_is_one_problem() {
        assert_eq!(read("[]").unwrap_err(), [" a list where an object must stand"]);
        assert!(read("{").unwrap_err()[0].contains("not JSON"));
        assert_eq!(read("{}").unwrap_err(), [" `httpRequest` is missing"]);
    }

    /// JSON of any shape, often with what a task object has.
    fn documents() -> impl Strategy<Value = String> {
        let names = TASK_MEMBERS.iter().chain(&REQUEST_MEMBERS).chain(&["intervalSeconds", "header", "a"]).copied();
        let names = proptest::sample::select(names.collect::<Vec<_>>());
        let texts =
            ["Http", "PATCH", "https://a.example/x/${a}?q=${b}", "${a", "${?a}", "${$..[?@>1e2]}", "2xx", "é\u{0}"];
        let leaf = prop_oneof![
            proptest::sample::select(texts.to_vec()).prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        let json = leaf.prop_recursive(5, 60, 8, move |inner| {
            prop_oneof![
                1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                4 => proptest::collection::vec((names.clone(), inner), 0..8)
                    .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        });
        prop_oneof![4 => json.prop_map(|json| json.to_string()), 1 => "\\PC*"]
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused_with_its_problems(text in documents()) {
            match Step::read(&text) {
                Ok(step) => drop(crate::request::Request::prepare(&step, "{}", None)),
                Err(problems) => prop_assert!(!problems.is_empty()),
            }
        }
    }
}
