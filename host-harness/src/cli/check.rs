//! `http-task check`: all that is wrong with a definition, at once.

use std::path::PathBuf;

use clap::Args;
use http_task_host::catalogue::Catalogue;
use http_task_host::plan;
use http_task_host::source::{Finding, Source};
use http_task_host::workflow::Definition;
use http_task_host::{Egress, HttpTask};

use super::output::Output;
use super::{Exit, Settings, Stop, findings, load, operation, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition
    definition: PathBuf,
    /// Warn only of what the documents of the catalogue say against its tasks
    #[arg(long)]
    ignore_schema: bool,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let source = read_source(&arguments.definition, output)?;
    let catalogue = settings.read_catalogue()?;
    let read = read(source, &load(Egress::offline())?, &catalogue, arguments.ignore_schema).await?;
    let Read { definition, problems, warnings } = read;
    if !problems.is_empty() {
        findings::warn(definition.source(), &warnings, output);
        findings::show(definition.source(), &problems, output);
        return Ok(Exit::Usage);
    }
    findings::warn(definition.source(), &warnings, output);
    if output.json {
        let warnings = findings::report(definition.source(), &warnings);
        output.put_json(&serde_json::json!({ "problems": [], "warnings": warnings }));
    } else {
        let count = definition.http_tasks().count();
        let tasks = if count == 1 { "HTTP Task" } else { "HTTP Tasks" };
        let warnings = match warnings.len() {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            many => format!(", {many} warnings"),
        };
        output.say(&format!("{}: {count} {tasks}, no problems{warnings}", definition.source().name()));
    }
    Ok(Exit::Success)
}

/// A definition, all that is wrong with it, and what is worth knowing about it.
pub(super) struct Read {
    pub(super) definition: Definition,
    pub(super) problems: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

/// Reads a definition: its connections are checked by this program, its HTTP Tasks by the component, and what they were made
/// from by the catalogue.
pub(super) async fn read(
    source: Source,
    component: &HttpTask,
    catalogue: &Catalogue,
    ignore_schema: bool,
) -> Result<Read, Stop> {
    let (definition, mut problems) = Definition::read(source);
    let mut warnings = Vec::new();
    for task in definition.http_tasks() {
        let (list, found) = match component.check(&task.text).await.map_err(Stop::failed)? {
            Ok(found) => (&mut warnings, found),
            Err(found) => (&mut problems, found),
        };
        list.extend(findings::all_located(definition.source(), task, found));
    }
    add(&mut problems, plan::check(&definition));
    let differences = operation::compare(catalogue, &definition)?.tolerated(ignore_schema);
    add_elsewhere(&mut problems, differences.problems);
    add_elsewhere(&mut warnings, differences.warnings);
    Ok(Read { definition, problems, warnings })
}

/// What is said of a place, or of a part of it, is said once.
pub(super) fn add(found: &mut Vec<Finding>, more: Vec<Finding>) {
    let known: Vec<_> = found.iter().map(|finding| finding.place.clone()).collect();
    found.extend(more.into_iter().filter(|finding| !known.iter().any(|known| known.starts_with(&finding.place))));
}

/// What is said of a place is said once, and of each of its parts as well.
pub(super) fn add_elsewhere(found: &mut Vec<Finding>, more: Vec<Finding>) {
    let known: Vec<_> = found.iter().map(|finding| finding.place.clone()).collect();
    found.extend(more.into_iter().filter(|finding| !known.contains(&finding.place)));
}
