//! One `${…}`, and text that holds some. An expression is read once; what it finds in an input keeps its type, and inside
//! text it is written as text: strings, numbers and booleans only. A value is never expanded again.
//!
//! - `$${…}` is a literal `${…}`.
//! - A path is a full RFC 9535 query (`$.lead.id`) or the shorthand without `$.` (`lead.id`). A query that can find more
//!   than one node (RFC 9535, section 2.3.5.1) gives the list of all it finds, however many.
//! - Whether `${?path}` may stand somewhere is for whoever reads it to say; in text it may not.
//!
//! Deliberately absent: JSONata, and the JSONPath functions `match` and `search`, whose regular expressions would
//! triple the component's size. Both are problems, never wrong values.

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::problem::{Place, Problem};

/// Literal text and expressions, in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Text(pub Vec<Part>);

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// Text that the input gives.
    Expression(Expression),
}

/// One `${…}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    written: String,
    optional: bool,
    path: Path,
}

/// Where an expression looks.
#[derive(Debug, Clone, PartialEq)]
enum Path {
    /// Nothing but names, as most are: followed without the parser of queries, which takes longer than all else of a
    /// definition.
    Names(Vec<String>),
    /// Any other query that finds one node at most.
    One(JsonPath),
    /// A query that may find several.
    Many(JsonPath),
}

impl Path {
    /// Reads `$.lead.id`, `lead.id`, `$`; none where anything but names is in it.
    fn names(path: &str) -> Option<Vec<String>> {
        let names = match path.strip_prefix('$') {
            Some("") => return Some(Vec::new()),
            Some(rest) => rest.strip_prefix('.')?,
            None => path,
        };
        names.split('.').map(|name| is_shorthand(name).then(|| name.to_owned())).collect()
    }

    /// The value that it finds.
    fn find(&self, input: &Value) -> Option<Value> {
        match self {
            Self::Names(names) => names.iter().try_fold(input, |value, name| value.as_object()?.get(name)).cloned(),
            Self::One(query) => query.query(input).first().cloned(),
            Self::Many(query) => Some(query.query(input).into_iter().cloned().collect()),
        }
    }
}

/// `member-name-shorthand` (RFC 9535, section 2.5.1.1).
fn is_shorthand(name: &str) -> bool {
    let first = |character: char| character.is_ascii_alphabetic() || character == '_' || !character.is_ascii();
    name.starts_with(first) && name.chars().all(|character| first(character) || character.is_ascii_digit())
}

impl Text {
    /// Reads a string in which every expression must find a value.
    pub fn read(written: &str, place: &Place) -> Result<Self, Vec<Problem>> {
        Self::read_allowing_optional(written, place)?.without_optional(place)
    }

    /// Reads a string in which an expression may find nothing.
    pub(crate) fn read_allowing_optional(written: &str, place: &Place) -> Result<Self, Vec<Problem>> {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        let mut literal = String::new();
        let mut rest = written;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            let escaped = rest.starts_with("$${");
            if !escaped && !rest.starts_with("${") {
                literal.push('$');
                rest = &rest[1..];
                continue;
            }
            let inner = &rest[if escaped { 3 } else { 2 }..];
            let Some(end) = end_of_expression(inner) else {
                problems.push(
                    Problem::new(place, format!("`{rest}` has no closing `}}`"))
                        .hint("close the expression with `}`, or write `$${…}` for a literal `${…}`"),
                );
                break;
            };
            if escaped {
                literal.push_str("${");
                literal.push_str(&inner[..=end]);
            } else {
                match Expression::read(&inner[..end], place) {
                    Ok(expression) => {
                        if !literal.is_empty() {
                            parts.push(Part::Literal(std::mem::take(&mut literal)));
                        }
                        parts.push(Part::Expression(expression));
                    }
                    Err(problem) => problems.push(problem),
                }
            }
            rest = &inner[end + 1..];
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The same text, if every expression in it must find a value.
    pub(crate) fn without_optional(self, place: &Place) -> Result<Self, Vec<Problem>> {
        let misplaced: Vec<_> = self
            .expressions()
            .filter(|expression| expression.optional)
            .map(|expression| expression.misplaced(place))
            .collect();
        if misplaced.is_empty() { Ok(self) } else { Err(misplaced) }
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Literal(_) => None,
        })
    }

    /// The text over an input.
    pub fn resolve(&self, input: &Value, place: &Place) -> Result<String, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Expression(expression) => match expression.text(input, place) {
                    Ok(value) => text.push_str(&value),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if problems.is_empty() { Ok(text) } else { Err(problems) }
    }
}

impl Expression {
    /// Reads what stands between `${` and `}`.
    fn read(inner: &str, place: &Place) -> Result<Self, Problem> {
        let written = format!("${{{inner}}}");
        let (optional, path) = match inner.strip_prefix('?') {
            Some(path) => (true, path),
            None => (false, inner),
        };
        refuse_jsonata(path, place)?;
        if path.starts_with("swf:") {
            return Err(Problem::new(place, format!("`{written}`: names that begin with `swf:` are reserved")));
        }
        let path = match Path::names(path) {
            Some(names) => Path::Names(names),
            None => read_query(path, &written, place)?,
        };
        Ok(Self { written, optional, path })
    }

    /// Whether its value may be absent.
    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    /// The expression as the author wrote it: `${lead.id}`.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What the input has here: a value of any type, or the list of all nodes of a query that may find several.
    pub(crate) fn value(&self, input: &Value) -> Option<Value> {
        self.path.find(input)
    }

    /// The value as text for a place inside a longer string.
    pub fn text(&self, input: &Value, place: &Place) -> Result<String, Problem> {
        let value = self.value(input).ok_or_else(|| self.without_value(place))?;
        text_of(&value).ok_or_else(|| {
            Problem::new(place, format!("`{}` is {}, which has no place inside text", self.written, kind(&value)))
        })
    }

    /// The problem of a value that is not there.
    pub(crate) fn without_value(&self, place: &Place) -> Problem {
        Problem::new(place, format!("`{}` finds no value in the input", self.written)).missing(self.written.clone())
    }

    /// The problem of an absence that has no meaning here.
    pub(crate) fn misplaced(&self, place: &Place) -> Problem {
        Problem::new(
            place,
            format!("`{}` may only be the whole value of a member, which it can leave out", self.written),
        )
        .hint(self.written.replacen("${?", "${", 1))
    }
}

fn read_query(path: &str, written: &str, place: &Place) -> Result<Path, Problem> {
    refuse_what_is_not_exact(path, written, place)?;
    let full = if path.starts_with('$') {
        path.to_owned()
    } else if path.starts_with('[') {
        format!("${path}")
    } else {
        format!("$.{path}")
    };
    let query = JsonPath::parse(&full).map_err(|_| {
        let problem = Problem::new(place, format!("`{written}` is not a JSONPath (RFC 9535)"));
        if path.contains("match(") || path.contains("search(") {
            problem.hint("the functions match and search are not supported; filter before this task")
        } else {
            problem.hint("write a path such as `${lead.id}`, `${$.lead.id}` or `${$['lead id']}`")
        }
    })?;
    // Only a singular query may stand in a comparison (RFC 9535, section 2.3.5.1), so the parser itself tells.
    let singular = JsonPath::parse(&format!("$[?{full}==0]")).is_ok();
    Ok(if singular { Path::One(query) } else { Path::Many(query) })
}

/// A string, number or boolean as text; nothing else is.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The type of a JSON value, in words.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The deepest nesting of filters: the parser reads each level twice, so that thirty would take it hours.
const MOST_FILTERS: usize = 4;

/// Whole numbers up to here are exact where filters compare (RFC 9535, section 2.1; RFC 7493, section 2.2).
const MOST_EXACT: u64 = (1 << 53) - 1;

/// Filters compare numbers as 64-bit floats: what they cannot tell apart is refused, not guessed.
fn refuse_what_is_not_exact(path: &str, written: &str, place: &Place) -> Result<(), Problem> {
    let path: String = unquoted(path).map(|(_, character)| character).collect();
    if path.matches("[?").count() > MOST_FILTERS {
        return Err(Problem::new(place, format!("`{written}` has more than {MOST_FILTERS} filters")));
    }
    let mut numbers = path.split(|character: char| !character.is_ascii_digit());
    let inexact = |digits: &str| digits.parse::<u64>().map_or(!digits.is_empty(), |number| number > MOST_EXACT);
    if path.contains("[?") && numbers.any(inexact) {
        return Err(Problem::new(
            place,
            format!("`{written}` compares with a number beyond {MOST_EXACT}, which a filter cannot do exactly"),
        )
        .hint("compare with a string, or filter before this task"));
    }
    Ok(())
}

/// JSONata is chosen by a prefix of its own.
pub(crate) fn refuse_jsonata(written: &str, place: &Place) -> Result<(), Problem> {
    if written.starts_with("jsonata:") {
        return Err(Problem::new(place, "JSONata is not supported").hint("write a JSONPath: `${lead.id}`"));
    }
    Ok(())
}

/// The index of the `}` that closes an expression: the first one outside a quoted name.
fn end_of_expression(inner: &str) -> Option<usize> {
    unquoted(inner).find(|(_, character)| *character == '}').map(|(index, _)| index)
}

/// The characters outside quoted names and strings.
fn unquoted(path: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    path.char_indices().filter(move |(_, character)| {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if *character == '\\' => escaped = true,
            Some(open) if open == *character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(*character),
            Some(_) => {}
            None => return true,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_find_what_the_query_finds(
            path in "\\$?(\\.?[a-cé_][a-c0-9é_]{0,2}){0,3}|\\PC{0,6}",
            document in "[abc]",
        ) {
            let input = serde_json::json!({&document: {"a": {"b": 1, "é": null}, "b": [0], "c1": "x"}, "é": 2, "_": {"a": 3}});
            let Some(names) = Path::names(&path) else { return Ok(()) };
            let full = if path.starts_with('$') { path.clone() } else { format!("$.{path}") };
            let query = JsonPath::parse(&full).map(Path::One);
            prop_assert!(query.is_ok(), "{} is no query", full);
            prop_assert_eq!(Path::Names(names).find(&input), query.unwrap().find(&input));
        }
    }
}
