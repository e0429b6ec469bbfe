//! A definition → a plan, and all that is wrong with it beyond its connections and its HTTP Tasks.

use std::time::Duration;

use super::references::Reference;
use super::{Does, Flow, HttpStep, Plan, Retry, Status, Task, failure_workflow};
use crate::source::{Finding, Node, Source, pointer};
use crate::workflow::{self, Definition};

/// A plan in the making, and what is wrong with it.
pub(super) struct Planning<'s> {
    source: &'s Source,
    /// Whoever runs the definition.
    pub(super) findings: Vec<Finding>,
    /// Expressions that look at what is not there, or not surely done before.
    unseen: Vec<Finding>,
    /// What only keeps this program from running it.
    pub(super) not_run: Vec<Finding>,
    /// Every task was found where the one before it leads.
    in_order: bool,
}

impl<'s> Planning<'s> {
    pub(super) fn plan(definition: &'s Definition) -> (Plan, Self) {
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
