//! What this host holds for one reference: its secret, or a token. It is got once, however many ask for it at the same time;
//! kept until shortly before it is too old; and got anew when an API no longer takes it.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::Unavailable;
use super::entry::{Entry, Kind, OauthClient};
use super::oauth::{self, GrantType, Token, Way};
use super::source::SecretSource;
use crate::redaction::{Redactor, Secret};

/// How long a secret is kept before its source is asked again: a command is not run for every call, and a secret that was
/// replaced is used soon.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// A token is not used in its last minute: it would be too old when it arrives, or by a clock that is ahead.
const SKEW: Duration = Duration::from_secs(60);

/// And not in the last tenth of its life, where that is shorter.
const SKEW_PART: u32 = 10;

/// A token that is refused at first is not got again at once and for ever: whatever a new one does not help against.
const NEW: Duration = Duration::from_secs(60);

/// Who comes right after a failure is told of that one: whatever failed for many is not asked by each of them.
const FAILED: Duration = Duration::from_secs(1);

/// So many secrets that were held before are still searched for in what is shown: calls with them may not be over yet.
const PAST: usize = 16;

/// Holds the secret of one entry.
pub(super) struct Holder {
    pub(super) entry: Entry,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Instant, Unavailable)>,
    getting: Option<Getting>,
    past: VecDeque<Secret>,
    /// A refresh token that took the place of the one in its source and could not be written there.
    unwritten: Option<Secret>,
}

/// A secret in use.
struct Held {
    secret: Secret,
    since: Instant,
    /// When it is to be got anew.
    until: Option<Instant>,
    /// Some API has taken it.
    accepted: bool,
}

impl Held {
    /// Held from now on; without a figure, until it is refused.
    fn new(secret: Secret, lives: Option<Duration>) -> Self {
        let since = Instant::now();
        Self { secret, since, until: lives.and_then(|lives| until(lives, since)), accepted: false }
    }

    /// A token that was just got and never taken is refused for something else than its age.
    fn is_new(&self, now: Instant) -> bool {
        !self.accepted && now < self.since + NEW
    }
}

/// Whoever asks while it is being got waits for the same.
type Getting = Shared<BoxFuture<'static, Result<Secret, Unavailable>>>;

impl State {
    /// What there is without asking anybody.
    fn at_hand(&self, now: Instant) -> Option<Result<Secret, Unavailable>> {
        let held = self.held.as_ref().filter(|held| held.until.is_none_or(|until| now < until));
        let failed = self.failed.as_ref().filter(|(at, _)| now < *at + FAILED);
        match (held, failed) {
            (Some(held), _) => Some(Ok(held.secret.clone())),
            (None, Some((_, unavailable))) => Some(Err(unavailable.clone())),
            (None, None) => None,
        }
    }

    fn hold(&mut self, held: Held, redactor: &Redactor) {
        self.failed = None;
        if self.held.as_ref().is_some_and(|before| before.secret == held.secret) {
            let accepted = self.held.as_ref().is_some_and(|before| before.accepted);
            self.held = Some(Held { accepted, ..held });
            return;
        }
        redactor.learn(&held.secret);
        if let Some(before) = self.held.replace(held) {
            self.past.push_back(before.secret);
        }
        if self.past.len() > PAST
            && let Some(worthless) = self.past.pop_front()
        {
            redactor.forget(&worthless);
        }
    }
}

/// When something that lives this long is to be got anew.
fn until(lives: Duration, now: Instant) -> Option<Instant> {
    // What lives for ages is kept for ages.
    now.checked_add(lives - SKEW.min(lives / SKEW_PART))
}

impl Holder {
    pub(super) fn of(entry: Entry) -> Self {
        Self { entry, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The secret to be sent.
    pub(super) async fn get(&self, way: &Way) -> Result<Secret, Unavailable> {
        let getting = {
            let mut state = self.state();
            match state.at_hand(Instant::now()) {
                Some(at_hand) => return at_hand,
                None => self.getting(&mut state, way),
            }
        };
        getting.await
    }

    /// An API takes this secret no more. Whether there is another one now, so that a repeat is right.
    pub(super) async fn renew(&self, used: &Secret, way: &Way) -> bool {
        let getting = {
            let mut state = self.state();
            match &state.held {
                // Another call was told before.
                Some(held) if held.secret != *used => return true,
                Some(held) if self.entry.kind.is_token() && held.is_new(Instant::now()) => return false,
                _ => self.getting(&mut state, way),
            }
        };
        getting.await.is_ok_and(|new| new != *used)
    }

    /// An API has taken this secret.
    pub(super) fn accepted(&self, used: &Secret) {
        if let Some(held) = self.state().held.as_mut().filter(|held| held.secret == *used) {
            held.accepted = true;
        }
    }

    /// Begins to get it, unless somebody has. It goes on when nobody waits any more: half a refresh could lose the token.
    fn getting(&self, state: &mut State, way: &Way) -> Getting {
        if let Some(getting) = &state.getting {
            return getting.clone();
        }
        let (entry, way, shared) = (self.entry.clone(), way.clone(), Arc::clone(&self.state));
        let task = tokio::spawn(async move {
            let unwritten = lock(&shared).unwritten.clone();
            let got = got(&entry.kind, unwritten, &way).await;
            let mut state = lock(&shared);
            state.getting = None;
            match got {
                Ok(Got { held, unwritten }) => {
                    let secret = held.secret.clone();
                    state.unwritten = unwritten;
                    state.hold(held, &way.redactor);
                    Ok(secret)
                }
                Err(unavailable) => {
                    state.failed = Some((Instant::now(), unavailable.clone()));
                    Err(unavailable)
                }
            }
        });
        let shared = Arc::clone(&self.state);
        let getting = async move {
            task.await.unwrap_or_else(|_| {
                // It panicked, and whoever comes next may try again.
                lock(&shared).getting = None;
                Err(Unavailable::ForNow { reason: "getting it broke off".to_owned(), retry_after_seconds: None })
            })
        };
        let getting = getting.boxed().shared();
        state.getting = Some(getting.clone());
        getting
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of it.
struct Got {
    held: Held,
    unwritten: Option<Secret>,
}

async fn got(kind: &Kind, unwritten: Option<Secret>, way: &Way) -> Result<Got, Unavailable> {
    let (token, unwritten) = match kind {
        Kind::Header { secret, .. }
        | Kind::Query { secret, .. }
        | Kind::Basic { secret, .. }
        | Kind::Bearer { secret } => {
            let secret = secret.read().await?;
            return Ok(Got { held: Held::new(secret, Some(KEPT)), unwritten: None });
        }
        Kind::ClientCredentials { client } => (oauth::ask(client, GrantType::ClientCredentials, way).await?, None),
        Kind::RefreshToken { client, refresh_token } => refreshed(client, refresh_token, unwritten, way).await?,
    };
    Ok(Got { held: Held::new(token.access_token, token.lives), unwritten })
}

/// With the refresh token, which is written back where another one came for it: before anybody can use the access token, since a
/// host that stopped in between would have lost it.
async fn refreshed(
    client: &OauthClient,
    source: &SecretSource,
    unwritten: Option<Secret>,
    way: &Way,
) -> Result<(Token, Option<Secret>), Unavailable> {
    // Hosts that share a file take turns: what one of them has used up, no other may show once more.
    let _turn: Option<File> = source.lock().await?;
    let (refresh_token, is_written) = match unwritten {
        Some(unwritten) => (unwritten, false),
        None => (source.read().await?, true),
    };
    way.redactor.learn(&refresh_token);
    let token = oauth::ask(client, GrantType::RefreshToken(&refresh_token), way).await?;
    let newest = token.refresh_token.clone().unwrap_or_else(|| refresh_token.clone());
    if is_written && newest == refresh_token {
        return Ok((token, None));
    }
    let unwritten = source.write(&newest).await.err().map(|error| {
        tracing::warn!("a refresh token was replaced, and is lost when this host stops: {}", error.why);
        newest
    });
    Ok((token, unwritten))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_token_is_not_used_in_its_last_minute_or_tenth() {
        let now = Instant::now();
        for (lives, used) in [(3600, 3540), (600, 540), (100, 90), (10, 9), (0, 0)] {
            assert_eq!(until(Duration::from_secs(lives), now), Some(now + Duration::from_secs(used)), "{lives}");
        }
        assert_eq!(until(Duration::MAX, now), None);
        let mut state = State {
            held: Some(Held { until: Some(now + SKEW), ..Held::new(secret("a-token"), None) }),
            ..State::default()
        };
        assert!(state.at_hand(now).is_some());
        assert!(state.at_hand(now + SKEW).is_none());
        state.failed = Some((now, Unavailable::ForNow { reason: String::new(), retry_after_seconds: None }));
        assert!(state.at_hand(now).is_some_and(|at_hand| at_hand.is_ok()), "what is held is still good");
        assert!(state.at_hand(now + SKEW).is_none(), "and the failure is long ago");
    }

    #[test]
    fn a_token_that_is_refused_at_first_is_new_until_it_was_taken_or_has_been_there_for_a_while() {
        let mut held = Held::new(secret("a-token"), None);
        assert!(held.is_new(held.since) && !held.is_new(held.since + NEW));
        held.accepted = true;
        assert!(!held.is_new(held.since));
    }

    #[test]
    fn secrets_of_the_past_are_searched_for_and_not_for_ever() {
        let redactor = Redactor::default();
        let mut state = State::default();
        let name = |number| format!("secret-{number:04}");
        for number in 0..100 {
            state.hold(Held::new(secret(&name(number)), None), &redactor);
        }
        let is_known = |number| redactor.redact(&name(number)).contains("[redacted]");
        assert_eq!((0..100).filter(|number| is_known(*number)).collect::<Vec<_>>(), (83..100).collect::<Vec<_>>());
    }
}
