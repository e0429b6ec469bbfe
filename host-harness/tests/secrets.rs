//! A secret is planted where the program will use it, and searched for in everything that the program says.

mod program;

use http_task_host::stand_in::{Fault, Script, StandIn};
use program::Program;

const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_secret_appears_in_no_output_of_any_command() {
    let server = StandIn::start(Script::default()).await.unwrap();
    let failing = StandIn::start(Fault::CutBody(10)).await.unwrap();
    let secret = &server.access_token();
    let program = Program::new().env("PLANTED", secret).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    let definition = |server: &StandIn| {
        program::definition(&format!(
            r#""credentials": "mine", "httpRequest":
                {{"method": "PATCH", "url": "http://{}/v1/leads/{LEAD}", "body": {{"title": "{secret}"}}}}"#,
            server.address()
        ))
    };
    program.write("definition.json", &definition(&server));
    program.write("failing.json", &definition(&failing));
    program.write("wrong.json", &definition(&server).replace("PATCH", "PATHC"));
    program.write("other.json", &definition(&server).replace("mine", "other"));
    program.write("not.json", &format!("{{\"token\": \"{secret}\", }}"));
    program.write("missing.json", &definition(&server).replace("\"title\"", "\"${m}\": 1, \"title\""));
    program.write("not.toml", &format!("[credentials.x]\nkind = \"{secret}\"\n"));
    let mut said = Vec::new();
    let mut run = |arguments: &[&str], code: i32| {
        let output = program.run(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?} {}", output.stdout);
        said.push((arguments.join(" "), format!("{}{}", output.stdout, output.stderr)));
    };
    let origins = [server.address(), failing.address()].map(|address| format!("http://{address}"));
    run(
        &[
            "credentials",
            "add",
            "mine",
            "--kind",
            "bearer",
            "--secret",
            "env:PLANTED",
            "--origin",
            &origins[0],
            "--origin",
            &origins[1],
        ],
        0,
    );
    // The definition itself names the secret: an author's mistake that must not make it worse.
    run(&["test", "definition.json"], 3);
    run(&["grant", "definition.json"], 0);
    run(&["grant", "failing.json", "--json"], 0);
    for json in [&[][..], &["--json"]] {
        for (arguments, code) in [
            (&["test", "definition.json"][..], 0),
            (&["test", "definition.json", "--offline"], 0),
            (&["test", "definition.json", "--curl"], 0),
            (&["test", "failing.json"], 1),
            (&["test", "wrong.json"], 2),
            (&["check", "wrong.json"], 2),
            (&["grant", "wrong.json"], 2),
            (&["check", "not.json"], 2),
            (&["test", "missing.json", "--offline"], 2),
            (&["test", "wrong.json", "--curl"], 2),
            (&["test", "other.json"], 3),
            (&["test", "definition.json", "--input", "[1"], 2),
            (&["test", "definition.json", "--credentials", "not.toml"], 2),
        ] {
            run(&[arguments, json].concat(), code);
        }
    }
    assert!(server.received().iter().any(|request| request.head.contains(secret)), "it was used");
    for (command, output) in said {
        assert!(!output.contains(secret), "{command}: {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_takes_no_secret_along() {
    let elsewhere = StandIn::start(Script::default()).await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let answer = format!("{status}\n  location: http://{}/v1/leads/{LEAD}\n", elsewhere.address());
        let server = StandIn::start(Script::parse(&answer).unwrap()).await.unwrap();
        let origins = [server.address(), elsewhere.address()].map(|address| format!("http://{address}"));
        let program = Program::new().env("PLANTED", server.token());
        program.write(
            "definition.json",
            &program::definition(&format!(
                r#""credentials": "mine", "httpRequest": {{"method": "GET", "url": "{}/v1/leads/{LEAD}"}}"#,
                origins[0]
            )),
        );
        // Granted and bound there as well: even so a redirect is the author's to follow.
        program.write("grants.toml", &[server.address(), elsewhere.address()].map(program::grants_for).concat());
        let add = ["credentials", "add", "mine", "--kind", "bearer", "--secret", "env:PLANTED", "--origin"];
        program.succeeds(&[&add[..], &[&origins[0], "--origin", &origins[1]]].concat());
        let said = program.run(&["test", "definition.json", "--grants", "grants.toml"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stdout.contains("redirects are not followed"), "{}", said.stdout);
        assert_eq!(server.received().len(), 1, "{status}");
    }
    assert_eq!(elsewhere.received(), []);
}

#[test]
fn the_stand_in_reads_no_real_secret() {
    let program = Program::new().env("PIPEDRIVE_API_TOKEN", "a-real-secret");
    program.write("lead.json", include_str!("../../examples/update-lead.json"));
    program.write(
        "credentials.toml",
        "[credentials.pipedrive]\nkind = \"header\"\nheader = \"x-real\"\nsecret = { env = \"PIPEDRIVE_API_TOKEN\" }\norigins = [\"https://api.pipedrive.com\"]\n",
    );
    let said = program.succeeds(&["test", "lead.json", "--stand-in", "--credentials", "credentials.toml"]);
    assert!(said.stdout.contains("x-api-token: [redacted]") && !said.stdout.contains("x-real"), "{}", said.stdout);
}

#[test]
fn a_curl_command_aims_no_credential_elsewhere() {
    let program = Program::new();
    let add = ["credentials", "add", "mine", "--kind", "bearer", "--secret", "command:touch it-was-run"];
    program.succeeds(&[&add[..], &["--origin", "https://api.example.com"]].concat());
    for (url, is_bound) in [("https://api.example.com/x", true), ("https://api.example.com.evil.example/x", false)] {
        let request = format!(r#""credentials": "mine", "httpRequest": {{"method": "GET", "url": "{url}"}}"#);
        program.write("definition.json", &program::definition(&request));
        let said = program.succeeds(&["test", "definition.json", "--curl"]);
        assert_eq!(said.stdout.contains("authorization"), is_bound, "{said:?}");
        let told =
            "the credentials `mine` are not bound to https://api.example.com.evil.example, and so they are left out";
        assert_eq!(said.stderr.contains(told), !is_bound, "{said:?}");
    }
    assert!(!program.shell("test -e it-was-run").status.success());
}
