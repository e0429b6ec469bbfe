//! Requests to the model, and its answers, without a connection.

use std::time::Duration;

use http::Request;
use serde_json::json;

use super::super::assumption::Assumption;
use super::super::lead::KEYS;
use super::*;

const LEAD: &str = "/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec";
const KEY: &str = "9dc1a1b7c2f04e1f8a55c0d3e7b64f20a1c3d5e7";
const HOT: &str = "f08b42a0-4e75-11ea-9643-03698ef1cfd6";
const COLD: &str = "f08b69b0-4e75-11ea-9643-03698ef1cfd6";

fn server(seed: Seed) -> Pipedrive {
    Pipedrive::new("token".into(), Oauth::new("http://127.0.0.1:1".into(), false), seed)
}

fn send(pipedrive: &mut Pipedrive, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    pipedrive.answer(&request.body(()).unwrap().into_parts().0, body.as_bytes(), SystemTime::now())
}

fn ask(pipedrive: &mut Pipedrive, method: &str, path: &str, body: &str) -> (u16, Value) {
    let headers = [("x-api-token", "token"), ("content-type", "application/json; charset=utf-8")];
    let answer = send(pipedrive, method, path, &headers, body);
    (answer.status.as_u16(), serde_json::from_str(&answer.body).unwrap_or_default())
}

#[test]
fn a_lead_is_read_in_the_order_of_the_wire() {
    let mut server = server(Seed::default());
    ask(&mut server, "PATCH", LEAD, &format!(r#"{{"{KEY}":"x"}}"#));
    let (status, body) = ask(&mut server, "GET", &LEAD.replace("/v1", "/api/v1"), "");
    let keys: Vec<_> = body["data"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = KEYS.to_vec();
    expected.insert(21, KEY);
    assert_eq!((status, keys), (200, expected));
}

#[test]
fn an_update_changes_what_it_names_and_moves_the_time() {
    let mut server = server(Seed::default());
    let before = ask(&mut server, "GET", LEAD, "").1;
    let change = format!(
        r#"{{"title":"New","value":{{"amount":0,"currency":"EUR"}},"expected_close_date":null,"{KEY}":"","id":"x"}}"#
    );
    let (status, after) = ask(&mut server, "PATCH", LEAD, &change);
    assert_eq!(status, 200);
    let changed: Vec<_> = after["data"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, value)| before["data"].get(key.as_str()) != Some(value))
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(changed, ["title", "value", "expected_close_date", "update_time", KEY]);
    assert_eq!(after["data"]["value"].to_string(), r#"{"amount":0,"currency":"EUR"}"#);
    let (_, cleared) = ask(&mut server, "PATCH", LEAD, &format!(r#"{{"{KEY}":null}}"#));
    assert!(cleared["data"].get(KEY).is_none());
    assert_ne!(cleared["data"]["update_time"], after["data"]["update_time"]);
}

#[test]
fn a_refused_change_changes_nothing_and_says_why() {
    let mut server = server(Seed::default());
    let before = ask(&mut server, "GET", LEAD, "");
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(256));
    for (change, info) in [
        (r#"{"title":"New","owner_id":"x"}"#, r#""owner_id" must be a number"#),
        (r#"{"owner_id":null}"#, r#""owner_id" must be a number"#),
        (r#"{"person_id":null}"#, r#"One of the "person_id" or "organization_id" must be set."#),
        (&long, r#""title" length must be less than or equal to 255 characters long"#),
        (r#"{"value":{"amount":1}}"#, r#""value.currency" is required"#),
        (r#"{"label_ids":["x"]}"#, r#""label_ids[0]" must be a valid GUID"#),
    ] {
        let (status, body) = ask(&mut server, "PATCH", LEAD, change);
        assert_eq!((status, body["error_info"].as_str()), (400, Some(info)));
    }
    assert_eq!(ask(&mut server, "GET", LEAD, ""), before);
}

#[test]
fn a_lead_is_made_listed_archived_and_deleted() {
    let mut server = server(Seed::default());
    let ids = |listed: (u16, Value)| -> Vec<String> {
        listed.1["data"].as_array().unwrap().iter().map(|lead| lead["id"].as_str().unwrap().to_owned()).collect()
    };
    let seeded = ids(ask(&mut server, "GET", "/v1/leads", ""));
    let (status, made) = ask(&mut server, "POST", "/v1/leads", r#"{"title":"Made","person_id":1,"origin_id":"o"}"#);
    assert_eq!((status, &made["data"]["origin_id"]), (201, &json!("o")));
    let id = made["data"]["id"].as_str().unwrap();
    let path = format!("/v1/leads/{id}");
    assert_eq!(ask(&mut server, "GET", &path, "").1["data"], made["data"]);
    assert_eq!(ids(ask(&mut server, "GET", "/v1/leads", "")), [&seeded[..], &[id.to_owned()]].concat());
    let archived = ask(&mut server, "PATCH", &path, r#"{"is_archived":true}"#).1;
    assert_eq!(archived["data"]["archive_time"], archived["data"]["update_time"]);
    assert_eq!(ids(ask(&mut server, "GET", "/v1/leads", "")), seeded);
    assert!(ids(ask(&mut server, "GET", "/v1/leads/archived", "")).contains(&id.to_owned()));
    assert_eq!(ask(&mut server, "PATCH", &path, r#"{"title":"x"}"#).0, 501);
    assert_eq!(ask(&mut server, "DELETE", &path, ""), (200, json!({"success": true, "data": {"id": id}})));
    assert_eq!(ask(&mut server, "GET", &path, "").0, 404);
    for untitled in [r#"{"person_id":1}"#, r#"{"person_id":1,"title":null}"#, r#"{"person_id":1,"title":""}"#] {
        assert_eq!(ask(&mut server, "POST", "/v1/leads", untitled).0, 400, "{untitled}");
    }
}

#[test]
fn labels_are_made_changed_and_deleted() {
    let mut server = server(Seed::default());
    let (status, made) = ask(&mut server, "POST", "/v1/leadLabels", r#"{"name":"New","color":"dark-gray"}"#);
    assert_eq!(status, 200);
    let id = made["data"]["id"].as_str().unwrap();
    let path = format!("/v1/leadLabels/{id}");
    let (_, changed) = ask(&mut server, "PATCH", &path, r#"{"name":"Newer"}"#);
    assert_eq!((&changed["data"]["name"], &changed["data"]["color"]), (&json!("Newer"), &json!("dark-gray")));
    let (_, listed) = ask(&mut server, "GET", "/v1/leadLabels", "");
    assert_eq!(listed["data"].as_array().unwrap().last(), Some(&changed["data"]));
    assert_eq!(ask(&mut server, "PATCH", LEAD, &format!(r#"{{"label_ids":["{id}"]}}"#)).0, 200);
    assert_eq!(ask(&mut server, "DELETE", &path, "").0, 501, "a lead has it");
    ask(&mut server, "PATCH", LEAD, r#"{"label_ids":[]}"#);
    assert_eq!(ask(&mut server, "DELETE", &path, "").1["data"], json!({"id": id}));
    assert_eq!(ask(&mut server, "DELETE", &path, "").0, 501);
    for (body, info) in [
        (r#"{"name":"x"}"#, r#""color" is required"#),
        (
            r#"{"name":"x","color":"mauve"}"#,
            r#""color" must be one of [blue, brown, dark-gray, gray, green, orange, pink, purple, red, yellow]"#,
        ),
    ] {
        assert_eq!(ask(&mut server, "POST", "/v1/leadLabels", body).1["error_info"], info);
    }
}

#[test]
fn every_type_of_custom_field_takes_its_values_and_no_others() {
    let mut server = server(Seed::default());
    let (_, fields) = ask(&mut server, "GET", "/v1/leadFields", "");
    let key = |field_type: &str| {
        let fields = fields["data"].as_array().unwrap();
        let field = fields.iter().find(|field| field["field_type"] == field_type);
        field.unwrap_or_else(|| panic!("no {field_type}"))["key"].as_str().unwrap().to_owned()
    };
    let long = format!("{:?}", "x".repeat(256));
    for (field_type, rest, takes, refuses) in [
        ("varchar", "", r#""x""#, long.as_str()),
        ("text", "", &long, "1"),
        ("phone", "", r#""+49 30 1""#, "49301"),
        ("double", "", "1.5", r#""1.5""#),
        ("monetary", "", "500", r#""500""#),
        ("monetary", "_currency", r#""USD""#, "1"),
        ("enum", "", "27", "99"),
        ("set", "", r#""31,33""#, r#""31,99""#),
        ("user", "", "1", r#""1""#),
        ("org", "", "1", "{}"),
        ("people", "", "1", "[]"),
        ("date", "", r#""2026-12-31""#, r#""2026-12-32""#),
        ("daterange", "", r#""2026-12-31""#, r#""31.12.2026""#),
        ("daterange", "_until", r#""2026-12-31""#, "2026"),
        ("time", "", r#""23:59:59""#, r#""24:00:00""#),
        ("timerange", "_until", r#""23:59:59""#, r#""23:59""#),
        ("address", "", r#""Unter den Linden 1, Berlin""#, "{}"),
    ] {
        let name = format!("{}{rest}", key(field_type));
        let change = |value: &str| format!(r#"{{"{name}":{value}}}"#);
        let (status, body) = ask(&mut server, "PATCH", LEAD, &change(takes));
        assert_eq!((status, body["data"][&name].to_string().as_str()), (200, takes), "{field_type}");
        assert_eq!(ask(&mut server, "PATCH", LEAD, &change(refuses)).0, 400, "{field_type}");
    }
    assert_eq!(ask(&mut server, "PATCH", LEAD, &format!(r#"{{"{}_until":"x"}}"#, key("varchar"))).0, 501);
}

#[test]
fn each_assumption_can_be_given_up() {
    let labels = |lead: &Value| lead["data"]["label_ids"].clone();
    let set = format!(r#"{{"label_ids":["{HOT}"],"{KEY}":"x"}}"#);
    let answers = |seed: Seed, change: &str| {
        let mut server = server(seed);
        ask(&mut server, "PATCH", LEAD, &set);
        ask(&mut server, "PATCH", LEAD, change)
    };
    for (_, assumption) in Assumption::ALL {
        let both =
            |change: &str| [answers(Seed::default(), change), answers(Seed::default().without(assumption), change)];
        match assumption {
            Assumption::EmptyLabelIdsClear => {
                let [held, given_up] = both(r#"{"label_ids":[]}"#);
                assert_eq!((labels(&held.1), labels(&given_up.1)), (json!([]), json!([HOT])));
            }
            Assumption::LabelIdsReplace => {
                let [held, given_up] = both(&format!(r#"{{"label_ids":["{COLD}"]}}"#));
                assert_eq!((labels(&held.1), labels(&given_up.1)), (json!([COLD]), json!([HOT, COLD])));
            }
            Assumption::NullUnsetsTitle => {
                assert_eq!(both(r#"{"title":null}"#).map(|answer| answer.0), [200, 400]);
            }
            Assumption::NullUnsetsCustom => {
                let [held, given_up] = both(&format!(r#"{{"{KEY}":null}}"#));
                assert_eq!((held.1["data"].get(KEY), &given_up.1["data"][KEY]), (None, &json!("x")));
            }
            Assumption::LinkTextInErrorInfo => {
                let [held, given_up] = both(r#"{"person_id":null}"#);
                assert_eq!(held.1["error_info"], given_up.1["error"]);
            }
            Assumption::IdIsIgnored => assert_eq!(both(r#"{"id":"x"}"#).map(|answer| answer.0), [200, 400]),
        }
    }
}

#[test]
fn an_access_token_is_given_for_the_refresh_token_and_ends() {
    let mut server = server(Seed::default());
    let client = server.oauth.client();
    let basic = |secret: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("{}:{secret}", client.client_id)))
    };
    let form = format!("grant_type=refresh_token&refresh_token={}", client.refresh_token);
    let mut token = |authorization: &str, form: &str| {
        let answer = send(&mut server, "POST", "/oauth/token", &[("authorization", authorization)], form);
        (answer.status.as_u16(), serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    assert_eq!(token(&basic("x"), &form).0, 401);
    let right = basic(&client.client_secret);
    assert_eq!(token(&right, "grant_type=refresh_token&refresh_token=x").1["error"], "invalid_grant");
    assert_eq!(token(&right, "").1["error"], "invalid_request");
    assert_eq!(token(&right, "grant_type=authorization_code&code=x").0, 501);
    let (status, given) = token(&right, &form);
    assert_eq!((status, &given["refresh_token"]), (200, &json!(client.refresh_token)));
    assert_eq!(given["api_domain"], "http://127.0.0.1:1");
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    let request = Request::builder().uri(LEAD).header("authorization", bearer).body(()).unwrap().into_parts().0;
    let mut at = |seconds| server.answer(&request, b"", SystemTime::now() + Duration::from_secs(seconds)).status;
    assert_eq!([at(0), at(3590), at(3601)].map(|status| status.as_u16()), [200, 200, 401]);
}

#[test]
fn what_is_unknown_is_said_to_be() {
    let mut server = server(Seed::default());
    assert_eq!(ask(&mut server, "PUT", LEAD, "{}").0, 404);
    assert_eq!(ask(&mut server, "GET", "/v1/leads/0b6f1a3e-5d0c-4c5a-9a53-000000000000", "").0, 404);
    for (method, path, body) in [
        ("GET", "/v1/deals", ""),
        ("GET", "/v1/leads?limit=1", ""),
        ("GET", "/v1/leads/search", ""),
        ("GET", "/v1/leads/7", ""),
        ("GET", "/v1/leadSources", ""),
        ("PATCH", LEAD, "[]"),
        ("PATCH", LEAD, r#"{"origin_id":1}"#),
        ("PATCH", LEAD, r#"{"label_ids":["00000000-0000-0000-0000-000000000000"]}"#),
        ("PATCH", LEAD, r#"{"0000000000000000000000000000000000000000":1}"#),
    ] {
        assert_eq!(ask(&mut server, method, path, body).0, 501, "{method} {path}");
    }
    let as_text = [("x-api-token", "token"), ("content-type", "text/plain")];
    assert_eq!(send(&mut server, "PATCH", LEAD, &as_text, "{}").status, 501);
    assert_eq!(send(&mut server, "GET", "/v1/leads?api_token=token", &[], "").status, 501);
    assert_eq!(send(&mut server, "GET", "/nowhere", &[], "").status, 401);
}
