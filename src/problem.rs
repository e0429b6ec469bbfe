//! What is wrong with a definition or its input, and where. Every stage collects all it finds before it gives up.

use std::fmt::{self, Display};

/// Something that is wrong, at a place the author can go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A JSON Pointer (RFC 6901).
    pub place: String,
    /// A lower-case phrase without a full stop.
    pub message: String,
    /// What to write instead, ready to paste.
    pub hint: Option<String>,
    /// The expression that found no value, as written, when that is the problem.
    pub missing: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.to_string(), message: message.into(), hint: None, missing: None }
    }

    /// The same with the remedy.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with the expression that found nothing.
    pub fn missing(mut self, expression: impl Into<String>) -> Self {
        self.missing = Some(expression.into());
        self
    }
}

/// What was found: what is wrong, and what is worth knowing although nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Nothing is sent where there is one.
    pub problems: Vec<Problem>,
    /// Told, and nothing else.
    pub warnings: Vec<Problem>,
}

impl Found {
    /// Notes what is wrong.
    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes what is worth knowing.
    pub fn warning(&mut self, warning: Problem) {
        self.warnings.push(warning);
    }

    /// The warnings, where nothing is wrong.
    pub fn warnings(self) -> Result<Vec<Problem>, Vec<Problem>> {
        if self.problems.is_empty() { Ok(self.warnings) } else { Err(self.problems) }
    }
}

/// A place in a JSON document; prints as a JSON Pointer (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The whole document: the empty pointer.
    pub fn root() -> Self {
        Self::default()
    }

    /// The place of a member.
    pub fn member(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, name.replace('~', "~0").replace('/', "~1")))
    }

    /// The place of an element.
    pub fn element(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Notes a problem and goes on without the value, so that the next one is found as well.
pub fn noted<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

/// The same for a stage that found several.
pub fn noted_all<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|mut found| problems.append(&mut found)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_escapes_what_rfc_6901_reserves() {
        let place = Place::root().member("a/b~c").element(2);
        assert_eq!(place.to_string(), "/a~1b~0c/2");
    }
}
