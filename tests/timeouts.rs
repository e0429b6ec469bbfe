//! Every part of an exchange has its time, and the failure says which of them was over.

mod loaded;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use http_task_host::component::{Failure, Run};
use http_task_host::credentials::Credentials;
use http_task_host::grants::{Grant, Grants};
use http_task_host::redaction::Redactor;
use http_task_host::report::reason_of;
use http_task_host::stand_in::Fault;
use http_task_host::transport::{Resolve, Resolving, Transport};
use http_task_host::{Egress, Limits};
use loaded::{NO_CONTEXT, load, server};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Has no answer, ever.
struct Silent;

impl Resolve for Silent {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(std::future::pending())
    }
}

const SHORT: Duration = Duration::from_millis(300);

/// A POST there, with both timeouts of the definition at 1 second, by a host whose limits are these.
async fn post(origin: &str, set: impl FnOnce(&mut Limits)) -> (Run, Duration) {
    let mut limits = Limits::default();
    set(&mut limits);
    let grants = Grants::new([Grant::of_origin(&origin.parse().unwrap())]);
    let transport = Transport::default().resolver(Silent);
    let egress = Egress::by(transport, grants, Credentials::default(), Redactor::default()).unwrap();
    let host = load(egress, limits);
    let definition = format!(
        r#"{{"httpRequest": {{"method": "POST", "url": "{origin}/"}}, "connectionTimeoutSeconds": 1, "readTimeoutSeconds": 1}}"#
    );
    let started = Instant::now();
    let run = host.run(&definition, "{}", &NO_CONTEXT).await;
    (run, started.elapsed())
}

/// What the failure says, and what the host saw.
fn told((run, took): &(Run, Duration)) -> (&str, &str) {
    assert!(*took < Duration::from_secs(10), "{took:?}");
    let reason = run.outcome.as_ref().err().map_or("", reason_of);
    (reason, run.exchange.as_ref().and_then(|exchange| exchange.trouble.as_deref()).unwrap_or_default())
}

fn has_no_effect((run, _): &(Run, Duration)) -> bool {
    matches!(&run.outcome, Err(Failure::Temporary(_))) && !run.was_sent()
}

/// Listens, and accepts nobody: once its backlog is full, who connects hears nothing more.
struct Full {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
            waiting.push(stream);
        }
        Self { address, _listener: listener, _waiting: waiting }
    }
}

#[tokio::test]
async fn resolving_has_its_time() {
    let run = post("https://silent.example", |limits| limits.resolving = SHORT).await;
    let reason = "the server's name was not resolved in time";
    assert_eq!(told(&run), (reason, "resolving the name took longer than 0.3 s"));
    assert!(has_no_effect(&run));
    let run = post("https://silent.example", |_| {}).await;
    assert_eq!(told(&run), (reason, "resolving the name took longer than 1 s"), "the definition's is shorter");
}

#[tokio::test]
async fn connecting_has_its_time() {
    let full = Full::new().await;
    let run = post(&format!("http://{}", full.address), |_| {}).await;
    let reason = "no connection within 1 s (connectionTimeoutSeconds)";
    assert_eq!(told(&run), (reason, "connecting took longer than 1 s"));
    assert!(has_no_effect(&run));
}

#[tokio::test]
async fn the_tls_handshake_has_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let run = post(&format!("https://{address}"), |limits| limits.securing = SHORT).await;
    assert_eq!(told(&run), ("no TLS connection came about", "the TLS handshake took longer than 0.3 s"));
    assert!(has_no_effect(&run));
}

#[tokio::test]
async fn the_first_byte_and_the_pauses_and_all_of_it_have_their_times() {
    let lost = "sent, then nothing for 1 s (readTimeoutSeconds)";
    for (fault, reason, trouble) in [
        (Fault::HangBeforeHead, lost, "no answer began within 1 s"),
        (Fault::HangInBody, lost, "the answer stopped for 1 s"),
        (Fault::SlowDrip, "sent, then the host's deadline passed", "the deadline of the call passed"),
    ] {
        let server = server(fault).await;
        let run =
            post(&format!("http://{}", server.address()), |limits| limits.deadline = Duration::from_secs(2)).await;
        assert_eq!(told(&run), (reason, trouble));
        assert!(matches!(run.0.outcome, Err(Failure::PermanentUnknown(_))) && run.0.was_sent());
    }
}
