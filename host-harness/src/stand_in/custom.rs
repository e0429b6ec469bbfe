//! Custom fields: how a company has defined them, and what each type takes. What the vendor adds to an address when it is
//! read (its parts, under keys of their own) is not here: nobody here can tell the parts of an address.

use serde_json::{Value, json};

use super::rules::{self, Refusal};

/// Texts of one line.
const MOST_LINE_CHARACTERS: usize = 255;

/// "65k" in the vendor's words.
const MOST_TEXT_CHARACTERS: usize = 65_535;

/// What a field is for, by the vendor's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldType {
    Line,
    Text,
    Number,
    Money,
    Option,
    Options,
    Id,
    Date,
    DateRange,
    Time,
    TimeRange,
}

/// The vendor's names of the types.
pub(super) const TYPES: [(&str, FieldType); 16] = [
    ("varchar", FieldType::Line),
    ("varchar_auto", FieldType::Line),
    ("phone", FieldType::Line),
    ("text", FieldType::Text),
    ("address", FieldType::Text),
    ("double", FieldType::Number),
    ("monetary", FieldType::Money),
    ("enum", FieldType::Option),
    ("set", FieldType::Options),
    ("user", FieldType::Id),
    ("org", FieldType::Id),
    ("people", FieldType::Id),
    ("date", FieldType::Date),
    ("daterange", FieldType::DateRange),
    ("time", FieldType::Time),
    ("timerange", FieldType::TimeRange),
];

/// A field that a company has made.
#[derive(Debug, Clone)]
pub(super) struct CustomField {
    pub(super) id: u64,
    /// 40 hexadecimal digits.
    pub(super) key: String,
    pub(super) name: String,
    /// As the vendor calls it.
    pub(super) type_name: &'static str,
    pub(super) field_type: FieldType,
    /// The ids and labels of what can be chosen.
    pub(super) options: Vec<(u64, String)>,
}

impl CustomField {
    /// As the list of fields has it.
    pub(super) fn to_json(&self) -> Value {
        let options: Vec<_> = self.options.iter().map(|(id, label)| json!({"id": id, "label": label})).collect();
        let options = if options.is_empty() { Value::Null } else { options.into() };
        json!({"id": self.id, "key": self.key, "name": self.name, "field_type": self.type_name, "options": options,
            "edit_flag": true})
    }

    /// Whether one of its keys takes a value that is not null. `name` is the whole key, `rest` what follows its digits.
    fn check(&self, name: &str, rest: &str, value: &Value) -> Result<(), Refusal> {
        let takes = |takes: bool, words: &str| if takes { Ok(()) } else { Err(Refusal::field(name, words)) };
        let date = || takes(rules::is_date(value), "must be in YYYY-MM-DD format");
        let time = || takes(rules::is_time(value), "must be in HH:MM:SS format");
        match (self.field_type, rest) {
            (FieldType::Line, "") => rules::check_text(name, value, MOST_LINE_CHARACTERS),
            (FieldType::Text, "") => rules::check_text(name, value, MOST_TEXT_CHARACTERS),
            (FieldType::Number | FieldType::Money, "") => takes(value.is_number(), "must be a number"),
            (FieldType::Money, "_currency") => takes(value.is_string(), "must be a string"),
            (FieldType::Option, "") => takes(value.as_u64().is_some_and(|id| self.has(id)), &self.one_of()),
            (FieldType::Options, "") => {
                let ids = value.as_str().ok_or_else(|| Refusal::field(name, "must be a string"))?;
                takes(ids.split(',').all(|id| id.parse().is_ok_and(|id| self.has(id))), &self.one_of())
            }
            (FieldType::Id, "") => takes(rules::is_integer(value), "must be a number"),
            (FieldType::Date, "") | (FieldType::DateRange, "" | "_until") => date(),
            (FieldType::Time, "") | (FieldType::TimeRange, "" | "_until") => time(),
            _ => Err(Refusal::NotModelled(format!("the key {name} of a field of type {}", self.type_name))),
        }
    }

    fn has(&self, option: u64) -> bool {
        self.options.iter().any(|(id, _)| *id == option)
    }

    fn one_of(&self) -> String {
        let ids: Vec<_> = self.options.iter().map(|(id, _)| id.to_string()).collect();
        format!("must be one of [{}]", ids.join(", "))
    }
}

/// The digits of a custom field's key, and what follows them.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    name.split_at_checked(40).filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a custom field of a change takes a value; `None` for a name that is no key of one.
pub(super) fn check(fields: &[CustomField], name: &str, value: &Value) -> Option<Result<(), Refusal>> {
    let (digits, rest) = split(name)?;
    let Some(field) = fields.iter().find(|field| field.key == digits) else {
        return Some(Err(Refusal::NotModelled(format!("the custom field {digits}, which the seed does not define"))));
    };
    Some(if value.is_null() { Ok(()) } else { field.check(name, rest, value) })
}
