//! `http-task run` against a scripted server: what is sent, what is repeated, and what is said of it, also when it is ended
//! in the middle.

mod program;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

use http_task_host::stand_in::{Script, StandIn};
use program::{Program, Said};
use serde_json::{Value, json};

/// A server, a definition of tasks that ask it, and leave to do so.
struct Stage {
    server: StandIn,
    program: Program,
    /// The script is for a run that is ended before its end.
    ended_early: bool,
}

/// A line of the script that no request came for fails the test.
impl Drop for Stage {
    fn drop(&mut self) {
        if !self.ended_early && !std::thread::panicking() {
            assert_eq!(self.server.unused(), []);
        }
    }
}

impl Stage {
    async fn new(script: &str, definition: Value) -> Self {
        let server = StandIn::start(Script::parse(script).unwrap()).await.unwrap();
        let program = Program::new();
        let stage = Self { server, program, ended_early: false };
        stage.write("definition.json", definition);
        stage.program.write("grants.toml", &format!("[[grants]]\norigin = \"http://{}\"\n", stage.server.address()));
        stage
    }

    async fn to_be_ended(script: &str, definition: Value) -> (Self, Running) {
        let mut stage = Self::new(script, definition).await;
        stage.ended_early = true;
        let running = stage.program.spawn(&["run", "definition.json", "--grants", "grants.toml", "--json"]);
        (stage, Running(running))
    }

    /// Waits until the server has received so many requests.
    async fn has_received(&self, requests: usize) {
        let most = std::time::Duration::from_secs(30);
        tokio::time::timeout(most, self.server.has_received(requests)).await.expect("the requests never came");
    }

    fn write(&self, name: &str, definition: Value) {
        self.program.write(name, &definition.to_string().replace("server.test", &self.server.address().to_string()));
    }

    fn run(&self, more: &[&str]) -> Said {
        self.program.run(&[&["run", "definition.json", "--grants", "grants.toml"], more].concat())
    }

    /// What it says as JSON, a line for each event.
    fn events(&self, more: &[&str]) -> (Said, Vec<Value>) {
        let said = self.run(&[&["--json"], more].concat());
        let events = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (said, events)
    }

    /// Method and path of every request, in order.
    fn requests(&self) -> Vec<String> {
        let target = |head: &str| head.split(" HTTP/").next().unwrap().to_owned();
        self.server.received().iter().map(|request| target(&request.head)).collect()
    }
}

/// A run that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// The events that it tells, each as soon as it is told.
    fn events(&mut self) -> impl Iterator<Item = Value> + use<> {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }

    /// Sends it a signal. It may be over already: then there is nobody to end.
    fn signal(&self, name: &str) {
        let _ = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.0.id())]).output().unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

/// A task that asks for `/name`.
fn http(method: &str, name: &str, more: Value) -> Value {
    let mut task = json!({
        "type": "Http",
        "httpRequest": {"method": method, "url": format!("http://server.test/{name}")},
        "retry": {"intervalSeconds": 0, "maxAttempts": 3}
    });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

fn definition(start: &str, tasks: Value) -> Value {
    json!({"name": "n", "startTask": start, "tasks": tasks})
}

fn end() -> Value {
    json!({"end": true})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unavailable_twice_takes_three_requests_and_says_so() {
    let stage = Stage::new("overloaded\noverloaded\n200", definition("t", json!({"t": http("GET", "t", end())}))).await;
    let said = stage.run(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(stage.requests(), ["GET /t"; 3]);
    let told: Vec<_> = said.stderr.lines().filter(|line| line.contains("attempt")).collect();
    let url = format!("http://{}/t", stage.server.address());
    assert_eq!(told, [1, 2, 3].map(|attempt| format!("t: attempt {attempt} of 3: GET {url}")));
    assert!(said.stderr.contains("1 task completed, 3 requests sent"), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_cut_is_not_repeated_and_a_declared_patch_is() {
    let repeatable = json!({"end": true, "repeatable": true});
    for (task, script, requests, code) in [
        (http("POST", "t", end()), "cut-body 5", 1, 1),
        (http("PATCH", "t", end()), "close", 1, 1),
        (http("PATCH", "t", repeatable), "cut-body 5\nreset\n200", 3, 0),
        (http("PUT", "t", end()), "close\n204", 2, 0),
    ] {
        let stage = Stage::new(script, definition("t", json!({"t": task}))).await;
        let said = stage.run(&[]);
        assert_eq!((said.code, stage.requests().len()), (Some(code), requests), "{script}: {said:?}");
        assert_eq!(stage.server.unused(), [], "{script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_goes_with_every_attempt_of_a_task_and_another_with_another_run() {
    let keyed = http("POST", "t", json!({"end": true, "idempotencyKey": {"header": "Idempotency-Key"}}));
    let stage = Stage::new("cut-body 5\n201\n201", definition("t", json!({"t": keyed}))).await;
    assert_eq!([stage.run(&[]).code, stage.run(&[]).code], [Some(0); 2]);
    let key = |head: &str| head.lines().find(|line| line.starts_with("idempotency-key")).unwrap().to_owned();
    let keys: Vec<_> = stage.server.received().iter().map(|request| key(&request.head)).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_beyond_the_longest_ends_the_run_at_once_with_its_figure() {
    let script = "429\n  retry-after: 3600";
    let stage = Stage::new(script, definition("t", json!({"t": http("PUT", "t", end())}))).await;
    let (said, events) = stage.events(&[]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let report = events.last().unwrap();
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["failure"]["retryAfterSeconds"], 3600);
    assert_eq!(report["reason"], "`t` may be attempted again in 3600 s, and this run waits 60 s at most");
    assert_eq!(stage.requests(), ["PUT /t"]);
}

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
async fn a_connection_that_is_refused_is_no_request_that_was_sent() {
    let stage = Stage::new("refuse", definition("t", json!({"t": http("POST", "t", end())}))).await;
    let (said, events) = stage.events(&[]);
    assert_eq!(said.code, Some(4), "nothing was done, and a repeat is right: {said:?}");
    let attempts: Vec<_> = events.iter().filter(|event| event["event"] == "attempted").collect();
    assert_eq!(
        attempts.iter().map(|event| (&event["sent"], &event["effect"])).collect::<Vec<_>>(),
        [(&json!(false), &json!("none")); 3]
    );
    assert_eq!(events.last().unwrap()["requests"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_done_something_never_asks_to_be_repeated_nor_says_that_nothing_was_sent() {
    let missing = json!({"nextTask": "b"});
    let body = |path: &str| json!({"end": true, "inputParameters": {"v": path}});
    for (second, script) in [
        (http("PUT", "b", body("${tasks.a.output.body.gone}")), "200"),
        (http("PUT", "b", end()), "200\n429\n429\n429"),
    ] {
        let stage =
            Stage::new(script, definition("a", json!({"a": http("POST", "a", missing.clone()), "b": second}))).await;
        let said = stage.run(&[]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("\nb: "), "what is said of a task is said by its name: {}", said.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_branch_left_in_doubt_is_told_although_another_ended_the_run() {
    let branch = |name: &str| json!({"startTask": name, "tasks": {name: http("POST", name, end())}});
    let tasks = json!({"both": {"type": "Parallel", "branches": [branch("a"), branch("b")], "end": true}});
    let stage = Stage::new("500\n500", definition("both", tasks)).await;
    let (said, events) = stage.events(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let report = events.last().unwrap();
    assert_eq!(report["inDoubt"], json!(["a", "b"]));
    let other = if report["task"] == "a" { "b" } else { "a" };
    assert_eq!(report["tasks"][other]["failure"]["outcome"], "permanent-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminate_waits_for_what_is_in_flight_and_decides_all_the_same() {
    let slow = http("POST", "slow", json!({"nextTask": "never", "readTimeoutSeconds": 1}));
    let tasks = json!({"both": {"type": "Parallel", "end": true, "branches": [
        {"startTask": "slow", "tasks": {"slow": slow, "never": {"type": "Terminate", "terminationStatus": "Failed"}}},
        {"startTask": "stop", "tasks": {"stop": {"type": "Terminate", "terminationStatus": "Completed"}}},
    ]}});
    let stage = Stage::new("hang-before-head", definition("both", tasks)).await;
    let (said, events) = stage.events(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = events.last().unwrap();
    assert_eq!((&report["outcome"], &report["inDoubt"]), (&json!("completed"), &json!(["slow"])));
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

#[tokio::test(flavor = "multi_thread")]
async fn later_tasks_see_the_input_and_what_earlier_tasks_brought() {
    let first = http("GET", "first", json!({"inputParameters": {"id": "${workflow.input.id}"}, "nextTask": "second"}));
    let second = json!({
        "type": "Http",
        "inputParameters": {
            "all": "${tasks.first}", "tag": "${$.tasks.first.output.headers[?@.name=='etag'].value}", "given": "${workflow.input}"
        },
        "httpRequest": {"method": "PUT", "url": "http://server.test/second", "body": "${$}"},
        "end": true
    });
    let script = "200\n  content-type: application/json\n  etag: \"7\"\n  date: Mon, 23 Nov 2026 10:00:00 GMT\n  | {\"n\": 1e2,\n  | \"b\": 12345678901234567890}\n204";
    let stage = Stage::new(script, definition("first", json!({"first": first, "second": second}))).await;
    let said = stage.run(&["--input", r#"{"id": 1.0}"#]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let received = stage.server.received();
    assert_eq!(
        String::from_utf8_lossy(&received[1].body),
        r#"{"all":{"input":{"id":1.0},"output":{"status":200,"headers":[{"name":"content-type","value":"application/json"},{"name":"etag","value":"\"7\""},{"name":"date","value":"Mon, 23 Nov 2026 10:00:00 GMT"},{"name":"content-length","value":"37"}],"body":{"n":1e2,"b":12345678901234567890},"warnings":[]}},"tag":["\"7\""],"given":{"id":1.0}}"#
    );
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
async fn a_branch_that_ends_the_run_lets_the_others_begin_nothing_more() {
    for (ends, script, code, outcome) in [
        (json!({"type": "Terminate", "terminationStatus": "Completed"}), "", 0, "completed"),
        (json!({"type": "Terminate", "terminationStatus": "Failed"}), "", 1, "failed"),
        (http("POST", "gone", end()), "\n404", 1, "failed"),
    ] {
        // Both are answered alike, so that it does not matter which comes first; to one of them it is success.
        let waiting = http("PUT", "later", json!({"end": true, "retry": {"intervalSeconds": 50, "maxAttempts": 2}}));
        let first = http("GET", "first", json!({"nextTask": "ends", "successCodes": [503]}));
        let tasks = json!({"both": {"type": "Parallel", "nextTask": "never", "branches": [
            {"startTask": "later", "tasks": {"later": waiting}},
            {"startTask": "first", "tasks": {"first": first, "ends": ends}},
        ]}, "never": http("PUT", "never", end())});
        let stage = Stage::new(&format!("overloaded\noverloaded{script}"), definition("both", tasks)).await;
        let (said, events) = stage.events(&[]);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert_eq!(events.last().unwrap()["outcome"], outcome);
        let requests = stage.requests();
        assert!(requests.iter().filter(|request| *request == "PUT /later").count() == 1, "{requests:?}");
        assert!(!requests.contains(&"PUT /never".to_owned()), "{requests:?}");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn the_failure_workflow_runs_with_the_report_of_the_run_that_failed() {
    let mut first = definition("t", json!({"t": http("POST", "t", end())}));
    first["failureWorkflow"] = json!("tell");
    let stage = Stage::new("404\n  content-type: application/json\n  | {\"n\": 1e2}\n200", first).await;
    let parameters = json!({"run": "${workflow.input}"});
    let mut tell = http("PUT", "tell", json!({"inputParameters": parameters, "end": true}));
    tell["httpRequest"]["body"] =
        json!({"task": "${run.task}", "answer": "${run.failure.response.body}", "given": "${run.input}"});
    stage.write("tell.json", definition("tell", json!({"tell": tell})));
    let (said, events) = stage.events(&["--input", r#"{"a": 1.0}"#]);
    assert_eq!(said.code, Some(1), "as the run that failed: {said:?}");
    assert_eq!(events.iter().filter(|event| event["event"] == "ended").count(), 2);
    let body = stage.server.received()[1].body.clone();
    assert_eq!(String::from_utf8_lossy(&body), r#"{"task":"t","answer":{"n":1e2},"given":{"a":1.0}}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_told_before_anything_is_sent() {
    let task = |more: Value| http("GET", "t", more);
    let next = |next: &str| task(json!({"nextTask": next}));
    let with = |name: &str, value: Value| {
        let mut definition = definition("t", json!({"t": task(end())}));
        definition[name] = value;
        definition
    };
    let elsewhere =
        json!({"type": "Http", "httpRequest": {"method": "GET", "url": "https://elsewhere.example/"}, "end": true});
    for (definition, code, message) in [
        (
            definition("t", json!({"t": next("u"), "u": {"type": "Simple", "end": true}})),
            2,
            "does not run tasks of type `Simple`",
        ),
        (definition("t", json!({"t": next("gone")})), 2, "there is no task `gone`"),
        (definition("t", json!({"t": next("u"), "u": next("t")})), 2, "this leads back to `t`: a run would never end"),
        (definition("t", json!({"t": task(end()), "u": task(end())})), 2, "no task leads to `u`"),
        (with("failureWorkflow", json!("nowhere")), 2, "there is no file `nowhere` or `nowhere.json`"),
        (with("failureWorkflow", json!("definition")), 2, "leads back here: a run that fails would never end"),
        (with("timeoutSeconds", json!("1")), 2, "`timeoutSeconds` must be a whole number of seconds"),
        (
            definition(
                "t",
                json!({"t": task(json!({"end": true, "inputParameters": {"a": "${workflow.input.a.b}"}}))}),
            ),
            2,
            r#"--input '{"a": {"b": …}}'"#,
        ),
        (
            definition("t", json!({"t": next("u"), "u": elsewhere})),
            3,
            "[[grants]]\norigin = \"https://elsewhere.example\"",
        ),
        (
            definition("t", json!({"t": next("u"), "u": task(json!({"end": true, "credentials": "mine"}))})),
            3,
            "there are no credentials `mine`",
        ),
    ] {
        let stage = Stage::new("", definition).await;
        let said = stage.run(&[]);
        assert_eq!(said.code, Some(code), "{message}: {said:?}");
        assert!(said.stderr.contains(message), "{message}: {}", said.stderr);
        assert_eq!(stage.requests(), [""; 0], "{message}");
    }
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
