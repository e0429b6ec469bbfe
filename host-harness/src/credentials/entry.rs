//! One reference of a credentials file: how a secret is sent, where it comes from, and the origins it may go to. An entry
//! that exists has all that its kind needs, and nothing else.

use std::fmt::{self, Display};
use std::path::Path;

use http::HeaderName;
use serde::Deserialize;
use toml_edit::{Array, Table, Value, value};
use url::Url;

use super::draft::Draft;
use super::source::SecretSource;
use crate::network::Networks;
use crate::origin::Origin;

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Draft")]
pub struct Entry {
    /// How the secret is sent.
    pub kind: Kind,
    /// Where it may go.
    pub origins: Vec<Origin>,
}

/// How a secret is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `header`: as the value of a header field.
    Header {
        /// The field.
        header: HeaderName,
        /// Its value.
        secret: SecretSource,
    },
    /// `query`: as a parameter of the URL.
    Query {
        /// The parameter.
        parameter: String,
        /// Its value.
        secret: SecretSource,
    },
    /// `basic`: `authorization: Basic …` (RFC 7617).
    Basic {
        /// Whose password it is.
        user: String,
        /// The password.
        secret: SecretSource,
    },
    /// `bearer`: `authorization: Bearer …` (RFC 6750).
    Bearer {
        /// The token.
        secret: SecretSource,
    },
    /// `oauth-client-credentials`: a bearer token that this host gets for itself (RFC 6749, section 4.4).
    ClientCredentials {
        /// This host.
        client: OauthClient,
    },
    /// `oauth-refresh-token`: a bearer token that this host gets for somebody who has agreed (RFC 6749, section 6).
    RefreshToken {
        /// This host.
        client: OauthClient,
        /// What was agreed. One that comes in place of it is written where it came from.
        refresh_token: SecretSource,
    },
}

/// Who asks for tokens, and whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// Where tokens are given out.
    pub token_url: TokenUrl,
    /// The client's name there.
    pub client_id: String,
    /// The proof of that; a public client has none.
    pub client_secret: Option<SecretSource>,
    /// How the proof is sent.
    pub authentication: ClientAuthentication,
    /// What the token is asked for; the server's own choice when absent.
    pub scope: Option<String>,
    /// The closed networks where the token server may be.
    pub networks: Networks,
}

/// How a client proves who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// `authorization: Basic …`, as every server takes it.
    #[default]
    Basic,
    /// Two members of the form, for servers that take it no other way.
    Form,
}

/// The URL of a token server: by TLS, or on this machine (RFC 6749, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUrl {
    url: Url,
    origin: Origin,
}

impl TokenUrl {
    /// Reads one.
    pub fn of(text: &str) -> Result<Self, &'static str> {
        let expected = "a token URL is by https, or by http on this machine, and has no user and no fragment";
        let url = Url::parse(text).map_err(|_| expected)?;
        let origin = Origin::of_parsed(&url).map_err(|_| expected)?;
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if bare && (origin.scheme() == "https" || origin.is_loopback()) {
            Ok(Self { url, origin })
        } else {
            Err(expected)
        }
    }

    /// Where it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }
}

/// What a kind is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindName {
    /// The secret is the value of a header
    Header,
    /// The secret is a parameter of the URL
    Query,
    /// `authorization: Basic …`, of a user and a password
    Basic,
    /// `authorization: Bearer …`
    Bearer,
    /// A bearer token that this host gets for itself
    OauthClientCredentials,
    /// A bearer token that this host gets with a refresh token
    OauthRefreshToken,
}

impl KindName {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Header, Self::Query, Self::Basic, Self::Bearer, Self::OauthClientCredentials, Self::OauthRefreshToken];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::OauthClientCredentials => "oauth-client-credentials",
            Self::OauthRefreshToken => "oauth-refresh-token",
        }
    }
}

impl Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Entry {
    /// All the secrets that it needs.
    pub fn sources(&self) -> impl Iterator<Item = &SecretSource> {
        let (one, other) = match &self.kind {
            Kind::Header { secret, .. }
            | Kind::Query { secret, .. }
            | Kind::Basic { secret, .. }
            | Kind::Bearer { secret } => (Some(secret), None),
            Kind::ClientCredentials { client } => (client.client_secret.as_ref(), None),
            Kind::RefreshToken { client, refresh_token } => (client.client_secret.as_ref(), Some(refresh_token)),
        };
        one.into_iter().chain(other)
    }

    /// What is wrong with its secrets, as far as that is seen without asking anybody: why, and what helps.
    pub fn problems(&self) -> Vec<(String, Option<String>)> {
        let sources = self.sources().filter(|source| source.can_be_peeked_at());
        sources.filter_map(|source| source.peek().err()).map(|error| (error.why, error.hint)).collect()
    }

    /// Whether getting the secret again costs nothing and changes nothing.
    pub(super) fn is_cheap(&self) -> bool {
        !self.kind.is_token() && self.sources().all(SecretSource::can_be_peeked_at)
    }

    /// Its files looked for beside the one that it is in.
    pub(super) fn beside(&mut self, folder: &Path) {
        match &mut self.kind {
            Kind::Header { secret, .. }
            | Kind::Query { secret, .. }
            | Kind::Basic { secret, .. }
            | Kind::Bearer { secret } => secret.beside(folder),
            Kind::ClientCredentials { client } => client.beside(folder),
            Kind::RefreshToken { client, refresh_token } => {
                client.beside(folder);
                refresh_token.beside(folder);
            }
        }
    }

    /// As a table of a settings file.
    pub(super) fn to_table(&self) -> Table {
        let mut table = Table::new();
        table["kind"] = value(self.kind.name().to_string());
        match &self.kind {
            Kind::Header { header, secret } => {
                table["header"] = value(header.as_str());
                table["secret"] = value(secret);
            }
            Kind::Query { parameter, secret } => {
                table["parameter"] = value(parameter);
                table["secret"] = value(secret);
            }
            Kind::Basic { user, secret } => {
                table["user"] = value(user);
                table["secret"] = value(secret);
            }
            Kind::Bearer { secret } => table["secret"] = value(secret),
            Kind::ClientCredentials { client } => client.put(&mut table),
            Kind::RefreshToken { client, refresh_token } => {
                client.put(&mut table);
                table["refresh_token"] = value(refresh_token);
            }
        }
        table["origins"] = list(&self.origins);
        table
    }
}

impl OauthClient {
    fn beside(&mut self, folder: &Path) {
        if let Some(secret) = &mut self.client_secret {
            secret.beside(folder);
        }
    }

    fn put(&self, table: &mut Table) {
        table["token_url"] = value(self.token_url.as_str());
        table["client_id"] = value(&self.client_id);
        if let Some(secret) = &self.client_secret {
            table["client_secret"] = value(secret);
        }
        if self.authentication == ClientAuthentication::Form {
            table["client_authentication"] = value("form");
        }
        if let Some(scope) = &self.scope {
            table["scope"] = value(scope);
        }
        if !self.networks.is_empty() {
            table["networks"] = list(&self.networks);
        }
    }
}

fn list(items: impl IntoIterator<Item = impl Display>) -> toml_edit::Item {
    value(items.into_iter().map(|item| Value::from(item.to_string())).collect::<Array>())
}

impl Kind {
    /// What it is called.
    pub fn name(&self) -> KindName {
        match self {
            Self::Header { .. } => KindName::Header,
            Self::Query { .. } => KindName::Query,
            Self::Basic { .. } => KindName::Basic,
            Self::Bearer { .. } => KindName::Bearer,
            Self::ClientCredentials { .. } => KindName::OauthClientCredentials,
            Self::RefreshToken { .. } => KindName::OauthRefreshToken,
        }
    }
}
