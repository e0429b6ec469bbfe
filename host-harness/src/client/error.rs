//! Why there is no whole answer, told from what the libraries below say: their kinds are not public, their causes are.

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;
use std::time::Duration;

use crate::connector::{ClosedAddress, ConnectError, Stage};
use crate::content_coding::CodingError;

/// Why there is no whole answer.
#[derive(Debug)]
pub(crate) enum ExchangeError {
    /// Policy: the address is on a closed network.
    Closed(ClosedAddress),
    /// So many calls were on their way to the origin already, for all the time that there was to connect.
    NoPlace(usize),
    /// The name could not be resolved.
    Resolve(String),
    /// No connection in time: which part of it took too long, and in words.
    ConnectTimeout(Stage, String),
    /// Nobody accepts connections there.
    Refused(String),
    /// Connecting failed otherwise.
    Connect(String),
    /// The server's certificate is not trusted.
    Certificate(String),
    /// TLS failed otherwise.
    Tls(String),
    /// Connected, and then no answer for this time.
    FirstByteTimeout(Duration),
    /// An answer that stopped for this time.
    BetweenBytesTimeout(Duration),
    /// The whole exchange took longer than the host allows.
    Deadline,
    /// The answer is larger than the host allows.
    TooLarge(usize),
    /// The head of the answer is larger than the host allows.
    HeadTooLarge,
    /// The content is in a coding that is not read here, or is not in the one that it names.
    Coding(CodingError),
    /// The connection ended, or spoke no HTTP.
    Broken(String),
}

impl ExchangeError {
    /// Whether there was a connection, so that the request may have left.
    pub(crate) fn after_connecting(&self) -> bool {
        match self {
            Self::Closed(_)
            | Self::NoPlace(_)
            | Self::Resolve(_)
            | Self::ConnectTimeout(..)
            | Self::Refused(_)
            | Self::Connect(_)
            | Self::Certificate(_)
            | Self::Tls(_) => false,
            Self::FirstByteTimeout(_)
            | Self::BetweenBytesTimeout(_)
            | Self::Deadline
            | Self::TooLarge(_)
            | Self::HeadTooLarge
            | Self::Coding(_)
            | Self::Broken(_) => true,
        }
    }
}

impl Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(closed) => closed.fmt(f),
            Self::NoPlace(places) => write!(f, "{places} calls were on their way to this origin already"),
            Self::Resolve(why) | Self::ConnectTimeout(_, why) => f.write_str(why),
            Self::Refused(why) | Self::Connect(why) => write!(f, "connecting failed: {why}"),
            Self::Certificate(why) | Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::FirstByteTimeout(limit) => write!(f, "no answer began within {} s", limit.as_secs_f64()),
            Self::BetweenBytesTimeout(limit) => write!(f, "the answer stopped for {} s", limit.as_secs_f64()),
            Self::Deadline => f.write_str("the deadline of the call passed"),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Self::HeadTooLarge => f.write_str("the head of the answer is larger than this host allows"),
            Self::Coding(error) => error.fmt(f),
            Self::Broken(why) => write!(f, "the exchange broke: {why}"),
        }
    }
}

/// What the pooled client's error means. Its kinds are not public; its causes tell.
pub(super) fn classify(error: &hyper_util::client::legacy::Error) -> ExchangeError {
    match causes(error).find_map(|cause| cause.downcast_ref::<ConnectError>()) {
        Some(error @ ConnectError::TimedOut(stage, _)) => ExchangeError::ConnectTimeout(*stage, error.to_string()),
        Some(error @ ConnectError::Resolve(_)) => ExchangeError::Resolve(error.to_string()),
        Some(ConnectError::Closed(closed)) => ExchangeError::Closed(closed.clone()),
        Some(ConnectError::Other(cause)) => classify_connect(cause.as_ref()),
        None if causes(error).any(ends_handshake) => ExchangeError::Tls(chain(error)),
        None if causes(error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_parse_too_large)) => {
            ExchangeError::HeadTooLarge
        }
        // What hyper calls canceled no connection ever took.
        None if causes(error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_canceled)) => {
            ExchangeError::Connect(chain(error))
        }
        None => ExchangeError::Broken(chain(error)),
    }
}

/// Whether the server broke the handshake off: in TLS 1.3 it looks at a client's certificate after the client has sent the
/// first bytes of its request, which it then never reads (RFC 8446, section 4.4.2.4).
fn ends_handshake(cause: &(dyn StdError + 'static)) -> bool {
    use rustls::AlertDescription as Alert;
    let Some(rustls::Error::AlertReceived(alert)) = cause.downcast_ref() else { return false };
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::HandshakeFailure
    )
}

fn classify_connect(error: &(dyn StdError + 'static)) -> ExchangeError {
    let text = chain(error);
    for cause in causes(error) {
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => return ExchangeError::Certificate(text),
            Some(_) => return ExchangeError::Tls(text),
            None => {}
        }
        if cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return ExchangeError::Refused(text);
        }
    }
    ExchangeError::Connect(text)
}

/// An error and all its causes.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause: &'e (dyn StdError + 'static) = *cause;
        // An io::Error gives what it wraps not as its source, but as its inner error.
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}
