//! One reference of a credentials file: how a secret is sent, where it comes from, and the origins it may go to. An entry
//! that exists has all that its kind needs, and nothing else.

use std::fmt::{self, Display};
use std::path::Path;

use http::{HeaderName, header};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml_edit::{Array, Table, Value, value};
use url::Url;

use super::source::SecretSource;
use crate::network::{Network, Networks};
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

/// An entry as it is written: any kind with any members. [`Entry::try_from`] looks whether they fit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are those of `Kind` and `OauthClient`")]
pub struct Draft {
    pub kind: KindName,
    #[serde(default, deserialize_with = "header_name")]
    pub header: Option<HeaderName>,
    pub parameter: Option<String>,
    pub user: Option<String>,
    pub secret: Option<SecretSource>,
    #[serde(default, deserialize_with = "token_url")]
    pub token_url: Option<TokenUrl>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretSource>,
    pub client_authentication: Option<ClientAuthentication>,
    pub scope: Option<String>,
    pub networks: Option<Vec<Network>>,
    pub refresh_token: Option<SecretSource>,
    pub origins: Vec<Origin>,
}

impl TryFrom<Draft> for Entry {
    /// All that does not fit.
    type Error = String;

    fn try_from(mut draft: Draft) -> Result<Self, String> {
        let mut wrong = Wrong { kind: draft.kind, sentences: Vec::new() };
        let kind = draft.take_kind(&mut wrong);
        draft.refuse_the_rest(&mut wrong);
        if draft.origins.is_empty() {
            wrong.sentences.push("credentials that are bound to no origin can go nowhere".to_owned());
        }
        match kind.filter(|_| wrong.sentences.is_empty()) {
            Some(kind) => Ok(Self { kind, origins: draft.origins }),
            None => Err(wrong.sentences.join("; ")),
        }
    }
}

/// What does not fit a kind.
struct Wrong {
    kind: KindName,
    sentences: Vec<String>,
}

impl Wrong {
    /// The member, which this kind needs.
    fn needed<T>(&mut self, name: &str, member: Option<T>) -> Option<T> {
        if member.is_none() {
            self.sentences.push(format!("the kind `{}` needs `{name}`", self.kind));
        }
        member
    }
}

impl Draft {
    /// The kind with its members, which are not in the draft afterwards.
    fn take_kind(&mut self, wrong: &mut Wrong) -> Option<Kind> {
        match self.kind {
            KindName::Header => {
                let header = wrong.needed("header", self.header.take());
                let secret = wrong.needed("secret", self.secret.take());
                Some(Kind::Header { header: header?, secret: secret? })
            }
            KindName::Query => {
                let parameter = wrong.needed("parameter", self.parameter.take());
                let secret = wrong.needed("secret", self.secret.take());
                Some(Kind::Query { parameter: parameter?, secret: secret? })
            }
            KindName::Basic => {
                let user = wrong.needed("user", self.user.take());
                let secret = wrong.needed("secret", self.secret.take());
                // RFC 7617, section 2: it would end the user.
                if user.as_ref().is_some_and(|user| user.contains(':')) {
                    wrong.sentences.push("a `user` has no colon".to_owned());
                }
                Some(Kind::Basic { user: user?, secret: secret? })
            }
            KindName::Bearer => Some(Kind::Bearer { secret: wrong.needed("secret", self.secret.take())? }),
            KindName::OauthClientCredentials => {
                let client = self.take_client(wrong);
                let proof = client.as_ref().and_then(|client| client.client_secret.as_ref());
                wrong.needed("client_secret", proof)?;
                Some(Kind::ClientCredentials { client: client? })
            }
            KindName::OauthRefreshToken => {
                let client = self.take_client(wrong);
                let refresh_token = wrong.needed("refresh_token", self.refresh_token.take());
                Some(Kind::RefreshToken { client: client?, refresh_token: refresh_token? })
            }
        }
    }

    fn take_client(&mut self, wrong: &mut Wrong) -> Option<OauthClient> {
        let token_url = wrong.needed("token_url", self.token_url.take());
        let client_id = wrong.needed("client_id", self.client_id.take());
        Some(OauthClient {
            token_url: token_url?,
            client_id: client_id?,
            client_secret: self.client_secret.take(),
            authentication: self.client_authentication.take().unwrap_or_default(),
            scope: self.scope.take(),
            networks: self.networks.take().into_iter().flatten().collect(),
        })
    }

    fn refuse_the_rest(&self, wrong: &mut Wrong) {
        for (name, is_there) in [
            ("header", self.header.is_some()),
            ("parameter", self.parameter.is_some()),
            ("user", self.user.is_some()),
            ("secret", self.secret.is_some()),
            ("token_url", self.token_url.is_some()),
            ("client_id", self.client_id.is_some()),
            ("client_secret", self.client_secret.is_some()),
            ("client_authentication", self.client_authentication.is_some()),
            ("scope", self.scope.is_some()),
            ("networks", self.networks.is_some()),
            ("refresh_token", self.refresh_token.is_some()),
        ] {
            if is_there {
                wrong.sentences.push(format!("the kind `{}` has no `{name}`", wrong.kind));
            }
        }
    }
}

const RESERVED: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A header that may carry a secret: none that frames the message, chooses the server or says what the content is.
pub fn check_header(name: &str) -> Result<HeaderName, String> {
    let name: HeaderName = name.parse().map_err(|_| "this is not the name of a header".to_owned())?;
    let reserved = RESERVED.contains(&name) || name.as_str().starts_with("proxy-");
    if reserved { Err(format!("`{name}` is set by the task or by its host")) } else { Ok(name) }
}

fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderName>, D::Error> {
    check_header(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

fn token_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TokenUrl>, D::Error> {
    TokenUrl::of(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
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
