//! `http-task check`: all that is wrong with a definition, at once.

use std::path::PathBuf;

use clap::Args;
use http_task_host::plan;
use http_task_host::source::{Finding, Source};
use http_task_host::workflow::Definition;
use http_task_host::{Egress, HttpTask};

use super::output::Output;
use super::{Exit, Stop, findings, load, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition
    definition: PathBuf,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Stop> {
    let source = read_source(&arguments.definition, output)?;
    let (definition, found) = read(source, &load(Egress::offline())?).await?;
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

/// A definition, and all that is wrong with it: its connections by this program, its HTTP Tasks by the component.
pub(super) async fn read(source: Source, component: &HttpTask) -> Result<(Definition, Vec<Finding>), Stop> {
    let (definition, mut found) = Definition::read(source);
    for task in definition.http_tasks() {
        if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
            let located = |problem| findings::located(definition.source(), &task.place, problem);
            found.extend(problems.into_iter().map(located));
        }
    }
    add(&mut found, plan::check(&definition));
    Ok((definition, found))
}

/// What is said of a place, or of a part of it, is said once.
pub(super) fn add(found: &mut Vec<Finding>, more: Vec<Finding>) {
    let known: Vec<_> = found.iter().map(|finding| finding.place.clone()).collect();
    found.extend(more.into_iter().filter(|finding| !known.iter().any(|known| known.starts_with(&finding.place))));
}
