//! With what a request leaves: a TOML file of references, each with its kind, where its secret comes from, and the
//! origins it may go to. A definition names a reference; the secret is read here, at the last moment, and the guest
//! never sees it.
//!
//! ```toml
//! [credentials.pipedrive]
//! kind = "header"
//! header = "x-api-token"
//! secret = { env = "PIPEDRIVE_API_TOKEN" }
//! origins = ["https://api.pipedrive.com"]
//! ```

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue, header};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use crate::grants::Refusal;
use crate::origin::Origin;
use crate::redaction::{LEAST_SINK_BYTES, Redactor, Secret};
use crate::settings_file::{self, FileError};

/// The credentials of a host.
#[derive(Default)]
pub struct Credentials {
    entries: BTreeMap<String, Entry>,
    file: Option<PathBuf>,
    stand_in: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialsFile {
    #[serde(default)]
    credentials: BTreeMap<String, Entry>,
}

/// One reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// How the secret is sent.
    pub kind: Kind,
    /// For the kind `header`: the field that carries the secret.
    #[serde(default, deserialize_with = "header_name")]
    pub header: Option<HeaderName>,
    /// Where the secret comes from.
    pub secret: SecretSource,
    /// Where it may go.
    pub origins: Vec<Origin>,
}

/// How a secret is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The secret is the value of a header.
    Header,
    /// `authorization: Bearer …` (RFC 6750).
    Bearer,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// The name of an environment variable.
    #[serde(deserialize_with = "variable_name")]
    pub env: String,
}

/// A name that a shell can export (POSIX, section 8.1); what is not one may be a secret in the wrong place.
pub fn check_variable(name: &str) -> Result<String, String> {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    if name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit()) {
        return Ok(name.to_owned());
    }
    Err("a variable's name has letters, digits and `_`; the secret itself is never written down".to_owned())
}

fn variable_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    check_variable(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// A credential ready to be sent to one origin.
pub(crate) struct Credential {
    pub(crate) header: HeaderName,
    pub(crate) value: HeaderValue,
}

fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderName>, D::Error> {
    check_header(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
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

impl Entry {
    fn carrier(&self) -> HeaderName {
        match (self.kind, &self.header) {
            (Kind::Header, Some(name)) => name.clone(),
            _ => header::AUTHORIZATION,
        }
    }
}

impl Credentials {
    /// Reads a credentials file. One that does not exist holds none.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file: Option<CredentialsFile> = settings_file::read(path)?;
        let entries = file.map_or_else(BTreeMap::new, |file| file.credentials);
        for (name, entry) in &entries {
            if (entry.kind == Kind::Header) != entry.header.is_some() {
                return Err(FileError {
                    path: path.to_owned(),
                    line: None,
                    message: format!("credentials.{name}: the kind `header` names a `header`, and no other kind does"),
                });
            }
        }
        Ok(Self { entries, file: Some(path.to_owned()), stand_in: None })
    }

    /// The stand-in's made-up secret, for whatever reference a definition names. No real secret is read.
    pub(crate) fn for_stand_in(secret: Secret) -> Self {
        Self { stand_in: Some(secret), ..Self::default() }
    }

    /// Teaches a redactor every secret that is set, so that none shows even before it is used.
    pub fn teach(&self, redactor: &Redactor) {
        let variables = self.entries.values().map(|entry| &entry.secret.env);
        for secret in variables.filter_map(|variable| env::var(variable).ok()) {
            redactor.learn(&Secret::new(secret));
        }
    }

    /// What would be sent for a reference, without its secret being read: the header, and the secret's variable.
    pub fn describe(&self, reference: &str) -> Option<(HeaderName, &str, Kind)> {
        let entry = self.entries.get(reference)?;
        Some((entry.carrier(), &entry.secret.env, entry.kind))
    }

    /// The credential behind a reference, for a request to this origin.
    pub(crate) fn find(&self, reference: &str, origin: &Origin, redactor: &Redactor) -> Result<Credential, Refusal> {
        if let Some(secret) = &self.stand_in {
            return credential(reference, STAND_IN_HEADER, Kind::Header, secret, "", redactor);
        }
        let place = self.file.as_ref().map_or_else(String::new, |file| format!(" in {}", file.display()));
        let Some(entry) = self.entries.get(reference) else {
            let add = format!(
                "http-task credentials add {reference} --kind header --header x-api-token --env API_TOKEN --origin {origin}"
            );
            return Err(Refusal::new(format!("there are no credentials `{reference}`{place}"), add));
        };
        if !entry.origins.contains(origin) {
            let bound: Vec<_> = entry.origins.iter().map(|origin| format!("\"{origin}\"")).collect();
            let origins = format!("origins = [{}, \"{origin}\"]", bound.join(", "));
            return Err(Refusal::new(format!("the credentials `{reference}` are not bound to {origin}"), origins));
        }
        let variable = &entry.secret.env;
        let secret = match env::var(variable) {
            Ok(secret) if secret.len() >= LEAST_SINK_BYTES => Secret::new(secret),
            Ok(secret) if !secret.is_empty() => {
                return Err(unusable(reference, variable, "is too short to be kept out of what is shown"));
            }
            Err(VarError::NotUnicode(_)) => return Err(unusable(reference, variable, "is not text")),
            Ok(_) | Err(VarError::NotPresent) => return Err(unusable(reference, variable, "is not set")),
        };
        credential(reference, entry.carrier(), entry.kind, &secret, variable, redactor)
    }
}

const STAND_IN_HEADER: HeaderName = HeaderName::from_static("x-api-token");

fn credential(
    reference: &str,
    header: HeaderName,
    kind: Kind,
    secret: &Secret,
    variable: &str,
    redactor: &Redactor,
) -> Result<Credential, Refusal> {
    redactor.learn(secret);
    let value = match kind {
        Kind::Header => HeaderValue::from_str(secret.expose()),
        Kind::Bearer => HeaderValue::from_str(&format!("Bearer {}", secret.expose())),
    };
    let Ok(mut value) = value else {
        return Err(unusable(reference, variable, "holds what a header cannot"));
    };
    value.set_sensitive(true);
    Ok(Credential { header, value })
}

fn unusable(reference: &str, variable: &str, why: &str) -> Refusal {
    let message = format!("the secret of the credentials `{reference}` cannot be used: the variable {variable} {why}");
    Refusal::new(message, format!("export {variable}=…"))
}

/// Adds a reference to a file, which is made when it is not there. An existing reference of that name is not replaced.
pub fn add(path: &Path, name: &str, entry: &Entry) -> Result<bool, FileError> {
    if Credentials::read(path)?.entries.contains_key(name) {
        return Ok(false);
    }
    settings_file::edit(path, |document: &mut DocumentMut| {
        let parent = document.entry("credentials").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        parent[name] = Item::Table(table_of(entry));
        Ok(())
    })?;
    Ok(true)
}

fn table_of(entry: &Entry) -> Table {
    let mut table = Table::new();
    table["kind"] = value(match entry.kind {
        Kind::Header => "header",
        Kind::Bearer => "bearer",
    });
    if let Some(header) = &entry.header {
        table["header"] = value(header.as_str());
    }
    table["secret"] = value(InlineTable::from_iter([("env", entry.secret.env.as_str())]));
    table["origins"] = value(entry.origins.iter().map(Origin::to_string).collect::<Array>());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[credentials.pipedrive]\nkind = \"header\"\nheader = \"x-api-token\"\nsecret = { env = \"PATH\" }\norigins = [\"https://api.pipedrive.com\"]\n";

    fn read(text: &str) -> Result<Credentials, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        std::fs::write(&path, text).unwrap();
        Credentials::read(&path)
    }

    fn find(credentials: &Credentials, reference: &str, origin: &str) -> Result<Credential, Refusal> {
        credentials.find(reference, &origin.parse().unwrap(), &Redactor::default())
    }

    #[test]
    fn a_reference_is_good_only_where_it_is_bound() {
        let credentials = read(FILE).unwrap();
        assert!(find(&credentials, "pipedrive", "https://api.pipedrive.com").is_ok());
        let refusal = find(&credentials, "pipedrive", "https://api.pipedrive.com.evil.example").err().unwrap();
        assert!(refusal.message.contains("not bound"), "{}", refusal.message);
        let refusal = find(&credentials, "other", "https://api.pipedrive.com").err().unwrap();
        assert!(refusal.message.contains("no credentials `other`"), "{}", refusal.message);
    }

    #[test]
    fn an_unset_variable_is_a_refusal_that_names_it() {
        let credentials = read(&FILE.replace("PATH", "HTTP_TASK_SURELY_UNSET")).unwrap();
        let refusal = find(&credentials, "pipedrive", "https://api.pipedrive.com").err().unwrap();
        assert_eq!(refusal.hint().as_deref(), Some("export HTTP_TASK_SURELY_UNSET=…"));
    }

    #[test]
    fn what_is_added_is_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        let entry = read(FILE).unwrap().entries.remove("pipedrive").unwrap();
        assert!(add(&path, "pipedrive", &entry).unwrap());
        assert!(!add(&path, "pipedrive", &entry).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
    }

    #[test]
    fn a_mistake_in_the_file_is_told_without_its_text() {
        for (text, told) in [
            (FILE.replace("{ env = \"PATH\" }", "\"hunter2hunter2\""), true),
            (FILE.replace("\"https://api.pipedrive.com\"", "\"hunter2\""), true),
            (FILE.replace("env = \"PATH\"", "env = \"hunter2-hunter2\""), true),
            (FILE.replace("x-api-token", "host"), true),
            (FILE.replace("header = ", "headr = "), true),
            (FILE.replace("header = \"x-api-token\"\n", ""), false),
            (FILE.replace("\"header\"", "\"bearer\""), false),
        ] {
            let error = read(&text).err().unwrap();
            assert_eq!(error.line.is_some(), told, "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
