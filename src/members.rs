//! Reading the members of a JSON object: each reader notes its problem and gives `None`, so that the next one is found
//! as well.

use serde_json::{Map, Value};

use crate::expression::kind;
use crate::problem::{Place, Problem};

/// The members of an object under reading. Each reader notes its problem and gives `None`.
pub struct Members<'v, 'p> {
    pub members: &'v Map<String, Value>,
    pub place: Place,
    pub problems: &'p mut Vec<Problem>,
}

impl<'v, 'p> Members<'v, 'p> {
    pub fn of(value: &'v Value, place: Place, problems: &'p mut Vec<Problem>) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self { members, place, problems }),
            other => {
                problems.push(Problem::new(&place, format!("{} where an object must stand", kind(other))));
                None
            }
        }
    }

    pub fn problem(&mut self, name: &str, message: impl Into<String>) -> &mut Problem {
        self.problems.push(Problem::new(&self.place.member(name), message));
        self.problems.last_mut().expect("just pushed")
    }

    pub fn required(&mut self, name: &str, example: &str) -> Option<&'v Value> {
        let value = self.members.get(name);
        if value.is_none() {
            self.problems
                .push(Problem::new(&self.place, format!("`{name}` is missing")).hint(format!("\"{name}\": {example}")));
        }
        value
    }

    pub fn typed<T>(&mut self, name: &str, expected: &str, take: impl FnOnce(&'v Value) -> Option<T>) -> Option<T> {
        let value = self.members.get(name)?;
        let taken = take(value);
        if taken.is_none() {
            self.problem(name, format!("`{name}` must be {expected}, not {}", shown(value)));
        }
        taken
    }

    pub fn string(&mut self, name: &str) -> Option<&'v str> {
        self.typed(name, "a string", Value::as_str)
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        self.typed(name, "true or false", Value::as_bool)
    }

    pub fn seconds(&mut self, name: &str) -> Option<u64> {
        self.typed(name, "a whole number of seconds, 1 or more", |value| value.as_u64().filter(|seconds| *seconds >= 1))
    }

    pub fn fixed(&mut self, name: &str, expected: &str) {
        self.typed(name, &format!("\"{expected}\""), |value| value.as_str().filter(|written| *written == expected));
    }

    pub fn object(&mut self, name: &str) -> Option<Members<'v, '_>> {
        let place = self.place.member(name);
        Members::of(self.members.get(name)?, place, self.problems)
    }

    pub fn refuse_unknown(&mut self, known: &[&str]) {
        for name in self.members.keys() {
            if known.contains(&name.as_str()) {
                continue;
            }
            let problem = self.problem(name, format!("`{name}` is not a member here"));
            problem.hint = Some(match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", known.join(", ")),
            });
        }
    }

    pub fn suggest_for_near_misses(&mut self, known: &[&str]) {
        for name in self.members.keys() {
            if !known.contains(&name.as_str())
                && let Some(near) = nearest(name, known)
            {
                self.problem(name, format!("`{name}` would be ignored")).hint = Some(format!("did you mean `{near}`?"));
            }
        }
    }
}

/// A value short enough for a message.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        scalar => {
            let text = scalar.to_string();
            if text.chars().count() <= 40 { format!("`{text}`") } else { kind(value).to_owned() }
        }
    }
}

/// The known name that a typing error may have meant.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    /// Two slips of the finger; a third makes another word.
    const MOST_EDITS: usize = 2;
    known
        .iter()
        .filter(|known| known.len().abs_diff(name.len()) <= MOST_EDITS)
        .map(|known| (strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &known.to_ascii_lowercase()), *known))
        .filter(|(edits, known)| *edits <= MOST_EDITS && *edits < known.len() / 2)
        .min()
        .map(|(_, known)| known)
}
