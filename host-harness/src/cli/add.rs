//! `http-task add`: an operation of the catalogue as an HTTP Task of a definition.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use http_task_host::Egress;
use http_task_host::catalogue::{Prepared, Scheme, Wishes, prepare};
use http_task_host::credentials::Credentials;
use http_task_host::grants::{self, Need};
use http_task_host::origin::Origin;
use http_task_host::source::Source;
use http_task_host::workflow::Definition;
use http_task_host::workflow::insertion::{Inserted, Insertion};
use serde_json::{Value, json};

use super::operation::{self, Named};
use super::output::Output;
use super::{Exit, Settings, Stop, findings, load, print, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The workflow definition; it is made when it is not there
    definition: PathBuf,
    /// `pipedrive/updateLead`, `updateLead`, or 'PATCH /v1/leads/{id}'
    operation: String,
    /// What the task is called [default: what the operation does]
    #[arg(long, value_name = "NAME")]
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
    let (inserted, is_new) = inserted(&insertion, path, output)?;
    let need = check(&inserted, path, &prepared, output).await?;
    write(path, &inserted.text, is_new).map_err(|error| Stop::failed(format!("{}: {error}", path.display())))?;
    tell(&Added { arguments: &arguments, named: &named, prepared: &prepared, inserted: &inserted, need, is_new }, settings, &credentials, output)
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

/// The definition with the task in it, and whether it is a new one.
fn inserted(insertion: &Insertion<'_>, path: &Path, output: &Output) -> Result<(Inserted, bool), Stop> {
    match path.try_exists() {
        Ok(false) => {
            if let Some(after) = insertion.after {
                return Err(Stop::usage(format!("{}: there is no task `{after}`, nor a definition", path.display())));
            }
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            Ok((insertion.alone(&name), true))
        }
        _ => {
            let source = read_source(path, output)?;
            let inserted = insertion.within(&source).map_err(|error| {
                Stop::usage(format!("{}: {error}", path.display())).hint(error.hint())
            })?;
            Ok((inserted, false))
        }
    }
}

/// Nothing is written that the component would not take.
async fn check(inserted: &Inserted, path: &Path, prepared: &Prepared, output: &Output) -> Result<Need, Stop> {
    let component = load(Egress::offline())?;
    let source = Source::parse(&path.display().to_string(), inserted.text.clone());
    let source = source.map_err(|_| Stop::failed("the definition would be no JSON any more; nothing was written"))?;
    let (definition, _) = Definition::read(source);
    let task = definition.http_tasks().find(|task| task.name == inserted.name);
    let task = task.ok_or_else(|| Stop::failed("the definition would not have the task; nothing was written"))?;
    if let Err(problems) = component.check(&task.text).await.map_err(Stop::failed)? {
        let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        if !output.json {
            findings::show_problems(definition.source(), task, problems, output);
        }
        return Err(Stop::usage(format!("no task can be made of `{}`: {why}; nothing was written", prepared.name)));
    }
    let (method, url) = task.method.as_deref().zip(task.url.as_deref()).unwrap_or_default();
    Ok(Need::of_task(method, url, task.credentials.as_deref())?)
}

/// A new file, or all of an old one in one step. What it may be read by stays.
fn write(path: &Path, text: &str, is_new: bool) -> io::Result<()> {
    if is_new {
        return fs::File::create_new(path)?.write_all(text.as_bytes());
    }
    // A link stays one.
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(text.as_bytes())?;
    written.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    written.as_file().sync_all()?;
    written.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

struct Added<'a> {
    arguments: &'a Arguments,
    named: &'a Named,
    prepared: &'a Prepared,
    inserted: &'a Inserted,
    need: Need,
    is_new: bool,
}

/// What was done, and what is left to do: grant and credentials.
fn tell(added: &Added<'_>, settings: &Settings, credentials: &Credentials, output: &Output) -> Result<Exit, Stop> {
    let Added { arguments, named, prepared, inserted, need, is_new } = added;
    let grants = grants::least(std::slice::from_ref(need));
    let file = arguments.definition.display().to_string();
    let missing = need.credentials().filter(|reference| credentials.entry(reference).is_none());
    let command = missing.map(|reference| credentials_command(named, reference, need.origin(), settings));
    if output.json {
        output.put_json(&json!({
            "definition": file,
            "task": inserted.name,
            "operation": named.hit.operation,
            "grants": grants.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "credentials": command,
            "leftOut": prepared.left_out,
        }));
        return Ok(Exit::Success);
    }
    let made = if *is_new { "made, with" } else { "has now" };
    output.say(&format!("{file} {made} the task `{}`: {}", inserted.name, named.hit.key.text()));
    say_left_out(prepared, output);
    output.say("to send it, grant");
    output.put(&grants.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let grants_option = settings.grants.as_ref().map_or_else(String::new, |file| format!(" --grants {}", print::shell_word(&file.display().to_string())));
    output.say(&format!("or run: http-task grant {}{grants_option}", print::shell_word(&file)));
    if let Some(command) = command {
        output.say(&format!("and name the secret: {command}"));
    }
    Ok(Exit::Success)
}

/// The command that names a secret as the operation wants it.
fn credentials_command(named: &Named, reference: &str, origin: &Origin, settings: &Settings) -> String {
    let variable: String = reference
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect();
    let known = named.operation.security.iter().find(|way| !matches!(way.scheme, Scheme::Other { .. }));
    let kind = match known.map(|way| &way.scheme) {
        Some(Scheme::Header { header }) => format!("--kind header --header {} --secret env:{variable}_TOKEN", print::shell_word(header)),
        Some(Scheme::Query { parameter }) => {
            format!("--kind query --parameter {} --secret env:{variable}_TOKEN", print::shell_word(parameter))
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
        Some(Scheme::Bearer) | Some(Scheme::Other { .. }) | None => format!("--kind bearer --secret env:{variable}_TOKEN"),
    };
    let file = settings.credentials_option();
    format!("http-task credentials add {reference} {kind} --origin {origin}{file}")
}
