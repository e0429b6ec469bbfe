//! Which tasks the expressions of a template look at: what a run must hand over to fill it, and what must have been done
//! before. What an expression finds there is the component's to say.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a template looks at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct References {
    /// Tasks by their names.
    pub(super) tasks: BTreeSet<String>,
    /// Something from which no name can be told: all that was done before is handed over.
    pub(super) all: bool,
}

impl References {
    /// Of a template as it is written.
    pub(super) fn of(template: &str) -> Self {
        let mut references = Self::default();
        // What is no JSON the component refuses.
        references.read(&serde_json::from_str(template).unwrap_or_default());
        references
    }

    fn read(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.read_text(text),
            Value::Array(elements) => elements.iter().for_each(|element| self.read(element)),
            Value::Object(members) => members.values().for_each(|member| self.read(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn read_text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let escaped = rest[..at].ends_with('$');
            rest = &rest[at + 2..];
            if !escaped {
                self.read_path(rest.strip_prefix('?').unwrap_or(rest));
            }
        }
    }

    /// `tasks.name`, `$.tasks['the name']`, `workflow.input`, or anything else.
    fn read_path(&mut self, path: &str) {
        let path = path.strip_prefix("$.").unwrap_or(path);
        let (root, rest) = path.split_at(path.find(['.', '[', '}']).unwrap_or(path.len()));
        match (root, task(rest)) {
            ("workflow", _) => {}
            ("tasks", Some(name)) => {
                self.tasks.insert(name.to_owned());
            }
            _ => self.all = true,
        }
    }
}

/// The name in `.name` or `['name']`.
fn task(rest: &str) -> Option<&str> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = rest.strip_prefix('[').and_then(|rest| rest.strip_prefix(quote)) {
            return quoted.split_once(quote).map(|(name, _)| name).filter(|name| !name.contains('\\'));
        }
    }
    let name = rest.strip_prefix('.')?;
    let name = &name[..name.find(['.', '[', '}']).unwrap_or(name.len())];
    (!name.is_empty() && name != "*").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_known_by_their_names_and_what_is_not_plain_looks_at_all() {
        for (template, tasks, all) in [
            (
                r#"{"a": "${tasks.one.output}", "b": ["x ${?$.tasks['two words'].input} ${tasks[\"3\"]}"]}"#,
                &["3", "one", "two words"][..],
                false,
            ),
            (r#""${workflow.input.tasks.one} $${tasks.two} ${tasks}""#, &[], true),
            (r#""${workflow.input.a[?@.b == 'c']}""#, &[], false),
            (r#""${$.tasks.*}""#, &[], true),
            (r#""${$..body}""#, &[], true),
            (r#""${$}""#, &[], true),
            (r#""${tasks['it\\'s']}""#, &[], true),
            (r#"{"a": 1}"#, &[], false),
        ] {
            let found = References::of(template);
            assert_eq!(
                (found.tasks.iter().map(String::as_str).collect::<Vec<_>>(), found.all),
                (tasks.to_vec(), all),
                "{template}"
            );
        }
    }
}
