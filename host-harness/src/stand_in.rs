//! A loopback Pipedrive, for trying and for testing: it speaks HTTP on a port of its own, knows a few leads, and keeps
//! exactly what it received. What the known facts do not describe it answers with 501 and says so.

mod fault;
mod leads;
mod rules;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use uuid::Uuid;

pub use self::fault::Fault;
use self::leads::{Answer, Leads};
use crate::redaction::Secret;

/// A running stand-in. Dropping it ends it.
pub struct StandIn {
    address: SocketAddr,
    token: String,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: AbortHandle,
}

/// One request, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Request line and header fields, as they came over the wire, up to the empty line.
    pub head: String,
    /// The content.
    pub body: Vec<u8>,
}

impl StandIn {
    /// Starts one on a free port of the loopback address.
    pub async fn start(fault: Option<Fault>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let token = format!("stand-in-{}", Uuid::new_v4().simple());
        let received = Arc::default();
        let serving = Serving { token: token.clone(), leads: Arc::default(), received: Arc::clone(&received), fault };
        let accepting = tokio::spawn(accept(listener, serving)).abort_handle();
        Ok(Self { address, token, received, accepting })
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
        lock(&self.received).clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone)]
struct Serving {
    token: String,
    leads: Arc<Mutex<Leads>>,
    received: Arc<Mutex<Vec<Received>>>,
    fault: Option<Fault>,
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
        async move { Ok::<_, Infallible>(serving.answer(request, &wire).await) }
    });
    let stream = TokioIo::new(Listening { stream, wire: wire.clone() });
    // A client that goes away mid-answer is its own affair.
    let _ = http1::Builder::new().serve_connection(stream, service).await;
}

type AnswerBody = BoxBody<Bytes, io::Error>;

impl Serving {
    async fn answer(&self, request: Request<Incoming>, wire: &Wire) -> Response<AnswerBody> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return json(Answer::not_modelled("a request that ends before its content does"));
        };
        let body = body.to_bytes();
        lock(&self.received).push(Received { head: wire.take_head(), body: body.to_vec() });
        if let Some(fault) = self.fault {
            return fault.answer();
        }
        let bearer = format!("Bearer {}", self.token);
        let carries = |name: &str, value: &str| head.headers.get(name).is_some_and(|given| given == value);
        let authorized = carries("x-api-token", &self.token) || carries("authorization", &bearer);
        json(lock(&self.leads).answer(&head.method, &head.uri, authorized, &body, std::time::SystemTime::now()))
    }
}

fn json(answer: Answer) -> Response<AnswerBody> {
    let body = Full::new(Bytes::from(answer.body.to_string())).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
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
struct Listening {
    stream: TcpStream,
    wire: Wire,
}

impl AsyncRead for Listening {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        lock(&self.wire.0).extend_from_slice(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Listening {
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
