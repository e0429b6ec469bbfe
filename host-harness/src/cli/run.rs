//! `http-task run`: a whole definition, in this process. All that can be known before anything is sent is checked before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http_task_host::HttpTask;
use http_task_host::catalogue::Catalogue;
use http_task_host::component::{Denial, Problem};
use http_task_host::plan::{Plan, failure_workflow};
use http_task_host::runner::{DEFAULT_LONGEST_WAIT, Progress, Report, RunOutcome, Runner, in_parameters};
use http_task_host::source::Finding;
use http_task_host::stand_in::{Script, StandIn};
use http_task_host::workflow::{Definition, Task};
use serde_json::value::RawValue;

use super::interrupted::interrupted;
use super::output::{Output, visible};
use super::{Exit, Settings, Stop, check, confirm, findings, input, load, print, progress, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition
    definition: PathBuf,
    /// The workflow's input
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Send to a Pipedrive that this program plays itself: no account, no configuration
    #[arg(long)]
    pub(super) stand_in: bool,
    /// Send without asking, also what changes data
    #[arg(long)]
    yes: bool,
    /// The longest wait before an attempt; what must wait longer ends the run
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_LONGEST_WAIT.as_secs())]
    longest_wait: u64,
}

/// A definition that can be run.
struct Runnable {
    definition: Definition,
    plan: Plan,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let given = input::read(arguments.input.as_deref(), output)?;
    let given = RawValue::from_string(serde_json::to_string(&given)?)?;
    let stand_in = if arguments.stand_in { Some(StandIn::start(Script::default()).await?) } else { None };
    let component = settings.traced(load(settings.egress(stand_in.as_ref(), output)?)?, output)?;
    let chain = read_chain(&arguments.definition, &component, &settings.read_catalogue()?, output).await?;
    if let Some(first) = chain.first() {
        let missing = missing_input(first, &component, &given).await?;
        if !missing.is_empty() {
            findings::show(first.definition.source(), &missing, output);
            return Ok(Exit::Usage);
        }
    }
    if let Some(exit) = refused(&chain, &component, settings, output) {
        return Ok(exit);
    }
    if stand_in.is_none() && !arguments.yes {
        let tasks = chain.iter().flat_map(|runnable| runnable.definition.http_tasks());
        let requests = tasks.filter_map(|task| Some((task.method.as_deref()?, task.url.as_deref()?)));
        confirm::ask(requests, "--yes sends it, --stand-in tries it", output)?;
    }
    let tell = |happened: &Progress<'_>| progress::tell(happened, output);
    let runner = Runner::new(&component, Duration::from_secs(arguments.longest_wait), &tell);
    run_chain(&runner, &chain, given, output).await
}

/// Runs the first of the definitions, and each of the others when the one before it fails. How the first ended is how
/// the command ends.
async fn run_chain(
    runner: &Runner<'_>,
    chain: &[Runnable],
    mut input: Box<RawValue>,
    output: &Output,
) -> Result<Exit, Stop> {
    let mut interrupted = std::pin::pin!(interrupted()?);
    let mut exit = None;
    for Runnable { plan, .. } in chain {
        let report = runner.run(plan, input, &mut interrupted).await;
        // The data are those of the definition that was asked for.
        if !output.json && exit.is_none() {
            progress::put_outputs(&report, output);
        }
        progress::tell_end(&report, output);
        match report.outcome {
            RunOutcome::Interrupted => return Ok(Exit::Interrupted),
            RunOutcome::Completed => return Ok(exit.unwrap_or(Exit::Success)),
            _ => exit = exit.or(Some(exit_of(&report))),
        }
        input = report.to_input()?;
    }
    Ok(exit.unwrap_or(Exit::Success))
}

/// The definition, its failure workflow, the failure workflow of that, and so on; what is wrong with any of them ends the
/// command before anything runs.
async fn read_chain(
    path: &Path,
    component: &HttpTask,
    catalogue: &Catalogue,
    output: &Output,
) -> Result<Vec<Runnable>, Stop> {
    let mut chain: Vec<Runnable> = Vec::new();
    let mut seen = vec![path.canonicalize().map_err(|error| Stop::usage(format!("{}: {error}", path.display())))?];
    let mut path = path.to_owned();
    loop {
        let check::Read { definition, problems: mut found, warnings } =
            check::read(read_source(&path, output)?, component, catalogue, true).await?;
        let plan = Plan::of(&definition);
        check::add(&mut found, plan.as_ref().err().cloned().unwrap_or_default());
        let next = match failure_workflow(definition.source()).map(|name| beside(&path, name, &mut seen)) {
            Some(Err(message)) => {
                found.push(definition.source().finding("/failureWorkflow", message));
                None
            }
            found => found.and_then(Result::ok),
        };
        match plan {
            Ok(plan) if found.is_empty() => {
                findings::warn(definition.source(), &warnings, output);
                chain.push(Runnable { definition, plan });
            }
            _ => {
                findings::show(definition.source(), &found, output);
                return Err(Stop::shown());
            }
        }
        match next {
            Some(file) => path = file,
            None => return Ok(chain),
        }
    }
}

/// The file of a failure workflow: beside the definition, with or without `.json` in its name, and not seen before.
fn beside(path: &Path, name: &str, seen: &mut Vec<PathBuf>) -> Result<PathBuf, String> {
    let named = [path.with_file_name(name), path.with_file_name(format!("{name}.json"))];
    let missing = || format!("there is no file `{name}` or `{name}.json` beside this one");
    let file = named.into_iter().find(|file| file.is_file()).ok_or_else(missing)?;
    let canonical = file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
    if seen.contains(&canonical) {
        return Err(format!("`{name}` leads back here: a run that fails would never end"));
    }
    seen.push(canonical);
    Ok(file)
}

/// Values of the workflow's input that will be needed and are not there, all with the one hint that gives them.
async fn missing_input(runnable: &Runnable, component: &HttpTask, input: &RawValue) -> Result<Vec<Finding>, Stop> {
    let scope = format!(r#"{{"workflow":{{"input":{input}}},"tasks":{{}}}}"#);
    let mut missing = Vec::new();
    for (name, step) in runnable.plan.flow.http_steps() {
        let Some(parameters) = &step.input_parameters else { continue };
        let Some(task) = runnable.definition.http_tasks().find(|task| task.name == name) else { continue };
        let problems = component.resolve(parameters, &scope).await.map_err(Stop::failed)?.err().unwrap_or_default();
        missing.extend(
            problems.into_iter().filter(|problem| workflow_input(problem).is_some()).map(|problem| (task, problem)),
        );
    }
    let hint = input::hint(
        missing.iter().filter_map(|(_, problem)| workflow_input(problem)).collect::<Vec<_>>().iter().map(Vec::as_slice),
    );
    let located = |(task, problem): (&Task, _)| {
        let problem = Problem { hint: Some(hint.clone()), ..in_parameters(problem) };
        findings::located(runnable.definition.source(), &task.place, problem)
    };
    Ok(missing.into_iter().map(located).collect())
}

/// The path in the workflow's input that a problem misses: what no task before can mend.
fn workflow_input(problem: &Problem) -> Option<Vec<&str>> {
    let path = input::plain_path(problem.missing.as_deref()?)?;
    let ["workflow", "input", name @ ..] = path.as_slice() else { return None };
    (!name.is_empty()).then(|| name.to_vec())
}

/// Shows what policy refuses of all that the definitions may send, and says how to end then.
fn refused(chain: &[Runnable], component: &HttpTask, settings: &Settings, output: &Output) -> Option<Exit> {
    let mut denials: Vec<(&Runnable, &Task, Denial)> = Vec::new();
    for runnable in chain {
        for task in runnable.definition.http_tasks() {
            let (method, url) = task.method.as_deref().zip(task.url.as_deref()).unwrap_or_default();
            for denial in component.denials(method, url, task.credentials.as_deref()) {
                if !denials.iter().any(|(_, _, known)| *known == denial) {
                    denials.push((runnable, task, denial));
                }
            }
        }
    }
    if denials.is_empty() {
        return None;
    }
    if output.json {
        let denials: Vec<_> = denials
            .iter()
            .map(|(_, task, denial)| {
                serde_json::json!({"task": task.name, "message": denial.message, "hint": denial.hint})
            })
            .collect();
        output.put_json(&serde_json::json!({ "outcome": "permanent-denied", "denials": denials }));
        return Some(Exit::Refused);
    }
    output.say("permanent-denied: nothing was sent");
    for (runnable, task, denial) in &denials {
        output.say(&visible(&format!("\n{}: {}\n{}", task.name, denial.message, print::remedy(denial).trim_end())));
        if print::is_grant(denial) {
            print::grant_command(runnable.definition.source().name(), settings.grants.as_deref(), output);
        }
    }
    Some(Exit::Refused)
}

/// By what the failure asks for, as long as it speaks for the whole run: once something was done, neither is it true that
/// nothing was sent, nor would it be right to run all of it again.
fn exit_of(report: &Report) -> Exit {
    report.failure().filter(|_| report.did_nothing()).map_or(Exit::Failed, |(failure, _)| Exit::of(failure))
}
