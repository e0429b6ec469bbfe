//! What the general judgement means for this operation: a success must say so, for the same lead, and have the changed
//! fields as they were sent; a refusal tells the API's own words. Branches on the status first: the vendor counts other
//! texts and codes as no breaking change, so text that is unknown never makes a failure of a success, nor a member.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Update;
use crate::expression::text_of;
use crate::json;
use crate::outcome::{Completed, Failure};
use crate::problem::{Place, Problem};
use crate::response::{Body, Response};

/// A burst is counted over two seconds. A wait that is longer than any reserve of a server's for that is the day's.
const LONGEST_BURST_WAIT_SECONDS: u64 = 120;

/// A value in a message is for recognising, not for reading.
const MOST_SHOWN_CHARACTERS: usize = 80;

impl Update {
    /// Judges what the one table has judged, once more.
    pub fn judge(mut self, outcome: Result<Completed, Failure>) -> Result<Completed, Failure> {
        match outcome {
            // A status beyond 2xx is a success by the author's own word, and no update.
            Ok(completed) if !(200..=299).contains(&completed.response.status) => {
                self.warnings.extend(completed.warnings);
                Ok(Completed { warnings: self.warnings, ..completed })
            }
            Ok(Completed { response, warnings }) => {
                let checked = self.check_success(&response);
                self.warnings.extend(warnings);
                match checked {
                    Ok(differences) => {
                        self.warnings.extend(differences);
                        Ok(Completed { response, warnings: self.warnings })
                    }
                    Err(reason) => Err(Failure::Rejected { response, reason, warnings: self.warnings }),
                }
            }
            Err(Failure::Rejected { response, reason, warnings }) => {
                let reason = explained(reason, &response);
                self.warnings.extend(warnings);
                Err(Failure::Rejected { response, reason, warnings: self.warnings })
            }
            Err(Failure::Unknown { response: Some(response), reason }) => {
                Err(Failure::Unknown { reason: explained(reason, &response), response: Some(response) })
            }
            Err(Failure::Temporary { response: Some(response), retry_after_seconds, effect, reason }) => {
                let mut reason = explained(reason, &response);
                let mut wait = retry_after_seconds;
                if let Some(limit) = Limit::of(&response, wait) {
                    reason.push_str(limit.words());
                    wait = wait.or_else(|| seconds(&response, "x-ratelimit-reset"));
                }
                Err(Failure::Temporary { response: Some(response), retry_after_seconds: wait, effect, reason })
            }
            Err(other) => Err(other),
        }
    }

    /// The fields that are not as they were sent; or why this is no success.
    fn check_success(&self, response: &Response) -> Result<Vec<Problem>, String> {
        let status = response.status;
        let Some(said) = Said::by(response) else {
            return Err(format!("the API answered {status} without JSON"));
        };
        if said.success.map(RawValue::get) != Some("true") {
            let words = said.error().unwrap_or_else(|| "no reason given".into());
            return Err(format!("the API answered {status} but not `\"success\": true`: {words}"));
        }
        let lead = said.lead();
        match as_string(lead.get("id").copied()) {
            Some(id) if id.eq_ignore_ascii_case(&self.lead_id) => Ok(self.differences(&lead)),
            Some(other) => Err(format!("the API answered for another lead, {other}")),
            None => Err("the API's answer names no lead".into()),
        }
    }

    /// Tells what the answer has and not what was sent: that may hold a secret, which the host takes out of answers only.
    fn differences(&self, lead: &BTreeMap<String, &RawValue>) -> Vec<Problem> {
        let place = Place::root().member("body").member("data");
        let changes = self.changes.iter().filter(|(name, _)| *name != "id");
        let differs = |(name, sent): (&String, &Value)| {
            let place = place.member(name);
            let Some(raw) = lead.get(name) else {
                // A custom field that is unset is not there.
                let missing = || Problem::new(&place, "is not in the answer, though it was sent");
                return (!sent.is_null()).then(missing);
            };
            let same = json::parse(raw.get()).is_ok_and(|got| is_same(name, sent, &got));
            let message = || format!("is {} in the answer, which is not what was sent", short(raw.get()));
            (!same).then(|| Problem::new(&place, message()))
        };
        changes.filter_map(differs).collect()
    }
}

/// A reason with what the API itself says.
fn explained(reason: String, response: &Response) -> String {
    match Said::by(response).and_then(|said| said.error()) {
        Some(words) => format!("{reason}: {words}"),
        None if response.status == 403 && is_page(response) => format!(
            "{reason}: a page of Cloudflare's, not the API's answer; it shuts out callers that send on after a 429"
        ),
        None if response.status == 402 => format!("{reason}: the company's account is not open"),
        None => reason,
    }
}

fn is_page(response: &Response) -> bool {
    let html = response.header("content-type").is_some_and(|written| crate::header::media_type(written) == "text/html");
    html || matches!(&response.body, Body::Text(text) if text.trim_start().starts_with("<!"))
}

/// Which of the two limits a 429 is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Daily,
    Burst,
}

impl Limit {
    fn of(response: &Response, retry_after_seconds: Option<u64>) -> Option<Self> {
        if response.status != 429 {
            return None;
        }
        let words = Said::by(response).and_then(|said| said.error()).unwrap_or_default().to_ascii_lowercase();
        let wait = retry_after_seconds.or_else(|| seconds(response, "x-ratelimit-reset"));
        match wait {
            _ if words.contains("daily") => Some(Self::Daily),
            Some(seconds) if seconds > LONGEST_BURST_WAIT_SECONDS => Some(Self::Daily),
            Some(_) => Some(Self::Burst),
            None => (seconds(response, "x-ratelimit-remaining") == Some(0)).then_some(Self::Burst),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Daily => "; the company's budget for the day is spent",
            Self::Burst => "; too many requests at once, for a moment",
        }
    }
}

fn seconds(response: &Response, header: &str) -> Option<u64> {
    response.header(header)?.trim().parse().ok()
}

/// What an answer of Pipedrive says of itself; all else in it is passed over, however large it is. A member of another
/// type than expected counts as absent.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    error_info: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
}

impl<'a> Said<'a> {
    fn by(response: &'a Response) -> Option<Self> {
        let Body::Json(text) = &response.body else { return None };
        serde_json::from_str(text).ok()
    }

    /// The members of the lead, unread.
    fn lead(&self) -> BTreeMap<String, &'a RawValue> {
        self.data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default()
    }

    fn error(&self) -> Option<String> {
        match (as_string(self.error), as_string(self.error_info)) {
            (Some(error), Some(info)) => Some(format!("{error} ({info})")),
            (error, info) => error.or(info),
        }
    }
}

fn as_string(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

fn short(text: &str) -> String {
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(MOST_SHOWN_CHARACTERS).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Whether an answer has what was sent, however it writes it.
fn is_same(name: &str, sent: &Value, got: &Value) -> bool {
    match (sent, got) {
        (Value::Array(sent), Value::Array(got)) if name == "label_ids" => {
            let set = |ids: &[Value]| -> std::collections::BTreeSet<_> {
                ids.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect()
            };
            set(sent) == set(got)
        }
        (Value::Object(sent), Value::Object(got)) => {
            sent.iter().all(|(name, sent)| got.get(name).is_some_and(|got| is_same(name, sent, got)))
        }
        (Value::Number(sent), Value::Number(got)) => Decimal::of(&sent.to_string()) == Decimal::of(&got.to_string()),
        // The type of a custom field decides how it is written: the id 7 may come back as "7".
        (Value::Number(_), Value::String(_)) | (Value::String(_), Value::Number(_)) => text_of(sent) == text_of(got),
        (sent, got) => sent == got,
    }
}

/// A JSON number as its sign, its digits without zeros at either end, and the power of ten behind them: two that are
/// equal are the same number, however large or long.
#[derive(Debug, PartialEq, Eq)]
struct Decimal(Ordering, String, i64);

impl Decimal {
    fn of(text: &str) -> Option<Self> {
        let (sign, text) = text.strip_prefix('-').map_or((Ordering::Greater, text), |rest| (Ordering::Less, rest));
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
        let exponent =
            exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(zeros)?;
        match significant.trim_start_matches('0') {
            "" => Some(Self(Ordering::Equal, String::new(), 0)),
            significant => Some(Self(sign, significant.to_owned(), exponent)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Effect;

    const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";

    fn update(changes: &str) -> Update {
        let Value::Object(changes) = json::parse(changes).unwrap() else { panic!("no object") };
        Update { lead_id: LEAD.into(), changes, warnings: Vec::new() }
    }

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Response::read(status, headers, body.into()).0
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn success_needs_the_api_to_say_so_for_the_same_lead() {
        let judged = |body: &str| {
            let completed = Completed { response: response(200, &[JSON], body), warnings: Vec::new() };
            update("{}").judge(Ok(completed)).map(|_| ()).map_err(|failure| match failure {
                Failure::Rejected { reason, .. } => reason,
                other => format!("{other:?}"),
            })
        };
        assert_eq!(judged(&format!(r#"{{"success":true,"data":{{"id":"{LEAD}","new":1}}}}"#)), Ok(()));
        assert!(judged(r#"{"success":true,"data":{"id":"other"}}"#).unwrap_err().contains("another lead"));
        assert!(judged(r#"{"success":true,"data":[]}"#).unwrap_err().contains("names no lead"));
        assert!(judged(r#"{"success":false,"error":"e","error_info":"i"}"#).unwrap_err().ends_with("e (i)"));
        assert!(judged("").unwrap_err().contains("without JSON"));
    }

    #[test]
    fn a_changed_field_is_the_same_however_it_is_written() {
        for (name, sent, got, same) in [
            ("title", r#""a""#, r#""a""#, true),
            ("title", r#""a ""#, r#""a""#, false),
            ("value", r#"{"amount":12.50,"currency":"EUR"}"#, r#"{"currency":"EUR","amount":12.5,"new":1}"#, true),
            ("value", r#"{"amount":12,"currency":"EUR"}"#, r#"{"amount":12,"currency":"USD"}"#, false),
            ("value", r#"{"amount":12,"currency":"EUR"}"#, "null", false),
            ("label_ids", r#"["A","b"]"#, r#"["b","a"]"#, true),
            ("label_ids", "[]", r#"["b"]"#, false),
            ("person_id", "null", "null", true),
            ("person_id", "null", "7", false),
            ("k", "7", r#""7""#, true),
            ("k", "1e2", "100", true),
            ("k", "0", "-0.00", true),
            ("k", "12345678901234567890", "12345678901234567000", false),
            ("k", "0.1", "0.10000000000000001", false),
            ("k", "1e999999999999999999999", "1", false),
            ("k", "true", "1", false),
        ] {
            let body = format!(r#"{{"success":true,"data":{{"id":"{LEAD}","{name}":{got}}}}}"#);
            let completed = Completed { response: response(200, &[JSON], &body), warnings: Vec::new() };
            let judged = update(&format!(r#"{{"id":"x","{name}":{sent}}}"#)).judge(Ok(completed)).unwrap();
            let places: Vec<_> = judged.warnings.into_iter().map(|warning| warning.place).collect();
            let expected = if same { vec![] } else { vec![format!("/body/data/{name}")] };
            assert_eq!(places, expected, "{name}: {sent}, {got}");
        }
    }

    #[test]
    fn what_is_unset_may_be_gone_from_the_answer_and_what_is_set_may_not() {
        let body = format!(r#"{{"success":true,"data":{{"id":"{LEAD}"}}}}"#);
        let completed = Completed { response: response(200, &[JSON], &body), warnings: Vec::new() };
        let judged = update(r#"{"a":null,"b":0}"#).judge(Ok(completed)).unwrap();
        assert_eq!(judged.warnings.len(), 1);
        assert_eq!(judged.warnings[0].message, "is not in the answer, though it was sent");
    }

    #[test]
    fn a_limit_of_the_day_is_told_apart_from_one_of_a_moment() {
        let daily = r#"{"success":false,"error":"daily request budget exceeded","errorCode":429}"#;
        for (headers, body, limit, wait) in [
            (&[JSON, ("retry-after", "3939")][..], daily, Some(Limit::Daily), Some(3939)),
            (&[JSON][..], daily, Some(Limit::Daily), None),
            (&[("retry-after", "3939")][..], "", Some(Limit::Daily), Some(3939)),
            (&[("retry-after", "2")][..], "", Some(Limit::Burst), Some(2)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")][..], "", Some(Limit::Burst), Some(1)),
            (&[("x-ratelimit-remaining", "0")][..], "", Some(Limit::Burst), None),
            (&[][..], "", None, None),
        ] {
            let response = response(429, headers, body);
            let retry_after_seconds = seconds(&response, "retry-after");
            assert_eq!(Limit::of(&response, retry_after_seconds), limit, "{headers:?}");
            let (effect, reason) = (Effect::None, "429".to_owned());
            let failure = Failure::Temporary { response: Some(response), retry_after_seconds, effect, reason };
            let judged = update("{}").judge(Err(failure));
            let Err(Failure::Temporary { retry_after_seconds, reason, .. }) = judged else { panic!("{judged:?}") };
            assert_eq!(retry_after_seconds, wait, "{headers:?}");
            assert!(limit.is_none_or(|limit| reason.ends_with(limit.words())), "{reason}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_who_refused() {
        let html = ("content-type", "text/html; charset=UTF-8");
        for (response, ending) in [
            (response(400, &[JSON], r#"{"error":"e","error_info":"i"}"#), "why: e (i)"),
            (response(400, &[JSON], r#"{"error_info":"i","error":7}"#), "why: i"),
            (response(400, &[JSON], "[]"), "why"),
            (response(403, &[html], "<!DOCTYPE html>"), "send on after a 429"),
            (response(502, &[html], "<!DOCTYPE html>"), "why"),
            (response(402, &[], ""), "why: the company's account is not open"),
        ] {
            let reason = explained("why".into(), &response);
            assert!(reason.ends_with(ending), "{reason}");
        }
    }
}
