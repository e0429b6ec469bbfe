//! A plan, carried out in this process. It is for trying: it promises nothing after a crash, and keeps nothing. What it
//! tells is true whenever it stops: every request is told before it can leave, every answer after it came.

mod progress;
mod record;

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

pub use self::progress::Progress;
use self::record::Record;
pub use self::record::{InFlight, Report, RunOutcome};
use crate::HttpTask;
use crate::component::{CallError, Context, Failure, Problem, Run};
use crate::next_action::{Action, End, Ended, Event, next_action};
use crate::plan::{Flow, HttpStep, Plan};

/// The longest wait before an attempt unless another is set: a minute is what somebody who tries a definition sits
/// through; what must wait longer belongs to an engine.
pub const DEFAULT_LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Runs plans.
pub struct Runner<'h> {
    host: &'h HttpTask,
    longest_wait: Duration,
    tell: &'h (dyn Fn(&Progress<'_>) + Sync),
}

impl<'h> Runner<'h> {
    /// A runner that sends by this host, and tells what happens as it does.
    pub fn new(host: &'h HttpTask, longest_wait: Duration, tell: &'h (dyn Fn(&Progress<'_>) + Sync)) -> Self {
        Self { host, longest_wait, tell }
    }

    /// Runs a plan over the workflow's input, until its end or until `interrupted` is. An interrupted run ends at once:
    /// what was in flight is told.
    pub async fn run(&self, plan: &Plan, input: Box<RawValue>, interrupted: impl Future<Output = ()>) -> Report {
        let started = Instant::now();
        let record = Record::new(Uuid::new_v4(), input);
        (self.tell)(&Progress::Started { run: record.run(), name: &plan.name });
        let flow = self.drive(&plan.flow, &record);
        let flow = async {
            match plan.timeout {
                Some(most) => timeout(most, flow).await.map_err(|_| RunOutcome::TimedOut { most }),
                None => Ok(flow.await),
            }
        };
        let outcome = tokio::select! {
            biased;
            () = interrupted => RunOutcome::Interrupted,
            ended = flow => match ended {
                // The first end counts: what ended after it did so because of it, or was under way already.
                Ok(end) => record.halted_by().unwrap_or(end).into(),
                Err(outcome) => outcome,
            },
        };
        record.report(&plan.name, outcome, started.elapsed())
    }

    /// Whatever ends one flow otherwise than in success ends the run: the others begin nothing more. What is in flight then
    /// comes to its end, so that it is known.
    fn drive<'a>(&'a self, flow: &'a Flow, record: &'a Record) -> Pin<Box<dyn Future<Output = End> + Send + 'a>> {
        Box::pin(async move {
            let mut history = Vec::new();
            loop {
                match next_action(flow, &history, self.longest_wait) {
                    Action::End(End::Completed) => return End::Completed,
                    Action::End(end) => {
                        record.halt(&end);
                        return end;
                    }
                    _ if record.is_halted() => return End::Stopped,
                    Action::Attempt { task, step, attempt, after } => {
                        if !self.wait(task, after, record).await {
                            return End::Stopped;
                        }
                        let ended = self.attempt(task, step, attempt, record).await;
                        history.push(Event::Attempted { task: task.to_owned(), ended });
                    }
                    Action::Fork { task, branches } => {
                        (self.tell)(&Progress::Forked { task, branches: branches.len() });
                        let branches = join_all(branches.iter().map(|branch| self.drive(branch, record))).await;
                        (self.tell)(&Progress::Joined { task });
                        history.push(Event::Joined { task: task.to_owned(), branches });
                    }
                }
            }
        })
    }

    /// Waits, and says whether the run still goes on.
    async fn wait(&self, task: &str, time: Duration, record: &Record) -> bool {
        if !time.is_zero() {
            (self.tell)(&Progress::Waiting { task, seconds: time.as_secs_f64() });
            tokio::select! {
                () = sleep(time) => {}
                () = record.halted() => {}
            }
        }
        !record.is_halted()
    }

    async fn attempt(&self, task: &str, step: &HttpStep, attempt: u64, record: &Record) -> Ended {
        let run = match self.begin(task, step, attempt, record).await {
            Ok((input, context)) => self.host.run(&step.text, input.get(), &context).await,
            Err(run) => run,
        };
        let ended = Ended::from(&run.outcome);
        (self.tell)(&Progress::attempted(task, attempt, &run));
        record.ended(task, run);
        ended
    }

    /// All that comes before a request can leave, and the word that it is about to.
    async fn begin(
        &self,
        task: &str,
        step: &HttpStep,
        attempt: u64,
        record: &Record,
    ) -> Result<(Box<RawValue>, Context), Run> {
        let input = match record.input_of(task) {
            Some(input) => input,
            None => self.resolve(step, record).await?,
        };
        record.begun(task, input.clone());
        // One key for all attempts of this task in this run.
        let context = Context { idempotency_key: Some(record.key_of(task)) };
        let prepared = self.host.prepare(&step.text, input.get(), &context).await.map_err(Run::failed)?;
        let request = prepared.map_err(Run::invalid)?.request;
        let in_flight = InFlight { attempt, method: request.method, url: request.url };
        (self.tell)(&Progress::sending(task, step.retry.max_attempts, &in_flight));
        record.sending(task, in_flight);
        Ok((input, context))
    }

    /// `inputParameters` over what the run has done before.
    async fn resolve(&self, step: &HttpStep, record: &Record) -> Result<Box<RawValue>, Run> {
        let Some(parameters) = &step.input_parameters else { return Ok(empty_object()) };
        let resolved = self.host.resolve(parameters, &record.scope(&step.sees)).await.map_err(Run::failed)?;
        let input = resolved.map_err(|problems| Run::invalid(problems.into_iter().map(in_parameters).collect()))?;
        RawValue::from_string(input).map_err(|error| Run::failed(CallError(error.to_string())))
    }
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

/// A problem of the template as a problem of the task object that it is a part of.
pub fn in_parameters(problem: Problem) -> Problem {
    Problem { place: format!("/inputParameters{}", problem.place), ..problem }
}

impl Run {
    fn failed(error: CallError) -> Self {
        Self { outcome: Err(Failure::ExecutionFailed), exchange: None, error: Some(error) }
    }

    fn invalid(problems: Vec<Problem>) -> Self {
        Self { outcome: Err(Failure::PermanentInvalid(problems)), exchange: None, error: None }
    }
}
