//! `http-task grant`: the least grants that a definition needs, written to the grants file.

use std::path::PathBuf;

use clap::Args;
use http_task_host::Egress;
use http_task_host::grants::{self, Need};
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
    let mut needs = Vec::new();
    for task in definition.http_tasks() {
        if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
            findings::show_problems(definition.source(), task, problems, output);
            return Ok(Exit::Usage);
        }
        // What was checked has both.
        let (method, url) = task.method.as_deref().zip(task.url.as_deref()).unwrap_or_default();
        needs.push(Need::of_task(method, url, task.credentials.as_deref())?);
    }
    if needs.is_empty() {
        return Err(Stop::usage(format!("{} has no HTTP Task", definition.source().name())));
    }
    let (path, new) = if arguments.dry_run {
        (None, grants::least(&needs))
    } else {
        let path = settings.grants()?;
        let new = grants::add(&path, &needs)?;
        (Some(path), new)
    };
    if output.json {
        let grants = |grants: &[grants::Grant]| grants.iter().map(ToString::to_string).collect::<Vec<_>>();
        let report = serde_json::json!({
            "needed": grants(&grants::least(&needs)),
            "added": grants(if path.is_some() { &new } else { &[] }),
            "file": path,
        });
        output.put_json(&report);
        return Ok(Exit::Success);
    }
    output.put(&new.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    match path {
        None => {}
        Some(path) if new.is_empty() => output.say(&format!("{} grants all of it already", path.display())),
        Some(path) => output.say(&format!("added to {}", path.display())),
    }
    Ok(Exit::Success)
}
