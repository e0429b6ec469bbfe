//! `http-task check`: all that is wrong with a definition, at once.

use std::path::PathBuf;

use clap::Args;
use http_task_host::Egress;
use http_task_host::workflow::Definition;

use super::output::Output;
use super::{Exit, Stop, findings, load, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition
    definition: PathBuf,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Stop> {
    let source = read_source(&arguments.definition, output)?;
    let (definition, mut found) = Definition::read(source);
    let component = load(Egress::offline())?;
    for task in definition.http_tasks() {
        if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
            let located = |problem| findings::located(definition.source(), &task.place, problem);
            found.extend(problems.into_iter().map(located));
        }
    }
    if !found.is_empty() {
        findings::show(definition.source(), &found, output);
        return Ok(Exit::Usage);
    }
    if output.json {
        output.put("{\"problems\":[]}\n");
    } else {
        let count = definition.http_tasks().count();
        let tasks = if count == 1 { "HTTP Task" } else { "HTTP Tasks" };
        output.say(&format!("{}: {count} {tasks}, no problems", definition.source().name()));
    }
    Ok(Exit::Success)
}
