//! A response, or what kept it away → the outcome. The one table that decides success, repeat and stop.
//!
//! | what happened | repeatable | not repeatable |
//! |---|---|---|
//! | refused by the host's policy | `permanent-denied` | as left |
//! | DNS, connect or TLS failed; 429; 503 with retry-after | `temporary`, effect none | as left |
//! | 408, 425, 500, 502, 503, 504 and unknown 5xx | `temporary`, effect possible | `permanent-unknown` |
//! | sent, then timeout, reset or cut | `temporary`, effect possible | `permanent-unknown` |
//! | 401, and the host has just refreshed the token | `temporary`, at once, effect none | as left |
//! | 3xx, other 4xx, 501, 505, a 2xx that is not the declared success | `permanent-rejected` | as left |
//! | a success whose answer is too large, or in a coding that the host does not read | `permanent-rejected` | `permanent-unknown` |

use crate::header;
use crate::problem::{Place, Problem};
use crate::response::{Answer, Response, Trouble};
use crate::step::SuccessCodes;

/// The task ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The answer.
    pub response: Response,
    /// What is worth knowing although nothing failed; places point into the response.
    pub warnings: Vec<Problem>,
}

/// The task did not end well: who must act, whether a repeat is safe, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The definition or its input is wrong; nothing was sent.
    Invalid(Vec<Problem>),
    /// The host's policy refused; nothing was sent.
    Denied(String),
    /// The API answered and a repeat changes nothing.
    Rejected {
        /// The whole response.
        response: Response,
        /// Why this is not a success.
        reason: String,
        /// What may explain it.
        warnings: Vec<Problem>,
    },
    /// It may have taken effect, and a repeat could do it twice.
    Unknown {
        /// The response, if there was one.
        response: Option<Response>,
        /// What happened.
        reason: String,
    },
    /// A repeat is right.
    Temporary {
        /// The response, if there was one.
        response: Option<Response>,
        /// The wait that the API asked for.
        retry_after_seconds: Option<u64>,
        /// Whether this attempt may have changed anything.
        effect: Effect,
        /// What happened.
        reason: String,
    },
}

/// Whether a failed attempt may have changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Surely not.
    None,
    /// Perhaps.
    Possible,
}

/// Judges one attempt.
pub fn judge(attempt: Result<Answer, Trouble>, repeatable: bool, success: &SuccessCodes) -> Result<Completed, Failure> {
    let mut answer = attempt.map_err(|trouble| judge_trouble(trouble, repeatable, None))?;
    let refreshed = take_refreshed(&mut answer);
    let cut = answer.cut.take();
    let (response, warnings) = Response::read(answer.status, answer.headers, answer.content);
    match cut {
        // A status that is no success has decided already, however much of its content came.
        _ if !success.contains(response.status) => Err(judge_status(response, warnings, repeatable, refreshed)),
        Some(trouble) => Err(judge_trouble(trouble, repeatable, Some(response))),
        None => Ok(Completed { response, warnings }),
    }
}

/// A knowing host says in its private header that it has just refreshed the credentials; the header ends here.
fn take_refreshed(answer: &mut Answer) -> bool {
    let before = answer.headers.len();
    answer.headers.retain(|(name, value)| !(name.eq_ignore_ascii_case(header::CREDENTIALS) && value == b"refreshed"));
    answer.headers.len() < before
}

fn judge_trouble(trouble: Trouble, repeatable: bool, response: Option<Response>) -> Failure {
    match trouble {
        Trouble::Denied(reason) => Failure::Denied(reason),
        Trouble::Malformed(reason) => {
            Failure::Invalid(vec![Problem::new(&Place::root().member("httpRequest"), reason)])
        }
        Trouble::NotConnected(reason) => temporary(None, Effect::None, reason),
        Trouble::Withheld(reason) => match response {
            // The same question gets the same answer. Where asking again would do it again, somebody must look.
            Some(response) if repeatable => Failure::Rejected { response, reason, warnings: Vec::new() },
            response => lost(response, repeatable, reason),
        },
        Trouble::Lost(reason) => lost(response, repeatable, reason),
    }
}

fn judge_status(response: Response, warnings: Vec<Problem>, repeatable: bool, refreshed: bool) -> Failure {
    let status = response.status;
    let reason = format!("the API answered {}", status_phrase(status));
    let rejected = |response, reason| Failure::Rejected { response, reason, warnings };
    match status {
        401 if refreshed => Failure::Temporary {
            response: Some(response),
            retry_after_seconds: Some(0),
            effect: Effect::None,
            reason: format!("{reason}; the credentials have just been refreshed"),
        },
        429 => temporary(Some(response), Effect::None, reason),
        503 if response.header("retry-after").is_some() => temporary(Some(response), Effect::None, reason),
        300..=399 => {
            let reason = match response.header("location") {
                Some(location) => format!("{reason} to {location}; redirects are not followed"),
                None => reason,
            };
            rejected(response, reason)
        }
        // What the server cannot do it will not do the next time either (RFC 9110, sections 15.6.2 and 15.6.6).
        501 | 505 => rejected(response, reason),
        // An unknown 5xx is treated as a 500 (RFC 9110, section 15).
        408 | 425 | 500..=599 => lost(Some(response), repeatable, reason),
        200..=299 => rejected(response, format!("{reason}, which the definition does not count as success")),
        _ => rejected(response, reason),
    }
}

fn lost(response: Option<Response>, repeatable: bool, reason: String) -> Failure {
    if repeatable { temporary(response, Effect::Possible, reason) } else { Failure::Unknown { response, reason } }
}

fn temporary(response: Option<Response>, effect: Effect, reason: String) -> Failure {
    let retry_after_seconds = response.as_ref().and_then(retry_after_seconds);
    Failure::Temporary { response, retry_after_seconds, effect, reason }
}

/// `retry-after` in seconds (RFC 9110, section 10.2.3). A date is measured against the answer's own `date`, since the
/// component has no clock; without one there is no figure.
fn retry_after_seconds(response: &Response) -> Option<u64> {
    let written = response.header("retry-after")?.trim();
    if !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is still a wait, and no shorter one.
        return Some(written.parse().unwrap_or(u64::MAX));
    }
    let until = httpdate::parse_http_date(written).ok()?;
    let now = httpdate::parse_http_date(response.header("date")?).ok()?;
    Some(until.duration_since(now).map_or(0, |wait| wait.as_secs()))
}

/// A status with its registered phrase, where it has one that helps.
fn status_phrase(status: u16) -> String {
    let phrase = match status {
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        425 => "Too Early",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => return status.to_string(),
    };
    format!("{status} {phrase}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        Answer {
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
            content: Vec::new(),
            cut: None,
        }
    }

    fn judged(attempt: Result<Answer, Trouble>, repeatable: bool) -> &'static str {
        match judge(attempt, repeatable, &SuccessCodes::default()) {
            Ok(_) => "completed",
            Err(Failure::Invalid(_)) => "invalid",
            Err(Failure::Denied(_)) => "denied",
            Err(Failure::Rejected { .. }) => "rejected",
            Err(Failure::Unknown { .. }) => "unknown",
            Err(Failure::Temporary { effect: Effect::None, .. }) => "temporary none",
            Err(Failure::Temporary { effect: Effect::Possible, .. }) => "temporary possible",
        }
    }

    #[test]
    fn every_status_is_judged_as_the_table_says() {
        for status in 200..=599 {
            let (repeatable, not) = match status {
                200..=299 => ("completed", "completed"),
                429 => ("temporary none", "temporary none"),
                501 | 505 => ("rejected", "rejected"),
                408 | 425 | 500..=599 => ("temporary possible", "unknown"),
                _ => ("rejected", "rejected"),
            };
            assert_eq!(judged(Ok(answer(status, &[])), true), repeatable, "{status}");
            assert_eq!(judged(Ok(answer(status, &[])), false), not, "{status}");
        }
        for repeatable in [true, false] {
            assert_eq!(judged(Ok(answer(503, &[("retry-after", "1")])), repeatable), "temporary none");
            assert_eq!(judged(Ok(answer(401, &[(header::CREDENTIALS, "refreshed")])), repeatable), "temporary none");
        }
    }

    #[test]
    fn every_trouble_is_judged_as_the_table_says() {
        let text = String::new;
        for (trouble, repeatable, not) in [
            (Trouble::Denied(text()), "denied", "denied"),
            (Trouble::Malformed(text()), "invalid", "invalid"),
            (Trouble::NotConnected(text()), "temporary none", "temporary none"),
            (Trouble::Lost(text()), "temporary possible", "unknown"),
            (Trouble::Withheld(text()), "temporary possible", "unknown"),
        ] {
            assert_eq!(judged(Err(trouble.clone()), true), repeatable);
            assert_eq!(judged(Err(trouble), false), not);
        }
        let cut = |trouble| Answer { cut: Some(trouble), ..answer(200, &[]) };
        assert_eq!(judged(Ok(cut(Trouble::Lost(text()))), true), "temporary possible");
        assert_eq!(judged(Ok(cut(Trouble::Lost(text()))), false), "unknown");
        assert_eq!(judged(Ok(cut(Trouble::Withheld(text()))), true), "rejected");
        assert_eq!(judged(Ok(cut(Trouble::Withheld(text()))), false), "unknown");
        for (status, not) in [(429, "temporary none"), (404, "rejected"), (500, "unknown")] {
            let cut = Answer { status, ..cut(Trouble::Withheld(text())) };
            assert_eq!(judged(Ok(cut), false), not, "{status}");
        }
    }

    #[test]
    fn declared_success_codes_decide_alone() {
        let step = crate::step::Step::read(
            r#"{"successCodes": [201, 404], "httpRequest": {"method": "GET", "url": "https://a.example/"}}"#,
        )
        .unwrap();
        for (status, success) in [(201, true), (404, true), (200, false)] {
            assert_eq!(judge(Ok(answer(status, &[])), true, &step.success).is_ok(), success, "{status}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let wait = |headers: &[(&str, &str)]| {
            let Answer { status, headers, content, .. } = answer(429, headers);
            retry_after_seconds(&Response::read(status, headers, content).0)
        };
        let date = ("date", "Mon, 23 Nov 2026 10:00:00 GMT");
        assert_eq!(wait(&[("retry-after", "3939")]), Some(3939));
        assert_eq!(wait(&[("Retry-After", "99999999999999999999")]), Some(u64::MAX));
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 10:01:30 GMT"), date]), Some(90));
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 09:00:00 GMT"), date]), Some(0));
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 10:01:30 GMT")]), None);
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        assert_eq!(wait(&[]), None);
    }

    /// Anything that can come back, or keep it away.
    fn attempts() -> impl Strategy<Value = Result<Answer, Trouble>> {
        let trouble = prop_oneof![
            Just(Trouble::Denied(String::new())),
            Just(Trouble::Malformed(String::new())),
            Just(Trouble::NotConnected(String::new())),
            Just(Trouble::Lost(String::new())),
            Just(Trouble::Withheld(String::new())),
        ];
        let header = prop_oneof![
            Just(("retry-after".to_owned(), b"7".to_vec())),
            Just(("content-type".to_owned(), b"application/json".to_vec())),
            Just((header::CREDENTIALS.to_owned(), b"refreshed".to_vec())),
            ("[a-z-]{1,12}", proptest::collection::vec(any::<u8>(), 0..12)),
            (Just("retry-after".to_owned()), proptest::collection::vec(any::<u8>(), 0..30)),
        ];
        let cut = proptest::option::weighted(0.2, trouble.clone());
        let bytes = proptest::collection::vec(any::<u8>(), 0..40);
        let answer = (100..=999_u16, proptest::collection::vec(header, 0..5), bytes, cut)
            .prop_map(|(status, headers, content, cut)| Answer { status, headers, content, cut });
        prop_oneof![1 => trouble.prop_map(Err), 5 => answer.prop_map(Ok)]
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_judged_and_no_effect_is_risked_twice(
            attempt in attempts(),
            repeatable: bool,
            first in 100..600_u16,
            last in 100..600_u16,
        ) {
            let success = SuccessCodes(vec![first..=last]);
            match judge(attempt.clone(), repeatable, &success) {
                Ok(completed) => {
                    prop_assert!(success.contains(completed.response.status));
                    prop_assert!(attempt.is_ok_and(|answer| answer.cut.is_none()));
                }
                Err(Failure::Temporary { effect: Effect::Possible, .. }) => prop_assert!(repeatable),
                Err(Failure::Unknown { .. }) => prop_assert!(!repeatable),
                Err(Failure::Rejected { response, .. }) => {
                    let too_large = attempt.is_ok_and(|answer| matches!(answer.cut, Some(Trouble::Withheld(_))));
                    prop_assert!(!success.contains(response.status) || too_large);
                }
                Err(Failure::Temporary { effect: Effect::None, .. } | Failure::Invalid(_) | Failure::Denied(_)) => {}
            }
        }
    }
}
