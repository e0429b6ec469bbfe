//! A definition → what a run of it does: the types of tasks that a run knows, their `retry`, the time for the whole.
//! What is wrong with that is found here, all at once, before anything runs.

mod planning;
mod references;

use std::time::Duration;

use serde::Deserialize;

use self::planning::Planning;

use crate::source::{Finding, Source};
use crate::workflow::Definition;

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

/// `failureWorkflow`: what is run when a definition fails. The name of a file in its folder, and no way out of that.
pub fn failure_workflow(source: &Source) -> Option<&str> {
    let name = source.root().member("failureWorkflow")?.as_str()?;
    (!name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_the_backoff_rate_and_never_overflow() {
        let retry = Retry { interval_seconds: 1.5, max_attempts: 9, backoff_rate: 2.0 };
        assert_eq!([1, 2, 3].map(|attempts| retry.wait_after(attempts).as_millis()), [1500, 3000, 6000]);
        assert_eq!(retry.wait_after(u64::MAX), Duration::MAX);
        assert_eq!(Retry { interval_seconds: 0.0, ..retry }.wait_after(u64::MAX), Duration::ZERO);
    }
}
