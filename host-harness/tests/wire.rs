//! What *Test request* shows against what a server receives, byte for byte.

mod program;

use http_task_host::stand_in::{Fault, Script, StandIn};
use program::{Program, definition};

const VALUES: &str =
    r#"{"null":null,"zero":0,"false":false,"empty":"","list":[],"big":12345678901234567890,"exponent":1e2}"#;
const KEY: &str = "9dc1a1b7c2f04e1f8a55c0d3e7b64f20a1c3d5e7";

#[tokio::test(flavor = "multi_thread")]
async fn what_offline_prints_is_what_arrives_but_for_the_credential() {
    let server = StandIn::start(Script::parse("200").unwrap()).await.unwrap();
    let origin = format!("http://{}", server.address());
    let program = Program::new().env("STAND_IN_TOKEN", server.token());
    program.write(
        "definition.json",
        &definition(&format!(
            r#""credentials": "mine", "inputParameters": {{"written": 1e2}},
                "httpRequest": {{"method": "PATCH", "url": "{origin}/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec",
                    "headers": {{"X-Trace": "a b"}},
                    "body": {{"{KEY}": {VALUES}, "{KEY}_until": "${{written}}", "{KEY}_currency": "${{given}}"}}}}"#
        )),
    );
    let add =
        ["credentials", "add", "mine", "--kind", "header", "--header", "x-api-token", "--secret", "env:STAND_IN_TOKEN"];
    program.succeeds(&[&add[..], &["--origin", &origin]].concat());
    program.succeeds(&["grant", "definition.json"]);
    let input = ["--input", r#"{"given":12345678901234567890}"#];

    let offline = program.succeeds(&[&["test", "definition.json", "--offline"][..], &input].concat());
    assert_eq!(server.received(), [], "--offline opens no connection");
    program.succeeds(&[&["test", "definition.json"][..], &input].concat());

    let received = server.received();
    assert_eq!(received.len(), 1);
    let (head, body) = offline.stdout.split_once("\n\n").unwrap();
    assert_eq!(received[0].head, format!("{}\r\nx-api-token: {}\r\n", head.replace('\n', "\r\n"), server.token()));
    let received_body = String::from_utf8(received[0].body.clone()).unwrap();
    assert_eq!(received_body, body.trim_end());
    assert_eq!(
        received_body,
        format!(r#"{{"{KEY}":{VALUES},"{KEY}_until":1e2,"{KEY}_currency":12345678901234567890}}"#)
    );
    assert!(head.contains(&format!("\nhost: {}\n", server.address())), "{head}");
    assert!(head.ends_with(&format!("\ncontent-length: {}", received_body.len())), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_command_sends_the_same_request() {
    let server = StandIn::start(Script::default()).await.unwrap();
    let origin = format!("http://{}", server.address());
    let program = Program::new().env("STAND_IN_TOKEN", &server.access_token());
    program.write(
        "definition.json",
        &definition(&format!(
            r#""credentials": "mine", "httpRequest": {{"method": "PATCH", "url": "{origin}/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec",
                    "body": {{"title": "it's \"quoted\" $HOME `x`"}}}}"#
        )),
    );
    program.succeeds(&["grant", "definition.json"]);
    program.succeeds(&[
        "credentials",
        "add",
        "mine",
        "--kind",
        "bearer",
        "--secret",
        "env:STAND_IN_TOKEN",
        "--origin",
        &origin,
    ]);
    let curl = program.succeeds(&["test", "definition.json", "--curl"]).stdout;
    if !program.shell("command -v curl").status.success() {
        return program::skip("curl is not installed");
    }
    let ran = program.shell(&format!("{} --silent", curl.trim_end()));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    program.succeeds(&["test", "definition.json"]);
    let [by_curl, by_task] = server.received().try_into().unwrap();
    assert_eq!(by_curl.body, by_task.body);
    let fields = |head: &str| -> Vec<String> {
        let mut fields: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
        fields.sort();
        fields
    };
    assert_eq!(fields(&by_curl.head), fields(&by_task.head));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_for_now_exits_with_4_and_says_when_to_come_again() {
    let server = StandIn::start(Fault::Unavailable).await.unwrap();
    let program = Program::new();
    program.write(
        "definition.json",
        &definition(&format!(r#""httpRequest": {{"method": "GET", "url": "http://{}/"}}"#, server.address())),
    );
    program.succeeds(&["grant", "definition.json"]);
    let said = program.run(&["test", "definition.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stdout.contains("a repeat is right, but not before 3939 s have passed"), "{}", said.stdout);
}
