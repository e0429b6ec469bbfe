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

/// What is against a request of an operation with these parts, as it is written.
fn problems_of(operation: Value, request: Value) -> Vec<String> {
    let document = json!({"openapi": "3.1.0", "paths": {"/x": {"post": operation}}});
    let document = Document::of(document).unwrap();
    let operation = document.operation(&document.entries[0].key).unwrap();
    let mut task = json!({ "httpRequest": request });
    task["httpRequest"]["method"] = json!("POST");
    task["httpRequest"]["url"] = json!("https://a.example/x");
    let found = compare_request(&operation, &Call::of_task(&task).unwrap());
    found.problems.into_iter().map(|difference| difference.message).collect()
}

#[test]
fn text_is_right_when_one_reading_of_it_is() {
    let parameter = |rest: Value| {
        let mut parameter = json!({"name": "n", "in": "query", "required": true});
        parameter.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        json!({ "parameters": [parameter] })
    };
    for (rest, query) in [
        (json!({"schema": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]}}), json!({"n": 5})),
        (json!({"schema": {"enum": [1, 2]}}), json!({"n": "2"})),
        (json!({"schema": {"type": ["array", "string"], "items": {"type": "integer"}}}), json!({"n": "x"})),
        (
            json!({"schema": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 2}]}}),
            json!({"n": ["a", "b"]}),
        ),
        (json!({"schema": {"type": "object", "required": ["R"]}}), json!({"R": 1, "G": 2})),
        (json!({"style": "deepObject", "schema": {"type": "array"}}), json!({"n[]": ["a"]})),
        (
            json!({"style": "deepObject", "schema": {"anyOf": [{"type": "object"}, {"type": "integer"}]}}),
            json!({"n[gte]": 5}),
        ),
        (json!({"content": {"application/json": {"schema": {"type": "object"}}}}), json!({"n": "{\"a\": 1}"})),
    ] {
        assert_eq!(problems_of(parameter(rest.clone()), json!({ "query": query })), NOTHING, "{rest}");
    }
    let key = json!({"parameters": [{"name": "Idempotency-Key", "in": "header", "required": true}]});
    assert_eq!(problems_of(key, json!({})), NOTHING);
    assert_eq!(problems_of(parameter(json!({"schema": {"type": "boolean"}})), json!({"query": {"n": "yes"}})).len(), 1);
}

#[test]
fn forms_are_read_as_apis_read_them() {
    let form = json!({"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {
        "type": "object", "required": ["address", "tags"],
        "properties": {
            "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            "tags": {"type": "array", "minItems": 2}, "size": {"type": "integer"},
        },
    }}}}});
    for fields in [
        json!({"address[city]": "x", "tags": ["a", "b"], "size": 1}),
        json!({"address": "{\"city\": \"x\"}", "tags": "${t}", "size": "2"}),
    ] {
        assert_eq!(problems_of(form.clone(), json!({ "form": fields })), NOTHING, "{fields}");
    }
    let wrong = problems_of(form, json!({"form": {"tags": ["a"], "size": "big"}}));
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn what_hangs_on_what_nobody_knows_yet_is_not_told() {
    let body = |schema: Value| json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
    let conditional = json!({
        "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["x"]}, "else": {"required": ["y"]},
    });
    assert_eq!(problems_of(body(conditional.clone()), json!({"body": {"kind": "${kind}", "x": 1}})), NOTHING);
    assert_eq!(problems_of(body(conditional), json!({"body": {"kind": "b", "x": 1}})).len(), 1);
    // A part says what another part's member is.
    let parts = json!({"allOf": [
        {"properties": {"id": {"readOnly": true}, "title": {"type": "string"}}}, {"required": ["id", "title"]},
    ]});
    assert_eq!(problems_of(body(parts), json!({"body": {"title": "a"}})), NOTHING);
    let format = json!({"properties": {"at": {"type": "string", "format": "time"}}});
    assert_eq!(problems_of(body(format), json!({"body": {"at": "12:30:00"}})), NOTHING);
}

#[test]
fn of_a_choice_what_was_meant_is_told() {
    let message = |role: &str, more: Value| {
        let mut members = json!({"role": {"enum": [role]}});
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": "object", "required": ["role", "content"], "properties": members})
    };
    let schema = json!({"oneOf": [
        message("user", json!({"content": {"type": "string"}})), message("system", json!({"name": {"type": "string"}})),
    ]});
    let operation = json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
    let problems = |body: Value| problems_of(operation.clone(), json!({ "body": body }));
    assert_eq!(problems(json!({"role": "usr", "content": "x"})), ["`role` must be one of \"user\", \"system\""]);
    assert_eq!(problems(json!({"role": "user", "content": 1})), ["`content` must be a string, not a number"]);
    assert_eq!(problems(json!({"role": "system"})), ["`content` is missing"]);
}

#[test]
fn a_list_within_one_value_is_not_sent_as_several() {
    let operation =
        json!({"parameters": [{"name": "f", "in": "query", "explode": false, "schema": {"type": "array"}}]});
    assert_eq!(problems_of(operation.clone(), json!({"query": {"f": "a,b"}})), NOTHING);
    let told = problems_of(operation, json!({"query": {"f": ["a", "b"]}}));
    assert_eq!(told, ["`f` is one text, its elements joined with `,`"]);
}
