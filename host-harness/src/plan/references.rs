//! What the expressions of a template look at: which names of its input, and of a run so far which tasks. What an expression
//! finds there is the component's to say.

use std::collections::BTreeSet;

use serde_json::Value;

/// The first names of a path, as far as they are plain: `tasks`, `Read lead`, `output`. None are the whole input, or a query
/// from which no name can be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) names: Vec<String>,
    /// Where it finds nothing a member is left out.
    pub(super) optional: bool,
}

/// As many names as matter: `tasks.name.output`.
const MOST_NAMES: usize = 3;

impl Reference {
    /// All of a template as it is written.
    pub(super) fn all_of(template: &str) -> BTreeSet<Self> {
        let mut references = BTreeSet::new();
        // What is no JSON the component refuses.
        read(&serde_json::from_str(template).unwrap_or_default(), &mut references);
        references
    }
}

fn read(value: &Value, references: &mut BTreeSet<Reference>) {
    match value {
        Value::String(text) => read_text(text, references),
        Value::Array(elements) => elements.iter().for_each(|element| read(element, references)),
        Value::Object(members) => members.values().for_each(|member| read(member, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn read_text(text: &str, references: &mut BTreeSet<Reference>) {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let escaped = rest[..at].ends_with('$');
        rest = &rest[at + 2..];
        if !escaped {
            let path = rest.strip_prefix('?');
            let names = names(path.unwrap_or(rest));
            references.insert(Reference { names, optional: path.is_some() });
        }
    }
}

/// `a.b`, `$.a['b c']`, up to where it is no longer plain.
fn names(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = match path.strip_prefix('$') {
        Some(rest) => rest.to_owned(),
        None if path.starts_with('[') => path.to_owned(),
        None => format!(".{path}"),
    };
    while let (Some((name, after)), true) = (name(&rest), names.len() < MOST_NAMES) {
        names.push(name.to_owned());
        rest = after.to_owned();
    }
    names
}

/// The name in `.name` or `['name']`, and what follows it.
fn name(rest: &str) -> Option<(&str, &str)> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = rest.strip_prefix('[').and_then(|rest| rest.strip_prefix(quote)) {
            let (name, after) = quoted.split_once(quote)?;
            let after = after.strip_prefix(']')?;
            return (!name.contains('\\')).then_some((name, after));
        }
    }
    let rest = rest.strip_prefix('.')?;
    let end = rest.find(['.', '[', '}']).unwrap_or(rest.len());
    (end > 0 && !rest.starts_with('*')).then(|| rest.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_path_are_told_as_far_as_they_are_plain() {
        for (path, expected) in [
            ("tasks.one.output.body", &["tasks", "one", "output"][..]),
            ("$.tasks['two words'].input", &["tasks", "two words", "input"]),
            (r#"tasks["3"]"#, &["tasks", "3"]),
            ("['a b'][0]", &["a b"]),
            ("workflow.input", &["workflow", "input"]),
            ("$", &[]),
            ("$.*", &[]),
            ("$..body", &[]),
            ("$.tasks.*.output", &["tasks"]),
            ("tasks[?@.x == 1]", &["tasks"]),
            (r"tasks['it\'s']", &["tasks"]),
        ] {
            let text = serde_json::json!({"a": [format!("x ${{{path}}} y")]}).to_string();
            let found = Reference::all_of(&text);
            assert_eq!(found.first().unwrap().names, expected, "{path}");
        }
    }

    #[test]
    fn what_is_optional_is_told_and_what_is_escaped_is_none() {
        let found = Reference::all_of(r#"{"a": "${?b}", "c": ["$${d} ${e}${f}"]}"#);
        let found: Vec<_> = found.iter().map(|reference| (reference.names[0].as_str(), reference.optional)).collect();
        assert_eq!(found, [("b", true), ("e", false), ("f", false)]);
    }
}
