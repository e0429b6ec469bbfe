//! `http-task run` against a scripted server: what is sent, what is repeated, what follows what, and what is said of it.

mod program;
mod stage;

use serde_json::{Value, json};
use stage::{Stage, definition, end, http};

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
            "[[grants]]\nscheme = \"https\"\nhost = \"elsewhere.example\"\nmethods = [\"GET\"]\npath = \"/\"",
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
