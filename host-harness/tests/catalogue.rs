//! The catalogue on real documents: all of their operations are there, each can be prepared as a task that the component and
//! its own document take, or says why not. Documents that mean harm are in `documents.rs`.

mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_task_host::catalogue::{
    Call, Catalogue, Document, Pin, SearchIndex, Wishes, compare_request, digest, prepare,
};
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};
use program::{Program, skip};
use serde_json::{Value, json};

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
        ("create chat completoin", "openai/createChatCompletion"),
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
