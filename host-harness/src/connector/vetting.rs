//! Addresses are looked at before one of them is dialled, and what is dialled is what was looked at: those of a name, when it
//! has been resolved, and those that stand in a URL.

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::stage::{Stage, enter};
use super::{BoxError, Boxed};
use crate::network::{Network, Networks, networks_of};
use crate::transport::Resolve;

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

/// Vets an address that a URL has instead of a name: for such no resolver is asked.
#[derive(Clone)]
pub(super) struct Vetted<C> {
    pub(super) dial: C,
    pub(super) open: Arc<Networks>,
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
pub(super) struct Unresolved(pub(super) io::Error);

impl Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Unresolved {}

/// Resolves a name once and vets all that it stands for: one closed address closes the name, since who mixes them may be
/// after just that. What it gives is what is dialled.
#[derive(Clone)]
pub(super) struct VettingResolver {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) open: Arc<Networks>,
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
