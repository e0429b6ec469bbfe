//! The record of every call: in a file, in the log, at a collector.

mod program;

use http_task_host::stand_in::{Script, StandIn};
use program::{Program, definition, grants_for};
use serde_json::Value;

const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";

/// A task that asks this server for a lead.
fn stage(server: &StandIn) -> Program {
    let program = Program::new().env("PLANTED", server.token());
    let url = format!("http://{}/v1/leads/{LEAD}", server.address());
    let request = format!(r#""credentials": "mine", "httpRequest": {{"method": "GET", "url": "{url}"}}"#);
    program.write("definition.json", &definition(&request));
    program.write("grants.toml", &grants_for(server.address()));
    let add = ["credentials", "add", "mine", "--kind", "header", "--header", "x-api-token", "--secret", "env:PLANTED"];
    program.succeeds(&[&add[..], &["--origin", &format!("http://{}", server.address())]].concat());
    program
}

fn traces(program: &Program) -> Vec<Value> {
    program.read("trace.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const TEST: [&str; 6] = ["test", "definition.json", "--grants", "grants.toml", "--trace", "trace.jsonl"];

#[tokio::test(flavor = "multi_thread")]
async fn a_call_leaves_a_line_with_what_was_sent_decided_and_used() {
    let server = StandIn::start(Script::default()).await.unwrap();
    let program = stage(&server);
    program.succeeds(&TEST);
    program.succeeds(&["run", "definition.json", "--grants", "grants.toml", "--trace", "trace.jsonl"]);
    let traces = traces(&program);
    assert_eq!(traces.len(), 2, "lines are added");
    for trace in &traces {
        assert_eq!(trace["outcome"], "completed");
        let decided: Vec<_> = trace["decisions"].as_array().unwrap().iter().collect();
        let policies: Vec<_> = decided.iter().map(|decision| decision["policy"].as_str().unwrap()).collect();
        assert_eq!(policies, ["request", "grant", "credentials", "address"]);
        assert!(decided.iter().all(|decision| decision["allowed"] == true));
        assert_eq!(decided[2]["detail"], "`mine` as header x-api-token");
        assert_eq!(decided[3]["detail"], server.address().to_string());
        assert_eq!(trace["request"]["url"], format!("http://{}/v1/leads/{LEAD}", server.address()));
        assert_eq!(trace["response"]["status"], 200);
        let timings = trace["timings"].as_object().unwrap();
        let all = ["connectingMs", "credentialsMs", "exchangeMs", "firstByteMs", "totalMs", "waitingMs"];
        let mut names: Vec<_> = timings.keys().collect();
        names.sort();
        assert_eq!(names, all, "an address is not resolved, and http is not secured");
        let limits = trace["limits"].as_object().unwrap();
        for (name, used) in limits {
            let [used, limit] = ["used", "limit"].map(|member| used[member].as_f64().unwrap());
            assert!(used < limit && (used > 0.0 || ["requestBytes", "computingMs"].contains(&name.as_str())), "{name}");
        }
    }
    let mode = program.shell("stat -c %a trace.jsonl 2>/dev/null || stat -f %Lp trace.jsonl").stdout;
    assert_eq!(String::from_utf8(mode).unwrap().trim(), "600");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_last_decision_and_nothing_came_of_it() {
    let server = StandIn::start(Script::default()).await.unwrap();
    for (wrong, policy, detail) in [
        ("sed -i.old s/GET/HEAD/ grants.toml", "grant", "allows GET"),
        ("sed -i.old s/^networks.*// grants.toml", "grant", "opens the network `loopback`"),
        ("sed -i.old s/PLANTED/UNSET/ configuration/http-task/credentials.toml", "credentials", "UNSET is not set"),
        ("sed -i.old s,leads/,leads/%252e%252e/, definition.json", "request", "hides a `.` or `..`"),
    ] {
        let program = stage(&server);
        assert!(program.shell(wrong).status.success(), "{wrong}");
        let said = program.run(&TEST);
        assert_eq!(said.code, Some(3), "{said:?}");
        let trace = &traces(&program)[0];
        assert_eq!(trace["outcome"], "permanent-denied");
        let decisions = trace["decisions"].as_array().unwrap();
        let (last, before) = decisions.split_last().unwrap();
        assert!(before.iter().all(|decision| decision["allowed"] == true));
        assert_eq!((last["policy"].as_str(), &last["allowed"]), (Some(policy), &Value::Bool(false)), "{trace}");
        assert!(last["detail"].as_str().unwrap().contains(detail), "{trace}");
        let request = &trace["request"];
        assert_eq!((&request["method"], &request["left"]), (&Value::from("GET"), &Value::Bool(false)), "{trace}");
        assert!(request["url"].as_str().unwrap().contains("/leads/") && trace["response"].is_null(), "{trace}");
    }
    assert_eq!(server.received(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_the_environment_names_gets_a_span_in_the_words_of_its_conventions() {
    let server = StandIn::start(Script::default()).await.unwrap();
    let collector =
        StandIn::start(Script::parse("200\n  content-type: application/json\n  | {}\n").unwrap()).await.unwrap();
    let program = stage(&server).env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", collector.address()));
    program.succeeds(&TEST);
    let [export] = collector.received().try_into().unwrap();
    assert!(export.head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{}", export.head);
    assert!(!String::from_utf8_lossy(&export.body).contains(server.token()));
    let export: Value = serde_json::from_slice(&export.body).unwrap();
    let span = &export["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!((&span["name"], &span["kind"]), (&Value::from("GET"), &Value::from(3)));
    let attribute = |name: &str| {
        let attributes = span["attributes"].as_array().unwrap();
        let found = attributes.iter().find(|attribute| attribute["key"] == name);
        found.map(|attribute| attribute["value"].clone()).unwrap_or_default()
    };
    for (name, value) in [
        ("http.request.method", serde_json::json!({"stringValue": "GET"})),
        ("http.response.status_code", serde_json::json!({"intValue": "200"})),
        ("server.address", serde_json::json!({"stringValue": "127.0.0.1"})),
        ("server.port", serde_json::json!({"intValue": server.address().port().to_string()})),
        ("network.protocol.version", serde_json::json!({"stringValue": "1.1"})),
        ("http_task.outcome", serde_json::json!({"stringValue": "completed"})),
        ("error.type", Value::Null),
    ] {
        assert_eq!(attribute(name), value, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_collector_that_nobody_named_and_one_that_is_not_there_stops_nothing() {
    let server = StandIn::start(Script::default()).await.unwrap();
    let refusing = StandIn::start(http_task_host::stand_in::Fault::Refuse).await.unwrap();
    let program = stage(&server).env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("http://{}", refusing.address()));
    let said = program.succeeds(&TEST);
    assert!(said.stderr.contains("export"), "{}", said.stderr);
    let said = stage(&server).env("RUST_LOG", "http_task_host=info").succeeds(&TEST);
    assert!(said.stderr.contains(r#"http_task_host::trace: completed trace="{\"time\""#), "{}", said.stderr);
}
