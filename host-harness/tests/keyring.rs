//! Secrets in the system's keyring: a keyring of this test's own, on a bus of its own, as a desktop of Linux has them.

#![cfg(target_os = "linux")]

mod program;

use http_task_host::stand_in::{Setup, StandIn};
use program::{Program, definition};

/// Opens a keyring that is in the folder of the test alone, puts in what the test has, and has it used. What is said goes to a
/// file: the bus starts a daemon of its own accord, which has something to say as well.
const SESSION: &str = r#"
set -eu
export HOME="$PWD" XDG_DATA_HOME="$PWD/data"
store() { printf %s "$1" | secret-tool store --label="$2" service http-task username "$2"; }
printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null
store "$TOKEN" token
store "$CLIENT_SECRET" client
store "$REFRESH_TOKEN" refresh
"$HTTP_TASK" credentials check >said
"$HTTP_TASK" test token.json >/dev/null
"$HTTP_TASK" test oauth.json >/dev/null
secret-tool lookup service http-task username refresh >>said
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_gives_its_secrets_and_keeps_the_refresh_token_that_takes_the_place_of_another() {
    let server = StandIn::start(Setup { replaces_refresh_tokens: true, ..Setup::default() }).await.unwrap();
    let client = server.oauth_client();
    let program = Program::new()
        .env("HTTP_TASK", env!("CARGO_BIN_EXE_http-task"))
        .env("TOKEN", server.token())
        .env("CLIENT_SECRET", &client.client_secret)
        .env("REFRESH_TOKEN", &client.refresh_token);
    let parts = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
    if let Some(absent) = parts.iter().find(|part| !program.shell(&format!("command -v {part}")).status.success()) {
        return program::skip(&format!("{absent} is not installed"));
    }
    let origin = format!("http://{}", server.address());
    let url = format!("{origin}/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec");
    for name in ["token", "oauth"] {
        let request = format!(r#""credentials": "{name}", "httpRequest": {{"method": "GET", "url": "{url}"}}"#);
        program.write(&format!("{name}.json"), &definition(&request));
        program.succeeds(&["grant", &format!("{name}.json")]);
    }
    let token = ["--kind", "header", "--header", "x-api-token", "--secret", "keyring:http-task/token"];
    program.succeeds(&[&["credentials", "add", "token", "--origin", &origin], &token[..]].concat());
    let oauth =
        ["--kind", "oauth-refresh-token", "--client-secret", "keyring:http-task/client", "--network", "loopback"];
    let asked = ["--refresh-token", "keyring:http-task/refresh", "--client-id", &client.client_id];
    let at = ["--token-url", &format!("{origin}/oauth/token")];
    program.succeeds(&[&["credentials", "add", "oauth", "--origin", &origin], &oauth[..], &asked, &at].concat());

    program.write("session.sh", SESSION);
    let ran = program.shell("dbus-run-session -- sh session.sh");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = program.read("said");
    let kept = server.oauth_client().refresh_token;
    assert_eq!(said, format!("oauth: usable\ntoken: usable\n{kept}"));
    assert_ne!(kept, client.refresh_token);
}

#[test]
fn without_a_keyring_it_is_said_that_there_is_none() {
    let program = Program::new().env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    let add = ["credentials", "add", "mine", "--kind", "bearer", "--secret", "keyring:http-task/mine"];
    program.succeeds(&[&add[..], &["--origin", "https://a.example"]].concat());
    let said = program.run(&["credentials", "check"]);
    assert_eq!(said.code, Some(1));
    let told = "mine: the secret of the credentials `mine` cannot be used: the keyring's entry http-task/mine cannot be read: no \
                keyring runs in this session\nhint: secret-tool store --label=http-task service http-task username mine\n";
    assert_eq!(said.stdout, told);
}
