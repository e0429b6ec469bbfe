//! The `task` interface, through the built component and a real server.

mod loaded;

use std::time::{Duration, Instant};

use http::StatusCode;
use http_task_host::component::{Body, Context, Effect, Failure, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::report::{outcome_name, reason_of};
use http_task_host::stand_in::{Answer, Fault, Script, StandIn};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{NO_CONTEXT, host_for, load, server};

const LEAD: &str = "https://api.pipedrive.com/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec";

/// A task that asks this server for something.
fn definition(method: &str, server: &StandIn, more: &str) -> String {
    format!(
        r#"{{"type": "Http", "readTimeoutSeconds": 1, "httpRequest": {{"method": "{method}", "url": "http://{}/x"}}{more}}}"#,
        server.address()
    )
}

async fn run(host: &HttpTask, definition: &str) -> Run {
    host.run(definition, "{}", &NO_CONTEXT).await
}

/// The outcome's name, and whether a failure for now had an effect.
fn short(run: &Run) -> &'static str {
    match &run.outcome {
        Err(Failure::Temporary(temporary)) if temporary.effect == Effect::None => "temporary none",
        Err(Failure::Temporary(_)) => "temporary possible",
        outcome => outcome_name(outcome),
    }
}

#[tokio::test]
async fn what_prepare_shows_is_what_run_sends() {
    let server = server(Script::default()).await;
    let host = host_for(&server, Limits::default());
    let definition = format!(
        r#"{{"idempotencyKey": {{"header": "Idempotency-Key"}}, "httpRequest": {{"method": "POST",
            "url": "http://{}/a b/${{s}}?q=${{s}}", "headers": {{"X-One": "${{n}}"}}, "query": {{"l": [1, "é"]}},
            "body": {{"null": null, "zero": 0, "false": false, "empty": "", "list": [], "object": {{}},
                      "big": 12345678901234567890, "exponent": 1e2, "input": "${{n}}", "left out": "${{?gone}}"}}}}}}"#,
        server.address()
    );
    let input = r#"{"s": "/é?", "n": 1.50}"#;
    let context = Context { idempotency_key: Some("run-7/task-1".into()) };
    let prepared = host.prepare(&definition, input, &context).await.unwrap().unwrap().request;
    host.run(&definition, input, &context).await;
    let received = server.received();
    let body = r#"{"null":null,"zero":0,"false":false,"empty":"","list":[],"object":{},"big":12345678901234567890,"exponent":1e2,"input":1.50}"#;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, body.as_bytes());
    assert_eq!(prepared.body, Body::Json(body.into()));
    let mut expected = format!(
        "POST /a%20b/%2F%C3%A9%3F?q=%2F%C3%A9%3F&l=1&l=%C3%A9 HTTP/1.1\r\nhost: {}\r\nx-one: 1.50\r\n",
        server.address()
    );
    expected.push_str("content-type: application/json\r\nidempotency-key: run-7/task-1\r\n");
    expected.push_str(&format!("user-agent: http-task/0.1.0\r\ncontent-length: {}\r\n", body.len()));
    assert_eq!(received[0].head, expected);
    for header in &prepared.headers {
        assert!(received[0].head.contains(&format!("\r\n{}: {}\r\n", header.name, header.value)), "{}", header.name);
    }
}

#[tokio::test]
async fn a_large_body_and_a_large_answer_pass_whole() {
    let text = "é".repeat(1_500_000);
    let headers = vec![("content-type".parse().unwrap(), "application/json".parse().unwrap())];
    let answer = Answer { headers, body: format!("{{\"t\":\"{text}\"}}"), ..Answer::new(StatusCode::OK) };
    let server = server(Script::always(answer)).await;
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let definition = format!(r#"{{"httpRequest": {{"method": "PUT", "url": "{LEAD}", "body": {{"t": "${{t}}"}}}}}}"#);
    let run = host.run(&definition, &format!(r#"{{"t": "{text}"}}"#), &NO_CONTEXT).await;
    let Ok(completed) = run.outcome else { panic!("not completed") };
    let Body::Json(answer) = completed.response.body else { panic!("not JSON") };
    assert!(server.received()[0].body.len() > text.len());
    assert!(answer.contains(&text) && answer.len() == run.exchange.unwrap().received.unwrap().bytes);
}

#[tokio::test]
async fn a_second_call_takes_the_connection_of_the_first() {
    let server = server(Script::default()).await;
    let host = host_for(&server, Limits::default());
    let definition = definition("GET", &server, "");
    let connects = [run(&host, &definition).await, run(&host, &definition).await]
        .map(|run| run.exchange.unwrap().connect.is_some());
    assert_eq!(connects, [true, false]);
}

#[tokio::test]
async fn every_way_a_server_fails_ends_in_the_right_failure_in_time() {
    let limits = || {
        let mut limits = Limits::default();
        limits.deadline = Duration::from_secs(2);
        limits.answer_bytes = 1024 * 1024;
        limits
    };
    for (fault, get, post, reason) in [
        (Fault::Endless, "permanent-rejected", "permanent-unknown", "larger than the 1048576 bytes"),
        (Fault::TooLarge, "permanent-rejected", "permanent-unknown", "larger than the 1048576 bytes"),
        (Fault::SlowDrip, "temporary possible", "permanent-unknown", "the host's deadline passed"),
        (Fault::HangInBody, "temporary possible", "permanent-unknown", "nothing for 1 s (readTimeoutSeconds)"),
        (Fault::CutBody(10), "temporary possible", "permanent-unknown", "ended before the answer did"),
        (Fault::Redirect, "permanent-rejected", "permanent-rejected", "https://elsewhere.example/leads"),
        (Fault::Unavailable, "temporary none", "temporary none", "503"),
    ] {
        let server = server(fault).await;
        let host = host_for(&server, limits());
        for (method, expected) in [("GET", get), ("POST", post)] {
            let started = Instant::now();
            let run = run(&host, &definition(method, &server, "")).await;
            assert_eq!(short(&run), expected, "{fault:?} {method}");
            let Err(failure) = &run.outcome else { panic!("{fault:?}") };
            let given = reason_of(failure);
            assert!(given.contains(reason), "{fault:?}: {given}");
            assert!(started.elapsed() < Duration::from_secs(4), "{fault:?}");
            let arrived = run.exchange.and_then(|exchange| exchange.received).map_or(0, |received| received.bytes);
            assert!(arrived <= 1024 * 1024, "{fault:?}: {arrived}");
        }
        assert_eq!(server.received().len(), 2, "{fault:?}: one call, one request");
    }
}

#[tokio::test]
async fn retry_after_is_handed_over_and_not_slept_on() {
    let server = server(Fault::Unavailable).await;
    let run = run(&host_for(&server, Limits::default()), &definition("POST", &server, "")).await;
    let Err(Failure::Temporary(temporary)) = run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(temporary.retry_after_seconds, Some(3939));
}

#[tokio::test]
async fn nobody_there_or_no_tls_there_is_temporary_without_effect() {
    let server = server(Script::default()).await;
    let tls = format!("https://{}", server.address());
    let nobody = {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", closed.local_addr().unwrap())
    };
    let grants = Grants::for_origins([tls.parse().unwrap(), nobody.parse().unwrap()]);
    let host = load(Egress::new(grants, Credentials::default(), Redactor::default()).unwrap(), Limits::default());
    for (origin, reason) in [(tls, "no TLS connection"), (nobody, "refused")] {
        let run = run(&host, &format!(r#"{{"httpRequest": {{"method": "POST", "url": "{origin}/"}}}}"#)).await;
        assert_eq!(short(&run), "temporary none", "{:?}", run.outcome);
        let Err(failure) = &run.outcome else { unreachable!() };
        assert!(reason_of(failure).contains(reason), "{failure:?}");
    }
}

#[tokio::test]
async fn without_a_grant_nothing_is_sent_and_the_refusal_says_what_to_add() {
    let server = server(Script::default()).await;
    let egress = Egress::new(Grants::default(), Credentials::default(), Redactor::default()).unwrap();
    let run = run(&load(egress, Limits::default()), &definition("GET", &server, "")).await;
    let Err(Failure::PermanentDenied(denial)) = run.outcome else { panic!("{:?}", run.outcome) };
    let entry = format!(
        "[[grants]]\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {}\nmethods = [\"GET\"]\npath = \"/x\"\nnetworks = [\"loopback\"]\n",
        server.address().port()
    );
    assert_eq!(denial.hint, Some(entry));
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn credentials_that_are_unknown_or_bound_elsewhere_are_refused_and_nothing_is_sent() {
    let server = server(Script::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.toml");
    std::fs::write(
        &file,
        "[credentials.elsewhere]\nkind = \"bearer\"\nsecret = { env = \"PATH\" }\norigins = [\"https://api.example.com\"]\n",
    )
    .unwrap();
    let origin = format!("http://{}", server.address()).parse().unwrap();
    let credentials = Credentials::read(&file).unwrap();
    let egress = Egress::new(Grants::for_origins([origin]), credentials, Redactor::default()).unwrap();
    let host = load(egress, Limits::default());
    for (reference, message) in [("unknown", "there are no credentials"), ("elsewhere", "are not bound to")] {
        let run = run(&host, &definition("GET", &server, &format!(r#", "credentials": "{reference}""#))).await;
        let Err(Failure::PermanentDenied(denial)) = run.outcome else { panic!("{:?}", run.outcome) };
        assert!(denial.message.contains(message), "{}", denial.message);
    }
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn the_credentials_reference_never_leaves_the_host() {
    let server = server(Script::default()).await;
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let run =
        run(&host, &format!(r#"{{"credentials": "pipedrive", "httpRequest": {{"method": "GET", "url": "{LEAD}"}}}}"#))
            .await;
    assert_eq!(short(&run), "completed", "{:?}", run.outcome);
    let head = &server.received()[0].head;
    assert!(!head.contains("x-http-task-credentials"), "{head}");
    assert!(head.contains(&format!("x-api-token: {}\r\n", server.token())), "{head}");
    assert!(head.contains("host: api.pipedrive.com\r\n"), "{head}");
}

#[tokio::test]
async fn a_secret_that_the_api_sends_back_is_taken_out() {
    let server = server(Script::default()).await;
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let task = |title: &str| {
        format!(
            r#"{{"credentials": "pipedrive", "httpRequest": {{"method": "PATCH", "url": "{LEAD}", "body": {{"title": "{title}"}}}}}}"#
        )
    };
    let run = run(&host, &task(server.token())).await;
    let Ok(completed) = run.outcome else { panic!("{:?}", run.outcome) };
    let Body::Json(body) = completed.response.body else { panic!() };
    assert!(body.contains(r#""title":"[redacted]""#), "{body}");
    let warnings: Vec<_> = completed.warnings.iter().map(|warning| warning.message.as_str()).collect();
    let differs = "is `\"[redacted]\"` in the answer, which is not what was sent";
    assert_eq!(warnings, [differs, "the answer held a secret of this host, which was taken out"]);
}

#[tokio::test]
async fn many_mistakes_are_all_found_and_nothing_is_sent() {
    let server = server(Script::default()).await;
    let host = host_for(&server, Limits::default());
    let definition = r#"{
        "type": "Https", "description": 1, "credentials": "",
        "httpRequest": {
            "method": "FETCH", "url": "http://user@127.0.0.1/", "headers": {"Content-Length": "3", "X-A": "a\nb"},
            "body": {"a": "${", "b": ["${?x}"]}, "form": {}
        },
        "successCodes": [], "readTimeoutSeconds": 0
    }"#;
    let run = run(&host, definition).await;
    let Err(Failure::PermanentInvalid(problems)) = run.outcome else { panic!("{:?}", run.outcome) };
    let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "/type",
            "/description",
            "/credentials",
            "/readTimeoutSeconds",
            "/successCodes",
            "/httpRequest/method",
            "/httpRequest/url",
            "/httpRequest/headers/Content-Length",
            "/httpRequest/headers/X-A",
            "/httpRequest/form",
            "/httpRequest/body/a",
            "/httpRequest/body/b/0",
        ]
    );
    assert_eq!(host.check(definition).await.unwrap().unwrap_err(), problems);
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn an_offline_host_cannot_send() {
    let server = server(Script::default()).await;
    let run = run(&load(Egress::offline(), Limits::default()), &definition("GET", &server, "")).await;
    assert_eq!(short(&run), "permanent-denied");
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn json_as_deep_as_it_is_read_fits_the_stack() {
    let host = load(Egress::offline(), Limits::default());
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let resolved = host.resolve(r#""${$}""#, &nested(128)).await;
    assert_eq!(resolved.unwrap().unwrap(), nested(128));
    // Deep in what is filled, too, in lists as in objects.
    let filled = |value: &str| format!("{}{value}{}", r#"{"a":["#.repeat(63), "]}".repeat(63));
    let resolved = host.resolve(&filled(r#"{"b":"${$}"}"#), "1e2").await;
    assert_eq!(resolved.unwrap().unwrap(), filled(r#"{"b":1e2}"#));
    let refused = host.resolve(&nested(128), &nested(129)).await.unwrap().unwrap_err();
    assert!(refused[0].message.contains("nested more than 128 levels deep"), "{refused:?}");
}

#[tokio::test]
async fn expressions_are_resolved_over_any_json() {
    let host = load(Egress::offline(), Limits::default());
    let resolved = host.resolve(r#"{"a": "${$.x[1]}", "b": "${?y}", "c": "$${z}"}"#, r#"{"x": [0, 1E5]}"#).await;
    assert_eq!(resolved.unwrap().unwrap(), r#"{"a":1E5,"c":"${z}"}"#);
}
