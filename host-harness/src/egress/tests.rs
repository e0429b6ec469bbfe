//! What a component of somebody else's may ask for, without one of ours in between: a credential aimed elsewhere.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::WasiHttpHooks;

use super::*;
use crate::origin::Origin;
use crate::stand_in::Script;

const GRANTS: &str = r#"
[[grants]]
host = "api.example.com"
methods = ["PATCH"]
path = "/v1/leads/{id}"
credentials = ["mine"]

[[grants]]
host = "*.example.org"
methods = ["PATCH"]
path = "/**"
credentials = ["mine", "theirs"]
"#;

const CREDENTIALS: &str = r#"
[credentials.mine]
kind = "header"
header = "x-api-token"
secret = { env = "PATH" }
origins = ["https://api.example.com"]

[credentials.theirs]
kind = "bearer"
secret = { env = "PATH" }
origins = ["https://api.example.com", "https://their.example.org"]
"#;

fn egress() -> Egress {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let grants = Grants::read(&write("grants.toml", GRANTS)).unwrap();
    let credentials = Credentials::read(&write("credentials.toml", CREDENTIALS)).unwrap();
    Egress::new(grants, credentials, Redactor::default()).unwrap()
}

fn request(url: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::patch(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

async fn permitted(egress: &Egress, request: Request<()>) -> Result<Permitted<()>, Refusal> {
    let deadline = Instant::now() + Limits::default().deadline;
    let way = egress.way(&Limits::default()).unwrap();
    permit(egress, request, &way, deadline, &mut Decisions::default()).await.map_err(|unavailable| match unavailable {
        Unavailable::Refused(refusal) => refusal,
        Unavailable::ForNow { reason, .. } => panic!("{reason}"),
    })
}

const MINE: (&str, &str) = ("x-http-task-credentials", "mine");

#[tokio::test]
async fn what_is_sent_is_what_was_compared_with_the_credential_of_the_host_and_no_other() {
    let secret = std::env::var("PATH").unwrap();
    let egress = egress();
    for url in [
        "https://api.example.com/v1/leads/7",
        "https://API.Example.COM:443/v1/leads/7",
        "https://api.example.com/v1/x/../leads/7",
        "https://api.example.com/v1/%2e%2E/v1/leads/./7",
    ] {
        let forged = [MINE, ("x-api-token", "forged"), ("x-api-token", "twice"), ("host", "evil.example")];
        let permitted = permitted(&egress, request(url, &forged)).await;
        let request = permitted.unwrap_or_else(|refusal| panic!("{url}: {refusal:?}")).request;
        assert_eq!(request.uri(), "https://api.example.com/v1/leads/7", "{url}");
        let all =
            |name| request.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(all("x-api-token"), [&secret], "{url}");
        assert_eq!(all("host"), ["api.example.com"], "{url}");
        assert_eq!(all("x-http-task-credentials"), [""; 0], "{url}");
    }
}

#[tokio::test]
async fn a_call_sends_one_request_and_no_second_one() {
    let server = StandIn::start(Script::default()).await.unwrap();
    let origin: Origin = format!("http://{}", server.address()).parse().unwrap();
    let grants = Grants::for_origins([origin.clone()]);
    let egress = Arc::new(Egress::new(grants, Credentials::default(), Redactor::default()).unwrap());
    let mut call = CallEgress::new(egress, &Limits::default(), false);
    let record = call.record();
    let mut send = || {
        let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(format!("{origin}/x")).body(body).unwrap();
        Box::into_pin(call.send_request(request, None, Box::new(std::future::ready(Ok(())))))
    };
    let (first, second) = (send(), send());
    assert!(first.await.is_ok());
    assert!(matches!(second.await, Err(wasmtime_wasi_http::Error::HttpRequestDenied)));
    assert_eq!(server.received().len(), 1);
    let record = record.lock().unwrap();
    assert!(record.exchange.as_ref().is_some_and(|exchange| exchange.left && exchange.received.is_some()));
    assert!(record.refusal.as_ref().is_some_and(|refusal| refusal.message.contains("one call sends one request")));
}

#[tokio::test]
async fn a_credential_cannot_be_aimed_elsewhere() {
    const LEAD: &str = "https://api.example.com/v1/leads/7";
    let egress = egress();
    let theirs = ("x-http-task-credentials", "theirs");
    for (url, headers, why) in [
        ("https://api.example.com:8443/v1/leads/7", &[MINE][..], "names https://api.example.com:8443"),
        ("http://api.example.com/v1/leads/7", &[MINE], "names http://api.example.com"),
        ("http://api.example.com:443/v1/leads/7", &[MINE], "names http://api.example.com:443"),
        ("https://api.example.com@evil.example/v1/leads/7", &[MINE], "carries a user"),
        ("https://evil.example@api.example.com/v1/leads/7", &[MINE], "carries a user"),
        ("https://api.example.com./v1/leads/7", &[MINE], "ends with a dot"),
        ("https://api.example.com.evil.example/v1/leads/7", &[MINE], "names https://api.example.com.evil.example"),
        ("https://xapi.example.com/v1/leads/7", &[MINE], "names https://xapi.example.com"),
        ("https://api.example.com/v1/leads/..%2f..%2fadmin", &[MINE], "hides a `.` or `..`"),
        ("https://api.example.com/v1/leads/%252e%252e", &[MINE], "hides a `.` or `..`"),
        ("https://api.example.com/v1/leads/7/../../admin", &[MINE], "allows PATCH /v1/admin"),
        ("https://api.example.com/v1/leads/7/", &[MINE], "allows PATCH /v1/leads/7/"),
        ("https://api.example.com/v1%2fleads/7", &[MINE], "allows PATCH /v1%2Fleads/7"),
        ("https://api.example.com//v1/leads/7", &[MINE], "allows PATCH //v1/leads/7"),
        // Granted, and not bound there.
        ("https://my.example.org/v1/leads/7", &[MINE], "`mine` are not bound to https://my.example.org"),
        // Bound, and not granted there: another task's.
        (LEAD, &[theirs], "lets the credentials `theirs` be used"),
        (LEAD, &[MINE, theirs], "names credentials more than once"),
        (LEAD, &[MINE, MINE], "names credentials more than once"),
        (LEAD, &[("x-http-task-credentials", "mine, theirs")], "lets the credentials `mine, theirs` be used"),
        (LEAD, &[("x-http-task-credentials", "")], "lets the credentials `` be used"),
        (LEAD, &[("X-HTTP-TASK-CREDENTIALS", "Mine")], "lets the credentials `Mine` be used"),
    ] {
        let refusal = permitted(&egress, request(url, headers)).await.err();
        let refusal = refusal.unwrap_or_else(|| panic!("{url} {headers:?}"));
        assert!(refusal.message.contains(why), "{url}: {}", refusal.message);
    }
}
