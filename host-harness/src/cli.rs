//! Arguments in, text out.

mod add;
mod catalogue;
mod check;
mod confirm;
mod credentials;
mod curl;
mod docs;
mod export;
mod findings;
mod grant;
mod import;
mod input;
mod insertion;
mod interrupted;
mod operation;
mod output;
mod print;
mod progress;
mod run;
mod search;
mod stand_in;
mod start;
mod test;

use std::fs::File;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use etcetera::BaseStrategy;
use http_task_host::catalogue::Catalogue;
use http_task_host::component::Failure;
use http_task_host::credentials::{self as secrets, Credentials};
use http_task_host::grants::Grants;
use http_task_host::origin::Origin;
use http_task_host::redaction::Redactor;
use http_task_host::source::Source;
use http_task_host::stand_in::StandIn;
use http_task_host::telemetry::Telemetry;
use http_task_host::transport::Transport;
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};

use self::output::Output;

const EXIT_CODES: &str = "Exit codes:
  0    success
  1    a task failed for good, or could not be run, or a run failed that had sent something
  2    the command line, the definition or its input is wrong; nothing was sent
  3    refused by policy; nothing was sent
  4    failed for now: a repeat is right
  130  interrupted; what was in flight is shown";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The HTTP Task that workflow engines deserve: test, check and run the HTTP Tasks of a workflow definition.
#[derive(Parser)]
#[command(name = "http-task", version, styles = STYLES, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten, next_help_heading = "Settings")]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Settings {
    /// The file that says which requests may leave [default: grants.toml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    grants: Option<PathBuf>,
    /// The file of credentials references [default: credentials.toml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// The file of authorities, client certificates and a proxy [default: transport.toml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    transport: Option<PathBuf>,
    /// The folder of the catalogue [default: http-task/catalogue in the data folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    catalogue: Option<PathBuf>,
    /// Add a line of JSON to this file for every call: request, answer, decisions, timings, limits
    #[arg(long, global = true, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Find operations of APIs by words
    Search(search::Arguments),
    /// Show an operation's reference docs: parameters, fields, answers, authentication
    Docs(docs::Arguments),
    /// Add an operation to a definition as an HTTP Task
    Add(add::Arguments),
    /// Test request: send one HTTP Task's request and show what was sent and what came back
    Test(test::Arguments),
    /// Run a whole definition in this process, and show each task as it happens
    Run(run::Arguments),
    /// Show all that is wrong with a definition
    Check(check::Arguments),
    /// Allow the requests that a definition makes, and no others
    Grant(grant::Arguments),
    /// Name secrets, without showing them to definitions
    Credentials(credentials::Arguments),
    /// Choose the APIs whose operations can be searched and added
    Catalogue(catalogue::Arguments),
    /// Make HTTP Tasks of requests that are written elsewhere
    Import(import::Arguments),
    /// Write HTTP Tasks as others write requests
    Export(export::Arguments),
    /// Print the JSON Schema of definition files, with which editors complete and check them
    Schema,
    /// Play Pipedrive on this machine, for trying anything against it: no account, no configuration
    StandIn(stand_in::Arguments),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Success = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    Temporary = 4,
    /// 128 and the number of SIGINT, as a shell has it.
    Interrupted = 130,
}

/// A command that cannot go on: what to say, unless it has been shown already, the remedy, and how to end.
struct Stop {
    exit: Exit,
    message: Option<String>,
    hint: Option<String>,
}

impl Exit {
    /// By what a failure asks for.
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::PermanentInvalid(_) => Self::Usage,
            Failure::PermanentDenied(_) => Self::Refused,
            Failure::Temporary(_) => Self::Temporary,
            Failure::ExecutionFailed | Failure::PermanentRejected(_) | Failure::PermanentUnknown(_) => Self::Failed,
        }
    }
}

impl Stop {
    fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: Some(message.into()), hint: None }
    }

    fn failed(message: impl ToString) -> Self {
        Self { exit: Exit::Failed, message: Some(message.to_string()), hint: None }
    }

    /// What is wrong has been shown at its places.
    fn shown() -> Self {
        Self { exit: Exit::Usage, message: None, hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::usage(error.to_string())
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let redactor = Redactor::default();
    start::redact_panics(&redactor);
    let Cli { mut settings, command } = Cli::parse();
    if matches!(command, Command::Add(_)) {
        // There the option names a reference, not the file.
        settings.credentials = None;
    }
    let output = Output::new(redactor, settings.json);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return end(&output, Err(Stop::failed(error))),
    };
    let _in_runtime = runtime.enter();
    let telemetry = match settings.telemetry() {
        Ok(telemetry) => telemetry,
        Err(stop) => return end(&output, Err(stop)),
    };
    start::log(output.redactor(), telemetry.as_ref());
    let done = runtime.block_on(async {
        // Before anything is shown; the stand-in alone has nothing to do with real secrets.
        let plays = match &command {
            Command::Test(arguments) => arguments.stand_in,
            Command::Run(arguments) => arguments.stand_in,
            Command::StandIn(_) => true,
            _ => false,
        };
        if !plays {
            settings.teach(&output)?;
        }
        match command {
            Command::Search(arguments) => search::run(arguments, &settings, &output).await,
            Command::Docs(arguments) => docs::run(arguments, &settings, &output).await,
            Command::Add(arguments) => add::run(arguments, &settings, &output).await,
            Command::Catalogue(arguments) => catalogue::run(arguments, &settings, &output).await,
            Command::Import(arguments) => import::run(arguments, &settings, &output).await,
            Command::Export(arguments) => export::run(arguments, &settings, &output).await,
            Command::Schema => {
                output.put(http_task_host::workflow::SCHEMA);
                Ok(Exit::Success)
            }
            Command::Test(arguments) => test::run(arguments, &settings, &output).await,
            Command::Run(arguments) => run::run(arguments, &settings, &output).await,
            Command::Check(arguments) => check::run(arguments, &settings, &output).await,
            Command::Grant(arguments) => grant::run(arguments, &settings, &output).await,
            Command::Credentials(arguments) => credentials::run(arguments, &settings, &output).await,
            Command::StandIn(arguments) => stand_in::run(arguments, &output).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "http-task", &mut script);
                output.put(&String::from_utf8_lossy(&script));
                Ok(Exit::Success)
            }
        }
    });
    // A refresh that nobody waits for any more may have a new refresh token to write.
    let _ = runtime.block_on(tokio::time::timeout(Limits::default().token, secrets::settled()));
    if let Some(Err(why)) = telemetry.map(Telemetry::shut_down) {
        output.say(&format!("warning: traces were lost: {why}"));
    }
    // A name that is still being resolved is nothing to wait for.
    runtime.shutdown_background();
    end(&output, done)
}

fn end(output: &Output, done: Result<Exit, Stop>) -> ExitCode {
    let exit = done.unwrap_or_else(|stop| {
        output.stop(&stop);
        stop.exit
    });
    match output.lost() {
        Some(why) => {
            output.say(&format!("error: what this command had to say could not be written: {why}"));
            ExitCode::from(Exit::Failed as u8)
        }
        None => ExitCode::from(exit as u8),
    }
}

impl Settings {
    fn grants(&self) -> Result<PathBuf, Stop> {
        settings_file(self.grants.as_deref(), "--grants", "grants.toml")
    }

    /// None of the secrets that are set will show from now on.
    fn teach(&self, output: &Output) -> Result<(), Stop> {
        // Without a folder for it there is no configuration, and so no secret to keep.
        let Ok(path) = self.credentials() else { return Ok(()) };
        Credentials::read(&path)?.teach(output.redactor());
        Ok(())
    }

    /// The way out: to the stand-in, where there is one, or as grants and credentials allow.
    fn egress(&self, stand_in: Option<&StandIn>, output: &Output) -> Result<Egress, Stop> {
        if let Some(stand_in) = stand_in {
            return Ok(Egress::to_stand_in(stand_in, output.redactor().clone()));
        }
        let grants = Grants::read(&self.grants()?)?;
        let credentials = self.read_credentials()?;
        Ok(Egress::by(self.transport()?, grants, credentials, output.redactor().clone())?)
    }

    fn catalogue_folder(&self) -> Result<PathBuf, Stop> {
        match (&self.catalogue, etcetera::choose_base_strategy()) {
            (Some(named), _) => Ok(named.clone()),
            (None, Ok(folders)) => Ok(folders.data_dir().join("http-task").join("catalogue")),
            (None, Err(error)) => Err(Stop::usage(error.to_string()).hint("--catalogue FOLDER")),
        }
    }

    /// The catalogue; without a folder for it, what is built in.
    fn read_catalogue(&self) -> Result<Catalogue, Stop> {
        match self.catalogue_folder() {
            Ok(folder) => Ok(Catalogue::open(folder)?),
            Err(_) => Ok(Catalogue::built_in()),
        }
    }

    fn writable_catalogue(&self) -> Result<Catalogue, Stop> {
        Ok(Catalogue::open(self.catalogue_folder()?)?)
    }

    fn transport(&self) -> Result<Transport, Stop> {
        let path = settings_file(self.transport.as_deref(), "--transport", "transport.toml")?;
        Ok(Transport::read(&path)?)
    }

    /// What sends traces, where the environment asks for it.
    fn telemetry(&self) -> Result<Option<Telemetry>, Stop> {
        if Telemetry::is_wanted() { Ok(Some(Telemetry::new(self.transport()?)?)) } else { Ok(None) }
    }

    /// Has every call of a component traced, where that is asked for.
    fn traced(&self, component: HttpTask, output: &Output) -> Result<HttpTask, Stop> {
        let Some(path) = &self.trace else { return Ok(component) };
        let file = trace_file(path).map_err(|error| Stop::usage(format!("{}: {error}", path.display())))?;
        let (file, lost) = (Mutex::new(output.redactor().writer(file)), output.losses());
        Ok(component.on_trace(move |trace| {
            let line = serde_json::to_string(trace).unwrap_or_default() + "\n";
            let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
            lost.keep(written);
        }))
    }

    fn read_credentials(&self) -> Result<Credentials, Stop> {
        Ok(Credentials::read(&self.credentials()?)?.named_by(&self.credentials_option()))
    }

    /// What a command that is hinted at needs to be about the same file.
    fn credentials_option(&self) -> String {
        let word = |path: &PathBuf| format!(" --credentials {}", print::shell_word(&path.display().to_string()));
        self.credentials.as_ref().map(word).unwrap_or_default()
    }

    /// The command that names a secret.
    fn credentials_add(&self, reference: &str, kind: &str, origin: &Origin) -> String {
        let reference = print::shell_word(reference);
        format!("http-task credentials add {reference} {kind} --origin {origin}{}", self.credentials_option())
    }

    fn credentials(&self) -> Result<PathBuf, Stop> {
        settings_file(self.credentials.as_deref(), "--credentials", "credentials.toml")
    }
}

/// Lines are added to what is there; a file that is made is its owner's alone.
fn trace_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn settings_file(named: Option<&Path>, option: &str, name: &str) -> Result<PathBuf, Stop> {
    match (named, etcetera::choose_base_strategy()) {
        (Some(named), _) => Ok(named.to_owned()),
        (None, Ok(folders)) => Ok(folders.config_dir().join("http-task").join(name)),
        (None, Err(error)) => Err(Stop::usage(error.to_string()).hint(format!("{option} {name}"))),
    }
}

/// The component that this program carries, compiled once per machine: that takes seconds, and somebody may be watching.
fn load(egress: Egress) -> Result<HttpTask, Stop> {
    let cache = etcetera::choose_base_strategy().ok().map(|folders| folders.cache_dir().join("http-task"));
    if io::stderr().is_terminal() && !cache.as_ref().is_some_and(|folder| folder.exists()) {
        eprintln!("compiling the component for this machine, once …");
    }
    HttpTask::load(COMPONENT, cache.as_deref(), egress, Limits::default()).map_err(Stop::failed)
}

/// Reads a definition's file; what is not JSON ends the command, every such place shown.
fn read_source(path: &Path, output: &Output) -> Result<Source, Stop> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Stop::usage(format!("{name}: {error}")))?;
    // A byte order mark is no part of the text (RFC 8259, section 8.1).
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Source::parse(&name, text).map_err(|(source, found)| {
        findings::show(&source, &found, output);
        Stop::shown()
    })
}
