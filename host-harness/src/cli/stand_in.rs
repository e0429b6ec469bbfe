//! `http-task stand-in`: a Pipedrive on this machine, until it is ended.

use std::path::PathBuf;

use clap::Args;
use http_task_host::stand_in::{Fault, OauthClient, Plan, Script, Seed, Setup, StandIn};
use serde::Serialize;

use super::interrupted::interrupted;
use super::output::Output;
use super::print::quoted;
use super::{Exit, Stop, findings, read_source};

#[derive(Args)]
pub(super) struct Arguments {
    /// The port of the loopback address [default: any that is free]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The JSON file of what there is to begin with: labels, fields, leads, limits, assumptions
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Answer every request so: daily-limit, forbidden-page, hang-before-head, …
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
}

/// What there is to know of a stand-in that listens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listening<'a> {
    url: &'a str,
    api_token: &'a str,
    token_url: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    refresh_token: &'a str,
    sample: &'a str,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Stop> {
    let ended = interrupted()?;
    let script = match arguments.fault.as_deref().map(str::parse::<Fault>) {
        Some(Ok(fault)) => fault.into(),
        Some(Err((message, hint))) => return Err(Stop::usage(message).hint(hint)),
        None => Script::default(),
    };
    let seed = match arguments.seed {
        Some(path) => {
            let source = read_source(&path, output)?;
            match Seed::read(&source) {
                Ok(seed) => seed,
                Err(found) => {
                    findings::show(&source, &found, output);
                    return Ok(Exit::Usage);
                }
            }
        }
        None => Seed::default(),
    };
    let port = arguments.port;
    let lead = seed.lead().map(str::to_owned);
    // A client meets limits in the end, and should meet them here.
    let setup = Setup { port, script, seed: seed.limited(Plan::Lite), ..Setup::default() };
    let stand_in = StandIn::start(setup)
        .await
        .map_err(|error| Stop::failed(format!("port {port} cannot be used: {error}")).hint("--port 0"))?;
    show(&stand_in, lead.as_deref(), output);
    tokio::select! {
        () = ended => {}
        () = tell(&stand_in, output) => {}
    }
    Ok(Exit::Success)
}

/// How to reach it: a command to paste is the data.
fn show(stand_in: &StandIn, lead: Option<&str>, output: &Output) {
    let url = format!("http://{}", stand_in.address());
    let sample = sample(&url, stand_in.token(), lead);
    let OauthClient { client_id, client_secret, refresh_token } = stand_in.oauth_client();
    let token_url = format!("{url}/oauth/token");
    if output.json {
        return output.put_json(&Listening {
            url: &url,
            token_url: &token_url,
            api_token: stand_in.token(),
            client_id: &client_id,
            client_secret: &client_secret,
            refresh_token: &refresh_token,
            sample: &sample,
        });
    }
    output.say(&format!("Pipedrive is played at {url} until Ctrl-C ends it"));
    output.say(&format!("OAuth: client {client_id}, secret {client_secret}"));
    output.say(&format!("       refresh token {refresh_token}"));
    output.say(&format!("       token URL {token_url}"));
    output.say("");
    output.put(&format!("{sample}\n"));
}

/// A command that updates a lead, or where there is none lists them.
fn sample(url: &str, token: &str, lead: Option<&str>) -> String {
    let header = |field: &str| format!(" \\\n  --header {}", quoted(field));
    let token = header(&format!("x-api-token: {token}"));
    let Some(lead) = lead else {
        return format!("curl --include {}{token}", quoted(&format!("{url}/api/v1/leads")));
    };
    let url = quoted(&format!("{url}/api/v1/leads/{lead}"));
    let json = header("content-type: application/json");
    let body = quoted(r#"{"title": "40 office chairs", "value": {"amount": 4200, "currency": "EUR"}}"#);
    format!("curl --include --request PATCH {url}{token}{json} \\\n  --data {body}")
}

/// Tells each request as it comes.
async fn tell(stand_in: &StandIn, output: &Output) {
    let mut told = 0;
    loop {
        stand_in.has_received(told + 1).await;
        for received in stand_in.received_since(told) {
            output.say(received.head.lines().next().unwrap_or_default());
            told += 1;
        }
    }
}
