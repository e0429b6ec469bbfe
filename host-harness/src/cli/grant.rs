//! `http-task grant`: the grants that a definition needs, written to the grants file.

use std::path::PathBuf;

use clap::Args;
use http_task_host::Egress;
use http_task_host::grants;
use http_task_host::origin::Origin;
use http_task_host::workflow::Definition;

use super::output::Output;
use super::{Exit, Settings, Stop, findings, load, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition
    definition: PathBuf,
    /// Print the grants and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let source = read_source(&arguments.definition, output)?;
    let (definition, _) = Definition::read(source);
    let component = load(Egress::offline())?;
    let mut origins: Vec<Origin> = Vec::new();
    for task in definition.http_tasks() {
        // A checked URL has its server written out, so that no input is needed to read it.
        if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
            findings::show_problems(definition.source(), task, problems, output);
            return Ok(Exit::Usage);
        }
        let origin = Origin::of(task.url.as_deref().unwrap_or_default())?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    if origins.is_empty() {
        return Err(Stop::usage(format!("{} has no HTTP Task", definition.source().name())));
    }
    let (path, new) = if arguments.dry_run {
        (None, origins.clone())
    } else {
        let path = settings.grants()?;
        let new = grants::add(&path, &origins)?;
        (Some(path), new)
    };
    if output.json {
        let names = |origins: &[Origin]| origins.iter().map(ToString::to_string).collect::<Vec<_>>();
        output.put_json(&serde_json::json!({ "origins": names(&origins), "added": names(&new), "file": path }));
        return Ok(Exit::Success);
    }
    for origin in &new {
        output.put(&grants::entry(origin));
    }
    match path {
        None => {}
        Some(path) if new.is_empty() => output.say(&format!("{} grants all of it already", path.display())),
        Some(path) => output.say(&format!("added to {}", path.display())),
    }
    Ok(Exit::Success)
}
