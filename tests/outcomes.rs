//! The outcome table, made by the built component: every signal for every kind of request, each cell as the design says.

mod golden;
mod loaded;

use std::time::Duration;

use futures_util::future::join_all;
use golden::{hold, texts};
use http::StatusCode;
use http_task_host::component::{Context, Effect, Failure, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::report::outcome_name;
use http_task_host::stand_in::{Answer, Fault, Line, Script};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{Server, load, server};

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
const WITHHELD: [&str; 2] = ["permanent-rejected", "permanent-unknown"];
const NOT_DONE: [&str; 2] = ["temporary, effect none"; 2];
const PERHAPS_DONE: [&str; 2] = ["temporary, effect possible", "permanent-unknown"];

/// Every signal of the design's table, and what it means for what is repeatable, and for what is not.
fn signals() -> Vec<(String, Signal, [&'static str; 2])> {
    let answer = |status: u16, headers: &[(&'static str, &'static str)]| {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Signal::Server(Line::Answer(Answer { headers, ..Answer::new(status.try_into().unwrap()) }))
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
        ("the head is too large".into(), fault(Fault::LargeHead), PERHAPS_DONE),
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
        ("the content is too large".into(), fault(Fault::Endless), WITHHELD),
        ("the content is too large when it is decoded".into(), fault(Fault::GzipBomb), WITHHELD),
        ("the content is in a coding that is not read".into(), fault(Fault::Brotli), WITHHELD),
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
            _ => Line::Answer(Answer::new(StatusCode::OK)),
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
