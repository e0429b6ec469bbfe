//! `http-task catalogue`: the API documents whose operations can be searched, read about and added.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};
use http_task_host::catalogue::{
    self, Catalogue, Changes, Document, Listed, MOST_DOCUMENT_BYTES, Omission, OperationKey, digest,
};
use http_task_host::egress::FetchError;
use serde_json::json;

use super::operation::search_index;
use super::output::{Output, visible};
use super::{Exit, Settings, Stop, print};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add an API by its OpenAPI 3.0 or 3.1 or Swagger 2.0 document, in JSON or YAML
    Add(Add),
    /// Show the APIs that there are
    List,
    /// Read documents again where they came from, and show what changed
    Update {
        /// The API; all when left out
        name: Option<String>,
    },
    /// Forget an API
    Remove {
        /// The API
        name: String,
    },
}

#[derive(Args)]
struct Add {
    /// A file, or an address that a grant allows to be read
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// What the API is called here [default: made from its title]
    #[arg(long, value_parser = super::credentials::name)]
    name: Option<String>,
    /// The base URL of its tasks, in place of the document's
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    match arguments.command {
        Command::Add(add) => self::add(add, settings, output).await,
        Command::List => list(settings, output),
        Command::Update { name } => update(name.as_deref(), settings, output).await,
        Command::Remove { name } => remove(&name, settings, output),
    }
}

async fn add(arguments: Add, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let mut catalogue = settings.writable_catalogue()?;
    let source = absolute(&arguments.source);
    let document = read(&source, settings, output).await?;
    let name = arguments.name.unwrap_or_else(|| name_of(&document));
    if let Some(known) = catalogue.find(&name) {
        let same = known.digest == digest(document.value()) && known.source == source;
        let stop = Stop::usage(match same {
            true => format!("`{name}` is there already, and has not changed"),
            false => format!("another API is called `{name}`"),
        });
        return Err(stop.hint(match known.source == source {
            true => format!("http-task catalogue update {name}"),
            false => "--name NAME calls it something else".to_owned(),
        }));
    }
    catalogue.put(&name, &source, arguments.server.as_deref(), &document)?;
    search_index(settings, &catalogue)?;
    let omissions = &document.omissions;
    if output.json {
        output.put_json(&json!({
            "name": name,
            "title": document.title,
            "version": document.version,
            "digest": digest(document.value()),
            "operations": document.entries.len(),
            "omissions": omissions,
        }));
        return Ok(Exit::Success);
    }
    output.put(&format!("{name}: {}\n", described(&document.title, &document.version, document.entries.len())));
    say_omissions(omissions, output);
    output.say(&format!("hint: http-task search --api {name} WORDS"));
    Ok(Exit::Success)
}

/// What could not be represented; the first of many.
fn say_omissions(omissions: &[Omission], output: &Output) {
    const MOST_SHOWN: usize = 20;
    for omission in omissions.iter().take(MOST_SHOWN) {
        output.say(&format!("left out: {}: {}", visible(&omission.place), visible(&omission.reason)));
    }
    if omissions.len() > MOST_SHOWN {
        output.say(&format!("left out: {} more, which --json lists", omissions.len() - MOST_SHOWN));
    }
}

fn described(title: &str, version: &str, operations: usize) -> String {
    let operations = if operations == 1 { "1 operation".to_owned() } else { format!("{operations} operations") };
    visible(&format!("{title} {version}, {operations}"))
}

fn list(settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let catalogue = settings.read_catalogue()?;
    let listed = catalogue.listed();
    if output.json {
        let entry = |(name, listed): &(&str, &Listed)| {
            let Listed { source, digest, title, version, operations, server, .. } = listed;
            json!({
                "name": name, "title": title, "version": version, "operations": operations, "source": without_query(source),
                "digest": digest, "server": server,
            })
        };
        output.put_json(&json!({ "apis": listed.iter().map(entry).collect::<Vec<_>>() }));
        return Ok(Exit::Success);
    }
    for (name, listed) in listed {
        let mut text = format!("{name}\n  {}\n", described(&listed.title, &listed.version, listed.operations));
        let _ = writeln!(text, "  from {}", visible(without_query(&listed.source)));
        if let Some(server) = &listed.server {
            let _ = writeln!(text, "  at {}", visible(server));
        }
        output.put(&text);
    }
    Ok(Exit::Success)
}

/// An address without what may be a secret in it.
fn without_query(source: &str) -> &str {
    if is_address(source) { source.split(['?', '#']).next().unwrap_or_default() } else { source }
}

/// What is said of a name that is none.
pub(super) fn no_such_api(catalogue: &Catalogue, name: &str) -> Stop {
    let known: Vec<_> = catalogue.listed().into_iter().map(|(known, _)| known).collect();
    Stop::usage(format!("the catalogue has no API `{name}`")).hint(format!("one of {}", known.join(", ")))
}

fn remove(name: &str, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let mut catalogue = settings.writable_catalogue()?;
    if name == catalogue::BUILT_IN {
        return Err(Stop::usage(format!("`{name}` is built in")));
    }
    if !catalogue.remove(name)? {
        return Err(no_such_api(&catalogue, name));
    }
    search_index(settings, &catalogue)?;
    if output.json {
        output.put_json(&json!({ "removed": name }));
    } else {
        output.say(&format!("removed `{name}`"));
    }
    Ok(Exit::Success)
}

async fn update(name: Option<&str>, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let mut catalogue = settings.writable_catalogue()?;
    if let Some(name) = name
        && catalogue.find(name).is_none()
    {
        return Err(no_such_api(&catalogue, name));
    }
    if name == Some(catalogue::BUILT_IN) {
        return Err(Stop::usage(format!("`{}` is built in", catalogue::BUILT_IN)));
    }
    let added = catalogue.listed().into_iter().filter(|(known, _)| *known != catalogue::BUILT_IN);
    let added = added.filter(|(known, _)| name.is_none_or(|name| name == *known));
    let added: Vec<_> = added.map(|(name, listed)| (name.to_owned(), listed.clone())).collect();
    let mut reports = Vec::new();
    let mut failed = None;
    for (name, listed) in added {
        // One that cannot be read keeps no other from being looked at.
        let document = match read(&listed.source, settings, output).await {
            Ok(document) => document,
            Err(stop) => {
                output.stop(&stop);
                failed = Some(stop.exit);
                continue;
            }
        };
        // One that is broken where it is kept is put there again.
        let old = catalogue.document(&name).ok().flatten();
        let changes = old.as_ref().map(|old| catalogue::compare(old, &document)).unwrap_or_default();
        if old.is_none() || listed.digest != digest(document.value()) {
            catalogue.put(&name, &listed.source, listed.server.as_deref(), &document)?;
        }
        if output.json {
            reports.push(json!({ "name": name, "changes": changes }));
        } else {
            output.put(&changed(&name, &changes));
        }
    }
    search_index(settings, &catalogue)?;
    if output.json {
        output.put_json(&json!({ "updated": reports }));
    }
    Ok(failed.unwrap_or(Exit::Success))
}

/// Operation by operation.
fn changed(name: &str, changes: &Changes) -> String {
    if changes.is_empty() {
        return format!("{name}: no operation changed\n");
    }
    let Changes { added, removed, changed } = changes;
    let mut text = format!("{name}: {} added, {} removed, {} changed\n", added.len(), removed.len(), changed.len());
    let mut lines = |sign: &str, keys: &[OperationKey]| {
        for key in keys {
            let _ = writeln!(text, "{sign} {}", visible(&key.text()));
        }
    };
    lines("+", added);
    lines("-", removed);
    for changed in changed {
        let _ = writeln!(text, "~ {}", visible(&changed.key.text()));
        for how in &changed.how {
            let _ = writeln!(text, "    {}", visible(how));
        }
    }
    text
}

fn is_address(source: &str) -> bool {
    source.starts_with("https://") || source.starts_with("http://")
}

/// Where a file is, wherever somebody is later.
fn absolute(source: &str) -> String {
    if is_address(source) {
        return source.to_owned();
    }
    std::path::absolute(source).map_or_else(|_| source.to_owned(), |path| path.display().to_string())
}

/// Reads a document where it is.
async fn read(source: &str, settings: &Settings, output: &Output) -> Result<Document, Stop> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", visible(source));
    let bytes = if is_address(source) {
        let egress = settings.egress(None, output)?;
        let fetched = egress.fetch(source, MOST_DOCUMENT_BYTES).await;
        fetched.map_err(|error| not_fetched(&error, source))?.to_vec()
    } else {
        read_file(Path::new(source)).map_err(|error| Stop::usage(named(&error)))?
    };
    let document = Document::read(&bytes).map_err(|error| Stop::usage(named(&error)))?;
    // As JSON it may be larger: what is kept must be read again.
    let size = document.value().to_string().len();
    if size > MOST_DOCUMENT_BYTES {
        return Err(Stop::usage(named(&catalogue::SyntaxError::TooLarge(size))));
    }
    Ok(document)
}

/// No more of a file than a document may have, and one byte that says so.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if size > MOST_DOCUMENT_BYTES as u64 {
        return Err(std::io::Error::other(catalogue::SyntaxError::TooLarge(size as usize)));
    }
    file.take(MOST_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn not_fetched(error: &FetchError, source: &str) -> Stop {
    let message = format!("{}: {error}", visible(source));
    match error {
        FetchError::Refused(refusal) => {
            let stop = Stop { exit: Exit::Refused, message: Some(message), hint: None };
            match refusal.hint() {
                Some(grant) => stop.hint(format!("add the lines\n\n{grant}")),
                None => stop,
            }
        }
        FetchError::Lost(_) => Stop { exit: Exit::Temporary, message: Some(message), hint: None },
        FetchError::Status { location: Some(location), .. } => {
            Stop::failed(message).hint(format!("http-task catalogue add {}", print::shell_word(location)))
        }
        FetchError::Status { location: None, .. } => Stop::failed(message),
    }
}

/// A name made from a title: `Box Platform API` is `box-platform`.
fn name_of(document: &Document) -> String {
    const MOST_CHARACTERS: usize = 40;
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' };
    let text: String = document.title.chars().map(plain).collect();
    let mut words: Vec<_> = text.split_whitespace().collect();
    while words.len() > 1 && words.last() == Some(&"api") {
        words.pop();
    }
    let name: String = words.join("-").chars().take(MOST_CHARACTERS).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "api".to_owned() } else { name.to_owned() }
}
