//! What a run tells as it happens.

use serde::Serialize;

use super::record::InFlight;
use crate::component::{Failure, Run};
use crate::report::{effect_name, outcome_name, reason_of, response_of};

/// Something that has happened or, for what cannot be taken back, is about to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Progress<'a> {
    /// The run begins.
    Started {
        /// Its id.
        run: String,
        /// The definition's name.
        name: &'a str,
    },
    /// A request is about to leave. It may not: a refusal by policy, or of a connection, is told as the attempt's end.
    Sending {
        /// The task's name.
        task: &'a str,
        /// The first attempt is 1.
        attempt: u64,
        /// What `retry` allows in all.
        max_attempts: u64,
        /// The request's method.
        method: &'a str,
        /// The request's URL.
        url: &'a str,
    },
    /// An attempt has ended.
    Attempted {
        /// The task's name.
        task: &'a str,
        /// The first attempt is 1.
        attempt: u64,
        /// `completed`, or the failure's case.
        outcome: &'static str,
        /// Why it is a failure.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        /// Of the answer, if there was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Whether a request may have left.
        sent: bool,
        /// Whether a failure for now may have changed anything: `none` or `possible`.
        #[serde(skip_serializing_if = "Option::is_none")]
        effect: Option<&'static str>,
        /// What sending and receiving took.
        #[serde(skip_serializing_if = "Option::is_none")]
        milliseconds: Option<u128>,
    },
    /// The next attempt has its time.
    Waiting {
        /// The task's name.
        task: &'a str,
        /// How long.
        seconds: f64,
    },
    /// Branches begin, all at once.
    Forked {
        /// The task's name.
        task: &'a str,
        /// How many.
        branches: usize,
    },
    /// All branches have ended.
    Joined {
        /// The task's name.
        task: &'a str,
    },
}

impl<'a> Progress<'a> {
    pub(super) fn sending(task: &'a str, max_attempts: u64, in_flight: &'a InFlight) -> Self {
        let InFlight { attempt, method, url } = in_flight;
        Self::Sending { task, attempt: *attempt, max_attempts, method, url }
    }

    pub(super) fn attempted(task: &'a str, attempt: u64, run: &'a Run) -> Self {
        Self::Attempted {
            task,
            attempt,
            outcome: outcome_name(&run.outcome),
            reason: run.outcome.as_ref().err().map(reason_of),
            status: response_of(&run.outcome).map(|response| response.status),
            sent: run.was_sent(),
            effect: match &run.outcome {
                Err(Failure::Temporary(temporary)) => Some(effect_name(temporary.effect)),
                _ => None,
            },
            milliseconds: run.exchange.as_ref().map(|exchange| exchange.total.as_millis()),
        }
    }
}
