//! What changes data on another machine is sent only when somebody says so.

use std::collections::BTreeSet;

use http_task_host::origin::Origin;

use super::Stop;
use super::output::Output;

/// Asks once for all requests, each a method and a URL, when there is something to ask. `otherwise` says what can be done when
/// nobody is here.
pub(super) fn ask<'a>(
    requests: impl IntoIterator<Item = (&'a str, &'a str)>,
    otherwise: &str,
    output: &Output,
) -> Result<(), Stop> {
    let mut changes = BTreeSet::new();
    for (method, url) in requests {
        let origin = Origin::of(url)?;
        if !matches!(method, "GET" | "HEAD" | "OPTIONS") && !origin.is_loopback() {
            changes.insert(format!("{method} changes data on {origin}"));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let what = changes.into_iter().collect::<Vec<_>>().join(", ");
    match output.ask(&format!("{what}. Send it? [y/N]")) {
        Some(answer) if matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") => Ok(()),
        Some(_) => Err(Stop::usage("not sent")),
        None => Err(Stop::usage(format!("{what}, and nobody is here to be asked; nothing was sent")).hint(otherwise)),
    }
}
