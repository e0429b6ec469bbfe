//! `http-task credentials`: references to secrets, in the credentials file. A secret itself is never asked for, never
//! written there, and never shown.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use http::HeaderName;
use http_task_host::Limits;
use http_task_host::credentials::{
    self, ClientAuthentication, Credentials, Draft, Entry, Kind, KindName, SecretSource, TokenUrl,
};
use http_task_host::network::Network;
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
    /// Show all references: how each secret is sent, where it comes from, and where it may go
    List,
    /// Get each secret or token as a call would, and say what is wrong
    Check {
        /// The reference; all when left out
        name: Option<String>,
    },
    /// Name a secret that definitions may refer to
    Add(Box<Add>),
    /// Take a reference away; its secret stays where it is
    Remove {
        /// The reference
        name: String,
    },
}

#[derive(Args)]
struct Add {
    /// The reference that definitions write in `credentials`: letters, digits, `.`, `_` and `-`
    #[arg(value_parser = self::name)]
    name: String,
    /// How the secret is sent
    #[arg(long, value_parser = kind_parser())]
    kind: KindName,
    /// Where the secret comes from: env:NAME, file:PATH, keyring:SERVICE/ACCOUNT or command:PROGRAM ARGUMENTS
    #[arg(long, value_name = "SOURCE")]
    secret: Option<String>,
    /// Where it may go, such as https://api.pipedrive.com; repeatable
    #[arg(long = "origin", value_name = "ORIGIN", required = true)]
    origins: Vec<String>,
    /// For the kind `header`: the field that carries the secret
    #[arg(long, value_name = "NAME", value_parser = credentials::check_header)]
    header: Option<HeaderName>,
    /// For the kind `query`: the parameter that carries the secret
    #[arg(long, value_name = "NAME")]
    parameter: Option<String>,
    /// For the kind `basic`: whose password the secret is
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// For OAuth: where tokens are given out
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// For OAuth: this host's name there
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// For OAuth: where the client's secret comes from, as --secret has it
    #[arg(long, value_name = "SOURCE")]
    client_secret: Option<String>,
    /// For OAuth: how the client's secret is sent
    #[arg(long, value_enum)]
    client_authentication: Option<AuthenticationArgument>,
    /// For OAuth: what the token is asked for
    #[arg(long)]
    scope: Option<String>,
    /// For OAuth: a closed network where the token server may be; repeatable
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Option<Vec<Network>>,
    /// For the kind `oauth-refresh-token`: where that comes from, and is written to when the server replaces it
    #[arg(long, value_name = "SOURCE")]
    refresh_token: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum AuthenticationArgument {
    /// `authorization: Basic …`
    Basic,
    /// In the form
    Form,
}

fn kind_parser() -> impl TypedValueParser<Value = KindName> {
    PossibleValuesParser::new(KindName::ALL.map(KindName::as_str)).map(|name| {
        let known = KindName::ALL.into_iter().find(|kind| kind.as_str() == name);
        known.expect("only the names of kinds are possible values")
    })
}

/// What people name things by here: references and APIs.
pub(super) fn name(name: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || !name.chars().all(plain) {
        return Err("a name has letters, digits, `.`, `_` and `-`".to_owned());
    }
    Ok(name.to_owned())
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    match arguments.command {
        Command::List => list(settings, output),
        Command::Check { name } => check(name.as_deref(), settings, output).await,
        Command::Add(add) => self::add(*add, settings, output),
        Command::Remove { name } => remove(&name, settings, output),
    }
}

/// What is read here by clap would stand in its error, and somebody may have written the secret itself.
fn source(option: &str, text: Option<String>) -> Result<Option<SecretSource>, Stop> {
    let parsed = text.map(|text| text.parse::<SecretSource>()).transpose();
    parsed.map_err(|expected| Stop::usage(format!("{option}: {expected}")).hint(format!("{option} env:API_TOKEN")))
}

/// What may hold a user and a password is not repeated.
fn origin(text: &str) -> Result<Origin, Stop> {
    let parsed = text.parse::<Origin>().map_err(|error| match text.contains('@') {
        true => "an origin has no user: scheme, host and port, such as https://api.example.com".to_owned(),
        false => error.to_string(),
    });
    parsed.map_err(|why| Stop::usage(format!("--origin: {why}")).hint("--origin https://api.example.com"))
}

fn token_url(text: &str) -> Result<TokenUrl, Stop> {
    TokenUrl::of(text).map_err(|expected| {
        Stop::usage(format!("--token-url: {expected}")).hint("--token-url https://login.example.com/oauth/token")
    })
}

fn add(add: Add, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let Add { name, kind, header, parameter, user, client_id, scope, networks, .. } = add;
    let authentication = add.client_authentication.map(|argument| match argument {
        AuthenticationArgument::Basic => ClientAuthentication::Basic,
        AuthenticationArgument::Form => ClientAuthentication::Form,
    });
    let draft = Draft {
        kind,
        header,
        parameter,
        user,
        secret: source("--secret", add.secret)?,
        token_url: add.token_url.as_deref().map(token_url).transpose()?,
        client_id,
        client_secret: source("--client-secret", add.client_secret)?,
        client_authentication: authentication,
        scope,
        networks,
        refresh_token: source("--refresh-token", add.refresh_token)?,
        origins: add.origins.iter().map(|text| origin(text)).collect::<Result<_, _>>()?,
    };
    let entry = Entry::try_from(draft).map_err(|wrong| Stop::usage(wrong).hint("http-task credentials add --help"))?;
    let path = settings.credentials()?;
    if !credentials::add(&path, &name, &entry)? {
        return Err(Stop::usage(format!("{} has credentials `{name}` already", path.display()))
            .hint(format!("http-task credentials remove {name}{}", settings.credentials_option())));
    }
    if output.json {
        output.put_json(&serde_json::json!({ "added": name, "file": path }));
    } else {
        output.say(&format!("added `{name}` to {}", path.display()));
    }
    say_of(&entry, output);
    Ok(Exit::Success)
}

/// What is worth knowing of an entry before it is used.
fn say_of(entry: &Entry, output: &Output) {
    for (why, hint) in entry.problems() {
        output.say(&format!("warning: {why}"));
        if let Some(hint) = hint {
            output.say(&format!("hint: {hint}"));
        }
    }
    for origin in entry.origins.iter().filter(|origin| origin.scheme() == "http" && !origin.is_loopback()) {
        output.say(&format!("warning: to {origin} the secret goes without TLS, for everybody on the way to read"));
    }
    if let Kind::RefreshToken { refresh_token, .. } = &entry.kind
        && !refresh_token.can_be_written()
    {
        output.say(&format!("warning: a refresh token that the server replaces cannot be kept in {refresh_token}"));
    }
}

fn remove(name: &str, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let path = settings.credentials()?;
    if !credentials::remove(&path, name)? {
        return Err(unknown(&Credentials::read(&path)?, name, &path));
    }
    if output.json {
        output.put_json(&serde_json::json!({ "removed": name, "file": path }));
    } else {
        output.say(&format!("removed `{name}` from {}", path.display()));
    }
    Ok(Exit::Success)
}

/// A name that is not there, with those that are.
fn unknown(credentials: &Credentials, name: &str, path: &Path) -> Stop {
    let names: Vec<_> = credentials.entries().map(|(name, _)| format!("`{name}`")).collect();
    let none = "http-task credentials add".to_owned();
    let hint = if names.is_empty() { none } else { format!("one of {}", names.join(", ")) };
    Stop::usage(format!("{} has no credentials `{name}`", path.display())).hint(hint)
}

fn list(settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let path = settings.credentials()?;
    let credentials = Credentials::read(&path)?;
    if output.json {
        let entries: Vec<_> = credentials.entries().map(|(name, entry)| report(name, entry)).collect();
        output.put_json(&serde_json::json!({ "credentials": entries, "file": path }));
        return Ok(Exit::Success);
    }
    for (name, entry) in credentials.entries() {
        let origins: Vec<_> = entry.origins.iter().map(ToString::to_string).collect();
        let sources: Vec<_> = entry.sources().map(ToString::to_string).collect();
        output.put(&format!(
            "{name}\n  {}, as {}\n  from {}\n  to {}\n",
            entry.kind.name(),
            entry.kind.carrier(),
            sources.join(" and "),
            origins.join(", ")
        ));
    }
    if credentials.entries().next().is_none() {
        output.say(&format!("{} has no credentials", path.display()));
    }
    Ok(Exit::Success)
}

fn report(name: &str, entry: &Entry) -> serde_json::Value {
    serde_json::json!({
        "name": name,
        "kind": entry.kind.name().to_string(),
        "carrier": entry.kind.carrier().to_string(),
        "sources": entry.sources().collect::<Vec<_>>(),
        "origins": entry.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

async fn check(name: Option<&str>, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let path = settings.credentials()?;
    let credentials = Credentials::read(&path)?;
    if let Some(name) = name
        && credentials.entry(name).is_none()
    {
        return Err(unknown(&credentials, name, &path));
    }
    let names: Vec<_> = name.map_or_else(|| credentials.entries().map(|(name, _)| name).collect(), |name| vec![name]);
    let egress = settings.egress(None, output)?;
    let mut exit = Exit::Success;
    let mut reports = Vec::new();
    for name in names {
        let tried = egress.try_credentials(name, &Limits::default()).await;
        let (problem, hint) = match tried {
            Ok(()) => (None, None),
            Err(refusal) => (Some(refusal.message.clone()), refusal.hint()),
        };
        match &problem {
            None if !output.json => output.put(&format!("{name}: usable\n")),
            Some(problem) if !output.json => {
                let hint = hint.as_ref().map_or_else(String::new, |hint| format!("hint: {hint}\n"));
                output.put(&format!("{name}: {problem}\n{hint}"));
            }
            _ => {}
        }
        if problem.is_some() {
            exit = Exit::Failed;
        }
        reports
            .push(serde_json::json!({ "name": name, "usable": problem.is_none(), "problem": problem, "hint": hint }));
    }
    if output.json {
        output.put_json(&serde_json::json!({ "credentials": reports, "file": path }));
    } else if reports.is_empty() {
        output.say(&format!("{} has no credentials", path.display()));
    }
    Ok(exit)
}
