//! `http-task add`: an operation of the catalogue as an HTTP Task of a definition.

use std::path::{Path, PathBuf};

use clap::Args;
use http_task_host::catalogue::{Prepared, Scheme, Wishes, prepare};
use http_task_host::credentials::Credentials;
use http_task_host::grants;
use http_task_host::origin::Origin;
use http_task_host::workflow::insertion::Insertion;
use serde_json::{Value, json};

use super::import::variable;
use super::insertion::{self, Written};
use super::operation::{self, Named};
use super::output::Output;
use super::{Exit, Settings, Stop, print};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition; it is made when it is not there
    definition: PathBuf,
    /// `pipedrive/updateLead`, `updateLead`, or 'PATCH /v1/leads/{id}'
    operation: String,
    /// What the task is called [default: what the operation does]
    #[arg(long, value_name = "NAME", value_parser = super::insertion::task_name)]
    task: Option<String>,
    /// The task that it comes after [default: the last one]
    #[arg(long, value_name = "TASK")]
    after: Option<String>,
    /// The reference of its credentials [default: those that are bound to the server, or the API's name]
    // Called as the global option for the file is, in whose place it stands here.
    #[arg(long, value_name = "REF")]
    credentials: Option<PathBuf>,
    /// The base URL, in place of the document's
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// An optional parameter or field that is filled from the input when it has it; repeatable
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// Print the task and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let catalogue = settings.read_catalogue()?;
    let named = operation::find(settings, &catalogue, &arguments.operation)?;
    let credentials = settings.read_credentials()?;
    let server = arguments.server.as_deref().or(named.server.as_deref());
    let wishes = Wishes { server, came_from: Some(&named.source), credentials: None, fields: &arguments.fields };
    let prepared = prepare(&named.operation, &named.pin, wishes).map_err(|why| {
        let stop = Stop::usage(format!("{}: {why}", named.hit.operation));
        match why.hint() {
            Some(hint) => stop.hint(hint),
            None => stop,
        }
    })?;
    let prepared = with_credentials(prepared, arguments.reference(), &credentials);
    if arguments.dry_run {
        return dry_run(&prepared, output);
    }
    let path = &arguments.definition;
    let insertion = Insertion {
        task: &prepared.task,
        proposed: &prepared.name,
        name: arguments.task.as_deref(),
        after: arguments.after.as_deref(),
    };
    let written = insertion::write(&insertion, path, output).await?;
    let added = Added { arguments: &arguments, named: &named, prepared: &prepared, written: &written };
    tell(&added, settings, &credentials, output)
}

impl Arguments {
    fn reference(&self) -> Option<&str> {
        self.credentials.as_deref().and_then(Path::to_str)
    }
}

/// The author's reference; else what is bound to the server already; else the API's name.
fn with_credentials(mut prepared: Prepared, reference: Option<&str>, credentials: &Credentials) -> Prepared {
    let url = prepared.task.get("httpRequest").and_then(|request| request["url"].as_str()).unwrap_or_default();
    let origin = Origin::of(url.split("${").next().unwrap_or_default()).ok();
    let bound = origin.map(|origin| {
        let entries = credentials.entries().filter(|(_, entry)| entry.origins.contains(&origin));
        entries.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    });
    let chosen = match (reference, bound.as_deref()) {
        (Some(reference), _) => Some(reference.to_owned()),
        (None, Some([only])) if prepared.task.contains_key("credentials") => Some(only.clone()),
        _ => None,
    };
    if let Some(chosen) = chosen {
        let after_description = usize::from(prepared.task.contains_key("description")) + 1;
        match prepared.task.get_mut("credentials") {
            Some(value) => *value = json!(chosen),
            None => {
                prepared.task.shift_insert(after_description, "credentials".to_owned(), json!(chosen));
            }
        }
    }
    prepared
}

fn dry_run(prepared: &Prepared, output: &Output) -> Result<Exit, Stop> {
    let task = Value::Object(prepared.task.clone());
    if output.json {
        output.put_json(&json!({ "task": prepared.name, "definition": task, "leftOut": prepared.left_out }));
    } else {
        output.put(&(serde_json::to_string_pretty(&task)? + "\n"));
        say_left_out(prepared, output);
    }
    Ok(Exit::Success)
}

fn say_left_out(prepared: &Prepared, output: &Output) {
    prepared.left_out.iter().for_each(|left_out| output.say(&format!("left out: {left_out}")));
}

struct Added<'a> {
    arguments: &'a Arguments,
    named: &'a Named,
    prepared: &'a Prepared,
    written: &'a Written,
}

/// What was done, and what is left to do: grant and credentials.
fn tell(added: &Added<'_>, settings: &Settings, credentials: &Credentials, output: &Output) -> Result<Exit, Stop> {
    let Added { arguments, named, prepared, written: Written { name, need, is_new } } = added;
    let grants = grants::least(std::slice::from_ref(need));
    let file = arguments.definition.display().to_string();
    let missing = need.credentials().filter(|reference| credentials.entry(reference).is_none());
    let command = missing.map(|reference| credentials_command(named, reference, need.origin(), settings));
    if output.json {
        output.put_json(&json!({
            "definition": file,
            "task": name,
            "operation": named.hit.operation,
            "grants": grants.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "credentials": command,
            "leftOut": prepared.left_out,
        }));
        return Ok(Exit::Success);
    }
    let made = if *is_new { "made, with" } else { "now has" };
    output.say(&format!("{file} {made} the task `{name}`: {}", named.hit.key.text()));
    say_left_out(prepared, output);
    output.say("to send it, grant");
    output.put(&grants.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let grants_option = settings
        .grants
        .as_ref()
        .map_or_else(String::new, |file| format!(" --grants {}", print::shell_word(&file.display().to_string())));
    output.say(&format!("or run: http-task grant {}{grants_option}", print::shell_word(&file)));
    if let Some(command) = command {
        output.say(&format!("and name the secret: {command}"));
    }
    Ok(Exit::Success)
}

/// The command that names a secret as the operation wants it.
fn credentials_command(named: &Named, reference: &str, origin: &Origin, settings: &Settings) -> String {
    let token = variable(reference);
    let variable = token.trim_end_matches("_TOKEN");
    let known = named.operation.security.iter().find(|way| !matches!(way.scheme, Scheme::Other { .. }));
    let kind = match known.map(|way| &way.scheme) {
        Some(Scheme::Header { header }) => {
            format!("--kind header --header {} --secret env:{token}", print::shell_word(header))
        }
        Some(Scheme::Query { parameter }) => {
            format!("--kind query --parameter {} --secret env:{token}", print::shell_word(parameter))
        }
        Some(Scheme::Basic) => format!("--kind basic --user … --secret env:{variable}_PASSWORD"),
        Some(Scheme::Oauth { token_url, for_client: true }) => format!(
            "--kind oauth-client-credentials --token-url {} --client-id … --client-secret env:{variable}_CLIENT_SECRET",
            print::shell_word(token_url.as_deref().unwrap_or("…"))
        ),
        Some(Scheme::Oauth { token_url, .. }) => format!(
            "--kind oauth-refresh-token --token-url {} --client-id … --client-secret env:{variable}_CLIENT_SECRET \
             --refresh-token file:{reference}-refresh-token",
            print::shell_word(token_url.as_deref().unwrap_or("…"))
        ),
        Some(Scheme::Bearer) | Some(Scheme::Other { .. }) | None => {
            format!("--kind bearer --secret env:{token}")
        }
    };
    settings.credentials_add(reference, &kind, origin)
}
