//! Tables that are the truth, made by the built component: every place of a value, every form of an expression. What must
//! hold of all their cells is asserted here; what each of them says is read in `tests/tables/`.
//! `HTTP_TASK_ACCEPT=1 cargo test -p http-task --test tables --test outcomes --test lead_tables` writes them anew.

mod golden;
mod loaded;

use std::collections::BTreeSet;

use golden::{FOLDER, hold, texts};
use http_task_host::component::{Body, Prepared, Problem};
use http_task_host::{Egress, HttpTask, Limits};
use loaded::{NO_CONTEXT, load};

const TABLES: [&str; 6] =
    ["outcomes.md", "places.md", "expressions.md", "lead-fields.md", "lead-answers.md", "hostile.md"];

#[test]
fn every_table_is_made_by_a_test() {
    let kept: BTreeSet<_> =
        std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, TABLES.map(str::to_owned).into());
}

/// Values that want to be more than a value.
const HOSTILE: [&str; 41] = [
    r#""plain""#,
    r#""""#,
    r#"" ""#,
    r#""/""#,
    r#""a/b""#,
    r#""//evil.example""#,
    r#""\\""#,
    r#"".""#,
    r#""..""#,
    r#""../..""#,
    r#""%2e%2e""#,
    r#""%2F""#,
    r#""%""#,
    r#""%zz""#,
    r#""?""#,
    r#""a?b=c""#,
    r##""#""##,
    r#""&""#,
    r#""a&b=c""#,
    r#""=""#,
    r#""+""#,
    r#"";""#,
    r#"":""#,
    r#""@evil.example""#,
    r#""http://evil.example/""#,
    r#""[::1]""#,
    r#""\u0000""#,
    r#""\r\nX-B: 2""#,
    r#""\t""#,
    r#""\u007f""#,
    r#""é""#,
    r#""😀""#,
    r#""\u202e""#,
    r#""${v}""#,
    "true",
    "0",
    "1e2",
    "12345678901234567890",
    "null",
    "[1]",
    r#"{"a":1}"#,
];

/// Where a value can stand: its name, and the request around it.
const PLACES: [(&str, &str); 14] = [
    ("a segment", r#""url": "http://server.test/a/${v}/b?q=1""#),
    ("in a segment", r#""url": "http://server.test/a/x${v}y/b?q=1""#),
    ("in the last segment", r#""url": "http://server.test/a/b/c.${v}?q=1""#),
    ("a query value", r#""url": "http://server.test/a/b/c?q=${v}""#),
    ("in a query value", r#""url": "http://server.test/a/b/c?q=x${v}y""#),
    ("`query`", r#""url": "http://server.test/a/b/c", "query": {"q": "${v}"}"#),
    ("`form`", r#""url": "http://server.test/a/b/c?q=1", "form": {"f": "${v}"}"#),
    ("`headers`", r#""url": "http://server.test/a/b/c?q=1", "headers": {"x-v": "${v}"}"#),
    ("a query's name", r#""url": "http://server.test/a/b/c?${v}=1""#),
    ("the whole URL", r#""url": "${v}""#),
    ("the scheme", r#""url": "${v}://server.test/a/b/c?q=1""#),
    ("the user", r#""url": "http://${v}@server.test/a/b/c?q=1""#),
    ("the host", r#""url": "http://${v}/a/b/c?q=1""#),
    ("the port", r#""url": "http://server.test:${v}/a/b/c?q=1""#),
];

/// A value as text: of a string what it says, of all else what is written.
fn text_of(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

#[tokio::test]
async fn no_value_leaves_its_place_in_a_request() {
    let host = load(Egress::offline(), Limits::default());
    let mut rows = Vec::new();
    for value in HOSTILE {
        let input = format!(r#"{{"v": {value}}}"#);
        let text = text_of(value);
        // Where a list repeats its name, a list of one is that one.
        let repeated = if value == "[1]" { "1" } else { &text };
        let mut row = vec![format!("`{value}`")];
        for (place, request) in PLACES {
            let definition = format!(r#"{{"httpRequest": {{"method": "POST", {request}}}}}"#);
            let prepared = host.prepare(&definition, &input, &NO_CONTEXT).await.unwrap();
            row.push(match prepared {
                Err(problems) => refused(&problems),
                Ok(Prepared { request, .. }) => {
                    let url = url::Url::parse(&request.url).unwrap();
                    assert_eq!(url.origin().ascii_serialization(), "http://server.test", "{place}: {value}");
                    assert_eq!(url.as_str(), request.url, "{place}: {value}: another reader would change it");
                    let segments: Vec<_> = url.path_segments().unwrap().map(decoded).collect();
                    assert_eq!(segments.len(), 3, "{place}: {value}");
                    let pairs: Vec<_> = url.query().into_iter().flat_map(|query| query.split('&')).collect();
                    assert_eq!(pairs.len(), 1, "{place}: {value}");
                    let query = decoded(pairs[0].split_once('=').unwrap().1);
                    let header = |name: &str| request.headers.iter().find(|header| header.name == name);
                    match place {
                        "a segment" => assert_eq!(segments[1], text),
                        "in a segment" => assert_eq!(segments[1], format!("x{text}y")),
                        "in the last segment" => assert_eq!(segments[2], format!("c.{text}")),
                        "a query value" => assert_eq!(query, text),
                        "`query`" => assert_eq!(query, repeated),
                        "a query's name" => assert_eq!(decoded(pairs[0].split_once('=').unwrap().0), text),
                        "in a query value" => assert_eq!(query, format!("x{text}y")),
                        "`form`" => {
                            let pairs: Vec<_> = url::form_urlencoded::parse(request.body.bytes()).collect();
                            assert_eq!(pairs, [("f".into(), repeated.into())]);
                        }
                        "`headers`" => assert_eq!(header("x-v").unwrap().value, text.trim()),
                        place => panic!("{value} became {place}"),
                    }
                    match (place, &request.body) {
                        ("`form`", Body::Text(form)) => format!("`{form}`"),
                        ("`headers`", _) => format!("`{}`", header("x-v").unwrap().value),
                        _ => format!("`{}`", request.url.strip_prefix("http://server.test").unwrap()),
                    }
                }
            });
        }
        rows.push(row);
    }
    let mut head = texts(["value"]);
    head.extend(PLACES.map(|(place, _)| place.to_owned()));
    hold("places.md", "What becomes of a value in each place of a request.", &head, &rows);
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn refused(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

const FORMS: [&str; 16] = [
    r#"{"a": "${v}"}"#,
    r#"{"a": "${$.v}"}"#,
    r#"{"a": "${$['v']}"}"#,
    r#"{"a": "${?v}"}"#,
    r#"{"a": "${?$.v}"}"#,
    r#"{"a": "x${v}y"}"#,
    r#"{"a": "${v}${v}"}"#,
    r#"{"a": "x${?v}"}"#,
    r#"["${v}"]"#,
    r#"["${?v}"]"#,
    r#"{"a": "$${v}"}"#,
    r#"{"a": "${v.x}"}"#,
    r#"{"a": "${?v.x}"}"#,
    r#"{"a": "${v[0]}"}"#,
    r#"{"a": "${$.v[*]}"}"#,
    r#""${v}""#,
];

/// A value of every type, what looks like one of ours, and none.
const VALUES: [&str; 14] = [
    "null",
    "true",
    "false",
    "0",
    "-0.0",
    "1e2",
    "12345678901234567890",
    r#""""#,
    r#""text""#,
    r#""${v}""#,
    "[]",
    r#"[1,{"x":2}]"#,
    "{}",
    r#"{"x":1}"#,
];

#[tokio::test]
async fn every_form_of_an_expression_keeps_every_type() {
    let host = load(Egress::offline(), Limits::default());
    let mut rows = Vec::new();
    for value in VALUES.into_iter().map(Some).chain([None]) {
        let mut row = vec![value.map_or_else(|| "no value".to_owned(), |value| format!("`{value}`"))];
        for form in FORMS {
            row.push(resolved(&host, form, value).await);
        }
        rows.push(row);
    }
    let mut head = texts(["v"]);
    head.extend(FORMS.map(|form| format!("`{form}`")));
    hold("expressions.md", "What each form of an expression becomes over a value of each type.", &head, &rows);
}

async fn resolved(host: &HttpTask, form: &str, value: Option<&str>) -> String {
    let input = value.map_or_else(|| "{}".to_owned(), |value| format!(r#"{{"v":{value}}}"#));
    let resolved = host.resolve(form, &input).await.unwrap();
    if let (Some(value), Ok(resolved)) = (value, &resolved) {
        // Types, numbers and order are those that were written.
        let whole = ["${v}", "${$.v}", "${$['v']}", "${?v}", "${?$.v}"];
        if let Some(expression) = whole.into_iter().find(|whole| form.contains(&format!("\"{whole}\""))) {
            assert_eq!(
                resolved.replace(": ", ":"),
                form.replace(": ", ":").replace(&format!("\"{expression}\""), value)
            );
        }
    }
    if value.is_none() && form == r#"{"a": "${?v}"}"# {
        assert_eq!(resolved, Ok("{}".to_owned()));
    }
    resolved.map_or_else(|problems| refused(&problems), |text| format!("`{text}`"))
}
