//! The input of a task under test: what `--input` gives, and for the rest what the task's own `inputParameters` say as
//! far as they need nothing from a workflow. Whatever has no value is asked for, when there is somebody to ask.

use std::path::Path;

use http_task_host::HttpTask;
use http_task_host::component::Problem;
use http_task_host::source::{Source, pointer};
use http_task_host::workflow::Task;
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};

use super::output::Output;
use super::{Stop, findings, print};

/// Names and values, each as it is written.
pub(super) type Input = IndexMap<String, Box<RawValue>>;

/// What a workflow's own expressions see in a test: nothing has run, and no input was given.
const NO_WORKFLOW: &str = r#"{"workflow":{"input":{}},"tasks":{}}"#;

/// Reads `--input`: JSON, or a file behind an `@`. What is not JSON ends the command, every such place shown.
pub(super) fn read(argument: Option<&str>, output: &Output) -> Result<Input, Stop> {
    let (name, text) = match argument.map(|argument| argument.strip_prefix('@').ok_or(argument)) {
        None => return Ok(Input::new()),
        Some(Err(json)) => ("--input", json.to_owned()),
        Some(Ok(path)) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| Stop::usage(format!("--input: {path}: {error}")))?;
            (path, text)
        }
    };
    if let Err((source, found)) = Source::parse(name, text.clone()) {
        findings::show(&source, &found, output);
        if !output.json && Path::new(source.text()).exists() {
            output.say(&format!("hint: --input @{}", print::shell_word(source.text())));
        }
        return Err(Stop::shown());
    }
    serde_json::from_str(&text)
        .map_err(|_| Stop::usage(format!("{name} is not a JSON object")).hint("--input '{\"leadId\": \"…\"}'"))
}

/// The whole input of a task.
pub(super) async fn complete(
    component: &HttpTask,
    task: &Task,
    mut given: Input,
    output: &Output,
) -> Result<String, Stop> {
    loop {
        let open = task.input_parameters.iter().filter(|(name, _)| !given.contains_key(name));
        let template: Input = open
            .map(|(name, value)| Ok((name.clone(), RawValue::from_string(value.clone())?)))
            .collect::<Result<_, serde_json::Error>>()?;
        let template = serde_json::to_string(&template)?;
        let problems = match component.resolve(&template, NO_WORKFLOW).await.map_err(Stop::failed)? {
            Ok(resolved) => {
                let resolved: Input = serde_json::from_str(&resolved)?;
                return Ok(serde_json::to_string(&merged(task, resolved, given))?);
            }
            Err(problems) => problems,
        };
        let asked_before = given.len();
        // One parameter may miss several values; it is asked for once, as a whole.
        for (name, written) in &task.input_parameters {
            let place = pointer("", name);
            let concerns =
                |problem: &Problem| problem.place == place || problem.place.starts_with(&format!("{place}/"));
            if !problems.iter().any(concerns) {
                continue;
            }
            let value = ask(name, written, output).ok_or_else(|| {
                Stop::usage(format!("the input parameter `{name}` needs a value: {written} finds none in a test"))
                    .hint(hint([[name.as_str()].as_slice()]))
            })?;
            given.insert(name.clone(), value);
        }
        if given.len() == asked_before {
            let why = problems.first().map_or("", |problem| problem.message.as_str());
            return Err(Stop::usage(format!("the input parameters cannot be resolved: {why}")));
        }
    }
}

/// Puts an answer where the request looks for it, beside what the input has there.
pub(super) fn answer(given: &mut Input, input: &str, path: &[&str], value: Box<RawValue>) -> Result<(), Stop> {
    fn put(input: &mut Input, path: &[&str], value: Box<RawValue>) -> Result<(), serde_json::Error> {
        if let [name, rest @ ..] = path {
            let value = if rest.is_empty() {
                value
            } else {
                let here = input.get(*name).and_then(|raw| serde_json::from_str(raw.get()).ok());
                let mut inner: Input = here.unwrap_or_default();
                put(&mut inner, rest, value)?;
                to_raw_value(&inner)?
            };
            input.insert((*name).to_owned(), value);
        }
        Ok(())
    }
    let mut whole: Input = serde_json::from_str(input)?;
    // Answers of the same round are in `given` already.
    whole.extend(given.clone());
    put(&mut whole, path, value)?;
    if let Some((name, value)) = path.first().and_then(|name| whole.shift_remove_entry(*name)) {
        given.insert(name, value);
    }
    Ok(())
}

/// Asks for a value; JSON is taken as JSON, and all else as text.
pub(super) fn ask(name: &str, written: &str, output: &Output) -> Option<Box<RawValue>> {
    let answer = output.ask(&format!("{name} ({written}) ="))?;
    RawValue::from_string(answer.clone()).or_else(|_| to_raw_value(&answer)).ok()
}

/// In the order of the definition; what only `--input` names comes last.
fn merged(task: &Task, mut resolved: Input, mut given: Input) -> Input {
    let mut input = Input::new();
    for (name, _) in &task.input_parameters {
        if let Some(value) = given.shift_remove(name).or_else(|| resolved.shift_remove(name)) {
            input.insert(name.clone(), value);
        }
    }
    input.extend(given);
    input
}

/// The names in `${lead.id}` or `${$.lead.id}`, when there is nothing but names in it.
pub(super) fn plain_path(expression: &str) -> Option<Vec<&str>> {
    let inner = expression.strip_prefix("${")?.strip_suffix('}')?;
    let names: Vec<_> = inner.strip_prefix("$.").unwrap_or(inner).split('.').collect();
    let plain = |name: &&str| !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    names.iter().all(plain).then_some(names)
}

/// `--input` with a value for each path of names, for the author to fill in.
pub(super) fn hint<'a>(paths: impl IntoIterator<Item = &'a [&'a str]>) -> String {
    let mut input = serde_json::Value::Null;
    for path in paths {
        let mut here = &mut input;
        for name in path {
            if !here.is_object() {
                *here = serde_json::json!({});
            }
            here = &mut here[*name];
        }
        if here.is_null() {
            *here = "…".into();
        }
    }
    // Any JSON may stand there, so that nothing should look like text.
    format!(
        "--input {}",
        print::quoted(&input.to_string().replace("\"…\"", "…").replace("\":", "\": ").replace(",\"", ", \""))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hint_names_all_that_is_missing() {
        let paths: [&[&str]; 4] = [&["lead", "id"], &["title"], &["lead", "owner"], &["title"]];
        assert_eq!(hint(paths), r#"--input '{"lead": {"id": …, "owner": …}, "title": …}'"#);
    }
}
