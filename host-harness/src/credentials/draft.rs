//! An entry as it is written → an entry, or all that does not fit.

use http::{HeaderName, header};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::entry::{ClientAuthentication, Entry, Kind, KindName, OauthClient, TokenUrl};
use super::source::SecretSource;
use crate::network::Network;
use crate::origin::Origin;

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
