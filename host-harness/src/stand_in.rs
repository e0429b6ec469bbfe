//! A loopback Pipedrive, for trying and for testing: it speaks HTTP on a port of its own, knows a few leads, and keeps
//! exactly what it received. What the known facts do not describe it answers with 501 and says so.

mod answer;
mod assumption;
mod budget;
mod custom;
mod fault;
mod labels;
mod lead;
mod leads;
mod oauth;
mod pipedrive;
mod rules;
mod script;
mod seed;
mod wire;

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use self::answer::Answer;
pub use self::assumption::Assumption;
pub use self::budget::Plan;
pub use self::fault::Fault;
use self::fault::{Ending, Reply};
pub use self::oauth::OauthClient;
use self::oauth::{Oauth, made_up};
use self::pipedrive::Pipedrive;
pub use self::script::{Line, Script, ScriptError};
pub use self::seed::Seed;
use self::wire::{Heard, Wire};
use crate::redaction::Secret;

/// A running stand-in. Dropping it ends it.
pub struct StandIn {
    address: SocketAddr,
    token: String,
    pipedrive: Arc<Mutex<Pipedrive>>,
    received: watch::Sender<Vec<Received>>,
    script: Arc<Mutex<Script>>,
    listening: Listening,
}

/// What a stand-in is to be.
#[derive(Default)]
pub struct Setup {
    /// Of the loopback address; 0 for any that is free.
    pub port: u16,
    /// What is done with the requests.
    pub script: Script,
    /// What the model begins with.
    pub seed: Seed,
    /// Each refresh token is good once, and another one comes with the access token.
    pub replaces_refresh_tokens: bool,
}

impl<S: Into<Script>> From<S> for Setup {
    fn from(script: S) -> Self {
        Self { script: script.into(), ..Self::default() }
    }
}

impl From<Seed> for Setup {
    fn from(seed: Seed) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// What becomes of connections.
enum Listening {
    Accepted(AbortHandle),
    /// The port is this socket's, and nobody listens on it.
    Refused(#[expect(dead_code, reason = "it holds the port")] TcpSocket),
}

/// Connections that may wait to be accepted: more than any test opens at once.
const BACKLOG: u32 = 1024;

/// One request, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Request line and header fields, as they came over the wire, up to the empty line.
    pub head: String,
    /// The content.
    pub body: Vec<u8>,
}

impl StandIn {
    /// Starts one. Each request uses a line of the script.
    pub async fn start(setup: impl Into<Setup>) -> io::Result<Self> {
        let Setup { port, script, seed, replaces_refresh_tokens } = setup.into();
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
        let address = socket.local_addr()?;
        let token = made_up("api-token");
        let oauth = Oauth::new(format!("http://{address}"), replaces_refresh_tokens);
        let received = watch::Sender::default();
        let refuses = script.refuses();
        let script = Arc::new(Mutex::new(script));
        let pipedrive = Arc::new(Mutex::new(Pipedrive::new(token.clone(), oauth, seed)));
        let serving =
            Serving { pipedrive: Arc::clone(&pipedrive), received: received.clone(), script: Arc::clone(&script) };
        let listening = if refuses {
            Listening::Refused(socket)
        } else {
            Listening::Accepted(tokio::spawn(accept(socket.listen(BACKLOG)?, serving)).abort_handle())
        };
        Ok(Self { address, token, pipedrive, received, script, listening })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The one API token that it accepts, made up when it started.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What gets access tokens from `POST /oauth/token`.
    pub fn oauth_client(&self) -> OauthClient {
        lock(&self.pipedrive).oauth.client()
    }

    /// An OAuth access token that it accepts for an hour.
    pub fn access_token(&self) -> String {
        lock(&self.pipedrive).oauth.give(SystemTime::now())
    }

    /// From now on it accepts none of the access tokens that it has given.
    pub fn expire_access_tokens(&self) {
        lock(&self.pipedrive).oauth.expire();
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.token.clone())
    }

    /// All that it has received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// What it has received after the first so many requests.
    pub fn received_since(&self, requests: usize) -> Vec<Received> {
        self.received.borrow().get(requests..).unwrap_or_default().to_vec()
    }

    /// Waits until it has received so many requests.
    pub async fn has_received(&self, requests: usize) {
        // The sender is this stand-in's own, and so outlives the wait.
        let _ = self.received.subscribe().wait_for(|received| received.len() >= requests).await;
    }

    /// The lines of its script that no request has used.
    pub fn unused(&self) -> Vec<Line> {
        lock(&self.script).unused()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Listening::Accepted(accepting) = &self.listening {
            accepting.abort();
        }
    }
}

#[derive(Clone)]
struct Serving {
    pipedrive: Arc<Mutex<Pipedrive>>,
    received: watch::Sender<Vec<Received>>,
    script: Arc<Mutex<Script>>,
}

async fn accept(listener: TcpListener, serving: Serving) {
    // A task per connection, in a set that ends with this one.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, serving.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, serving: Serving) {
    let wire = Wire::default();
    let service = service_fn(|request| {
        let (serving, wire) = (serving.clone(), wire.clone());
        Box::pin(async move { serving.answer(request, &wire).await })
    });
    let stream = TokioIo::new(Heard { stream, wire: wire.clone() });
    let mut connection = http1::Builder::new().serve_connection(stream, service);
    // A client that goes away mid-answer is its own affair.
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let Err(error) = ended else { return };
    let Some(Broken(bytes, ending)) = error.source().and_then(|source| source.downcast_ref()) else { return };
    let mut stream = connection.into_parts().io.into_inner().stream;
    let _ = stream.write_all(bytes).await;
    match ending {
        Ending::Close => {
            let _ = stream.shutdown().await;
        }
        // What is dropped with no time to linger is reset.
        Ending::Reset => {
            let _ = stream.set_zero_linger();
        }
    }
}

type AnswerBody = BoxBody<Bytes, io::Error>;

/// What is not to be answered in HTTP: the connection is taken from it.
#[derive(Debug)]
struct Broken(Bytes, Ending);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script breaks the connection")
    }
}

impl Error for Broken {}

impl Serving {
    async fn answer(&self, request: Request<Incoming>, wire: &Wire) -> Result<Response<AnswerBody>, Broken> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Ok(Answer::not_modelled("a request that ends before its content does").into_response());
        };
        let body = body.to_bytes();
        let received = Received { head: wire.take_head(), body: body.to_vec() };
        let mut line = Line::Model;
        // Together, so that the lines of the script are used in the order in which requests are noted.
        self.received.send_modify(|all| {
            line = lock(&self.script).next();
            all.push(received);
        });
        let now = SystemTime::now();
        match line {
            Line::Model => Ok(lock(&self.pipedrive).answer(&head, &body, now).into_response()),
            Line::Answer(answer) => Ok(answer.into_response()),
            Line::Fault(fault) => match fault.reply(now) {
                Reply::Http(response) => Ok(response),
                Reply::Wire(bytes, ending) => Err(Broken(bytes, ending)),
                Reply::Silence => std::future::pending().await,
            },
        }
    }
}

fn whole(body: impl Into<Bytes>) -> AnswerBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
