//! What may leave, with what, and by which client. A request of a guest is checked against the grants, in the form in which
//! it is then sent, and given its credential.

mod call;
mod fetch;

use std::time::Duration;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Request};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::call::{CallEgress, Record, error_code};
pub use self::fetch::FetchError;
use crate::client::Client;
use crate::credentials::{Credential, Credentials, Unavailable, Way};
use crate::grants::{Grants, Need, Refusal};
use crate::limits::Limits;
use crate::network::Networks;
use crate::redaction::Redactor;
use crate::stand_in::StandIn;
use crate::target::Target;
use crate::trace::{Decision, Policy};
use crate::transport::{TlsError, Transport};

/// The private header that carries the credentials reference out of the guest. It never leaves the host.
const CREDENTIALS_HEADER: HeaderName = HeaderName::from_static("x-http-task-credentials");

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
                let credentials = need.credentials().map(|reference| self.credentials.check(reference, need.origin()));
                [self.grants.check_task(&need).err(), credentials.and_then(Result::err)].into_iter().flatten().collect()
            }
            Err(error) => vec![Refusal::for_good(error.to_string())],
        }
    }

    /// Gets the secret or the token behind a reference, as a call would. What it is is not told.
    pub async fn try_credentials(&self, reference: &str, limits: &Limits) -> Result<(), Refusal> {
        let entry = self.credentials.entry(reference);
        let origin = entry.and_then(|entry| entry.origins.first());
        let origin = origin.ok_or_else(|| Refusal::for_good(format!("there are no credentials `{reference}`")))?;
        let way = self.way(limits);
        let way = way.ok_or_else(|| Refusal::for_good("this host cannot send"))?;
        match self.credentials.find(reference, origin, &way).await {
            // Whether it can stand in a request at all.
            Ok(credential) => credential.put(&mut Request::new(())),
            Err(Unavailable::Refused(refusal)) => Err(refusal),
            Err(Unavailable::ForNow { reason, .. }) => Err(Refusal::for_good(reason)),
        }
    }

    /// By which way tokens are got.
    fn way(&self, limits: &Limits) -> Option<Way> {
        let (limits, redactor) = (limits.clone(), self.redactor.clone());
        self.client.clone().map(|client| Way { client, limits, redactor })
    }

    /// The secrets that this egress has used.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }
}

/// A request that may leave.
struct Permitted<B> {
    /// With its credential.
    request: Request<B>,
    need: Need,
    /// The closed networks that are open for it.
    open: Networks,
    credential: Option<Credential>,
}

/// Grant and credential. What was compared is what is sent, and the private header is removed from whatever leaves, also
/// where it means nothing. What is decided is noted in the order in which it is.
async fn permit<B>(
    egress: &Egress,
    mut request: Request<B>,
    way: &Way,
    deadline: Instant,
    decisions: &mut Decisions,
) -> Result<Permitted<B>, Unavailable> {
    let need = decisions.note(Policy::Request, normalised(&mut request), |need| need.origin().to_string())?;
    let grant = egress.grants.check(&need).map_err(Unavailable::from);
    let open = decisions.note(Policy::Grant, grant, |open| match open.is_empty() {
        true => "on the public internet".to_owned(),
        false => format!("on {}", open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    })?;
    let mut credential = None;
    if let Some(reference) = need.credentials() {
        let started = Instant::now();
        let found = timeout_at(deadline, egress.credentials.find(reference, need.origin(), way)).await;
        let found = found.unwrap_or_else(|_| {
            let reason =
                format!("the secret of the credentials `{reference}` did not come within the time of the call");
            Err(Unavailable::ForNow { reason, retry_after_seconds: None })
        });
        decisions.credentials = Some(started.elapsed());
        let put = found.and_then(|found| Ok(found.put(&mut request).map(|()| found)?));
        credential =
            Some(decisions.note(Policy::Credentials, put, |found| format!("`{reference}` as {}", found.carrier()))?);
    }
    Ok(Permitted { request, need, open, credential })
}

/// Puts a request into the one form in which it is compared and sent, and tells what it needs.
fn normalised<B>(request: &mut Request<B>) -> Result<Need, Unavailable> {
    let reference = reference(request.headers_mut())?;
    let target = Target::of(&request.uri().to_string()).map_err(|error| Refusal::for_good(error.to_string()))?;
    *request.uri_mut() = target.as_str().parse().map_err(|_| Refusal::for_good("the URL cannot be sent"))?;
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|_| Refusal::for_good("the host cannot be sent"))?;
        request.headers_mut().insert(HOST, host);
    }
    Ok(Need::of_request(request.method(), &target, reference.as_deref()))
}

/// What policy has decided about one request so far.
#[derive(Default)]
struct Decisions {
    taken: Vec<Decision>,
    /// How long getting the credential took.
    credentials: Option<Duration>,
}

impl Decisions {
    /// Notes what was decided; what it was decided for is asked where it is allowed.
    fn note<T>(
        &mut self,
        policy: Policy,
        decided: Result<T, Unavailable>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, Unavailable> {
        let (allowed, detail) = match &decided {
            Ok(decided) => (true, detail(decided)),
            Err(unavailable) => (false, unavailable.reason().to_owned()),
        };
        self.taken.push(Decision { policy, allowed, detail });
        decided
    }
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

#[cfg(test)]
mod tests;
