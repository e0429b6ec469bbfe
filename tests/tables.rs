//! Tables that are the truth, made by the built component: every outcome, every place of a URL, every form of an expression.
//! What must hold of all their cells is asserted here; what each of them says is read in `tests/tables/`.
//! `HTTP_TASK_ACCEPT=1 cargo test -p http-task --test tables` writes them anew.

mod loaded;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use http_task_host::component::{Body, Context, Effect, Failure, Problem, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::report::outcome_name;
use http_task_host::stand_in::{Fault, Line, Script};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{NO_CONTEXT, Server, load, server};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tables");
const TABLES: [&str; 3] = ["outcomes.md", "places.md", "expressions.md"];

/// Compares a table with the one that is kept.
fn hold(name: &str, about: &str, head: &[String], rows: &[Vec<String>]) {
    let line =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(|cell| shown(cell)).collect::<Vec<_>>().join(" | "));
    let mut text =
        format!("<!-- made by tests/tables.rs -->\n\n{about}\n\n{}|{}\n", line(head), "---|".repeat(head.len()));
    text.extend(rows.iter().map(|row| line(row)));
    let path = PathBuf::from(FOLDER).join(name);
    if std::env::var_os("HTTP_TASK_ACCEPT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == text,
        "tests/tables/{name} differs, first here: {differing:#?}\nto accept it: HTTP_TASK_ACCEPT=1 cargo test -p http-task --test tables"
    );
}

/// Text in a cell.
fn shown(cell: &str) -> String {
    cell.replace('|', "\\|")
        .chars()
        .flat_map(|character| -> Vec<char> {
            if character.is_control() { character.escape_default().collect() } else { vec![character] }
        })
        .collect()
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

#[test]
fn every_table_is_made_by_a_test() {
    let kept: BTreeSet<_> =
        std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, TABLES.map(str::to_owned).into());
}

/// What makes a request repeatable, or not.
const CLASSES: [(&str, &str, bool); 11] = [
    ("GET", "", true),
    ("HEAD", "", true),
    ("OPTIONS", "", true),
    ("PUT", "", true),
    ("DELETE", "", true),
    ("PATCH", "\"repeatable\": true", true),
    ("POST", "\"idempotencyKey\": {\"header\": \"Idempotency-Key\"}", true),
    ("PATCH", "", false),
    ("POST", "", false),
    ("GET", "\"repeatable\": false", false),
    ("PUT", "\"repeatable\": false", false),
];

/// What happens to a request.
#[derive(Clone)]
enum Signal {
    Server(Line),
    /// Where the URL leads instead.
    Url(&'static str),
    /// What the task object says as well.
    Member(&'static str),
}

/// A name that no resolver knows (RFC 2606, section 2).
const UNRESOLVED: &str = "http://nobody.invalid";

const DENIED: [&str; 2] = ["permanent-denied"; 2];
const INVALID: [&str; 2] = ["permanent-invalid"; 2];
const REJECTED: [&str; 2] = ["permanent-rejected"; 2];
const NOT_DONE: [&str; 2] = ["temporary, effect none"; 2];
const PERHAPS_DONE: [&str; 2] = ["temporary, effect possible", "permanent-unknown"];

/// Every signal of the design's table, and what it means for what is repeatable, and for what is not.
fn signals() -> Vec<(String, Signal, [&'static str; 2])> {
    let answer = |status: u16, headers: &[(&'static str, &'static str)]| {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Signal::Server(Line::Answer { status: status.try_into().unwrap(), headers, body: String::new() })
    };
    let fault = |fault| Signal::Server(Line::Fault(fault));
    let mut signals: Vec<(String, Signal, _)> = vec![
        ("the definition is wrong".into(), Signal::Member("\"successCodes\": []"), INVALID),
        ("a value is missing".into(), Signal::Url("http://server.test/${gone}"), INVALID),
        ("no grant".into(), Signal::Url("http://elsewhere.example/"), DENIED),
        ("unknown credentials".into(), Signal::Member("\"credentials\": \"nobody\""), DENIED),
        ("the name does not resolve".into(), Signal::Url("http://nobody.invalid/"), NOT_DONE),
        ("no connection".into(), fault(Fault::Refuse), NOT_DONE),
        ("no TLS".into(), Signal::Url("https://server.test/"), NOT_DONE),
        ("429".into(), answer(429, &[]), NOT_DONE),
        ("429 with retry-after".into(), fault(Fault::DailyLimit), NOT_DONE),
        ("503 with retry-after".into(), fault(Fault::Unavailable), NOT_DONE),
        ("reset".into(), fault(Fault::Reset), PERHAPS_DONE),
        ("closed".into(), fault(Fault::Close), PERHAPS_DONE),
        ("no HTTP".into(), fault(Fault::NotHttp), PERHAPS_DONE),
        ("no head in time".into(), fault(Fault::HangBeforeHead), PERHAPS_DONE),
        ("201".into(), answer(201, &[]), ["completed"; 2]),
        ("2xx, not the declared success".into(), Signal::Member("\"successCodes\": [418]"), REJECTED),
    ];
    for status in [408, 425, 500, 502, 503, 504, 507, 599] {
        signals.push((status.to_string(), answer(status, &[]), PERHAPS_DONE));
    }
    for status in
        [300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 409, 410, 412, 413, 415, 422, 451, 501, 505]
    {
        signals.push((status.to_string(), answer(status, &[("location", "/elsewhere")]), REJECTED));
    }
    signals
}

/// What a success means whose content does not come whole. A HEAD has none.
fn content_signals() -> Vec<(String, Signal, [&'static str; 2])> {
    let fault = |fault| Signal::Server(Line::Fault(fault));
    vec![
        ("the content stops".into(), fault(Fault::HangInBody), PERHAPS_DONE),
        ("the content drips".into(), fault(Fault::SlowDrip), PERHAPS_DONE),
        ("the content is cut".into(), fault(Fault::CutBody(10)), PERHAPS_DONE),
        ("the content is too large".into(), fault(Fault::Endless), ["permanent-rejected", "permanent-unknown"]),
    ]
}

fn outcome(run: &Run) -> String {
    match &run.outcome {
        Err(Failure::Temporary(temporary)) if temporary.effect == Effect::None => "temporary, effect none".into(),
        Err(Failure::Temporary(_)) => "temporary, effect possible".into(),
        outcome => outcome_name(outcome).into(),
    }
}

/// A signal with the server that gives it.
struct Row {
    name: String,
    signal: Signal,
    expected: [&'static str; 2],
    /// A HEAD has no content that could fail.
    content: bool,
    server: Server,
}

impl Row {
    async fn new((name, signal, expected): (String, Signal, [&'static str; 2]), content: bool) -> Self {
        let line = match &signal {
            Signal::Server(line) => line.clone(),
            _ => Line::Answer { status: StatusCode::OK, headers: Vec::new(), body: String::new() },
        };
        Self { name, signal, expected, content, server: server(Script::always(line)).await }
    }

    /// What it means for every class.
    async fn outcomes(&self, host: &HttpTask) -> Vec<String> {
        let url = if let Signal::Url(url) = self.signal { url } else { "http://server.test/x" };
        let url = url.replace("server.test", &self.server.address().to_string());
        let runs = CLASSES.map(|(method, class, _)| {
            let mut members = vec![r#""readTimeoutSeconds": 1, "connectionTimeoutSeconds": 1"#];
            members.extend(if let Signal::Member(member) = self.signal { Some(member) } else { None });
            members.extend((!class.is_empty()).then_some(class));
            let definition =
                format!(r#"{{"httpRequest": {{"method": "{method}", "url": "{url}"}}, {}}}"#, members.join(", "));
            async move {
                let context = Context { idempotency_key: Some("one".into()) };
                outcome(&host.run(&definition, "{}", &context).await)
            }
        });
        join_all(runs).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_outcome_table_is_as_the_design_says() {
    let signals = signals().into_iter().map(|signal| (signal, false));
    let signals = signals.chain(content_signals().into_iter().map(|signal| (signal, true)));
    let rows = join_all(signals.map(|(signal, content)| Row::new(signal, content))).await;
    let granted =
        rows.iter().flat_map(|row| ["http", "https"].map(|scheme| format!("{scheme}://{}", row.server.address())));
    let granted = granted.chain([UNRESOLVED.to_owned()]).map(|origin| origin.parse().unwrap());
    let egress = Egress::new(Grants::for_origins(granted), Credentials::default(), Redactor::default()).unwrap();
    let mut limits = Limits::default();
    (limits.answer_bytes, limits.deadline) = (100_000, Duration::from_secs(3));
    // Time runs from when a call has its place: so many at once are never too many for their read timeouts.
    limits.concurrent_calls = 48;
    let host = load(egress, limits);
    let outcomes = join_all(rows.iter().map(|row| row.outcomes(&host))).await;
    for (row, outcomes) in rows.iter().zip(&outcomes) {
        let [repeatable, not] = row.expected;
        for ((method, class, is_repeatable), outcome) in CLASSES.iter().zip(outcomes) {
            let expected = match method {
                &"HEAD" if row.content => "completed",
                _ if *is_repeatable => repeatable,
                _ => not,
            };
            assert_eq!(outcome, expected, "{}, {method} {class}", row.name);
        }
    }
    let mut head = texts(["what happened"]);
    head.extend(
        CLASSES.map(|(method, class, _)| if class.is_empty() { method.into() } else { format!("{method} `{class}`") }),
    );
    let names = rows.iter().map(|row| row.name.clone());
    let rows: Vec<_> =
        names.zip(outcomes).map(|(name, outcomes)| std::iter::once(name).chain(outcomes).collect()).collect();
    hold(
        "outcomes.md",
        "What each thing that can happen means, for each kind of request. The word of a host that it has just refreshed the\ncredentials is in tests/knowing.rs.",
        &head,
        &rows,
    );
}

/// Values that want to be more than a value.
const HOSTILE: [&str; 41] = [
    r#""plain""#,
    r#""""#,
    r#"" ""#,
    r#""/""#,
    r#""a/b""#,
    r#""//evil.example""#,
    r#""\\""#,
    r#"".""#,
    r#""..""#,
    r#""../..""#,
    r#""%2e%2e""#,
    r#""%2F""#,
    r#""%""#,
    r#""%zz""#,
    r#""?""#,
    r#""a?b=c""#,
    r##""#""##,
    r#""&""#,
    r#""a&b=c""#,
    r#""=""#,
    r#""+""#,
    r#"";""#,
    r#"":""#,
    r#""@evil.example""#,
    r#""http://evil.example/""#,
    r#""[::1]""#,
    r#""\u0000""#,
    r#""\r\nX-B: 2""#,
    r#""\t""#,
    r#""\u007f""#,
    r#""é""#,
    r#""😀""#,
    r#""\u202e""#,
    r#""${v}""#,
    "true",
    "0",
    "1e2",
    "12345678901234567890",
    "null",
    "[1]",
    r#"{"a":1}"#,
];

/// Where a value can stand: its name, and the request around it.
const PLACES: [(&str, &str); 14] = [
    ("a segment", r#""url": "http://server.test/a/${v}/b?q=1""#),
    ("in a segment", r#""url": "http://server.test/a/x${v}y/b?q=1""#),
    ("in the last segment", r#""url": "http://server.test/a/b/c.${v}?q=1""#),
    ("a query value", r#""url": "http://server.test/a/b/c?q=${v}""#),
    ("in a query value", r#""url": "http://server.test/a/b/c?q=x${v}y""#),
    ("`query`", r#""url": "http://server.test/a/b/c", "query": {"q": "${v}"}"#),
    ("`form`", r#""url": "http://server.test/a/b/c?q=1", "form": {"f": "${v}"}"#),
    ("`headers`", r#""url": "http://server.test/a/b/c?q=1", "headers": {"x-v": "${v}"}"#),
    ("a query's name", r#""url": "http://server.test/a/b/c?${v}=1""#),
    ("the whole URL", r#""url": "${v}""#),
    ("the scheme", r#""url": "${v}://server.test/a/b/c?q=1""#),
    ("the user", r#""url": "http://${v}@server.test/a/b/c?q=1""#),
    ("the host", r#""url": "http://${v}/a/b/c?q=1""#),
    ("the port", r#""url": "http://server.test:${v}/a/b/c?q=1""#),
];

/// A value as text: of a string what it says, of all else what is written.
fn text_of(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

#[tokio::test]
async fn no_value_leaves_its_place_in_a_request() {
    let host = load(Egress::offline(), Limits::default());
    let mut rows = Vec::new();
    for value in HOSTILE {
        let input = format!(r#"{{"v": {value}}}"#);
        let text = text_of(value);
        // Where a list repeats its name, a list of one is that one.
        let repeated = if value == "[1]" { "1" } else { &text };
        let mut row = vec![format!("`{value}`")];
        for (place, request) in PLACES {
            let definition = format!(r#"{{"httpRequest": {{"method": "POST", {request}}}}}"#);
            let prepared = host.prepare(&definition, &input, &NO_CONTEXT).await.unwrap();
            row.push(match prepared {
                Err(problems) => refused(&problems),
                Ok(request) => {
                    let url = url::Url::parse(&request.url).unwrap();
                    assert_eq!(url.origin().ascii_serialization(), "http://server.test", "{place}: {value}");
                    assert_eq!(url.as_str(), request.url, "{place}: {value}: another reader would change it");
                    let segments: Vec<_> = url.path_segments().unwrap().map(decoded).collect();
                    assert_eq!(segments.len(), 3, "{place}: {value}");
                    let pairs: Vec<_> = url.query().into_iter().flat_map(|query| query.split('&')).collect();
                    assert_eq!(pairs.len(), 1, "{place}: {value}");
                    let query = decoded(pairs[0].split_once('=').unwrap().1);
                    let header = |name: &str| request.headers.iter().find(|header| header.name == name);
                    match place {
                        "a segment" => assert_eq!(segments[1], text),
                        "in a segment" => assert_eq!(segments[1], format!("x{text}y")),
                        "in the last segment" => assert_eq!(segments[2], format!("c.{text}")),
                        "a query value" => assert_eq!(query, text),
                        "`query`" => assert_eq!(query, repeated),
                        "a query's name" => assert_eq!(decoded(pairs[0].split_once('=').unwrap().0), text),
                        "in a query value" => assert_eq!(query, format!("x{text}y")),
                        "`form`" => {
                            let pairs: Vec<_> = url::form_urlencoded::parse(request.body.bytes()).collect();
                            assert_eq!(pairs, [("f".into(), repeated.into())]);
                        }
                        "`headers`" => assert_eq!(header("x-v").unwrap().value, text.trim()),
                        place => panic!("{value} became {place}"),
                    }
                    match (place, &request.body) {
                        ("`form`", Body::Text(form)) => format!("`{form}`"),
                        ("`headers`", _) => format!("`{}`", header("x-v").unwrap().value),
                        _ => format!("`{}`", request.url.strip_prefix("http://server.test").unwrap()),
                    }
                }
            });
        }
        rows.push(row);
    }
    let mut head = texts(["value"]);
    head.extend(PLACES.map(|(place, _)| place.to_owned()));
    hold("places.md", "What becomes of a value in each place of a request.", &head, &rows);
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn refused(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

const FORMS: [&str; 16] = [
    r#"{"a": "${v}"}"#,
    r#"{"a": "${$.v}"}"#,
    r#"{"a": "${$['v']}"}"#,
    r#"{"a": "${?v}"}"#,
    r#"{"a": "${?$.v}"}"#,
    r#"{"a": "x${v}y"}"#,
    r#"{"a": "${v}${v}"}"#,
    r#"{"a": "x${?v}"}"#,
    r#"["${v}"]"#,
    r#"["${?v}"]"#,
    r#"{"a": "$${v}"}"#,
    r#"{"a": "${v.x}"}"#,
    r#"{"a": "${?v.x}"}"#,
    r#"{"a": "${v[0]}"}"#,
    r#"{"a": "${$.v[*]}"}"#,
    r#""${v}""#,
];

/// A value of every type, what looks like one of ours, and none.
const VALUES: [&str; 14] = [
    "null",
    "true",
    "false",
    "0",
    "-0.0",
    "1e2",
    "12345678901234567890",
    r#""""#,
    r#""text""#,
    r#""${v}""#,
    "[]",
    r#"[1,{"x":2}]"#,
    "{}",
    r#"{"x":1}"#,
];

#[tokio::test]
async fn every_form_of_an_expression_keeps_every_type() {
    let host = load(Egress::offline(), Limits::default());
    let mut rows = Vec::new();
    for value in VALUES.into_iter().map(Some).chain([None]) {
        let mut row = vec![value.map_or_else(|| "no value".to_owned(), |value| format!("`{value}`"))];
        for form in FORMS {
            row.push(resolved(&host, form, value).await);
        }
        rows.push(row);
    }
    let mut head = texts(["v"]);
    head.extend(FORMS.map(|form| format!("`{form}`")));
    hold("expressions.md", "What each form of an expression becomes over a value of each type.", &head, &rows);
}

async fn resolved(host: &HttpTask, form: &str, value: Option<&str>) -> String {
    let input = value.map_or_else(|| "{}".to_owned(), |value| format!(r#"{{"v":{value}}}"#));
    let resolved = host.resolve(form, &input).await.unwrap();
    if let (Some(value), Ok(resolved)) = (value, &resolved) {
        // Types, numbers and order are those that were written.
        let whole = ["${v}", "${$.v}", "${$['v']}", "${?v}", "${?$.v}"];
        if let Some(expression) = whole.into_iter().find(|whole| form.contains(&format!("\"{whole}\""))) {
            assert_eq!(
                resolved.replace(": ", ":"),
                form.replace(": ", ":").replace(&format!("\"{expression}\""), value)
            );
        }
    }
    if value.is_none() && form == r#"{"a": "${?v}"}"# {
        assert_eq!(resolved, Ok("{}".to_owned()));
    }
    resolved.map_or_else(|problems| refused(&problems), |text| format!("`{text}`"))
}
