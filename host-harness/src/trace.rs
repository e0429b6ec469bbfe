//! What one call did, as it may be shown: the request and the answer in short, what policy decided, where the time went, and
//! how much of its limits it used. Every text in it has passed the redactor. It goes to `tracing`, as a span in the words of
//! OpenTelemetry, and to whoever asks for it.

use std::time::{Duration, SystemTime};

use http::{Method, Uri};
use serde::Serialize;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::component::Run;
use crate::exchange::Exchange;
use crate::limits::Limits;
use crate::redaction::Redactor;
use crate::report::{outcome_name, reason_of};

/// One call.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// When it began: RFC 3339, in UTC, with milliseconds.
    pub time: String,
    /// The name of the outcome.
    pub outcome: &'static str,
    /// Why that is a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What kept the component from an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What policy was asked, in order, and what it said. The last is the one that refused, where one did.
    pub decisions: Vec<Decision>,
    /// What was sent, or asked for in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestTrace>,
    /// What came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseTrace>,
    /// Where the time went.
    pub timings: Timings,
    /// What was used of each limit.
    pub limits: LimitsUsed,
}

/// One question to policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What was asked.
    pub policy: Policy,
    /// Whether it may go on.
    pub allowed: bool,
    /// What for, or why not.
    pub detail: String,
}

/// What is asked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Whether the request has one meaning.
    Request,
    /// Whether it may leave.
    Grant,
    /// Whether its credentials may go there, and can be had.
    Credentials,
    /// Whether the address may be dialled.
    Address,
}

/// A request in short.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestTrace {
    /// The method.
    pub method: String,
    /// The whole URL, a credential in it redacted.
    pub url: String,
    /// Of its content.
    pub bytes: usize,
    /// Whether any of it can have left.
    pub left: bool,
}

/// An answer in short.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseTrace {
    /// The status.
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Of its content, as it came.
    pub bytes: usize,
    /// Of its content, as it was handed over.
    pub decoded_bytes: usize,
    /// Whether a secret was taken out.
    pub redacted: bool,
    /// What cut it short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Where the time went, in milliseconds. What there was not is not there.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// For a place among the calls at once.
    pub waiting_ms: f64,
    /// Getting the secret or the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_ms: Option<f64>,
    /// Resolving the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolving_ms: Option<f64>,
    /// Connecting by TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connecting_ms: Option<f64>,
    /// The TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub securing_ms: Option<f64>,
    /// From the beginning of the exchange to the head of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<f64>,
    /// The exchange, connecting included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_ms: Option<f64>,
    /// All of the call.
    pub total_ms: f64,
}

/// What was used of a limit, and the limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Used<T> {
    /// What was used.
    pub used: T,
    /// The limit.
    pub limit: T,
}

/// What was used of each limit.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsUsed {
    /// Memory of the guest.
    pub memory_bytes: Used<usize>,
    /// Time in which the guest computed, in milliseconds: counted in ticks of ten, each of which it may have met at its end.
    pub computing_ms: Used<f64>,
    /// The deadline of the call, in milliseconds.
    pub deadline_ms: Used<f64>,
    /// Content of the request.
    pub request_bytes: Used<usize>,
    /// Content of the answer, decoded.
    pub answer_bytes: Used<usize>,
    /// Header fields of the answer.
    pub header_fields: Used<usize>,
    /// Bytes of them.
    pub header_bytes: Used<usize>,
}

/// What a call used, and what was decided about it.
pub(crate) struct CallUse {
    pub(crate) began: SystemTime,
    pub(crate) waiting: Duration,
    pub(crate) total: Duration,
    pub(crate) computing: Duration,
    pub(crate) memory_bytes: usize,
    pub(crate) decisions: Vec<Decision>,
    /// Method and URL.
    pub(crate) asked: Option<(Method, Uri)>,
    /// Getting the credential.
    pub(crate) credentials: Option<Duration>,
    /// A secret was taken out of the answer.
    pub(crate) scrubbed: bool,
}

fn milliseconds(time: Duration) -> f64 {
    // To the microsecond: more is noise.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Trace {
    /// Of a call that has ended.
    pub(crate) fn of(run: &Run, used: CallUse, limits: &Limits, redactor: &Redactor) -> Self {
        let text = |text: &str| redactor.redact(text).into_owned();
        let exchange = run.exchange.as_ref();
        let received = exchange.and_then(|exchange| exchange.received.as_ref());
        let connect = exchange.and_then(|exchange| exchange.connect).unwrap_or_default();
        let sent = exchange.map(|Exchange { sent, left, .. }| (&sent.method, &sent.url, sent.body.len(), *left));
        // What was refused was asked for all the same.
        let asked = || used.asked.as_ref().map(|(method, url)| (method, url, 0, false));
        let request = sent.or_else(asked).map(|(method, url, bytes, left)| RequestTrace {
            method: method.to_string(),
            url: text(&url.to_string()),
            bytes,
            left,
        });
        let trouble = exchange.and_then(|exchange| exchange.trouble.as_deref()).map(text);
        let response = received.map(|received| ResponseTrace {
            status: received.status.as_u16(),
            version: format!("{:?}", received.version),
            bytes: received.bytes,
            decoded_bytes: received.decoded_bytes,
            redacted: used.scrubbed,
            trouble,
        });
        let decisions = used.decisions.into_iter();
        let decisions = decisions.map(|decision| Decision { detail: text(&decision.detail), ..decision }).collect();
        let of = |time: Option<Duration>| time.map(milliseconds);
        Self {
            time: humantime::format_rfc3339_millis(used.began).to_string(),
            outcome: outcome_name(&run.outcome),
            reason: run.outcome.as_ref().err().map(|failure| text(reason_of(failure))),
            error: run.error.as_ref().map(|error| text(&error.0)),
            decisions,
            timings: Timings {
                waiting_ms: milliseconds(used.waiting),
                credentials_ms: of(used.credentials),
                resolving_ms: of(connect.resolving),
                connecting_ms: of(connect.connecting),
                securing_ms: of(connect.securing),
                first_byte_ms: of(exchange.and_then(|exchange| exchange.first_byte)),
                exchange_ms: of(exchange.map(|exchange| exchange.total)),
                total_ms: milliseconds(used.total),
            },
            limits: LimitsUsed {
                memory_bytes: Used { used: used.memory_bytes, limit: limits.memory_bytes },
                computing_ms: Used { used: milliseconds(used.computing), limit: milliseconds(limits.computing) },
                deadline_ms: Used {
                    used: milliseconds(used.total - used.waiting),
                    limit: milliseconds(limits.deadline),
                },
                request_bytes: Used {
                    used: request.as_ref().map_or(0, |request| request.bytes),
                    limit: limits.request_bytes,
                },
                answer_bytes: Used {
                    used: received.map_or(0, |received| received.decoded_bytes),
                    limit: limits.answer_bytes,
                },
                header_fields: Used {
                    used: received.map_or(0, |received| received.header_fields),
                    limit: limits.header_fields,
                },
                header_bytes: Used {
                    used: received.map_or(0, |received| received.header_bytes),
                    limit: limits.header_bytes,
                },
            },
            request,
            response,
        }
    }

    /// Tells the span of the call what came of it, and whoever listens all of it.
    pub(crate) fn tell(&self, span: &Span) {
        if span.is_disabled() {
            return;
        }
        span.record("http_task.outcome", self.outcome);
        if let Some(request) = &self.request {
            span.record("otel.name", request.method.as_str());
            span.record("http.request.method", request.method.as_str());
            span.record("url.full", request.url.as_str());
            span.record("http.request.body.size", integer(request.bytes));
            if let Ok(url) = url::Url::parse(&request.url) {
                span.record("server.address", url.host().map(display));
                span.record("server.port", url.port_or_known_default().map(i64::from));
            }
        }
        if let Some(response) = &self.response {
            span.record("http.response.status_code", i64::from(response.status));
            span.record("http.response.body.size", integer(response.bytes));
            span.record("network.protocol.version", response.version.trim_start_matches("HTTP/"));
        }
        let status = self.response.as_ref().map(|response| response.status.to_string());
        if let Some(reason) = &self.reason {
            // By the conventions the status is the type of the error, where there is one.
            span.record("error.type", status.as_deref().filter(|_| self.is_of_http()).unwrap_or(self.outcome));
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", reason.as_str());
        }
        let _entered = span.enter();
        if tracing::enabled!(tracing::Level::INFO) {
            let trace = serde_json::to_string(self).unwrap_or_default();
            tracing::info!(trace, "{}", self.outcome);
        }
    }

    fn is_of_http(&self) -> bool {
        self.response.as_ref().is_some_and(|response| response.status >= 400)
    }
}

/// OpenTelemetry has signed integers; of others its bridge makes text.
fn integer(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Where the spans of calls come from.
pub(crate) const TARGET: &str = module_path!();

/// The span of a call, whose fields are those of OpenTelemetry's conventions for HTTP clients (1.23 and later) and one of our
/// own. They are filled when the call has ended.
pub(crate) fn span() -> Span {
    tracing::info_span!(
        target: TARGET,
        "http-task",
        otel.name = "http-task",
        otel.kind = "client",
        otel.status_code = Empty,
        otel.status_description = Empty,
        error.r#type = Empty,
        http.request.method = Empty,
        http.request.body.size = Empty,
        http.response.status_code = Empty,
        http.response.body.size = Empty,
        network.protocol.version = Empty,
        server.address = Empty,
        server.port = Empty,
        url.full = Empty,
        http_task.outcome = Empty,
    )
}
