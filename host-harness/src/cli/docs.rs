//! `http-task docs`: an operation's reference docs as a page of text, through a pager where somebody reads along.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::process::{Command, Stdio};

use anstyle::Style;
use clap::Args;
use http_task_host::catalogue::{
    AnswerDocs, ContentDocs, Field, Location, OperationDocs, ParameterDocs, Scheme, Security,
};

use super::operation::{self, Named};
use super::output::{Output, visible};
use super::print::{self, BOLD, GOOD, LATER};
use super::{Exit, Settings, Stop};

#[derive(Args)]
pub(super) struct Arguments {
    /// `pipedrive/updateLead`, `updateLead`, or 'PATCH /v1/leads/{id}'
    operation: String,
}

const DIM: Style = Style::new().dimmed();

/// A line of prose that is longer is hard to read.
const MOST_COLUMNS: usize = 100;

pub(super) async fn run(arguments: Arguments, settings: &Settings, output: &Output) -> Result<Exit, Stop> {
    let catalogue = settings.read_catalogue()?;
    let named = operation::find(settings, &catalogue, &arguments.operation)?;
    show(&named, output)
}

/// Shows the docs of an operation.
pub(super) fn show(named: &Named, output: &Output) -> Result<Exit, Stop> {
    let docs = OperationDocs::of(&named.operation, &named.hit.operation, named.server.as_deref());
    if output.json {
        output.put_json(&docs);
        return Ok(Exit::Success);
    }
    let columns = textwrap::termwidth().min(MOST_COLUMNS);
    page(&Page { columns }.of(&docs), output);
    Ok(Exit::Success)
}

/// Shows text through `$PAGER`, or less, on a terminal.
fn page(text: &str, output: &Output) {
    if !io::stdout().is_terminal() {
        return output.put(text);
    }
    let pager = env::var("PAGER").ok().filter(|pager| !pager.is_empty()).unwrap_or_else(|| "less".to_owned());
    let words = shlex::split(&pager).unwrap_or_default();
    let Some((program, arguments)) = words.split_first().filter(|(program, _)| *program != "cat") else {
        return output.put(text);
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        // As git has it: colours, what fits is not paged, the screen stays.
        command.env("LESS", "FRX");
    }
    let Ok(mut running) = command.spawn() else { return output.put(text) };
    let mut text = output.harmless(text);
    if anstream::AutoStream::choice(&io::stdout()) == anstream::ColorChoice::Never {
        text = anstream::adapter::strip_str(&text).to_string();
    }
    if let Some(mut stdin) = running.stdin.take() {
        // Whoever leaves the pager has read enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    let _ = running.wait();
}

struct Page {
    columns: usize,
}

impl Page {
    fn of(&self, docs: &OperationDocs) -> String {
        let mut text = String::new();
        let deprecated = if docs.deprecated { format!("  {LATER}deprecated{LATER:#}") } else { String::new() };
        let _ = writeln!(text, "{BOLD}{}{BOLD:#}{deprecated}", visible(&docs.operation));
        let _ = writeln!(text, "{GOOD}{}{GOOD:#} {}\n", docs.method, visible(&docs.url));
        if !docs.summary.is_empty() {
            let _ = writeln!(text, "{BOLD}{}{BOLD:#}", visible(&docs.summary));
        }
        if docs.description.trim_end_matches('.') != docs.summary.trim_end_matches('.') {
            text.push_str(&self.prose(&docs.description, 0));
        }
        for (location, title) in [
            (Location::Path, "In the path"),
            (Location::Query, "In the query"),
            (Location::Header, "Header fields"),
            (Location::Cookie, "Cookies"),
        ] {
            let here: Vec<_> = docs.parameters.iter().filter(|parameter| parameter.location == location).collect();
            if !here.is_empty() {
                heading(&mut text, title);
                here.into_iter().for_each(|parameter| self.parameter(&mut text, parameter));
            }
        }
        for content in &docs.contents {
            let required = if docs.content_required { "" } else { ", not required" };
            heading(&mut text, &format!("Content: {}{required}", content.media_type));
            self.content(&mut text, content, 1);
        }
        if !docs.answers.is_empty() {
            heading(&mut text, "Answers");
            docs.answers.iter().for_each(|answer| self.answer(&mut text, answer));
        }
        self.last(&mut text, docs);
        text
    }

    fn last(&self, text: &mut String, docs: &OperationDocs) {
        if !docs.security.is_empty() {
            let optional = if docs.anonymous { " (not required)" } else { "" };
            heading(text, &format!("Authentication{optional}"));
            for way in &docs.security {
                let _ = writeln!(text, "  {}", visible(&told(way)));
            }
        }
        let mut facts = Vec::new();
        facts.extend(docs.cost.as_ref().map(|cost| format!("costs {cost}")));
        facts.extend(
            docs.repeatable.then(|| "may be repeated: the same request twice has the effect of one".to_owned()),
        );
        if !facts.is_empty() {
            heading(text, "Facts");
            facts.iter().for_each(|fact| text.push_str(&format!("  {}\n", visible(fact))));
        }
        let last = match &docs.unsupported {
            Some(why) => format!("no task can be made of it: {why}"),
            None => format!("http-task add DEFINITION {}", print::shell_word(&docs.operation)),
        };
        let _ = writeln!(text, "\n{DIM}{}{DIM:#}", visible(&last));
    }

    fn parameter(&self, text: &mut String, parameter: &ParameterDocs) {
        let mut field = parameter.field.clone();
        if parameter.secret {
            field.limits.push("the credentials add it".to_owned());
        }
        self.field(text, &field, 1);
    }

    fn content(&self, text: &mut String, content: &ContentDocs, depth: usize) {
        let body = &content.body;
        if body.fields.is_empty() || !body.description.is_empty() {
            let named = Field { name: body.kind.clone(), kind: String::new(), fields: Vec::new(), ..body.clone() };
            self.field(text, &named, depth);
        }
        body.fields.iter().for_each(|field| self.field(text, field, depth));
    }

    fn answer(&self, text: &mut String, answer: &AnswerDocs) {
        let style = if answer.status.starts_with('2') { GOOD } else { LATER };
        let _ = write!(text, "  {style}{}{style:#}", visible(&answer.status));
        let description = self.prose(&answer.description, 3);
        match description.trim_start() {
            "" => text.push('\n'),
            description => text.push_str(&format!("  {description}")),
        }
        for content in answer.contents.iter().take(1) {
            self.content(text, content, 2);
        }
    }

    /// Its name, what it may be, and what it is for.
    fn field(&self, text: &mut String, field: &Field, depth: usize) {
        let indent = "  ".repeat(depth);
        let mut facts = Vec::new();
        if !field.kind.is_empty() {
            facts.push(format!("{}{}", field.kind, if field.nullable { " or null" } else { "" }));
        }
        if field.required && !field.kind.is_empty() {
            facts.push("required".to_owned());
        }
        match field.values.as_slice() {
            [] => {}
            [only] => facts.push(format!("always {only}")),
            several => facts.push(format!("one of {}", values(several))),
        }
        facts.extend(field.limits.iter().cloned());
        facts.extend(field.default.as_ref().map(|default| format!("{default} when it is absent")));
        if let Some(example) = field.example.as_ref().filter(|example| !example.is_object() && !example.is_null()) {
            facts.push(format!("such as {}", cut(&example.to_string())));
        }
        if field.deprecated {
            facts.push("deprecated".to_owned());
        }
        let facts = visible(&facts.join(", "));
        let _ = write!(text, "{indent}{BOLD}{}{BOLD:#}", visible(&field.name));
        if !facts.is_empty() {
            let _ = write!(text, "  {DIM}{facts}{DIM:#}");
        }
        text.push('\n');
        text.push_str(&self.prose(&field.description, depth * 2 + 4));
        field.fields.iter().for_each(|field| self.field(text, field, depth + 1));
    }

    /// Text of a document, wrapped; its own line breaks between paragraphs and in lists stay.
    fn prose(&self, description: &str, indent: usize) -> String {
        let indent = " ".repeat(indent);
        let options = textwrap::Options::new(self.columns.max(indent.len() + 20))
            .initial_indent(&indent)
            .subsequent_indent(&indent);
        let mut wrapped = String::new();
        for paragraph in paragraphs(&visible(description)) {
            wrapped.push_str(&textwrap::fill(&paragraph, &options));
            wrapped.push('\n');
        }
        wrapped
    }
}

/// Lines that belong together joined; those of lists, tables and code as they are.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut joins = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let stands_alone =
            trimmed.is_empty() || trimmed.starts_with(['*', '-', '|', '#', '`', '>', '<']) || line.starts_with("    ");
        match paragraphs.last_mut().filter(|_| joins && !stands_alone) {
            Some(last) => {
                last.push(' ');
                last.push_str(trimmed);
            }
            None => paragraphs.push(trimmed.to_owned()),
        }
        joins = !stands_alone || trimmed.starts_with(['*', '-']);
    }
    while paragraphs.last().is_some_and(String::is_empty) {
        paragraphs.pop();
    }
    paragraphs
}

fn heading(text: &mut String, title: &str) {
    let _ = writeln!(text, "\n{BOLD}{}{BOLD:#}", visible(title));
}

fn values(values: &[serde_json::Value]) -> String {
    const MOST_VALUES: usize = 20;
    let mut shown: Vec<_> = values.iter().take(MOST_VALUES).map(ToString::to_string).collect();
    if values.len() > MOST_VALUES {
        shown.push(format!("{} others", values.len() - MOST_VALUES));
    }
    shown.join(" ")
}

fn cut(text: &str) -> String {
    const MOST_CHARACTERS: usize = 60;
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A way to authenticate, in words.
fn told(way: &Security) -> String {
    let mut text = match &way.scheme {
        Scheme::Header { header } => format!("the header {header}"),
        Scheme::Query { parameter } => format!("the query parameter {parameter}"),
        Scheme::Basic => "user and password (HTTP Basic)".to_owned(),
        Scheme::Bearer => "a bearer token".to_owned(),
        Scheme::Oauth { token_url: Some(url), .. } => format!("OAuth 2, tokens from {url}"),
        Scheme::Oauth { token_url: None, .. } => "OAuth 2".to_owned(),
        Scheme::Other { kind } => kind.clone(),
    };
    if !way.scopes.is_empty() {
        let _ = write!(text, ", scope {}", way.scopes.join(" "));
    }
    text
}
