//! What a run has done so far: the inputs and outputs of its tasks, and what is in flight. From it come the values that
//! later tasks see, and in the end the report.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;
use uuid::Uuid;

use crate::component::{CallError, Completed, Failure, Run};
use crate::next_action::{End, Why};
use crate::report::{OutcomeReport, TaskOutput};

/// The record of one run.
pub(super) struct Record {
    run: Uuid,
    input: Box<RawValue>,
    done: Mutex<Done>,
    halted: watch::Sender<bool>,
}

#[derive(Default)]
struct Done {
    tasks: IndexMap<String, TaskRecord>,
    requests: u64,
}

struct TaskRecord {
    input: Box<RawValue>,
    output: Option<Box<RawValue>>,
    outcome: Option<(Result<Completed, Failure>, Option<CallError>)>,
    in_flight: Option<InFlight>,
}

/// A request that was about to leave, and whose end is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InFlight {
    /// The first attempt is 1.
    pub attempt: u64,
    /// The request's method.
    pub method: String,
    /// The request's URL.
    pub url: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// All of it was done, or a Terminate said so.
    Completed,
    /// A task failed.
    Failed {
        /// The task's name.
        task: String,
        /// Why it was not attempted again.
        why: Why,
    },
    /// A Terminate ended it as a failure.
    Terminated {
        /// The task's name.
        task: String,
    },
    /// The definition's `timeoutSeconds` passed.
    TimedOut {
        /// So long they were.
        most: Duration,
    },
    /// Somebody ended it.
    Interrupted,
}

impl From<End> for RunOutcome {
    fn from(end: End) -> Self {
        match end {
            End::Completed | End::Terminated { failed: false, .. } => Self::Completed,
            End::Terminated { task, failed: true } => Self::Terminated { task },
            End::Failed { task, why } => Self::Failed { task, why },
            // Only what ends the run stops a flow, and that is then the run's end.
            End::Stopped => Self::Interrupted,
        }
    }
}

/// What a run did.
pub struct Report {
    /// Its id.
    pub run: String,
    /// The definition's name.
    pub name: String,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The workflow's input.
    pub input: Box<RawValue>,
    /// Requests that left, as far as their end is known.
    pub requests: u64,
    /// From the start to the end.
    pub took: Duration,
    tasks: IndexMap<String, TaskRecord>,
}

impl Record {
    pub(super) fn new(run: Uuid, input: Box<RawValue>) -> Self {
        Self { run, input, done: Mutex::default(), halted: watch::Sender::new(false) }
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&self) -> String {
        self.run.to_string()
    }

    /// The idempotency key of a task: made of run and task, the same for every attempt.
    pub(super) fn key_of(&self, task: &str) -> String {
        Uuid::new_v5(&self.run, task.as_bytes()).to_string()
    }

    /// Nothing more begins.
    pub(super) fn halt(&self) {
        self.halted.send_replace(true);
    }

    pub(super) fn is_halted(&self) -> bool {
        *self.halted.borrow()
    }

    pub(super) async fn halted(&self) {
        // The sender is this record's own, and so outlives the wait.
        let _ = self.halted.subscribe().wait_for(|halted| *halted).await;
    }

    /// `inputParameters` are resolved once: a repeat sends what the first attempt sent.
    pub(super) fn input_of(&self, task: &str) -> Option<Box<RawValue>> {
        self.done().tasks.get(task).map(|task| task.input.clone())
    }

    pub(super) fn sending(&self, task: &str, input: Box<RawValue>, in_flight: InFlight) {
        let mut done = self.done();
        let record = done.tasks.entry(task.to_owned()).or_insert_with(|| TaskRecord::new(input));
        record.in_flight = Some(in_flight);
    }

    pub(super) fn ended(&self, task: &str, run: Run) {
        let mut done = self.done();
        done.requests += u64::from(run.exchange.is_some());
        let record = done.tasks.entry(task.to_owned()).or_insert_with(|| TaskRecord::new(RawValue::NULL.to_owned()));
        record.in_flight = None;
        record.output = run.outcome.as_ref().ok().and_then(|completed| to_raw_value(&TaskOutput(completed)).ok());
        record.outcome = Some((run.outcome, run.error));
    }

    /// What expressions of `inputParameters` see: `{workflow: {input}, tasks: {"name": {input, output}}}`.
    pub(super) fn scope(&self) -> String {
        #[derive(Serialize)]
        struct Workflow<'a> {
            input: &'a RawValue,
        }
        #[derive(Serialize)]
        struct Scope<'a> {
            workflow: Workflow<'a>,
            tasks: &'a IndexMap<String, TaskRecord>,
        }
        let done = self.done();
        let scope = Scope { workflow: Workflow { input: &self.input }, tasks: &done.tasks };
        serde_json::to_string(&scope).unwrap_or_default()
    }

    pub(super) fn report(self, name: &str, outcome: RunOutcome, took: Duration) -> Report {
        let Done { tasks, requests } = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report { run: self.run.to_string(), name: name.to_owned(), outcome, input: self.input, requests, took, tasks }
    }
}

impl TaskRecord {
    fn new(input: Box<RawValue>) -> Self {
        Self { input, output: None, outcome: None, in_flight: None }
    }
}

/// A task that was begun: its input, and its output when it has one.
impl Serialize for TaskRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("input", &self.input)?;
        if let Some(output) = &self.output {
            map.serialize_entry("output", output)?;
        }
        map.end()
    }
}

impl RunOutcome {
    /// `completed`, `failed`, `timed-out` or `interrupted`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed { .. } | Self::Terminated { .. } => "failed",
            Self::TimedOut { .. } => "timed-out",
            Self::Interrupted => "interrupted",
        }
    }

    /// The task that ended the run.
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::Failed { task, .. } | Self::Terminated { task } => Some(task),
            _ => None,
        }
    }
}

impl Report {
    /// The last outcome of the task that failed, and what kept the component from an answer.
    pub fn failure(&self) -> Option<(&Failure, Option<&CallError>)> {
        let RunOutcome::Failed { task, .. } = &self.outcome else { return None };
        let (outcome, error) = self.tasks.get(task)?.outcome.as_ref()?;
        outcome.as_ref().err().map(|failure| (failure, error.as_ref()))
    }

    /// What was in flight when the run ended: whether it took effect is not known.
    pub fn in_flight(&self) -> impl Iterator<Item = (&str, &InFlight)> {
        self.tasks.iter().filter_map(|(name, task)| Some((name.as_str(), task.in_flight.as_ref()?)))
    }

    /// The tasks that have completed, each with its output.
    pub fn outputs(&self) -> IndexMap<&str, &RawValue> {
        self.tasks.iter().filter_map(|(name, task)| Some((name.as_str(), task.output.as_deref()?))).collect()
    }

    /// Why the run ended as it did, in one sentence.
    pub fn reason(&self) -> Option<String> {
        let seconds = |time: &Duration| format!("{} s", time.as_secs_f64());
        Some(match &self.outcome {
            RunOutcome::Completed | RunOutcome::Interrupted => return None,
            RunOutcome::Failed { task, why } => match why {
                Why::Permanent => format!("`{task}` failed for good"),
                Why::AttemptsSpent { attempts: 1 } => format!("`{task}` failed, and has no `retry`"),
                Why::AttemptsSpent { attempts } => format!("`{task}` failed in all {attempts} attempts"),
                Why::WaitTooLong { wait, longest } => format!(
                    "`{task}` may be attempted again in {}, and this run waits {} at most",
                    seconds(wait),
                    seconds(longest)
                ),
                Why::NoSuchTask => format!("there is no task `{task}`"),
            },
            RunOutcome::Terminated { task } => format!("`{task}` ended it as failed"),
            RunOutcome::TimedOut { most } => format!("its timeoutSeconds have passed: {}", seconds(most)),
        })
    }
}

/// The whole report as JSON: the last event of a run. The failure workflow gets it as its input.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", "ended")?;
        map.serialize_entry("run", &self.run)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("outcome", self.outcome.name())?;
        map.serialize_entry("task", &self.outcome.task())?;
        map.serialize_entry("reason", &self.reason())?;
        let failed = self.outcome.task().and_then(|task| self.tasks.get(task)?.outcome.as_ref());
        map.serialize_entry("failure", &failed.map(|(outcome, _)| OutcomeReport(outcome)))?;
        map.serialize_entry("error", &failed.and_then(|(_, error)| Some(&error.as_ref()?.0)))?;
        map.serialize_entry("requests", &self.requests)?;
        map.serialize_entry("inFlight", &self.in_flight().collect::<BTreeMap<_, _>>())?;
        map.serialize_entry("milliseconds", &self.took.as_millis())?;
        map.serialize_entry("input", &self.input)?;
        map.serialize_entry("tasks", &self.tasks)?;
        map.end()
    }
}
