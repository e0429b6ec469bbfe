//! The one way out. A request of the guest is checked against the grants, given its credential, sent by the shared
//! client, and recorded. With `component.rs` the only file that knows wasmtime.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::Instant;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks};

use crate::client::{Answer, Client, ExchangeError, ExchangeLimits, exceeds};
use crate::connector::ConnectLimits;
use crate::credentials::{Credential, Credentials};
use crate::exchange::{Exchange, Received, Sent, SentCredential};
use crate::grants::{Grant, Grants, Need, Refusal};
use crate::limits::Limits;
use crate::network::Networks;
use crate::redaction::Redactor;
use crate::stand_in::StandIn;
use crate::target::Target;
use crate::transport::{TlsError, Transport};

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

impl Egress {
    /// Requests go where the grants say, with the credentials that are bound there.
    pub fn new(grants: Grants, credentials: Credentials, redactor: Redactor) -> Result<Self, TlsError> {
        Self::by(Transport::default(), grants, credentials, redactor)
    }

    /// The same, travelling another way.
    pub fn by(
        transport: Transport,
        grants: Grants,
        credentials: Credentials,
        redactor: Redactor,
    ) -> Result<Self, TlsError> {
        Ok(Self { grants, credentials, redactor, client: Some(Client::new(transport)?) })
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

    /// All that is against a task, by what is known before it has an input.
    pub(crate) fn refusals(&self, method: &str, url: &str, reference: Option<&str>) -> Vec<Refusal> {
        match Need::of_task(method, url, reference) {
            Ok(need) => {
                [self.grants.check_task(&need).err(), self.credential(&need).err()].into_iter().flatten().collect()
            }
            Err(error) => vec![Refusal::for_good(error.to_string())],
        }
    }

    fn credential(&self, need: &Need) -> Result<Option<Credential>, Refusal> {
        let find = |reference| self.credentials.find(reference, need.origin(), &self.redactor);
        need.credentials().map(find).transpose()
    }

    /// The secrets that this egress has used.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }
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
        let client = egress.client.clone().filter(|_| !self.pure);
        Box::new(async move {
            let Some(client) = client else { return Err(WasiError::HttpRequestDenied) };
            let refuse = |refusal| {
                lock(&record).refusal = Some(refusal);
                WasiError::HttpRequestDenied
            };
            let Permitted { request, need, open, credential } = permit(&egress, request).map_err(refuse)?;
            let (parts, body) = request.into_parts();
            if exceeds(&parts.headers, limits.header_fields, limits.header_bytes) {
                return Err(WasiError::HttpRequestHeaderSectionSize(u32::try_from(limits.header_bytes).ok()));
            }
            let body = Limited::new(body, request_bytes).collect().await;
            let body = body.map_err(|_| WasiError::HttpRequestBodySize(Some(request_bytes as u64)))?.to_bytes();
            let sent = Sent::new(&parts.method, &parts.uri, &parts.headers, body.clone(), credential);
            let started = Instant::now();
            let request = Request::from_parts(parts, Full::new(body));
            let (result, connect) = client.exchange(request, need.origin(), &open, limits).await;
            if let Err(ExchangeError::Closed(address)) = &result {
                let grant = Grant::least(&need).on(&open).on(&address.closed);
                return Err(refuse(Refusal::to_be_granted(address.to_string(), grant)));
            }
            let mut record = lock(&record);
            let result = result.map(|answer| scrub(&egress.redactor, answer, &mut record.scrubbed));
            let (received, trouble) = match &result {
                Ok(answer) => (
                    Some(Received {
                        status: answer.head.status(),
                        version: answer.head.version(),
                        bytes: answer.arrived_bytes,
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

/// A request that may leave.
struct Permitted {
    request: Request<WasiBody>,
    need: Need,
    /// The closed networks that are open for it.
    open: Networks,
    credential: Option<SentCredential>,
}

/// Grant and credential. What was compared is what is sent, and the private header is removed from whatever leaves, also
/// where it means nothing.
fn permit(egress: &Egress, mut request: Request<WasiBody>) -> Result<Permitted, Refusal> {
    let reference = reference(request.headers_mut())?;
    let target = Target::of(&request.uri().to_string()).map_err(|error| Refusal::for_good(error.to_string()))?;
    let need = Need::of_request(request.method(), &target, reference.as_deref());
    let open = egress.grants.check(&need)?;
    *request.uri_mut() = target.as_str().parse().map_err(|_| Refusal::for_good("the URL cannot be sent"))?;
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|_| Refusal::for_good("the host cannot be sent"))?;
        request.headers_mut().insert(HOST, host);
    }
    let credential = egress.credential(&need)?;
    let credential = reference.zip(credential).map(|(reference, Credential { header, value })| {
        request.headers_mut().insert(header.clone(), value);
        SentCredential { reference, header }
    });
    Ok(Permitted { request, need, open, credential })
}

/// Takes the private header off. Two of them are two minds about what may be used: neither is believed.
fn reference(headers: &mut http::HeaderMap) -> Result<Option<String>, Refusal> {
    let references: Vec<_> = headers.get_all(CREDENTIALS_HEADER).iter().cloned().collect();
    headers.remove(CREDENTIALS_HEADER);
    match references.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(String::from_utf8_lossy(one.as_bytes()).into_owned())),
        _ => Err(Refusal::for_good("the request names credentials more than once")),
    }
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
        WasiError::HttpResponseContentCoding(coding) => ErrorCode::HttpResponseContentCoding(coding.clone()),
        _ => ErrorCode::ConnectionTerminated,
    })
}

fn wasi_error(error: ExchangeError) -> WasiError {
    match error {
        ExchangeError::NoPlace(_) => WasiError::ConnectionLimitReached,
        ExchangeError::Resolve(_) => WasiError::DnsError { rcode: None, info_code: None },
        ExchangeError::Closed(_) => WasiError::HttpRequestDenied,
        ExchangeError::ConnectTimeout(_) => WasiError::ConnectionTimeout,
        ExchangeError::Refused(_) => WasiError::ConnectionRefused,
        ExchangeError::Connect(_) => WasiError::DestinationUnavailable,
        ExchangeError::Certificate(_) => WasiError::TlsCertificateError,
        ExchangeError::Tls(_) => WasiError::TlsProtocolError,
        ExchangeError::FirstByteTimeout(_) | ExchangeError::BetweenBytesTimeout(_) => WasiError::ConnectionReadTimeout,
        ExchangeError::Deadline => WasiError::HttpResponseTimeout,
        ExchangeError::TooLarge(limit) => WasiError::HttpResponseBodySize(Some(limit as u64)),
        ExchangeError::HeadTooLarge => WasiError::HttpResponseHeaderSectionSize(None),
        ExchangeError::Coding(error) => WasiError::HttpResponseContentCoding(Some(error.to_string())),
        ExchangeError::Broken(_) => WasiError::ConnectionTerminated,
    }
}

#[cfg(test)]
mod tests;
