//! The operation that somebody means, the catalogue that it is in, and what differs from it in a task.

use http_task_host::catalogue::{
    Call, Catalogue, Conformity, Difference, Hit, Operation, Pin, Pinned, SearchIndex, compare_request,
};
use http_task_host::source::{Finding, Source};
use http_task_host::workflow::{Definition, Task};
use serde_json::Value;

use super::{Settings, Stop, print};

/// How many near hits are named when an operation is not there.
const MOST_NEAR: usize = 5;

/// Opens what finds operations: the index lies beside the documents.
pub(super) fn search_index(settings: &Settings, catalogue: &Catalogue) -> Result<SearchIndex, Stop> {
    Ok(catalogue.search_index(settings.catalogue_folder().ok().as_deref())?)
}

/// An operation of the catalogue.
pub(super) struct Named {
    pub(super) hit: Hit,
    pub(super) operation: Operation,
    pub(super) pin: Pin,
    /// The base URL to use in place of the document's.
    pub(super) server: Option<String>,
    /// Where the document came from.
    pub(super) source: String,
}

/// Finds the one operation that a name means: `pipedrive/updateLead`, `updateLead`, `PATCH /v1/leads/{id}`, with the API
/// before it where several have it.
pub(super) fn find(settings: &Settings, catalogue: &Catalogue, name: &str) -> Result<Named, Stop> {
    let index = search_index(settings, catalogue)?;
    let (api, rest) = split(catalogue, name);
    let hits = index.named(rest, api)?;
    let hit = match hits.as_slice() {
        [hit] => hit.clone(),
        [] => {
            if let Some(api) = api {
                // One that is broken where it is kept has no operations in the index.
                let again = format!("http-task catalogue update {}", print::shell_word(api));
                catalogue.document(api).map_err(|error| Stop::failed(error).hint(again))?;
            }
            let near = index.search(rest, api, MOST_NEAR)?;
            let near: Vec<_> = near.iter().map(|hit| print::shell_word(&hit.operation)).collect();
            let stop = Stop::usage(format!("there is no operation `{name}`"));
            return Err(match near.is_empty() {
                true => stop.hint("http-task search WORDS, or http-task catalogue add FILE"),
                false => stop.hint(format!("one of {}", near.join(", "))),
            });
        }
        several => {
            let names: Vec<_> = several.iter().map(|hit| print::shell_word(&hit.operation)).collect();
            let stop = Stop::usage(format!("several operations are called `{name}`"));
            return Err(stop.hint(format!("one of {}", names.join(", "))));
        }
    };
    let listed = catalogue.find(&hit.api).cloned();
    let again = format!("http-task catalogue update {}", print::shell_word(&hit.api));
    let document = catalogue.document(&hit.api).map_err(|error| Stop::failed(error).hint(&again))?;
    let operation = document.and_then(|document| document.operation(&hit.key));
    let (Some(listed), Some(operation)) = (listed, operation) else {
        return Err(Stop::failed(format!("the document of `{}` is not there any more", hit.api)).hint(again));
    };
    let pin =
        Pin { api: hit.api.clone(), method: hit.key.method.clone(), path: hit.key.path.clone(), digest: listed.digest };
    Ok(Named { hit, operation, pin, server: listed.server, source: listed.source })
}

/// The API that a name begins with, if it does, and the rest.
fn split<'n>(catalogue: &Catalogue, name: &'n str) -> (Option<&'n str>, &'n str) {
    let known = |api: &&str| catalogue.find(api).is_some();
    name.split_once(['/', ' '])
        .filter(|(api, _)| known(api))
        .map_or((None, name), |(api, rest)| (Some(api), rest.trim()))
}

/// What differs from the operations that tasks were made from.
#[derive(Default)]
pub(super) struct Differences {
    pub(super) problems: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

impl Differences {
    fn add(&mut self, source: &Source, task: &Task, found: Conformity) {
        let located = |difference: Difference| located(source, task, difference);
        self.problems.extend(found.problems.into_iter().map(located));
        self.warnings.extend(found.warnings.into_iter().map(located));
    }

    /// With all problems as warnings, where somebody knows better than the document.
    pub(super) fn tolerated(mut self, tolerate: bool) -> Self {
        if tolerate {
            self.warnings.append(&mut self.problems);
        }
        self
    }
}

fn located(source: &Source, task: &Task, difference: Difference) -> Finding {
    let finding = source.finding(&format!("{}{}", task.place, difference.place), difference.message);
    Finding { hint: difference.hint, ..finding }
}

/// Compares all tasks of a definition, as they are written.
pub(super) fn compare(catalogue: &Catalogue, definition: &Definition) -> Result<Differences, Stop> {
    let mut differences = Differences::default();
    for task in definition.http_tasks() {
        let Some((written, operation)) = pinned(catalogue, definition.source(), task, &mut differences)? else {
            continue;
        };
        if let Some(call) = Call::of_task(&written) {
            differences.add(definition.source(), task, compare_request(&operation, &call));
        }
    }
    Ok(differences)
}

/// Compares a request that is about to be sent; the operation comes along for its answer.
pub(super) fn compare_call(
    catalogue: &Catalogue,
    source: &Source,
    task: &Task,
    call: &Call,
) -> Result<(Differences, Option<Box<Operation>>), Stop> {
    let mut differences = Differences::default();
    let Some((_, operation)) = pinned(catalogue, source, task, &mut differences)? else {
        return Ok((differences, None));
    };
    differences.add(source, task, compare_request(&operation, call));
    Ok((differences, Some(operation)))
}

/// The operation that a task was made from, and the task as JSON; none where it names none, or none that is known here.
fn pinned(
    catalogue: &Catalogue,
    source: &Source,
    task: &Task,
    differences: &mut Differences,
) -> Result<Option<(Value, Box<Operation>)>, Stop> {
    let written: Value = serde_json::from_str(&task.text)?;
    let Some(pin) = Pin::of_task(&written) else { return Ok(None) };
    let mut warn = |message: String, hint: String| {
        let finding = source.finding(&format!("{}/operation", task.place), message);
        differences.warnings.push(finding.hint(hint));
    };
    let again = format!("http-task catalogue update {}", print::shell_word(&pin.api));
    match catalogue.pinned(&pin).map_err(|error| Stop::failed(error).hint(again))? {
        Pinned::Same(operation) => Ok(Some((written, operation))),
        Pinned::Newer(operation) => {
            warn(
                format!(
                    "the document of `{}` is another one than this task was made from; it is compared with that",
                    pin.api
                ),
                format!("look at http-task docs '{} {}'", pin.api, pin.key().text()),
            );
            Ok(Some((written, operation)))
        }
        Pinned::Unknown => {
            warn(
                format!(
                    "the catalogue has no operation {} of `{}`; nothing is compared with it",
                    pin.key().text(),
                    pin.api
                ),
                format!("http-task catalogue add FILE --name {}", print::shell_word(&pin.api)),
            );
            Ok(None)
        }
    }
}
