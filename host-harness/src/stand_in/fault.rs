//! Named ways in which a server misbehaves, or answers what a client likes least.

use std::io::{self, Read as _};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use http::{Response, StatusCode, header, response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::answer::{Answer, DAILY_WAIT_SECONDS};
use super::{AnswerBody, whole};

/// What the stand-in does instead of answering properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `refuse`: nobody listens.
    Refuse,
    /// `reset`: takes the request, and resets the connection.
    Reset,
    /// `close`: takes the request, and closes the connection.
    Close,
    /// `not-http`: answers in another protocol.
    NotHttp,
    /// `hang-before-head`: takes the request, and then nothing.
    HangBeforeHead,
    /// `hang-in-body`: the head, and then nothing.
    HangInBody,
    /// `cut-body N`: announces more than the `N` bytes that it sends.
    CutBody(usize),
    /// `wrong-length`: more content than the head announced.
    WrongLength,
    /// `too-large`: announces a gibibyte, and sends it.
    TooLarge,
    /// `endless`: content without end, as fast as it is read.
    Endless,
    /// `slow-drip`: a byte now and then, each well within any read timeout.
    SlowDrip,
    /// `not-json`: says it is JSON, and is not.
    NotJson,
    /// `wrong-charset`: says it is in ISO-8859-1, and is.
    WrongCharset,
    /// `duplicate-headers`: fields that come twice, with other values.
    DuplicateHeaders,
    /// `gzip`: content that is coded, as nobody asked for.
    Gzip,
    /// `gzip-bomb`: content that is hundreds of times larger when it is decoded.
    GzipBomb,
    /// `brotli`: says that its content is coded in a way that is not read here.
    Brotli,
    /// `large-head`: a field of a hundred thousand bytes.
    LargeHead,
    /// `no-content`: 204, with header fields that matter.
    NoContent,
    /// `redirect`: to another server.
    Redirect,
    /// `unauthorized`: 401 in the vendor's words.
    Unauthorized,
    /// `payment-required`: 402, as of a company whose account is not open.
    PaymentRequired,
    /// `forbidden`: 403 in the vendor's words.
    Forbidden,
    /// `forbidden-page`: 403 as the page of a proxy, for a caller that ignored 429s.
    ForbiddenPage,
    /// `unsuccessful`: 200, and `"success": false`.
    Unsuccessful,
    /// `daily-limit`: 429 in the vendor's words; come again in 3939 seconds.
    DailyLimit,
    /// `burst-limit`: 429, in nobody's words; come again at a time, 90 seconds from now.
    BurstLimit,
    /// `server-error`: 500.
    ServerError,
    /// `unavailable`: 503; come again in 3939 seconds.
    Unavailable,
    /// `overloaded`: 503, and no word of when to come again.
    Overloaded,
}

/// Names as they are written.
const NAMES: [(&str, Fault); 30] = [
    ("refuse", Fault::Refuse),
    ("reset", Fault::Reset),
    ("close", Fault::Close),
    ("not-http", Fault::NotHttp),
    ("hang-before-head", Fault::HangBeforeHead),
    ("hang-in-body", Fault::HangInBody),
    ("cut-body", Fault::CutBody(DEFAULT_CUT_BYTES)),
    ("wrong-length", Fault::WrongLength),
    ("too-large", Fault::TooLarge),
    ("endless", Fault::Endless),
    ("slow-drip", Fault::SlowDrip),
    ("not-json", Fault::NotJson),
    ("wrong-charset", Fault::WrongCharset),
    ("duplicate-headers", Fault::DuplicateHeaders),
    ("gzip", Fault::Gzip),
    ("gzip-bomb", Fault::GzipBomb),
    ("brotli", Fault::Brotli),
    ("large-head", Fault::LargeHead),
    ("no-content", Fault::NoContent),
    ("redirect", Fault::Redirect),
    ("unauthorized", Fault::Unauthorized),
    ("payment-required", Fault::PaymentRequired),
    ("forbidden", Fault::Forbidden),
    ("forbidden-page", Fault::ForbiddenPage),
    ("unsuccessful", Fault::Unsuccessful),
    ("daily-limit", Fault::DailyLimit),
    ("burst-limit", Fault::BurstLimit),
    ("server-error", Fault::ServerError),
    ("unavailable", Fault::Unavailable),
    ("overloaded", Fault::Overloaded),
];

/// Some of an answer, and not all of it.
const DEFAULT_CUT_BYTES: usize = 10;

/// What is sent is held in memory, and this is more than any client here takes.
const MOST_CUT_BYTES: usize = 16 * 1024 * 1024;

const GIBIBYTE: u64 = 1024 * 1024 * 1024;

/// Many drips fit into the shortest read timeout, one second.
const DRIP: Duration = Duration::from_millis(50);

/// How far away the time of a `burst-limit` is.
const BURST: Duration = Duration::from_secs(90);

/// Of members of a gzip, which are one content together (RFC 1952, section 2.2): ten mebibytes of a few dozen kilobytes.
const BOMB_PIECES: usize = 640;

/// Several times what common servers allow in all fields together.
const LARGE_FIELD_BYTES: usize = 100_000;

const PIECE: &[u8] = &[b'x'; 16 * 1024];

impl FromStr for Fault {
    /// Message and hint.
    type Err = (String, String);

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let (name, argument) =
            written.split_once(' ').map_or((written, None), |(name, rest)| (name, Some(rest.trim())));
        let Some((_, fault)) = NAMES.iter().find(|(known, _)| *known == name) else {
            let near = NAMES.iter().map(|(known, _)| (strsim::damerau_levenshtein(name, known), *known)).min();
            let hint = match near {
                Some((edits, near)) if edits <= 2 => format!("did you mean `{near}`?"),
                _ => format!("one of {}", NAMES.map(|(known, _)| known).join(", ")),
            };
            return Err((format!("there is no fault `{name}`"), hint));
        };
        match (fault, argument) {
            (fault, None) => Ok(*fault),
            (Self::CutBody(_), Some(written)) => {
                let bytes = written.parse().ok().filter(|bytes| *bytes <= MOST_CUT_BYTES);
                bytes.map(Self::CutBody).ok_or_else(|| {
                    let message = format!("`{name}` takes a number of bytes up to {MOST_CUT_BYTES}, not `{written}`");
                    (message, format!("{name} {DEFAULT_CUT_BYTES}"))
                })
            }
            (_, Some(_)) => Err((format!("`{name}` takes nothing behind it"), name.to_owned())),
        }
    }
}

/// What comes of a fault.
pub(super) enum Reply {
    /// An answer in HTTP.
    Http(Response<AnswerBody>),
    /// Bytes as they go over the wire, and how the connection ends after them.
    Wire(Bytes, Ending),
    /// Nothing.
    Silence,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Http(answer.into_response())
    }
}

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    Close,
    Reset,
}

impl Fault {
    pub(super) fn reply(self, now: SystemTime) -> Reply {
        let plain = |status| Response::builder().status(status).header(header::CONTENT_TYPE, "text/plain");
        let json = |status| Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
        let ok = StatusCode::OK;
        let (head, body) = match self {
            Self::Refuse | Self::HangBeforeHead => return Reply::Silence,
            Self::Reset => return Reply::Wire(Bytes::new(), Ending::Reset),
            Self::Close => return Reply::Wire(Bytes::new(), Ending::Close),
            Self::NotHttp => return Reply::Wire(Bytes::from_static(b"220 mail.example ESMTP\r\n"), Ending::Close),
            Self::WrongLength => return announcing(4, "more than four"),
            // Not as a body that fails: a server may then close before it has sent what there was.
            Self::CutBody(bytes) => return announcing(bytes + 1, &"x".repeat(bytes)),
            Self::HangInBody => (plain(ok), Stream::Hang.boxed()),
            Self::TooLarge => (plain(ok).header(header::CONTENT_LENGTH, GIBIBYTE), Stream::Flood.boxed()),
            Self::Endless => (plain(ok), Stream::Flood.boxed()),
            Self::SlowDrip => (plain(ok), Stream::drip().boxed()),
            Self::NotJson => (json(ok), whole("<html>Under maintenance</html>")),
            Self::WrongCharset => {
                let head = Response::builder().header(header::CONTENT_TYPE, "text/plain; charset=ISO-8859-1");
                (head, whole(&b"caf\xe9"[..]))
            }
            Self::DuplicateHeaders => {
                let head = json(ok).header("set-cookie", "a=1").header("x-a", "1").header("set-cookie", "b=2");
                (head.header("x-a", "2"), whole("{\"success\":true}"))
            }
            Self::Gzip => (coded(json(ok), "gzip"), whole(gzip(b"{\"success\":true}"))),
            Self::GzipBomb => (coded(plain(ok), "gzip"), whole(gzip(PIECE).repeat(BOMB_PIECES))),
            Self::Brotli => (coded(plain(ok), "br"), whole("not to be read")),
            Self::LargeHead => (plain(ok).header("x-large", "x".repeat(LARGE_FIELD_BYTES)), whole("small")),
            Self::NoContent => {
                let head = Response::builder().status(StatusCode::NO_CONTENT);
                (head.header(header::ETAG, "\"7\"").header("x-request-id", "r-1"), whole(""))
            }
            Self::Redirect => {
                (plain(StatusCode::FOUND).header(header::LOCATION, "https://elsewhere.example/leads"), whole(""))
            }
            Self::Unauthorized => return Answer::unauthorized().into(),
            Self::PaymentRequired => return Answer::new(StatusCode::PAYMENT_REQUIRED).into(),
            Self::Forbidden => return Answer::forbidden().into(),
            Self::ForbiddenPage => return Answer::forbidden_page().into(),
            Self::Unsuccessful => return Answer::unsuccessful().into(),
            Self::DailyLimit => return Answer::daily_limit().into(),
            Self::ServerError => return Answer::new(StatusCode::INTERNAL_SERVER_ERROR).into(),
            Self::BurstLimit => {
                let date = |time| httpdate::fmt_http_date(time);
                let head = plain(StatusCode::TOO_MANY_REQUESTS).header(header::DATE, date(now));
                (head.header(header::RETRY_AFTER, date(now + BURST)), whole(""))
            }
            Self::Unavailable => {
                let answer = Answer::new(StatusCode::SERVICE_UNAVAILABLE);
                return answer.header(header::RETRY_AFTER, DAILY_WAIT_SECONDS).into();
            }
            Self::Overloaded => return Answer::new(StatusCode::SERVICE_UNAVAILABLE).into(),
        };
        Reply::Http(made(head, body))
    }
}

fn coded(head: response::Builder, coding: &str) -> response::Builder {
    head.header(header::CONTENT_ENCODING, coding)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let read = GzEncoder::new(content, Compression::best()).read_to_end(&mut coded);
    read.expect("memory is read without an error");
    coded
}

/// An answer that announces another length than it has, and ends.
fn announcing(length: usize, content: &str) -> Reply {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n");
    Reply::Wire((head + content).into(), Ending::Close)
}

fn made(head: response::Builder, body: AnswerBody) -> Response<AnswerBody> {
    head.body(body).expect("constant parts make a response")
}

enum Stream {
    Flood,
    Drip(Interval),
    Hang,
}

impl Stream {
    fn drip() -> Self {
        let mut interval = interval(DRIP);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self::Drip(interval)
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let data = |bytes: &'static [u8]| Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(bytes)))));
        match &mut *self {
            Self::Flood => data(PIECE),
            Self::Drip(interval) => match interval.poll_tick(cx) {
                Poll::Ready(_) => data(b"x"),
                Poll::Pending => Poll::Pending,
            },
            Self::Hang => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_by_its_name() {
        for (name, fault) in NAMES {
            assert_eq!(name.parse(), Ok(fault));
        }
    }
}
