//! What may leave: a TOML file that names the origins to which requests may go. Closed by default: without a grant
//! nothing is sent, and the refusal carries the lines to add.
//!
//! ```toml
//! [[grants]]
//! origin = "https://api.pipedrive.com"
//! ```

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::origin::Origin;
use crate::settings_file::{self, FileError};

/// The grants of a host.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    origins: Vec<Origin>,
    /// Named in a refusal, so that the reader knows where to add the lines.
    file: Option<PathBuf>,
    stand_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantsFile {
    #[serde(default)]
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    origin: Origin,
}

impl Grants {
    /// Grants for these origins, not from a file.
    pub fn for_origins(origins: impl IntoIterator<Item = Origin>) -> Self {
        Self { origins: origins.into_iter().collect(), ..Self::default() }
    }

    /// Reads a grants file. One that does not exist grants nothing.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file: Option<GrantsFile> = settings_file::read(path)?;
        let grants = file.map_or_else(Vec::new, |file| file.grants);
        let origins = grants.into_iter().map(|grant| grant.origin).collect();
        Ok(Self { origins, file: Some(path.to_owned()), stand_in: false })
    }

    /// The stand-in's own grant: Pipedrive's servers, which it stands in for, and no other.
    pub(crate) fn for_stand_in() -> Self {
        Self { stand_in: true, ..Self::default() }
    }

    /// Whether a request may go there; a refusal says what to add, and where.
    pub fn check(&self, origin: &Origin) -> Result<(), Refusal> {
        if self.stand_in && origin.is_within("pipedrive.com") || self.origins.contains(origin) {
            return Ok(());
        }
        if self.stand_in {
            return Err(Refusal {
                message: format!("the stand-in is a Pipedrive, and this request goes to {origin}"),
                hint: Some("leave out --stand-in to send it to its own server".into()),
            });
        }
        let place = self.file.as_ref().map_or_else(String::new, |file| format!(" in {}", file.display()));
        Err(Refusal { message: format!("no grant{place} names {origin}"), hint: Some(entry(origin)) })
    }
}

/// Why nothing was sent, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who refuses what.
    pub message: String,
    /// Ready to paste.
    pub hint: Option<String>,
}

/// How the lines of a grant begin.
pub const ENTRY: &str = "[[grants]]";

/// The lines that grant an origin.
pub fn entry(origin: &Origin) -> String {
    format!("{ENTRY}\norigin = \"{origin}\"\n")
}

/// Adds grants to a file, which is made when it is not there and otherwise keeps its order and comments. Gives the
/// origins that were new.
pub fn add(path: &Path, origins: &[Origin]) -> Result<Vec<Origin>, FileError> {
    let known = Grants::read(path)?;
    let new: Vec<_> = origins.iter().filter(|origin| !known.origins.contains(origin)).cloned().collect();
    if new.is_empty() {
        return Ok(new);
    }
    settings_file::edit(path, |document: &mut DocumentMut| {
        let grants = document.entry("grants").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let tables =
            grants.as_array_of_tables_mut().ok_or_else(|| io::Error::other("`grants` is not a list of tables"))?;
        for origin in &new {
            let mut grant = Table::new();
            grant["origin"] = value(origin.to_string());
            tables.push(grant);
        }
        Ok(())
    })?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_is_granted_until_it_is_named() {
        let refusal = Grants::default().check(&origin("https://api.example.com")).unwrap_err();
        assert_eq!(refusal.hint.as_deref(), Some("[[grants]]\norigin = \"https://api.example.com\"\n"));
    }

    #[test]
    fn the_lines_of_a_refusal_grant_what_was_refused_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.toml");
        let wanted = origin("http://127.0.0.1:8080");
        let refusal = Grants::read(&path).unwrap().check(&wanted).unwrap_err();
        std::fs::write(&path, refusal.hint.unwrap()).unwrap();
        let grants = Grants::read(&path).unwrap();
        assert_eq!(grants.check(&wanted), Ok(()));
        assert!(grants.check(&origin("http://127.0.0.1:8081")).is_err());
        assert!(grants.check(&origin("https://127.0.0.1:8080")).is_err());
    }

    #[test]
    fn adding_keeps_what_the_file_says_and_adds_each_origin_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/grants.toml");
        let [one, two] = [origin("https://one.example"), origin("https://two.example")];
        assert_eq!(add(&path, std::slice::from_ref(&one)).unwrap(), std::slice::from_ref(&one));
        std::fs::write(&path, format!("# mine\n{}", std::fs::read_to_string(&path).unwrap())).unwrap();
        assert_eq!(add(&path, &[one.clone(), two.clone()]).unwrap(), std::slice::from_ref(&two));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("# mine\n{}\n{}", entry(&one), entry(&two)));
    }

    #[test]
    fn a_file_that_says_something_unknown_grants_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.toml");
        for text in ["[[grants]]\norigin = \"https://a/b\"", "[[grant]]\norigin = \"https://a\"", "grants = 3"] {
            std::fs::write(&path, text).unwrap();
            assert!(Grants::read(&path).is_err(), "{text}");
        }
    }
}
