//! A document from an address, by the same policy as a request of a task: granted, vetted, limited. No credential goes along,
//! and no redirect is followed.

use std::fmt::{self, Display};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;

use super::Egress;
use crate::client::{ExchangeError, ExchangeLimits};
use crate::grants::{Need, Refusal};
use crate::limits::Limits;
use crate::report::host_of;
use crate::target::Target;

/// Why a document did not come.
#[derive(Debug)]
pub enum FetchError {
    /// Policy refused; nothing was sent.
    Refused(Refusal),
    /// There was no whole answer.
    Lost(String),
    /// The answer is no document.
    Status {
        /// What it is.
        status: StatusCode,
        /// Where it says that the document is.
        location: Option<String>,
    },
}

impl Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => f.write_str(&refusal.message),
            Self::Lost(why) => f.write_str(why),
            Self::Status { status, location: Some(location) } => {
                write!(f, "the answer is {status}: the document is at {location}")
            }
            Self::Status { status, location: None } => write!(f, "the answer is {status}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// A document of some MiB over a slow line.
const FETCHING: Duration = Duration::from_secs(60);

impl Egress {
    /// Gets what is at an address, as far as it has no more bytes than these.
    pub async fn fetch(&self, url: &str, most_bytes: usize) -> Result<Bytes, FetchError> {
        let refused = |why: String| FetchError::Refused(Refusal::for_good(why));
        let target = Target::of(url).map_err(|error| refused(error.to_string()))?;
        let need = Need::of_request(&Method::GET, &target, None);
        let open = self.grants.check(&need).map_err(FetchError::Refused)?;
        let client = self.client.as_ref().ok_or_else(|| refused("this host cannot send".to_owned()))?;
        let request = Request::get(target.as_str())
            .header(header::HOST, host_of(target.as_str()))
            .header(header::ACCEPT, "application/json, application/yaml, */*;q=0.5")
            .header(header::ACCEPT_ENCODING, "gzip")
            .header(header::USER_AGENT, concat!("http-task/", env!("CARGO_PKG_VERSION")))
            .body(Full::default());
        let request = request.map_err(|_| refused("the URL cannot be sent".to_owned()))?;
        let limits =
            ExchangeLimits { answer_bytes: most_bytes, ..ExchangeLimits::within(FETCHING, &Limits::default()) };
        let (result, _) = client.exchange(request, need.origin(), &open, limits).await;
        let answer = result.map_err(|error| lost(&error, &need))?;
        if let Some(error) = &answer.cut {
            return Err(lost(error, &need));
        }
        let status = answer.head.status();
        if status != StatusCode::OK {
            let location = answer.head.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            return Err(FetchError::Status { status, location: location.map(str::to_owned) });
        }
        Ok(answer.content)
    }
}

fn lost(error: &ExchangeError, need: &Need) -> FetchError {
    match error {
        ExchangeError::Closed(address) => {
            let mut grant = crate::grants::Grant::least(need);
            grant = grant.on(&address.closed);
            FetchError::Refused(Refusal::to_be_granted(error.to_string(), grant))
        }
        error => FetchError::Lost(error.to_string()),
    }
}
