//! The input of a task under test: what `--input` gives, and for the rest what the task's own `inputParameters` say as
//! far as they need nothing from a workflow. Whatever has no value is asked for, when there is somebody to ask.

use http_task_host::HttpTask;
use http_task_host::workflow::Task;
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};

use super::Stop;
use super::output::Output;

/// Names and values, each as it is written.
pub(super) type Input = IndexMap<String, Box<RawValue>>;

/// What a workflow's own expressions see in a test: nothing has run, and no input was given.
const NO_WORKFLOW: &str = r#"{"workflow":{"input":{}},"tasks":{}}"#;

/// Reads `--input`: JSON, or a file behind an `@`.
pub(super) fn read(argument: Option<&str>) -> Result<Input, Stop> {
    let text = match argument.map(|argument| argument.strip_prefix('@').ok_or(argument)) {
        None => return Ok(Input::new()),
        Some(Err(json)) => json.to_owned(),
        Some(Ok(path)) => {
            std::fs::read_to_string(path).map_err(|error| Stop::usage(format!("--input: {path}: {error}")))?
        }
    };
    serde_json::from_str(&text).map_err(|error| {
        Stop::usage(format!("--input is not a JSON object: {error}")).hint("--input '{\"leadId\": \"…\"}'")
    })
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
        for problem in problems {
            let name = problem.place.split('/').nth(1).unwrap_or_default().replace("~1", "/").replace("~0", "~");
            let written = problem.missing.as_deref().unwrap_or(&problem.message);
            let value = ask(&name, written, output).ok_or_else(|| {
                Stop::usage(format!("the input parameter `{name}` needs a value: {written} finds none in a test"))
                    .hint(format!("--input '{{\"{name}\": …}}'"))
            })?;
            given.insert(name, value);
        }
    }
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
