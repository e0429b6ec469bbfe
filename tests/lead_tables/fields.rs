//! Every field in every state: what is sent, and what comes of it.

use http_task_host::component::{Failure, Run};
use http_task_host::stand_in::Script;

use crate::golden::{hold, texts};
use crate::loaded::{NO_CONTEXT, server};
use crate::{COLD, GONE, HOT, LEAD, LINE, MONEY, NUMBER, RANGE, cell, change, host, in_turns, sent, task, update, url};

/// What comes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is sent, and it is what the lead then has.
    Taken,
    /// It is sent with a warning.
    Warned,
    /// It is not sent.
    Refused,
    /// It is sent, and the API refuses it: its rule depends on what only the API knows.
    ByTheApi,
}

use Verdict::{ByTheApi, Refused, Taken, Warned};

/// Every standard field: null, the values at the edges of what it takes, and those beyond.
fn standard() -> Vec<(&'static str, String, Verdict)> {
    let text = |length: usize| format!("{:?}", "x".repeat(length));
    let wide = format!("{:?}", "é".repeat(255));
    let one = |name: &'static str, values: &[(&str, Verdict)]| -> Vec<_> {
        values.iter().map(|(value, verdict)| (name, (*value).to_owned(), *verdict)).collect()
    };
    let number = |name, null| {
        let wrong = [r#""7""#, r#""x""#, r#""""#, "-1", "1.5", "true", "{}", "[]", "18446744073709551616"];
        let wrong = wrong.map(|value| (value, Refused));
        let right = [("null", null), ("0", Taken), ("7", Taken), ("18446744073709551615", Taken)];
        one(name, &[&right[..], &wrong[..]].concat())
    };
    let boolean = |name| {
        let wrong = ["null", "0", "1", r#""true""#, r#""""#, "{}", "[]"].map(|value| (value, Refused));
        one(name, &[&[("true", Taken), ("false", Taken)][..], &wrong[..]].concat())
    };
    [
        one(
            "title",
            &[
                ("null", Warned),
                (r#""x""#, Taken),
                (r#""0""#, Taken),
                (r#"" x ""#, Taken),
                (r#""${title} \" \\ \u0000 😀""#, Taken),
                (&text(255), Taken),
                (&wide, Taken),
                (&text(256), Refused),
                (r#""""#, Refused),
                (r#"" \t""#, Refused),
                ("0", Refused),
                ("false", Refused),
                ("{}", Refused),
                ("[]", Refused),
            ],
        ),
        number("owner_id", Refused),
        one(
            "label_ids",
            &[
                ("null", Refused),
                ("[]", Taken),
                (&format!("[\"{HOT}\"]"), Taken),
                (&format!("[\"{COLD}\",\"{HOT}\"]"), Taken),
                (&format!("[\"{GONE}\"]"), ByTheApi),
                (&format!("[\"{HOT}\",\"hot\",7]"), Refused),
                (r#"[""]"#, Refused),
                (&format!("\"{HOT}\""), Refused),
                ("{}", Refused),
            ],
        ),
        // Its person is the only link of the lead.
        number("person_id", ByTheApi),
        number("organization_id", Taken),
        boolean("is_archived"),
        one(
            "value",
            &[
                ("null", Taken),
                (r#"{"amount":0,"currency":"EUR"}"#, Taken),
                (r#"{"amount":12.50,"currency":"USD"}"#, Taken),
                (r#"{"amount":-1,"currency":"EUR"}"#, Taken),
                (r#"{"amount":1e2,"currency":"EUR"}"#, Taken),
                (r#"{"amount":123456789012345678901234567890.5,"currency":"EUR"}"#, Taken),
                (r#"{"amount":1,"currency":"eur"}"#, Warned),
                (r#"{"amount":1}"#, Refused),
                (r#"{"currency":"EUR"}"#, Refused),
                ("{}", Refused),
                (r#"{"amount":"1","currency":"EUR"}"#, Refused),
                (r#"{"amount":null,"currency":null}"#, Refused),
                (r#"{"amount":1,"currency":"EURO"}"#, Refused),
                (r#"{"amount":1,"currency":"E1R"}"#, Refused),
                (r#"{"amount":1,"currency":""}"#, Refused),
                ("0", Refused),
                (r#""12 EUR""#, Refused),
                ("[]", Refused),
            ],
        ),
        one(
            "expected_close_date",
            &[
                ("null", Taken),
                (r#""2026-12-31""#, Taken),
                (r#""2028-02-29""#, Taken),
                (r#""2026-02-29""#, Refused),
                (r#""2026-13-01""#, Refused),
                (r#""2026-00-10""#, Refused),
                (r#""2026-1-1""#, Refused),
                (r#""31.12.2026""#, Refused),
                (r#""2026-12-31T00:00:00Z""#, Refused),
                (r#""""#, Refused),
                ("20261231", Refused),
            ],
        ),
        one(
            "visible_to",
            &[
                ("null", Refused),
                (r#""1""#, Taken),
                (r#""3""#, Taken),
                (r#""5""#, Taken),
                (r#""7""#, Taken),
                (r#""2""#, Refused),
                (r#""03""#, Refused),
                (r#""""#, Refused),
                ("3", Refused),
                ("2", Refused),
                ("[]", Refused),
            ],
        ),
        boolean("was_seen"),
        number("channel", Taken),
        one(
            "channel_id",
            &[
                ("null", Taken),
                (r#""x""#, Taken),
                (r#""""#, Taken),
                (&text(5000), Taken),
                ("0", Refused),
                ("false", Refused),
                ("{}", Refused),
                ("[]", Refused),
            ],
        ),
    ]
    .concat()
}

/// What a custom field takes is the API's to say, but for what no type takes.
fn custom() -> Vec<(&'static str, String, Verdict)> {
    let line = format!("{:?}", "x".repeat(256));
    let large = format!("{:?}", "x".repeat(65_536));
    let rows: [(&str, &str, Verdict); 31] = [
        (LINE, "null", Taken),
        (LINE, r#""""#, Taken),
        (LINE, r#""x""#, Taken),
        (LINE, "7", ByTheApi),
        (LINE, &line, ByTheApi),
        ("1a00000000000000000000000000000000000001", &line, Taken),
        ("1a00000000000000000000000000000000000001", &large, ByTheApi),
        ("1a00000000000000000000000000000000000002", r#""+49 30 1""#, Taken),
        (NUMBER, "0", Taken),
        (NUMBER, "1.50", Taken),
        (NUMBER, "1e2", Taken),
        (NUMBER, r#""1""#, ByTheApi),
        (MONEY, "500", Taken),
        ("1a00000000000000000000000000000000000004_currency", r#""USD""#, Taken),
        ("1a00000000000000000000000000000000000004_currency", r#""usd""#, Warned),
        ("1a00000000000000000000000000000000000004_currency", "7", Refused),
        ("1a00000000000000000000000000000000000005", "27", Taken),
        ("1a00000000000000000000000000000000000005", "99", ByTheApi),
        ("1a00000000000000000000000000000000000006", r#""31,33""#, Taken),
        ("1a00000000000000000000000000000000000006", "[31,33]", ByTheApi),
        ("1a00000000000000000000000000000000000007", "1", Taken),
        ("1a00000000000000000000000000000000000008", "1", Taken),
        ("1a00000000000000000000000000000000000009", "true", ByTheApi),
        ("1a0000000000000000000000000000000000000a", r#""2026-12-31""#, Taken),
        ("1a0000000000000000000000000000000000000a", r#""2026-12-32""#, ByTheApi),
        (RANGE, r#""2026-12-01""#, Taken),
        ("1a0000000000000000000000000000000000000b_until", r#""2026-12-31""#, Taken),
        ("1a0000000000000000000000000000000000000b_until", r#""31.12.2026""#, Refused),
        ("1a0000000000000000000000000000000000000c", r#""23:59:59""#, Taken),
        ("1a0000000000000000000000000000000000000d_until", r#""23:59:59""#, Taken),
        ("1a0000000000000000000000000000000000000e", r#""Unter den Linden 1, Berlin""#, Taken),
    ];
    rows.into_iter().map(|(name, value, verdict)| (name, value.to_owned(), verdict)).collect()
}

fn warnings(run: &Run) -> usize {
    match &run.outcome {
        Ok(completed) => completed.warnings.len(),
        Err(Failure::PermanentRejected(rejection)) => rejection.warnings.len(),
        Err(_) => 0,
    }
}

/// Long runs of one character by their number.
fn shortened(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = rest.len() - rest.trim_start_matches(first).len();
        let count = length / first.len_utf8();
        if count > 20 && !first.is_ascii_digit() {
            shown.push_str(&format!("{first}×{count}"));
        } else {
            shown.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    shown
}

fn verdict(run: &Run, sent: Option<&String>) -> Verdict {
    match (&run.outcome, sent) {
        (Err(Failure::PermanentInvalid(_)), None) => Refused,
        (Ok(_), Some(_)) if warnings(run) == 0 => Taken,
        (Ok(_), Some(_)) => Warned,
        (Err(Failure::PermanentRejected(_)), Some(_)) => ByTheApi,
        (outcome, sent) => panic!("{outcome:?} {sent:?}"),
    }
}

/// What is said of a member of the body as it would be said of the one typed change.
fn as_typed(cell: &str) -> String {
    cell.replace("`/httpRequest/body/", "`/changes/0/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_in_every_state_is_sent_as_it_is_written_or_refused() {
    let rows = standard().into_iter().chain(custom()).map(|(name, value, expected)| async move {
        let body = format!("{{\"{name}\":{value}}}");
        let context = format!("{name}: {}", shortened(&value));
        // What is text in a definition may be an expression.
        let definition = task("PATCH", &url(LEAD), &body.replace("${", "$${"));
        // A server for each, so that nothing depends on what was sent before.
        let stand_in = server(Script::default()).await;
        let run = host(&stand_in).run(&definition, "{}", &NO_CONTEXT).await;
        let arrived = sent(&stand_in);
        assert_eq!(verdict(&run, arrived.as_ref()), expected, "{context}: {}", cell(&run));
        assert!(arrived.as_ref().is_none_or(|arrived| *arrived == body), "{context}: {arrived:?}");
        let typed = if let Some(change) = change(name, &value) {
            let stand_in = server(Script::default()).await;
            let typed = host(&stand_in).update_lead(&update(LEAD, vec![change]), &NO_CONTEXT).await;
            assert_eq!((sent(&stand_in), cell(&typed)), (arrived.clone(), as_typed(&cell(&run))), "{context}");
            "the same"
        } else {
            assert_eq!(expected, Refused, "{context}: what can be sent can be typed");
            "no such value"
        };
        let arrived = arrived.map_or_else(|| "nothing".to_owned(), |body| format!("`{}`", shortened(&body)));
        let value = format!("`{}`", shortened(&value));
        vec![name.to_owned(), value, arrived, shortened(&cell(&run)), typed.to_owned()]
    });
    let rows = in_turns(rows).await;
    let head = texts(["field", "value", "sent", "outcome of a task", "typed"]);
    hold("lead-fields.md", "What each value of each field of a lead comes to.", &head, &rows);
}
