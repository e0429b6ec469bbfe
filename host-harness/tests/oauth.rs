//! Tokens: got once for many, got anew when an API takes them no more, kept when they are replaced. The stand-in is token
//! server and API in one.

mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_task_host::component::{Context, Effect, Failure, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::Grants;
use http_task_host::redaction::Redactor;
use http_task_host::report::{outcome_name, reason_of};
use http_task_host::stand_in::{Fault, Script, Setup, StandIn};
use http_task_host::{COMPONENT, Egress, HttpTask, Limits};
use tempfile::TempDir;

/// As many as one refresh must serve.
const TASKS: usize = 64;

/// A server, the credentials for it in a folder of their own, and a host.
struct Stage {
    server: StandIn,
    folder: TempDir,
    entry: String,
    limits: Limits,
}

impl Stage {
    async fn new(setup: impl Into<Setup>) -> Self {
        let server = StandIn::start(setup).await.unwrap();
        let client = server.oauth_client();
        let origin = format!("http://{}", server.address());
        let stage = Self {
            entry: format!(
                "[credentials.crm]\nkind = \"oauth-refresh-token\"\ntoken_url = \"{origin}/oauth/token\"\n\
                 client_id = \"{}\"\nclient_secret = {{ file = \"client-secret\" }}\n\
                 refresh_token = {{ file = \"refresh-token\" }}\nnetworks = [\"loopback\"]\norigins = [\"{origin}\"]\n",
                client.client_id
            ),
            server,
            folder: tempfile::tempdir().unwrap(),
            limits: Limits::default(),
        };
        stage.write("client-secret", &client.client_secret);
        stage.write("refresh-token", &client.refresh_token);
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        self.shell(&format!("chmod 600 {name}"));
    }

    fn shell(&self, line: &str) {
        let ran = std::process::Command::new("sh").args(["-c", line]).current_dir(self.folder.path()).status();
        assert!(ran.unwrap().success(), "{line}");
    }

    fn host(&self) -> Arc<HttpTask> {
        self.write("credentials.toml", &self.entry);
        let grants = Grants::for_origins([format!("http://{}", self.server.address()).parse().unwrap()]);
        let credentials = Credentials::read(&self.path("credentials.toml")).unwrap();
        let egress = Egress::new(grants, credentials, Redactor::default()).unwrap();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        Arc::new(HttpTask::load(COMPONENT, Some(&cache), egress, self.limits.clone()).unwrap())
    }

    /// Reads a lead with the credentials.
    async fn run(&self, host: &HttpTask) -> Run {
        let url = format!("http://{}/v1/leads/adf21080-0e10-11eb-879b-05d71fb426ec", self.server.address());
        let definition = format!(r#"{{"credentials": "crm", "httpRequest": {{"method": "GET", "url": "{url}"}}}}"#);
        host.run(&definition, "{}", &Context { idempotency_key: None }).await
    }

    async fn run_many(&self, host: &HttpTask) -> Vec<Run> {
        join_all((0..TASKS).map(|_| self.run(host))).await
    }

    /// How often a token was asked for, and how often the API was.
    fn asked(&self) -> (usize, usize) {
        let received = self.server.received();
        let tokens = received.iter().filter(|request| request.head.starts_with("POST /oauth/token")).count();
        (tokens, received.len() - tokens)
    }
}

/// The outcome, and when a repeat is right.
fn short(run: &Run) -> (&'static str, Option<u64>) {
    match &run.outcome {
        Err(Failure::Temporary(temporary)) => {
            assert_eq!(temporary.effect, Effect::None);
            ("temporary", temporary.retry_after_seconds)
        }
        outcome => (outcome_name(outcome), None),
    }
}

fn reason(run: &Run) -> &str {
    run.outcome.as_ref().err().map_or("", reason_of)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_with_an_expired_token_make_one_refresh_and_are_told_to_repeat_at_once() {
    let stage = Stage::new(Setup::default()).await;
    let host = stage.host();
    let runs = stage.run_many(&host).await;
    assert!(runs.iter().all(|run| short(run) == ("completed", None)), "{:?}", runs[0].outcome);
    assert_eq!(stage.asked(), (1, TASKS), "the first token is got once as well");

    stage.server.expire_access_tokens();
    let runs = stage.run_many(&host).await;
    let repeats = runs.iter().filter(|run| short(run) == ("temporary", Some(0))).count();
    // Who comes late finds the new token.
    assert!(repeats > 0 && runs.iter().all(|run| matches!(short(run), ("temporary", Some(0)) | ("completed", None))));
    assert!(
        runs.iter().filter(|run| run.outcome.is_err()).all(|run| reason(run).ends_with("have just been refreshed"))
    );
    assert_eq!(stage.asked(), (2, 2 * TASKS));

    assert_eq!(short(&stage.run(&host).await), ("completed", None));
    assert_eq!(stage.asked(), (2, 2 * TASKS + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_is_refused_is_told_to_all_who_waited_and_nothing_is_sent() {
    let refusal = "400\n  content-type: application/json\n  | {\"error\": \"invalid_grant\", \"error_description\": \"revoked\"}\n";
    let stage = Stage::new(Script::parse(refusal).unwrap()).await;
    let (host, started) = (stage.host(), Instant::now());
    let runs = stage.run_many(&host).await;
    let told = format!(
        "the secret of the credentials `crm` cannot be used: the token server http://{} answered 400, invalid_grant: revoked",
        stage.server.address()
    );
    assert!(runs.iter().all(|run| short(run).0 == "permanent-denied" && reason(run) == told), "{:?}", runs[0].outcome);
    // Who comes a second later may ask once more.
    let (tokens, sent) = stage.asked();
    assert!(tokens <= 1 + started.elapsed().as_secs() as usize && sent == 0, "{tokens} {sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_on_a_closed_network_is_not_asked() {
    let mut stage = Stage::new(Setup::default()).await;
    stage.entry = stage.entry.replace("networks = [\"loopback\"]\n", "");
    let run = stage.run(&stage.host()).await;
    let Err(Failure::PermanentDenied(denial)) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert!(denial.message.ends_with("127.0.0.1 is on the closed network `loopback`"), "{}", denial.message);
    assert_eq!(denial.hint.as_deref(), Some("networks = [\"loopback\"] # of these credentials"));
    assert_eq!(stage.asked(), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_that_fails_or_hangs_makes_tasks_temporary_and_nothing_is_sent() {
    for (fault, why, wait) in [
        (Fault::HangBeforeHead, " gave no answer within 0.5 s", None),
        (Fault::Close, "gave no answer: the exchange broke", None),
        (Fault::Refuse, "gave no answer: connecting failed", None),
        (Fault::Unavailable, "answered 503", Some(3939)),
        (Fault::BurstLimit, "answered 429", Some(90)),
    ] {
        let mut stage = Stage::new(Script::from(fault)).await;
        stage.limits.token = Duration::from_millis(500);
        let host = stage.host();
        let started = Instant::now();
        let runs = stage.run_many(&host).await;
        for run in &runs {
            assert_eq!(short(run), ("temporary", wait), "{fault:?}");
            assert!(reason(run).contains(why), "{fault:?}: {}", reason(run));
            assert!(!run.was_sent());
        }
        let (tokens, sent) = stage.asked();
        assert!(tokens <= 1 + started.elapsed().as_secs() as usize && sent == 0, "{fault:?} {tokens} {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_api_never_took_is_not_got_again() {
    let stage = Stage::new(Script::parse("model\nunauthorized\nunauthorized\n").unwrap()).await;
    let host = stage.host();
    for _ in 0..2 {
        assert_eq!(short(&stage.run(&host).await), ("permanent-rejected", None));
    }
    assert_eq!(stage.asked(), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_after_the_other_is_no_reason_for_one_token_after_the_other() {
    // One task is always refused, though others are not.
    let stage =
        Stage::new(Script::parse("model\nmodel\nunauthorized\nmodel\nmodel\nunauthorized\nunauthorized\n").unwrap())
            .await;
    let host = stage.host();
    assert_eq!(short(&stage.run(&host).await), ("completed", None));
    assert_eq!(short(&stage.run(&host).await), ("temporary", Some(0)));
    assert_eq!(short(&stage.run(&host).await), ("completed", None));
    for _ in 0..2 {
        assert_eq!(short(&stage.run(&host).await), ("permanent-rejected", None));
    }
    assert_eq!(stage.asked(), (2, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_that_cannot_be_refreshed_now_is_temporary_and_used_no_more() {
    let stage = Stage::new(Script::parse("model\nmodel\nunauthorized\nunavailable\n").unwrap()).await;
    let host = stage.host();
    assert_eq!(short(&stage.run(&host).await), ("completed", None));
    let refused = stage.run(&host).await;
    assert_eq!(short(&refused), ("temporary", Some(3939)));
    let why = format!("the API answered 401, and the token server http://{} answered 503", stage.server.address());
    assert_eq!(reason(&refused), why);
    let next = stage.run(&host).await;
    assert_eq!((short(&next), next.was_sent()), (("temporary", Some(3939)), false));
    assert_eq!(stage.asked(), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_refresh_token_does_not_take_the_place_of_the_one_that_there_is() {
    let answer =
        "200\n  content-type: application/json\n  | {\"access_token\": \"a-token\", \"refresh_token\": \"\"}\n200\n";
    let stage = Stage::new(Script::parse(answer).unwrap()).await;
    assert_eq!(short(&stage.run(&stage.host()).await), ("completed", None));
    assert_eq!(
        std::fs::read_to_string(stage.path("refresh-token")).unwrap(),
        stage.server.oauth_client().refresh_token
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_replaced_is_kept_before_its_access_token_is_used() {
    let mut stage = Stage::new(Setup { replaces_refresh_tokens: true, ..Setup::default() }).await;
    stage.limits.refresh_pause = Duration::ZERO;
    let first = std::fs::read_to_string(stage.path("refresh-token")).unwrap();
    let host = stage.host();
    for refreshes in 1..=3 {
        assert_eq!(short(&stage.run(&host).await), ("completed", None));
        let kept = std::fs::read_to_string(stage.path("refresh-token")).unwrap();
        assert_eq!(kept.trim_end(), stage.server.oauth_client().refresh_token);
        assert_ne!(kept.trim_end(), first);
        stage.shell("test $(stat -c %a refresh-token 2>/dev/null || stat -f %Lp refresh-token) = 600");
        stage.server.expire_access_tokens();
        assert_eq!(short(&stage.run(&host).await), ("temporary", Some(0)));
        assert_eq!(stage.asked().0, refreshes + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_share_a_file_use_up_no_refresh_token_twice() {
    let mut stage = Stage::new(Setup { replaces_refresh_tokens: true, ..Setup::default() }).await;
    stage.limits.refresh_pause = Duration::ZERO;
    let hosts = [stage.host(), stage.host(), stage.host(), stage.host()];
    for _ in 0..3 {
        stage.server.expire_access_tokens();
        for expected in [&[("completed", None), ("temporary", Some(0))][..], &[("completed", None)]] {
            let runs = join_all(hosts.iter().map(|host| stage.run(host))).await;
            assert!(
                runs.iter().all(|run| expected.contains(&short(run))),
                "{:?}",
                runs.iter().map(short).collect::<Vec<_>>()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_cannot_be_written_is_kept_as_long_as_the_host_lives() {
    let mut stage = Stage::new(Setup { replaces_refresh_tokens: true, ..Setup::default() }).await;
    stage.limits.refresh_pause = Duration::ZERO;
    stage.entry = stage.entry.replace(
        "refresh_token = { file = \"refresh-token\" }",
        &format!("refresh_token = {{ command = [\"cat\", \"{}\"] }}", stage.path("refresh-token").display()),
    );
    let host = stage.host();
    for _ in 0..3 {
        assert_eq!(short(&stage.run(&host).await), ("completed", None));
        stage.server.expire_access_tokens();
        assert_eq!(short(&stage.run(&host).await), ("temporary", Some(0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_the_client_itself_is_asked_for_as_the_server_wants() {
    let answer = "200\n  content-type: application/json\n  | {\"access_token\": \"a-token-of-its-own\", \"token_type\": \"bearer\"}\n200\n";
    for (authentication, content) in [
        ("basic", "grant_type=client_credentials&scope=read+write"),
        ("form", "grant_type=client_credentials&scope=read+write&client_id=me+too&client_secret=s3cret%2F%26"),
    ] {
        let mut stage = Stage::new(Script::parse(answer).unwrap()).await;
        let origin = format!("http://{}", stage.server.address());
        stage.entry = format!(
            "[credentials.crm]\nkind = \"oauth-client-credentials\"\ntoken_url = \"{origin}/oauth/token\"\nclient_id = \"me too\"\n\
             client_secret = {{ file = \"client-secret\" }}\nclient_authentication = \"{authentication}\"\nscope = \"read write\"\nnetworks = [\"loopback\"]\n\
             origins = [\"{origin}\"]\n"
        );
        stage.write("client-secret", "s3cret/&\n");
        assert_eq!(short(&stage.run(&stage.host()).await), ("completed", None));
        let [token, api] = stage.server.received().try_into().unwrap();
        assert_eq!(String::from_utf8(token.body).unwrap(), content);
        // `me+too:s3cret%2F%26`, RFC 6749, section 2.3.1.
        let proof = token.head.contains("authorization: Basic bWUrdG9vOnMzY3JldCUyRiUyNg==\r\n");
        assert_eq!(proof, authentication == "basic", "{}", token.head);
        assert!(api.head.contains("authorization: Bearer a-token-of-its-own\r\n"), "{}", api.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_replaced_in_its_file_is_used_after_the_first_refusal() {
    let mut stage = Stage::new(Setup::default()).await;
    let origin = format!("http://{}", stage.server.address());
    stage.entry = format!(
        "[credentials.crm]\nkind = \"header\"\nheader = \"x-api-token\"\nsecret = {{ file = \"token\" }}\norigins = [\"{origin}\"]\n"
    );
    stage.write("token", "an-old-token");
    let host = stage.host();
    assert_eq!(short(&stage.run(&host).await), ("permanent-rejected", None), "there is no other");
    stage.write("token", stage.server.token());
    assert_eq!(short(&stage.run(&host).await), ("temporary", Some(0)));
    assert_eq!(short(&stage.run(&host).await), ("completed", None));
}
