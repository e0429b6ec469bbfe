//! The vendor's OAuth 2 as far as a program without a browser meets it: a refresh token → an access token. Refusals are
//! those of RFC 6749, section 5.2; what the vendor adds to them is not known.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;

/// By the vendor's document.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What updateLead needs.
const SCOPE: &str = "leads:full";

/// What a program has that acts for a company: all made up when the stand-in starts.
#[derive(Clone)]
pub struct OauthClient {
    /// Who asks.
    pub client_id: String,
    /// The proof of that.
    pub client_secret: String,
    /// What an access token is given for. It stays the same, unless the stand-in was made to replace it.
    pub refresh_token: String,
}

/// The access tokens that were given out, with their ends.
pub(super) struct Oauth {
    client: OauthClient,
    api_domain: String,
    given: HashMap<String, SystemTime>,
    /// Every refresh token is good once, as other vendors have it.
    replaces: bool,
}

/// A secret that is no other's.
pub(super) fn made_up(what: &str) -> String {
    format!("stand-in-{what}-{}", Uuid::new_v4().simple())
}

impl Oauth {
    /// `api_domain` is where the API is for who comes with an access token.
    pub(super) fn new(api_domain: String, replaces: bool) -> Self {
        let client = OauthClient {
            client_id: made_up("client"),
            client_secret: made_up("client-secret"),
            refresh_token: made_up("refresh-token"),
        };
        Self { client, api_domain, given: HashMap::new(), replaces }
    }

    pub(super) fn client(&self) -> OauthClient {
        self.client.clone()
    }

    /// Whether it has given out this access token, and its time has not passed.
    pub(super) fn accepts(&self, token: &str, now: SystemTime) -> bool {
        self.given.get(token).is_some_and(|end| now < *end)
    }

    /// A new access token.
    pub(super) fn give(&mut self, now: SystemTime) -> String {
        let access_token = made_up("access-token");
        self.given.insert(access_token.clone(), now + LIFETIME);
        access_token
    }

    /// The time of all access tokens has passed.
    pub(super) fn expire(&mut self) {
        self.given.clear();
    }

    /// Answers `POST /oauth/token`.
    pub(super) fn token(&mut self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Answer {
        let basic = BASE64_STANDARD.encode(format!("{}:{}", self.client.client_id, self.client.client_secret));
        if headers.get(header::AUTHORIZATION).is_none_or(|given| given != &format!("Basic {basic}")) {
            let challenge = HeaderValue::from_static("Basic");
            let answer = Answer::json(StatusCode::UNAUTHORIZED, &json!({"error": "invalid_client"}));
            return answer.header(header::WWW_AUTHENTICATE, challenge);
        }
        let refused = |error: &str| Answer::json(StatusCode::BAD_REQUEST, &json!({"error": error}));
        let form: HashMap<_, _> = url::form_urlencoded::parse(body).collect();
        match (form.get("grant_type").map(AsRef::as_ref), form.get("refresh_token")) {
            (Some("refresh_token"), Some(token)) if *token == self.client.refresh_token => {}
            (Some("refresh_token"), Some(_)) => return refused("invalid_grant"),
            (None, _) | (Some("refresh_token"), None) => return refused("invalid_request"),
            (Some(other), _) => return Answer::not_modelled(&format!("the grant type {other}")),
        }
        if self.replaces {
            self.client.refresh_token = made_up("refresh-token");
        }
        let body = json!({"access_token": self.give(now), "token_type": "Bearer",
            "refresh_token": self.client.refresh_token, "scope": SCOPE, "expires_in": LIFETIME.as_secs(),
            "api_domain": self.api_domain});
        Answer::json(StatusCode::OK, &body)
    }
}
