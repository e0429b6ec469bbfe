//! A task put into a definition: the text of the file stays as it is but for what the new task changes.

use std::fmt::{self, Display};

use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::{Map, Value, json};

use super::MOST_NAME_CHARACTERS;
use crate::source::{STRICT, Source};

/// Why a task cannot be put into a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertionError {
    /// It has no `tasks`.
    NoTasks,
    /// There is no such task to come after.
    NoSuchTask {
        /// Its name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A task of that name is there.
    Taken(String),
    /// Nothing can come after a task that ends the run, or whose way is broken.
    NoWay(String),
}

impl Display for InsertionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTasks => f.write_str("the definition has no `tasks` to add to"),
            Self::NoSuchTask { name, .. } => write!(f, "there is no task `{name}`"),
            Self::Taken(name) => write!(f, "another task is called `{name}`"),
            Self::NoWay(name) => write!(f, "nothing can come after the task `{name}`"),
        }
    }
}

impl std::error::Error for InsertionError {}

impl InsertionError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoTasks => "\"tasks\": {}".to_owned(),
            Self::NoSuchTask { known, .. } => format!("one of {}", known.join(", ")),
            Self::Taken(_) => "--task 'another name'".to_owned(),
            Self::NoWay(_) => "--after TASK says where it comes".to_owned(),
        }
    }
}

/// A new task, and where it goes.
#[derive(Debug, Clone)]
pub struct Insertion<'a> {
    /// The task object, without where it leads.
    pub task: &'a Map<String, Value>,
    /// What it may be called, when the author does not say.
    pub proposed: &'a str,
    /// What the author calls it.
    pub name: Option<&'a str>,
    /// The task that it comes after; the last one of the definition when absent.
    pub after: Option<&'a str>,
}

/// A definition with the task in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The whole text.
    pub text: String,
    /// What the task is called.
    pub name: String,
}

impl Insertion<'_> {
    /// A definition of nothing but the task.
    pub fn alone(&self, definition_name: &str) -> Inserted {
        let name = cut(self.name.unwrap_or(self.proposed));
        let mut task = self.task.clone();
        task.insert("end".to_owned(), json!(true));
        let definition = json!({ "name": definition_name, "startTask": name, "tasks": { &name: task } });
        let text = serde_json::to_string_pretty(&definition).unwrap_or_default() + "\n";
        Inserted { text, name }
    }

    /// A definition that is there, with the task in it.
    pub fn within(&self, source: &Source) -> Result<Inserted, InsertionError> {
        let root = CstRootNode::parse(source.text(), &STRICT).map_err(|_| InsertionError::NoTasks)?;
        let definition = root.object_value().ok_or(InsertionError::NoTasks)?;
        let mut flows = Vec::new();
        collect_flows(&definition, &mut flows);
        let names: Vec<String> = flows.iter().flat_map(task_names).collect();
        let name = self.free_name(&names)?;
        let tasks = definition.object_value("tasks").ok_or(InsertionError::NoTasks)?;
        if tasks.properties().is_empty() {
            tasks.append(&name, input(&ended(self.task)));
            set(&definition, "startTask", json!(name));
            return Ok(Inserted { text: root.to_string(), name });
        }
        let after = match self.after {
            Some(after) => after.to_owned(),
            None => last(&definition, &tasks)?,
        };
        let no_such_task = || InsertionError::NoSuchTask { name: after.clone(), known: names.clone() };
        let tasks = flows.into_iter().find(|tasks| tasks.get(&after).is_some()).ok_or_else(no_such_task)?;
        let property = tasks.get(&after).ok_or_else(no_such_task)?;
        let before = property.object_value().ok_or_else(|| InsertionError::NoWay(after.clone()))?;
        if text_of(&before, "type").as_deref() == Some("Terminate") {
            return Err(InsertionError::NoWay(after));
        }
        let mut task = self.task.clone();
        match text_of(&before, "nextTask") {
            Some(next) => task.insert("nextTask".to_owned(), json!(next)),
            None => task.insert("end".to_owned(), json!(true)),
        };
        tasks.insert(property.property_index() + 1, &name, input(&Value::Object(task)));
        match before.get("end").filter(|_| before.get("nextTask").is_none()) {
            Some(end) => {
                end.replace_with("nextTask", input(&json!(name)));
            }
            None => set(&before, "nextTask", json!(name)),
        }
        Ok(Inserted { text: root.to_string(), name })
    }

    fn free_name(&self, names: &[String]) -> Result<String, InsertionError> {
        let is_taken = |name: &str| names.iter().any(|known| known == name);
        if let Some(name) = self.name {
            return if is_taken(name) { Err(InsertionError::Taken(name.to_owned())) } else { Ok(name.to_owned()) };
        }
        let proposed = cut(self.proposed);
        if !is_taken(&proposed) {
            return Ok(proposed);
        }
        let numbered = |number: usize| {
            let number = format!(" {number}");
            let most = MOST_NAME_CHARACTERS - number.chars().count();
            proposed.chars().take(most).collect::<String>() + &number
        };
        Ok((2..).map(numbered).find(|name| !is_taken(name)).unwrap_or(proposed.clone()))
    }
}

fn cut(name: &str) -> String {
    name.chars().take(MOST_NAME_CHARACTERS).collect()
}

fn ended(task: &Map<String, Value>) -> Value {
    let mut task = task.clone();
    task.insert("end".to_owned(), json!(true));
    Value::Object(task)
}

/// The `tasks` of a definition and of all branches in it.
fn collect_flows(flow: &CstObject, flows: &mut Vec<CstObject>) {
    let Some(tasks) = flow.object_value("tasks") else { return };
    for property in tasks.properties() {
        let branches = property.object_value().and_then(|task| task.array_value("branches"));
        for branch in branches.iter().flat_map(|branches| branches.elements()) {
            if let Some(branch) = branch.as_object() {
                collect_flows(&branch, flows);
            }
        }
    }
    flows.push(tasks);
}

fn task_names(tasks: &CstObject) -> Vec<String> {
    tasks.properties().iter().filter_map(|property| property.decoded_name()).collect()
}

/// The task with which the definition's own flow ends.
fn last(definition: &CstObject, tasks: &CstObject) -> Result<String, InsertionError> {
    let mut name = text_of(definition, "startTask").unwrap_or_default();
    for _ in tasks.properties() {
        let task = tasks.get(&name).and_then(|task| task.object_value());
        let task = task.ok_or_else(|| InsertionError::NoWay(name.clone()))?;
        match text_of(&task, "nextTask") {
            Some(next) => name = next,
            None => return Ok(name),
        }
    }
    Err(InsertionError::NoWay(name))
}

fn text_of(object: &CstObject, name: &str) -> Option<String> {
    object.get(name)?.value()?.as_string_lit()?.decoded_value().ok()
}

fn set(object: &CstObject, name: &str, value: Value) {
    match object.get(name) {
        Some(property) => property.set_value(input(&value)),
        None => {
            object.append(name, input(&value));
        }
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        // As it is written.
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(elements) => CstInputValue::Array(elements.iter().map(input).collect()),
        Value::Object(members) => {
            CstInputValue::Object(members.iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLLOW_UP: &str = include_str!("../../../examples/follow-up.json");

    fn insert(text: &str, name: Option<&str>, after: Option<&str>) -> Result<Inserted, InsertionError> {
        let task = json!({"type": "Http", "httpRequest": {"method": "GET", "url": "https://a.example/"}});
        let task = task.as_object().unwrap();
        let source = Source::parse("x.json", text.to_owned()).unwrap();
        let inserted = Insertion { task, proposed: "New", name, after }.within(&source)?;
        assert!(Source::parse("x.json", inserted.text.clone()).is_ok(), "{}", inserted.text);
        Ok(inserted)
    }

    #[test]
    fn what_was_there_stays_as_it_was() {
        let inserted = insert(FOLLOW_UP, None, Some("Rename lead")).unwrap().text;
        let retry = "\"retry\": { \"intervalSeconds\": 1, \"maxAttempts\": 3, \"backoffRate\": 2.0 },";
        let before =
            format!("\"repeatable\": true,\n              {retry}\n              \"end\": true\n            }}");
        let new = "\"New\": {\n  \"type\": \"Http\",\n  \"httpRequest\": {\n    \"method\": \"GET\",\n    \"url\": \
                   \"https://a.example/\"\n  },\n  \"end\": true\n}";
        let after = before.replace("\"end\": true", "\"nextTask\": \"New\"");
        let after = format!("{after},\n            {}", new.replace('\n', "\n            "));
        assert_eq!(FOLLOW_UP.matches(&before).count(), 1);
        assert_eq!(inserted, FOLLOW_UP.replace(&before, &after));
    }

    #[test]
    fn a_task_comes_last_or_between_two() {
        let text = r#"{ "name": "n", "startTask": "a", "tasks": { "b": { "type": "Http", "end": true }, "a": { "nextTask": "b" } } }"#;
        let value = |inserted: Inserted| serde_json::from_str::<Value>(&inserted.text).unwrap()["tasks"].clone();
        let last = value(insert(text, None, None).unwrap());
        assert_eq!((&last["b"]["nextTask"], &last["New"]["end"]), (&json!("New"), &json!(true)));
        assert!(last["b"].get("end").is_none());
        let between = value(insert(text, Some("c"), Some("a")).unwrap());
        assert_eq!((&between["a"]["nextTask"], &between["c"]["nextTask"]), (&json!("c"), &json!("b")));
    }

    #[test]
    fn a_definition_without_tasks_gets_its_first() {
        let value: Value =
            serde_json::from_str(&insert(r#"{"name": "n", "tasks": {}}"#, None, None).unwrap().text).unwrap();
        assert_eq!(value["startTask"], "New");
        assert_eq!(value["tasks"]["New"]["end"], true);
    }

    #[test]
    fn what_cannot_be_says_why() {
        let text = |task: &str| format!(r#"{{"startTask": "New", "tasks": {{"New": {task}}}}}"#);
        let ends = text(r#"{"type": "Terminate"}"#);
        assert_eq!(insert(&ends, None, None), Err(InsertionError::NoWay("New".into())));
        assert!(matches!(insert(&ends, None, Some("x")), Err(InsertionError::NoSuchTask { .. })));
        let circle = text(r#"{"nextTask": "New"}"#);
        assert_eq!(insert(&circle, None, None), Err(InsertionError::NoWay("New".into())));
        assert_eq!(insert(&circle, Some("New"), None), Err(InsertionError::Taken("New".into())));
        assert_eq!(insert(&text(r#"{"end": true}"#), None, None).unwrap().name, "New 2");
        assert_eq!(insert("[]", None, None), Err(InsertionError::NoTasks));
    }
}
