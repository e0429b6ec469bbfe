//! An API that sends a secret back in every encoding there is, and programs that tell all they know: nothing shows it.

mod program;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_task_host::stand_in::{Script, StandIn};
use program::{Program, Said, definition, grants_for};

/// What is odd in JSON, in URLs, in HTML and in base64.
const SECRET: &str = r#"pl4nted/"+&<%\?>~secret"#;

/// Forms of the secret, each with what of it must not show: without what stands around it in the same base64.
fn encodings() -> Vec<(String, String)> {
    let bytes = |prefix: &str, upper: bool| -> String {
        let byte = |byte: u8| if upper { format!("{prefix}{byte:02X}") } else { format!("{prefix}{byte:02x}") };
        SECRET.bytes().map(byte).collect()
    };
    let json = |text: &str| {
        let json = serde_json::Value::from(text).to_string();
        json[1..json.len() - 1].to_owned()
    };
    let percent: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let html = SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let whole = [
        SECRET.to_owned(),
        json(SECRET),
        json(&json(SECRET)),
        json(SECRET).replace('/', "\\/"),
        bytes("\\u00", false),
        bytes("%", true),
        bytes("%", false),
        bytes("%25", true),
        percent,
        html,
        bytes("", true),
        bytes("", false),
        STANDARD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
    ];
    let mut forms: Vec<_> = whole.into_iter().map(|form| (form.clone(), form)).collect();
    for around in ["me:", "x", "{\"token\":\""] {
        let text = format!("{around}{SECRET}\"}}");
        // Whichever way the bits fall, this much of the secret's middle is in whole characters.
        let encoded = STANDARD.encode(&text);
        let from = (around.len() * 8).div_ceil(6) + 1;
        forms.push((encoded.clone(), encoded[from..from + SECRET.len()].to_owned()));
    }
    let carried = carried();
    forms.push((carried.clone(), carried[36..60].to_owned()));
    forms
}

/// What `basic` carries, encoded once more, as by an API that returns the header fields it was sent.
fn carried() -> String {
    STANDARD.encode(format!("authorization: Basic {}", STANDARD.encode(format!("me:{SECRET}"))))
}

/// Answers with all of them, as JSON and in header fields.
fn echo(status: u16) -> String {
    let forms: Vec<_> = encodings().into_iter().map(|(form, _)| form).collect();
    let mut script = format!("{status}\n  content-type: application/json\n");
    for (number, form) in forms.iter().enumerate() {
        script.push_str(&format!("  x-echo-{number}: {form}\n"));
    }
    script + &format!("  | {}\n", serde_json::json!({ "error": forms, "success": true }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_echoed_in_any_encoding_shows_in_no_output_log_trace_or_export() {
    let failing = echo(400);
    let script: String = [echo(200).as_str(), &failing].into_iter().cycle().take(64).collect();
    let server = StandIn::start(Script::parse(&script).unwrap()).await.unwrap();
    let collector = StandIn::start(Script::parse(&"200\n".repeat(64)).unwrap()).await.unwrap();
    let origin = format!("http://{}", server.address());
    let program = Program::new()
        .env("PLANTED", SECRET)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", collector.address()));
    program.write("secret", &format!("{SECRET}\n"));
    assert!(program.shell("chmod 600 secret").status.success());
    program.write("grants.toml", &grants_for(server.address()));
    let mut said = Vec::new();
    for (kind, source) in [
        (&["header", "--header", "x-api-token"][..], "env:PLANTED"),
        (&["query", "--parameter", "api_token"], "file:secret"),
        (&["basic", "--user", "me"], "command:cat secret"),
        (&["bearer"], "env:PLANTED"),
    ] {
        // The definition holds what an author may have pasted, a name of the task included.
        let members = format!(
            r#""credentials": "mine", "description": {SECRET:?}, "httpRequest": {{"method": "PATCH",
                "url": "{origin}/v1/x", "query": {{"q": {SECRET:?}}}, "headers": {{"x-pasted": {SECRET:?}}},
                "body": {{{SECRET:?}: {SECRET:?}}}}}"#
        );
        program.write("definition.json", &definition(&members));
        program.write("wrong.json", &definition(&members.replace("PATCH", SECRET.replace(['"', '\\'], "").as_str())));
        program.write("not.json", &format!("{{\"token\": {SECRET:?}, }}"));
        let add = ["credentials", "add", "mine", "--origin", &origin, "--secret", source, "--kind"];
        let mut say = |arguments: &[&str]| {
            let arguments = [arguments, &["--grants", "grants.toml"]].concat();
            let Said { code, stdout, stderr } = program.run(&arguments);
            said.push((format!("{} {}: {code:?}", kind[0], arguments.join(" ")), stdout + &stderr));
        };
        say(&[&add[..], kind].concat());
        for json in [&[][..], &["--json"]] {
            for command in [
                &["test", "definition.json"][..],
                &["test", "definition.json"],
                &["test", "definition.json", "--trace", "trace.jsonl"],
                &["run", "definition.json", "--trace", "trace.jsonl"],
                &["test", "definition.json", "--offline"],
                &["test", "definition.json", "--curl"],
                &["check", "wrong.json"],
                &["check", "not.json"],
                &["grant", "definition.json", "--dry-run"],
                &["credentials", "list"],
                &["credentials", "check"],
            ] {
                // What no command has been asked for is not known: an author's text is shown where nothing was read.
                if kind[0] == "basic"
                    && !matches!(command[..], ["test" | "run", "definition.json"] | ["credentials", ..])
                {
                    continue;
                }
                say(&[command, json].concat());
            }
        }
        say(&["credentials", "remove", "mine"]);
    }
    said.push(("the traces".into(), program.read("trace.jsonl")));
    let exported =
        collector.received().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    said.push(("the exports".into(), exported));

    let received = server.received();
    assert!(received.len() >= 24 && received.iter().all(|request| request.head.contains("pl4nted")), "it was used");
    assert!(said.iter().filter(|(_, output)| output.contains("[redacted]")).count() >= 40);
    for (what, output) in &said {
        // Only that kind knows of a user.
        for (form, telling) in
            encodings().into_iter().filter(|(form, _)| *form != carried() || what.starts_with("basic"))
        {
            assert!(!output.contains(&telling), "{what}: {form}\n{output}");
        }
    }
}
