//! Custom fields: their keys, and what can be said of their values. What one takes depends on its type, which only the
//! vendor knows.

use serde_json::Value;

use super::values::{check_currency, is_date_or_time, must_be};
use crate::problem::{Found, Place, Problem};

/// The longest text that any type of custom field takes: "65k" in the vendor's words.
const MOST_CUSTOM_CHARACTERS: usize = 65_535;

/// The key of a custom field, or of what goes with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CustomKey<'a> {
    Field(&'a str),
    Currency(&'a str),
    Until(&'a str),
}

impl<'a> CustomKey<'a> {
    pub(super) fn of(name: &'a str) -> Option<Self> {
        let (digits, rest) = name.split_at_checked(40)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        match rest {
            "" => Some(Self::Field(digits)),
            "_currency" => Some(Self::Currency(digits)),
            "_until" => Some(Self::Until(digits)),
            _ => None,
        }
    }
}

/// Looks at the value of one key. The type of its field is not known here, but some of it shows in `all` the keys that go
/// together.
pub(super) fn check(name: &str, value: &Value, place: &Place, all: &[&str], found: &mut Found) {
    let with = |key: CustomKey<'_>| all.iter().any(|other| CustomKey::of(other) == Some(key));
    match (CustomKey::of(name), value) {
        (None, _) | (_, Value::Null) => {}
        (Some(CustomKey::Currency(_)), value) => check_currency(value, place, found),
        (Some(CustomKey::Until(_)), value) => {
            if !value.as_str().is_some_and(is_date_or_time) {
                let hint = "\"2026-12-31\", or \"23:59:59\"";
                found.problem(must_be("a day or a time, the end of a range", value, place).hint(hint));
            }
        }
        (Some(CustomKey::Field(key)), value) => {
            if with(CustomKey::Currency(key)) && !value.is_number() {
                found.warning(must_be("a number, since a currency goes with it", value, place));
            } else if with(CustomKey::Until(key)) && !value.as_str().is_some_and(is_date_or_time) {
                found.warning(must_be("a day or a time, since the end of a range goes with it", value, place));
            } else if let Value::Bool(_) | Value::Array(_) | Value::Object(_) = value {
                let problem =
                    Problem::new(place, "no type of custom field is known to take this; ids go into one string");
                found.warning(problem.hint("\"123,456\""));
            } else if value.as_str().is_some_and(|text| text.chars().count() > MOST_CUSTOM_CHARACTERS) {
                let message = format!("no type of custom field takes more than {MOST_CUSTOM_CHARACTERS} characters");
                found.warning(Problem::new(place, message));
            }
        }
    }
}
