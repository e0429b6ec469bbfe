//! What the standard fields of a lead take, and the words in which another value is refused. The words for `title` and
//! `owner_id` are the vendor's as observed; the others follow the form of the same validator.

use serde_json::Value;
use uuid::Uuid;

/// The vendor's limit, by the text of its refusal.
pub(super) const MOST_TITLE_CHARACTERS: usize = 255;

/// Observed; under which key it comes is not known.
pub(super) const UNLINKED: &str = "One of the \"person_id\" or \"organization_id\" must be set.";

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// In the words of the vendor's validator.
    Invalid(String),
    /// Neither a person nor an organization would be left.
    Unlinked { in_error_info: bool },
    /// The facts do not describe this.
    NotModelled(String),
}

impl Refusal {
    /// A field's name, and the words that follow it.
    pub(super) fn field(name: &str, words: &str) -> Self {
        Self::Invalid(format!("\"{name}\" {words}"))
    }

    /// For what it says of a whole text: more than so many characters.
    pub(super) fn too_long(name: &str, most: usize) -> Self {
        Self::field(name, &format!("length must be less than or equal to {most} characters long"))
    }
}

/// Whether a standard field of a change takes a value; `None` for a name that the facts do not describe.
pub(super) fn check(name: &str, value: &Value) -> Option<Result<(), Refusal>> {
    let (takes, words, nullable): (fn(&Value) -> bool, _, _) = match name {
        "title" => return Some(check_title(name, value)),
        "value" => return Some(check_money(name, value)),
        "label_ids" => return Some(check_labels(name, value)),
        "owner_id" => (is_integer, "must be a number", false),
        "person_id" | "organization_id" | "channel" => (is_integer, "must be a number", true),
        "is_archived" | "was_seen" => (Value::is_boolean, "must be a boolean", false),
        "expected_close_date" => (is_date, "must be in YYYY-MM-DD format", true),
        "visible_to" => (is_visibility, "must be one of [1, 3, 5, 7]", false),
        "channel_id" => (Value::is_string, "must be a string", true),
        _ => return None,
    };
    Some(if takes(value) || (nullable && value.is_null()) { Ok(()) } else { Err(Refusal::field(name, words)) })
}

/// A text that may be null, and is not empty.
fn check_title(name: &str, value: &Value) -> Result<(), Refusal> {
    if value.is_null() {
        return Ok(());
    }
    check_text(name, value, MOST_TITLE_CHARACTERS)?;
    if value == "" { Err(Refusal::field(name, "is not allowed to be empty")) } else { Ok(()) }
}

/// A string of at most so many characters.
pub(super) fn check_text(name: &str, value: &Value, most: usize) -> Result<(), Refusal> {
    let text = value.as_str().ok_or_else(|| Refusal::field(name, "must be a string"))?;
    if text.chars().count() > most { Err(Refusal::too_long(name, most)) } else { Ok(()) }
}

fn check_money(name: &str, value: &Value) -> Result<(), Refusal> {
    if value.is_null() {
        return Ok(());
    }
    let money = value.as_object().ok_or_else(|| Refusal::field(name, "must be of type object"))?;
    for member in ["amount", "currency"] {
        let name = format!("{name}.{member}");
        let value = money.get(member).ok_or_else(|| Refusal::field(&name, "is required"))?;
        match member {
            "amount" if !value.is_number() => return Err(Refusal::field(&name, "must be a number")),
            "currency" if !value.is_string() => return Err(Refusal::field(&name, "must be a string")),
            _ => {}
        }
    }
    match money.keys().find(|key| !["amount", "currency"].contains(&key.as_str())) {
        Some(other) => Err(Refusal::NotModelled(format!("the member {other} of {name}"))),
        None => Ok(()),
    }
}

fn check_labels(name: &str, value: &Value) -> Result<(), Refusal> {
    let ids = value.as_array().ok_or_else(|| Refusal::field(name, "must be an array"))?;
    match ids.iter().position(|id| !id.as_str().is_some_and(is_uuid)) {
        Some(index) => Err(Refusal::field(&format!("{name}[{index}]"), "must be a valid GUID")),
        None => Ok(()),
    }
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::parse_str(text).is_ok()
}

pub(super) fn is_integer(value: &Value) -> bool {
    value.as_u64().is_some()
}

/// `YYYY-MM-DD`.
pub(super) fn is_date(value: &Value) -> bool {
    value.as_str().is_some_and(|date| {
        // Whether there is such a day is for the reader of the time that has it.
        date.len() == 10 && humantime::parse_rfc3339(&format!("{date}T00:00:00Z")).is_ok()
    })
}

/// `HH:MM:SS`.
pub(super) fn is_time(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|time| time.len() == 8 && humantime::parse_rfc3339(&format!("2000-01-01T{time}Z")).is_ok())
}

fn is_visibility(value: &Value) -> bool {
    matches!(value.as_str(), Some("1" | "3" | "5" | "7"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_day_and_a_time_exist() {
        for (day, is) in [("2028-02-29", true), ("2026-02-29", false), ("2026-13-01", false), ("26-01-01", false)] {
            assert_eq!(is_date(&json!(day)), is, "{day}");
        }
        for (time, is) in [("23:59:59", true), ("24:00:00", false), ("12:60:00", false), ("12:00", false)] {
            assert_eq!(is_time(&json!(time)), is, "{time}");
        }
    }
}
