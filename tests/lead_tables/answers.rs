//! Every answer to an update, and every quirk of it: what it means.

use http_task_host::HttpTask;
use http_task_host::component::{LeadUpdate, Run};
use http_task_host::report::outcome_name;
use http_task_host::source::Source;
use http_task_host::stand_in::{Assumption, Fault, Script, Seed, Setup};
use serde_json::{Value, json};

use crate::golden::{hold, texts};
use crate::loaded::{NO_CONTEXT, server};
use crate::{COLD, GONE, HOT, LEAD, LINE, MONEY, NUMBER, RANGE, cell, change, host, in_turns, sent, task, update};

/// A lead of the seed that is in the archive.
const ARCHIVED: &str = "c7d8a5b0-5e1f-4a2b-9c3d-4e5f6a7b8c9d";

/// Something that can happen to an update.
struct Row {
    what: &'static str,
    setup: Box<dyn Fn() -> Setup>,
    method: &'static str,
    /// What stands before `/leads`; as typed, the server.
    base: &'static str,
    lead: &'static str,
    /// The object of changes.
    body: String,
    /// The name of the outcome.
    expected: &'static str,
}

impl Row {
    fn new(what: &'static str, setup: impl Fn() -> Setup + 'static, expected: &'static str) -> Self {
        let base = "https://api.pipedrive.com/v1";
        Self { what, setup: Box::new(setup), method: "PATCH", base, lead: LEAD, body: TITLE.into(), expected }
    }

    /// Against the model.
    fn model(what: &'static str, body: impl Into<String>, expected: &'static str) -> Self {
        Self { body: body.into(), ..Self::new(what, Setup::default, expected) }
    }

    fn fault(what: &'static str, fault: Fault, expected: &'static str) -> Self {
        Self::new(what, move || Setup::from(fault), expected)
    }

    /// Answered in these words.
    fn answer(what: &'static str, answer: String, expected: &'static str) -> Self {
        Self::new(what, move || Setup::from(Script::parse(&answer).unwrap()), expected)
    }

    fn without(what: &'static str, assumption: Assumption, body: impl Into<String>, expected: &'static str) -> Self {
        let setup = move || Setup::from(seed(json!({})).without(assumption));
        Self { body: body.into(), ..Self::new(what, setup, expected) }
    }

    /// As a plain task and as a typed update, each with a server of its own, in the cells of a row.
    async fn cells(self) -> Vec<String> {
        let definition = task(self.method, &format!("{}/leads/{}", self.base, self.lead), &self.body);
        let (plain, arrived) = self.against(async |host| host.run(&definition, "{}", &NO_CONTEXT).await).await;
        assert_eq!(outcome_name(&plain.outcome), self.expected, "{}: {}", self.what, cell(&plain));
        if let Some(arrived) = &arrived {
            assert_eq!(arrived, &self.body, "{}", self.what);
        }
        let members: serde_json::Map<String, Value> = serde_json::from_str(&self.body).unwrap();
        let changes: Option<Vec<_>> = members.iter().map(|(name, value)| change(name, &value.to_string())).collect();
        let typed = match changes.filter(|_| self.method == "PATCH" && !members.contains_key("id")) {
            Some(changes) => {
                let typed = LeadUpdate { server: Some(self.base.into()), ..update(self.lead, changes) };
                let (typed, typed_arrived) =
                    self.against(async |host| host.update_lead(&typed, &NO_CONTEXT).await).await;
                assert_eq!(outcome_name(&typed.outcome), self.expected, "{}: {}", self.what, cell(&typed));
                assert_eq!(typed_arrived, arrived, "{}", self.what);
                if cell(&typed) == cell(&plain) { "the same".to_owned() } else { cell(&typed) }
            }
            None => "no such update".to_owned(),
        };
        let arrived = arrived.map_or_else(|| "nothing".to_owned(), |body| format!("`{body}`"));
        vec![self.what.to_owned(), arrived, cell(&plain), typed]
    }

    async fn against(&self, send: impl AsyncFn(&HttpTask) -> Run) -> (Run, Option<String>) {
        let server = server((self.setup)()).await;
        let run = send(&host(&server)).await;
        let sent = sent(&server);
        (run, sent)
    }
}

const TITLE: &str = r#"{"title":"Chairs"}"#;

/// The seed that is built in, with a label and a value of a custom field on the lead, and what else is given.
fn seed(members: Value) -> Seed {
    let mut seed: Value = serde_json::from_str(include_str!("../../host-harness/src/stand_in/seed.json")).unwrap();
    seed["leads"][0]["label_ids"] = json!([HOT]);
    seed["leads"][0][LINE] = json!("before");
    let Value::Object(members) = members else { panic!("no members") };
    seed.as_object_mut().unwrap().extend(members);
    Seed::read(&Source::parse("seed.json", seed.to_string()).unwrap()).unwrap()
}

fn json_answer(status: u16, body: &Value) -> String {
    format!("{status}\n  content-type: application/json\n  | {body}")
}

/// The vendor's table of errors, row by row, and more answers than it lists.
fn answers() -> Vec<Row> {
    let bad = |info: &str| {
        let body = json!({"success": false, "data": null, "additional_data": null,
            "error": "provided dataset is not valid", "error_info": info});
        json_answer(400, &body)
    };
    let lead = |more: Value| {
        let mut data = json!({"id": LEAD, "title": "Chairs"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json_answer(200, &json!({"success": true, "data": data}))
    };
    let burst = "429\n  x-ratelimit-limit: 20\n  x-ratelimit-remaining: 0\n  x-ratelimit-reset: 2".to_owned();
    let daily = || Setup::from(seed(json!({"limits": {"plan": "lite", "spent": 29_995}})));
    vec![
        Row::answer("400 by the validator", bad(r#""owner_id" must be a number"#), "permanent-rejected"),
        Row::model("400 by the validator, of a custom field", format!("{{\"{NUMBER}\":\"x\"}}"), "permanent-rejected"),
        Row::model("400, the only link unset", r#"{"person_id":null}"#, "permanent-rejected"),
        Row::without(
            "400, the only link unset, told in `error`",
            Assumption::LinkTextInErrorInfo,
            r#"{"person_id":null}"#,
            "permanent-rejected",
        ),
        Row::fault("401", Fault::Unauthorized, "permanent-rejected"),
        Row::fault("402", Fault::PaymentRequired, "permanent-rejected"),
        Row::fault("403 by the API", Fault::Forbidden, "permanent-rejected"),
        Row::fault("403, a page of Cloudflare's", Fault::ForbiddenPage, "permanent-rejected"),
        Row { lead: GONE, ..Row::new("404", Setup::default, "permanent-rejected") },
        Row::fault("429, the day's budget", Fault::DailyLimit, "temporary"),
        Row::new("429, the day's budget, spent", daily, "temporary"),
        Row::answer("429, a burst", burst, "temporary"),
        Row::answer("429, a burst, and `retry-after`", "429\n  retry-after: 2".into(), "temporary"),
        Row::answer("429, and no word of which", "429".into(), "temporary"),
        Row::fault("500", Fault::ServerError, "temporary"),
        Row::fault("503", Fault::Overloaded, "temporary"),
        Row::fault("503 and `retry-after`", Fault::Unavailable, "temporary"),
        Row::fault("the connection ends", Fault::Close, "temporary"),
        Row::fault("the answer is cut", Fault::CutBody(10), "temporary"),
        Row::fault("200 and `\"success\": false`", Fault::Unsuccessful, "permanent-rejected"),
        Row::answer(
            "200 and `\"success\": false` with words",
            json_answer(200, &json!({"success": false, "error": "no", "error_info": "why"})),
            "permanent-rejected",
        ),
        Row::answer(
            "200 and `\"success\": \"true\"`",
            json_answer(200, &json!({"success": "true", "data": {"id": LEAD}})),
            "permanent-rejected",
        ),
        Row::fault("200 and no JSON, though it says so", Fault::NotJson, "permanent-rejected"),
        Row::answer(
            "200 and a page",
            "200\n  content-type: text/html\n  | <!DOCTYPE html>".into(),
            "permanent-rejected",
        ),
        Row::fault("204", Fault::NoContent, "permanent-rejected"),
        Row::fault("302", Fault::Redirect, "permanent-rejected"),
        Row::answer(
            "200 for another lead",
            json_answer(200, &json!({"success": true, "data": {"id": GONE}})),
            "permanent-rejected",
        ),
        Row::answer("200 for no lead", json_answer(200, &json!({"success": true, "data": null})), "permanent-rejected"),
        Row::answer("200, another title than was sent", lead(json!({"title": "Chair"})), "completed"),
        Row::answer("200 with what nobody knows", lead(json!({"new": {"a": [1]}, "error": "e"})), "completed"),
        Row::answer(
            "400 in words that nobody knows",
            json_answer(400, &json!({"error": {"code": 7}})),
            "permanent-rejected",
        ),
        Row::answer("418", "418".into(), "permanent-rejected"),
    ]
}

/// What is peculiar to this operation, and what the vendor's own tools get wrong.
fn quirks() -> Vec<Row> {
    let labels = |id: &str| format!("{{\"label_ids\":[\"{id}\"]}}");
    let unset = format!("{{\"{LINE}\":null}}");
    let seeded = |what, body: String| Row { body, ..Row::new(what, || Setup::from(seed(json!({}))), "completed") };
    let unknown = |body: &str| {
        let mut data: Value = serde_json::from_str(body).unwrap();
        data["id"] = json!(LEAD);
        (body.to_owned(), json_answer(200, &json!({"success": true, "data": data})))
    };
    let later = |what, body: &str| {
        let (body, answer) = unknown(body);
        Row { body, ..Row::answer(what, answer, "completed") }
    };
    let at = |what, base| Row { base, ..Row::new(what, Setup::default, "completed") };
    vec![
        seeded("all labels taken off", r#"{"label_ids":[]}"#.into()),
        Row::without("… and they stay", Assumption::EmptyLabelIdsClear, r#"{"label_ids":[]}"#, "completed"),
        seeded("another label", labels(COLD)),
        Row::without("… and both are there", Assumption::LabelIdsReplace, labels(COLD), "completed"),
        seeded("the title unset", r#"{"title":null}"#.into()),
        Row::without("… and that is refused", Assumption::NullUnsetsTitle, r#"{"title":null}"#, "permanent-rejected"),
        seeded("a custom field unset", unset.clone()),
        Row::without("… and it stays", Assumption::NullUnsetsCustom, unset, "completed"),
        Row::model("the id goes along", format!("{{\"id\":\"{LEAD}\",\"title\":\"Chairs\"}}"), "completed"),
        Row::without(
            "… and that is refused",
            Assumption::IdIsIgnored,
            format!("{{\"id\":\"{LEAD}\",\"title\":\"Chairs\"}}"),
            "permanent-rejected",
        ),
        Row::model("from a person to an organization", r#"{"person_id":null,"organization_id":7}"#, "completed"),
        Row::model("both links unset", r#"{"person_id":null,"organization_id":null}"#, "permanent-invalid"),
        Row::model("nothing to change", "{}", "permanent-invalid"),
        Row { lead: "7", ..Row::new("an id that is no UUID", Setup::default, "permanent-invalid") },
        Row {
            lead: "0b6f1a3e-5d0c-4c5a-9a53-3f0f5f2f9d42",
            ..Row::new("an id of another version", Setup::default, "completed")
        },
        Row { lead: ARCHIVED, ..Row::new("an archived lead", Setup::default, "permanent-rejected") },
        Row { method: "PUT", ..Row::new("PUT, as other tools send it", Setup::default, "permanent-rejected") },
        at("the other path", "https://api.pipedrive.com/api/v1"),
        at("the company's own address", "https://acme.pipedrive.com/api/v1"),
        at("the company's own address, the other path", "https://acme.pipedrive.com/v1"),
        Row::model("what only POST takes", r#"{"origin_id":"x"}"#, "permanent-invalid"),
        Row::model(
            "what is the vendor's own",
            r#"{"creator_id":1,"add_time":"x","cc_email":"x"}"#,
            "permanent-invalid",
        ),
        later("a field that may come to be", r#"{"tier":"gold"}"#),
        later("a name of other operations", r#"{"org_id":7,"title":"Chairs"}"#),
        later("a name with a slip", r#"{"titel":"Chairs"}"#),
        later("39 hexadecimal digits", r#"{"9dc1a1b7c2f04e1f8a55c0d3e7b64f20a1c3d5e":"x"}"#),
        Row::model("money in a custom field", format!("{{\"{MONEY}\":500,\"{MONEY}_currency\":\"USD\"}}"), "completed"),
        Row::model(
            "a range in a custom field",
            format!("{{\"{RANGE}\":\"2026-12-01\",\"{RANGE}_until\":\"2026-12-31\"}}"),
            "completed",
        ),
        later("text with a currency", &format!("{{\"{MONEY}\":\"500\",\"{MONEY}_currency\":\"USD\"}}")),
        later("a list in a custom field", &format!("{{\"{LINE}\":[1,2]}}")),
        Row::model(
            "every mistake at once",
            r#"{"title":" ","owner_id":null,"label_ids":["hot"],"value":{"amount":1},"expected_close_date":"2026-02-30","visible_to":3}"#,
            "permanent-invalid",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_update_and_every_quirk_of_it_has_its_outcome() {
    let rows = in_turns(answers().into_iter().chain(quirks()).map(Row::cells)).await;
    let head = texts(["what happens", "sent", "outcome of a task", "typed"]);
    hold(
        "lead-answers.md",
        "What each answer to a lead update means, and what each of its quirks comes to.",
        &head,
        &rows,
    );
}
