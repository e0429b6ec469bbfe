//! What this host holds for one reference: its secret, or a token. It is got once, however many ask for it at the same time;
//! kept until shortly before it is too old; and got anew when an API no longer takes it.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Unavailable;
use super::entry::{Entry, Kind, OauthClient};
use super::oauth::{self, GrantType, Know, Token, Way};
use super::source::SecretSource;
use crate::redaction::{Redactor, Secret};

/// How long a secret is kept before its source is asked again: a command is not run for every call, and a secret that was
/// replaced is used soon.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// A token is not used in its last minute: it would be too old when it arrives, or by a clock that is ahead.
const SKEW: Duration = Duration::from_secs(60);

/// And not in the last tenth of its life, where that is shorter.
const SKEW_PART: u32 = 10;

/// Who comes right after a failure is told of that one: whatever failed for many is not asked by each of them.
const FAILED: Duration = Duration::from_secs(1);

/// So many secrets of an entry, those that were held before included, are searched for in what is shown: calls with them may
/// not be over yet.
const KNOWN: usize = 32;

/// How many secrets are being got in this process.
static GETTING: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// Waits until no secret is being got any more: a program that ends in the middle of a refresh could lose the token.
pub async fn settled() {
    // The sender is never dropped.
    let _ = GETTING.subscribe().wait_for(|getting| *getting == 0).await;
}

/// Counts one that is being got.
struct Counted;

impl Counted {
    fn new() -> Self {
        GETTING.send_modify(|getting| *getting += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        GETTING.send_modify(|getting| *getting -= 1);
    }
}

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
    /// When a refusal was the reason to get it anew.
    renewed: Option<Instant>,
    /// What the redactor was told of, the latest last.
    known: VecDeque<Secret>,
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

    /// What was just got and never taken is refused for something else than its age.
    fn is_new(&self, now: Instant, pause: Duration) -> bool {
        !self.accepted && now < self.since + pause
    }
}

/// Whoever asks while it is being got waits for the same.
type Getting = Shared<BoxFuture<'static, Result<Secret, Unavailable>>>;

impl State {
    /// What there is without asking anybody.
    fn at_hand(&self, now: Instant) -> Option<Result<Secret, Unavailable>> {
        let held = self.held.as_ref().filter(|held| held.until.is_none_or(|until| now < until));
        held.map(|held| Ok(held.secret.clone())).or_else(|| self.failed(now).map(Err))
    }

    fn failed(&self, now: Instant) -> Option<Unavailable> {
        self.failed.as_ref().filter(|(at, _)| now < *at + FAILED).map(|(_, unavailable)| unavailable.clone())
    }

    /// Whether a new one would not help either, for all that is known.
    fn is_refused_for_good(&self, now: Instant, pause: Duration) -> bool {
        let is_new = self.held.as_ref().is_some_and(|held| held.is_new(now, pause));
        is_new || self.renewed.is_some_and(|at| now < at + pause)
    }

    fn hold(&mut self, held: Held, redactor: &Redactor) {
        self.failed = None;
        self.know(&held.secret, redactor);
        let before = self.held.take().filter(|before| before.secret == held.secret);
        self.held = Some(Held { accepted: before.is_some_and(|before| before.accepted), ..held });
    }

    /// From now on the redactor takes it out, and what was used longest ago no more.
    fn know(&mut self, secret: &Secret, redactor: &Redactor) {
        let known = self.known.iter().position(|known| known == secret).and_then(|at| self.known.remove(at));
        self.known.push_back(known.unwrap_or_else(|| {
            redactor.learn(secret);
            secret.clone()
        }));
        if self.known.len() > KNOWN
            && let Some(worthless) = self.known.pop_front()
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

    /// An API takes this secret no more. Whether there is another one now, so that a repeat is right; or why none can be had.
    pub(super) async fn renew(&self, used: &Secret, way: &Way) -> Result<bool, Unavailable> {
        let getting = {
            let mut state = self.state();
            let now = Instant::now();
            // Another call was told before.
            if state.held.as_ref().is_some_and(|held| held.secret != *used) {
                return Ok(true);
            }
            if state.getting.is_none() {
                if !self.entry.is_cheap() && state.is_refused_for_good(now, way.limits.refresh_pause) {
                    return Ok(false);
                }
                if let Some(unavailable) = state.failed(now) {
                    return Err(unavailable);
                }
                state.renewed = Some(now);
            }
            self.getting(&mut state, way)
        };
        getting.await.map(|new| new != *used)
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
            let _counted = Counted::new();
            let unwritten = lock(&shared).unwritten.clone();
            let know = |secret: &Secret| lock(&shared).know(secret, &way.redactor);
            let got = got(&entry.kind, unwritten, &way, &know).await;
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
                    // What was held is too old, or was refused.
                    state.held = None;
                    if matches!(unavailable, Unavailable::Refused(_)) {
                        // What is in the source may be mended; what is not there cannot be.
                        state.unwritten = None;
                    }
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

async fn got(kind: &Kind, unwritten: Option<Secret>, way: &Way, know: &Know<'_>) -> Result<Got, Unavailable> {
    let (token, unwritten) = match kind {
        Kind::Header { secret, .. }
        | Kind::Query { secret, .. }
        | Kind::Basic { secret, .. }
        | Kind::Bearer { secret } => {
            let secret = secret.read().await?;
            if let Some(carried) = kind.carried(&secret) {
                know(&carried);
            }
            return Ok(Got { held: Held::new(secret, Some(KEPT)), unwritten: None });
        }
        Kind::ClientCredentials { client } => {
            (oauth::ask(client, GrantType::ClientCredentials, way, know).await?, None)
        }
        Kind::RefreshToken { client, refresh_token } => refreshed(client, refresh_token, unwritten, way, know).await?,
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
    know: &Know<'_>,
) -> Result<(Token, Option<Secret>), Unavailable> {
    // Hosts that share a file take turns: what one of them has used up, no other may show once more.
    let _turn: Option<File> = source.lock().await?;
    let (refresh_token, is_written) = match unwritten {
        Some(unwritten) => (unwritten, false),
        None => (source.read().await?, true),
    };
    know(&refresh_token);
    let token = oauth::ask(client, GrantType::RefreshToken(&refresh_token), way, know).await?;
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
    fn a_token_is_refused_for_good_when_it_was_just_got_and_never_taken_or_another_was_just_refused() {
        let (pause, held) = (SKEW, Held::new(secret("a-token"), None));
        let now = held.since;
        let mut state = State { held: Some(held), ..State::default() };
        assert!(state.is_refused_for_good(now, pause) && !state.is_refused_for_good(now + pause, pause));
        state.held.as_mut().unwrap().accepted = true;
        assert!(!state.is_refused_for_good(now, pause));
        state.renewed = Some(now);
        assert!(state.is_refused_for_good(now, pause) && !state.is_refused_for_good(now + pause, pause));
    }

    #[test]
    fn secrets_of_the_past_are_searched_for_and_not_for_ever_and_those_in_use_always() {
        let redactor = Redactor::default();
        let mut state = State::default();
        let name = |number| format!("secret-{number:04}");
        for number in 0..100 {
            state.know(&secret("the-client-secret"), &redactor);
            state.hold(Held::new(secret(&name(number)), None), &redactor);
        }
        let is_known = |number| redactor.redact(&name(number)).contains("[redacted]");
        let known: Vec<_> = (0..100).filter(|number| is_known(*number)).collect();
        assert_eq!(known, (100 - KNOWN + 1..100).collect::<Vec<_>>());
        assert_eq!(redactor.redact("the-client-secret"), "[redacted]");
    }
}
