//! The fields of a lead, and what each takes: one table for typed changes and for the body of any task.
//!
//! A rule that the vendor documents, or was seen to apply, is a problem where it is broken; what is only assumed is a
//! warning. What a custom field takes depends on its type, which only the vendor knows.

use serde_json::{Map, Value};

use crate::members::{nearest, shown};
use crate::problem::{Found, Place, Problem};

/// The vendor's limit for a title, by the text of its own refusal.
const MOST_TITLE_CHARACTERS: usize = 255;

/// The longest text that any type of custom field takes: "65k" in the vendor's words.
const MOST_CUSTOM_CHARACTERS: usize = 65_535;

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
    let mut custom = Vec::new();
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
            custom.push(change);
        // One of the vendor's own tutorials sends the id along.
        } else if *name != "id" {
            found.warning(unknown(name, place));
        }
    }
    if unset == LINKS.len() {
        let message = "a lead stays linked to a person or to an organization, and both are unset";
        found.problem(Problem::new(place, message).hint("\"person_id\": null, \"organization_id\": 7"));
    }
    for change in &custom {
        check_custom(change, &custom, found);
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

fn must_be(expected: &str, value: &Value, place: &Place) -> Problem {
    Problem::new(place, format!("must be {expected}, not {}", shown(value)))
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

fn check_currency(value: &Value, place: &Place, found: &mut Found) {
    let is_code = |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let Some(code) = value.as_str().filter(is_code) else {
        return found.problem(must_be("a currency of three letters", value, place).hint("\"EUR\""));
    };
    if code.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let capitals = format!("{:?}", code.to_ascii_uppercase());
        found.warning(Problem::new(place, "ISO 4217 writes a currency in capitals").hint(capitals));
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

/// The key of a custom field, or of what goes with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CustomKey<'a> {
    Field(&'a str),
    Currency(&'a str),
    Until(&'a str),
}

impl<'a> CustomKey<'a> {
    fn of(name: &'a str) -> Option<Self> {
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

/// The type of a custom field is not known here, but some of it shows in what goes with it.
fn check_custom(change: &Change<'_>, all: &[Change<'_>], found: &mut Found) {
    let Change { name, value, place } = change;
    let with = |key: CustomKey<'_>| all.iter().any(|other| CustomKey::of(other.name) == Some(key));
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

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4), of any version.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

/// A day of the Gregorian calendar, `YYYY-MM-DD` (RFC 3339, section 5.6).
fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, '-', [4, 2, 2]) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_date_or_time(text: &str) -> bool {
    is_date(text)
        || numbers(text, ':', [2, 2, 2]).is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second < 60)
}

/// Three numbers of so many digits each.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut read = [0; 3];
    for (number, digits) in read.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(read)
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
    fn a_day_is_one_of_the_calendar() {
        for (text, exists) in [
            ("2024-02-29", true),
            ("2100-02-29", false),
            ("2000-02-29", true),
            ("2026-02-29", false),
            ("2026-04-31", false),
            ("2026-13-01", false),
            ("2026-00-10", false),
            ("2026-01-00", false),
            ("2026-1-1", false),
            ("+026-01-01", false),
            ("2026-01-01T00:00:00Z", false),
            ("2026-01-01-", false),
            ("", false),
        ] {
            assert_eq!(is_date(text), exists, "{text}");
        }
        for (text, exists) in [("23:59:59", true), ("24:00:00", false), ("9:00:00", false), ("2026-01-01", true)] {
            assert_eq!(is_date_or_time(text), exists, "{text}");
        }
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
