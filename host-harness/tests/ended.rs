//! `http-task run` that is ended in the middle: whatever it has said by then is true.

mod program;
mod stage;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};
use stage::{Running, Stage, definition, end, http};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_ended_while_it_waits_says_what_is_in_doubt() {
    let retry = json!({"end": true, "retry": {"intervalSeconds": 50, "maxAttempts": 2}});
    for (script, seconds, in_doubt) in [("cut-body 5", 50.0, json!(["t"])), ("429\n  retry-after: 60", 60.0, json!([]))]
    {
        let (stage, mut run) =
            Stage::to_be_ended(script, definition("t", json!({"t": http("PUT", "t", retry.clone())}))).await;
        let mut events = run.events();
        let waiting = events.find(|event| event["event"] == "waiting").unwrap();
        assert_eq!(waiting, json!({"event": "waiting", "task": "t", "seconds": seconds}));
        run.signal("TERM");
        let report = events.last().unwrap();
        assert_eq!(
            (report["outcome"].as_str(), &report["requests"], &report["inDoubt"]),
            (Some("interrupted"), &json!(1), &in_doubt)
        );
        assert_eq!((run.code(), stage.requests().len()), (Some(130), 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_twice_is_not_made_to_wait_by_a_reader_that_does_not_read() {
    // More than a pipe holds, so that the program is held up where it writes.
    let long = "x".repeat(300_000);
    let script = format!("200\n  content-type: text/plain\n  | {long}");
    let (stage, mut run) = Stage::to_be_ended(&script, definition("t", json!({"t": http("GET", "t", end())}))).await;
    stage.has_received(1).await;
    let mut line = String::new();
    let mut stdout = BufReader::new(run.0.stdout.take().unwrap());
    while !line.contains("attempted") {
        line.clear();
        stdout.read_line(&mut line).unwrap();
    }
    // The report is being written. It takes two: the first is not heard while it writes.
    while run.0.try_wait().unwrap().is_none() {
        run.signal("INT");
    }
    assert_eq!(run.code(), Some(130));
}

/// Two branches whose requests hang.
fn parallel() -> Value {
    let branch = |name: &str| json!({"startTask": name, "tasks": {name: http("PUT", name, json!({"end": true, "readTimeoutSeconds": 60}))}});
    definition("both", json!({"both": {"type": "Parallel", "branches": [branch("a"), branch("b")], "end": true}}))
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_in_flight_at_the_same_time() {
    let (stage, mut run) = Stage::to_be_ended("hang-before-head\nhang-before-head", parallel()).await;
    // Neither is ever answered, so that both have arrived only if neither waits for the other.
    stage.has_received(2).await;
    run.signal("INT");
    let report = run.events().last().unwrap();
    assert_eq!(run.code(), Some(130));
    let in_flight = report["inFlight"].as_object().unwrap();
    assert_eq!(in_flight.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_run_ends_it_and_tells_what_was_in_flight() {
    let mut definition =
        definition("t", json!({"t": http("PUT", "t", json!({"end": true, "readTimeoutSeconds": 60}))}));
    definition["timeoutSeconds"] = json!(1);
    let stage = Stage::new("hang-before-head", definition).await;
    let (said, events) = stage.events(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let report = events.last().unwrap();
    assert_eq!(
        (&report["outcome"], &report["reason"]),
        (&json!("timed-out"), &json!("its timeoutSeconds have passed: 1 s"))
    );
    assert_eq!(report["inFlight"]["t"]["attempt"], 1);
}

/// Five tasks, six requests, a repeat, and two branches.
fn long() -> Value {
    let branch = |name: &str| json!({"startTask": name, "tasks": {name: http("PUT", name, end())}});
    definition(
        "a",
        json!({
            "a": http("GET", "a", json!({"nextTask": "b"})),
            "b": http("PUT", "b", json!({"nextTask": "both"})),
            "both": {"type": "Parallel", "branches": [branch("c"), branch("d")], "nextTask": "e"},
            "e": http("POST", "e", end()),
        }),
    )
}

const LONG: &str = "200\noverloaded\n200\n200\n200\n200";
const LONG_REQUESTS: usize = 6;

/// Holds all that a run has said against what the server has received.
fn hold_to_the_truth(events: &[Value], requests: &[String], name: &str) {
    let mut told: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut sent: BTreeMap<&str, String> = BTreeMap::new();
    for event in events {
        let task = event["task"].as_str().unwrap_or_default();
        match event["event"].as_str().unwrap() {
            "sending" => {
                let request = format!("{} /{task}", event["method"].as_str().unwrap());
                told.entry(request.clone()).or_default()[0] += 1;
                sent.insert(task, request);
            }
            "attempted" if event["sent"] == true => told.get_mut(&sent[task]).unwrap()[1] += 1,
            _ => {}
        }
    }
    for request in requests {
        assert!(told.contains_key(request), "{name}: {request} was received, and never told");
    }
    for (request, [announced, ended]) in told {
        let received = requests.iter().filter(|other| **other == request).count();
        assert!(ended <= received && received <= announced, "{name}: {request}: {ended} {received} {announced}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_has_said_is_true_wherever_it_is_ended() {
    let stage = Stage::new(LONG, long()).await;
    let whole = stage.events(&[]).1;
    assert_eq!(whole.last().unwrap()["requests"], LONG_REQUESTS);
    for end in ["KILL", "INT", "TERM"] {
        for after in 0..whole.len() {
            let (stage, mut run) = Stage::to_be_ended(LONG, long()).await;
            let name = format!("{end} after {after} lines");
            let mut said = run.events();
            let mut events: Vec<_> = said.by_ref().take(after).collect();
            run.signal(end);
            events.extend(said);
            let code = run.code();
            hold_to_the_truth(&events, &stage.requests(), &name);
            let Some(report) = events.last().filter(|event| event["event"] == "ended") else {
                // A signal that comes before anything is said may find nobody who listens for it yet.
                assert!(end == "KILL" || events.is_empty(), "{name}: nothing is said of its end");
                continue;
            };
            hold_the_report(&events, report, &name);
            let expected = match (report["outcome"].as_str().unwrap(), end) {
                // The last word was out, and the process was not yet.
                ("completed", "KILL") => [Some(0), None],
                ("completed", _) => [Some(0); 2],
                (outcome, _) => {
                    assert_eq!(outcome, "interrupted", "{name}");
                    [Some(130); 2]
                }
            };
            assert!(expected.contains(&code), "{name}: {code:?}");
        }
    }
}

/// In flight is what was announced and has not ended.
fn hold_the_report(events: &[Value], report: &Value, name: &str) {
    let of = |event: &str| events.iter().filter(|other| other["event"] == event).count();
    let sent = events.iter().filter(|event| event["event"] == "attempted" && event["sent"] == true).count();
    assert_eq!(report["requests"], sent, "{name}");
    assert_eq!(report["inFlight"].as_object().unwrap().len(), of("sending") - of("attempted"), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_ended_in_flight_says_that_the_effect_is_not_known() {
    for end in ["KILL", "INT"] {
        for held in 0..LONG_REQUESTS {
            let mut script: Vec<_> = LONG.lines().collect();
            script.truncate(held);
            script.extend(["hang-before-head"; 2]);
            let (stage, mut run) = Stage::to_be_ended(&script.join("\n"), long()).await;
            let name = format!("{end} with request {} in flight", held + 1);
            stage.has_received(held + 1).await;
            run.signal(end);
            let events: Vec<_> = run.events().collect();
            let code = run.code();
            hold_to_the_truth(&events, &stage.requests(), &name);
            if end == "INT" {
                assert_eq!(code, Some(130), "{name}");
                let report = events.last().unwrap();
                hold_the_report(&events, report, &name);
                assert!(!report["inFlight"].as_object().unwrap().is_empty(), "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_interrupts_a_run_reads_what_was_done_and_what_was_in_flight() {
    let stage = Stage::new("200\nhang-before-head", long()).await;
    let mut run = Running(stage.program.spawn(&["run", "definition.json", "--grants", "grants.toml"]));
    stage.has_received(2).await;
    run.signal("INT");
    let mut said = String::new();
    run.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(run.code(), Some(130));
    assert!(said.contains("\ninterrupted\n1 task completed, 1 request sent, 1 in flight, "), "{said}");
    let url = format!("http://{}/b", stage.server.address());
    assert!(
        said.contains(&format!("in flight: b, attempt 1: PUT {url}; whether it took effect is not known")),
        "{said}"
    );
}
