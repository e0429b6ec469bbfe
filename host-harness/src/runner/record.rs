//! What a run has done so far: the inputs and outputs of its tasks, and what is in flight. From it come the values that
//! later tasks see, and in the end the report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;
use uuid::Uuid;

use crate::component::{CallError, Effect, Failure, Run};
use crate::next_action::{End, Why};
use crate::report::{FailureReport, TaskOutput};

/// The record of one run.
pub(super) struct Record {
    run: Uuid,
    input: Box<RawValue>,
    done: Mutex<Done>,
    /// What ended the run, when it did not come to its own end.
    halted: watch::Sender<Option<End>>,
}

#[derive(Default)]
struct Done {
    tasks: IndexMap<String, TaskRecord>,
    requests: u64,
}

#[derive(Default)]
struct TaskRecord {
    input: Option<Box<RawValue>>,
    output: Option<Box<RawValue>>,
    /// Of the last attempt, and what kept the component from an answer.
    failure: Option<(Failure, Option<CallError>)>,
    /// An attempt may have taken effect, and none is known to have.
    in_doubt: bool,
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
    /// Requests that may have left, and whose end is known.
    pub requests: u64,
    /// From the start to the end.
    pub took: Duration,
    tasks: IndexMap<String, TaskRecord>,
}

impl Record {
    pub(super) fn new(run: Uuid, input: Box<RawValue>) -> Self {
        Self { run, input, done: Mutex::default(), halted: watch::Sender::default() }
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

    /// Nothing more begins. The first end is the one that counts.
    pub(super) fn halt(&self, end: &End) {
        self.halted.send_if_modified(|halted| {
            let first = halted.is_none();
            halted.get_or_insert_with(|| end.clone());
            first
        });
    }

    pub(super) fn halted_by(&self) -> Option<End> {
        self.halted.borrow().clone()
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.borrow().is_some()
    }

    pub(super) async fn halted(&self) {
        // The sender is this record's own, and so outlives the wait.
        let _ = self.halted.subscribe().wait_for(Option::is_some).await;
    }

    /// `inputParameters` are resolved once: a repeat sends what the first attempt sent.
    pub(super) fn input_of(&self, task: &str) -> Option<Box<RawValue>> {
        self.done().tasks.get(task)?.input.clone()
    }

    pub(super) fn begun(&self, task: &str, input: Box<RawValue>) {
        self.done().tasks.entry(task.to_owned()).or_default().input = Some(input);
    }

    pub(super) fn sending(&self, task: &str, in_flight: InFlight) {
        self.done().tasks.entry(task.to_owned()).or_default().in_flight = Some(in_flight);
    }

    pub(super) fn ended(&self, task: &str, run: Run) {
        let mut done = self.done();
        let sent = run.was_sent();
        done.requests += u64::from(sent);
        let record = done.tasks.entry(task.to_owned()).or_default();
        record.in_flight = None;
        match run.outcome {
            Ok(completed) => {
                record.output = to_raw_value(&TaskOutput(&completed)).ok();
                (record.failure, record.in_doubt) = (None, false);
            }
            Err(failure) => {
                record.in_doubt |= match &failure {
                    Failure::Temporary(temporary) => temporary.effect == Effect::Possible,
                    Failure::PermanentUnknown(_) => true,
                    Failure::ExecutionFailed => sent,
                    _ => false,
                };
                record.failure = Some((failure, run.error));
            }
        }
    }

    /// What expressions of `inputParameters` see: `{workflow: {input}, tasks: {"name": {input, output}}}`, of the tasks that
    /// they look at.
    pub(super) fn scope(&self, sees: &[String]) -> String {
        #[derive(Serialize)]
        struct Workflow<'a> {
            input: &'a RawValue,
        }
        #[derive(Serialize)]
        struct Scope<'a> {
            workflow: Workflow<'a>,
            tasks: IndexMap<&'a str, TaskReport<'a>>,
        }
        let done = self.done();
        let tasks = sees.iter().filter_map(|name| {
            let TaskRecord { input, output, .. } = done.tasks.get(name)?;
            Some((name.as_str(), TaskReport { input: input.as_deref(), output: output.as_deref(), failure: None }))
        });
        let scope = Scope { workflow: Workflow { input: &self.input }, tasks: tasks.collect() };
        serde_json::to_string(&scope).unwrap_or_default()
    }

    pub(super) fn report(self, name: &str, outcome: RunOutcome, took: Duration) -> Report {
        let Done { tasks, requests } = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report { run: self.run.to_string(), name: name.to_owned(), outcome, input: self.input, requests, took, tasks }
    }
}

/// A task that was begun.
#[derive(Serialize)]
struct TaskReport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureReport<'a>>,
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
    /// The last failure of the task that ended the run, and what kept the component from an answer.
    pub fn failure(&self) -> Option<(&Failure, Option<&CallError>)> {
        let RunOutcome::Failed { task, .. } = &self.outcome else { return None };
        let (failure, error) = self.tasks.get(task)?.failure.as_ref()?;
        Some((failure, error.as_ref()))
    }

    /// What was in flight when the run ended: whether it took effect is not known.
    pub fn in_flight(&self) -> impl Iterator<Item = (&str, &InFlight)> {
        self.tasks.iter().filter_map(|(name, task)| Some((name.as_str(), task.in_flight.as_ref()?)))
    }

    /// Tasks of which an attempt may have taken effect, and none is known to have, each with its last failure.
    pub fn in_doubt(&self) -> impl Iterator<Item = (&str, &Failure)> {
        let doubtful = self.tasks.iter().filter(|(_, task)| task.in_doubt && task.in_flight.is_none());
        doubtful.filter_map(|(name, task)| Some((name.as_str(), &task.failure.as_ref()?.0)))
    }

    /// Whether the run has surely changed nothing but by requests that failed without effect.
    pub fn did_nothing(&self) -> bool {
        let without = |task: &TaskRecord| task.output.is_none() && task.in_flight.is_none() && !task.in_doubt;
        self.tasks.values().all(without)
    }

    /// The tasks that have completed, each with its output.
    pub fn outputs(&self) -> IndexMap<&str, &RawValue> {
        self.tasks.iter().filter_map(|(name, task)| Some((name.as_str(), task.output.as_deref()?))).collect()
    }

    /// Why the run ended as it did, in one sentence.
    pub fn reason(&self) -> Option<String> {
        Some(match &self.outcome {
            RunOutcome::Completed | RunOutcome::Interrupted => return None,
            RunOutcome::Failed { task, why } => match why {
                Why::Permanent => match self.failure() {
                    Some((Failure::PermanentUnknown(_), _)) => {
                        format!("`{task}` may have taken effect, and is not attempted again")
                    }
                    Some((Failure::ExecutionFailed, _)) => format!("`{task}` could not be run"),
                    _ => format!("`{task}` failed, and would fail again"),
                },
                Why::AttemptsSpent { attempts: 1 } => format!("`{task}` failed in its only attempt"),
                Why::AttemptsSpent { attempts } => format!("`{task}` failed in all {attempts} attempts"),
                Why::WaitTooLong { wait_seconds, longest_wait_seconds } => format!(
                    "`{task}` may be attempted again in {wait_seconds} s, and this run waits {longest_wait_seconds} s at most"
                ),
                Why::NoSuchTask => format!("there is no task `{task}`"),
            },
            RunOutcome::Terminated { task } => format!("`{task}` ended it as failed"),
            RunOutcome::TimedOut { most } => format!("its timeoutSeconds have passed: {} s", most.as_secs()),
        })
    }

    /// The report as the input of a failure workflow: without the outputs of tasks, which may be larger than an input.
    pub fn to_input(&self) -> Result<Box<RawValue>, serde_json::Error> {
        to_raw_value(&Told { report: self, outputs: false })
    }
}

/// The whole report as JSON: the last event of a run.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Told { report: self, outputs: true }.serialize(serializer)
    }
}

struct Told<'a> {
    report: &'a Report,
    outputs: bool,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { report, outputs } = self;
        let decisive = report.outcome.task();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", "ended")?;
        map.serialize_entry("run", &report.run)?;
        map.serialize_entry("name", &report.name)?;
        map.serialize_entry("outcome", report.outcome.name())?;
        map.serialize_entry("task", &decisive)?;
        map.serialize_entry("reason", &report.reason())?;
        map.serialize_entry("failure", &report.failure().map(|(failure, _)| FailureReport(failure)))?;
        map.serialize_entry("error", &report.failure().and_then(|(_, error)| Some(&error?.0)))?;
        map.serialize_entry("requests", &report.requests)?;
        map.serialize_entry("inFlight", &report.in_flight().collect::<BTreeMap<_, _>>())?;
        map.serialize_entry("inDoubt", &report.in_doubt().map(|(name, _)| name).collect::<BTreeSet<_>>())?;
        map.serialize_entry("milliseconds", &report.took.as_millis())?;
        map.serialize_entry("input", &report.input)?;
        let tasks: IndexMap<_, _> = report
            .tasks
            .iter()
            .map(|(name, task)| (name, task_report(task, *outputs, decisive == Some(name))))
            .collect();
        map.serialize_entry("tasks", &tasks)?;
        map.end()
    }
}

/// The failure of the task that ended the run stands beside the tasks already.
fn task_report(task: &TaskRecord, output: bool, decisive: bool) -> TaskReport<'_> {
    TaskReport {
        input: task.input.as_deref(),
        output: task.output.as_deref().filter(|_| output),
        failure: task.failure.as_ref().filter(|_| !decisive).map(|(failure, _)| FailureReport(failure)),
    }
}
