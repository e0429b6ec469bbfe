//! One question to a token server (RFC 6749), and what its answer means: a token, or why there is none and whether that
//! passes. Nothing is kept here.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::entry::{ClientAuthentication, OauthClient};
use super::source::check_secret;
use super::{Unavailable, basic};
use crate::client::{Answer, Client, ExchangeError, ExchangeLimits};
use crate::grants::Refusal;
use crate::limits::Limits;
use crate::redaction::{Redactor, Secret};
use crate::report::host_of;

/// By which way tokens are got, and who must know of them.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) client: Client,
    pub(crate) limits: Limits,
    pub(crate) redactor: Redactor,
}

/// Tells the redactor of a secret, before anything is said in which it could stand.
pub(super) type Know<'a> = dyn Fn(&Secret) + Send + Sync + 'a;

/// What the token is asked for in the name of.
pub(super) enum GrantType<'s> {
    ClientCredentials,
    RefreshToken(&'s Secret),
}

/// What came.
pub(super) struct Token {
    pub(super) access_token: Secret,
    /// How long it is good, when the server says so.
    pub(super) lives: Option<Duration>,
    /// What takes the place of the refresh token.
    pub(super) refresh_token: Option<Secret>,
}

/// Asks once.
pub(super) async fn ask(
    asking: &OauthClient,
    grant: GrantType<'_>,
    way: &Way,
    know: &Know<'_>,
) -> Result<Token, Unavailable> {
    let client_secret = match &asking.client_secret {
        Some(source) => Some(source.read().await?),
        None => None,
    };
    if let Some(secret) = &client_secret {
        know(secret);
    }
    let request = request(asking, client_secret.as_ref(), &grant)?;
    // A token is not for one call alone, and so is not bound to the deadline of one. Time runs from here: there may have been
    // a wait for the file of the refresh token.
    let limits = ExchangeLimits::within(way.limits.token, &way.limits);
    let (result, _) = way.client.exchange(request, asking.token_url.origin(), &asking.networks, limits).await;
    let answer = result.map_err(|error| not_answered(&error, asking, way))?;
    if let Some(cut) = &answer.cut {
        return Err(not_answered(cut, asking, way));
    }
    let token = judge(&answer, asking, &way.redactor)?;
    know(&token.access_token);
    token.refresh_token.iter().for_each(know);
    Ok(token)
}

fn request(
    asking: &OauthClient,
    secret: Option<&Secret>,
    grant: &GrantType<'_>,
) -> Result<Request<Full<Bytes>>, Unavailable> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    match grant {
        GrantType::ClientCredentials => form.append_pair("grant_type", "client_credentials"),
        GrantType::RefreshToken(token) => {
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose())
        }
    };
    if let Some(scope) = &asking.scope {
        form.append_pair("scope", scope);
    }
    let mut request = Request::post(asking.token_url.as_str())
        .header(header::HOST, host_of(asking.token_url.as_str()))
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    match (asking.authentication, secret) {
        (ClientAuthentication::Basic, Some(secret)) => {
            let encoded = |text| form_urlencoded::byte_serialize(str::as_bytes(text)).collect::<String>();
            let carried = basic(&encoded(&asking.client_id), &encoded(secret.expose()));
            let proof = sensitive(format!("Basic {}", carried.expose()));
            request = request.header(header::AUTHORIZATION, proof.ok_or_else(malformed)?);
        }
        (_, secret) => {
            form.append_pair("client_id", &asking.client_id);
            if let Some(secret) = secret {
                form.append_pair("client_secret", secret.expose());
            }
        }
    }
    let content = cleared(form.finish());
    let request = request.header(header::CONTENT_LENGTH, content.len()).body(Full::new(content));
    request.map_err(|_| malformed())
}

fn malformed() -> Unavailable {
    Unavailable::Refused(Refusal::for_good("the token server cannot be asked with what the credentials say"))
}

/// Bytes whose memory is cleared when nobody needs them any more.
pub(super) fn cleared(text: String) -> Bytes {
    Bytes::from_owner(Zeroizing::new(text.into_bytes()))
}

/// A header's value that shows nowhere; of what cannot be one there is nothing left.
pub(super) fn sensitive(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(cleared(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn not_answered(error: &ExchangeError, asking: &OauthClient, way: &Way) -> Unavailable {
    let server = asking.token_url.origin();
    let why = match error {
        // The first of the two is as long as the other.
        ExchangeError::FirstByteTimeout(_) | ExchangeError::Deadline => {
            format!("the token server {server} gave no answer within {} s", way.limits.token.as_secs_f64())
        }
        error => format!("the token server {server} gave no answer: {error}"),
    };
    match error {
        ExchangeError::Closed(address) => {
            let names: Vec<_> = address.closed.iter().map(|network| format!("\"{network}\"")).collect();
            Unavailable::Refused(Refusal::new(why, format!("networks = [{}] # of these credentials", names.join(", "))))
        }
        ExchangeError::TooLarge(_) | ExchangeError::HeadTooLarge | ExchangeError::Coding(_) => {
            Unavailable::Refused(Refusal::for_good(why))
        }
        _ => Unavailable::ForNow { reason: why, retry_after_seconds: None },
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    /// In seconds; some servers write a string.
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
    #[serde(default)]
    refresh_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct ErrorAnswer {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// The longest that is repeated of what a token server says.
const MOST_SAID_CHARACTERS: usize = 200;

fn judge(answer: &Answer, asking: &OauthClient, redactor: &Redactor) -> Result<Token, Unavailable> {
    let status = answer.head.status();
    if status.is_success() {
        return read(&answer.content).map_err(|why| Unavailable::Refused(Refusal::for_good(why)));
    }
    let ErrorAnswer { error, error_description } = serde_json::from_slice(&answer.content).unwrap_or_default();
    let said: Vec<_> =
        [Some(error.clone()), error_description].into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let said: String = redactor.redact(&said.join(": ")).chars().take(MOST_SAID_CHARACTERS).collect();
    let server = asking.token_url.origin();
    let comma = if said.is_empty() { "" } else { ", " };
    let why = format!("the token server {server} answered {}{comma}{said}", status.as_u16());
    let passes = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
        || matches!(error.as_str(), "temporarily_unavailable" | "server_error");
    if passes {
        return Err(Unavailable::ForNow {
            reason: why,
            retry_after_seconds: retry_after_seconds(answer.head.headers()),
        });
    }
    Err(Unavailable::Refused(match error.as_str() {
        "invalid_grant" => {
            Refusal::new(why, "the refresh token is good no more: agree to the access once more, and keep the new one")
        }
        "invalid_client" => {
            Refusal::new(why, format!("look at client_id = \"{}\" and its client_secret", asking.client_id))
        }
        _ => Refusal::for_good(why),
    }))
}

/// A `retry-after` in seconds (RFC 9110, section 10.2.3); a time is measured against the answer's own `date`.
fn retry_after_seconds(headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name)?.to_str().ok();
    let (written, date) = (text(header::RETRY_AFTER)?, text(header::DATE));
    written.parse().ok().or_else(|| {
        let until = httpdate::parse_http_date(written).ok()?;
        let now = httpdate::parse_http_date(date?).ok()?;
        Some(until.duration_since(now).map_or(0, |wait| wait.as_secs()))
    })
}

/// Nothing of an answer that is no token is repeated: it may be one in other words.
fn read(content: &[u8]) -> Result<Token, &'static str> {
    let answer: TokenAnswer =
        serde_json::from_slice(content).map_err(|_| "the token server's answer has no `access_token`")?;
    let access_token = Secret::new(answer.access_token);
    if check_secret(access_token.expose()).is_err() || HeaderValue::from_str(access_token.expose()).is_err() {
        return Err("the token server gave a token that cannot be sent");
    }
    if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("the token server gave a token that is no bearer token");
    }
    let seconds = answer.expires_in.and_then(|written| match written {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number.to_string().parse().ok(),
    });
    let lives = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    // One that is empty is none: it must not take the place of the one that there is.
    let refresh_token = answer.refresh_token.filter(|token| check_secret(token).is_ok()).map(Secret::new);
    Ok(Token { access_token, lives, refresh_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, content: &str) -> Result<Token, Unavailable> {
        let head = http::Response::builder().status(status).header(header::RETRY_AFTER, 7).body(()).unwrap();
        let content = Bytes::copy_from_slice(content.as_bytes());
        let (arrived_bytes, first_byte) = (content.len(), tokio::time::Instant::now());
        let answer = Answer { head, content, arrived_bytes, first_byte, address: None, cut: None };
        let asking = OauthClient {
            token_url: super::super::entry::TokenUrl::of("https://a.example/token").unwrap(),
            client_id: "me".into(),
            client_secret: None,
            authentication: ClientAuthentication::Basic,
            scope: None,
            networks: Default::default(),
        };
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("planted-secret".into()));
        judge(&answer, &asking, &redactor)
    }

    #[test]
    fn a_token_lives_as_long_as_its_server_says() {
        for (written, lives) in
            [("3600", Some(3600)), ("\"3600\"", Some(3600)), ("3600.0", Some(3600)), ("null", None), ("-1", None)]
        {
            let content = format!(r#"{{"access_token": "a-token", "token_type": "bEaReR", "expires_in": {written}}}"#);
            let token = answered(200, &content).unwrap_or_else(|_| panic!("{written}"));
            assert_eq!(token.lives, lives.map(Duration::from_secs), "{written}");
        }
        let token =
            answered(200, r#"{"access_token": "a-token", "refresh_token": "another"}"#).unwrap_or_else(|_| panic!());
        assert!(token.refresh_token.is_some_and(|token| token.expose() == "another"));
    }

    #[test]
    fn a_token_that_cannot_be_sent_or_kept_is_none() {
        for access_token in ["", "abc", "a\\ntoken", "a\\u0000token"] {
            assert!(answered(200, &format!(r#"{{"access_token": "{access_token}"}}"#)).is_err(), "{access_token}");
        }
        let token = answered(200, r#"{"access_token": "a-token", "refresh_token": ""}"#).unwrap_or_else(|_| panic!());
        assert!(token.refresh_token.is_none());
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (status, content, passes) in [
            (200, "", false),
            (200, r#"{"access_token": "a", "token_type": "mac"}"#, false),
            (400, r#"{"error": "invalid_grant"}"#, false),
            (400, r#"{"error": "temporarily_unavailable"}"#, true),
            (401, r#"{"error": "invalid_client"}"#, false),
            (302, "", false),
            (404, "<html>", false),
            (429, "", true),
            (500, "", true),
            (501, "", false),
            (503, "", true),
        ] {
            match answered(status, content) {
                Err(Unavailable::ForNow { retry_after_seconds, .. }) => {
                    assert!(passes, "{status} {content}");
                    assert_eq!(retry_after_seconds, Some(7));
                }
                Err(Unavailable::Refused(_)) => assert!(!passes, "{status} {content}"),
                Ok(_) => panic!("{status} {content}"),
            }
        }
    }

    #[test]
    fn what_a_token_server_says_is_repeated_without_secrets_and_not_for_long() {
        let said =
            format!(r#"{{"error": "invalid_grant", "error_description": "planted-secret {}"}}"#, "x".repeat(1000));
        let Err(Unavailable::Refused(refusal)) = answered(400, &said) else { panic!() };
        assert!(
            refusal
                .message
                .starts_with("the token server https://a.example answered 400, invalid_grant: [redacted] xxx"),
            "{}",
            refusal.message
        );
        assert!(refusal.message.len() < 300);
    }
}
