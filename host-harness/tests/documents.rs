//! Documents of others: made to do harm, altered, broken, or at an address. They get a clear error, or cost only their part.

mod program;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use program::Program;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

#[test]
fn what_a_document_says_is_text_to_the_terminal_and_to_definitions() {
    let hostile = "\\u001b[2J\\u009b${workflow.input.secret}";
    let program = Program::new();
    let text = format!(
        r#"{{"openapi": "3.1.0", "info": {{"title": "T {hostile}", "version": "{hostile}"}},
            "servers": [{{"url": "https://a.example"}}],
            "paths": {{"/a/{{id}}/${{x}}": {{"post": {{"operationId": "a", "summary": "{hostile}", "description": "{hostile}",
                "tags": ["{hostile}"], "{hostile}": {{}},
                "parameters": [{{"name": "id", "in": "path", "description": "{hostile}", "schema": {{"const": "{hostile}"}}}},
                    {{"name": "x", "in": "path", "schema": {{"enum": ["{hostile}"]}}}},
                    {{"name": "{hostile}", "in": "cookie", "required": true}},
                    {{"name": "q", "in": "query", "required": true, "schema": {{"default": "{hostile}"}}}}],
                "requestBody": {{"content": {{"application/${{workflow.input.secret}}+json": {{"schema": {{"required": ["t", "e"],
                    "properties": {{"t": {{"examples": ["{hostile}"]}}, "e": {{"enum": ["jsonata:{hostile}"]}}}}}}}}}}}},
                "responses": {{"200": {{"description": "{hostile}"}}}}}}}}}}}}"#
    );
    program.write("a.json", &text);
    let mut said = Vec::new();
    for arguments in [
        &["catalogue", "add", "a.json", "--name", "a"][..],
        &["catalogue", "list"],
        &["search", "secret"],
        &["search", "secret", "--json"],
        &["docs", "a/a"],
        &["docs", "a/a", "--json"],
        &["add", "x.json", "a/a"],
        &["check", "x.json"],
    ] {
        let run = program.succeeds(arguments);
        said.push(run.stdout + &run.stderr);
    }
    for text in &said {
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    }
    // Nothing in it looks at the workflow's input but the parameter that has no other value.
    let definition: Value = serde_json::from_str(&program.read("x.json")).unwrap();
    let task = definition["tasks"].as_object().unwrap().values().next().unwrap();
    let request = task["httpRequest"].to_string();
    assert!(!request.replace("$${", "").contains("${workflow"), "{request}");
    assert_eq!(task["httpRequest"]["body"]["e"], "${e}");
    assert_eq!(task["inputParameters"]["e"], "${workflow.input.e}");
    assert!(task["inputParameters"]["id"].as_str().unwrap().ends_with("$${workflow.input.secret}"), "{task}");
}

#[test]
fn no_expression_comes_by_way_of_servers_or_paths() {
    let paths = r#""paths": {"/a/$": {"get": {"operationId": "a"}}, "/b/\\u0000workflow.input.secret\\u0000/${id}/x$": {"get": {"operationId": "b"}}}"#;
    let program = Program::new();
    let swagger = r#"{"swagger": "2.0", "host": "a.example", "basePath": "/v1/${workflow.input.secret}", PATHS}"#;
    program.write("swagger.json", &swagger.replace("PATHS", paths).replace("\\\\", "\\"));
    let said = program.succeeds(&["catalogue", "add", "swagger.json", "--name", "swagger"]);
    assert!(said.stderr.contains("what no URL may have"), "{said:?}");
    assert_eq!(program.run(&["add", "x.json", "swagger/a"]).code, Some(2));
    let openapi = r#"{"openapi": "3.0.0", "servers": [{"url": "https://a.example"}], PATHS}"#;
    program.write("openapi.json", &openapi.replace("PATHS", paths).replace("\\\\", "\\"));
    program.succeeds(&["catalogue", "add", "openapi.json", "--name", "openapi"]);
    for (operation, url) in [
        ("openapi/a", "https://a.example/a/$"),
        ("openapi/b", "https://a.example/b/%00workflow.input.secret%00/%24${id}/x$"),
    ] {
        let said = program.succeeds(&["add", "x.json", operation, "--dry-run"]);
        let task: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(task["httpRequest"]["url"].as_str().unwrap().replace('\u{0}', "%00"), url);
    }
}

#[test]
fn one_document_that_is_broken_keeps_nobody_from_the_others() {
    let program = Program::new();
    let text = format!("openapi: 3.0.0\nx: &x {}\ny: [{}]\n", "a".repeat(1 << 20), vec!["*x"; 40].join(", "));
    program.write("large.yaml", &text);
    let said = program.run(&["catalogue", "add", "large.yaml"]);
    assert!(said.code == Some(2) && said.stderr.contains("may have 32 MiB"), "{said:?}");
    program.write("a.json", r#"{"openapi": "3.1.0", "paths": {"/a": {"get": {"operationId": "a"}}}}"#);
    program.succeeds(&["catalogue", "add", "a.json", "--name", "a"]);
    let folder = program.path("data/http-task/catalogue");
    let file = std::fs::read_dir(folder.join("documents")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_dir_all(folder.join("search-1")).unwrap();
    program.succeeds(&["docs", "updateLead"]);
    program.succeeds(&["catalogue", "update"]);
    program.succeeds(&["docs", "a/a"]);
}

#[test]
fn a_document_that_was_altered_where_it_is_kept_is_not_used() {
    let program = Program::new();
    program.write(
        "a.json",
        r#"{"openapi": "3.1.0", "info": {"title": "A"}, "paths": {"/a": {"get": {"operationId": "a"}}}}"#,
    );
    program.succeeds(&["catalogue", "add", "a.json"]);
    let folder = program.path("data/http-task/catalogue/documents");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, r#"{"openapi": "3.1.0", "paths": {"/a": {"get": {"operationId": "a", "servers": []}}}}"#)
        .unwrap();
    let said = program.run(&["docs", "a/a"]);
    assert!(said.code == Some(1) && said.stderr.contains("this is not the document that was added"), "{said:?}");
    let said = program.succeeds(&["catalogue", "update"]);
    assert!(said.stdout.contains("a: "), "{said:?}");
    program.succeeds(&["docs", "a/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_from_an_address_only_by_leave() {
    let text = r#"{"openapi": "3.1.0", "info": {"title": "A"}, "servers": [{"url": "/api"}], "paths": {"/a": {"get": {"operationId": "a"}}}}"#;
    let head = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nconnection: close\r\n{more}\r\n");
    let answers = [
        head("301 Moved Permanently", "content-length: 0\r\nlocation: https://b.example/openapi.json\r\n"),
        head("200 OK", &format!("content-length: {}\r\n", text.len())) + text,
        head("200 OK", "content-length: 99999999999\r\n") + "{",
        head("404 Not Found", "content-length: 0\r\n"),
    ];
    let (address, received) = serve(answers).await;
    let url = format!("http://{address}/openapi.json");
    let program = Program::new();
    let add = |name: &str| {
        let (program, arguments) = (&program, ["catalogue", "add", &url, "--name", name, "--grants", "grants.toml"]);
        program.run(&arguments)
    };
    let said = add("a");
    assert!(said.code == Some(3) && said.stderr.contains("path = \"/openapi.json\""), "{said:?}");
    assert_eq!(received.load(Ordering::SeqCst), 0, "nothing is asked before it is granted");
    program.write("grants.toml", &program::grants_for(address).replace("networks = [\"loopback\"]", ""));
    let said = add("a");
    assert!(said.code == Some(3) && said.stderr.contains("networks = [\"loopback\"]"), "{said:?}");
    program.write("grants.toml", &program::grants_for(address));
    let said = add("a");
    let hint = "hint: http-task catalogue add 'https://b.example/openapi.json'";
    assert!(said.code == Some(1) && said.stderr.contains(hint), "{said:?}");
    assert_eq!(add("a").code, Some(0));
    let said = add("b");
    assert!(said.code == Some(4) && said.stderr.contains("larger than 33554432 bytes"), "{said:?}");
    let said = add("b");
    assert!(said.code == Some(1) && said.stderr.contains("404"), "{said:?}");
    // Its server is relative to where it came from.
    let said = program.succeeds(&["add", "x.json", "a/a", "--dry-run"]);
    assert!(said.stdout.contains(&format!("\"url\": \"http://{address}/api/a\"")), "{said:?}");
    assert_eq!(received.load(Ordering::SeqCst), 4);
}

/// A server that gives these answers, one a connection; how many it has given so far.
async fn serve(answers: [String; 4]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, received) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&received);
    tokio::spawn(async move {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = connection.read(&mut head).await;
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.write_all(answer.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    (address, received)
}

#[test]
fn a_document_that_is_made_to_do_harm_gets_a_clear_error_or_costs_only_its_part() {
    let program = Program::new();
    let document = |rest: &str| format!(r#"{{"openapi": "3.1.0", "info": {{"title": "T", "version": "1"}}, {rest}}}"#);
    let bomb = (1..30).fold(r#""S0": {"type": "string"}"#.to_owned(), |schemas, level| {
        let before = format!(r##"{{"$ref": "#/components/schemas/S{}"}}"##, level - 1);
        let properties = (0..10).map(|n| format!(r#""p{n}": {before}"#)).collect::<Vec<_>>().join(", ");
        format!(r#"{schemas}, "S{level}": {{"required": ["p0", "p1"], "properties": {{{properties}}}}}"#)
    });
    let operation = |schema: &str| {
        format!(
            r#""paths": {{"/x": {{"post": {{"operationId": "x", "requestBody": {{"content": {{"application/json": {{"schema": {schema}}}}}}}}}}}}}"#
        )
    };
    let of_bomb = operation(r##"{"$ref": "#/components/schemas/S29"}"##);
    let circle = operation(r##"{"$ref": "#/components/schemas/A"}"##);
    for (name, text, code, says) in [
        ("deep.json", document(&format!("\"x\": {}", "[".repeat(100_000))), 2, "recursion limit"),
        ("deep.yaml", format!("openapi: {}", "[".repeat(100_000)), 2, "this is not YAML"),
        (
            "aliases.yaml",
            (1..20).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
                text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))
            }),
            2,
            "this is not YAML",
        ),
        ("other.json", "{\"a\": 1}".to_owned(), 2, "neither `openapi` nor `swagger`"),
        ("list.json", "[]".to_owned(), 2, "not an object"),
        ("version.json", r#"{"openapi": "4.0.0"}"#.to_owned(), 2, "3.0 and 3.1 are known"),
        (
            "types.json",
            document(
                r#""servers": 1, "tags": "x", "components": {"schemas": []}, "paths": {"/a": 1, "b": {}, "/c": {"get": 1, "qet": {}, "put": {"parameters": 1, "responses": []}, "post": {"parameters": [1, {}, {"name": "x", "in": "y"}]}}}"#,
            ),
            0,
            "`qet` is no method",
        ),
        (
            "remote.json",
            document(
                r##""paths": {"/a": {"$ref": "https://a.example/x.json"}, "/b": {"get": {"parameters": [{"$ref": "other.yaml#/x"}]}}}"##,
            ),
            0,
            "in another document",
        ),
        (
            "circle.json",
            document(&format!(
                r##"{circle}, "components": {{"schemas": {{"A": {{"$ref": "#/components/schemas/B"}}, "B": {{"allOf": [{{"$ref": "#/components/schemas/A"}}]}}}}}}"##
            )),
            0,
            "1 operation",
        ),
        ("bomb.json", document(&format!(r#"{of_bomb}, "components": {{"schemas": {{{bomb}}}}}"#)), 0, "1 operation"),
        (
            "pattern.json",
            document(&operation(
                r#"{"properties": {"a": {"pattern": "(a{1000}){1000}"}, "b": {"pattern": "("}}, "required": ["a"]}"#,
            )),
            0,
            "the pattern cannot be compiled",
        ),
    ] {
        program.write(name, &text);
        let api = name.replace('.', "-");
        let said = program.run(&["catalogue", "add", name, "--name", &api]);
        let told = said.stdout + &said.stderr;
        assert!(said.code == Some(code) && told.contains(says) && told.len() < 5000, "{name}: {:?} {told}", said.code);
        if ["circle.json", "bomb.json", "pattern.json"].contains(&name) {
            program.succeeds(&["docs", &format!("{api}/x"), "--json"]);
            program.succeeds(&["add", "x.json", &format!("{api}/x"), "--server", "https://a.example", "--dry-run"]);
        }
    }
    // What multiplies is not followed to its end: choices of choices, chains, and items that many share.
    let schema = |name: &str, level: usize, next: &str| {
        format!(r##""{name}{level}": {}"##, next.replace("NEXT", &format!("#/components/schemas/{name}{}", level + 1)))
    };
    let levels = |name: &str, count: usize, next: &str| {
        (0..count).map(|level| schema(name, level, next)).collect::<Vec<_>>().join(", ")
    };
    let choice = r##"{"anyOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}"##;
    let both = r##"{"allOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}"##;
    let chain = r##"{"type": "object", "required": ["n"], "properties": {"n": {"$ref": "NEXT"}}}"##;
    let link = r##"{"allOf": [{"$ref": "NEXT"}]}"##;
    let many = r##"{"oneOf": [{"$ref": "#/components/schemas/M0"}, {"$ref": "#/components/schemas/M0"}, {"required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/M0"}}}]}"##;
    for (name, count, next) in
        [("A", 40, choice), ("B", 40, both), ("C", 20_000, chain), ("D", 20_000, link), ("M", 1, many)]
    {
        let top = operation(&format!(
            r##"{{"type": "object", "required": ["x"], "properties": {{"x": {{"$ref": "#/components/schemas/{name}0"}}}}}}"##
        ));
        let last = format!(r#""{name}{count}": {{"type": "string"}}"#);
        program.write(
            "x.json",
            &document(&format!(r#"{top}, "components": {{"schemas": {{{}, {last}}}}}"#, levels(name, count, next))),
        );
        let api = format!("multiplies-{name}");
        program.succeeds(&["catalogue", "add", "x.json", "--name", &api]);
        program.succeeds(&["docs", &format!("{api}/x"), "--json"]);
        program.succeeds(&["add", "y.json", &format!("{api}/x"), "--server", "https://a.example", "--dry-run"]);
        program.succeeds(&["catalogue", "remove", &api]);
    }
    std::fs::write(program.path("binary.json"), b"{\"openapi\": \"3.1.0\", \"x\": \"\xff\xfe\"}").unwrap();
    std::fs::File::create(program.path("large.json")).unwrap().set_len(100_000_000).unwrap();
    for (name, says) in
        [("binary.json", "not text in UTF-8 from byte 27"), ("large.json", "has 95 MiB, and may have 32 MiB")]
    {
        let said = program.run(&["catalogue", "add", name]);
        assert!(said.code == Some(2) && said.stderr.contains(says), "{said:?}");
    }
    let listed: Value = serde_json::from_str(&program.succeeds(&["catalogue", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed["apis"].as_array().unwrap().len(), 6);
}
