//! With what a request leaves: a TOML file of references, each with its kind, where its secret comes from, and the
//! origins it may go to. A definition names a reference; the secret is read here, at the last moment, and the guest
//! never sees it.
//!
//! ```toml
//! [credentials.pipedrive]
//! kind = "header"                            # or query, basic, bearer
//! header = "x-api-token"
//! secret = { env = "PIPEDRIVE_API_TOKEN" }   # or file, command, keyring
//! origins = ["https://api.pipedrive.com"]
//!
//! [credentials.crm]
//! kind = "oauth-refresh-token"               # or oauth-client-credentials
//! token_url = "https://oauth.pipedrive.com/oauth/token"
//! client_id = "0123456789abcdef"
//! client_secret = { keyring = { service = "http-task", account = "crm" } }
//! refresh_token = { file = "crm-refresh-token" }
//! origins = ["https://api.pipedrive.com"]
//! ```
//!
//! Files are looked for beside the one that names them.

mod credential;
mod draft;
mod entry;
mod held;
mod keyring;
mod oauth;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderName;
use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table};

use self::credential::basic;
pub use self::credential::{Carrier, encoded, other_parameters};
pub(crate) use self::credential::{Credential, with_parameter};
pub use self::draft::{Draft, check_header};
pub use self::entry::{ClientAuthentication, Entry, Kind, KindName, OauthClient, TokenUrl};
use self::held::Holder;
pub use self::held::settled;
pub(crate) use self::oauth::Way;
use self::source::SourceError;
pub use self::source::{KeyringEntry, SecretSource};
use crate::grants::Refusal;
use crate::origin::Origin;
use crate::redaction::{Redactor, Secret};
use crate::settings_file::{self, FileError};

/// The credentials of a host.
#[derive(Default)]
pub struct Credentials {
    holders: BTreeMap<String, Arc<Holder>>,
    file: Option<PathBuf>,
    stand_in: Option<Arc<Holder>>,
    /// Said in hints, so that they are about the same file.
    option: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialsFile {
    #[serde(default)]
    credentials: BTreeMap<String, Entry>,
}

/// Why a credential cannot be used.
#[derive(Debug, Clone)]
pub(crate) enum Unavailable {
    /// Somebody must do something.
    Refused(Refusal),
    /// It is got from elsewhere, and that did not work now.
    ForNow { reason: String, retry_after_seconds: Option<u64> },
}

impl From<SourceError> for Unavailable {
    fn from(SourceError { why, hint, passes }: SourceError) -> Self {
        match hint {
            _ if passes => Self::ForNow { reason: why, retry_after_seconds: None },
            Some(hint) => Self::Refused(Refusal::new(why, hint)),
            None => Self::Refused(Refusal::for_good(why)),
        }
    }
}

impl Unavailable {
    /// Why.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.message,
            Self::ForNow { reason, .. } => reason,
        }
    }

    /// Said of these credentials.
    fn of(self, reference: &str) -> Self {
        let said = |why: &str| format!("{} {why}", cannot_be_used(reference));
        match self {
            Self::Refused(mut refusal) => {
                refusal.message = said(&refusal.message);
                Self::Refused(refusal)
            }
            Self::ForNow { reason, retry_after_seconds } => Self::ForNow { reason: said(&reason), retry_after_seconds },
        }
    }
}

fn cannot_be_used(reference: &str) -> String {
    format!("the secret of the credentials `{reference}` cannot be used:")
}

impl From<Refusal> for Unavailable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Credentials {
    /// Credentials that are not from a file.
    pub fn new(entries: impl IntoIterator<Item = (String, Entry)>) -> Self {
        let held = |(name, entry)| (name, Arc::new(Holder::of(entry)));
        Self { holders: entries.into_iter().map(held).collect(), ..Self::default() }
    }

    /// Reads a credentials file. One that does not exist holds none.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file: Option<CredentialsFile> = settings_file::read(path)?;
        let mut entries = file.map_or_else(BTreeMap::new, |file| file.credentials);
        let folder = path.parent().unwrap_or(Path::new(""));
        entries.values_mut().for_each(|entry| entry.beside(folder));
        Ok(Self { file: Some(path.to_owned()), ..Self::new(entries) })
    }

    /// With this option of the command line, and a blank before it, in the commands that refusals hint at.
    pub fn named_by(self, option: &str) -> Self {
        Self { option: option.to_owned(), ..self }
    }

    /// The stand-in's made-up secret, for whatever reference a definition names. No real secret is read.
    pub(crate) fn for_stand_in(secret: Secret) -> Self {
        let kind = Kind::Header { header: STAND_IN_HEADER, secret: SecretSource::Given(secret) };
        let holder = Holder::of(Entry { kind, origins: Vec::new() });
        Self { stand_in: Some(Arc::new(holder)), ..Self::default() }
    }

    /// All entries by their names.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.holders.iter().map(|(name, holder)| (name.as_str(), &holder.entry))
    }

    /// One entry.
    pub fn entry(&self, reference: &str) -> Option<&Entry> {
        self.holders.get(reference).map(|holder| &holder.entry)
    }

    /// The entry behind a reference, where it may be used for requests to this origin.
    pub fn bound_entry(&self, reference: &str, origin: &Origin) -> Result<&Entry, Refusal> {
        Ok(&self.bound(reference, origin)?.entry)
    }

    /// Teaches a redactor every secret that can be read without anybody noticing, so that none of them shows even before it
    /// is used.
    pub fn teach(&self, redactor: &Redactor) {
        for entry in self.holders.values().map(|holder| &holder.entry) {
            for secret in entry.sources().filter_map(|source| source.peek().ok()) {
                redactor.learn(&secret);
                entry.kind.carried(&secret).iter().for_each(|carried| redactor.learn(carried));
            }
        }
    }

    /// What is against using a reference for requests to this origin, as far as it is known before anybody is asked.
    pub fn check(&self, reference: &str, origin: &Origin) -> Result<(), Refusal> {
        let holder = self.bound(reference, origin)?;
        for source in holder.entry.sources().filter(|source| source.can_be_peeked_at()) {
            if let Err(error) = source.peek()
                && let Unavailable::Refused(refusal) = Unavailable::from(error).of(reference)
            {
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// The credential behind a reference, for a request to this origin.
    pub(crate) async fn find(&self, reference: &str, origin: &Origin, way: &Way) -> Result<Credential, Unavailable> {
        let holder = Arc::clone(self.bound(reference, origin)?);
        let secret = holder.get(way).await.map_err(|unavailable| unavailable.of(reference))?;
        Ok(Credential { reference: reference.to_owned(), holder, secret })
    }

    fn bound(&self, reference: &str, origin: &Origin) -> Result<&Arc<Holder>, Refusal> {
        if let Some(holder) = &self.stand_in {
            return Ok(holder);
        }
        let place = self.file.as_ref().map_or_else(String::new, |file| format!(" in {}", file.display()));
        let Some(holder) = self.holders.get(reference) else {
            let add = format!(
                "http-task credentials add {reference} --kind header --header x-api-token --secret env:API_TOKEN --origin {origin}{}",
                self.option
            );
            return Err(Refusal::new(format!("there are no credentials `{reference}`{place}"), add));
        };
        if !holder.entry.origins.contains(origin) {
            let bound: Vec<_> = holder.entry.origins.iter().map(|origin| format!("\"{origin}\"")).collect();
            let origins =
                format!("origins = [{}, \"{origin}\"] # of [credentials.{reference}]{place}", bound.join(", "));
            return Err(Refusal::new(format!("the credentials `{reference}` are not bound to {origin}"), origins));
        }
        Ok(holder)
    }
}

const STAND_IN_HEADER: HeaderName = HeaderName::from_static("x-api-token");

/// Adds a reference to a file, which is made when it is not there. An existing reference of that name is not replaced.
pub fn add(path: &Path, name: &str, entry: &Entry) -> Result<bool, FileError> {
    if Credentials::read(path)?.holders.contains_key(name) {
        return Ok(false);
    }
    settings_file::edit(path, |document: &mut DocumentMut| {
        let parent = document.entry("credentials").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        parent[name] = Item::Table(entry.to_table());
        Ok(())
    })?;
    Ok(true)
}

/// Takes a reference out of a file; whether it was there. Its secret stays where it is.
pub fn remove(path: &Path, name: &str) -> Result<bool, FileError> {
    if !Credentials::read(path)?.holders.contains_key(name) {
        return Ok(false);
    }
    settings_file::edit(path, |document: &mut DocumentMut| {
        document["credentials"].as_table_like_mut().map(|table| table.remove(name));
        Ok(())
    })?;
    Ok(true)
}

#[cfg(test)]
mod tests;
