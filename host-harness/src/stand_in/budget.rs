//! How many requests a company may send: a budget of the day, and of every two seconds. A day has no end here.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use http::HeaderName;

use super::answer::Answer;

/// Tokens of a day for each seat, before the factor of the plan.
const DAILY_TOKENS: u64 = 30_000;

/// The window in which requests are counted as a burst.
const WINDOW: Duration = Duration::from_secs(2);

/// What a company pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// `lite`
    Lite,
    /// `growth`
    Growth,
    /// `premium`
    Premium,
    /// `ultimate`
    Ultimate,
}

impl Plan {
    pub(super) const ALL: [(&str, Self); 4] =
        [("lite", Self::Lite), ("growth", Self::Growth), ("premium", Self::Premium), ("ultimate", Self::Ultimate)];

    fn daily_factor(self) -> u64 {
        match self {
            Self::Lite => 1,
            Self::Growth => 2,
            Self::Premium => 5,
            Self::Ultimate => 7,
        }
    }

    /// Requests in a window, for each token.
    fn burst(self, token: TokenKind) -> usize {
        let api = match self {
            Self::Lite => 20,
            Self::Growth => 40,
            Self::Premium => 100,
            Self::Ultimate => 120,
        };
        match token {
            TokenKind::Api => api,
            TokenKind::Access => 4 * api,
        }
    }
}

/// What a request is authorized by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Api,
    /// Of OAuth.
    Access,
}

/// What is left to spend.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    plan: Plan,
    /// Tokens.
    left: u64,
    /// The times of the requests of a window, for each token.
    bursts: HashMap<String, VecDeque<SystemTime>>,
}

impl Budget {
    /// Of a company with so many seats, which has spent so many tokens today.
    pub(super) fn new(plan: Plan, seats: u64, spent: u64) -> Self {
        let all = DAILY_TOKENS.saturating_mul(plan.daily_factor()).saturating_mul(seats);
        Self { plan, left: all.saturating_sub(spent), bursts: HashMap::new() }
    }

    /// Spends what a request costs; the fields that its answer then has, or the answer of who has nothing left.
    pub(super) fn spend(
        &mut self,
        kind: TokenKind,
        token: &str,
        cost: u64,
        now: SystemTime,
    ) -> Result<[(HeaderName, u64); 3], Answer> {
        let most = self.plan.burst(kind);
        let burst = self.bursts.entry(token.to_owned()).or_default();
        let is_over = |time: &SystemTime| now.duration_since(*time).is_ok_and(|passed| passed >= WINDOW);
        while burst.front().is_some_and(is_over) {
            burst.pop_front();
        }
        let exceeded = burst.len() >= most;
        if !exceeded {
            let Some(left) = self.left.checked_sub(cost) else { return Err(Answer::daily_limit()) };
            self.left = left;
            burst.push_back(now);
        }
        let reset =
            burst.front().map_or(WINDOW, |first| WINDOW.saturating_sub(now.duration_since(*first).unwrap_or_default()));
        // In whole seconds, and never too early.
        let reset = reset.as_millis().div_ceil(1000) as u64;
        let headers = [
            (HeaderName::from_static("x-ratelimit-limit"), most as u64),
            (HeaderName::from_static("x-ratelimit-remaining"), (most - burst.len()) as u64),
            (HeaderName::from_static("x-ratelimit-reset"), reset),
        ];
        if !exceeded {
            return Ok(headers);
        }
        // The content of this answer is not known.
        let refused = Answer::new(http::StatusCode::TOO_MANY_REQUESTS);
        Err(headers.into_iter().fold(refused, |answer, (name, value)| answer.header(name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_what_comes_within_two_seconds() {
        let mut budget = Budget::new(Plan::Lite, 1, 0);
        let start = SystemTime::UNIX_EPOCH;
        let spend = |budget: &mut Budget, kind, token: &str, millis| {
            let spent = budget.spend(kind, token, 10, start + Duration::from_millis(millis));
            spent.map(|headers| headers.map(|(_, value)| value)).map_err(|answer| {
                answer.headers.iter().map(|(_, value)| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
            })
        };
        for sent in 0..20 {
            assert_eq!(spend(&mut budget, TokenKind::Api, "a", sent * 50), Ok([20, 19 - sent, 2]));
        }
        assert_eq!(spend(&mut budget, TokenKind::Api, "a", 1500), Err(["20", "0", "1"].map(str::to_owned).into()));
        assert_eq!(spend(&mut budget, TokenKind::Access, "b", 1500), Ok([80, 79, 2]));
        // The first has left the window, and then so have two more.
        assert_eq!(spend(&mut budget, TokenKind::Api, "a", 2000), Ok([20, 0, 1]));
        assert_eq!(spend(&mut budget, TokenKind::Api, "a", 2100), Ok([20, 1, 1]));
    }

    #[test]
    fn a_day_has_its_tokens_by_plan_and_seats() {
        let mut budget = Budget::new(Plan::Growth, 3, 179_990);
        assert!(budget.spend(TokenKind::Api, "a", 10, SystemTime::UNIX_EPOCH).is_ok());
        let refused = budget.spend(TokenKind::Api, "a", 2, SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(refused, Answer::daily_limit());
    }
}
