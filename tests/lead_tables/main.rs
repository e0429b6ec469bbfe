//! The tables of the lead update, made by the built component against the stand-in: every field in every state, and every
//! answer that there can be, each as a typed change and as a plain task. What must hold of all cells is asserted here; what
//! each of them says is read in `tests/tables/`.

mod answers;
mod fields;
#[path = "../golden/mod.rs"]
mod golden;
#[path = "../loaded/mod.rs"]
mod loaded;

use futures_util::stream::{self, StreamExt as _};
use http_task_host::component::{Change, Completed, CustomField, Effect, Failure, LeadUpdate, Money, Problem, Run};
use http_task_host::redaction::Redactor;
use http_task_host::report::{outcome_name, reason_of};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{Server, load};
use serde_json::Value;

/// A lead of the seed, and labels of it.
const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";
const HOT: &str = "f08b42a0-4e75-11ea-9643-03698ef1cfd6";
const COLD: &str = "f08b69b0-4e75-11ea-9643-03698ef1cfd6";
/// No lead, and no label.
const GONE: &str = "00000000-0000-0000-0000-000000000000";

/// The custom fields of the seed, one of each type.
const LINE: &str = "9dc1a1b7c2f04e1f8a55c0d3e7b64f20a1c3d5e7";
const NUMBER: &str = "1a00000000000000000000000000000000000003";
const MONEY: &str = "1a00000000000000000000000000000000000004";
const RANGE: &str = "1a0000000000000000000000000000000000000b";

/// The typed change that a member is, if there is one.
fn change(name: &str, written: &str) -> Option<Change> {
    let value: Value = serde_json::from_str(written).unwrap();
    let text = || value.as_str().map(str::to_owned);
    let nullable = |some: Option<String>| if value.is_null() { Some(None) } else { some.map(Some) };
    let id = || if value.is_null() { Some(None) } else { value.as_u64().map(Some) };
    Some(match name {
        "title" => Change::Title(nullable(text())?),
        "owner_id" => Change::OwnerId(value.as_u64()?),
        "label_ids" => {
            let ids = value.as_array()?.iter().map(|id| id.as_str().map(str::to_owned));
            Change::LabelIds(ids.collect::<Option<_>>()?)
        }
        "person_id" => Change::PersonId(id()?),
        "organization_id" => Change::OrganizationId(id()?),
        "is_archived" => Change::IsArchived(value.as_bool()?),
        "value" if value.is_null() => Change::Value(None),
        "value" => {
            // The amount as it is written.
            let amount = written.split_once("\"amount\":")?.1.split([',', '}']).next()?;
            let currency = value["currency"].as_str()?.to_owned();
            Change::Value(Some(Money { amount: value["amount"].as_number().map(|_| amount.to_owned())?, currency }))
        }
        "expected_close_date" => Change::ExpectedCloseDate(nullable(text())?),
        "visible_to" => Change::VisibleTo(text()?),
        "was_seen" => Change::WasSeen(value.as_bool()?),
        "channel" => Change::Channel(id()?),
        "channel_id" => Change::ChannelId(nullable(text())?),
        // Of other names there is no typed change.
        key if !key.as_bytes().get(..40)?.iter().all(u8::is_ascii_hexdigit) => return None,
        key => Change::Custom(CustomField { key: key.to_owned(), value: written.to_owned() }),
    })
}

fn update(lead_id: &str, changes: Vec<Change>) -> LeadUpdate {
    LeadUpdate { lead_id: lead_id.into(), changes, credentials: Some("pipedrive".into()), server: None }
}

/// The same as a plain task.
fn task(method: &str, url: &str, body: &str) -> String {
    format!(
        r#"{{"credentials": "pipedrive", "repeatable": true,
            "httpRequest": {{"method": "{method}", "url": "{url}", "body": {body}}}}}"#
    )
}

fn url(lead_id: &str) -> String {
    format!("https://api.pipedrive.com/v1/leads/{lead_id}")
}

fn host(server: &Server) -> HttpTask {
    load(Egress::to_stand_in(server, Redactor::default()), Limits::default())
}

/// The content of the request, if there was one; there is never a second.
fn sent(server: &Server) -> Option<String> {
    let received = server.received();
    assert!(received.len() <= 1);
    received.into_iter().next().map(|received| String::from_utf8(received.body).unwrap())
}

fn told(problems: &[Problem]) -> String {
    let one = |problem: &Problem| {
        let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!(" (hint: {hint})"));
        format!("`{}` {}{hint}", problem.place, problem.message)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// An outcome in a cell.
fn cell(run: &Run) -> String {
    let name = outcome_name(&run.outcome);
    let warned = |warnings: &[Problem]| {
        if warnings.is_empty() { String::new() } else { format!(", warned: {}", told(warnings)) }
    };
    match &run.outcome {
        Ok(Completed { warnings, .. }) => format!("{name}{}", warned(warnings)),
        Err(Failure::PermanentInvalid(problems)) => format!("{name}: {}", told(problems)),
        Err(Failure::PermanentRejected(rejection)) => {
            format!("{name}: {}{}", rejection.reason, warned(&rejection.warnings))
        }
        Err(Failure::Temporary(temporary)) => {
            let effect = if temporary.effect == Effect::None { "none" } else { "possible" };
            let wait =
                temporary.retry_after_seconds.map_or_else(String::new, |seconds| format!(", again in {seconds} s"));
            format!("{name}, effect {effect}{wait}: {}", temporary.reason)
        }
        Err(failure) => format!("{name}: {}", reason_of(failure)),
    }
}

/// All in their order, a few at a time: every host reserves the memory of all calls that it may ever have at once.
async fn in_turns<R>(rows: impl Iterator<Item = impl Future<Output = R>>) -> Vec<R> {
    stream::iter(rows).buffered(4).collect().await
}
