//! The stages of connecting, each told as it begins and held to its limit, so that whoever waits knows for what.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ConnectError;

/// A part of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Resolving,
    Connecting,
    /// The TLS handshake, where there is one.
    Securing,
}

/// How long the parts of connecting took. What a connection did without is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectTimes {
    /// Resolving the name.
    pub resolving: Option<Duration>,
    /// Connecting by TCP, and through a proxy where there is one.
    pub connecting: Option<Duration>,
    /// The TLS handshake.
    pub securing: Option<Duration>,
}

impl ConnectTimes {
    /// All of it.
    pub fn total(&self) -> Duration {
        [self.resolving, self.connecting, self.securing].into_iter().flatten().sum()
    }
}

/// How far an exchange has come on its way to a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phase {
    /// Nothing has been dialled: a pooled connection, or none needed yet.
    Ready,
    Dialling {
        stage: Stage,
        since: Instant,
        times: ConnectTimes,
    },
    Connected {
        times: ConnectTimes,
    },
}

impl Phase {
    fn entered(self, stage: Stage) -> Self {
        let now = Instant::now();
        Self::Dialling { stage, since: now, times: self.times(now) }
    }

    pub(super) fn connected(self) -> Self {
        Self::Connected { times: self.times(Instant::now()) }
    }

    /// What has ended by now.
    fn times(self, now: Instant) -> ConnectTimes {
        match self {
            Self::Ready => ConnectTimes::default(),
            Self::Connected { times } => times,
            Self::Dialling { stage, since, mut times } => {
                let time = match stage {
                    Stage::Resolving => &mut times.resolving,
                    Stage::Connecting => &mut times.connecting,
                    Stage::Securing => &mut times.securing,
                };
                *time = Some(now - since);
                times
            }
        }
    }
}

/// How long connecting may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectLimits {
    pub(crate) total: Duration,
    pub(crate) resolving: Duration,
    pub(crate) securing: Duration,
}

impl ConnectLimits {
    fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Resolving => self.resolving,
            Stage::Connecting => self.total,
            Stage::Securing => self.securing,
        }
    }
}

/// What the connector must know of the exchange that it connects for; the pool in between passes only the URL.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) limits: ConnectLimits,
    pub(crate) phases: Arc<watch::Sender<Phase>>,
}

tokio::task_local! {
    pub(crate) static SCOPE: Scope;
}

pub(super) fn enter(stage: Stage) {
    // Outside of an exchange nobody waits.
    let _ = SCOPE.try_with(|scope| scope.phases.send_modify(|phase| *phase = phase.entered(stage)));
}

/// Goes on as long as every stage is within its limit, and all of them within theirs.
pub(super) async fn within_limits<T>(
    connecting: impl Future<Output = Result<T, ConnectError>>,
    phases: &watch::Sender<Phase>,
    limits: ConnectLimits,
) -> Result<T, ConnectError> {
    let mut phase = phases.subscribe();
    let mut connecting = pin!(connecting);
    let end = Instant::now() + limits.total;
    loop {
        let (stage, since) = match *phase.borrow_and_update() {
            Phase::Dialling { stage, since, .. } => (stage, since),
            _ => (Stage::Connecting, Instant::now()),
        };
        let limit = limits.of(stage);
        let (until, limit) = if since + limit < end { (since + limit, limit) } else { (end, limits.total) };
        tokio::select! {
            biased;
            connected = &mut connecting => return connected,
            Ok(()) = phase.changed() => {}
            () = sleep_until(until) => return Err(ConnectError::TimedOut(stage, limit)),
        }
    }
}
