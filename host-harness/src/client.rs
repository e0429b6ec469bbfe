//! The one client of a host: connections are pooled and shared by all calls that may have them. It sends once and reads the
//! whole answer, each part within its own limit. No redirect is followed.

mod error;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as PooledClient;
use hyper_util::client::legacy::connect::{CaptureConnection, HttpInfo, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

pub(crate) use self::error::ExchangeError;
use self::error::{chain, classify};
use crate::connector::{ConnectLimits, ConnectTimes, Connector, Phase, SCOPE, Scope, Stage};
use crate::content_coding::{self, CodingError};
use crate::limits::Limits;
use crate::network::Networks;
use crate::origin::Origin;
use crate::places::Places;
use crate::transport::{TlsError, Transport};

/// How long an unused connection is kept: below the 60 s and more after which common servers and proxies close it.
const IDLE: Duration = Duration::from_secs(50);

/// A shared HTTP/2 connection that died silently would fail every call to its origin for as long as TCP hopes: it is
/// asked for a sign of life this often, and given up when none comes in the time of a read timeout.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// What a head may have before it is looked at; `Limits` may allow less.
const MOST_HEADER_FIELDS: usize = 1000;
const MOST_HEADER_BYTES: u32 = 1024 * 1024;

/// How much of an answer's announced length is reserved before any of it has come.
const MOST_RESERVED_BYTES: usize = 64 * 1024;

/// The pooled client.
#[derive(Clone)]
pub(crate) struct Client(Arc<Pools>);

struct Pools {
    dial: Dial,
    /// A connection is never shared beyond its route: what was dialled by leave of one grant is not there for another.
    by_route: Mutex<HashMap<Route, Pool>>,
    places: Places,
}

type Pool = PooledClient<Connector, Full<Bytes>>;

enum Dial {
    Transport { transport: Transport, anonymous: Box<ClientConfig>, identified: Vec<ClientConfig> },
    Fixed(SocketAddr),
}

/// What the connections of a pool have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Route {
    open: Networks,
    /// The certificate of this host's own that is shown.
    identity: Option<usize>,
}

/// How long and how much one exchange may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeLimits {
    pub(crate) connect: ConnectLimits,
    pub(crate) first_byte: Duration,
    pub(crate) between_bytes: Duration,
    pub(crate) deadline: Instant,
    pub(crate) answer_bytes: usize,
    pub(crate) header_fields: usize,
    pub(crate) header_bytes: usize,
    pub(crate) calls_per_origin: usize,
}

impl ExchangeLimits {
    /// Of an exchange that is this host's own, and has so much time for all of it, from now on.
    pub(crate) fn within(time: Duration, limits: &Limits) -> Self {
        Self {
            connect: ConnectLimits { total: time, resolving: limits.resolving, securing: limits.securing },
            first_byte: time,
            between_bytes: time,
            deadline: Instant::now() + time,
            answer_bytes: limits.answer_bytes,
            header_fields: limits.header_fields,
            header_bytes: limits.header_bytes,
            calls_per_origin: limits.calls_per_origin as usize,
        }
    }
}

/// An answer with all of its content, or with as much as came.
pub(crate) struct Answer {
    pub(crate) head: Response<()>,
    /// Decoded; so is the head, which then says nothing of a coding.
    pub(crate) content: Bytes,
    /// How much of it came, as it was coded.
    pub(crate) arrived_bytes: usize,
    /// When the head had come.
    pub(crate) first_byte: Instant,
    /// Who sent it.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) cut: Option<ExchangeError>,
}

impl Client {
    /// A client that travels this way.
    pub(crate) fn new(transport: Transport) -> Result<Self, TlsError> {
        let (anonymous, identified) = transport.tls()?;
        Ok(Self::with(Dial::Transport { transport, anonymous: Box::new(anonymous), identified }))
    }

    /// A client that dials one address whatever the URL says, without TLS: for a stand-in.
    pub(crate) fn dialling(address: SocketAddr) -> Self {
        Self::with(Dial::Fixed(address))
    }

    fn with(dial: Dial) -> Self {
        Self(Arc::new(Pools { dial, by_route: Mutex::default(), places: Places::default() }))
    }

    fn pool(&self, origin: &Origin, open: &Networks) -> Pool {
        let Pools { dial, by_route, .. } = self.0.as_ref();
        let identity = match dial {
            Dial::Transport { transport, .. } => transport.identity_for(origin),
            Dial::Fixed(_) => None,
        };
        let route = Route { open: open.clone(), identity };
        let mut pools = by_route.lock().unwrap_or_else(PoisonError::into_inner);
        pools.entry(route).or_insert_with_key(|route| pooled(dial.connector(route))).clone()
    }

    /// Sends a request once, and reads the answer. The time that connecting took comes along with either.
    pub(crate) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        origin: &Origin,
        open: &Networks,
        limits: ExchangeLimits,
    ) -> (Result<Answer, ExchangeError>, Option<ConnectTimes>) {
        let until = limits.deadline.min(Instant::now() + limits.connect.total);
        let Ok(_place) = timeout_at(until, self.0.places.take(origin, limits.calls_per_origin)).await else {
            return (Err(ExchangeError::NoPlace(limits.calls_per_origin)), None);
        };
        let pool = self.pool(origin, open);
        let (phases, phase) = watch::channel(Phase::Ready);
        let scope = Scope { limits: limits.connect, phases: Arc::new(phases) };
        let taken = capture_connection(&mut request);
        let exchange = exchange_within(&pool, request, limits, scope, taken.clone(), phase.clone());
        let result = timeout_at(limits.deadline, exchange).await;
        let phase = *phase.borrow();
        let connect = match phase {
            Phase::Connected { times } => Some(times),
            _ => None,
        };
        let result = result.unwrap_or_else(|_| match (is_taken(&taken), phase) {
            (true, _) => Err(ExchangeError::Deadline),
            // Nothing has been sent on a connection that is not there.
            (false, Phase::Dialling { stage, .. }) => Err(no_connection(stage, "before the deadline of the call")),
            (false, _) => Err(no_connection(Stage::Connecting, "before the deadline of the call")),
        });
        (result, connect)
    }
}

/// Whether a connection has taken the request, so that it may have left: its own, or one that was free before that was there.
fn is_taken(taken: &CaptureConnection) -> bool {
    taken.connection_metadata().is_some()
}

fn no_connection(stage: Stage, when: &str) -> ExchangeError {
    ExchangeError::ConnectTimeout(stage, format!("there was no connection {when}"))
}

impl Dial {
    fn connector(&self, Route { open, identity }: &Route) -> Connector {
        match self {
            Self::Fixed(address) => Connector::fixed(*address),
            Self::Transport { transport, anonymous, identified } => {
                let tls = identity.and_then(|index| identified.get(index)).unwrap_or(anonymous).clone();
                match &transport.proxy {
                    Some(proxy) => Connector::proxied(tls, proxy.clone(), open.clone()),
                    None => Connector::direct(tls, Arc::clone(&transport.resolver), open.clone()),
                }
            }
        }
    }
}

fn pooled(connector: Connector) -> Pool {
    PooledClient::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http1_max_headers(MOST_HEADER_FIELDS)
        .http2_max_header_list_size(MOST_HEADER_BYTES)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .set_host(false)
        .build(connector)
}

async fn exchange_within(
    pool: &Pool,
    request: Request<Full<Bytes>>,
    limits: ExchangeLimits,
    scope: Scope,
    taken: CaptureConnection,
    phase: watch::Receiver<Phase>,
) -> Result<Answer, ExchangeError> {
    let response = pin!(SCOPE.scope(scope, pool.request(request)));
    let response = first_byte(response, limits, taken, phase).await?;
    let first_byte = Instant::now();
    let address = response.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr);
    let (mut parts, body) = response.into_parts();
    if exceeds(&parts.headers, limits.header_fields, limits.header_bytes) {
        return Err(ExchangeError::HeadTooLarge);
    }
    let mut content = BytesMut::new();
    let read = read(body, &parts.headers, limits, &mut content);
    let cut = timeout_at(limits.deadline, read).await.unwrap_or(Err(ExchangeError::Deadline)).err();
    let arrived_bytes = content.len();
    let (content, undecoded) = content_coding::decode(&mut parts.headers, content.freeze(), limits.answer_bytes);
    // Of what was cut short the coding is broken as well, which says nothing more.
    let cut = cut.or(undecoded.map(|error| match error {
        CodingError::TooLarge(limit) => ExchangeError::TooLarge(limit),
        error => ExchangeError::Coding(error),
    }));
    Ok(Answer { head: Response::from_parts(parts, ()), content, arrived_bytes, first_byte, address, cut })
}

/// Whether there are more fields, or more bytes in their names and values.
pub(crate) fn exceeds(headers: &http::HeaderMap, fields: usize, bytes: usize) -> bool {
    headers.len() > fields || header_bytes(headers) > bytes
}

/// The bytes of all names and values.
pub(crate) fn header_bytes(headers: &http::HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

type Requested = Result<Response<Incoming>, hyper_util::client::legacy::Error>;

/// Waits for the head. The time for it runs from when a connection has taken the request, which one that is free does at once.
async fn first_byte(
    mut response: Pin<&mut impl Future<Output = Requested>>,
    limits: ExchangeLimits,
    mut taken: CaptureConnection,
    mut phase: watch::Receiver<Phase>,
) -> Result<Response<Incoming>, ExchangeError> {
    let until = Instant::now() + limits.connect.total;
    let watched = taken.clone();
    let mut sent = pin!(async {
        drop(taken.wait_for_connection_metadata().await);
        sleep(limits.first_byte).await;
    });
    loop {
        let waits = matches!(*phase.borrow_and_update(), Phase::Ready) && !is_taken(&watched);
        tokio::select! {
            biased;
            answered = &mut response => return answered.map_err(|error| classify(&error)),
            () = &mut sent => return Err(ExchangeError::FirstByteTimeout(limits.first_byte)),
            Ok(()) = phase.changed() => {}
            // Who dials is held to the limits of that; who waits for what others dial is held to this.
            () = sleep_until(until), if waits => {
                if !is_taken(&watched) {
                    return Err(no_connection(Stage::Connecting, "in time"));
                }
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
    let pause = limits.between_bytes;
    while let Some(frame) = timeout(pause, body.frame()).await.map_err(|_| ExchangeError::BetweenBytesTimeout(pause))? {
        let frame = frame.map_err(|error| ExchangeError::Broken(chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if content.len() + data.len() > most {
            return Err(ExchangeError::TooLarge(most));
        }
        content.extend_from_slice(&data);
    }
    Ok(())
}
