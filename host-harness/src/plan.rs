//! A definition → what a run of it does: the types of tasks that a run knows, their `retry`, the time for the whole.
//! What is wrong with that is found here, all at once, before anything runs.

mod references;

use std::time::Duration;

use serde::Deserialize;

use self::references::Reference;

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
    /// `inputParameters`, as it is written: a template over the run so far. None are none to fill.
    pub input_parameters: Option<String>,
    /// The tasks whose inputs and outputs it looks at. They surely were done before.
    pub sees: Vec<String>,
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
    /// Plans a definition. What its reading and the component's check have found is not found again.
    pub fn of(definition: &Definition) -> Result<Self, Vec<Finding>> {
        let (plan, mut planning) = Planning::plan(definition);
        planning.findings.append(&mut planning.not_run);
        if planning.findings.is_empty() { Ok(plan) } else { Err(planning.findings) }
    }
}

/// What is wrong with a definition whoever runs it, beyond its connections and its HTTP Tasks.
pub fn check(definition: &Definition) -> Vec<Finding> {
    Planning::plan(definition).1.findings
}

struct Planning<'s> {
    source: &'s Source,
    findings: Vec<Finding>,
    /// Expressions that look at what is not there, or not surely done before.
    unseen: Vec<Finding>,
    /// What only keeps this program from running it.
    not_run: Vec<Finding>,
    /// Every task was found where the one before it leads.
    in_order: bool,
}

impl<'s> Planning<'s> {
    fn plan(definition: &'s Definition) -> (Plan, Self) {
        let source = definition.source();
        let mut planning =
            Self { source, findings: Vec::new(), unseen: Vec::new(), not_run: Vec::new(), in_order: true };
        let flow = planning.flow(definition.flow(), &mut Vec::new());
        let root = source.root();
        let timeout = planning.timeout(root).filter(|seconds| *seconds > 0);
        planning.check_failure_workflow(root);
        // Where routes are broken nothing is surely done before anything, which is no news.
        if planning.in_order {
            planning.findings.append(&mut planning.unseen);
        }
        let name = root.member("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        (Plan { name, flow, timeout: timeout.map(Duration::from_secs) }, planning)
    }

    fn find(&mut self, place: &str, message: impl Into<String>, hint: &str) {
        let finding = self.source.finding(place, message);
        self.findings.push(finding.hint(hint));
    }

    /// In the order in which the tasks are done; `before` are those that surely were done before each.
    fn flow(&mut self, flow: &workflow::Flow, before: &mut Vec<String>) -> Flow {
        let mut left: Vec<_> = flow.tasks.iter().collect();
        let mut tasks = Vec::new();
        let mut next = Some(flow.start.as_str());
        // Tasks that no route reaches are planned as well, so that all that is wrong with them is told.
        while !left.is_empty() {
            let at = next.and_then(|name| left.iter().position(|task| task.name == name));
            self.in_order &= at.is_some();
            let task = left.remove(at.unwrap_or_default());
            tasks.extend(self.task(task, before));
            next = task.next.as_deref();
        }
        Flow { start: flow.start.clone(), tasks }
    }

    fn task(&mut self, task: &workflow::Task, before: &mut Vec<String>) -> Option<Task> {
        let does = match task.kind.as_str() {
            "Http" => self.http(task, before).map(Does::Http),
            "Parallel" => {
                let mut within = Vec::new();
                let branches = task.branches.iter().map(|branch| {
                    // What the other branches do is not done before.
                    let mut before_here = before.clone();
                    let branch = self.flow(branch, &mut before_here);
                    within.extend(before_here.split_off(before.len()));
                    branch
                });
                let branches = branches.collect();
                before.extend(within);
                Some(Does::Parallel(branches))
            }
            "Terminate" => self.status(task).map(Does::Terminate),
            other => {
                let message = format!("this program does not run tasks of type `{other}`");
                let finding = self.source.finding(&pointer(&task.place, "type"), message);
                self.not_run.push(finding.hint("one of `Http`, `Parallel`, `Terminate`"));
                None
            }
        };
        before.push(task.name.clone());
        Some(Task { name: task.name.clone(), does: does?, next: task.next.clone() })
    }

    fn http(&mut self, task: &workflow::Task, before: &[String]) -> Option<HttpStep> {
        let mut sees = Vec::new();
        for (name, written) in &task.input_parameters {
            let place = pointer(&pointer(&task.place, "inputParameters"), name);
            for reference in Reference::all_of(written) {
                sees.extend(self.look(&place, &reference, before));
            }
        }
        self.check_names(task);
        let parameters = object_text(&task.input_parameters);
        Some(HttpStep {
            text: task.text.clone(),
            input_parameters: (!task.input_parameters.is_empty()).then_some(parameters),
            sees: before.iter().filter(|name| sees.contains(name)).cloned().collect(),
            retry: self.retry(task)?,
        })
    }

    /// The tasks that an expression of `inputParameters` looks at. What it names must be there when the task is done.
    fn look(&mut self, place: &str, reference: &Reference, before: &[String]) -> Vec<String> {
        let names: Vec<_> = reference.names.iter().map(String::as_str).collect();
        let tasks = || before.iter().map(String::as_str).collect::<Vec<_>>();
        let (name, known) = match names.as_slice() {
            [] | ["tasks"] => return before.to_vec(),
            ["workflow"] | ["workflow", "input", ..] => return Vec::new(),
            ["tasks", task] | ["tasks", task, "input" | "output"] if before.iter().any(|name| name == task) => {
                return vec![(*task).to_owned()];
            }
            ["tasks", task, member] if before.iter().any(|name| name == task) => (*member, vec!["output", "input"]),
            ["tasks", task, ..] => (*task, tasks()),
            ["workflow", member, ..] => (*member, vec!["input"]),
            [root, ..] => (*root, vec!["workflow", "tasks"]),
        };
        let is_task = names.first() == Some(&"tasks") && names.get(1) == Some(&name);
        let message = if is_task {
            format!("`{name}` is no task that is surely done before this one")
        } else {
            format!("`{name}` is not there to be looked at")
        };
        let hint = match known.as_slice() {
            [] => "this is the first task; `${workflow.input…}` is all there is".to_owned(),
            known => {
                format!("one of {}", known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", "))
            }
        };
        self.unseen.push(self.source.finding(place, message).hint(hint));
        Vec::new()
    }

    /// In a run a task's input is its `inputParameters` and nothing else.
    fn check_names(&mut self, task: &workflow::Task) {
        let place = pointer(&task.place, "httpRequest");
        let Some(request) = self.source.at(&place).map(|node| self.source.text_of(node).to_owned()) else { return };
        let given = |name: &String| task.input_parameters.iter().any(|(given, _)| given == name);
        let mut missing: Vec<_> = Reference::all_of(&request)
            .into_iter()
            .filter(|reference| !reference.optional)
            .filter_map(|reference| reference.names.into_iter().next())
            .filter(|name| !given(name))
            .collect();
        missing.dedup();
        for name in missing {
            let message = format!("`{name}` is used here, and `inputParameters` does not give it");
            let hint = format!("\"inputParameters\": {{ \"{name}\": \"${{workflow.input.{name}}}\" }}");
            self.not_run.push(self.source.finding(&place, message).hint(hint));
        }
    }

    fn retry(&mut self, task: &workflow::Task) -> Option<Retry> {
        let place = pointer(&task.place, "retry");
        let Some(node) = self.source.at(&place) else { return Some(Retry::NONE) };
        let read = serde_json::from_str(self.source.text_of(node)).ok();
        if read.is_none() {
            self.find(&place, "`retry` cannot be read", "\"retry\": { \"intervalSeconds\": 1, \"maxAttempts\": 3 }");
        }
        read
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

    fn timeout(&mut self, root: &Node) -> Option<u64> {
        let read = serde_json::from_str(self.source.text_of(root.member("timeoutSeconds")?)).ok();
        if read.is_none() {
            let message = "`timeoutSeconds` must be a whole number of seconds; 0 is no limit";
            self.find("/timeoutSeconds", message, "\"timeoutSeconds\": 0");
        }
        read
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
                "/tasks/c/retry `retry` cannot be read",
                "/tasks/e/terminationStatus `terminationStatus` must be \"Completed\" or \"Failed\"",
                "/timeoutSeconds `timeoutSeconds` must be a whole number of seconds; 0 is no limit",
                "/failureWorkflow `failureWorkflow` must name a definition in the same folder",
                "/tasks/a/type this program does not run tasks of type `Simple`",
                "/tasks/b/branches/0/tasks/d/type this program does not run tasks of type `Wait`",
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
        assert_eq!(plan.unwrap().flow.http_steps()[0].1.input_parameters.as_deref(), Some(r#"{"é\"":1e2,"b":[1.0]}"#));
    }

    #[test]
    fn a_task_sees_what_was_surely_done_before_it_and_nothing_else() {
        let http = |next: &str, sees: &str| {
            format!(r#"{{"type": "Http", "inputParameters": {{"a": "${{{sees}}}"}}, {next}}}"#)
        };
        let (end, to) = (r#""end": true"#, |next: &str| format!(r#""nextTask": "{next}""#));
        let plan_of = |in_branch: &str, after: &str| {
            plan(&format!(
                r#"{{"name": "n", "startTask": "a", "tasks": {{"c": {}, "b": {{"type": "Parallel", "nextTask": "c", "branches": [
                    {{"startTask": "d", "tasks": {{"d": {}}}}}, {{"startTask": "e", "tasks": {{"e": {}}}}}]}}, "a": {}}}}}"#,
                http(end, after),
                http(end, in_branch),
                http(end, "workflow.input"),
                http(&to("b"), "workflow.input"),
            ))
        };
        let sees = |plan: Plan, name| {
            plan.flow.http_steps().into_iter().find(|(task, _)| *task == name).map(|(_, step)| step.sees.clone())
        };
        assert_eq!(sees(plan_of("tasks.a", "tasks.e").unwrap(), "c"), Some(vec!["e".to_owned()]));
        assert_eq!(sees(plan_of("$.tasks", "$").unwrap(), "d"), Some(vec!["a".to_owned()]));
        assert_eq!(sees(plan_of("$.tasks", "$").unwrap(), "c"), Some(["a", "d", "e", "b"].map(str::to_owned).into()));
        for (in_branch, after, place) in [
            ("tasks.e", "tasks.a", "/tasks/b/branches/0/tasks/d/inputParameters/a `e`"),
            ("tasks.d", "tasks.a", "/tasks/b/branches/0/tasks/d/inputParameters/a `d`"),
            ("tasks.a", "tasks.aa", "/tasks/c/inputParameters/a `aa`"),
        ] {
            let found = plan_of(in_branch, after).unwrap_err();
            assert_eq!(found, [format!("{place} is no task that is surely done before this one")]);
        }
    }

    /// Sound flows: tasks in an order that is not the written one, some of them Parallels, the last perhaps a Terminate.
    fn flows() -> impl Strategy<Value = String> {
        let kinds = proptest::collection::vec(0..3_usize, 1..6);
        (kinds, any::<bool>()).prop_perturb(|(kinds, terminates), mut random| {
            let task = |index: usize, kind: usize| {
                let leads = if index + 1 < kinds.len() {
                    format!("\"nextTask\": \"t{}\"", index + 1)
                } else {
                    "\"end\": true".to_owned()
                };
                let branch = |branch: usize| {
                    let name = format!("t{index}b{branch}");
                    format!(r#"{{"startTask": "{name}", "tasks": {{"{name}": {{"type": "Http", "end": true}}}}}}"#)
                };
                match kind {
                    _ if terminates && index + 1 == kinds.len() => {
                        format!(r#""t{index}": {{"type": "Terminate", "terminationStatus": "Completed"}}"#)
                    }
                    0 => format!(r#""t{index}": {{"type": "Http", {leads}}}"#),
                    count => {
                        let branches: Vec<_> = (0..count).map(branch).collect();
                        format!(r#""t{index}": {{"type": "Parallel", {leads}, "branches": [{}]}}"#, branches.join(", "))
                    }
                }
            };
            let mut tasks: Vec<_> = kinds.iter().enumerate().map(|(index, kind)| task(index, *kind)).collect();
            for at in (1..tasks.len()).rev() {
                tasks.swap(at, random.random_range(0..=at));
            }
            format!(r#"{{"name": "n", "startTask": "t0", "tasks": {{{}}}}}"#, tasks.join(", "))
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
        fn a_sound_definition_is_walked_to_its_end_every_task_once_in_its_order(text in flows()) {
            let (definition, findings) = Definition::read(Source::parse("x.json", text).unwrap());
            prop_assert_eq!(findings, []);
            let walked = walk(&Plan::of(&definition).unwrap().flow);
            let mut sorted = walked.clone();
            sorted.sort();
            prop_assert_eq!(&walked, &sorted);
            prop_assert_eq!(walked.len(), definition.flow().all_tasks().len());
        }

        #[test]
        fn a_route_that_is_changed_is_found_or_still_leads_through_every_task(
            text in flows(),
            from in "t[0-5]",
            to in "t[0-6]",
        ) {
            let text = text.replacen(&format!("\"nextTask\": \"{from}\""), &format!("\"nextTask\": \"{to}\""), 1);
            let (definition, findings) = Definition::read(Source::parse("x.json", text.clone()).unwrap());
            let plan = Plan::of(&definition).unwrap();
            if findings.is_empty() {
                prop_assert_eq!(walk(&plan.flow).len(), definition.flow().all_tasks().len(), "{}", text);
            }
        }
    }
}
