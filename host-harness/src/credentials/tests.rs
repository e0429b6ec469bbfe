//! Credentials files, and what becomes of a request.

use http::Request;

use super::*;

const HEADER: &str = "[credentials.pipedrive]\nkind = \"header\"\nheader = \"x-api-token\"\nsecret = { env = \"PATH\" }\norigins = [\"https://api.pipedrive.com\"]\n";

/// One of each kind, and one source of each.
const ALL: &str = r#"[credentials.a]
kind = "query"
parameter = "api_token"
secret = { file = "/etc/secret" }
origins = ["https://a.example"]

[credentials.b]
kind = "basic"
user = "me"
secret = { command = ["pass", "show", "b"] }
origins = ["https://b.example", "https://c.example:8443"]

[credentials.c]
kind = "bearer"
secret = { keyring = { service = "http-task", account = "c" } }
origins = ["https://c.example"]

[credentials.d]
kind = "oauth-client-credentials"
token_url = "https://d.example/token"
client_id = "me"
client_secret = { env = "D_SECRET" }
client_authentication = "form"
scope = "read write"
networks = ["private"]
origins = ["https://d.example"]

[credentials.e]
kind = "oauth-refresh-token"
token_url = "http://127.0.0.1:8080/token"
client_id = "me"
refresh_token = { file = "/etc/refresh-token" }
origins = ["https://e.example"]
"#;

fn read(text: &str) -> Result<Credentials, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    std::fs::write(&path, text).unwrap();
    Credentials::read(&path)
}

fn check(credentials: &Credentials, reference: &str, origin: &str) -> Result<(), Refusal> {
    credentials.check(reference, &origin.parse().unwrap())
}

#[test]
fn a_reference_is_good_only_where_it_is_bound() {
    let credentials = read(HEADER).unwrap();
    assert_eq!(check(&credentials, "pipedrive", "https://api.pipedrive.com"), Ok(()));
    let refusal = check(&credentials, "pipedrive", "https://api.pipedrive.com.evil.example").unwrap_err();
    assert!(refusal.message.contains("not bound"), "{}", refusal.message);
    let refusal = check(&credentials, "other", "https://api.pipedrive.com").unwrap_err();
    assert!(refusal.message.contains("no credentials `other`"), "{}", refusal.message);
}

#[test]
fn an_unset_variable_is_a_refusal_that_names_it() {
    let credentials = read(&HEADER.replace("PATH", "HTTP_TASK_SURELY_UNSET")).unwrap();
    let refusal = check(&credentials, "pipedrive", "https://api.pipedrive.com").unwrap_err();
    assert_eq!(refusal.hint().as_deref(), Some("export HTTP_TASK_SURELY_UNSET=…"));
}

#[test]
fn what_is_added_is_what_is_read_and_what_is_removed_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    let written = format!("{ALL}\n{HEADER}");
    for (name, entry) in read(&written).unwrap().entries() {
        assert!(add(&path, name, entry).unwrap());
        assert!(!add(&path, name, entry).unwrap());
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
    assert!(remove(&path, "pipedrive").unwrap());
    assert!(!remove(&path, "pipedrive").unwrap());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), ALL);
}

#[test]
fn a_mistake_in_the_file_is_told_at_its_line_without_its_text() {
    for text in [
        HEADER.replace("{ env = \"PATH\" }", "\"hunter2hunter2\""),
        HEADER.replace("\"https://api.pipedrive.com\"", "\"hunter2\""),
        HEADER.replace("[\"https://api.pipedrive.com\"]", "[]"),
        HEADER.replace("env = \"PATH\"", "env = \"hunter2-hunter2\""),
        HEADER.replace("env = \"PATH\"", "given = \"hunter2-hunter2\""),
        HEADER.replace("env = \"PATH\"", "hunter2 = \"x\""),
        HEADER.replace("x-api-token", "host"),
        HEADER.replace("header = ", "headr = "),
        HEADER.replace("header = \"x-api-token\"\n", ""),
        HEADER.replace("\"header\"", "\"bearer\""),
        HEADER.replace("\"header\"", "\"hunter2\""),
        ALL.replace("\"me\"", "\"me:hunter2\""),
        ALL.replace("https://d.example/token", "http://d.example/hunter2"),
        ALL.replace("https://d.example/token", "https://me:hunter2@d.example/"),
        ALL.replace("client_secret = { env = \"D_SECRET\" }\n", ""),
    ] {
        let error = read(&text).err().unwrap_or_else(|| panic!("{text}"));
        assert!(error.line.is_some(), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_member_that_is_not_there_is_told_with_the_one_that_was_meant() {
    for (text, line, message) in [
        (HEADER.replace("header = ", "headr = "), 3, "there is no such member; did you mean `header`?"),
        (HEADER.replace("origins", "origin"), 5, "there is no such member; did you mean `origins`?"),
        (HEADER.replace("\"header\"", "\"headr\""), 2, "expected one of `header`, `query`, `basic`, `bearer`"),
    ] {
        let error = read(&text).err().unwrap();
        assert_eq!(error.line, Some(line), "{error}");
        assert!(error.message.starts_with(message), "{error}");
    }
    let error = read(&HEADER.replace("header = ", "hunter2 = ")).err().unwrap();
    assert!(error.message.starts_with("there is no such member, expected one of `kind`, `header`"), "{error}");
}

#[test]
fn all_that_does_not_fit_a_kind_is_told_at_once() {
    let error =
        read("[credentials.x]\nkind = \"query\"\nuser = \"me\"\nscope = \"all\"\norigins = []\n").err().unwrap();
    let told = "the kind `query` needs `parameter`; the kind `query` needs `secret`; the kind `query` has no `user`; \
                the kind `query` has no `scope`; credentials that are bound to no origin can go nowhere";
    assert_eq!(error.message, told);
}

fn put(kind: Kind, request: Request<()>) -> Request<()> {
    let mut request = request;
    let holder = Arc::new(Holder::of(Entry { kind, origins: Vec::new() }));
    Credential { reference: "mine".into(), holder, secret: Secret::new("s3cret/&".into()) }.put(&mut request).unwrap();
    request
}

#[test]
fn each_kind_stands_in_its_place_and_nothing_else_is_there() {
    let secret = SecretSource::Env("X".into());
    let forged = || {
        let url = "https://a.example/b?api_token=forged&x=1&api%5Ftoken=twice&api_token&y=%2F+";
        Request::get(url).header("x-api-token", "forged").header("authorization", "forged").body(()).unwrap()
    };
    let header = put(Kind::Header { header: "x-api-token".parse().unwrap(), secret: secret.clone() }, forged());
    assert_eq!(header.headers()["x-api-token"], "s3cret/&");
    let basic = put(Kind::Basic { user: "me".into(), secret: secret.clone() }, forged());
    assert_eq!(basic.headers()["authorization"], "Basic bWU6czNjcmV0LyY=");
    let bearer = put(Kind::Bearer { secret: secret.clone() }, forged());
    assert_eq!(bearer.headers()["authorization"], "Bearer s3cret/&");
    for request in [header, basic, bearer] {
        assert!(request.headers().values().any(|value| value.is_sensitive()));
        assert_eq!(request.uri(), forged().uri());
    }
    let query = put(Kind::Query { parameter: "api_token".into(), secret }, forged());
    assert_eq!(query.uri(), "https://a.example/b?x=1&y=%2F+&api_token=s3cret%2F%26");
}

#[test]
fn a_parameter_is_added_where_there_was_no_query() {
    let url = with_parameter(&"https://a.example".parse().unwrap(), "a b", "[redacted]").unwrap();
    assert_eq!(url, "https://a.example/?a%20b=[redacted]");
}
