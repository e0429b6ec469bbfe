//! `http-task export`: HTTP Tasks, as they are written elsewhere.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::Output;
use super::{Exit, Settings, Stop, test};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print a task's request as a cURL command, the secret by where it comes from; as `test --curl` does
    Curl {
        /// The workflow definition
        definition: PathBuf,
        /// The HTTP Task; may be left out when there is only one
        task: Option<String>,
        /// The task's input; values of `inputParameters` that are not given stay as they are written
        #[arg(long, value_name = "JSON|@FILE")]
        input: Option<String>,
        /// Print also what the catalogue's document says is wrong, with a warning
        #[arg(long)]
        ignore_schema: bool,
    },
}

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let Command::Curl { definition, task, input, ignore_schema } = arguments.command;
    test::run(test::Arguments::for_curl(definition, task, input, ignore_schema), settings, output).await
}
