//! A definition → what a run of it does: the types of tasks that a run knows, their `retry`, the time for the whole.
//! What is wrong with that is found here, all at once, before anything runs.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::source::{Finding, Node, Source, pointer};
use crate::workflow::{self, Definition};

/// A definition that can be run. Its flows are closed: every task that is named is there, and no route comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// `name`
    pub name: String,
    /// Its tasks.
    pub flow: Flow,
    /// `timeoutSeconds`: for the whole run.
    pub timeout: Option<Duration>,
}

/// Tasks that lead from one to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    pub(crate) start: String,
    pub(crate) tasks: Vec<Task>,
}

/// A task that a run can do.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// What it does.
    pub does: Does,
    /// The task after it; without one the flow ends.
    pub(crate) next: Option<String>,
}

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    /// Sends a request.
    Http(HttpStep),
    /// Runs branches at once, to the end of all.
    Parallel(Vec<Flow>),
    /// Ends the whole run.
    Terminate(Status),
}

/// An HTTP Task.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpStep {
    /// The task object, as it is written.
    pub text: String,
    /// `inputParameters`, as it is written: a template over the run so far.
    pub input_parameters: String,
    /// `retry`
    pub retry: Retry,
}

/// `retry`. The defaults are those of Step Functions, whose words these are.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    /// The wait before the second attempt.
    pub interval_seconds: f64,
    /// Attempts in all, the first included.
    pub max_attempts: u64,
    /// What every further wait is longer by.
    pub backoff_rate: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { interval_seconds: 1.0, max_attempts: 3, backoff_rate: 2.0 }
    }
}

impl Retry {
    /// Without `retry` there is one attempt.
    pub const NONE: Self = Self { interval_seconds: 0.0, max_attempts: 1, backoff_rate: 1.0 };

    /// The wait after so many attempts, as the definition wants it.
    pub fn wait_after(&self, attempts: u64) -> Duration {
        // No wait grows to no wait, also where the growth is beyond all numbers.
        if self.interval_seconds == 0.0 {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        Duration::try_from_secs_f64(self.interval_seconds * self.backoff_rate.powi(exponent)).unwrap_or(Duration::MAX)
    }
}

/// `terminationStatus`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The run has done what it should.
    Completed,
    /// The run has failed.
    Failed,
}

impl Flow {
    pub(crate) fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.name == name)
    }

    /// All HTTP Tasks, those in branches included, each with its name.
    pub fn http_steps(&self) -> Vec<(&str, &HttpStep)> {
        self.tasks.iter().flat_map(Task::http_steps).collect()
    }
}

impl Task {
    fn http_steps(&self) -> Vec<(&str, &HttpStep)> {
        match &self.does {
            Does::Http(step) => vec![(&self.name, step)],
            Does::Parallel(branches) => branches.iter().flat_map(Flow::http_steps).collect(),
            Does::Terminate(_) => Vec::new(),
        }
    }
}

impl Plan {
    /// Plans a definition whose connections and tasks have been checked.
    pub fn of(definition: &Definition) -> Result<Self, Vec<Finding>> {
        let source = definition.source();
        let mut planning = Planning { source, findings: Vec::new() };
        let flow = planning.flow(definition.flow());
        let root = source.root();
        let timeout = planning.seconds(root, "timeoutSeconds").filter(|seconds| *seconds > 0);
        planning.check_failure_workflow(root);
        let name = root.member("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        if !planning.findings.is_empty() {
            return Err(planning.findings);
        }
        Ok(Self { name, flow, timeout: timeout.map(Duration::from_secs) })
    }
}

struct Planning<'s> {
    source: &'s Source,
    findings: Vec<Finding>,
}

impl Planning<'_> {
    fn find(&mut self, place: &str, message: impl Into<String>, hint: &str) {
        let finding = self.source.finding(place, message);
        self.findings.push(finding.hint(hint));
    }

    fn flow(&mut self, flow: &workflow::Flow) -> Flow {
        let tasks = flow.tasks.iter().filter_map(|task| self.task(task)).collect();
        Flow { start: flow.start.clone(), tasks }
    }

    fn task(&mut self, task: &workflow::Task) -> Option<Task> {
        let does = match task.kind.as_str() {
            "Http" => Does::Http(HttpStep {
                text: task.text.clone(),
                input_parameters: object_text(&task.input_parameters),
                retry: self.member::<Option<Retry>>(task, "retry")?.unwrap_or(Retry::NONE),
            }),
            "Parallel" => Does::Parallel(task.branches.iter().map(|branch| self.flow(branch)).collect()),
            "Terminate" => Does::Terminate(self.status(task)?),
            other => {
                let message = format!("this program does not run tasks of type `{other}`");
                self.find(&pointer(&task.place, "type"), message, "one of `Http`, `Parallel`, `Terminate`");
                return None;
            }
        };
        Some(Task { name: task.name.clone(), does, next: task.next.clone() })
    }

    /// A member of a task object, of which the component has said that it is well made.
    fn member<T: DeserializeOwned + Default>(&mut self, task: &workflow::Task, name: &str) -> Option<T> {
        let place = pointer(&task.place, name);
        let Some(node) = self.source.at(&place) else { return Some(T::default()) };
        let read = serde_json::from_str(self.source.text_of(node));
        if let Err(error) = &read {
            self.findings.push(self.source.finding(&place, format!("`{name}` cannot be read: {error}")));
        }
        read.ok()
    }

    fn status(&mut self, task: &workflow::Task) -> Option<Status> {
        let place = pointer(&task.place, "terminationStatus");
        match self.source.at(&place).map(Node::as_str) {
            Some(Some("Completed")) => Some(Status::Completed),
            Some(Some("Failed")) => Some(Status::Failed),
            found => {
                let message = match found {
                    Some(_) => "`terminationStatus` must be \"Completed\" or \"Failed\"",
                    None => "`terminationStatus` is missing",
                };
                self.find(&place, message, "\"terminationStatus\": \"Completed\"");
                None
            }
        }
    }

    fn seconds(&mut self, root: &Node, name: &str) -> Option<u64> {
        let read = serde_json::from_str(self.source.text_of(root.member(name)?));
        if read.is_err() {
            let message = format!("`{name}` must be a whole number of seconds; 0 is no limit");
            self.find(&pointer("", name), message, &format!("\"{name}\": 0"));
        }
        read.ok()
    }

    fn check_failure_workflow(&mut self, root: &Node) {
        if root.member("failureWorkflow").is_some() && failure_workflow(self.source).is_none() {
            let message = "`failureWorkflow` must name a definition in the same folder";
            self.find("/failureWorkflow", message, "\"failureWorkflow\": \"tell-somebody\", for tell-somebody.json");
        }
    }
}

/// `failureWorkflow`: what is run when a definition fails. The name of a file in its folder, and no way out of that.
pub fn failure_workflow(source: &Source) -> Option<&str> {
    let name = source.root().member("failureWorkflow")?.as_str()?;
    (!name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':'])).then_some(name)
}

/// Members as the text of an object.
fn object_text(members: &[(String, String)]) -> String {
    let member = |(name, value): &(String, String)| format!("{}:{value}", serde_json::Value::from(name.as_str()));
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::next_action::{Action, End, Ended, Event, next_action};

    fn plan(text: &str) -> Result<Plan, Vec<String>> {
        let (definition, findings) = Definition::read(Source::parse("x.json", text.to_owned()).unwrap());
        assert_eq!(findings, []);
        Plan::of(&definition).map_err(|findings| {
            findings.into_iter().map(|finding| format!("{} {}", finding.place, finding.message)).collect()
        })
    }

    #[test]
    fn what_cannot_be_run_is_found_all_at_once() {
        let problems = plan(
            r#"{"name": "n", "startTask": "a", "timeoutSeconds": 1.5, "failureWorkflow": "../b", "tasks": {
                "a": {"type": "Simple", "nextTask": "b"},
                "b": {"type": "Parallel", "nextTask": "c",
                    "branches": [{"startTask": "d", "tasks": {"d": {"type": "Wait", "end": true}}}]},
                "c": {"type": "Http", "retry": {"maxAttempts": "x"}, "nextTask": "e"},
                "e": {"type": "Terminate", "terminationStatus": "Cancelled"}}}"#,
        );
        assert_eq!(
            problems.unwrap_err(),
            [
                "/tasks/a/type this program does not run tasks of type `Simple`",
                "/tasks/b/branches/0/tasks/d/type this program does not run tasks of type `Wait`",
                "/tasks/c/retry `retry` cannot be read: invalid type: string \"x\", expected u64 at line 1 column 19",
                "/tasks/e/terminationStatus `terminationStatus` must be \"Completed\" or \"Failed\"",
                "/timeoutSeconds `timeoutSeconds` must be a whole number of seconds; 0 is no limit",
                "/failureWorkflow `failureWorkflow` must name a definition in the same folder",
            ]
        );
    }

    #[test]
    fn a_task_without_retry_is_attempted_once_and_with_an_empty_one_three_times() {
        let attempts = |retry: &str| {
            let plan = plan(&format!(
                r#"{{"name": "n", "startTask": "a", "tasks": {{"a": {{"type": "Http", {retry} "end": true}}}}}}"#
            ));
            plan.unwrap().flow.http_steps()[0].1.retry.max_attempts
        };
        assert_eq!((attempts(""), attempts(r#""retry": {},"#)), (1, 3));
    }

    #[test]
    fn waits_grow_by_the_backoff_rate_and_never_overflow() {
        let retry = Retry { interval_seconds: 1.5, max_attempts: 9, backoff_rate: 2.0 };
        assert_eq!([1, 2, 3].map(|attempts| retry.wait_after(attempts).as_millis()), [1500, 3000, 6000]);
        assert_eq!(retry.wait_after(u64::MAX), Duration::MAX);
        assert_eq!(Retry { interval_seconds: 0.0, ..retry }.wait_after(u64::MAX), Duration::ZERO);
    }

    #[test]
    fn input_parameters_stay_as_they_are_written() {
        let plan = plan(
            r#"{"name": "n", "startTask": "a", "tasks": {"a": {"type": "Http", "inputParameters": {"é\"": 1e2, "b": [1.0]}, "end": true}}}"#,
        );
        assert_eq!(plan.unwrap().flow.http_steps()[0].1.input_parameters, r#"{"é\"":1e2,"b":[1.0]}"#);
    }

    /// A task of any type that leads anywhere.
    fn tasks(names: &'static [&'static str]) -> impl Strategy<Value = String> {
        let name = proptest::sample::select(names);
        let kind = proptest::sample::select(&["Http", "Http", "Terminate", "Simple", "Parallel", "Parallel"][..]);
        (kind, proptest::option::of(name), "[a-f]").prop_map(|(kind, next, branch)| {
            let leads = next.map_or("\"end\": true".to_owned(), |next| format!("\"nextTask\": \"{next}\""));
            let more = match kind {
                "Terminate" => return r#"{"type": "Terminate", "terminationStatus": "Completed"}"#.to_owned(),
                "Parallel" => format!(
                    r#", "branches": [{{"startTask": "{branch}", "tasks": {{"{branch}": {{"type": "Http", "end": true}}}}}}]"#
                ),
                _ => String::new(),
            };
            format!(r#"{{"type": "{kind}", {leads}{more}}}"#)
        })
    }

    /// Carries a flow out in which everything succeeds; the names of its tasks in order.
    fn walk(flow: &Flow) -> Vec<String> {
        let (mut history, mut walked) = (Vec::new(), Vec::new());
        loop {
            match next_action(flow, &history, Duration::ZERO) {
                Action::Attempt { task, .. } => {
                    walked.push(task.to_owned());
                    history.push(Event::Attempted { task: task.to_owned(), ended: Ended::Completed });
                }
                Action::Fork { task, branches } => {
                    walked.push(task.to_owned());
                    walked.extend(branches.iter().flat_map(walk));
                    let branches = vec![End::Completed; branches.len()];
                    history.push(Event::Joined { task: task.to_owned(), branches });
                }
                Action::End(End::Terminated { task, .. }) => {
                    walked.push(task);
                    return walked;
                }
                Action::End(end) => {
                    assert_eq!(end, End::Completed);
                    return walked;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_definition_that_can_be_planned_is_walked_to_its_end_every_task_once(
            tasks in proptest::collection::btree_map("[a-d]", tasks(&["a", "b", "c", "d"]), 1..5),
            start in "[a-d]",
        ) {
            let written: Vec<_> = tasks.iter().map(|(name, task)| format!("\"{name}\": {task}")).collect();
            let text = format!(r#"{{"name": "n", "startTask": "{start}", "tasks": {{{}}}}}"#, written.join(", "));
            let (definition, findings) = Definition::read(Source::parse("x.json", text).unwrap());
            let plan = Plan::of(&definition);
            if let (true, Ok(plan)) = (findings.is_empty(), plan) {
                let mut walked = walk(&plan.flow);
                walked.sort();
                let mut all: Vec<_> = definition.flow().all_tasks().iter().map(|task| task.name.clone()).collect();
                all.sort();
                prop_assert_eq!(walked, all);
            }
        }

        #[test]
        fn any_json_is_planned_or_refused(text in "[\\[\\]{}:,\"a0-9.]{0,24}|\\PC{0,10}") {
            if let Ok(source) = Source::parse("x.json", text) {
                let (definition, findings) = Definition::read(source);
                prop_assert!(!findings.is_empty());
                let _ = Plan::of(&definition);
            }
        }
    }
}
