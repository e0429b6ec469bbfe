//! The stand-in from outside: what curl gets from it for every row of the vendor's table of errors, and the command that
//! runs it.

mod program;

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use http_task_host::source::Source;
use http_task_host::stand_in::{Assumption, Fault, Script, Seed, Setup, StandIn};
use program::{Program, skip};
use serde_json::{Value, json};

const LEAD: &str = "/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec";

/// What curl received.
#[derive(Debug)]
struct Received {
    status: u16,
    headers: String,
    body: String,
}

impl Received {
    fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let (line, headers) = head.split_once("\r\n").unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, headers: headers.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

fn has_curl() -> bool {
    let there = Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        skip("there is no curl");
    }
    there
}

/// A request with the token, unless it is to have none; the rest as curl takes it.
fn curl(stand_in: &StandIn, token: bool, method: &str, path: &str, body: Option<&str>) -> Received {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--noproxy", "*", "--request", method]);
    if token {
        command.args(["--header", &format!("x-api-token: {}", stand_in.token())]);
    }
    if let Some(body) = body {
        command.args(["--header", "content-type: application/json", "--data", body]);
    }
    let output = command.arg(format!("http://{}{path}", stand_in.address())).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Received::read(&String::from_utf8(output.stdout).unwrap())
}

fn seed(limits: &Value) -> Seed {
    let mut seed = serde_json::from_str::<Value>(include_str!("../src/stand_in/seed.json")).unwrap();
    seed["limits"] = limits.clone();
    Seed::read(&Source::parse("seed.json", seed.to_string()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_the_documented_answer_for_every_row_of_the_error_table() {
    if !has_curl() {
        return;
    }
    let model = StandIn::start(Script::default()).await.unwrap();
    let unlinked = "One of the \"person_id\" or \"organization_id\" must be set.";
    let bad = |info: &str| {
        json!({"success": false, "data": null, "additional_data": null, "error": "provided dataset is not valid",
            "error_info": info})
    };
    let unauthorized = json!({"success": false, "error": "unauthorized access", "errorCode": 401,
        "error_info": "Please check developers.pipedrive.com"});
    let not_found = json!({"success": false, "error": "requested lead not found",
        "error_info": "Object was not found.", "data": null, "additional_data": null});
    let unlink = Some(r#"{"person_id":null,"organization_id":null}"#);
    let gone = "/api/v1/leads/00000000-0000-0000-0000-000000000000";
    let rename = Some(r#"{"title":"x"}"#);
    for (token, method, path, body, status, answer) in [
        (true, "PATCH", LEAD, Some(r#"{"owner_id":"x"}"#), 400, bad("\"owner_id\" must be a number")),
        (true, "PATCH", LEAD, unlink, 400, bad(unlinked)),
        (false, "PATCH", LEAD, rename, 401, unauthorized.clone()),
        (false, "PATCH", "/v1/nothing", rename, 401, unauthorized.clone()),
        (false, "PUT", LEAD, rename, 401, unauthorized),
        (true, "PATCH", gone, rename, 404, not_found),
        (true, "PUT", LEAD, rename, 404, Value::Null),
    ] {
        let received = curl(&model, token, method, path, body);
        assert_eq!((received.status, received.json()), (status, answer), "{method} {path}");
    }
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(256));
    let received = curl(&model, true, "PATCH", LEAD, Some(&long));
    assert_eq!(received.json(), bad("\"title\" length must be less than or equal to 255 characters long"));

    let other = StandIn::start(Seed::default().without(Assumption::LinkTextInErrorInfo)).await.unwrap();
    let received = curl(&other, true, "PATCH", LEAD, unlink);
    assert_eq!((received.status, &received.json()["error"]), (400, &json!(unlinked)));
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_the_documented_answer_of_every_fault() {
    if !has_curl() {
        return;
    }
    let forbidden = json!({"success": false, "error": "You do not have permissions to do this.",
        "error_info": "Please check developers.pipedrive.com", "data": null, "additional_data": null});
    let daily = json!({"success": false, "error": "daily request budget exceeded", "errorCode": 429});
    for (fault, status, header, body) in [
        (Fault::PaymentRequired, 402, "", Value::Null),
        (Fault::Forbidden, 403, "content-type: application/json", forbidden),
        (Fault::ForbiddenPage, 403, "content-type: text/html; charset=utf-8", Value::Null),
        (Fault::DailyLimit, 429, "retry-after: 3939", daily),
        (Fault::ServerError, 500, "", Value::Null),
        (Fault::Overloaded, 503, "", Value::Null),
        (Fault::Unavailable, 503, "retry-after: 3939", Value::Null),
        (Fault::Unsuccessful, 200, "content-type: application/json", json!({"success": false})),
    ] {
        let stand_in = StandIn::start(fault).await.unwrap();
        let received = curl(&stand_in, true, "PATCH", LEAD, Some(r#"{"title":"x"}"#));
        assert_eq!((received.status, received.json()), (status, body), "{fault:?}");
        assert!(received.headers.contains(header), "{fault:?}: {}", received.headers);
        if fault == Fault::ForbiddenPage {
            assert!(received.body.starts_with("<!DOCTYPE html>"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_meets_the_limits_of_a_day_and_of_a_moment() {
    if !has_curl() {
        return;
    }
    let spent = StandIn::start(seed(&json!({"plan": "lite", "seats": 2, "spent": 59_995}))).await.unwrap();
    let read = curl(&spent, true, "GET", LEAD, None);
    assert_eq!(read.status, 200);
    assert!(read.headers.contains("x-ratelimit-limit: 20\r\nx-ratelimit-remaining: 19\r\nx-ratelimit-reset: 2"));
    let refused = curl(&spent, true, "PATCH", LEAD, Some(r#"{"title":"x"}"#));
    assert_eq!((refused.status, &refused.json()["error"]), (429, &json!("daily request budget exceeded")));
    assert!(refused.headers.contains("retry-after: 3939"));

    let busy = StandIn::start(seed(&json!({"plan": "lite"}))).await.unwrap();
    // One process, so that all come at once: a URL for each.
    let url = format!("http://{}{LEAD}", busy.address());
    let token = format!("x-api-token: {}", busy.token());
    let mut command = Command::new("curl");
    command.args(["--silent", "--include", "--noproxy", "*", "--header", &token]).args([url.as_str(); 21]);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 20, "{said}");
    let (_, last) = said.rsplit_once("HTTP/1.1 429").unwrap();
    assert!(last.contains("x-ratelimit-remaining: 0") && last.contains("content-length: 0"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_refreshes_an_oauth_token_and_uses_it() {
    if !has_curl() {
        return;
    }
    let stand_in = StandIn::start(Setup::default()).await.unwrap();
    let client = stand_in.oauth_client();
    let url = format!("http://{}", stand_in.address());
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        let output = command.args(["--silent", "--noproxy", "*"]).args(arguments).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let user = format!("{}:{}", client.client_id, client.client_secret);
    let token = format!("refresh_token={}", client.refresh_token);
    let form = ["--user", &user, "--data", "grant_type=refresh_token", "--data-urlencode", &token];
    let given = curl(&[&form[..], &[&format!("{url}/oauth/token")]].concat());
    assert_eq!((&given["api_domain"], &given["expires_in"]), (&json!(url), &json!(3600)));
    let bearer = format!("authorization: Bearer {}", given["access_token"].as_str().unwrap());
    let read = curl(&["--header", &bearer, &format!("{url}/api{LEAD}")]);
    assert_eq!(read["success"], true);
}

#[test]
fn the_command_prints_a_curl_that_works_and_tells_what_comes() {
    if !has_curl() {
        return;
    }
    let program = Program::new();
    let mut running = program.spawn(&["stand-in"]);
    let mut stdout = BufReader::new(running.stdout.take().unwrap());
    let mut sample = String::new();
    while sample.is_empty() || sample.ends_with("\\\n") {
        stdout.read_line(&mut sample).unwrap();
    }
    let answered = program.shell(&format!("NO_PROXY='*' {} --silent", sample.trim_end()));
    let answered = Received::read(&String::from_utf8(answered.stdout).unwrap());
    assert_eq!((answered.status, &answered.json()["data"]["title"]), (200, &json!("40 office chairs")));
    assert!(answered.headers.contains("x-ratelimit-limit: 20"), "limits are on");
    end(&running);
    let mut stderr = String::new();
    running.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("PATCH /api/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec HTTP/1.1"), "{stderr}");
    assert_eq!(running.wait().unwrap().code(), Some(0));
}

#[test]
fn the_command_takes_a_seed_a_fault_and_a_port() {
    if !has_curl() {
        return;
    }
    let program = Program::new();
    program.write("seed.json", r#"{"limits": {"plan": "growth"}}"#);
    let mut running = program.spawn(&["stand-in", "--seed", "seed.json", "--json"]);
    let listening = first_json(&mut running);
    // Without leads, the sample lists them.
    let said = program.shell(&format!("NO_PROXY='*' {} --silent", listening["sample"].as_str().unwrap()));
    let received = Received::read(&String::from_utf8(said.stdout).unwrap());
    assert_eq!(received.json(), json!({"success": true, "data": []}));
    assert!(received.headers.contains("x-ratelimit-limit: 40"));
    let port = listening["url"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    let taken = program.run(&["stand-in", "--port", &port]);
    assert_eq!(taken.code, Some(1));
    assert!(taken.stderr.contains(&format!("port {port} cannot be used")), "{}", taken.stderr);
    end(&running);
    running.wait().unwrap();

    let mut running = program.spawn(&["stand-in", "--fault", "daily-limit", "--json", "--port", &port]);
    let listening = first_json(&mut running);
    assert_eq!(listening["url"], json!(format!("http://127.0.0.1:{port}")));
    let said = program.shell(&format!("NO_PROXY='*' {} --silent", listening["sample"].as_str().unwrap()));
    assert_eq!(Received::read(&String::from_utf8(said.stdout).unwrap()).status, 429);
    end(&running);
    running.wait().unwrap();
}

fn first_json(running: &mut std::process::Child) -> Value {
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn end(running: &std::process::Child) {
    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
}
