use serde_json::json;

use super::*;
use crate::catalogue::document::Document;
use crate::component::{Body, Response};

fn operation() -> Operation {
    let document = Document::of(json!({
        "openapi": "3.1.0", "info": {"title": "T", "version": "1"},
        "paths": {"/things/{id}.json": {"put": {
            "parameters": [
                {"name": "id", "in": "path", "schema": {"type": "integer", "minimum": 1}},
                {"name": "page", "in": "query", "required": true, "schema": {"type": "integer"}},
                {"name": "tags", "in": "query", "explode": false, "schema": {"type": "array", "maxItems": 2, "items": {"enum": ["a", "b"]}}},
                {"name": "ids", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                {"name": "filter", "in": "query", "style": "deepObject",
                    "schema": {"type": "object", "properties": {"size": {"type": "integer"}}}},
                {"name": "X-Trace", "in": "header", "required": true, "schema": {"type": "string", "format": "uuid"}},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object", "required": ["title"],
                "properties": {
                    "title": {"type": "string", "maxLength": 5},
                    "visible_to": {"type": "string", "enum": ["1", "3"]},
                    "color": {"enum": ["red", "green"]},
                    "count": {"type": ["integer", "null"]},
                    "value": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["amount"],
                        "properties": {"amount": {"type": "number"}}, "additionalProperties": false}]},
                    "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}},
                },
            }}}},
            "responses": {
                "200": {"description": "", "content": {"application/json": {"schema": {"properties": {"n": {"type": "integer"}}}}}},
                "4XX": {"description": ""},
            },
        }}},
    }));
    let document = document.unwrap();
    assert_eq!(document.omissions, []);
    document.operation(&document.entries[0].key).unwrap()
}

/// What is said of a task: places, and hints.
fn said(task: Value) -> (Vec<String>, Vec<String>) {
    let found = compare_request(&operation(), &Call::of_task(&task).unwrap());
    let line = |difference: &Difference| {
        let hint = difference.hint.as_ref().map_or_else(String::new, |hint| format!(" → {hint}"));
        format!("{} {}{hint}", difference.place.trim_start_matches("/httpRequest"), difference.message)
    };
    (found.problems.iter().map(line).collect(), found.warnings.iter().map(line).collect())
}

fn task(query: Value, body: Value) -> Value {
    json!({"httpRequest": {
        "method": "PUT", "url": "https://a.example/base/things/${id}.json",
        "headers": {"x-trace": "adf21080-0e10-11eb-879b-05d71fb426ec"}, "query": query, "body": body,
    }})
}

const NOTHING: Vec<String> = Vec::new();

#[test]
fn what_fits_is_not_told_and_neither_is_what_nobody_knows_yet() {
    for body in [
        json!({"title": "a", "count": null, "value": {"amount": 1}}),
        json!({"title": "${t}", "visible_to": "${v}", "value": {"amount": "${a}"}, "list": ["${x}"]}),
        json!({"title": "${?t}", "value": "${?v}", "color": "a ${b}"}),
        json!("${body}"),
    ] {
        assert_eq!(said(task(json!({"page": "${p}"}), body.clone())), (NOTHING, NOTHING), "{body}");
    }
    let query = json!({"page": 1, "tags": "a,b", "ids": [1, "2"], "filter[size]": "3"});
    assert_eq!(said(task(query, json!({"title": ""}))), (NOTHING, NOTHING));
}

#[test]
fn what_differs_is_told_at_its_place_with_what_to_write_instead() {
    let (problems, warnings) = said(task(
        json!({"pgae": 1, "tags": "a,c", "ids": ["x"], "filter[size]": "big"}),
        json!({
            "tilte": "x", "visible_to": 3, "color": "rde", "count": "7", "value": {"amuont": 1},
            "list": [{"n": "1"}, {"m": 1}],
        }),
    ));
    assert_eq!(
        problems,
        [
            "/query the query has no `page`, which is required → \"page\": …",
            "/query/tags element 1 must be one of \"a\", \"b\"",
            "/query/ids element 0 must be a whole number, not a string",
            "/query/filter `size` must be a whole number, not a string",
            "/body `title` is missing → \"title\": \"title\"",
            "/body/visible_to `visible_to` must be a string, not a number → \"visible_to\": \"3\"",
            "/body/color `color` must be one of \"red\", \"green\" → \"color\": \"red\"",
            "/body/count `count` must be null or a whole number, not a string → \"count\": 7",
            "/body/value `amuont` is not taken here → \"amount\"",
            "/body/value `value` has no `amount`, which is required → \"amount\": 1",
            "/body/list/0/n `n` must be a number, not a string → \"n\": 1",
        ]
    );
    assert_eq!(
        warnings,
        [
            "/query/pgae the operation has no query parameter `pgae` → \"page\"",
            "/body/tilte the operation has no field `tilte` → \"title\"",
            "/body/list/1/m the operation has no field `m`",
        ]
    );
}

#[test]
fn input_parameters_with_fixed_values_are_known() {
    let mut task = task(json!({"page": "${page}"}), json!({"title": "${title}"}));
    task["inputParameters"] = json!({"id": 0, "page": "x", "title": "too long", "other": "${workflow.input.x}"});
    let (problems, _) = said(task);
    assert_eq!(
        problems,
        [
            "/url {id} must be 1 or more",
            "/query/page `page` must be a whole number, not a string",
            "/body/title `title` may have 5 characters, and has 8",
        ]
    );
}

#[test]
fn another_request_than_the_operation_is_one_warning() {
    for (method, url) in [("POST", "https://a.example/things/1.json"), ("PUT", "https://a.example/others/1.json")] {
        let (problems, warnings) = said(json!({"httpRequest": {"method": method, "url": url}}));
        assert_eq!((problems.len(), warnings.len()), (0, 1), "{warnings:?}");
        assert!(warnings[0].contains("PUT /things/{id}.json"));
    }
    let (problems, _) =
        said(json!({"httpRequest": {"method": "PUT", "url": "https://a.example/things/1.json?page=2"}}));
    assert_eq!(
        problems,
        [
            "/headers the header has no `X-Trace`, which is required → \"X-Trace\": …",
            " the request has no content, which is required → \"body\": …",
        ]
    );
}

#[test]
fn an_answer_is_compared_with_what_is_said_of_its_status() {
    let answer = |status, body: &str| {
        let body = Body::Json(body.to_owned());
        let differences = compare_answer(&operation(), &Response { status, headers: Vec::new(), body });
        differences.iter().map(|difference| format!("{} {}", difference.place, difference.message)).collect::<Vec<_>>()
    };
    assert_eq!(answer(200, r#"{"n": 1, "more": true}"#), NOTHING);
    assert_eq!(answer(404, "[]"), NOTHING);
    assert_eq!(answer(200, r#"{"n": 1.5}"#), ["/n `n` must be a whole number, not a number"]);
    assert_eq!(answer(302, "{}"), [" the document has no answer 302, only 200, 4XX"]);
}
