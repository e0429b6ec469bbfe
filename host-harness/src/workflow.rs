//! A workflow definition as it stands in a file: its tasks, where they are, and what is wrong with their connections.
//! What an HTTP Task itself says is the component's to check.

pub mod insertion;
mod literal;
mod routes;

use std::collections::BTreeSet;

pub(crate) use self::literal::literal;
use crate::source::{Finding, Node, NodeKind, Source, pointer};

/// The JSON Schema of definition files, with which editors complete and check them.
pub const SCHEMA: &str = include_str!("../../docs/definition.schema.json");

/// The definition format's limit for a task's name.
pub const MOST_NAME_CHARACTERS: usize = 80;

/// The types that this program knows; a definition may have others.
const KINDS: [&str; 4] = ["Http", "Simple", "Parallel", "Terminate"];

/// Whether a typing error may have made one of the other: two slips of the finger, whatever the case.
fn is_near(written: &str, known: &str) -> bool {
    strsim::damerau_levenshtein(&written.to_ascii_lowercase(), &known.to_ascii_lowercase()) <= 2
}

/// A workflow definition.
#[derive(Debug, Clone)]
pub struct Definition {
    source: Source,
    flow: Flow,
}

/// Tasks that lead from one to the next: those of a definition, or of one branch of a Parallel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// `startTask`
    pub start: String,
    /// In the order written.
    pub tasks: Vec<Task>,
}

/// One task of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// `Http`, `Simple`, `Parallel`, `Terminate`, ….
    pub kind: String,
    /// Where it is in the file, as a JSON Pointer.
    pub place: String,
    /// The task object, as it is written.
    pub text: String,
    /// `httpRequest.url`, as it is written.
    pub url: Option<String>,
    /// `httpRequest.method`, as it is written.
    pub method: Option<String>,
    /// `credentials`, as it is written.
    pub credentials: Option<String>,
    /// `inputParameters`, each value as it is written.
    pub input_parameters: Vec<(String, String)>,
    /// `nextTask`; without one the flow ends here.
    pub next: Option<String>,
    /// `branches` of a Parallel.
    pub branches: Vec<Flow>,
}

impl Flow {
    /// All tasks in the order written, those in branches before the Parallel that has them.
    pub(crate) fn all_tasks(&self) -> Vec<&Task> {
        let within = |task| task_and_branches(task);
        self.tasks.iter().flat_map(within).collect()
    }
}

fn task_and_branches(task: &Task) -> Vec<&Task> {
    let mut all: Vec<_> = task.branches.iter().flat_map(Flow::all_tasks).collect();
    all.push(task);
    all
}

impl Task {
    /// Whether it is an HTTP Task.
    pub fn is_http(&self) -> bool {
        self.kind == "Http"
    }
}

impl Definition {
    /// Reads a definition: its tasks, and all that is wrong with what holds them together.
    pub fn read(source: Source) -> (Self, Vec<Finding>) {
        let mut reading = Reading { source: &source, findings: Vec::new(), names: BTreeSet::new() };
        let flow = reading.flow(source.root(), "").unwrap_or_default();
        match source.root().member("name") {
            Some(name) if name.as_str().is_some_and(|name| !name.trim().is_empty()) => {}
            Some(_) => reading.find("/name", "`name` must be a string that says something"),
            None if source.root().members().is_some() => reading.find("", "`name` is missing"),
            None => {}
        }
        let findings = reading.findings;
        (Self { source, flow }, findings)
    }

    /// The file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Its tasks, from the first on. Worth following only when nothing is wrong with them.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The HTTP Tasks in the order written, those in branches included.
    pub fn http_tasks(&self) -> impl Iterator<Item = &Task> {
        self.flow.all_tasks().into_iter().filter(|task| task.is_http())
    }
}

struct Reading<'s> {
    source: &'s Source,
    findings: Vec<Finding>,
    /// Of all tasks, wherever they are: what a task did is known by its name.
    names: BTreeSet<String>,
}

impl Reading<'_> {
    fn find(&mut self, place: &str, message: impl Into<String>) {
        self.findings.push(self.source.finding(place, message));
    }

    /// A definition, or a branch of a Parallel: `startTask` and `tasks`.
    fn flow(&mut self, node: &Node, place: &str) -> Option<Flow> {
        if node.members().is_none() {
            self.find(place, "an object with `startTask` and `tasks` must stand here");
            return None;
        }
        let tasks_place = pointer(place, "tasks");
        let Some(tasks) = node.member("tasks") else {
            self.find(place, "`tasks` is missing");
            return None;
        };
        let Some(tasks) = tasks.members().filter(|tasks| !tasks.is_empty()) else {
            self.find(&tasks_place, "`tasks` must be an object with at least one task");
            return None;
        };
        let found_before = self.findings.len();
        let names: BTreeSet<&str> = tasks.iter().map(|(name, _)| name.as_str()).collect();
        let start = node.member("startTask");
        match start.map(Node::as_str) {
            Some(Some(name)) if names.contains(name) => {}
            Some(Some(name)) => self.no_such_task(&pointer(place, "startTask"), name, &names),
            Some(None) => self.find(&pointer(place, "startTask"), "`startTask` must be the name of a task"),
            None => self.find(place, "`startTask` is missing"),
        }
        let read = |(name, task): &(String, Node)| self.task(name, task, &pointer(&tasks_place, name), &names);
        let tasks = tasks.iter().filter_map(read).collect();
        let flow = Flow { start: start.and_then(Node::as_str).unwrap_or_default().to_owned(), tasks };
        // Where a route is broken, every task behind it would seem to be unreachable as well.
        if self.findings.len() == found_before {
            for (place, message) in routes::problems(&flow) {
                self.find(&place, message);
            }
        }
        Some(flow)
    }

    fn no_such_task(&mut self, place: &str, name: &str, names: &BTreeSet<&str>) {
        let known: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let finding = self.source.finding(place, format!("there is no task `{name}`"));
        self.findings.push(finding.hint(format!("one of {}", known.join(", "))));
    }

    fn task(&mut self, name: &str, node: &Node, place: &str, names: &BTreeSet<&str>) -> Option<Task> {
        if name.trim().is_empty() || name.chars().count() > MOST_NAME_CHARACTERS {
            self.find(place, format!("a task's name has 1 to {MOST_NAME_CHARACTERS} characters"));
        }
        if node.members().is_none() {
            self.find(place, "a task must be an object");
            return None;
        }
        let Some(kind) = node.member("type").and_then(Node::as_str) else {
            let finding = self.source.finding(place, "`type` is missing");
            self.findings.push(finding.hint("\"type\": \"Http\""));
            return None;
        };
        if let Some(known) = KINDS.iter().find(|known| **known != kind && is_near(kind, known)) {
            let finding = self.source.finding(&pointer(place, "type"), format!("there is no type `{kind}`"));
            self.findings.push(finding.hint(format!("\"type\": \"{known}\"")));
        }
        if !self.names.insert(name.to_owned()) {
            self.find(place, format!("another task is called `{name}` as well"));
        }
        self.route(node, place, kind, names);
        let branches = if kind == "Parallel" { self.branches(node, place) } else { Vec::new() };
        let text = |name| node.member(name).and_then(Node::as_str).map(str::to_owned);
        let request = node.member("httpRequest");
        let of_request = |name| request?.member(name)?.as_str().map(str::to_owned);
        let parameters = node.member("inputParameters").and_then(Node::members).unwrap_or_default();
        Some(Task {
            name: name.to_owned(),
            kind: kind.to_owned(),
            place: place.to_owned(),
            text: self.source.text_of(node).to_owned(),
            url: of_request("url"),
            method: of_request("method"),
            credentials: text("credentials"),
            input_parameters: parameters
                .iter()
                .map(|(name, value)| (name.clone(), self.source.text_of(value).to_owned()))
                .collect(),
            next: text("nextTask"),
            branches,
        })
    }

    fn branches(&mut self, node: &Node, place: &str) -> Vec<Flow> {
        let branches_place = pointer(place, "branches");
        match node.member("branches").map(|branches| &branches.kind) {
            Some(NodeKind::Array(elements)) if !elements.is_empty() => elements
                .iter()
                .enumerate()
                .filter_map(|(index, branch)| self.flow(branch, &format!("{branches_place}/{index}")))
                .collect(),
            _ => {
                self.find(place, "a Parallel has a list of `branches`");
                Vec::new()
            }
        }
    }

    /// Where a task leads: either to the next one, or to the end.
    fn route(&mut self, node: &Node, place: &str, kind: &str, names: &BTreeSet<&str>) {
        let ends = node.member("end").is_some_and(|end| self.source.text_of(end) == "true");
        match node.member("nextTask") {
            Some(_) if kind == "Terminate" => {
                self.find(&pointer(place, "nextTask"), "a Terminate ends the run, and leads nowhere")
            }
            Some(_) if ends => {
                self.find(&pointer(place, "nextTask"), "a task has either `nextTask` or `\"end\": true`")
            }
            Some(next) => match next.as_str() {
                Some(next) if names.contains(next) => {}
                Some(next) => self.no_such_task(&pointer(place, "nextTask"), next, names),
                None => self.find(&pointer(place, "nextTask"), "`nextTask` must be the name of a task"),
            },
            None if ends || !matches!(kind, "Http" | "Simple" | "Parallel") => {}
            None => {
                let finding = self.source.finding(place, "the task leads nowhere");
                self.findings.push(finding.hint("\"nextTask\": \"…\", or \"end\": true"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Definition, Vec<String>) {
        let source = Source::parse("x.json", text.to_owned()).unwrap();
        let (definition, findings) = Definition::read(source);
        (definition, findings.into_iter().map(|finding| format!("{} {}", finding.place, finding.message)).collect())
    }

    #[test]
    fn tasks_are_found_in_branches_too_as_they_are_written() {
        let (definition, findings) = read(
            r#"{"name": "n", "startTask": "p", "tasks": {"p": {"type": "Parallel", "end": true, "branches": [
                {"startTask": "a", "tasks": {"a": {"type": "Http", "inputParameters": {"n": 1e2}, "end": true}}}]}}}"#,
        );
        assert_eq!(findings, [""; 0]);
        let tasks: Vec<_> = definition.http_tasks().collect();
        assert_eq!(tasks[0].place, "/tasks/p/branches/0/tasks/a");
        assert_eq!(tasks[0].text, r#"{"type": "Http", "inputParameters": {"n": 1e2}, "end": true}"#);
        assert_eq!(tasks[0].input_parameters, [("n".to_owned(), "1e2".to_owned())]);
    }

    #[test]
    fn connections_that_lead_nowhere_are_found_at_once() {
        let (_, findings) = read(
            r#"{"startTask": "x", "tasks": {
                "a": {"type": "Http"},
                "b": {"type": "Http", "nextTask": "gone"},
                "c": {"type": "Http", "nextTask": "a", "end": true},
                "d": {"end": true},
                "e": 3,
                "f": {"type": "Parallel", "end": true},
                "g": {"type": "Terminate", "terminationStatus": "Completed"},
                "h": {"type": "Htpp", "end": true},
                "i": {"type": "Parallel", "end": true, "branches": [
                    {"startTask": "a", "tasks": {"a": {"type": "Simple", "end": true}}}]}}}"#,
        );
        assert_eq!(
            findings,
            [
                "/startTask there is no task `x`",
                "/tasks/a the task leads nowhere",
                "/tasks/b/nextTask there is no task `gone`",
                "/tasks/c/nextTask a task has either `nextTask` or `\"end\": true`",
                "/tasks/d `type` is missing",
                "/tasks/e a task must be an object",
                "/tasks/f a Parallel has a list of `branches`",
                "/tasks/h/type there is no type `Htpp`",
                "/tasks/i/branches/0/tasks/a another task is called `a` as well",
                " `name` is missing",
            ]
        );
    }

    #[test]
    fn what_is_no_definition_is_said_once() {
        assert_eq!(read("[]").1, [" an object with `startTask` and `tasks` must stand here"]);
        assert_eq!(read("{\"name\": \"n\"}").1, [" `tasks` is missing"]);
    }
}
