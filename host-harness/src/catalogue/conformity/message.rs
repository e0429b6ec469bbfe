//! What a validator found, in our words and with what to write instead.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Value, json};

use super::Difference;
use crate::catalogue::example::Examples;
use crate::catalogue::schema::definition;
use crate::catalogue::shape::Shape;
use crate::source::{pointer, unescaped};

/// Values that are told one by one.
const MOST_VALUES: usize = 12;

/// What a validator found about what stands at `place` and further in. Of a choice, what is against the one that was meant.
pub(super) fn said(root: &Value, error: &ValidationError<'_>, place: &str) -> Vec<Difference> {
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            if let Some(difference) = none_of_all(context, place) {
                return vec![difference];
            }
            let meant = meant(context, error.instance_path().as_str());
            let found: Vec<_> = meant.into_iter().flatten().flat_map(|nested| said(root, nested, place)).collect();
            if found.is_empty() { vec![said_once(root, error, place)] } else { found }
        }
        _ => vec![said_once(root, error, place)],
    }
}

/// Where every choice wants another value of one member: which there are.
fn none_of_all(choices: &[Vec<ValidationError<'static>>], place: &str) -> Option<Difference> {
    let kinds = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Enum { options } => options.as_array().cloned(),
        ValidationErrorKind::Constant { expected_value } => Some(vec![expected_value.as_ref().clone()]),
        _ => None,
    };
    let first = choices.first()?.iter().find(|error| kinds(error).is_some())?;
    let at = first.instance_path().as_str();
    let mut values: Vec<Value> = Vec::new();
    for errors in choices.iter() {
        let here = errors.iter().find(|error| error.instance_path().as_str() == at).and_then(kinds)?;
        values.extend(here.into_iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
    }
    (choices.len() > 1).then(|| one_of(&format!("{place}{at}"), first.instance().as_ref(), &values))
}

/// The choice that fits best: of the right type, of the kind that it says it is, wrong furthest in, and with the fewest findings.
fn meant<'c>(choices: &'c [Vec<ValidationError<'static>>], own: &str) -> Option<&'c Vec<ValidationError<'static>>> {
    let rank = |errors: &&Vec<ValidationError<'static>>| {
        let places = errors.iter().map(|error| error.instance_path().as_str());
        let of_type = |error: &ValidationError<'_>| {
            matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().as_str() == own
        };
        // A member that may have one value only tells the choices apart.
        let of_kind = |error: &ValidationError<'_>| {
            let inner = error.instance_path().as_str().strip_prefix(own).unwrap_or_default();
            let is_kind =
                matches!(error.kind(), ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. });
            is_kind && inner.matches('/').count() == 1
        };
        let furthest = places.map(|place| place.matches('/').count()).max().unwrap_or_default();
        (errors.iter().any(of_type), errors.iter().any(of_kind), std::cmp::Reverse(furthest), errors.len())
    };
    choices.iter().filter(|errors| !errors.is_empty()).min_by_key(rank)
}

fn said_once(root: &Value, error: &ValidationError<'_>, place: &str) -> Difference {
    let at = format!("{place}{}", error.instance_path().as_str());
    let name = name_of(&at);
    let value = error.instance().as_ref();
    match error.kind() {
        ValidationErrorKind::Type { kind } => {
            let expected = types(kind);
            let message = format!("{name} must be {}, not {}", phrase(&expected), kind_of(value));
            Difference::new(&at, message).hint(converted(value, &expected).map(|value| member(&at, &value)))
        }
        ValidationErrorKind::Enum { options } => one_of(&at, value, options.as_array().map_or(&[], Vec::as_slice)),
        ValidationErrorKind::Constant { expected_value } => {
            let hint = Some(member(&at, expected_value));
            Difference::new(&at, format!("{name} must be {expected_value}")).hint(hint)
        }
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let example = example(root, error.instance_path().as_str(), property);
            let message = match at.is_empty() {
                true => format!("`{property}` is missing"),
                false => format!("{name} has no `{property}`, which is required"),
            };
            Difference::new(&at, message).hint(Some(member(&pointer(&at, property), &example)))
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let names: Vec<_> = unexpected.iter().map(|name| format!("`{name}`")).collect();
            let known = shape_at(root, error.instance_path().as_str());
            let known = known.iter().flat_map(|shape| &shape.properties).map(|(name, _)| *name);
            let near = unexpected.first().and_then(|name| nearest(name, known));
            let hint = near.map(|near| json!(near).to_string());
            Difference::new(&at, format!("{} not taken here", are(&names))).hint(hint)
        }
        ValidationErrorKind::MaxLength { limit } => {
            Difference::new(&at, format!("{name} may have {limit} characters, and has {}", length(value)))
        }
        ValidationErrorKind::MinLength { limit } => {
            Difference::new(&at, format!("{name} must have {limit} characters or more, and has {}", length(value)))
        }
        ValidationErrorKind::Maximum { limit } => Difference::new(&at, format!("{name} may be {limit} at most")),
        ValidationErrorKind::Minimum { limit } => Difference::new(&at, format!("{name} must be {limit} or more")),
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            Difference::new(&at, format!("{name} must be less than {limit}"))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            Difference::new(&at, format!("{name} must be more than {limit}"))
        }
        ValidationErrorKind::MaxItems { limit } => Difference::new(&at, format!("{name} may have {limit} elements")),
        ValidationErrorKind::MinItems { limit } => {
            Difference::new(&at, format!("{name} must have {limit} elements or more"))
        }
        ValidationErrorKind::UniqueItems => Difference::new(&at, format!("{name} has an element twice")),
        ValidationErrorKind::Format { format } => Difference::new(&at, format!("{name} is not in the form `{format}`"))
            .hint(of_format(format).map(|value| member(&at, &json!(value)))),
        ValidationErrorKind::Pattern { pattern } => Difference::new(&at, format!("{name} must match {pattern}")),
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            Difference::new(&at, format!("{name} has several forms at once, and may have one"))
        }
        ValidationErrorKind::FalseSchema => Difference::new(&at, format!("{name} must not be there")),
        _ => Difference::new(&at, error.masked_with(name.clone()).to_string()),
    }
}

fn one_of(at: &str, value: &Value, options: &[Value]) -> Difference {
    let near = value.as_str().and_then(|text| nearest(text, options.iter().filter_map(Value::as_str)));
    let same = options.iter().find(|option| as_text(option) == as_text(value)).cloned();
    let hint = same.or(near.map(|near| json!(near))).map(|value| member(at, &value));
    let shown: Vec<_> = options.iter().take(MOST_VALUES).map(ToString::to_string).collect();
    let more = if options.len() > MOST_VALUES { ", …" } else { "" };
    Difference::new(at, format!("{} must be one of {}{more}", name_of(at), shown.join(", "))).hint(hint)
}

/// The nearest of some names, where one is near enough for a typing error.
pub(super) fn nearest<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let written = written.to_lowercase();
    let distance = |name: &'n str| (strsim::damerau_levenshtein(&written, &name.to_lowercase()), name);
    let (edits, name) = names.map(distance).min()?;
    (edits <= 2 && edits < written.chars().count()).then_some(name)
}

/// What a place is called: its last part.
fn name_of(place: &str) -> String {
    match place.rsplit('/').next().filter(|last| !last.is_empty()) {
        Some(last) if last.parse::<usize>().is_ok() => format!("element {last}"),
        Some(last) => format!("`{}`", unescaped(last)),
        None => "the body".to_owned(),
    }
}

/// A value as it is written at its place.
fn member(place: &str, value: &Value) -> String {
    match place.rsplit('/').next().filter(|last| !last.is_empty() && last.parse::<usize>().is_err()) {
        Some(last) => format!("{}: {value}", json!(unescaped(last))),
        None => value.to_string(),
    }
}

fn types(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect(),
    }
}

fn phrase(types: &[String]) -> String {
    let with_article = |name: &String| match name.as_str() {
        "integer" => "a whole number".to_owned(),
        "object" => "an object".to_owned(),
        "array" => "a list".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "null".to_owned(),
        other => format!("a {other}"),
    };
    types.iter().map(with_article).collect::<Vec<_>>().join(" or ")
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same value as what was expected.
fn converted(value: &Value, types: &[String]) -> Option<Value> {
    let wants = |name: &str| types.iter().any(|known| known == name);
    match value {
        Value::Number(_) | Value::Bool(_) if wants("string") => Some(json!(value.to_string())),
        Value::String(text) => {
            let read: Value = serde_json::from_str(text).ok()?;
            let fits = match &read {
                Value::Number(number) => wants("number") || (wants("integer") && number.as_i64().is_some()),
                Value::Bool(_) => wants("boolean"),
                Value::Null => wants("null"),
                _ => false,
            };
            fits.then_some(read)
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Number(_) | Value::Bool(_) => {
            let scalar = !value.is_null() && !value.is_object() && !value.is_array();
            (scalar && wants("array")).then(|| json!([value]))
        }
    }
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

fn are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

fn of_format(format: &str) -> Option<&'static str> {
    match format {
        "date" => Some("2026-01-31"),
        "date-time" => Some("2026-01-31T12:00:00Z"),
        "uuid" => Some("adf21080-0e10-11eb-879b-05d71fb426ec"),
        "email" => Some("someone@example.com"),
        "uri" => Some("https://example.com/"),
        _ => None,
    }
}

/// A value for a member that is missing from what stands at a place.
fn example(root: &Value, place: &str, name: &str) -> Value {
    let shape = shape_at(root, place).unwrap_or_default();
    let member = shape.properties.iter().find(|(known, _)| *known == name).map(|(_, member)| *member);
    member.and_then(|member| Examples::new(root).value(member, name)).unwrap_or_else(|| json!("…"))
}

/// What may stand at a place, as far as no choice is on the way.
fn shape_at<'s>(root: &'s Value, place: &str) -> Option<Shape<'s>> {
    let mut schema = root;
    for token in place.split('/').skip(1).map(unescaped) {
        let shape = Shape::of(root, schema);
        let member = shape.properties.iter().find(|(known, _)| *known == token).map(|(_, member)| *member);
        schema = definition(root, member.or(shape.items)?);
    }
    Some(Shape::of(root, schema))
}
