//! The TOML files that people and commands write: reading with the line of a mistake, and editing that never leaves
//! half a file.

use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml_edit::DocumentMut;

/// A settings file that cannot be read or written.
#[derive(Debug)]
pub struct FileError {
    /// Which file.
    pub path: PathBuf,
    /// The line of the mistake, from 1.
    pub line: Option<usize>,
    /// What is wrong. The file's own text is not repeated: somebody may have pasted a secret there.
    pub message: String,
}

impl Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for FileError {}

impl FileError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_owned(), line: None, message: error.to_string() }
    }
}

/// Reads a file; `None` when there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::io(path, &error)),
    };
    toml::from_str(&text).map(Some).map_err(|error| FileError {
        path: path.to_owned(),
        line: error.span().map(|span| text[..span.start].matches('\n').count() + 1),
        message: without_values(error.message()),
    })
}

/// Refuses what is no file with a secret that its owner alone can read.
pub(crate) fn check_closed(path: &Path) -> Result<(), FileError> {
    let refused = |message: String| Err(FileError { path: path.to_owned(), line: None, message });
    let found = fs::metadata(path).map_err(|error| FileError::io(path, &error))?;
    if !found.is_file() {
        return refused("this is not a file".to_owned());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = found.permissions().mode();
        if mode & 0o077 != 0 {
            return refused(format!("others can read this secret (mode {:03o}): chmod 600 it", mode & 0o777));
        }
    }
    Ok(())
}

/// Serde quotes what it did not expect; only what it expected is said, and which of that may have been meant.
fn without_values(message: &str) -> String {
    let Some((unexpected, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let Some(member) = unexpected.strip_prefix("unknown field `") else { return format!("expected {expected}") };
    let known = expected.split('`').skip(1).step_by(2);
    match known.map(|known| (strsim::damerau_levenshtein(member.trim_end_matches('`'), known), known)).min() {
        Some((edits, known)) if edits <= 2 => format!("there is no such member; did you mean `{known}`?"),
        _ => format!("there is no such member, expected {expected}"),
    }
}

/// Edits a file in place, or makes it.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut DocumentMut) -> io::Result<()>) -> Result<(), FileError> {
    let edit = || {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| io::Error::other(error.message().to_owned()))?;
        change(&mut document)?;
        replace(path, |file| file.write_all(document.to_string().as_bytes()))
    };
    edit().map_err(|error| FileError::io(path, &error))
}

/// Writes a file, in a folder that is made when it is not there. The new text replaces the old in one step, readable by its
/// owner alone.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    write(written.as_file_mut())?;
    written.as_file().sync_all()?;
    written.persist(path).map_err(|error| error.error)?;
    // Its new name is on disk with the folder.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}
