//! The JSON Schema of definition files says what the program itself says: what the component takes, editors take too.

use std::path::{Path, PathBuf};

use http_task_host::workflow::SCHEMA;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::options().offline().build(&schema).unwrap()
}

fn problems(definition: &Value) -> Vec<String> {
    validator().iter_errors(definition).map(|error| format!("{} {error}", error.instance_path())).collect()
}

fn of_task(mut task: Value) -> Value {
    if let Value::Object(members) = &mut task {
        members.entry("type").or_insert(json!("Http"));
        members.entry("end").or_insert(json!(true));
    }
    json!({ "name": "n", "startTask": "t", "tasks": { "t": task } })
}

#[test]
fn the_examples_are_valid() {
    for file in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = file.unwrap().path();
        let definition = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(problems(&definition), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn whatever_the_component_takes_is_valid() {
    let mut cases = 0;
    for outcome in std::fs::read_dir(root().join("tests/cases")).unwrap() {
        let outcome = outcome.unwrap().path();
        // There the definition is what is wrong.
        if outcome.ends_with("permanent-invalid") {
            continue;
        }
        for case in std::fs::read_dir(&outcome).unwrap() {
            let path = case.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let (_, definition) = text.split_once("--- definition\n").unwrap();
            let definition = definition.split("\n---").next().unwrap();
            let task = serde_json::from_str(definition).unwrap();
            assert_eq!(problems(&of_task(task)), Vec::<String>::new(), "{}", path.display());
            cases += 1;
        }
    }
    assert!(cases > 20, "{cases}");
}

#[test]
fn what_the_component_refuses_is_not_valid() {
    let request = json!({ "method": "GET", "url": "https://a.example/" });
    assert_eq!(problems(&of_task(json!({ "httpRequest": request }))), Vec::<String>::new());
    for (place, value) in [
        ("/httpRequest/method", json!("get")),
        ("/httpRequest/url", json!("a.example")),
        ("/httpRequest/header", json!({})),
        ("/httpRequest/headers", json!({ "a": 1 })),
        ("/httpRequest/query", json!({ "a": null })),
        ("/httpRequest/form", json!({ "a": [{}] })),
        ("/credentials", json!("${token}")),
        ("/retry", json!({ "maxAttempts": 0 })),
        ("/retry", json!({ "attempts": 1 })),
        ("/readTimeoutSeconds", json!(0.5)),
        ("/successCodes", json!(["6xx"])),
        ("/idempotencyKey", json!({})),
        ("/repeatable", json!("yes")),
        ("/nextTask", json!("t")),
    ] {
        let mut task = json!({ "httpRequest": request });
        let (holder, name) = place.rsplit_once('/').unwrap();
        task.pointer_mut(holder).unwrap()[name] = value;
        assert_ne!(problems(&of_task(task)), Vec::<String>::new(), "{place}");
    }
    for definition in [
        json!({}),
        json!({ "name": " ", "startTask": "t", "tasks": { "t": { "type": "Simple" } } }),
        json!({ "name": "n", "startTask": "t", "tasks": {} }),
        json!({ "name": "n", "startTask": "t", "tasks": { "t": { "type": "Parallel", "branches": [] } } }),
        json!({ "name": "n", "startTask": "t", "tasks": { "t": { "type": "Terminate", "terminationStatus": "Done" } } }),
    ] {
        assert_ne!(problems(&definition), Vec::<String>::new(), "{definition}");
    }
}
