//! What was sent and what came back, as it was on the wire. No secret is in it: the field that carries one says so
//! instead.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

pub use crate::connector::ConnectTimes;
pub use crate::credentials::Carrier;
use crate::credentials::with_parameter;
use crate::redaction::REDACTED;

/// One request and, if there was one, its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request.
    pub sent: Sent,
    /// Whether any of it can have left: without a connection it cannot.
    pub left: bool,
    /// The head of what came, if one came.
    pub received: Option<Received>,
    /// What kept the answer away or cut it short, in the words of the system.
    pub trouble: Option<String>,
    /// How long connecting took; `None` on a connection that was already there.
    pub connect: Option<ConnectTimes>,
    /// From the first attempt to connect to the head of the answer.
    pub first_byte: Option<Duration>,
    /// From the first attempt to connect to the end of the answer.
    pub total: Duration,
}

/// A request as it left.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The request method.
    pub method: Method,
    /// The whole URL, a credential in it redacted.
    pub url: Uri,
    /// In the order of the wire, the credential redacted.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Bytes,
    /// What the host added.
    pub credential: Option<SentCredential>,
}

/// The credential that the host added to a request.
#[derive(Debug, Clone)]
pub struct SentCredential {
    /// The reference in the definition.
    pub reference: String,
    /// What carries it.
    pub carrier: Carrier,
}

/// The head of an answer, and how much followed it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The status.
    pub status: StatusCode,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: http::Version,
    /// Bytes of content that arrived.
    pub bytes: usize,
    /// The same, decoded.
    pub decoded_bytes: usize,
    /// Fields of the head.
    pub header_fields: usize,
    /// Bytes of their names and values.
    pub header_bytes: usize,
}

impl Exchange {
    /// One that has begun; it may have left from now on.
    pub(crate) fn begun(sent: Sent) -> Self {
        Self {
            sent,
            left: true,
            received: None,
            trouble: Some("the call ended before the exchange did".to_owned()),
            connect: None,
            first_byte: None,
            total: Duration::ZERO,
        }
    }
}

impl Sent {
    pub(crate) fn new(
        method: &Method,
        url: &Uri,
        headers: &HeaderMap,
        body: Bytes,
        credential: Option<SentCredential>,
    ) -> Self {
        let carrier = credential.as_ref().map(|credential| &credential.carrier);
        let text = |name: &HeaderName, value: &http::HeaderValue| {
            if value.is_sensitive() || carrier == Some(&Carrier::Header(name.clone())) {
                REDACTED.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            }
        };
        let url = match carrier {
            Some(Carrier::Query(name)) => with_parameter(url, name, REDACTED).unwrap_or_default(),
            _ => url.clone(),
        };
        Self {
            method: method.clone(),
            url,
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(name, value))).collect(),
            body,
            credential,
        }
    }

    /// The head as it is in HTTP/1.1 (RFC 9112, section 3), line by line.
    pub fn head(&self) -> String {
        let target = self.url.path_and_query().map_or("/", |target| target.as_str());
        head(self.method.as_str(), target, &self.headers)
    }
}

/// A request's head in HTTP/1.1, line by line.
pub fn head(method: &str, target: &str, headers: &[(String, String)]) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\n");
    for (name, value) in headers {
        let _ = writeln!(head, "{name}: {value}");
    }
    head
}
