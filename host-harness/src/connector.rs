//! A URL → a connection: resolve once, vet every address, dial one that was vetted, then TLS.

mod stage;
mod vetting;

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

pub use self::stage::ConnectTimes;
pub(crate) use self::stage::{ConnectLimits, Phase, SCOPE, Scope, Stage};
use self::stage::{enter, within_limits};
pub(crate) use self::vetting::ClosedAddress;
use self::vetting::{Unresolved, Vetted, VettingResolver};
use crate::network::Networks;
use crate::transport::Resolve;

pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn StdError + Send + Sync>;
type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

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
