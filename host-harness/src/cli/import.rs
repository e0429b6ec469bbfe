//! `http-task import`: requests that are written elsewhere, as HTTP Tasks.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use http_task_host::curl_command::{self, Imported, SecretPlace};
use http_task_host::grants::{self, Need};
use http_task_host::origin::Origin;
use http_task_host::workflow::insertion::Insertion;
use serde_json::{Value, json};

use super::output::Output;
use super::{Exit, Settings, Stop, insertion, print};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an HTTP Task of a cURL command; a secret in it becomes a reference
    Curl(Curl),
}

#[derive(Args)]
struct Curl {
    /// The command in quotes, or - to read it
    #[arg(allow_hyphen_values = true)]
    command: String,
    /// The definition to add the task to; without it the task is printed
    #[arg(long, value_name = "DEFINITION")]
    into: Option<PathBuf>,
    /// What the task is called [default: its method and path]
    #[arg(long, value_name = "NAME", value_parser = super::insertion::task_name)]
    task: Option<String>,
    /// The task that it comes after [default: the last one]
    #[arg(long, value_name = "TASK", requires = "into")]
    after: Option<String>,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let Command::Curl(arguments) = arguments.command;
    let command = match arguments.command.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        command => command.to_owned(),
    };
    let imported = curl_command::import(&command).map_err(|error| {
        Stop::usage(error.0.join("\n       ")).hint("http-task import curl 'curl https://api.example.com/v1/leads'")
    })?;
    imported.secrets.iter().for_each(|secret| output.redactor().learn(secret));
    let need = need(&imported)?;
    let command = credentials_command(&imported, need.origin(), settings);
    let written = match &arguments.into {
        None => None,
        Some(path) => {
            let insertion = Insertion {
                task: &imported.task,
                proposed: &imported.name,
                name: arguments.task.as_deref(),
                after: arguments.after.as_deref(),
            };
            Some((path, insertion::write(&insertion, path, output).await?))
        }
    };
    let grants: Vec<_> = grants::least(&[need]).iter().map(ToString::to_string).collect();
    if output.json {
        output.put_json(&json!({
            "task": written.as_ref().map_or(&imported.name, |(_, written)| &written.name),
            "definition": imported.task,
            "file": written.as_ref().map(|(path, _)| path),
            "grants": grants,
            "credentials": command,
            "leftOut": imported.left_out,
        }));
        return Ok(Exit::Success);
    }
    match written {
        None => output.put(&(serde_json::to_string_pretty(&Value::Object(imported.task))? + "\n")),
        Some((path, written)) => {
            let made = if written.is_new { "made, with" } else { "now has" };
            output.say(&format!("{} {made} the task `{}`", path.display(), written.name));
            output.say("to send it, grant");
            output.put(&grants.join("\n"));
        }
    }
    imported.left_out.iter().for_each(|left_out| output.say(&format!("left out: {left_out}")));
    if let Some(command) = command {
        output.say(&format!("the secret of the command was not taken over; name it: {command}"));
    }
    Ok(Exit::Success)
}

fn need(imported: &Imported) -> Result<Need, Stop> {
    let request = imported.task.get("httpRequest");
    let text = |name: &str| request.and_then(|request| request[name].as_str()).unwrap_or_default();
    let reference = imported.task.get("credentials").and_then(Value::as_str);
    Ok(Need::of_task(text("method"), text("url"), reference)?)
}

/// The command that names the secret, where the cURL command had one.
fn credentials_command(imported: &Imported, origin: &Origin, settings: &Settings) -> Option<String> {
    let reference = imported.task.get("credentials").and_then(Value::as_str)?;
    let kind = match imported.secret.as_ref()? {
        SecretPlace::Header(name) => format!("--kind header --header {}", print::shell_word(name)),
        SecretPlace::Query(name) => format!("--kind query --parameter {}", print::shell_word(name)),
        SecretPlace::Basic(user) => format!("--kind basic --user {}", print::shell_word(user)),
        SecretPlace::Bearer => "--kind bearer".to_owned(),
    };
    Some(settings.credentials_add(reference, &format!("{kind} --secret env:{}", variable(reference)), origin))
}

/// A variable that may hold a secret of this reference.
pub(super) fn variable(reference: &str) -> String {
    format!("{}_TOKEN", print::capitals(reference))
}
