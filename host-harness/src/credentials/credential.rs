//! A secret and its place in a request: what is sent of it, and where.

use std::fmt::{self, Display};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

use super::entry::Kind;
use super::held::Holder;
use super::oauth::{self, Way};
use super::{Unavailable, cannot_be_used};
use crate::grants::Refusal;
use crate::redaction::Secret;

/// What carries a secret in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// A header field.
    Header(HeaderName),
    /// A parameter of the URL's query.
    Query(String),
}

impl Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header {name}"),
            Self::Query(name) => write!(f, "query parameter {name}"),
        }
    }
}

impl Kind {
    /// What carries it.
    pub fn carrier(&self) -> Carrier {
        match self {
            Self::Header { header, .. } => Carrier::Header(header.clone()),
            Self::Query { parameter, .. } => Carrier::Query(parameter.clone()),
            _ => Carrier::Header(header::AUTHORIZATION),
        }
    }

    /// Whether it is got from a token server.
    pub fn is_token(&self) -> bool {
        matches!(self, Self::ClientCredentials { .. } | Self::RefreshToken { .. })
    }

    /// What is sent of it, encoded for its place.
    fn written(&self, secret: &Secret) -> String {
        let secret = secret.expose();
        match self {
            Self::Header { .. } => secret.to_owned(),
            Self::Query { .. } => encoded(secret),
            Self::Basic { user, .. } => format!("Basic {}", basic(user, secret).expose()),
            Self::Bearer { .. } | Self::ClientCredentials { .. } | Self::RefreshToken { .. } => {
                format!("Bearer {secret}")
            }
        }
    }

    /// What is as good as the secret, and is sent in its place: an API may encode that once more.
    pub(super) fn carried(&self, secret: &Secret) -> Option<Secret> {
        match self {
            Self::Basic { user, .. } => Some(basic(user, secret.expose())),
            _ => None,
        }
    }
}

/// What proves who a user is, or a client (RFC 7617, section 2).
pub(super) fn basic(user: &str, secret: &str) -> Secret {
    let both = Zeroizing::new(format!("{user}:{secret}"));
    Secret::new(STANDARD.encode(&*both))
}

/// A credential ready to be sent to one origin.
pub(crate) struct Credential {
    pub(super) reference: String,
    pub(super) holder: Arc<Holder>,
    pub(super) secret: Secret,
}

impl Credential {
    pub(crate) fn carrier(&self) -> Carrier {
        self.holder.entry.kind.carrier()
    }

    /// Puts it into a request, in place of whatever stands there.
    pub(crate) fn put<B>(&self, request: &mut Request<B>) -> Result<(), Refusal> {
        let kind = &self.holder.entry.kind;
        let written = kind.written(&self.secret);
        match kind.carrier() {
            Carrier::Header(name) => {
                let value = oauth::sensitive(written);
                let value = value.ok_or_else(|| self.refused("it holds what a header cannot"))?;
                request.headers_mut().insert(name, value);
            }
            Carrier::Query(name) => {
                let url = with_parameter(request.uri(), &name, &written);
                *request.uri_mut() = url.ok_or_else(|| self.refused("it holds what a URL cannot"))?;
            }
        }
        Ok(())
    }

    fn refused(&self, why: &str) -> Refusal {
        let sources: Vec<_> = self.holder.entry.sources().map(ToString::to_string).collect();
        let from = sources.join(" and ");
        Refusal::for_good(format!("{} {why} (from {from})", cannot_be_used(&self.reference)))
    }

    /// The API has taken it.
    pub(crate) fn accepted(&self) {
        self.holder.accepted(&self.secret);
    }

    /// The API has not taken it. Whether there is another one now, so that a repeat is right; or why none can be had.
    pub(crate) async fn renew(&self, way: &Way) -> Result<bool, Unavailable> {
        self.holder.renew(&self.secret, way).await
    }
}

/// All but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text as it stands in a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What a query has, but for parameters of this name.
pub fn other_parameters<'q>(query: &'q str, name: &str) -> impl Iterator<Item = &'q str> {
    query.split('&').filter(move |piece| {
        let written = piece.split('=').next().unwrap_or(piece).replace('+', " ");
        percent_decode_str(&written).decode_utf8_lossy() != name
    })
}

/// The URL with this parameter, whose value is encoded already, in place of all of that name.
pub(crate) fn with_parameter(url: &Uri, name: &str, value: &str) -> Option<Uri> {
    let kept = url.query().into_iter().flat_map(|query| other_parameters(query, name));
    let added = format!("{}={value}", encoded(name));
    let query = kept.chain([added.as_str()]).collect::<Vec<_>>().join("&");
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", url.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}
