//! Hosts in other languages: each loads the component that was built, updates leads at a stand-in, and prints what came of
//! it. What they need is installed beside the build, once for each version of the list that names it.

#[path = "../loaded/mod.rs"]
mod loaded;

use std::path::{Path, PathBuf};
use std::process::Command;

use http_task_host::COMPONENT;
use http_task_host::stand_in::{Script, StandIn};
use loaded::{server, skip};
use serde_json::{Value, json};

const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";

/// What the scripts send in their first update.
const CHANGES: &str =
    r#"{"title":"Chairs","value":{"amount":12.50,"currency":"EUR"},"organization_id":null,"label_ids":[]}"#;

/// A folder for the files of a language, and the component in it.
struct Workshop(PathBuf);

impl Workshop {
    fn new(language: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(language);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("http-task.wasm"), COMPONENT).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts").join(language);
        for entry in std::fs::read_dir(source).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        Self(folder)
    }

    /// Installs what a list names, unless that has been done; why not, where that is impossible.
    fn install(&self, list: &str, steps: &[&[&str]]) -> Result<(), String> {
        let wanted = std::fs::read(self.0.join(list)).unwrap();
        let installed = self.0.join("installed");
        if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        for step in steps {
            self.run(step, &[])?;
        }
        std::fs::write(installed, wanted).unwrap();
        Ok(())
    }

    /// What a command prints, or why it did not come to its end.
    fn run(&self, command: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
        let [program, arguments @ ..] = command else { panic!("no program") };
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            .envs(environment.iter().copied())
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(format!("{}: {}\n{said}", command.join(" "), output.status))
        }
    }
}

fn address(server: &StandIn) -> String {
    format!("http://{}", server.address())
}

fn body(server: &StandIn, request: usize) -> String {
    String::from_utf8(server.received()[request].body.clone()).unwrap()
}

/// The problems of the update that both scripts send wrong: all of them, each at its place.
fn places(invalid: &Value) -> Vec<&str> {
    assert_eq!(invalid["tag"], "permanent-invalid");
    invalid["val"].as_array().unwrap().iter().map(|problem| problem["place"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_in_node_updates_a_lead_through_generated_bindings_that_document_themselves() {
    let workshop = Workshop::new("node");
    let install = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    if let Err(why) = workshop.install("package-lock.json", &[&install]) {
        return skip(&format!("no host in Node: {why}"));
    }
    let server = server(Script::default()).await;
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/wit");
    let command = ["node", "update.mjs", "http-task.wasm", wit, &address(&server)];
    let printed = workshop.run(&command, &[("STAND_IN_TOKEN", server.token())]).unwrap();
    let outcomes: Value = serde_json::from_str(&printed).unwrap();

    let updated = &outcomes["updated"]["val"];
    assert_eq!((&updated["response"]["status"], &updated["warnings"]), (&json!(200), &json!([])), "{updated}");
    let refused = &outcomes["refused"]["val"];
    assert_eq!((&refused["tag"], &refused["val"]["response"]["status"]), (&json!("permanent-rejected"), &json!(400)));
    assert_eq!(places(&outcomes["invalid"]["val"]), ["/changes/0/title", "/changes/1/visible_to"]);

    assert_eq!(server.received().len(), 2, "what is invalid is not sent");
    assert_eq!(body(&server, 0), CHANGES);
    let head = &server.received()[0].head;
    assert!(head.starts_with(&format!("PATCH /api/v1/leads/{LEAD} HTTP/1.1")), "{head}");
    assert!(!head.contains("x-http-task-credentials"), "the host takes the reference away: {head}");
    assert!(!printed.contains(server.token()), "nobody but the host sees the token");

    let types = outcomes["types"].as_str().unwrap();
    for documented in ["at least one, each field at most once", "`expected_close_date`: a day that exists", "ISO 4217"]
    {
        assert!(types.contains(documented), "{types}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_in_python_updates_a_lead_through_the_dynamic_api() {
    let workshop = Workshop::new("python");
    let python = if cfg!(windows) { "venv/Scripts/python" } else { "venv/bin/python" };
    // A program is looked for where this one runs, not where it is to run.
    let python = workshop.0.join(python).display().to_string();
    let make = ["python3", "-m", "venv", "--clear", "venv"];
    let fill = [&python, "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"];
    if let Err(why) = workshop.install("requirements.txt", &[&make, &fill]) {
        return skip(&format!("no host in Python: {why}"));
    }
    // Its wasi:http lets a host add nothing to a request, so that without a token it meets this answer and then a refusal.
    let lead = r#"{"id":"adf21080-0e10-11eb-879b-05d71fb426ec","title":"Chairs","value":{"amount":12.5,"currency":"EUR"},"organization_id":null,"label_ids":["hot"]}"#;
    let answer = format!("200\n  content-type: application/json\n  | {{\"success\":true,\"data\":{lead}}}\nmodel");
    let server = server(Script::parse(&answer).unwrap()).await;
    let printed = workshop.run(&[&python, "update.py", "http-task.wasm", &address(&server)], &[]).unwrap();
    let outcomes: Value = serde_json::from_str(&printed).unwrap();

    let updated = &outcomes["updated"];
    assert_eq!(updated["response"]["status"], 200, "{updated}");
    let warned: Vec<_> = updated["warnings"].as_array().unwrap().iter().map(|warning| &warning["place"]).collect();
    assert_eq!(warned, ["/body/data/label_ids"], "what was sent and is not there is told");
    let refused = &outcomes["refused"];
    assert_eq!((&refused["tag"], &refused["val"]["response"]["status"]), (&json!("permanent-rejected"), &json!(401)));
    assert_eq!(places(&outcomes["invalid"]), ["/changes/0/title", "/changes/1/visible_to"]);

    assert_eq!(server.received().len(), 2, "what is invalid is not sent");
    assert_eq!(body(&server, 0), CHANGES);
}
