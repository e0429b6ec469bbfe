//! The catalogue on real documents: all of their operations are there, each can be prepared as a task that the component and
//! its own document take, or says why not; and the same on documents that are made to do harm.

mod program;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_task_host::catalogue::{
    Call, Catalogue, Document, Pin, SearchIndex, Wishes, compare_request, digest, prepare,
};
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};
use program::{Program, skip};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Files of the folder with real documents, each with what that folder's README says of it.
const DOCUMENTS: [(&str, &str, usize); 4] = [
    ("petstore", "swagger-petstore-openapi.yaml", 19),
    ("box", "box-openapi.json", 296),
    ("openai", "openai-openapi.yaml", 288),
    ("slack", "slack_web_openapi_v2.json", 174),
];

/// Where real documents are; they are no part of the project.
fn documents() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/openapi");
    if !folder.is_dir() {
        skip("the folder shared/openapi with real documents is absent");
        return None;
    }
    Some(folder)
}

fn read(folder: &Path, file: &str) -> Document {
    Document::read(&std::fs::read(folder.join(file)).unwrap()).unwrap()
}

/// Operations that the file itself has, counted without this program's reader.
fn counted(value: &Value) -> usize {
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let items = value["paths"].as_object().unwrap().values();
    items.map(|item| item.as_object().unwrap().keys().filter(|name| methods.contains(&name.as_str())).count()).sum()
}

#[tokio::test]
async fn every_operation_of_real_documents_becomes_a_task_or_says_why_not() {
    let Some(folder) = documents() else { return };
    let component = HttpTask::load(COMPONENT, None, Egress::offline(), Limits::default()).unwrap();
    let builtin = Catalogue::built_in().document("pipedrive").unwrap().unwrap();
    let mut read_documents = vec![("pipedrive", builtin)];
    for (name, file, operations) in DOCUMENTS {
        let document = read(&folder, file);
        assert_eq!(document.entries.len(), operations, "{name}");
        read_documents.push((name, Arc::new(document)));
    }
    println!("| API | operations | tasks | not supported | complete as they are |");
    for (name, document) in read_documents {
        assert_eq!(document.entries.len(), counted(document.value()), "{name}");
        let (mut tasks, mut unsupported, mut complete) = (0, 0, 0);
        for entry in &document.entries {
            let operation = document.operation(&entry.key).unwrap();
            let (method, path) = (entry.key.method.clone(), entry.key.path.clone());
            let pin = Pin { api: name.into(), method, path, digest: digest(&json!(0)) };
            let prepared = match prepare(&operation, &pin, Wishes::default()) {
                Ok(prepared) => prepared,
                Err(_) => {
                    unsupported += 1;
                    let listed = document.omissions.iter().any(|omission| omission.place == entry.place);
                    assert!(listed, "{name} {} is left out in silence", entry.key.text());
                    continue;
                }
            };
            tasks += 1;
            let text = serde_json::to_string(&prepared.task).unwrap();
            if let Err(problems) = component.check(&text).await.unwrap() {
                panic!("{name} {}: {problems:?} {text}", entry.key.text());
            }
            let call = Call::of_task(&Value::Object(prepared.task)).unwrap();
            let found = compare_request(&operation, &call);
            assert!(found.problems.is_empty(), "{name} {}: {found:?} {text}", entry.key.text());
            assert!(found.warnings.is_empty(), "{name} {}: {found:?} {text}", entry.key.text());
            complete += usize::from(!text.contains("${workflow.input"));
        }
        println!("| {name} | {} | {tasks} | {unsupported} | {complete} |", document.entries.len());
    }
}

/// Everything that there is, in one catalogue.
fn all(folder: &Path, into: &Path) -> SearchIndex {
    let mut catalogue = Catalogue::open(into.to_owned()).unwrap();
    for (name, file, _) in DOCUMENTS {
        catalogue.put(name, file, None, &read(folder, file)).unwrap();
    }
    catalogue.search_index(Some(into)).unwrap()
}

#[test]
fn update_lead_is_found_first_however_somebody_looks_for_it() {
    let Some(folder) = documents() else { return };
    let into = tempfile::tempdir().unwrap();
    let everything = all(&folder, into.path());
    let alone = Catalogue::built_in().search_index(None).unwrap();
    for words in [
        "update lead",
        "lead patch",
        "updateLead",
        "updte lead",
        "leads/{id}",
        "updatelead",
        "UPDATE-LEAD",
        "updaet laed",
    ] {
        for index in [&everything, &alone] {
            let hits = index.search(words, None, 1000).unwrap();
            let first = hits.iter().find(|hit| hit.api == "pipedrive").unwrap();
            assert_eq!(first.operation, "pipedrive/updateLead", "{words}");
        }
    }
    for (words, expected) in [
        ("slack post message", "slack/chat_postMessage"),
        ("PATCH /v1/leads/{id}", "pipedrive/updateLead"),
        ("upload session commit", "box/post_files_upload_sessions_id_commit"),
        ("find pets by staus", "petstore/findPetsByStatus"),
        ("create embedings", "openai/createEmbedding"),
    ] {
        let hits = everything.search(words, None, 5).unwrap();
        assert_eq!(hits.first().map(|hit| hit.operation.as_str()), Some(expected), "{words}: {hits:?}");
    }
    assert!(everything.search("lead", Some("box"), 5).unwrap().iter().all(|hit| hit.api == "box"));
    assert_eq!(everything.search("zzzzqqqq", None, 5).unwrap(), []);
    assert_eq!(everything.search(" ", None, 5).unwrap(), []);
}

#[test]
fn an_index_follows_what_the_catalogue_has() {
    let folder = tempfile::tempdir().unwrap();
    let document = |path: &str| {
        let paths = json!({ path: {"get": {"operationId": "one"}} });
        Document::of(json!({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths})).unwrap()
    };
    let mut catalogue = Catalogue::open(folder.path().to_owned()).unwrap();
    let paths = |catalogue: &Catalogue| {
        let index = catalogue.search_index(Some(folder.path())).unwrap();
        let hits = index.named("one", None).unwrap();
        hits.into_iter().map(|hit| hit.key.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(&catalogue), Vec::<String>::new());
    catalogue.put("a", "a.json", None, &document("/first")).unwrap();
    assert_eq!(paths(&catalogue), ["/first"]);
    catalogue.put("a", "a.json", None, &document("/second")).unwrap();
    assert_eq!(paths(&catalogue), ["/second"]);
    // A broken one is made anew.
    for entry in std::fs::read_dir(folder.path().join("search-1")).unwrap() {
        std::fs::write(entry.unwrap().path(), "broken").unwrap();
    }
    assert_eq!(paths(&catalogue), ["/second"]);
    assert!(catalogue.remove("a").unwrap());
    assert_eq!(paths(&catalogue), Vec::<String>::new());
}

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
                    {{"name": "q", "in": "query", "required": true, "schema": {{"default": "{hostile}"}}}}],
                "requestBody": {{"content": {{"application/json": {{"schema": {{"required": ["t", "e"],
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
fn a_field_that_is_wished_for_comes_from_the_input_of_a_test_and_of_a_run() {
    let program = Program::new();
    program.succeeds(&["add", "x.json", "updateLead", "--field", "owner_id", "--field", "title"]);
    for (arguments, input) in [
        (["test", "x.json", "--stand-in"], r#"{"owner_id": 77}"#),
        (["run", "x.json", "--stand-in"], r#"{"owner_id": 77, "title": "A desk"}"#),
    ] {
        let said = program.succeeds(&[&arguments[..], &["--input", input, "--json"]].concat());
        assert!(said.stdout.contains("\"owner_id\":77"), "{said:?}");
        assert_eq!(said.stdout.contains("A desk"), input.contains("A desk"), "{said:?}");
    }
    // With neither there is nothing to change, which is told before anything is sent.
    assert_eq!(program.run(&["test", "x.json", "--stand-in"]).code, Some(2));
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
fn an_update_tells_what_changed_and_tasks_keep_what_they_were_made_from() {
    let program = Program::new();
    let document = |version: u8, schema: &str, more: &str| {
        format!(
            r##"{{"openapi": "3.1.0", "info": {{"title": "Things", "version": "{version}"}},
                "servers": [{{"url": "https://a.example"}}],
                "components": {{"schemas": {{"Thing": {schema}}}}},
                "paths": {{{more} "/things": {{"post": {{"operationId": "addThing", "requestBody": {{"required": true,
                    "content": {{"application/json": {{"schema": {{"$ref": "#/components/schemas/Thing"}}}}}}}}}}}}}}}}"##
        )
    };
    let before = r#"{"required": ["name"], "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}}"#;
    let after = r#"{"properties": {"name": {"type": "string", "maxLength": 3}, "colour": {"type": "string"}}}"#;
    program.write("things.json", &document(1, before, r#""/old": {"get": {}},"#));
    program.succeeds(&["catalogue", "add", "things.json"]);
    program.succeeds(&["add", "x.json", "things/addThing", "--field", "size"]);
    let unchanged = program.succeeds(&["catalogue", "update"]).stdout;
    assert_eq!(unchanged, "things: no operation changed\n");
    program.write("things.json", &document(2, after, r#""/new": {"get": {}},"#));
    let said = program.succeeds(&["catalogue", "update", "things"]).stdout;
    let expected = "things: 1 added, 1 removed, 1 changed\n+ GET /new\n- GET /old\n~ POST /things\n    field `colour` added\n    \
                    field `name` changed\n    field `size` removed\n";
    assert_eq!(said, expected);
    // The task is compared with what it was made from, which the new document would not take.
    let said = program.succeeds(&["check", "x.json"]);
    assert!(!said.stderr.contains("warning"), "{said:?}");
    program.succeeds(&["catalogue", "remove", "things"]);
    let said = program.succeeds(&["check", "x.json"]);
    assert!(said.stderr.contains("the catalogue has no operation POST /things of `things`"), "{said:?}");
    assert_eq!(std::fs::read_dir(program.path("data/http-task/catalogue/documents")).unwrap().count(), 0);
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

/// What the stand-in does not play, as it says itself: searches, sources, users and conversions.
const NOT_PLAYED: [&str; 6] =
    ["searchLeads", "searchLeadsV2", "getLeadSources", "getLeadUsers", "convertLeadToDeal", "getLeadConversionStatus"];

#[test]
fn every_operation_that_the_stand_in_plays_works_as_it_is_prepared() {
    let document = Catalogue::built_in().document("pipedrive").unwrap().unwrap();
    let mut played = 0;
    for entry in &document.entries {
        let id = entry.id.as_deref().unwrap();
        let program = Program::new();
        program.succeeds(&["add", "x.json", id]);
        program.succeeds(&["check", "x.json"]);
        let said = program.run(&["test", "x.json", "--stand-in", "--json"]);
        let report: Value = serde_json::from_str(&said.stdout).unwrap();
        if NOT_PLAYED.contains(&id) {
            assert_eq!(report["response"]["status"], 501, "{id}: {said:?}");
            continue;
        }
        assert_eq!((&report["outcome"], &report["differences"]), (&json!("completed"), &json!([])), "{id}: {said:?}");
        played += 1;
    }
    assert_eq!(played, document.entries.len() - NOT_PLAYED.len());
}

/// The request that an operation of a real document is prepared to, as the component sends it.
fn sent(program: &Program, operation: &str, options: &[&str], input: &str) -> Value {
    let name = format!("{}.json", operation.replace('/', "-"));
    program.succeeds(&[&["add", &name, operation][..], options].concat());
    let said = program.succeeds(&["test", &name, "--offline", "--json", "--input", input]);
    serde_json::from_str::<Value>(&said.stdout).unwrap()["request"].clone()
}

#[test]
fn queries_forms_and_repeated_names_are_sent_as_real_apis_take_them() {
    let Some(folder) = documents() else { return };
    let program = Program::new();
    for (name, file, _) in DOCUMENTS {
        program.succeeds(&["catalogue", "add", &folder.join(file).display().to_string(), "--name", name]);
    }
    let form = |request: &Value| request["body"].as_str().unwrap().to_owned();
    // A form of Swagger 2.0; the token is the credentials' to add.
    let request = sent(&program, "slack/chat_postMessage", &["--field", "text"], r#"{"text": "a & b", "x": 1}"#);
    assert_eq!((&request["method"], &request["credentials"]), (&json!("POST"), &json!("slack")));
    assert_eq!(form(&request), "channel=channel&text=a+%26+b");
    // A form of OpenAPI 3.0.
    let request =
        sent(&program, "box/post_oauth2_revoke", &["--field", "token"], r#"{"token": "t+1", "grant_type": "x"}"#);
    assert_eq!(request["url"], "https://api.box.com/oauth2/revoke");
    assert!(form(&request).contains("token=t%2B1"), "{request}");
    // A list within one value, and one that repeats its name.
    let request = sent(&program, "box/get_files_id", &["--field", "fields"], r#"{"fields": "id,name"}"#);
    assert_eq!(request["url"], "https://api.box.com/2.0/files/12345?fields=id%2Cname");
    let request = sent(&program, "petstore/findPetsByTags", &["--field", "tags"], r#"{"tags": ["a b", "c"]}"#);
    assert!(request["url"].as_str().unwrap().ends_with("/pet/findByTags?tags=a%20b&tags=c"), "{request}");
    // Content that is a list, of a media type of its own.
    let request = sent(&program, "box/put_files_id_metadata_global_boxSkillsCards", &[], "{}");
    assert!(request["headers"].to_string().contains("application/json-patch+json"), "{request}");
    assert!(request["body"].is_array(), "{request}");
    let said = program.run(&["add", "x.json", "box/post_files_content"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("content as multipart/form-data is not supported"), "{said:?}");
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
