//! The contract as files: every `tests/cases/*/*.case` is one call of the built component against a scripted server, in the
//! folder of its outcome. A file has a sentence or more on what it holds, and then its sections, each after a line of its own:
//!
//! ```text
//! --- definition   the task object; `server.test` stands for the server
//! --- input        the task's input, unless it is {}
//! --- key          an idempotency key, when there is one
//! --- limits       `deadline-milliseconds 500` or `answer-bytes 1000`, unless they are the defaults
//! --- server       what the server does with its requests (see stand_in/script.rs), unless it may have none
//! --- requests     what the server received, as text
//! --- outcome      what the component answered
//! ```
//!
//! `HTTP_TASK_ACCEPT=1 cargo test -p http-task --test cases` writes the last two anew.

mod loaded;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use http_task_host::component::Context;
use http_task_host::redaction::Redactor;
use http_task_host::report::{OutcomeReport, outcome_name};
use http_task_host::stand_in::{Script, StandIn};
use http_task_host::{Egress, Limits};
use libtest_mimic::{Arguments, Failed, Trial};

const ACCEPT: &str = "HTTP_TASK_ACCEPT=1 cargo test -p http-task --test cases";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut trials = Vec::new();
    collect(&root, &root, &mut trials);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Every file is a trial; one that is no case fails as such.
fn collect(root: &Path, folder: &Path, trials: &mut Vec<Trial>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, trials);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().display().to_string();
        trials.push(Trial::test(name, move || run(&path)));
    }
}

fn run(path: &Path) -> Result<(), Failed> {
    if path.extension().is_none_or(|extension| extension != "case") {
        return Err(format!("no test runs {}: a case's name ends with .case", path.display()).into());
    }
    let case = Case::read(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let happened = runtime.block_on(case.happen())?;
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    if happened.name != folder {
        return Err(format!("the outcome is {}; a case is in the folder of its outcome", happened.name).into());
    }
    let expected = case.section("requests").zip(case.section("outcome"));
    if expected == Some((&happened.requests, &happened.outcome)) {
        return Ok(());
    }
    if std::env::var_os("HTTP_TASK_ACCEPT").is_some() {
        std::fs::write(path, case.with(&happened))?;
        return Ok(());
    }
    let (requests, outcome) = expected.unwrap_or(("nothing is written down", "nothing is written down"));
    Err(format!(
        "expected requests:\n{requests}\nbut there were:\n{}\n\nexpected outcome:\n{outcome}\nbut there was:\n{}\n\nto accept it: {ACCEPT}",
        happened.requests, happened.outcome
    )
    .into())
}

const SECTIONS: [&str; 7] = ["definition", "input", "key", "limits", "server", "requests", "outcome"];

/// A file: its text up to the first section, and the sections.
struct Case {
    path: PathBuf,
    about: String,
    sections: Vec<(String, String)>,
}

/// What came of it, in the words of a file.
struct Happened {
    name: &'static str,
    requests: String,
    outcome: String,
}

impl Case {
    fn read(path: &Path) -> Result<Self, Failed> {
        let text = std::fs::read_to_string(path)?;
        let mut case = Self { path: path.to_owned(), about: String::new(), sections: Vec::new() };
        for line in text.lines() {
            let name = line.strip_prefix("--- ");
            if name.is_some_and(|name| case.section(name).is_some()) {
                return Err(format!("`{line}` is there twice").into());
            }
            match (name, case.sections.last_mut()) {
                (Some(name), _) if SECTIONS.contains(&name) => case.sections.push((name.to_owned(), String::new())),
                (Some(name), _) => return Err(format!("there is no section `{name}`, but {SECTIONS:?}").into()),
                (None, Some((_, section))) => section.extend([line, "\n"]),
                (None, None) => case.about.extend([line, "\n"]),
            }
        }
        for (_, section) in &mut case.sections {
            section.truncate(section.trim_end().len());
        }
        if case.about.trim().is_empty() {
            return Err("a case says what it holds".into());
        }
        Ok(case)
    }

    fn section(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    fn limits(&self) -> Result<Limits, Failed> {
        let mut limits = Limits::default();
        for line in self.section("limits").unwrap_or_default().lines() {
            match line.split_once(' ').map(|(name, value)| (name, value.parse::<u64>())) {
                Some(("deadline-milliseconds", Ok(value))) => limits.deadline = Duration::from_millis(value),
                Some(("answer-bytes", Ok(value))) => limits.answer_bytes = usize::try_from(value)?,
                _ => return Err(format!("`{line}` is no limit").into()),
            }
        }
        Ok(limits)
    }

    async fn happen(&self) -> Result<Happened, Failed> {
        let script = self.section("server").unwrap_or_default();
        let server = StandIn::start(Script::parse(script)?).await?;
        let (address, shown) = (server.address().to_string(), "server.test");
        let definition = self.section("definition").ok_or("there is no definition")?.replace(shown, &address);
        let host = if definition.contains("api.pipedrive.com") {
            loaded::load(Egress::to_stand_in(&server, Redactor::default()), self.limits()?)
        } else {
            loaded::host_for(&server, self.limits()?)
        };
        let context = Context { idempotency_key: self.section("key").map(str::to_owned) };
        let run = host.run(&definition, self.section("input").unwrap_or("{}"), &context).await;
        if !server.unused().is_empty() {
            return Err(format!("no request came for these lines of the script: {:?}", server.unused()).into());
        }
        let received = server.received();
        if self.section("server").is_none() && !received.is_empty() {
            return Err("the server has no script, and received a request".into());
        }
        let mut requests = String::new();
        for request in &received {
            let _ =
                write!(requests, "{}\n{}", request.head.replace("\r\n", "\n"), String::from_utf8_lossy(&request.body));
        }
        let requests = requests.replace(server.token(), "[token]").replace(&address, shown);
        let outcome = serde_json::to_string_pretty(&OutcomeReport(&run.outcome))?.replace(&address, shown);
        // How much of a drip has come when the time is over depends on the machine.
        let outcome = if script == "slow-drip" { outcome.replace('x', "") } else { outcome };
        let mut outcome = if script.contains("date:") { outcome } else { without_date(&outcome) };
        if let Some(error) = run.error {
            let _ = write!(outcome, "\n{error}");
        }
        let name = outcome_name(&run.outcome);
        Ok(Happened {
            name,
            requests: if requests.is_empty() { "none".into() } else { requests.trim_end().into() },
            outcome,
        })
    }

    /// The file with what happened.
    fn with(&self, happened: &Happened) -> String {
        let given = self.sections.iter().filter(|(name, _)| !matches!(name.as_str(), "requests" | "outcome"));
        let mut text = self.about.clone();
        for (name, section) in given {
            let _ = write!(text, "--- {name}\n{section}\n");
        }
        let _ = write!(text, "--- requests\n{}\n--- outcome\n{}\n", happened.requests, happened.outcome);
        println!("written: {}", self.path.display());
        text
    }
}

/// The time at which the server answered is another one every time.
fn without_date(outcome: &str) -> String {
    let mut dated = false;
    let mut line = |line: &str| {
        let shown = match line.split_once("\"value\": ") {
            Some((indentation, _)) if dated => format!("{indentation}\"value\": \"[date]\""),
            _ => line.to_owned(),
        };
        dated = line.contains("\"name\": \"date\"");
        shown
    };
    outcome.lines().map(&mut line).collect::<Vec<_>>().join("\n")
}
