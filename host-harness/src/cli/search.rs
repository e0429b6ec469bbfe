//! `http-task search`: operations by words. On a terminal they are picked from a list that follows what is typed.

use std::io::{self, IsTerminal};

use clap::Args;
use http_task_host::catalogue::{Hit, SearchIndex};
use inquire::autocompletion::{Autocomplete, Replacement};
use inquire::{CustomUserError, InquireError, Text};
use serde_json::json;

use super::catalogue::no_such_api;
use super::output::{Output, visible};
use super::{Exit, Settings, Stop, docs, operation, print};

#[derive(Args)]
pub(super) struct Arguments {
    /// What to look for: words of a name, path, summary or field, in any case and with typing errors
    words: Vec<String>,
    /// Only operations of this API
    #[arg(long, value_name = "NAME")]
    api: Option<String>,
    /// How many are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print what is found, also on a terminal
    #[arg(long)]
    list: bool,
}

/// More than anybody reads.
const MOST_HITS: usize = 1000;

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let catalogue = settings.read_catalogue()?;
    if let Some(api) = &arguments.api
        && catalogue.find(api).is_none()
    {
        return Err(no_such_api(&catalogue, api));
    }
    let index = operation::search_index(settings, &catalogue)?;
    let words = arguments.words.join(" ");
    let limit = arguments.limit.clamp(1, MOST_HITS);
    let is_watched = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
    if is_watched && !arguments.list && !output.json {
        return match pick(index, &words, arguments.api)? {
            Some(picked) => docs::show(&operation::find(settings, &catalogue, &picked)?, output),
            None => Ok(Exit::Interrupted),
        };
    }
    if words.trim().is_empty() {
        return Err(Stop::usage("nothing to look for").hint("http-task search update lead"));
    }
    let hits = index.search(&words, arguments.api.as_deref(), limit)?;
    if output.json {
        output.put_json(&json!({ "hits": hits }));
        return Ok(if hits.is_empty() { Exit::Failed } else { Exit::Success });
    }
    if hits.is_empty() {
        return Err(Stop::failed(format!("no operation is found for `{words}`")).hint("http-task catalogue list"));
    }
    let width = hits.iter().map(|hit| print::shell_word(&hit.operation).chars().count()).max().unwrap_or_default();
    let width = width.min(MOST_NAME_COLUMNS);
    output.put(&hits.iter().map(|hit| line(hit, width)).collect::<String>());
    Ok(Exit::Success)
}

/// Longer names have the rest of their line moved.
const MOST_NAME_COLUMNS: usize = 40;

fn line(hit: &Hit, width: usize) -> String {
    let name = visible(&print::shell_word(&hit.operation));
    let deprecated = if hit.deprecated { " (deprecated)" } else { "" };
    let (method, path) = (&hit.key.method, visible(&hit.key.path));
    let line = format!("{name:width$}  {method:6} {path}  {}{deprecated}", visible(&hit.summary));
    format!("{}\n", line.trim_end())
}

/// Lets somebody type and choose; the operation that was chosen.
fn pick(index: SearchIndex, words: &str, api: Option<String>) -> Result<Option<String>, Stop> {
    let found = Found { index: std::sync::Arc::new(index), api };
    let asked = Text::new("Search operations:")
        .with_initial_value(words)
        .with_autocomplete(found.clone())
        .with_page_size(12)
        .with_help_message("↑↓ to choose, Tab to take it, Enter for its docs, Esc to leave")
        .prompt();
    match asked {
        // What was typed is as good as what was chosen, when it is found.
        Ok(answer) => {
            let name = answer.split(SEPARATOR).next().unwrap_or_default().trim().to_owned();
            let best = found.hits(&name)?.into_iter().next().map(|hit| hit.operation);
            Ok(if answer.contains(SEPARATOR) { Some(name) } else { best.or(Some(name)) })
        }
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Ok(None),
        Err(error) => Err(Stop::failed(error)),
    }
}

/// Between an operation and what is said of it: no name has it.
const SEPARATOR: &str = "  ·  ";

#[derive(Clone)]
struct Found {
    index: std::sync::Arc<SearchIndex>,
    api: Option<String>,
}

impl Found {
    fn hits(&self, words: &str) -> Result<Vec<Hit>, Stop> {
        const MOST_SUGGESTIONS: usize = 50;
        Ok(self.index.search(words, self.api.as_deref(), MOST_SUGGESTIONS)?)
    }
}

impl Autocomplete for Found {
    fn get_suggestions(&mut self, input: &str) -> Result<Vec<String>, CustomUserError> {
        let hits = self.hits(input).unwrap_or_default();
        let suggestion = |hit: &Hit| {
            let text = format!("{}{SEPARATOR}{}{SEPARATOR}{}", hit.operation, hit.key.text(), hit.summary);
            let text = visible(&text).replace('\n', " ");
            // One line each, whatever the width: the prompt stays where it is.
            let most = textwrap::termwidth().saturating_sub(4).max(20);
            text.chars().take(most).collect()
        };
        Ok(hits.iter().map(suggestion).collect())
    }

    fn get_completion(&mut self, _: &str, highlighted: Option<String>) -> Result<Replacement, CustomUserError> {
        Ok(highlighted)
    }
}
