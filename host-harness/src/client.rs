//! The one client of a host: connections are pooled and shared by all calls. It resolves, connects, sends once and
//! reads the whole answer, each part within its own limit. No redirect is followed.

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, Uri, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::{Client as PooledClient, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tower_service::Service;

/// How long an unused connection is kept: below the 60 s and more after which common servers and proxies close it.
const IDLE: Duration = Duration::from_secs(50);

/// A shared HTTP/2 connection that died silently would fail every call to its origin for as long as TCP hopes: it is
/// asked for a sign of life this often, and given up when none comes in the time of a read timeout.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// How much of an answer's announced length is reserved before any of it has come.
const MOST_RESERVED_BYTES: usize = 64 * 1024;

/// The pooled client.
#[derive(Clone)]
pub(crate) struct Client(PooledClient<Connector, Full<Bytes>>);

/// How long and how much one exchange may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeLimits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) between_bytes: Duration,
    pub(crate) deadline: Instant,
    pub(crate) answer_bytes: usize,
}

/// An answer with all of its content, or with as much as came.
pub(crate) struct Answer {
    pub(crate) head: Response<()>,
    pub(crate) content: Bytes,
    pub(crate) cut: Option<ExchangeError>,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(crate) enum ExchangeError {
    /// The name could not be resolved.
    Resolve(String),
    /// No connection within the definition's time.
    ConnectTimeout,
    /// Nobody accepts connections there.
    Refused(String),
    /// Connecting failed otherwise.
    Connect(String),
    /// The server's certificate is not trusted.
    Certificate(String),
    /// TLS failed otherwise.
    Tls(String),
    /// Connected, and then nothing for the definition's time.
    ReadTimeout,
    /// The whole exchange took longer than the host allows.
    Deadline,
    /// The answer is larger than the host allows.
    TooLarge(usize),
    /// The connection ended, or spoke no HTTP.
    Broken(String),
}

impl ExchangeError {
    /// Whether there was a connection, so that the request may have left.
    pub(crate) fn after_connecting(&self) -> bool {
        match self {
            Self::Resolve(_)
            | Self::ConnectTimeout
            | Self::Refused(_)
            | Self::Connect(_)
            | Self::Certificate(_)
            | Self::Tls(_) => false,
            Self::ReadTimeout | Self::Deadline | Self::TooLarge(_) | Self::Broken(_) => true,
        }
    }
}

impl Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(why) => write!(f, "resolving the name failed: {why}"),
            Self::ConnectTimeout => f.write_str("connecting took too long"),
            Self::Refused(why) | Self::Connect(why) => write!(f, "connecting failed: {why}"),
            Self::Certificate(why) | Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::ReadTimeout => f.write_str("nothing was received in time"),
            Self::Deadline => f.write_str("the deadline of the call passed"),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Self::Broken(why) => write!(f, "the exchange broke: {why}"),
        }
    }
}

impl Client {
    /// A client that resolves and connects as the URL says, TLS verified by the platform's roots.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        // Another library of the process may have installed its provider already; either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(rustls::ClientConfig::with_platform_verifier()?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Ok(Self::with(Dial::Direct(https)))
    }

    /// A client that dials one address whatever the URL says, without TLS: for a stand-in.
    pub(crate) fn dialling(address: SocketAddr) -> Self {
        Self::with(Dial::Fixed(address))
    }

    fn with(dial: Dial) -> Self {
        let mut builder = PooledClient::builder(TokioExecutor::new());
        builder
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PONG)
            .set_host(false);
        Self(builder.build(Connector { dial }))
    }

    /// Sends a request once, and reads the answer. The time that connecting took comes along with either.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        limits: ExchangeLimits,
    ) -> (Result<Answer, ExchangeError>, Option<Duration>) {
        let (phases, mut phase) = watch::channel(Phase::Ready(Instant::now()));
        let scope = Connecting { timeout: limits.connect, phases: Arc::new(phases) };
        let result = timeout_at(limits.deadline, self.exchange_within(request, limits, scope, &mut phase)).await;
        let connect = match *phase.borrow() {
            Phase::Connected { took, .. } => Some(took),
            _ => None,
        };
        let result = result.unwrap_or_else(|_| match *phase.borrow() {
            // Nothing has been sent on a connection that is not there.
            Phase::Connecting => Err(ExchangeError::ConnectTimeout),
            _ => Err(ExchangeError::Deadline),
        });
        (result, connect)
    }

    async fn exchange_within(
        &self,
        request: Request<Full<Bytes>>,
        limits: ExchangeLimits,
        scope: Connecting,
        phase: &mut watch::Receiver<Phase>,
    ) -> Result<Answer, ExchangeError> {
        let response = pin!(CONNECTING.scope(scope, self.0.request(request)));
        let response = first_byte(response, limits.first_byte, phase).await?;
        let (parts, body) = response.into_parts();
        let mut content = BytesMut::new();
        let read = read(body, &parts.headers, limits, &mut content);
        let cut = timeout_at(limits.deadline, read).await.unwrap_or(Err(ExchangeError::Deadline)).err();
        Ok(Answer { head: Response::from_parts(parts, ()), content: content.freeze(), cut })
    }
}

type Requested = Result<Response<Incoming>, hyper_util::client::legacy::Error>;

/// Waits for the head. The time for it runs from when the connection is there, which a pooled one is at once.
async fn first_byte(
    mut response: Pin<&mut impl Future<Output = Requested>>,
    limit: Duration,
    phase: &mut watch::Receiver<Phase>,
) -> Result<Response<Incoming>, ExchangeError> {
    loop {
        let since = match *phase.borrow_and_update() {
            Phase::Ready(at) | Phase::Connected { at, .. } => Some(at),
            // Connecting has its own limit, in the connector.
            Phase::Connecting => None,
        };
        tokio::select! {
            biased;
            answered = &mut response => return answered.map_err(|error| classify(&error)),
            Ok(()) = phase.changed() => {}
            () = sleep_until(since.unwrap_or_else(Instant::now) + limit), if since.is_some() => {
                return Err(ExchangeError::ReadTimeout);
            }
        }
    }
}

async fn read(
    mut body: Incoming,
    headers: &http::HeaderMap,
    limits: ExchangeLimits,
    content: &mut BytesMut,
) -> Result<(), ExchangeError> {
    let most = limits.answer_bytes;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // The answer to a HEAD announces what a GET would bring, and brings nothing.
    if !body.is_end_stream()
        && let Some(announced) = announced
    {
        if announced > most {
            return Err(ExchangeError::TooLarge(most));
        }
        content.reserve(announced.min(MOST_RESERVED_BYTES));
    }
    while let Some(frame) = timeout(limits.between_bytes, body.frame()).await.map_err(|_| ExchangeError::ReadTimeout)? {
        let frame = frame.map_err(|error| ExchangeError::Broken(chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if content.len() + data.len() > most {
            return Err(ExchangeError::TooLarge(most));
        }
        content.extend_from_slice(&data);
    }
    Ok(())
}

/// What the pooled client's error means. Its kinds are not public; its causes tell.
fn classify(error: &hyper_util::client::legacy::Error) -> ExchangeError {
    match causes(error).find_map(|cause| cause.downcast_ref::<ConnectFailed>()) {
        Some(ConnectFailed::Timeout) => ExchangeError::ConnectTimeout,
        Some(ConnectFailed::Other(cause)) => classify_connect(cause.as_ref()),
        None => ExchangeError::Broken(chain(error)),
    }
}

fn classify_connect(error: &(dyn StdError + 'static)) -> ExchangeError {
    let text = chain(error);
    for cause in causes(error) {
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => return ExchangeError::Certificate(text),
            Some(_) => return ExchangeError::Tls(text),
            None => {}
        }
        if cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return ExchangeError::Refused(text);
        }
    }
    // The connector tells a failed resolution by its text alone.
    if text.starts_with("dns error") { ExchangeError::Resolve(text) } else { ExchangeError::Connect(text) }
}

/// An error and all its causes.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause: &'e (dyn StdError + 'static) = *cause;
        // An io::Error gives what it wraps not as its source, but as its inner error.
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}

/// An error and its causes, each said once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

/// How far an exchange has come on its way to a connection.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nothing has been dialled: a pooled connection, or none needed yet.
    Ready(Instant),
    Connecting,
    Connected {
        at: Instant,
        took: Duration,
    },
}

/// What the connector must know of the exchange that it connects for; the pool in between passes only the URL.
#[derive(Clone)]
struct Connecting {
    timeout: Duration,
    phases: Arc<watch::Sender<Phase>>,
}

tokio::task_local! {
    static CONNECTING: Connecting;
}

#[derive(Clone)]
struct Connector {
    dial: Dial,
}

#[derive(Clone)]
enum Dial {
    Direct(HttpsConnector<HttpConnector>),
    Fixed(SocketAddr),
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn StdError + Send + Sync>;

#[derive(Debug)]
enum ConnectFailed {
    Timeout,
    Other(BoxError),
}

impl Display for ConnectFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("connecting took too long"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl StdError for ConnectFailed {}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectFailed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectFailed>> {
        match &mut self.dial {
            Dial::Direct(https) => https.poll_ready(context).map_err(ConnectFailed::Other),
            Dial::Fixed(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let scope = CONNECTING.try_with(Clone::clone).ok();
        let mut dial = self.dial.clone();
        Box::pin(async move {
            let Some(Connecting { timeout: limit, phases }) = scope else {
                return dial.connect(url).await.map_err(ConnectFailed::Other);
            };
            let started = Instant::now();
            phases.send_replace(Phase::Connecting);
            let stream = timeout(limit, dial.connect(url)).await;
            // Also when it failed: the request may have found another connection meanwhile, and is waiting on that.
            phases.send_replace(Phase::Connected { at: Instant::now(), took: started.elapsed() });
            stream.map_err(|_| ConnectFailed::Timeout)?.map_err(ConnectFailed::Other)
        })
    }
}

impl Dial {
    async fn connect(&mut self, url: Uri) -> Result<Stream, BoxError> {
        match self {
            Self::Direct(https) => https.call(url).await,
            Self::Fixed(address) => {
                let stream = TcpStream::connect(*address).await?;
                stream.set_nodelay(true)?;
                Ok(MaybeHttpsStream::Http(TokioIo::new(stream)))
            }
        }
    }
}
