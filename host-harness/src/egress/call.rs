//! The way out of one call: what a guest hands over to `wasi:http` is permitted, sent by the shared client, its answer scrubbed,
//! and all of it recorded. With `component.rs` the only file that knows wasmtime.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks};

use super::{CREDENTIALS_HEADER, Decisions, Egress, Permitted, permit};
use crate::client::{Answer, ExchangeError, ExchangeLimits, exceeds, header_bytes};
use crate::connector::{ConnectLimits, Stage};
use crate::credentials::{Credential, Unavailable, Way};
use crate::exchange::{Exchange, Received, Sent, SentCredential};
use crate::grants::{Grant, Refusal};
use crate::limits::Limits;
use crate::redaction::Redactor;
use crate::trace::{Decision, Policy};

/// The connection and read timeouts where a guest sets none: the definition format's defaults.
const DEFAULT_CONNECT: Duration = Duration::from_secs(5);
const DEFAULT_READ: Duration = Duration::from_secs(10);

/// Content that is searched for secrets in less than a millisecond; with more the thread is left to others.
const MOST_BYTES_AT_ONCE: usize = 64 * 1024;

/// What the private header says to the guest when the credentials have just been refreshed.
const REFRESHED: HeaderValue = HeaderValue::from_static("refreshed");

/// What happened on the way out during one call.
#[derive(Default)]
pub(crate) struct Record {
    /// Method and URL, as they were asked for.
    pub(crate) asked: Option<(Method, Uri)>,
    /// How long getting the credential took.
    pub(crate) credentials: Option<Duration>,
    pub(crate) refusal: Option<Refusal>,
    /// Why a repeat is right, where the guest cannot know it.
    pub(crate) delay: Option<Delay>,
    pub(crate) exchange: Option<Exchange>,
    pub(crate) decisions: Vec<Decision>,
    /// The API sent a secret back, and it was taken out before the guest saw it.
    pub(crate) scrubbed: bool,
}

/// A credential could not be had now.
pub(crate) struct Delay {
    pub(crate) reason: String,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// The way out of one call.
pub(crate) struct CallEgress {
    egress: Arc<Egress>,
    limits: Limits,
    deadline: Instant,
    record: Arc<Mutex<Record>>,
    /// A call that must not send at all.
    pure: bool,
    /// It has asked to send something.
    asked: bool,
}

impl CallEgress {
    pub(crate) fn new(egress: Arc<Egress>, limits: &Limits, pure: bool) -> Self {
        Self {
            egress,
            limits: limits.clone(),
            deadline: Instant::now() + limits.deadline,
            record: Arc::default(),
            pure,
            asked: false,
        }
    }

    pub(crate) fn record(&self) -> Arc<Mutex<Record>> {
        Arc::clone(&self.record)
    }

    fn exchange_limits(&self, options: Option<&RequestOptions>) -> ExchangeLimits {
        let clamped = |asked: Option<Duration>, default| asked.unwrap_or(default).min(self.limits.deadline);
        ExchangeLimits {
            connect: ConnectLimits {
                total: clamped(options.and_then(|options| options.connect_timeout), DEFAULT_CONNECT),
                resolving: self.limits.resolving,
                securing: self.limits.securing,
            },
            first_byte: clamped(options.and_then(|options| options.first_byte_timeout), DEFAULT_READ),
            between_bytes: clamped(options.and_then(|options| options.between_bytes_timeout), DEFAULT_READ),
            deadline: self.deadline,
            answer_bytes: self.limits.answer_bytes,
            header_fields: self.limits.header_fields,
            header_bytes: self.limits.header_bytes,
            calls_per_origin: self.limits.calls_per_origin as usize,
        }
    }
}

type Sending<T> = Box<dyn Future<Output = Result<T, WasiError>> + Send>;

impl WasiHttpHooks for CallEgress {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _guest_errors: Sending<()>,
    ) -> Sending<(Response<WasiBody>, Sending<()>)> {
        let limits = self.exchange_limits(options.as_ref());
        let request_bytes = self.limits.request_bytes;
        let egress = Arc::clone(&self.egress);
        let record = Arc::clone(&self.record);
        let way = egress.way(&self.limits).filter(|_| !self.pure);
        let asked_before = std::mem::replace(&mut self.asked, true);
        Box::new(async move {
            let Some(way) = way else { return Err(WasiError::HttpRequestDenied) };
            let refuse = |refusal| {
                lock(&record).refusal = Some(refusal);
                WasiError::HttpRequestDenied
            };
            if asked_before {
                // What is recorded, judged and limited is one request; a component of somebody else's may try more.
                return Err(refuse(Refusal::for_good(
                    "one call sends one request, and this one has asked for another",
                )));
            }
            lock(&record).asked = Some((request.method().clone(), request.uri().clone()));
            let mut decisions = Decisions::default();
            let permitted = permit(&egress, request, &way, limits.deadline, &mut decisions).await;
            let Decisions { taken: decisions, credentials } = decisions;
            {
                let mut record = lock(&record);
                (record.decisions, record.credentials) = (decisions, credentials);
            }
            let Permitted { request, need, open, credential } = permitted.map_err(|unavailable| match unavailable {
                Unavailable::Refused(refusal) => refuse(refusal),
                Unavailable::ForNow { reason, retry_after_seconds } => {
                    lock(&record).delay = Some(Delay { reason, retry_after_seconds });
                    WasiError::DestinationUnavailable
                }
            })?;
            let (parts, body) = request.into_parts();
            if exceeds(&parts.headers, limits.header_fields, limits.header_bytes) {
                return Err(WasiError::HttpRequestHeaderSectionSize(u32::try_from(limits.header_bytes).ok()));
            }
            let body = Limited::new(body, request_bytes).collect().await;
            let body = body.map_err(|_| WasiError::HttpRequestBodySize(Some(request_bytes as u64)))?.to_bytes();
            let named = need.credentials().zip(credential.as_ref());
            let named = named.map(|(reference, credential)| SentCredential {
                reference: reference.to_owned(),
                carrier: credential.carrier(),
            });
            let sent = Sent::new(&parts.method, &parts.uri, &parts.headers, body.clone(), named);
            let started = Instant::now();
            // For a call that does not live to see what came of it.
            lock(&record).exchange = Some(Exchange::begun(sent));
            let request = Request::from_parts(parts, Full::new(body));
            let (result, connect) = way.client.exchange(request, need.origin(), &open, limits).await;
            if let Err(ExchangeError::Closed(address)) = &result {
                let mut record = lock(&record);
                record.decisions.push(address_decision(false, address));
                record.exchange = None;
                drop(record);
                let grant = Grant::least(&need).on(&open).on(&address.closed);
                return Err(refuse(Refusal::to_be_granted(address.to_string(), grant)));
            }
            let total = started.elapsed();
            let mut scrubbed = false;
            let mut result = match result {
                Ok(answer) => Ok(scrub(&egress.redactor, answer, &mut scrubbed).await),
                Err(error) => Err(error),
            };
            let delay = match (&mut result, credential) {
                (Ok(answer), Some(credential)) => judge(&credential, answer, &way, limits.deadline).await,
                _ => None,
            };
            let (received, trouble) = match &result {
                Ok(answer) => (
                    Some(Received {
                        status: answer.head.status(),
                        version: answer.head.version(),
                        bytes: answer.arrived_bytes,
                        decoded_bytes: answer.content.len(),
                        header_fields: answer.head.headers().len(),
                        header_bytes: header_bytes(answer.head.headers()),
                    }),
                    answer.cut.as_ref(),
                ),
                Err(error) => (None, Some(error)),
            };
            let left = result.as_ref().err().is_none_or(ExchangeError::after_connecting);
            // A server may have chosen the words.
            let trouble = trouble.map(|trouble| egress.redactor.redact(&trouble.to_string()).into_owned());
            let first_byte = result.as_ref().ok().map(|answer| answer.first_byte - started);
            let mut record = lock(&record);
            // Through a proxy it is the proxy's.
            let address = result.as_ref().ok().and_then(|answer| answer.address);
            record.decisions.extend(address.map(|address| address_decision(true, &address)));
            record.scrubbed = scrubbed;
            record.delay = delay;
            if let Some(exchange) = &mut record.exchange {
                (exchange.left, exchange.received, exchange.trouble) = (left, received, trouble);
                (exchange.connect, exchange.first_byte, exchange.total) = (connect, first_byte, total);
            }
            let answer = result.map_err(wasi_error)?;
            let response = answer.head.map(|()| Content { arrived: answer.content, cut: answer.cut }.boxed_unsync());
            Ok((response, Box::new(std::future::ready(Ok(()))) as Sending<()>))
        })
    }
}

/// What an answer says of the credential. Where that was refused and there is another one now, or one can only not be had for
/// the moment, the guest is told that a repeat is right.
async fn judge(credential: &Credential, answer: &mut Answer, way: &Way, deadline: Instant) -> Option<Delay> {
    if answer.head.status() != StatusCode::UNAUTHORIZED {
        credential.accepted();
        return None;
    }
    let (is_repeatable, delay) = match timeout_at(deadline, credential.renew(way)).await {
        Ok(Ok(is_new)) => (is_new, None),
        Ok(Err(Unavailable::ForNow { reason, retry_after_seconds })) => {
            let reason = format!("the API answered 401, and {reason}");
            (true, Some(Delay { reason, retry_after_seconds }))
        }
        Ok(Err(Unavailable::Refused(_))) | Err(_) => (false, None),
    };
    if is_repeatable {
        answer.head.headers_mut().insert(CREDENTIALS_HEADER, REFRESHED);
    }
    delay
}

fn address_decision(allowed: bool, address: &impl ToString) -> Decision {
    Decision { policy: Policy::Address, allowed, detail: address.to_string() }
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes secrets out of an answer, and the private header, with which only this host may speak to the guest.
async fn scrub(redactor: &Redactor, mut answer: Answer, scrubbed: &mut bool) -> Answer {
    let content = answer.content.clone();
    let clean = if content.len() > MOST_BYTES_AT_ONCE {
        let redactor = redactor.clone();
        let clean = tokio::task::spawn_blocking(move || redactor.scrub(&content)).await;
        // It cannot fail; if it did, nothing of the answer would be known to be clean.
        clean.unwrap_or_else(|_| Some(Vec::new()))
    } else {
        redactor.scrub(&content)
    };
    if let Some(content) = clean {
        answer.content = content.into();
        *scrubbed = true;
    }
    let headers = answer.head.headers_mut();
    headers.remove(CREDENTIALS_HEADER);
    for value in headers.values_mut() {
        if let Some(clean) = redactor.scrub(value.as_bytes()).and_then(|clean| HeaderValue::from_bytes(&clean).ok()) {
            *value = clean;
            *scrubbed = true;
        }
    }
    // A name cannot be changed and stay what it was.
    let names: Vec<_> =
        headers.keys().filter(|name| redactor.scrub(name.as_str().as_bytes()).is_some()).cloned().collect();
    for name in names {
        headers.remove(name);
        *scrubbed = true;
    }
    answer
}

/// The content as the guest reads it: all that came, then what cut it short.
struct Content {
    arrived: Bytes,
    cut: Option<ExchangeError>,
}

impl Body for Content {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        let arrived = std::mem::take(&mut self.arrived);
        Poll::Ready(if arrived.is_empty() {
            self.cut.take().map(|cut| Err(wasi_error(cut)))
        } else {
            Some(Ok(Frame::data(arrived)))
        })
    }
}

/// What cut an answer short, told to the guest that asks. wasmtime-wasi-http 48 looks for another type than the one it
/// keeps, and so would tell nothing.
pub(crate) fn error_code(error: &wasmtime::Error) -> Option<ErrorCode> {
    Some(match error.downcast_ref::<WasiError>()? {
        WasiError::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        WasiError::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
        WasiError::HttpResponseBodySize(limit) => ErrorCode::HttpResponseBodySize(*limit),
        WasiError::HttpResponseContentCoding(coding) => ErrorCode::HttpResponseContentCoding(coding.clone()),
        _ => ErrorCode::ConnectionTerminated,
    })
}

fn wasi_error(error: ExchangeError) -> WasiError {
    match error {
        ExchangeError::NoPlace(_) => WasiError::ConnectionLimitReached,
        ExchangeError::Resolve(_) => WasiError::DnsError { rcode: None, info_code: None },
        ExchangeError::Closed(_) => WasiError::HttpRequestDenied,
        ExchangeError::ConnectTimeout(Stage::Resolving, _) => WasiError::DnsTimeout,
        ExchangeError::ConnectTimeout(Stage::Connecting, _) => WasiError::ConnectionTimeout,
        ExchangeError::Refused(_) => WasiError::ConnectionRefused,
        ExchangeError::Connect(_) => WasiError::DestinationUnavailable,
        ExchangeError::Certificate(_) => WasiError::TlsCertificateError,
        ExchangeError::ConnectTimeout(Stage::Securing, _) | ExchangeError::Tls(_) => WasiError::TlsProtocolError,
        ExchangeError::FirstByteTimeout(_) | ExchangeError::BetweenBytesTimeout(_) => WasiError::ConnectionReadTimeout,
        ExchangeError::Deadline => WasiError::HttpResponseTimeout,
        ExchangeError::TooLarge(limit) => WasiError::HttpResponseBodySize(Some(limit as u64)),
        ExchangeError::HeadTooLarge => WasiError::HttpResponseHeaderSectionSize(None),
        ExchangeError::Coding(error) => WasiError::HttpResponseContentCoding(Some(error.to_string())),
        ExchangeError::Broken(_) => WasiError::ConnectionTerminated,
    }
}
