//! A checked HTTP Task: what the definition says, in types that cannot say anything else. `definition.rs` and the typed
//! operations make one; nothing is evaluated in it yet.

use crate::template::Template;
use crate::url::UrlTemplate;

/// One step of a workflow: a request to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The request method.
    pub method: Method,
    /// Where it goes.
    pub url: UrlTemplate,
    /// `httpRequest.query`, in order.
    pub query: Vec<(String, Template)>,
    /// `httpRequest.headers`, in order, names as written.
    pub headers: Vec<(String, Template)>,
    /// `httpRequest.body` or `.form`.
    pub content: Content,
    /// The reference of saved credentials.
    pub credentials: Option<String>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Which status codes are a success.
    pub success: SuccessCodes,
    /// Whether the definition or the method says that a repeat does no harm.
    pub repeatable: bool,
    /// The header field that carries the idempotency key.
    pub idempotency_header: Option<String>,
}

/// The request methods of an HTTP Task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the methods")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    pub(crate) const ALL: [(&str, Self); 7] = [
        ("GET", Self::Get),
        ("HEAD", Self::Head),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
        ("OPTIONS", Self::Options),
    ];

    /// As it is sent.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, method)| *method == self).map_or("GET", |(name, _)| name)
    }

    /// Whether the method itself is idempotent (RFC 9110, section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// What the request carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing.
    None,
    /// `body`: any JSON, or a text where the content type is not JSON.
    Body(Template),
    /// `form`: names and values.
    Form(Vec<(String, Template)>),
}

/// In whole seconds, as the definition says or the field's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// `connectionTimeoutSeconds`
    pub connection_seconds: u64,
    /// `readTimeoutSeconds`: for the first byte and between bytes.
    pub read_seconds: u64,
}

impl Default for Timeouts {
    /// The defaults of the definition format.
    fn default() -> Self {
        Self { connection_seconds: 5, read_seconds: 10 }
    }
}

/// `successCodes`: single codes and classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuccessCodes(pub(crate) Vec<std::ops::RangeInclusive<u16>>);

impl SuccessCodes {
    /// Whether a status is declared a success.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for SuccessCodes {
    /// 2xx.
    fn default() -> Self {
        Self(vec![200..=299])
    }
}
