//! The `leads` interface, through the built component and the stand-in.

mod loaded;

use http::StatusCode;
use http_task_host::component::{Change, CustomField, Failure, LeadUpdate, Money};
use http_task_host::redaction::Redactor;
use http_task_host::stand_in::{Answer, Script};
use http_task_host::{Egress, Limits};
use loaded::{NO_CONTEXT, load, server};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

const LEAD: &str = "adf21080-0e10-11eb-879b-05d71fb426ec";
/// Of a number.
const KEY: &str = "1a00000000000000000000000000000000000003";

fn update(lead_id: &str, changes: Vec<Change>) -> LeadUpdate {
    LeadUpdate { lead_id: lead_id.into(), changes, credentials: Some("pipedrive".into()), server: None }
}

#[tokio::test]
async fn a_typed_update_arrives_as_its_changes_in_their_order() {
    let server = server(Script::default()).await;
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let mut step = update(
        LEAD,
        vec![
            Change::Title(Some("Chairs".into())),
            Change::Value(Some(Money { amount: "0".into(), currency: "EUR".into() })),
            Change::OrganizationId(Some(12_345_678_901_234_567_890)),
            Change::PersonId(None),
            Change::Custom(CustomField { key: KEY.into(), value: "1e2".into() }),
        ],
    );
    step.server = Some("https://acme.pipedrive.com/api/v1".into());
    let run = host.update_lead(&step, &NO_CONTEXT).await;
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
    let received = server.received();
    let body = format!(
        r#"{{"title":"Chairs","value":{{"amount":0,"currency":"EUR"}},"organization_id":12345678901234567890,"person_id":null,"{KEY}":1e2}}"#
    );
    assert_eq!(String::from_utf8_lossy(&received[0].body), body);
    assert!(
        received[0].head.starts_with(&format!("PATCH /api/v1/leads/{LEAD} HTTP/1.1\r\nhost: acme.pipedrive.com\r\n"))
    );
    let prepared = host.prepare_lead(&step, &NO_CONTEXT).await.unwrap().unwrap();
    assert_eq!(prepared.request.url, format!("https://acme.pipedrive.com/api/v1/leads/{LEAD}"));
}

#[tokio::test]
async fn an_update_that_is_wrong_in_itself_is_not_sent() {
    let server = server(Script::default()).await;
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let run = host.update_lead(&update("7", vec![]), &NO_CONTEXT).await;
    let Err(Failure::PermanentInvalid(problems)) = run.outcome else { panic!("{:?}", run.outcome) };
    let places: Vec<_> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["/leadId", "/changes"]);
    assert_eq!(server.received(), []);
}

#[tokio::test]
async fn the_api_refuses_in_its_own_words() {
    let server = server(Script::default()).await;
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let gone = "00000000-0000-0000-0000-000000000000";
    let run = host.update_lead(&update(gone, vec![Change::Title(Some("x".into()))]), &NO_CONTEXT).await;
    let Err(Failure::PermanentRejected(rejection)) = run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(rejection.reason, "the API answered 404 Not Found: requested lead not found (Object was not found.)");
    assert_eq!(rejection.response.status, 404);
}

/// A valid change, and the member that it is on the wire.
fn valid_change() -> impl Strategy<Value = (Change, String, String)> {
    let text = || "\\PC{0,30}[^\\s\\pC]".prop_map(|text: String| (text.clone(), Value::from(text).to_string()));
    let null = || "null".to_owned();
    let id = || {
        let id = |id: Option<u64>| (id, id.map_or_else(|| "null".to_owned(), |id| id.to_string()));
        any::<Option<u64>>().prop_map(id)
    };
    let flag = any::<bool>();
    let uuid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
    let day = (1970..2100, 1..13, 1..29).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"));
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][-+]?[0-9]{1,2})?";
    let money = (number, "[A-Z]{3}").prop_map(|(amount, currency)| {
        let wire = format!("{{\"amount\":{amount},\"currency\":\"{currency}\"}}");
        (Change::Value(Some(Money { amount, currency })), "value".to_owned(), wire)
    });
    let custom = ("[0-9a-fA-F]{40}", prop_oneof![text().prop_map(|(_, wire)| wire), number.boxed(), Just(null())]);
    let change = |name: &'static str, (change, wire)| (change, name.to_owned(), wire);
    prop_oneof![
        text().prop_map(move |(text, wire)| change("title", (Change::Title(Some(text)), wire))),
        any::<u64>().prop_map(move |id| change("owner_id", (Change::OwnerId(id), id.to_string()))),
        prop::collection::vec(uuid, 0..4).prop_map(move |ids| {
            let wire = Value::from(ids.clone()).to_string();
            change("label_ids", (Change::LabelIds(ids), wire))
        }),
        id().prop_map(move |(id, wire)| change("person_id", (Change::PersonId(id), wire))),
        id().prop_map(move |(id, wire)| change("organization_id", (Change::OrganizationId(id), wire))),
        flag.prop_map(move |flag| change("is_archived", (Change::IsArchived(flag), flag.to_string()))),
        money,
        Just(change("value", (Change::Value(None), null()))),
        day.prop_map(move |day| {
            let wire = format!("\"{day}\"");
            change("expected_close_date", (Change::ExpectedCloseDate(Some(day)), wire))
        }),
        Just(change("expected_close_date", (Change::ExpectedCloseDate(None), null()))),
        prop::sample::select(vec!["1", "3", "5", "7"]).prop_map(move |level| {
            change("visible_to", (Change::VisibleTo(level.to_owned()), format!("\"{level}\"")))
        }),
        flag.prop_map(move |flag| change("was_seen", (Change::WasSeen(flag), flag.to_string()))),
        id().prop_map(move |(id, wire)| change("channel", (Change::Channel(id), wire))),
        text().prop_map(move |(text, wire)| change("channel_id", (Change::ChannelId(Some(text)), wire))),
        custom.prop_map(|(key, wire)| {
            let field = CustomField { key: key.clone(), value: wire.clone() };
            (Change::Custom(field), key, wire)
        }),
    ]
}

#[test]
fn any_set_of_valid_changes_arrives_as_exactly_those_members_in_their_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(server(Script::always(Answer::new(StatusCode::OK))));
    let host = load(Egress::to_stand_in(&server, Redactor::default()), Limits::default());
    let changes = prop::collection::vec(valid_change(), 1..12);
    TestRunner::new(Config { failure_persistence: None, ..Config::default() })
        .run(&changes, |mut changes| {
            // Each field at most once, and one link stays.
            let mut names = std::collections::BTreeSet::new();
            changes.retain(|(_, name, _)| names.insert(name.clone()));
            let unlinks = |(change, _, _): &(Change, String, String)| {
                matches!(change, Change::PersonId(None) | Change::OrganizationId(None))
            };
            prop_assume!(changes.iter().filter(|change| unlinks(change)).count() < 2);
            let members: Vec<_> = changes.iter().map(|(_, name, wire)| format!("\"{name}\":{wire}")).collect();
            let body = format!("{{{}}}", members.join(","));
            let typed = update(LEAD, changes.into_iter().map(|(change, _, _)| change).collect());
            let plain = format!(
                r#"{{"httpRequest": {{"method": "PATCH", "url": "https://api.pipedrive.com/v1/leads/{LEAD}",
                    "body": "${{changes}}"}}}}"#
            );
            let before = server.received().len();
            runtime.block_on(async {
                host.update_lead(&typed, &NO_CONTEXT).await;
                host.run(&plain, &format!("{{\"changes\":{body}}}"), &NO_CONTEXT).await;
            });
            let received = server.received_since(before);
            let bodies: Vec<_> = received.iter().map(|received| String::from_utf8_lossy(&received.body)).collect();
            prop_assert_eq!(bodies, [body.as_str(), body.as_str()]);
            Ok(())
        })
        .unwrap();
}
