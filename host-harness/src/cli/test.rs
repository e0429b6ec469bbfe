//! `http-task test`: one task's request, sent as production would send it, and shown whole.

use std::path::PathBuf;

use clap::Args;
use http_task_host::catalogue::{Call, Difference, compare_answer};
use http_task_host::component::{Context, Failure, Prepared, Problem, Request, Run};
use http_task_host::credentials::Credentials;
use http_task_host::origin::Origin;
use http_task_host::report::{OutcomeReport, ProblemReport, RequestReport, problems, response_of};
use http_task_host::stand_in::{Script, StandIn};
use http_task_host::workflow::{Definition, Task};
use http_task_host::{Egress, HttpTask};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use uuid::Uuid;

use super::output::Output;
use super::{Exit, Settings, Stop, check, confirm, curl, findings, input, load, operation, print, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition
    definition: PathBuf,
    /// The HTTP Task to test; may be left out when there is only one
    task: Option<String>,
    /// The task's input; values of `inputParameters` that are not given stay as they are written
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Send to a Pipedrive that this program plays itself: no account, no configuration
    #[arg(long, conflicts_with_all = ["offline", "curl"])]
    pub(super) stand_in: bool,
    /// Print the exact request and send nothing
    #[arg(long)]
    offline: bool,
    /// Print the request as a cURL command, the secret by where it comes from, and send nothing
    #[arg(long, conflicts_with = "offline")]
    curl: bool,
    /// Send without asking, also what changes data
    #[arg(long)]
    yes: bool,
    /// Send also what the catalogue's document says is wrong, with a warning
    #[arg(long)]
    ignore_schema: bool,
}

impl Arguments {
    /// What shows a request as a cURL command.
    pub(super) fn for_curl(
        definition: PathBuf,
        task: Option<String>,
        input: Option<String>,
        ignore_schema: bool,
    ) -> Self {
        Self { definition, task, input, stand_in: false, offline: false, curl: true, yes: false, ignore_schema }
    }
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let source = read_source(&arguments.definition, output)?;
    // How tasks are connected is no matter here; `check` tells.
    let (definition, _) = Definition::read(source);
    let task = find_task(&definition, arguments.task.as_deref())?;
    let given = input::read(arguments.input.as_deref(), output)?;
    let stand_in = if arguments.stand_in { Some(StandIn::start(Script::default()).await?) } else { None };
    let component = if arguments.offline || arguments.curl {
        load(Egress::offline())?
    } else {
        settings.traced(load(settings.egress(stand_in.as_ref(), output)?)?, output)?
    };
    let invalid = |problems: Vec<Problem>| {
        findings::show_problems(definition.source(), task, problems, output);
        Ok(Exit::Usage)
    };
    if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
        return invalid(problems);
    }
    // One call, one key; where the definition names no header for it, it is not sent.
    let context = Context { idempotency_key: Some(Uuid::new_v4().to_string()) };
    let prepared = prepare(&component, task, given, &context, output).await?;
    let (input, prepared) = match prepared {
        Ok(prepared) => prepared,
        Err(problems) => return invalid(problems),
    };
    let call = Call::of_request(&prepared.request);
    let (found, operation) = operation::compare_call(&settings.read_catalogue()?, definition.source(), task, &call)?;
    let found = found.tolerated(arguments.ignore_schema);
    if !found.problems.is_empty() {
        findings::show(definition.source(), &found.problems, output);
        if !output.json {
            output.say("hint: --ignore-schema sends it all the same");
        }
        return Ok(Exit::Usage);
    }
    if arguments.curl || arguments.offline {
        if arguments.curl {
            show_curl(&prepared, &settings.read_credentials()?, output)?;
        } else {
            show_prepared(task, &prepared, output);
        }
        // What is sent has them in its outcome.
        let mut warnings = findings::all_located(definition.source(), task, prepared.warnings);
        check::add_elsewhere(&mut warnings, found.warnings);
        findings::warn(definition.source(), &warnings, output);
        return Ok(Exit::Success);
    }
    findings::warn(definition.source(), &found.warnings, output);
    let request = prepared.request;
    if stand_in.is_none() && !arguments.yes {
        let otherwise = "--yes sends it, --offline shows it, --stand-in tries it";
        confirm::ask([(request.method.as_str(), request.url.as_str())], otherwise, output)?;
    }
    let run = component.run(&task.text, &input, &context).await;
    let answer = response_of(&run.outcome);
    let differences = operation.zip(answer).map(|(operation, answer)| compare_answer(&operation, answer));
    let differences = differences.unwrap_or_default();
    if output.json {
        output.put_json(&TestReport { task: &task.name, request: &request, run: &run, differences: &differences });
    } else {
        print::run(&request, &run, output);
        print::differences(&differences, output);
        if let Err(Failure::PermanentDenied(denial)) = &run.outcome
            && print::is_grant(denial)
        {
            print::grant_command(definition.source().name(), settings.grants.as_deref(), output);
        }
    }
    Ok(run.outcome.as_ref().err().map_or(Exit::Success, Exit::of))
}

fn find_task<'d>(definition: &'d Definition, name: Option<&str>) -> Result<&'d Task, Stop> {
    let tasks: Vec<_> = definition.http_tasks().collect();
    let names = || tasks.iter().map(|task| format!("\"{}\"", task.name)).collect::<Vec<_>>().join(", ");
    let file = definition.source().name();
    match (name, tasks.as_slice()) {
        (_, []) => Err(Stop::usage(format!("{file} has no HTTP Task")).hint("\"type\": \"Http\"")),
        (None, [task]) => Ok(task),
        (None, _) => Err(Stop::usage(format!("{file} has several HTTP Tasks; name the one to test"))
            .hint(format!("one of {}", names()))),
        (Some(name), tasks) => tasks.iter().find(|task| task.name == name).copied().ok_or_else(|| {
            Stop::usage(format!("{file} has no HTTP Task \"{name}\"")).hint(format!("one of {}", names()))
        }),
    }
}

/// The input and the request. What the request still misses is asked for by name, when there is somebody to ask.
async fn prepare(
    component: &HttpTask,
    task: &Task,
    mut given: input::Input,
    context: &Context,
    output: &Output,
) -> Result<Result<(String, Prepared), Vec<Problem>>, Stop> {
    loop {
        let input = input::complete(component, task, given.clone(), output).await?;
        let mut problems = match component.prepare(&task.text, &input, context).await.map_err(Stop::failed)? {
            Ok(prepared) => return Ok(Ok((input, prepared))),
            Err(problems) => problems,
        };
        let mut answered = false;
        for problem in &mut problems {
            let Some(path) = problem.missing.as_deref().and_then(input::plain_path) else { continue };
            let name = path.join(".");
            match input::ask(&name, problem.missing.as_deref().unwrap_or_default(), output) {
                Some(value) => {
                    input::answer(&mut given, &input, &path, value)?;
                    answered = true;
                }
                None => problem.hint = Some(input::hint([path.as_slice()])),
            }
        }
        if !answered {
            return Ok(Err(problems));
        }
    }
}

fn show_curl(prepared: &Prepared, credentials: &Credentials, output: &Output) -> Result<(), Stop> {
    let Prepared { request, warnings } = prepared;
    let origin = Origin::of(&request.url)?;
    let bound = request.credentials.as_deref().map(|name| (name, credentials.bound_entry(name, &origin)));
    let credential = bound.as_ref().and_then(|(name, entry)| Some((*name, *entry.as_ref().ok()?)));
    let command = curl::command(request, credential);
    if output.json {
        output.put_json(&serde_json::json!({ "curl": command, "warnings": problems(warnings) }));
    } else {
        output.put_exact(&command);
    }
    match &bound {
        Some((name, Ok(entry))) if entry.kind.is_token() => {
            output.say(&format!("${} stands for a token that this host gets by itself", curl::token_variable(name)));
        }
        Some((_, Err(refusal))) => output.say(&format!("{}, and so they are left out", refusal.message)),
        Some((name, Ok(_))) => {
            // A shell may read what this host would not.
            if let Err(refusal) = credentials.check(name, &origin) {
                output.say(&format!("warning: {}", refusal.message));
            }
        }
        None => {}
    }
    Ok(())
}

fn show_prepared(task: &Task, prepared: &Prepared, output: &Output) {
    let Prepared { request, warnings } = prepared;
    if output.json {
        let (request, warnings) = (request.into(), problems(warnings));
        return output.put_json(&PreparedReport { task: &task.name, request, warnings });
    }
    print::prepared(request, output);
    match &request.credentials {
        Some(reference) => {
            output.say(&format!("not sent (--offline); the host would add the credentials `{reference}`"));
        }
        None => output.say("not sent (--offline)"),
    }
}

#[derive(Serialize)]
struct PreparedReport<'a> {
    task: &'a str,
    request: RequestReport<'a>,
    warnings: Vec<ProblemReport<'a>>,
}

/// A whole test as JSON.
struct TestReport<'a> {
    task: &'a str,
    request: &'a Request,
    run: &'a Run,
    /// Of the answer from what its document says.
    differences: &'a [Difference],
}

impl Serialize for TestReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("task", self.task)?;
        let exchange = self.run.exchange.as_ref();
        map.serialize_entry("sent", &self.run.was_sent())?;
        let request =
            exchange.map_or_else(|| self.request.into(), |exchange| RequestReport::sent(self.request, &exchange.sent));
        map.serialize_entry("request", &request)?;
        OutcomeReport(&self.run.outcome).serialize_members(&mut map)?;
        if let Some(exchange) = exchange {
            map.serialize_entry("milliseconds", &exchange.total.as_millis())?;
            map.serialize_entry("bytes", &exchange.received.as_ref().map(|received| received.bytes))?;
            map.serialize_entry("trouble", &exchange.trouble)?;
        }
        map.serialize_entry("differences", &self.differences)?;
        map.serialize_entry("error", &self.run.error.as_ref().map(|error| &error.0))?;
        map.end()
    }
}
