//! Named ways in which a server misbehaves.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::AnswerBody;

/// What the stand-in does instead of answering properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Content without end, as fast as it is read.
    Endless,
    /// Announces a gibibyte, and sends it.
    Gibibyte,
    /// A byte now and then, each well within any read timeout.
    SlowDrip,
    /// The head, and then nothing.
    HangInBody,
    /// Content that ends before its announced length.
    CutBody,
    /// A redirect to another server.
    Redirect,
    /// 503, and when to come again.
    Unavailable,
}

const GIBIBYTE: u64 = 1024 * 1024 * 1024;

/// Many drips fit into the shortest read timeout, one second.
const DRIP: Duration = Duration::from_millis(50);

const PIECE: &[u8] = &[b'x'; 16 * 1024];

impl Fault {
    pub(super) fn answer(self) -> Response<AnswerBody> {
        let response = Response::builder().header(header::CONTENT_TYPE, "text/plain");
        let response = match self {
            Self::Gibibyte => response.header(header::CONTENT_LENGTH, GIBIBYTE),
            Self::CutBody => response.header(header::CONTENT_LENGTH, 1000),
            Self::Redirect => {
                response.status(StatusCode::FOUND).header(header::LOCATION, "https://elsewhere.example/leads")
            }
            Self::Unavailable => response.status(StatusCode::SERVICE_UNAVAILABLE).header(header::RETRY_AFTER, "3939"),
            Self::Endless | Self::SlowDrip | Self::HangInBody => response,
        };
        let body = match self {
            Self::Endless | Self::Gibibyte => Stream::Flood,
            Self::SlowDrip => Stream::drip(),
            Self::HangInBody => Stream::Hang,
            Self::CutBody => Stream::Cut(false),
            Self::Redirect | Self::Unavailable => Stream::End,
        };
        response.body(body.boxed()).expect("constant parts make a response")
    }
}

enum Stream {
    Flood,
    Drip(Interval),
    Hang,
    /// Whether some has been sent.
    Cut(bool),
    End,
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
        let data = |bytes| Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(bytes)))));
        match &mut *self {
            Self::Flood => data(PIECE),
            Self::Drip(interval) => match interval.poll_tick(cx) {
                Poll::Ready(_) => data(b"x"),
                Poll::Pending => Poll::Pending,
            },
            Self::Hang => Poll::Pending,
            Self::Cut(sent) if *sent => Poll::Ready(Some(Err(io::Error::other("cut")))),
            Self::Cut(sent) => {
                *sent = true;
                data(b"half of it")
            }
            Self::End => Poll::Ready(None),
        }
    }
}
