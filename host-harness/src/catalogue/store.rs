//! The documents of one user, in a folder: an index of names, and each document under the digest of its content. A document
//! that was replaced is kept: tasks that were made from it are still compared with it.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::document::Document;
use crate::settings_file::{self, FileError};

const INDEX: &str = "catalogue.toml";
const DOCUMENTS: &str = "documents";
const ALGORITHM: &str = "sha256:";

/// A document of the catalogue, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Where it came from: a file's path or an address.
    pub source: String,
    /// Its content: `sha256:…`.
    pub digest: String,
    /// `info.title`
    pub title: String,
    /// `info.version`
    pub version: String,
    /// How many operations it has.
    pub operations: usize,
    /// The base URL to use in place of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[serde(default)]
    documents: BTreeMap<String, Listed>,
}

/// The documents of one user.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
    index: Index,
    /// Documents that were read last, the latest first: many tasks of one definition are of few.
    kept: Arc<Mutex<Kept>>,
}

/// Documents by their digests.
type Kept = Vec<(String, Arc<Document>)>;

/// Large documents take some 60 MB each.
const MOST_KEPT: usize = 3;

/// Why the catalogue cannot be read or written.
#[derive(Debug)]
pub enum StoreError {
    /// The index.
    Index(FileError),
    /// A document.
    Document {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is not what was kept.
    Altered(PathBuf),
}

impl Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(error) => error.fmt(f),
            Self::Document { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Altered(path) => write!(f, "{}: this is not the document that was added", path.display()),
        }
    }
}

impl std::error::Error for StoreError {}

/// What names a document by its content.
pub fn digest(document: &Value) -> String {
    digest_of(document.to_string().as_bytes())
}

fn digest_of(bytes: &[u8]) -> String {
    let hex = Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("{ALGORITHM}{hex}")
}

impl Store {
    pub(super) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        let index = settings_file::read(&folder.join(INDEX)).map_err(StoreError::Index)?.unwrap_or_default();
        Ok(Self { folder, index, kept: Arc::default() })
    }

    pub(super) fn listed(&self) -> &BTreeMap<String, Listed> {
        &self.index.documents
    }

    /// A document by its content, if it is here.
    pub(super) fn read(&self, digest: &str) -> Result<Option<Arc<Document>>, StoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, document)) = kept.iter().find(|(known, _)| known == digest) {
            return Ok(Some(Arc::clone(document)));
        }
        let Some(path) = path(&self.folder, digest) else { return Ok(None) };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Document { path, why: error.to_string() }),
        };
        if digest_of(&bytes) != digest {
            return Err(StoreError::Altered(path));
        }
        let read = Document::read(&bytes).map(Arc::new);
        let document = read.map_err(|error| StoreError::Document { path, why: error.to_string() })?;
        kept.truncate(MOST_KEPT - 1);
        kept.insert(0, (digest.to_owned(), Arc::clone(&document)));
        Ok(Some(document))
    }

    /// Keeps a document under a name. What had the name before is remembered.
    pub(super) fn put(&mut self, name: &str, mut listed: Listed, document: &Document) -> Result<(), StoreError> {
        let text = document.value().to_string();
        let path = path(&self.folder, &listed.digest);
        self.change(|index| {
            if let Some(path) = path {
                let kept = settings_file::replace(&path, |file| file.write_all(text.as_bytes()));
                kept.map_err(|error| StoreError::Document { path, why: error.to_string() })?;
            }
            if let Some(old) = index.documents.get(name) {
                listed.before = old
                    .before
                    .iter()
                    .chain([&old.digest])
                    .filter(|digest| **digest != listed.digest)
                    .cloned()
                    .collect();
            }
            index.documents.insert(name.to_owned(), listed);
            Ok(())
        })
    }

    /// Forgets a document, and what it was before. Whether it was here.
    pub(super) fn remove(&mut self, name: &str) -> Result<bool, StoreError> {
        let folder = self.folder.clone();
        self.change(|index| {
            let Some(removed) = index.documents.remove(name) else { return Ok(false) };
            let is_of = |listed: &Listed, digest: &String| listed.digest == *digest || listed.before.contains(digest);
            let in_use = |digest: &String| index.documents.values().any(|listed| is_of(listed, digest));
            for digest in removed.before.iter().chain([&removed.digest]).filter(|digest| !in_use(digest)) {
                if let Some(path) = path(&folder, digest)
                    && let Err(error) = fs::remove_file(&path)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    return Err(StoreError::Document { path, why: error.to_string() });
                }
            }
            Ok(true)
        })
    }

    /// Changes the index as it is now: another program may have changed it since it was read.
    fn change<T>(&mut self, change: impl FnOnce(&mut Index) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let path = self.folder.join(INDEX);
        let of_index = |error: io::Error| StoreError::Document { path: path.clone(), why: error.to_string() };
        fs::create_dir_all(&self.folder).map_err(of_index)?;
        let turn = fs::File::options().create(true).append(true).open(self.folder.join("lock")).map_err(of_index)?;
        turn.lock().map_err(of_index)?;
        self.index = settings_file::read(&path).map_err(StoreError::Index)?.unwrap_or_default();
        let changed = change(&mut self.index)?;
        let text = toml::to_string(&self.index).map_err(|error| of_index(io::Error::other(error)))?;
        settings_file::replace(&path, |file| file.write_all(text.as_bytes())).map_err(of_index)?;
        Ok(changed)
    }
}

/// Where a document is; none for what is no digest.
fn path(folder: &Path, digest: &str) -> Option<PathBuf> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    let hex = digest.strip_prefix(ALGORITHM).filter(|hex| hex.len() == 64 && hex.bytes().all(is_digit))?;
    Some(folder.join(DOCUMENTS).join(format!("{hex}.json")))
}
