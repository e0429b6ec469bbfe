//! The one way out. A request of the guest is checked against the grants, given its credential, sent by the shared
//! client, and recorded. With `component.rs` the only file that knows wasmtime.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::Instant;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks};

use crate::client::{Answer, Client, ExchangeError, ExchangeLimits};
use crate::credentials::{Credential, Credentials};
use crate::exchange::{Exchange, Received, Sent, SentCredential};
use crate::grants::{Grants, Refusal};
use crate::limits::Limits;
use crate::origin::Origin;
use crate::redaction::Redactor;
use crate::stand_in::StandIn;

/// The private header that carries the credentials reference out of the guest. It never leaves the host.
const CREDENTIALS_HEADER: HeaderName = HeaderName::from_static("x-http-task-credentials");

/// The connection and read timeouts where a guest sets none: the definition format's defaults.
const DEFAULT_CONNECT: Duration = Duration::from_secs(5);
const DEFAULT_READ: Duration = Duration::from_secs(10);

/// What may leave a host, with what, and by which client.
pub struct Egress {
    grants: Grants,
    credentials: Credentials,
    redactor: Redactor,
    /// None: this host cannot send.
    client: Option<Client>,
}

/// The platform's roots could not be read, so that no TLS connection could be trusted.
#[derive(Debug)]
pub struct EgressError(rustls::Error);

impl std::fmt::Display for EgressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl std::error::Error for EgressError {}

impl Egress {
    /// Requests go where the grants say, with the credentials that are bound there.
    pub fn new(grants: Grants, credentials: Credentials, redactor: Redactor) -> Result<Self, EgressError> {
        Ok(Self { grants, credentials, redactor, client: Some(Client::new().map_err(EgressError)?) })
    }

    /// Nothing leaves: there is no client to send it.
    pub fn offline() -> Self {
        Self {
            grants: Grants::default(),
            credentials: Credentials::default(),
            redactor: Redactor::default(),
            client: None,
        }
    }

    /// Every request goes to the stand-in, whatever its URL says, and only those that are meant for its model leave.
    pub fn to_stand_in(stand_in: &StandIn, redactor: Redactor) -> Self {
        Self {
            grants: Grants::for_stand_in(),
            credentials: Credentials::for_stand_in(stand_in.secret()),
            redactor,
            client: Some(Client::dialling(stand_in.address())),
        }
    }

    /// Grant and credential for a request to a URL.
    fn allow(&self, url: &str, reference: Option<&str>) -> Result<Option<Credential>, Refusal> {
        let origin = origin(url)?;
        self.grants.check(&origin)?;
        self.credential(reference, &origin)
    }

    /// All that is against a request to a URL.
    pub(crate) fn refusals(&self, url: &str, reference: Option<&str>) -> Vec<Refusal> {
        match origin(url) {
            Ok(origin) => [self.grants.check(&origin).err(), self.credential(reference, &origin).err()]
                .into_iter()
                .flatten()
                .collect(),
            Err(refusal) => vec![refusal],
        }
    }

    fn credential(&self, reference: Option<&str>, origin: &Origin) -> Result<Option<Credential>, Refusal> {
        reference.map(|reference| self.credentials.find(reference, origin, &self.redactor)).transpose()
    }

    /// The secrets that this egress has used.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }
}

fn origin(url: &str) -> Result<Origin, Refusal> {
    Origin::of(url).map_err(|error| Refusal { message: error.to_string(), hint: None })
}

/// What happened on the way out during one call.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) refusal: Option<Refusal>,
    pub(crate) exchange: Option<Exchange>,
    /// The API sent a secret back, and it was taken out before the guest saw it.
    pub(crate) scrubbed: bool,
}

/// The way out of one call.
pub(crate) struct CallEgress {
    egress: Arc<Egress>,
    limits: Limits,
    deadline: Instant,
    record: Arc<Mutex<Record>>,
    /// A call that must not send at all.
    pure: bool,
}

impl CallEgress {
    pub(crate) fn new(egress: Arc<Egress>, limits: &Limits, pure: bool) -> Self {
        Self {
            egress,
            limits: limits.clone(),
            deadline: Instant::now() + limits.deadline,
            record: Arc::default(),
            pure,
        }
    }

    pub(crate) fn record(&self) -> Arc<Mutex<Record>> {
        Arc::clone(&self.record)
    }

    fn exchange_limits(&self, options: Option<&RequestOptions>) -> ExchangeLimits {
        let clamped = |asked: Option<Duration>, default| asked.unwrap_or(default).min(self.limits.deadline);
        ExchangeLimits {
            connect: clamped(options.and_then(|options| options.connect_timeout), DEFAULT_CONNECT),
            first_byte: clamped(options.and_then(|options| options.first_byte_timeout), DEFAULT_READ),
            between_bytes: clamped(options.and_then(|options| options.between_bytes_timeout), DEFAULT_READ),
            deadline: self.deadline,
            answer_bytes: self.limits.answer_bytes,
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
        let client = egress.client.clone().filter(|_| !self.pure);
        Box::new(async move {
            let Some(client) = client else { return Err(WasiError::HttpRequestDenied) };
            let (request, credential) = match permit(&egress, request) {
                Ok(permitted) => permitted,
                Err(refusal) => {
                    lock(&record).refusal = Some(refusal);
                    return Err(WasiError::HttpRequestDenied);
                }
            };
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, request_bytes).collect().await;
            let body = body.map_err(|_| WasiError::HttpRequestBodySize(Some(request_bytes as u64)))?.to_bytes();
            let sent = Sent::new(&parts.method, &parts.uri, &parts.headers, body.clone(), credential);
            let started = Instant::now();
            let (result, connect) = client.exchange(Request::from_parts(parts, Full::new(body)), limits).await;
            let mut record = lock(&record);
            let result = result.map(|answer| scrub(&egress.redactor, answer, &mut record.scrubbed));
            let (received, trouble) = match &result {
                Ok(answer) => (
                    Some(Received {
                        status: answer.head.status(),
                        version: answer.head.version(),
                        bytes: answer.content.len(),
                    }),
                    answer.cut.as_ref(),
                ),
                Err(error) => (None, Some(error)),
            };
            let left = result.as_ref().err().is_none_or(ExchangeError::after_connecting);
            let trouble = trouble.map(ToString::to_string);
            record.exchange = Some(Exchange { sent, left, received, trouble, connect, total: started.elapsed() });
            let answer = result.map_err(wasi_error)?;
            let response = answer.head.map(|()| Content { arrived: answer.content, cut: answer.cut }.boxed_unsync());
            Ok((response, Box::new(std::future::ready(Ok(()))) as Sending<()>))
        })
    }
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Grant and credential. The private header is removed from whatever leaves, also where it means nothing.
fn permit(
    egress: &Egress,
    mut request: Request<WasiBody>,
) -> Result<(Request<WasiBody>, Option<SentCredential>), Refusal> {
    let reference = request.headers_mut().remove(CREDENTIALS_HEADER);
    let reference = reference.map(|reference| String::from_utf8_lossy(reference.as_bytes()).into_owned());
    let credential = egress.allow(&request.uri().to_string(), reference.as_deref())?;
    let Some((reference, Credential { header, value })) = reference.zip(credential) else { return Ok((request, None)) };
    request.headers_mut().insert(header.clone(), value);
    Ok((request, Some(SentCredential { reference, header })))
}

/// Takes secrets out of an answer, and the private header, with which only this host may speak to the guest.
fn scrub(redactor: &Redactor, mut answer: Answer, scrubbed: &mut bool) -> Answer {
    if let Some(content) = redactor.scrub(&answer.content) {
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
        _ => ErrorCode::ConnectionTerminated,
    })
}

fn wasi_error(error: ExchangeError) -> WasiError {
    match error {
        ExchangeError::Resolve(_) => WasiError::DnsError { rcode: None, info_code: None },
        ExchangeError::ConnectTimeout => WasiError::ConnectionTimeout,
        ExchangeError::Refused(_) => WasiError::ConnectionRefused,
        ExchangeError::Connect(_) => WasiError::DestinationUnavailable,
        ExchangeError::Certificate(_) => WasiError::TlsCertificateError,
        ExchangeError::Tls(_) => WasiError::TlsProtocolError,
        ExchangeError::ReadTimeout => WasiError::ConnectionReadTimeout,
        ExchangeError::Deadline => WasiError::HttpResponseTimeout,
        ExchangeError::TooLarge(limit) => WasiError::HttpResponseBodySize(Some(limit as u64)),
        ExchangeError::Broken(_) => WasiError::ConnectionTerminated,
    }
}
