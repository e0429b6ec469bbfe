//! What a flow does next: a pure function of its plan and of what has happened so far. It does not know who carries the
//! actions out: the runner in this process, or a durable engine that keeps the history.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::component::{Completed, Failure};
use crate::plan::{Does, Flow, HttpStep, Status, Task};

/// What has happened in a flow, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// An attempt of an HTTP Task has ended.
    Attempted {
        /// The task's name.
        task: String,
        /// How it ended.
        ended: Ended,
    },
    /// All branches of a Parallel have ended.
    Joined {
        /// The task's name.
        task: String,
        /// How each of them ended.
        branches: Vec<End>,
    },
}

/// How an attempt ended, as far as that decides what comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Ended {
    /// In success.
    Completed,
    /// A repeat is right.
    Temporary {
        /// The wait that the API asked for.
        retry_after_seconds: Option<u64>,
    },
    /// A repeat is right, and nothing is to be waited for: the credentials have just been refreshed.
    Refreshed,
    /// A repeat is wrong or changes nothing.
    Permanent,
}

impl From<&Result<Completed, Failure>> for Ended {
    fn from(outcome: &Result<Completed, Failure>) -> Self {
        match outcome {
            Ok(_) => Self::Completed,
            // The one temporary 401 there is.
            Err(Failure::Temporary(temporary)) if temporary.response.as_ref().is_some_and(|r| r.status == 401) => {
                Self::Refreshed
            }
            Err(Failure::Temporary(temporary)) => {
                Self::Temporary { retry_after_seconds: temporary.retry_after_seconds }
            }
            Err(_) => Self::Permanent,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<'p> {
    /// Attempt an HTTP Task.
    Attempt {
        /// The task's name.
        task: &'p str,
        /// What to attempt.
        step: &'p HttpStep,
        /// The first attempt is 1.
        attempt: u64,
        /// The wait before it.
        after: Duration,
    },
    /// Run flows at once, each with a history of its own, and go on when all have ended.
    Fork {
        /// The task's name.
        task: &'p str,
        /// The branches of the Parallel.
        branches: &'p [Flow],
    },
    /// Nothing is left to do.
    End(End),
}

/// How a flow ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum End {
    /// Its last task has.
    Completed,
    /// A Terminate ended the whole run.
    Terminated {
        /// The task's name.
        task: String,
        /// Whether as a failure.
        failed: bool,
    },
    /// A task failed, and with it the whole run.
    Failed {
        /// The task's name.
        task: String,
        /// Why it was not attempted again.
        why: Why,
    },
    /// Another branch ended the run, and this one began nothing more.
    Stopped,
}

/// Why a task that failed is not attempted again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Why {
    /// A repeat is wrong or changes nothing.
    Permanent,
    /// All attempts that `retry` allows were made.
    AttemptsSpent {
        /// So many.
        attempts: u64,
    },
    /// The wait before the next attempt is longer than a run waits.
    WaitTooLong {
        /// The wait that is due.
        wait_seconds: u64,
        /// The longest that a run waits.
        longest_wait_seconds: u64,
    },
    /// The history names a task that the plan does not have: it is of another plan.
    NoSuchTask,
}

/// What comes next. No wait is longer than `longest_wait`: what would need one ends in failure, at once.
pub fn next_action<'p>(flow: &'p Flow, history: &[Event], longest_wait: Duration) -> Action<'p> {
    let Some(last) = history.last() else { return begin(flow, &flow.start) };
    match last {
        Event::Joined { task, branches } => match decisive(branches) {
            Some(end) => Action::End(end.clone()),
            None => go_on(flow, task),
        },
        Event::Attempted { task, ended } => match ended {
            Ended::Completed => go_on(flow, task),
            Ended::Permanent => failed(task, Why::Permanent),
            Ended::Temporary { .. } | Ended::Refreshed => {
                let ours = |event: &&Event| matches!(event, Event::Attempted { task: other, .. } if other == task);
                let attempts = history.iter().filter(ours).count() as u64;
                attempt_again(flow, task, attempts, ended, longest_wait)
            }
        },
    }
}

/// The end of a branch that is the end of the whole run. Whoever carries the branches out stops the others by the first; where
/// several ended all the same, nobody shall overlook a failure.
fn decisive(branches: &[End]) -> Option<&End> {
    let rank = |end: &&End| match end {
        End::Failed { .. } => 3,
        End::Terminated { .. } => 2,
        End::Stopped => 1,
        End::Completed => 0,
    };
    // Of equals the first one written.
    branches.iter().rev().max_by_key(rank).filter(|end| **end != End::Completed)
}

fn attempt_again<'p>(flow: &'p Flow, task: &str, attempts: u64, ended: &Ended, longest: Duration) -> Action<'p> {
    let Some(Task { name, does: Does::Http(step), .. }) = flow.task(task) else { return failed(task, Why::NoSuchTask) };
    if attempts >= step.retry.max_attempts {
        return failed(task, Why::AttemptsSpent { attempts });
    }
    let wait = match ended {
        // The API's wish is the least, the definition's backoff may be more.
        Ended::Temporary { retry_after_seconds } => {
            step.retry.wait_after(attempts).max(Duration::from_secs(retry_after_seconds.unwrap_or_default()))
        }
        _ => Duration::ZERO,
    };
    if wait > longest {
        let rounded_up = |time: Duration| time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
        let why = Why::WaitTooLong { wait_seconds: rounded_up(wait), longest_wait_seconds: rounded_up(longest) };
        return failed(task, why);
    }
    Action::Attempt { task: name, step, attempt: attempts + 1, after: wait }
}

fn failed<'p>(task: &str, why: Why) -> Action<'p> {
    Action::End(End::Failed { task: task.to_owned(), why })
}

fn go_on<'p>(flow: &'p Flow, done: &str) -> Action<'p> {
    match flow.task(done) {
        Some(Task { next: Some(next), .. }) => begin(flow, next),
        Some(_) => Action::End(End::Completed),
        None => failed(done, Why::NoSuchTask),
    }
}

fn begin<'p>(flow: &'p Flow, name: &str) -> Action<'p> {
    let Some(Task { name, does, .. }) = flow.task(name) else { return failed(name, Why::NoSuchTask) };
    match does {
        Does::Http(step) => Action::Attempt { task: name, step, attempt: 1, after: Duration::ZERO },
        Does::Parallel(branches) => Action::Fork { task: name, branches },
        Does::Terminate(status) => {
            Action::End(End::Terminated { task: name.clone(), failed: *status == Status::Failed })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Retry;

    const LONGEST: Duration = Duration::from_secs(60);

    fn http(name: &str, next: Option<&str>, max_attempts: u64) -> Task {
        let retry = Retry { interval_seconds: 1.0, max_attempts, backoff_rate: 2.0 };
        let step = HttpStep { text: String::new(), input_parameters: None, sees: Vec::new(), retry };
        Task { name: name.into(), does: Does::Http(step), next: next.map(Into::into) }
    }

    fn flow(tasks: Vec<Task>) -> Flow {
        Flow { start: tasks[0].name.clone(), tasks }
    }

    fn attempted(task: &str, ended: Ended) -> Event {
        Event::Attempted { task: task.into(), ended }
    }

    fn temporary(retry_after_seconds: Option<u64>) -> Ended {
        Ended::Temporary { retry_after_seconds }
    }

    /// `a 2 after 1 s`, or the end.
    fn short(action: &Action<'_>) -> String {
        match action {
            Action::Attempt { task, attempt, after, .. } => format!("{task} {attempt} after {} s", after.as_secs_f64()),
            Action::Fork { task, branches } => format!("{task} forks {}", branches.len()),
            Action::End(end) => format!("{end:?}"),
        }
    }

    fn next(flow: &Flow, history: &[Event]) -> String {
        short(&next_action(flow, history, LONGEST))
    }

    #[test]
    fn tasks_follow_one_another_to_the_end() {
        let flow = flow(vec![http("a", Some("b"), 1), http("b", None, 1)]);
        let done = |task| attempted(task, Ended::Completed);
        assert_eq!(next(&flow, &[]), "a 1 after 0 s");
        assert_eq!(next(&flow, &[done("a")]), "b 1 after 0 s");
        assert_eq!(next(&flow, &[done("a"), done("b")]), "Completed");
    }

    #[test]
    fn a_failure_for_now_is_attempted_again_after_its_wait_until_the_attempts_are_spent() {
        let flow = flow(vec![http("a", None, 3)]);
        let mut history = vec![attempted("a", temporary(None))];
        assert_eq!(next(&flow, &history), "a 2 after 1 s");
        history.push(attempted("a", temporary(None)));
        assert_eq!(next(&flow, &history), "a 3 after 2 s");
        history.push(attempted("a", temporary(None)));
        assert_eq!(next(&flow, &history), "Failed { task: \"a\", why: AttemptsSpent { attempts: 3 } }");
    }

    #[test]
    fn the_wait_is_what_the_api_asks_for_at_least_and_none_after_a_refresh() {
        let flow = flow(vec![http("a", None, 9)]);
        let asked = |seconds| temporary(Some(seconds));
        for (ended, wait) in
            [(temporary(None), 2), (asked(0), 2), (asked(1), 2), (asked(7), 7), (asked(60), 60), (Ended::Refreshed, 0)]
        {
            let history = [attempted("a", temporary(None)), attempted("a", ended)];
            assert_eq!(next(&flow, &history), format!("a 3 after {wait} s"));
        }
    }

    #[test]
    fn a_wait_beyond_the_longest_ends_the_flow_at_once_with_its_figure() {
        let flow = flow(vec![http("a", None, 9)]);
        for wait_seconds in [61, 3600, u64::MAX] {
            assert_eq!(
                next_action(&flow, &[attempted("a", temporary(Some(wait_seconds)))], LONGEST),
                failed("a", Why::WaitTooLong { wait_seconds, longest_wait_seconds: 60 })
            );
        }
    }

    #[test]
    fn a_permanent_failure_and_a_terminate_end_the_flow() {
        let end = Task { name: "t".into(), does: Does::Terminate(Status::Failed), next: None };
        let flow = flow(vec![http("a", Some("t"), 9), end]);
        assert_eq!(next(&flow, &[attempted("a", Ended::Permanent)]), "Failed { task: \"a\", why: Permanent }");
        assert_eq!(next(&flow, &[attempted("a", Ended::Completed)]), "Terminated { task: \"t\", failed: true }");
    }

    #[test]
    fn of_the_ends_of_branches_a_failure_decides_before_a_terminate() {
        let parallel = Task { name: "p".into(), does: Does::Parallel(Vec::new()), next: Some("a".into()) };
        let flow = flow(vec![parallel, http("a", None, 1)]);
        assert_eq!(next(&flow, &[]), "p forks 0");
        let failed = End::Failed { task: "x".into(), why: Why::Permanent };
        let terminated = End::Terminated { task: "y".into(), failed: false };
        for (branches, decided) in [
            (vec![End::Completed, End::Completed], "a 1 after 0 s".to_owned()),
            (vec![End::Completed, terminated.clone(), End::Stopped], format!("{terminated:?}")),
            (vec![terminated, End::Stopped, failed.clone()], format!("{failed:?}")),
        ] {
            assert_eq!(next(&flow, &[Event::Joined { task: "p".into(), branches }]), decided);
        }
    }

    #[test]
    fn a_history_of_another_plan_ends_in_failure_and_not_in_a_panic() {
        let flow = flow(vec![http("a", None, 1)]);
        for ended in [Ended::Completed, temporary(None)] {
            assert_eq!(next(&flow, &[attempted("z", ended)]), "Failed { task: \"z\", why: NoSuchTask }");
        }
    }

    proptest! {
        #[test]
        fn however_attempts_end_a_flow_ends_within_its_attempts_and_its_waits(
            tasks in 1..6_usize,
            most in 1..5_u64,
            ends in proptest::collection::vec(prop_oneof![
                5 => Just(Ended::Completed),
                5 => proptest::option::of(0..90_u64).prop_map(temporary),
                1 => Just(Ended::Permanent),
            ], 40),
        ) {
            let name = |index: usize| format!("t{index}");
            let flow = flow((0..tasks).map(|index| {
                let next = name(index + 1);
                http(&name(index), (index + 1 < tasks).then_some(next.as_str()), most)
            }).collect());
            let mut history: Vec<Event> = Vec::new();
            let mut ends = ends.into_iter();
            loop {
                // The same past has the same future, also after it was written down and read again.
                let kept: Vec<Event> = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
                prop_assert_eq!(&kept, &history);
                match next_action(&flow, &history, LONGEST) {
                    Action::Attempt { task, attempt, after, .. } => {
                        prop_assert!(attempt <= most && after <= LONGEST);
                        prop_assert!(history.len() < tasks * most as usize);
                        history.push(attempted(task, ends.next().unwrap()));
                    }
                    Action::End(End::Completed) => {
                        let done = history.iter().filter(|event| matches!(event, Event::Attempted { ended: Ended::Completed, .. }));
                        prop_assert_eq!(done.count(), tasks);
                        break;
                    }
                    Action::End(end) => {
                        let failed = matches!(end, End::Failed { .. });
                        prop_assert!(failed);
                        break;
                    }
                    Action::Fork { .. } => unreachable!("there is none"),
                }
            }
        }
    }
}
