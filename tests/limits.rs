//! The limits of a call, through the built component and a real server: exceeding one is a failure of that call, which says
//! so, and the host goes on.

mod loaded;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, StatusCode};
use http_task_host::component::{Failure, Run};
use http_task_host::report::{outcome_name, reason_of};
use http_task_host::stand_in::{Answer, Fault, Script, StandIn};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{NO_CONTEXT, host_for, load, server};

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    set(&mut limits);
    limits
}

async fn ask(host: &HttpTask, server: &StandIn, members: &str) -> Run {
    let url = format!("http://{}/x", server.address());
    let definition =
        format!(r#"{{"httpRequest": {{"method": "POST", "url": "{url}"{members}}}, "readTimeoutSeconds": 1}}"#);
    host.run(&definition, "{}", &NO_CONTEXT).await
}

/// The name of the outcome, and why it is that.
fn told(run: &Run) -> (&'static str, &str) {
    (outcome_name(&run.outcome), run.outcome.as_ref().err().map_or("", |failure| reason_of(failure)))
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_sent() {
    let server = server(Script::default()).await;
    let host = host_for(&server, limits(|limits| limits.request_bytes = 1000));
    let definition =
        format!(r#"{{"httpRequest": {{"method": "POST", "url": "http://{}/", "body": "${{t}}"}}}}"#, server.address());
    let input = format!(r#"{{"t": "{}"}}"#, "x".repeat(2000));
    let run = host.run(&definition, &input, &NO_CONTEXT).await;
    assert_eq!(told(&run).0, "permanent-invalid", "{:?}", run.outcome);
    let prepared = host.prepare(&definition, &input, &NO_CONTEXT).await;
    assert_eq!(prepared.unwrap().unwrap_err()[0].message, "the content has 2002 bytes, and this host allows 1000");
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn a_guest_that_wants_more_memory_than_allowed_fails_alone() {
    let server = server(Script::default()).await;
    let host = host_for(&server, limits(|limits| limits.memory_bytes = 4 * 1024 * 1024));
    let greedy = host.resolve("1", &format!("{:?}", "x".repeat(8 * 1024 * 1024))).await;
    assert!(greedy.is_err());
    assert_eq!(told(&ask(&host, &server, "").await).0, "permanent-rejected", "the host goes on");
}

#[tokio::test]
async fn a_call_is_stopped_at_its_deadline_whatever_it_does() {
    let (host, input) = lost(|limits| {
        (limits.deadline, limits.judgement) = (Duration::from_millis(100), Duration::from_millis(100));
    });
    let started = Instant::now();
    let stopped = host.resolve(LOST, &input).await.unwrap_err();
    assert_eq!(stopped.0, "stopped after 0.2 s");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_call_that_waits_for_its_place_has_its_whole_time() {
    let server = server(Fault::HangInBody).await;
    let host = host_for(
        &server,
        limits(|limits| (limits.deadline, limits.concurrent_calls) = (Duration::from_millis(1500), 1)),
    );
    let (first, second) = tokio::join!(ask(&host, &server, ""), ask(&host, &server, ""));
    for run in [first, second] {
        assert_eq!(told(&run), ("permanent-unknown", "sent, then nothing for 1 s (readTimeoutSeconds)"));
    }
}

/// Every number is compared with every pair of them.
const LOST: &str = r#""${$.l[?$.l[?$.l[?@==-1]]]}""#;

fn lost(set: impl FnOnce(&mut Limits)) -> (HttpTask, String) {
    let numbers: Vec<_> = (0..2000).map(|number| number.to_string()).collect();
    (load(Egress::offline(), limits(set)), format!(r#"{{"l": [{}]}}"#, numbers.join(",")))
}

#[tokio::test]
async fn a_guest_that_is_lost_in_an_expression_is_stopped_by_what_it_has_computed() {
    let (host, input) = lost(|limits| limits.computing = Duration::from_millis(100));
    let stopped = host.resolve(LOST, &input).await.unwrap_err();
    assert_eq!(stopped.0, "it computed for more than 0.1 s");
    assert_eq!(host.resolve(r#""${$.l[0]}""#, &input).await.unwrap().unwrap(), "0", "the host goes on");
}

#[tokio::test]
async fn who_waits_for_an_answer_has_computed_nothing() {
    let server = server(Fault::HangBeforeHead).await;
    let host = host_for(&server, limits(|limits| limits.computing = Duration::from_millis(200)));
    let run = ask(&host, &server, "").await;
    assert_eq!(told(&run), ("permanent-unknown", "sent, then nothing for 1 s (readTimeoutSeconds)"));
}

#[tokio::test]
async fn a_request_with_more_header_than_allowed_is_not_sent() {
    let server = server(Script::default()).await;
    let fields: Vec<_> = (0..20).map(|number| format!(r#""x-{number}": "{}""#, "v".repeat(100))).collect();
    let members = format!(r#", "headers": {{{}}}"#, fields.join(","));
    let url = format!("http://{}/x", server.address());
    let definition = format!(r#"{{"httpRequest": {{"method": "POST", "url": "{url}"{members}}}}}"#);
    for set in [|limits: &mut Limits| limits.header_fields = 20, |limits: &mut Limits| limits.header_bytes = 2000] {
        let host = host_for(&server, limits(set));
        let run = ask(&host, &server, &members).await;
        let Err(Failure::PermanentInvalid(problems)) = run.outcome else { panic!("{:?}", run.outcome) };
        assert_eq!(problems[0].message, "the header fields are more, or larger, than the host allows");
        let prepared = host.prepare(&definition, "{}", &NO_CONTEXT).await.unwrap().unwrap_err();
        assert_eq!(prepared[0].place, "/httpRequest/headers");
        assert!(prepared[0].message.starts_with("the header has 23 fields and 2"), "{prepared:?}");
    }
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn an_answer_with_more_header_than_allowed_is_not_handed_over() {
    let field = |number: usize| (HeaderName::try_from(format!("x-{number}")).unwrap(), HeaderValue::from_static("v"));
    let many = |fields| Answer { headers: (0..fields).map(field).collect(), ..Answer::new(StatusCode::OK) };
    let too_large = ("permanent-unknown", "the head of the answer is larger than the host allows");
    for (script, expected) in [
        (Script::always(many(90)), ("completed", "")),
        (Script::always(many(101)), too_large),
        // More than is ever read.
        (Script::always(many(1001)), too_large),
        (Script::always(Fault::LargeHead), too_large),
    ] {
        let server = server(script).await;
        assert_eq!(told(&ask(&host_for(&server, Limits::default()), &server, "").await), expected);
    }
}

#[tokio::test]
async fn coded_content_is_handed_over_as_it_is_meant_and_held_to_the_limit_as_that() {
    let gzip = server(Fault::Gzip).await;
    let run = ask(&host_for(&gzip, Limits::default()), &gzip, "").await;
    let response = run.outcome.unwrap().response;
    assert_eq!(response.body.bytes(), br#"{"success":true}"#);
    assert!(response.headers.iter().all(|header| header.name != "content-encoding" && header.name != "content-length"));

    let bomb = server(Fault::GzipBomb).await;
    let run = ask(&host_for(&bomb, Limits::default()), &bomb, "").await;
    assert_eq!(told(&run), ("permanent-unknown", "the answer is larger than the 8388608 bytes that the host allows"));
    assert!(run.exchange.unwrap().received.unwrap().bytes < 100_000, "it is a bomb");

    let brotli = server(Fault::Brotli).await;
    let run = ask(&host_for(&brotli, Limits::default()), &brotli, "").await;
    let unread = "the answer is coded as `br`, which this host does not read";
    assert_eq!(told(&run), ("permanent-unknown", unread));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_to_one_origin_than_allowed_wait_and_are_not_sent_when_they_waited_too_long() {
    let server = server(Fault::HangBeforeHead).await;
    let host = host_for(&server, limits(|limits| limits.calls_per_origin = 2));
    let url = format!("http://{}/x", server.address());
    let definition = format!(
        r#"{{"httpRequest": {{"method": "POST", "url": "{url}"}}, "connectionTimeoutSeconds": 1, "readTimeoutSeconds": 2}}"#
    );
    let runs = join_all((0..3).map(|_| host.run(&definition, "{}", &NO_CONTEXT))).await;
    let mut outcomes: Vec<_> = runs.iter().map(told).collect();
    outcomes.sort_unstable();
    let lost = ("permanent-unknown", "sent, then nothing for 2 s (readTimeoutSeconds)");
    let waited = ("temporary", "the host has as many calls to this server at once as it allows");
    assert_eq!(outcomes, [lost, lost, waited]);
    assert_eq!(server.received().len(), 2);

    let gone = host_for(&server, Limits::default());
    assert_eq!(told(&ask(&gone, &server, "").await).0, "permanent-unknown", "another host has places of its own");
}
