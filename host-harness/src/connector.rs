//! A URL → a connection: resolve once, vet every address, dial one that was vetted, then TLS. Each stage has its limit,
//! and is told as it begins, so that whoever waits knows for what.

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use crate::network::{Network, Networks, networks_of};
use crate::transport::Resolve;

pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn StdError + Send + Sync>;
type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// A part of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Resolving,
    Connecting,
    /// The TLS handshake, where there is one.
    Securing,
}

/// How long the parts of connecting took. What a connection did without is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectTimes {
    /// Resolving the name.
    pub resolving: Option<Duration>,
    /// Connecting by TCP, and through a proxy where there is one.
    pub connecting: Option<Duration>,
    /// The TLS handshake.
    pub securing: Option<Duration>,
}

impl ConnectTimes {
    /// All of it.
    pub fn total(&self) -> Duration {
        [self.resolving, self.connecting, self.securing].into_iter().flatten().sum()
    }
}

/// How far an exchange has come on its way to a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phase {
    /// Nothing has been dialled: a pooled connection, or none needed yet.
    Ready(Instant),
    Dialling {
        stage: Stage,
        since: Instant,
        times: ConnectTimes,
    },
    Connected {
        at: Instant,
        times: ConnectTimes,
    },
}

impl Phase {
    fn entered(self, stage: Stage) -> Self {
        let now = Instant::now();
        Self::Dialling { stage, since: now, times: self.times(now) }
    }

    fn connected(self) -> Self {
        let now = Instant::now();
        Self::Connected { at: now, times: self.times(now) }
    }

    /// What has ended by now.
    fn times(self, now: Instant) -> ConnectTimes {
        match self {
            Self::Ready(_) => ConnectTimes::default(),
            Self::Connected { times, .. } => times,
            Self::Dialling { stage, since, mut times } => {
                let time = match stage {
                    Stage::Resolving => &mut times.resolving,
                    Stage::Connecting => &mut times.connecting,
                    Stage::Securing => &mut times.securing,
                };
                *time = Some(now - since);
                times
            }
        }
    }
}

/// How long connecting may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectLimits {
    pub(crate) total: Duration,
    pub(crate) resolving: Duration,
    pub(crate) securing: Duration,
}

impl ConnectLimits {
    fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Resolving => self.resolving,
            Stage::Connecting => self.total,
            Stage::Securing => self.securing,
        }
    }
}

/// What the connector must know of the exchange that it connects for; the pool in between passes only the URL.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) limits: ConnectLimits,
    pub(crate) phases: Arc<watch::Sender<Phase>>,
}

tokio::task_local! {
    pub(crate) static SCOPE: Scope;
}

fn enter(stage: Stage) {
    // Outside of an exchange nobody waits.
    let _ = SCOPE.try_with(|scope| scope.phases.send_modify(|phase| *phase = phase.entered(stage)));
}

/// An address on a network that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClosedAddress {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    /// All that would have to be open.
    pub(crate) closed: Networks,
}

impl Display for ClosedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address, closed } = self;
        let networks: Vec<_> = closed.iter().map(|network: &Network| format!("`{network}`")).collect();
        let networks = networks.join(" and ");
        match name.trim_start_matches('[').trim_end_matches(']').parse() == Ok(*address) {
            true => write!(f, "{address} is on the closed network {networks}"),
            false => write!(f, "{name} resolves to {address}, which is on the closed network {networks}"),
        }
    }
}

impl StdError for ClosedAddress {}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    TimedOut(Stage, Duration),
    /// Policy does not let this connection be made.
    Closed(ClosedAddress),
    Resolve(io::Error),
    Other(BoxError),
}

impl Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(stage, limit) => {
                let doing = match stage {
                    Stage::Resolving => "resolving the name",
                    Stage::Connecting => "connecting",
                    Stage::Securing => "the TLS handshake",
                };
                write!(f, "{doing} took longer than {} s", limit.as_secs_f64())
            }
            Self::Closed(closed) => closed.fmt(f),
            Self::Resolve(error) => write!(f, "resolving the name failed: {error}"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Other(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

/// Makes connections for the pool.
#[derive(Clone)]
pub(crate) struct Connector(Dial);

#[derive(Clone)]
enum Dial {
    Direct(HttpsConnector<Vetted<HttpConnector<VettingResolver>>>),
    Proxied(HttpsConnector<Vetted<Tunnel<HttpConnector>>>),
    Fixed(SocketAddr),
}

impl Connector {
    /// Dials what the URL says, on the public internet and on these networks.
    pub(crate) fn direct(tls: ClientConfig, resolver: Arc<dyn Resolve>, open: Networks) -> Self {
        let open = Arc::new(open);
        let mut tcp = HttpConnector::new_with_resolver(VettingResolver { resolver, open: Arc::clone(&open) });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self(Dial::Direct(secured(tls, Vetted { dial: tcp, open })))
    }

    /// Has a proxy dial it, which then resolves the name and decides about its addresses.
    pub(crate) fn proxied(tls: ClientConfig, proxy: Uri, open: Networks) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        Self(Dial::Proxied(secured(tls, Vetted { dial: Tunnel::new(proxy, tcp), open: Arc::new(open) })))
    }

    /// Dials one address whatever the URL says, without TLS: for a stand-in.
    pub(crate) fn fixed(address: SocketAddr) -> Self {
        Self(Dial::Fixed(address))
    }
}

fn secured<C>(tls: ClientConfig, tcp: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().wrap_connector(tcp)
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Boxed<Stream, ConnectError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        match &mut self.0 {
            Dial::Direct(https) => https.poll_ready(context),
            Dial::Proxied(https) => https.poll_ready(context),
            Dial::Fixed(_) => Poll::Ready(Ok(())),
        }
        .map_err(ConnectError::Other)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let scope = SCOPE.try_with(Clone::clone).ok();
        let mut dial = self.0.clone();
        Box::pin(async move {
            let connected = async { dial.connect(url).await.map_err(first_of_ours) };
            let Some(scope) = scope else { return connected.await };
            let Scope { limits, phases } = scope.clone();
            // The pool may go on with it elsewhere, when the exchange has found another connection.
            let stream = within_limits(SCOPE.scope(scope, connected), &phases, limits).await;
            // Also when it failed: the request may have found another connection meanwhile, and is waiting on that.
            phases.send_modify(|phase| *phase = phase.connected());
            stream
        })
    }
}

async fn within_limits<T>(
    connecting: impl Future<Output = Result<T, ConnectError>>,
    phases: &watch::Sender<Phase>,
    limits: ConnectLimits,
) -> Result<T, ConnectError> {
    let mut phase = phases.subscribe();
    let mut connecting = pin!(connecting);
    let end = Instant::now() + limits.total;
    loop {
        let (stage, since) = match *phase.borrow_and_update() {
            Phase::Dialling { stage, since, .. } => (stage, since),
            _ => (Stage::Connecting, Instant::now()),
        };
        let limit = limits.of(stage);
        let (until, limit) = if since + limit < end { (since + limit, limit) } else { (end, limits.total) };
        tokio::select! {
            biased;
            connected = &mut connecting => return connected,
            Ok(()) = phase.changed() => {}
            () = sleep_until(until) => return Err(ConnectError::TimedOut(stage, limit)),
        }
    }
}

/// Libraries wrap what they were given: of a chain of causes, the error that is our own.
fn first_of_ours(error: BoxError) -> ConnectError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error.as_ref());
    while let Some(error) = cause {
        if let Some(closed) = error.downcast_ref::<ClosedAddress>() {
            return ConnectError::Closed(closed.clone());
        }
        if let Some(Unresolved(error)) = error.downcast_ref() {
            return ConnectError::Resolve(io::Error::new(error.kind(), error.to_string()));
        }
        cause = error.source();
    }
    ConnectError::Other(error)
}

impl Dial {
    async fn connect(&mut self, url: Uri) -> Result<Stream, BoxError> {
        match self {
            Self::Direct(https) => https.call(url).await,
            Self::Proxied(https) => https.call(with_port(url)).await,
            Self::Fixed(address) => {
                enter(Stage::Connecting);
                let stream = TcpStream::connect(*address).await?;
                stream.set_nodelay(true)?;
                Ok(MaybeHttpsStream::Http(TokioIo::new(stream)))
            }
        }
    }
}

/// The tunnel takes 443 for the port of every scheme.
fn with_port(url: Uri) -> Uri {
    match (url.scheme_str(), url.host(), url.port()) {
        (Some("http"), Some(host), None) => format!("http://{host}:80/").parse().unwrap_or(url),
        _ => url,
    }
}

/// Vets an address that a URL has instead of a name: for such no resolver is asked.
#[derive(Clone)]
struct Vetted<C> {
    dial: C,
    open: Arc<Networks>,
}

impl<C> Service<Uri> for Vetted<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Boxed<C::Response, BoxError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.dial.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let host = url.host().unwrap_or_default().to_owned();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        if let Some(Err(closed)) = literal.map(|address| vet(&host, address, &self.open)) {
            return Box::pin(async move { Err(closed.into()) });
        }
        let secure = url.scheme_str() == Some("https");
        enter(Stage::Connecting);
        let dialling = self.dial.call(url);
        Box::pin(async move {
            let stream = dialling.await.map_err(Into::into)?;
            if secure {
                enter(Stage::Securing);
            }
            Ok(stream)
        })
    }
}

fn vet(name: &str, address: IpAddr, open: &Networks) -> Result<(), ClosedAddress> {
    let closed: Networks = networks_of(address).difference(open).copied().collect();
    if closed.is_empty() { Ok(()) } else { Err(ClosedAddress { name: name.to_owned(), address, closed }) }
}

/// A name without addresses.
#[derive(Debug)]
struct Unresolved(io::Error);

impl Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Unresolved {}

/// Resolves a name once and vets all that it stands for: one closed address closes the name, since who mixes them may be
/// after just that. What it gives is what is dialled.
#[derive(Clone)]
struct VettingResolver {
    resolver: Arc<dyn Resolve>,
    open: Arc<Networks>,
}

impl Service<Name> for VettingResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Boxed<Self::Response, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        enter(Stage::Resolving);
        let resolving = self.resolver.resolve(name.as_str());
        let open = Arc::clone(&self.open);
        Box::pin(async move {
            let addresses = resolving.await.map_err(Unresolved)?;
            if addresses.is_empty() {
                return Err(Unresolved(io::Error::new(io::ErrorKind::NotFound, "it has no address")).into());
            }
            for address in &addresses {
                vet(name.as_str(), *address, &open)?;
            }
            enter(Stage::Connecting);
            // The connector puts the URL's port in the place of 0.
            Ok(addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}
