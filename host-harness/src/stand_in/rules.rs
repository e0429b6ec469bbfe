//! What the fields of a lead take, and the words in which another value is refused. `"title"` and `"owner_id"` are in the
//! vendor's words as observed; the others follow their form.

use serde_json::Value;
use uuid::Uuid;

/// The vendor's limit, by the text of its refusal.
const MOST_TITLE_CHARACTERS: usize = 255;

/// Why a value is refused.
pub(super) enum Refusal {
    /// The facts do not describe this field.
    Unknown,
    /// In the words that follow the field's name.
    Words(&'static str),
}

/// Whether a field of a change takes a value.
pub(super) fn check(name: &str, value: &Value) -> Result<(), Refusal> {
    let is_uuids = |value: &Value| {
        value
            .as_array()
            .is_some_and(|ids| ids.iter().all(|id| id.as_str().is_some_and(|id| Uuid::parse_str(id).is_ok())))
    };
    let (takes, words, nullable): (fn(&Value) -> bool, _, _) = match name {
        "title" => (Value::is_string, "must be a string", true),
        "owner_id" => (is_integer, "must be a number", false),
        "person_id" | "organization_id" | "channel" => (is_integer, "must be a number", true),
        "label_ids" => (is_uuids, "must be an array", false),
        "is_archived" | "was_seen" => (Value::is_boolean, "must be a boolean", false),
        "value" => (is_money, "must be of type object", true),
        "expected_close_date" => (is_date, "must be in YYYY-MM-DD format", true),
        "visible_to" => (is_visibility, "must be one of [1, 3, 5, 7]", false),
        "channel_id" => (Value::is_string, "must be a string", true),
        _ => return Err(Refusal::Unknown),
    };
    if value.is_null() && nullable {
        return Ok(());
    }
    if !takes(value) {
        return Err(Refusal::Words(words));
    }
    if name == "title" && value.as_str().is_some_and(|title| title.chars().count() > MOST_TITLE_CHARACTERS) {
        return Err(Refusal::Words("length must be less than or equal to 255 characters long"));
    }
    Ok(())
}

fn is_integer(value: &Value) -> bool {
    value.as_u64().is_some()
}

fn is_money(value: &Value) -> bool {
    value.as_object().is_some_and(|money| {
        money.len() == 2
            && money.get("amount").is_some_and(Value::is_number)
            && money.get("currency").is_some_and(Value::is_string)
    })
}

fn is_date(value: &Value) -> bool {
    value.as_str().is_some_and(|date| {
        date.len() == 10
            && date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    })
}

fn is_visibility(value: &Value) -> bool {
    matches!(value.as_str(), Some("1" | "3" | "5" | "7"))
}
