//! The `leads` interface, through the built component and the stand-in.

mod loaded;

use http_task_host::component::{Change, CustomField, Failure, LeadUpdate, Money};
use http_task_host::redaction::Redactor;
use http_task_host::stand_in::Script;
use http_task_host::{Egress, Limits};
use loaded::{NO_CONTEXT, load, server};

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
