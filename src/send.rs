//! A request → what came back. The only file that knows wasi:http. It sends once, waits for the whole answer, and says
//! what kept it away; what that means is not decided here.

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
    http_error_code,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::header;
use crate::request::Request;
use crate::response::{Answer, Trouble};
use crate::step::Timeouts;

/// How much of an answer is asked for at a time; a host hands over what it has, up to this.
const READ_BYTES: u64 = 1024 * 1024;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// Sends the request and reads the answer to its end.
pub fn send(request: &Request, timeouts: Timeouts) -> Result<Answer, Trouble> {
    let outgoing = outgoing_request(request)?;
    let body = outgoing.body().map_err(|()| malformed("the host gives no body to write"))?;
    let options = request_options(timeouts);
    let incoming = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| {
        let untaken = format!("the host did not take the request: {code:?}");
        match trouble(code, timeouts) {
            // Refused on the spot: nothing can have left.
            Trouble::Lost(_) => Trouble::NotConnected(untaken),
            other => other,
        }
    })?;
    // A server may answer, or be gone, before it has read all: the answer tells, not the writing.
    let _ = write(body, request.body.bytes());
    incoming.subscribe().block();
    let response = match incoming.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(code))) => return Err(trouble(code, timeouts)),
        Some(Err(())) | None => return Err(Trouble::Lost("the host gave no answer".into())),
    };
    Ok(read(response, timeouts))
}

fn outgoing_request(request: &Request) -> Result<OutgoingRequest, Trouble> {
    let mut fields: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if let Some(credentials) = &request.credentials {
        fields.push((header::CREDENTIALS.into(), credentials.clone().into_bytes()));
    }
    let fields = Fields::from_list(&fields)
        .map_err(|error| malformed(&format!("the host refuses a header of the request: {error}")))?;
    let (scheme, rest) = match request.url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => return Err(malformed("the URL has no scheme")),
    };
    let path_at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    let method = match request.method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.to_owned()),
    };
    let outgoing = OutgoingRequest::new(fields);
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(path)))
        .map_err(|()| malformed("the host refuses the method or the URL"))?;
    Ok(outgoing)
}

fn malformed(message: &str) -> Trouble {
    Trouble::Malformed(message.to_owned())
}

fn request_options(timeouts: Timeouts) -> RequestOptions {
    let nanoseconds = |seconds: u64| Some(seconds.saturating_mul(NANOSECONDS_PER_SECOND));
    let options = RequestOptions::new();
    // A host may not support one of them; it then has limits of its own.
    let _ = options.set_connect_timeout(nanoseconds(timeouts.connection_seconds));
    let _ = options.set_first_byte_timeout(nanoseconds(timeouts.read_seconds));
    let _ = options.set_between_bytes_timeout(nanoseconds(timeouts.read_seconds));
    options
}

fn write(body: OutgoingBody, mut bytes: &[u8]) -> Result<(), StreamError> {
    if let Ok(stream) = body.write() {
        while !bytes.is_empty() {
            let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
            if room == 0 {
                stream.subscribe().block();
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            stream.write(now)?;
            bytes = later;
        }
        stream.blocking_flush()?;
    }
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

fn read(response: IncomingResponse, timeouts: Timeouts) -> Answer {
    let mut answer =
        Answer { status: response.status(), headers: response.headers().entries(), content: Vec::new(), cut: None };
    answer.cut = match response.consume() {
        Ok(body) => read_content(&body, &mut answer.content, timeouts).err(),
        Err(()) => Some(Trouble::Lost("the host gives no body to read".into())),
    };
    answer
}

fn read_content(body: &IncomingBody, content: &mut Vec<u8>, timeouts: Timeouts) -> Result<(), Trouble> {
    let stream = body.stream().map_err(|()| Trouble::Lost("the host gives no body to read".into()))?;
    loop {
        match stream.blocking_read(READ_BYTES) {
            // The first piece is often the whole: keep it rather than copy it.
            Ok(bytes) if content.is_empty() => *content = bytes,
            Ok(bytes) => content.extend_from_slice(&bytes),
            Err(StreamError::Closed) => return Ok(()),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(match http_error_code(&error) {
                    Some(code) => trouble(code, timeouts),
                    None => Trouble::Lost("the connection ended before the answer did".into()),
                });
            }
        }
    }
}

/// What an error code says of the request: was it refused, not sent, or sent and lost?
fn trouble(code: ErrorCode, timeouts: Timeouts) -> Trouble {
    let Timeouts { connection_seconds, read_seconds } = timeouts;
    match code {
        ErrorCode::HttpRequestDenied => Trouble::Denied("the host's policy refuses this request".into()),
        ErrorCode::DestinationIpProhibited => Trouble::Denied("the host's policy refuses this address".into()),
        ErrorCode::DnsTimeout => Trouble::NotConnected("the server's name was not resolved in time".into()),
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            Trouble::NotConnected("the server's name could not be resolved".into())
        }
        ErrorCode::ConnectionTimeout => {
            Trouble::NotConnected(format!("no connection within {connection_seconds} s (connectionTimeoutSeconds)"))
        }
        ErrorCode::ConnectionRefused => Trouble::NotConnected("the connection was refused".into()),
        ErrorCode::ConnectionLimitReached => {
            Trouble::NotConnected("the host has as many calls to this server at once as it allows".into())
        }
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            Trouble::NotConnected("the server could not be reached".into())
        }
        ErrorCode::TlsCertificateError => Trouble::NotConnected("the server's certificate is not trusted".into()),
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
            Trouble::NotConnected("no TLS connection came about".into())
        }
        ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestTrailerSectionSize(_)
        | ErrorCode::HttpRequestTrailerSize(_) => Trouble::Malformed(format!("the host refuses the request: {code:?}")),
        ErrorCode::HttpRequestHeaderSectionSize(_) | ErrorCode::HttpRequestHeaderSize(_) => {
            Trouble::Malformed("the header fields are more, or larger, than the host allows".into())
        }
        ErrorCode::HttpRequestBodySize(limit) => Trouble::Malformed(match limit {
            Some(bytes) => format!("the content is larger than the {bytes} bytes that the host allows"),
            None => "the content is larger than the host allows".into(),
        }),
        ErrorCode::HttpResponseBodySize(limit) => Trouble::Withheld(match limit {
            Some(bytes) => format!("the answer is larger than the {bytes} bytes that the host allows"),
            None => "the answer is larger than the host allows".into(),
        }),
        ErrorCode::HttpResponseHeaderSectionSize(_) | ErrorCode::HttpResponseHeaderSize(_) => {
            Trouble::Withheld("the head of the answer is larger than the host allows".into())
        }
        ErrorCode::HttpResponseContentCoding(why) => {
            Trouble::Withheld(why.unwrap_or_else(|| "the answer is in a coding that the host does not read".into()))
        }
        ErrorCode::ConnectionReadTimeout => {
            Trouble::Lost(format!("sent, then nothing for {read_seconds} s (readTimeoutSeconds)"))
        }
        ErrorCode::HttpResponseTimeout => Trouble::Lost("sent, then the host's deadline passed".into()),
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
            Trouble::Lost("sent, then the connection ended before the answer did".into())
        }
        // What is left says nothing of how far the request came, so it may have arrived.
        other => Trouble::Lost(format!("sent, then the exchange failed: {other:?}")),
    }
}
