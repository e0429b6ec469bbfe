//! A loopback Pipedrive, for trying and for testing: it speaks HTTP on a port of its own, knows a few leads, and keeps
//! exactly what it received. What the known facts do not describe it answers with 501 and says so.

mod fault;
mod leads;
mod rules;
mod script;

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use uuid::Uuid;

pub use self::fault::Fault;
use self::fault::{Ending, Reply};
use self::leads::{Answer, Leads};
pub use self::script::{Line, Script, ScriptError};
use crate::redaction::Secret;

/// A running stand-in. Dropping it ends it.
pub struct StandIn {
    address: SocketAddr,
    token: String,
    received: watch::Sender<Vec<Received>>,
    script: Arc<Mutex<Script>>,
    listening: Listening,
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
    /// Starts one on a free port of the loopback address. Each request uses a line of the script.
    pub async fn start(script: impl Into<Script>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        let token = format!("stand-in-{}", Uuid::new_v4().simple());
        let received = watch::Sender::default();
        let script = script.into();
        let refuses = script.refuses();
        let script = Arc::new(Mutex::new(script));
        let serving = Serving {
            token: token.clone(),
            leads: Arc::default(),
            received: received.clone(),
            script: Arc::clone(&script),
        };
        let listening = if refuses {
            Listening::Refused(socket)
        } else {
            Listening::Accepted(tokio::spawn(accept(socket.listen(BACKLOG)?, serving)).abort_handle())
        };
        Ok(Self { address, token, received, script, listening })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The one API token that it accepts, made up when it started.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.token.clone())
    }

    /// All that it has received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
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
    token: String,
    leads: Arc<Mutex<Leads>>,
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
            return Ok(json(Answer::not_modelled("a request that ends before its content does")));
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
            Line::Model => Ok(json(self.model(&head, &body, now))),
            Line::Answer { status, headers, body } => Ok(written(status, headers, body)),
            Line::Fault(fault) => match fault.reply(now) {
                Reply::Http(response) => Ok(response),
                Reply::Wire(bytes, ending) => Err(Broken(bytes, ending)),
                Reply::Silence => std::future::pending().await,
            },
        }
    }

    fn model(&self, head: &http::request::Parts, body: &[u8], now: SystemTime) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let carries = |name: &str, value: &str| head.headers.get(name).is_some_and(|given| given == value);
        let authorized = carries("x-api-token", &self.token) || carries("authorization", &bearer);
        lock(&self.leads).answer(&head.method, &head.uri, authorized, body, now)
    }
}

fn json(answer: Answer) -> Response<AnswerBody> {
    let json = HeaderValue::from_static("application/json");
    written(answer.status, vec![(header::CONTENT_TYPE, json)], answer.body.to_string())
}

fn written(status: StatusCode, headers: Vec<(HeaderName, HeaderValue)>, body: String) -> Response<AnswerBody> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of a connection since the last request, as the socket gave them.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Vec<u8>>>);

impl Wire {
    /// The head of the request whose content has just been read. Clients of one host do not pipeline.
    fn take_head(&self) -> String {
        let bytes = std::mem::take(&mut *lock(&self.0));
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |end| end + 2);
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }
}

/// A stream that notes what is read from it.
struct Heard {
    stream: TcpStream,
    wire: Wire,
}

impl AsyncRead for Heard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        lock(&self.wire.0).extend_from_slice(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Heard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
