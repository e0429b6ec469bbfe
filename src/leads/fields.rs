//! The fields of a lead, and what each takes: one table for typed changes and for the body of any task.
//!
//! A rule that the vendor documents, or was seen to apply, is a problem where it is broken; what is only assumed is a
//! warning. What custom fields take is in `custom.rs`.

use serde_json::{Map, Value};

use super::custom::{self, CustomKey};
use super::values::{check_currency, is_date, is_uuid, must_be};
use crate::members::nearest;
use crate::problem::{Found, Place, Problem};

/// The vendor's limit for a title, by the text of its own refusal.
const MOST_TITLE_CHARACTERS: usize = 255;

/// A standard field.
struct Field {
    name: &'static str,
    null: Null,
    /// Looks at any value but null.
    check: fn(&Value, &Place, &mut Found),
}

/// What null does.
enum Null {
    /// It unsets the field.
    Unsets,
    /// By the vendor's document it unsets the field, which practice doubts.
    Doubtful,
    /// It is refused.
    Refused,
}

/// In the order of the vendor's document.
const FIELDS: [Field; 12] = [
    Field { name: "title", null: Null::Doubtful, check: check_title },
    Field { name: "owner_id", null: Null::Refused, check: check_id },
    Field { name: "label_ids", null: Null::Refused, check: check_labels },
    Field { name: "person_id", null: Null::Unsets, check: check_id },
    Field { name: "organization_id", null: Null::Unsets, check: check_id },
    Field { name: "is_archived", null: Null::Refused, check: check_boolean },
    Field { name: "value", null: Null::Unsets, check: check_money },
    Field { name: "expected_close_date", null: Null::Unsets, check: check_date },
    Field { name: "visible_to", null: Null::Refused, check: check_visibility },
    Field { name: "was_seen", null: Null::Refused, check: check_boolean },
    Field { name: "channel", null: Null::Unsets, check: check_id },
    Field { name: "channel_id", null: Null::Unsets, check: check_text },
];

/// What an update does not take, though a lead has it.
const NOT_UPDATED: [&str; 9] = [
    "origin_id",
    "creator_id",
    "source_name",
    "origin",
    "add_time",
    "update_time",
    "next_activity_id",
    "cc_email",
    "source_deal_id",
];

/// The two names of a link, of which one must stay.
const LINKS: [&str; 2] = ["person_id", "organization_id"];

/// A change of one field, and where it is written.
pub(super) struct Change<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
    pub(super) place: Place,
}

/// Looks at each change, and at what they are together. `place` is that of them all.
pub(super) fn check<'a>(changes: impl IntoIterator<Item = Change<'a>>, place: &Place, found: &mut Found) {
    let mut customs = Vec::new();
    let mut unset = 0;
    for change in changes {
        let Change { name, value, place } = &change;
        if let Some(field) = FIELDS.iter().find(|field| field.name == *name) {
            field.check_value(value, place, found);
            unset += usize::from(value.is_null() && LINKS.contains(name));
        } else if NOT_UPDATED.contains(name) {
            let message = match *name {
                "origin_id" => "`origin_id` is taken only when a lead is made (POST /v1/leads)".to_owned(),
                name => format!("`{name}` is the vendor's own and cannot be changed"),
            };
            found.problem(Problem::new(place, message));
        } else if CustomKey::of(name).is_some() {
            customs.push(change);
        // One of the vendor's own tutorials sends the id along.
        } else if *name != "id" {
            found.warning(unknown(name, place));
        }
    }
    if unset == LINKS.len() {
        let message = "a lead stays linked to a person or to an organization, and both are unset";
        found.problem(Problem::new(place, message).hint("\"person_id\": null, \"organization_id\": 7"));
    }
    let names: Vec<_> = customs.iter().map(|change: &Change<'_>| change.name).collect();
    for Change { name, value, place } in &customs {
        custom::check(name, value, place, &names, found);
    }
}

/// What is wrong with the key of a typed custom field.
pub(super) fn check_custom_key(name: &str) -> Result<(), String> {
    if CustomKey::of(name).is_some() {
        return Ok(());
    }
    Err(if FIELDS.iter().any(|field| field.name == name) {
        format!("`{name}` is no custom field: it has a case of its own")
    } else if NOT_UPDATED.contains(&name) {
        format!("`{name}` is no custom field, and an update does not take it")
    } else {
        "the key of a custom field has 40 hexadecimal digits".to_owned()
    })
}

/// The vendor may add a thirteenth field tomorrow, so this is not wrong.
fn unknown(name: &str, place: &Place) -> Problem {
    if name.len() > 20 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("the key of a custom field has 40 hexadecimal digits, and this one {}", name.len());
        return Problem::new(place, message);
    }
    let problem = Problem::new(place, format!("`{name}` is not known as a field of a lead"));
    match name {
        // The name that deals and the vendor's other operations have for it.
        "org_id" => problem.hint("did you mean `organization_id`?"),
        _ => match nearest(name, &FIELDS.map(|field| field.name)) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem,
        },
    }
}

impl Field {
    fn check_value(&self, value: &Value, place: &Place, found: &mut Found) {
        match (value, &self.null) {
            (Value::Null, Null::Unsets) => {}
            (Value::Null, Null::Doubtful) => found.warning(Problem::new(
                place,
                format!("the vendor's document lets null unset `{}`; in practice it may be refused", self.name),
            )),
            (Value::Null, Null::Refused) => {
                found.problem(Problem::new(place, format!("`{}` cannot be null", self.name)));
            }
            _ => (self.check)(value, place, found),
        }
    }
}

fn check_title(value: &Value, place: &Place, found: &mut Found) {
    let Some(title) = value.as_str() else { return found.problem(must_be("a string", value, place)) };
    let characters = title.chars().count();
    if title.trim().is_empty() {
        found.problem(Problem::new(place, "a title cannot be blank"));
    } else if characters > MOST_TITLE_CHARACTERS {
        let message = format!("a title has at most {MOST_TITLE_CHARACTERS} characters, not {characters}");
        found.problem(Problem::new(place, message));
    }
}

fn check_id(value: &Value, place: &Place, found: &mut Found) {
    if value.as_u64().is_some() {
        return;
    }
    let problem = must_be("a whole number", value, place);
    found.problem(match value.as_str() {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            problem.hint(digits.to_owned())
        }
        _ => problem,
    });
}

fn check_boolean(value: &Value, place: &Place, found: &mut Found) {
    if !value.is_boolean() {
        found.problem(must_be("true or false", value, place));
    }
}

fn check_text(value: &Value, place: &Place, found: &mut Found) {
    if !value.is_string() {
        found.problem(must_be("a string", value, place));
    }
}

fn check_labels(value: &Value, place: &Place, found: &mut Found) {
    let Some(ids) = value.as_array() else {
        let problem = must_be("a list of label UUIDs", value, place);
        return found.problem(match value.as_str().filter(|id| is_uuid(id)) {
            Some(id) => problem.hint(format!("[\"{id}\"]")),
            None => problem,
        });
    };
    for (index, id) in ids.iter().enumerate() {
        if !id.as_str().is_some_and(is_uuid) {
            found.problem(must_be("a label's UUID", id, &place.element(index)));
        }
    }
}

fn check_money(value: &Value, place: &Place, found: &mut Found) {
    const EXAMPLE: &str = r#"{"amount": 12.50, "currency": "EUR"}"#;
    let Some(members) = value.as_object() else {
        return found.problem(must_be("an object of amount and currency", value, place).hint(EXAMPLE));
    };
    for name in ["amount", "currency"] {
        if !members.contains_key(name) {
            found.problem(Problem::new(place, format!("`{name}` is missing")).hint(EXAMPLE));
        }
    }
    for (name, value) in members {
        let place = place.member(name);
        match name.as_str() {
            "amount" if value.is_number() => {}
            "amount" => found.problem(must_be("a number", value, &place).hint("12.50")),
            "currency" => check_currency(value, &place, found),
            _ => found.warning(Problem::new(&place, format!("`{name}` is not known as a member of `value`"))),
        }
    }
}

fn check_date(value: &Value, place: &Place, found: &mut Found) {
    if !value.as_str().is_some_and(is_date) {
        found.problem(must_be("a day that exists, as YYYY-MM-DD", value, place).hint("\"2026-12-31\""));
    }
}

fn check_visibility(value: &Value, place: &Place, found: &mut Found) {
    const LEVELS: [&str; 4] = ["1", "3", "5", "7"];
    if value.as_str().is_some_and(|level| LEVELS.contains(&level)) {
        return;
    }
    let problem = must_be(r#""1", "3", "5" or "7""#, value, place);
    let number = value.as_u64().map(|number| number.to_string());
    found.problem(match number {
        Some(level) if LEVELS.contains(&level.as_str()) => problem.hint(format!("{level:?}")),
        _ => problem,
    });
}

/// The members of an object as changes.
pub(super) fn changes_of<'a>(members: &'a Map<String, Value>, place: &Place) -> impl Iterator<Item = Change<'a>> {
    members.iter().map(move |(name, value)| Change { name, value, place: place.member(name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    const KEY: &str = "0123456789abcdef0123456789ABCDEF01234567";

    /// The places and messages of problems and of warnings.
    fn checked(body: &str) -> [Vec<String>; 2] {
        let body = json::parse(body).unwrap();
        let mut found = Found::default();
        check(changes_of(body.as_object().unwrap(), &Place::root()), &Place::root(), &mut found);
        [found.problems, found.warnings]
            .map(|all| all.into_iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect())
    }

    #[test]
    fn a_body_of_values_that_the_fields_take_is_right() {
        let body = format!(
            r#"{{"title": "x", "owner_id": 0, "label_ids": [], "person_id": null, "organization_id": 7,
            "is_archived": false, "value": {{"amount": 0, "currency": "EUR"}}, "expected_close_date": "2028-02-29",
            "visible_to": "7", "was_seen": true, "channel": null, "channel_id": "", "id": "x",
            "{KEY}": 5, "{KEY}_currency": "EUR"}}"#
        );
        assert_eq!(checked(&body), [Vec::<String>::new(), vec![]]);
    }

    #[test]
    fn what_is_only_assumed_is_a_warning() {
        let [problems, warnings] = checked(&format!(
            r#"{{"title": null, "org_id": 1, "abcdefabcdefabcdefabcdef": 1, "{KEY}": "x", "{KEY}_until": "10:00:00",
            "value": {{"amount": 1, "currency": "eur", "vat": 1}}}}"#
        ));
        assert_eq!(problems, Vec::<String>::new());
        let places: Vec<_> = warnings.iter().map(|warning| warning.split(':').next().unwrap()).collect();
        let key = format!("/{KEY}");
        let expected = ["/title", "/org_id", "/abcdefabcdefabcdefabcdef", "/value/currency", "/value/vat", &key];
        assert_eq!(places, expected);
    }

    #[test]
    fn a_uuid_may_be_of_any_version() {
        for (text, is) in [
            ("adf21080-0e10-11eb-879b-05d71fb426ec", true),
            ("ADF21080-0E10-41EB-879B-05D71FB426EC", true),
            ("00000000-0000-0000-0000-000000000000", true),
            ("adf210800e1011eb879b05d71fb426ec", false),
            ("{adf21080-0e10-11eb-879b-05d71fb426ec}", false),
            ("adf21080-0e10-11eb-879b-05d71fb426e", false),
            ("", false),
        ] {
            assert_eq!(is_uuid(text), is, "{text}");
        }
    }
}
