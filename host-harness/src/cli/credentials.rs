//! `http-task credentials`: references to secrets, written to the credentials file. A secret itself is never asked for
//! and never written.

use clap::{Args, Subcommand, ValueEnum};
use http::HeaderName;
use http_task_host::credentials::{self, Entry, Kind, SecretSource};
use http_task_host::origin::Origin;

use super::output::Output;
use super::{Exit, Settings, Stop};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Name a secret that definitions may refer to
    Add(Add),
}

#[derive(Args)]
struct Add {
    /// The reference that definitions write in `credentials`: letters, digits, `.`, `_` and `-`
    #[arg(value_parser = reference)]
    name: String,
    /// How the secret is sent
    #[arg(long, value_enum)]
    kind: KindArgument,
    /// For the kind `header`: the field that carries the secret
    #[arg(long, value_name = "NAME", required_if_eq("kind", "header"), value_parser = credentials::check_header)]
    header: Option<HeaderName>,
    /// The environment variable that holds the secret
    #[arg(long, value_name = "VARIABLE", value_parser = credentials::check_variable)]
    env: String,
    /// Where it may go, such as https://api.pipedrive.com; repeatable
    #[arg(long = "origin", value_name = "ORIGIN", required = true)]
    origins: Vec<Origin>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindArgument {
    /// The secret is the value of a header
    Header,
    /// `authorization: Bearer …`
    Bearer,
}

fn reference(name: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || !name.chars().all(plain) {
        return Err("a reference has letters, digits, `.`, `_` and `-`".to_owned());
    }
    Ok(name.to_owned())
}

pub(super) fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let Command::Add(Add { name, kind, header, env, origins }) = arguments.command;
    let kind = match kind {
        KindArgument::Header => Kind::Header,
        KindArgument::Bearer if header.is_some() => {
            return Err(Stop::usage("the kind `bearer` has its own header").hint("leave out --header"));
        }
        KindArgument::Bearer => Kind::Bearer,
    };
    let path = settings.credentials()?;
    let entry = Entry { kind, header, secret: SecretSource { env }, origins };
    if !credentials::add(&path, &name, &entry)? {
        return Err(Stop::usage(format!("{} has credentials `{name}` already", path.display()))
            .hint("choose another name, or edit the file"));
    }
    if output.json {
        output.put_json(&serde_json::json!({ "added": name, "file": path }));
    } else {
        output.say(&format!("added `{name}` to {}", path.display()));
    }
    if std::env::var_os(&entry.secret.env).is_none() {
        output.say(&format!("hint: the variable is not set yet: export {}=…", entry.secret.env));
    }
    Ok(Exit::Success)
}
