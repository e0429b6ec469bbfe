//! Where a secret comes from: the environment, a file, a command, the system's keyring. Read at the last moment; what is
//! wrong is said without the secret.

use std::env::VarError;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use tokio::process::Command;
use tokio::time::timeout;
use toml_edit::{Array, InlineTable, Value};
use zeroize::Zeroizing;

use super::keyring;
use crate::redaction::{LEAST_SINK_BYTES, Secret};
use crate::settings_file::{self, check_closed};

/// How long a command or a keyring may take: as long as somebody needs to unlock something, within a call's own time.
const READING: Duration = Duration::from_secs(30);

/// The longest secret: several times the largest token, and what a header of common servers holds.
const MOST_BYTES: usize = 64 * 1024;

/// Where a secret comes from.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// An environment variable, by its name.
    #[serde(deserialize_with = "variable")]
    Env(String),
    /// A file that its owner alone can read; a line break at its end is not part of the secret.
    File(PathBuf),
    /// A program and its arguments; what it prints is the secret, but for a line break at its end.
    Command(Vec<String>),
    /// An entry of the system's keyring: the Secret Service of Linux, Apple's keychain, the credential manager of Windows.
    Keyring(KeyringEntry),
    /// The secret itself, which is never read from a file or written to one: a stand-in's.
    #[serde(skip)]
    Given(Secret),
}

/// How a keyring finds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringEntry {
    /// What it is for.
    pub service: String,
    /// Whose it is.
    pub account: String,
}

/// A secret that cannot be had: why, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceError {
    pub(crate) why: String,
    pub(crate) hint: Option<String>,
    /// It took too long, and may not the next time.
    pub(crate) passes: bool,
}

impl SourceError {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), hint: None, passes: false }
    }

    fn too_long(what: &str) -> Self {
        Self { passes: true, ..Self::new(format!("{what} took longer than {} s", READING.as_secs())) }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A name that a shell can export (POSIX, section 8.1); what is not one may be a secret in the wrong place.
fn check_variable(name: &str) -> Result<String, &'static str> {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    if name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit()) {
        return Ok(name.to_owned());
    }
    Err("a variable's name has letters, digits and `_`; the secret itself is never written down")
}

fn variable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    check_variable(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl SecretSource {
    /// The file looked for beside another one.
    pub(super) fn beside(&mut self, folder: &Path) {
        if let Self::File(path) = self {
            *path = folder.join(&path);
        }
    }

    /// Reads the secret.
    pub(crate) async fn read(&self) -> Result<Secret, SourceError> {
        match self {
            Self::Env(_) | Self::Given(_) => self.peek(),
            Self::File(_) => {
                let source = self.clone();
                blocking(move || source.peek()).await
            }
            Self::Command(words) => run(words).await.and_then(|secret| self.usable(secret)),
            Self::Keyring(entry) => {
                let entry = entry.clone();
                blocking(move || keyring::read(&entry)).await.and_then(|secret| self.usable(secret))
            }
        }
    }

    /// Reads what can be read without anybody noticing: no command is run, and no keyring unlocked.
    pub(super) fn peek(&self) -> Result<Secret, SourceError> {
        match self {
            Self::Env(name) => {
                match std::env::var(name) {
                    Ok(secret) if !secret.is_empty() => self.usable(secret.into()),
                    Err(VarError::NotUnicode(_)) => Err(SourceError::new(format!("{self} is not text"))),
                    // To a shell there is hardly a difference between what is empty and what is not there.
                    Ok(_) | Err(VarError::NotPresent) => {
                        Err(SourceError::new(format!("{self} is not set")).hint(format!("export {name}=…")))
                    }
                }
            }
            Self::File(path) => {
                check_closed(path).map_err(|error| SourceError::new(error.to_string()))?;
                let read = std::fs::read(path).map(Zeroizing::new);
                let text = read.map_err(|error| SourceError::new(format!("{self}: {error}")))?;
                self.usable(text_of(&text).ok_or_else(|| SourceError::new(format!("{self} is not text")))?)
            }
            Self::Given(secret) => Ok(secret.clone()),
            Self::Command(_) | Self::Keyring(_) => Err(SourceError::new(format!("{self} has not been asked"))),
        }
    }

    /// Whether `peek` tells what `read` would.
    pub(super) fn can_be_peeked_at(&self) -> bool {
        matches!(self, Self::Env(_) | Self::File(_) | Self::Given(_))
    }

    fn usable(&self, mut secret: Zeroizing<String>) -> Result<Secret, SourceError> {
        let line = secret.strip_suffix('\n').map_or(secret.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        let bytes = line.len();
        secret.truncate(bytes);
        match check_secret(&secret) {
            Ok(()) => Ok(Secret::new(std::mem::take(&mut *secret))),
            Err(why) => Err(SourceError::new(format!("{self} {why}"))),
        }
    }

    /// Whether a new secret can be kept there in place of the old one.
    pub fn can_be_written(&self) -> bool {
        matches!(self, Self::File(_) | Self::Keyring(_))
    }

    /// Puts a new secret in place of the old one, in one step.
    pub(crate) async fn write(&self, secret: &Secret) -> Result<(), SourceError> {
        match self.clone() {
            Self::File(path) => {
                let secret = secret.clone();
                let text = move |file: &mut File| writeln!(file, "{}", secret.expose());
                blocking(move || {
                    settings_file::replace(&path, text)
                        .map_err(|error| SourceError::new(format!("the file {}: {error}", path.display())))
                })
                .await
            }
            Self::Keyring(entry) => {
                let secret = secret.clone();
                blocking(move || keyring::write(&entry, &secret)).await
            }
            Self::Env(_) | Self::Command(_) | Self::Given(_) => {
                Err(SourceError::new(format!("{self} can only be read")))
            }
        }
    }

    /// Waits until no other host of this machine reads and writes there, for as long as what it gives is kept.
    pub(super) async fn lock(&self) -> Result<Option<File>, SourceError> {
        let Self::File(path) = self else { return Ok(None) };
        let mut name = path.clone().into_os_string();
        // The file itself is replaced, and with it whatever lock it had.
        name.push(".lock");
        blocking(move || {
            let open = File::options().create(true).truncate(false).write(true).open(&name);
            match open.and_then(|file| file.lock().map(|()| file)) {
                Ok(locked) => Ok(Some(locked)),
                // Where nothing can be written, nothing is replaced.
                Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                    Ok(None)
                }
                Err(error) => Err(SourceError::new(format!("{}: {error}", Path::new(&name).display()))),
            }
        })
        .await
    }
}

/// Whether a text can be used as a secret; what it is not.
pub(super) fn check_secret(text: &str) -> Result<(), &'static str> {
    match text.len() {
        0 => Err("holds nothing"),
        bytes if bytes < LEAST_SINK_BYTES => Err("is too short to be kept out of what is shown"),
        bytes if bytes > MOST_BYTES => Err("is too long for a secret"),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match timeout(READING, tokio::task::spawn_blocking(work)).await {
        Ok(done) => done.unwrap_or_else(|_| Err(SourceError::new("reading it broke off"))),
        Err(_) => Err(SourceError::too_long("reading it")),
    }
}

fn text_of(bytes: &[u8]) -> Option<Zeroizing<String>> {
    std::str::from_utf8(bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// What it prints is kept from everybody else; so is what it has to say besides, where a secret may be quoted.
async fn run(words: &[String]) -> Result<Zeroizing<String>, SourceError> {
    let [program, arguments @ ..] = words else { return Err(SourceError::new("the command has no words")) };
    let failed = |why: String| SourceError::new(format!("the command `{program}` {why}")).hint(line(words));
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let done = timeout(READING, command.output()).await;
    let done = done.map_err(|_| SourceError::too_long(&format!("the command `{program}`")))?;
    let done = done.map_err(|error| failed(format!("cannot be run: {error}")))?;
    let printed = Zeroizing::new(done.stdout);
    if !done.status.success() {
        return Err(failed(format!("ended with {}", done.status)));
    }
    text_of(&printed).ok_or_else(|| failed("printed what is not text".to_owned()))
}

/// In a settings file.
impl From<&SecretSource> for Value {
    fn from(source: &SecretSource) -> Self {
        let table = |key: &str, value: Value| Value::InlineTable(InlineTable::from_iter([(key, value)]));
        match source {
            SecretSource::Env(name) => table("env", name.into()),
            SecretSource::File(path) => table("file", path.display().to_string().into()),
            SecretSource::Command(words) => table("command", words.iter().collect::<Array>().into()),
            SecretSource::Keyring(KeyringEntry { service, account }) => {
                let entry = InlineTable::from_iter([("service", service), ("account", account)]);
                table("keyring", Value::InlineTable(entry))
            }
            SecretSource::Given(_) => InlineTable::new().into(),
        }
    }
}

/// As a shell reads it.
fn line(words: &[String]) -> String {
    // Only what no shell can have, a NUL, cannot be quoted.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// In messages: no source shows its secret.
impl Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Command(words) => write!(f, "the command `{}`", line(words)),
            Self::Keyring(KeyringEntry { service, account }) => write!(f, "the keyring's entry {service}/{account}"),
            Self::Given(_) => f.write_str("the stand-in"),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// On a command line: `env:NAME`, `file:PATH`, `keyring:SERVICE/ACCOUNT`, `command:PROGRAM ARGUMENTS`.
impl FromStr for SecretSource {
    /// Without the text: somebody may have written the secret itself.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let expected = "a secret comes from env:NAME, file:PATH, keyring:SERVICE/ACCOUNT or command:PROGRAM ARGUMENTS";
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or(expected)?;
        match kind {
            "env" => check_variable(rest).map(Self::Env),
            // Wherever the file of credentials is.
            "file" => {
                let home = rest.strip_prefix("~/").zip(std::env::home_dir());
                let path = home.map_or_else(|| rest.into(), |(rest, home)| home.join(rest));
                std::path::absolute(path).map(Self::File).map_err(|_: io::Error| expected)
            }
            "keyring" => match rest.split_once('/') {
                Some((service, account)) if !service.is_empty() && !account.is_empty() => {
                    Ok(Self::Keyring(KeyringEntry { service: service.to_owned(), account: account.to_owned() }))
                }
                _ => Err("an entry of a keyring is keyring:SERVICE/ACCOUNT"),
            },
            "command" => shlex::split(rest).map(Self::Command).ok_or("the command's quotes do not match"),
            _ => Err(expected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, text: &[u8]) -> SecretSource {
        let path = folder.join("secret");
        settings_file::replace(&path, |file| file.write_all(text)).unwrap();
        SecretSource::File(path)
    }

    async fn read(source: &SecretSource) -> Result<String, String> {
        source.read().await.map(|secret| secret.expose().to_owned()).map_err(|error| error.why)
    }

    #[tokio::test]
    async fn one_line_break_at_the_end_is_no_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        for (text, secret) in
            [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("s3 \n\n", "s3 \n")]
        {
            assert_eq!(read(&file(folder.path(), text.as_bytes())).await.as_deref(), Ok(secret));
        }
        let command = |script: &str| SecretSource::Command(["sh", "-c", script].map(str::to_owned).into());
        assert_eq!(read(&command("echo s3cret")).await.as_deref(), Ok("s3cret"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_cannot_be_used_says_why_and_shows_nothing_of_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let open = file(folder.path(), b"planted-secret");
        let SecretSource::File(path) = &open else { unreachable!() };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let command = |script: &str| SecretSource::Command(["sh", "-c", script].map(str::to_owned).into());
        for (source, why) in [
            (open.clone(), "others can read this secret (mode 640): chmod 600 it"),
            (SecretSource::File("/nowhere/secret".into()), "No such file"),
            (SecretSource::Env("HTTP_TASK_SURELY_UNSET".into()), "the variable HTTP_TASK_SURELY_UNSET is not set"),
            (command("echo planted-secret; echo planted-secret >&2; exit 7"), "ended with exit status: 7"),
            (command("printf '\\377planted'"), "printed what is not text"),
            (command(":"), "holds nothing"),
            (command("echo abc"), "too short"),
            (command("head -c 100000 /dev/zero | tr '\\0' x"), "too long"),
            (SecretSource::Command(vec!["/nowhere/program".into()]), "cannot be run"),
            (SecretSource::Command(Vec::new()), "has no words"),
        ] {
            let told = read(&source).await.unwrap_err();
            assert!(told.contains(why), "{source}: {told}");
        }
    }

    #[test]
    fn a_source_on_the_command_line_is_read_and_a_secret_there_is_not_repeated() {
        for (text, shown) in [
            ("env:TOKEN", "the variable TOKEN"),
            ("file:/etc/token", "the file /etc/token"),
            ("keyring:http-task/me", "the keyring's entry http-task/me"),
            ("command:pass show token", "the command `pass show token`"),
            ("command:sh -c 'cat a | head -1'", "the command `sh -c 'cat a | head -1'`"),
        ] {
            assert_eq!(text.parse::<SecretSource>().unwrap().to_string(), shown);
        }
        for text in [
            "planted",
            "env:planted-secret",
            "planted:secret",
            "keyring:planted",
            "env:",
            "planted:",
            "command:'planted",
        ] {
            assert!(!text.parse::<SecretSource>().unwrap_err().contains("planted"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_new_secret_takes_the_place_of_the_old_one_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let source = file(folder.path(), b"old-secret");
        source.write(&Secret::new("new-secret".into())).await.unwrap();
        assert_eq!(read(&source).await.as_deref(), Ok("new-secret"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let variable = SecretSource::Env("PATH".into());
        assert!(variable.write(&Secret::new("new-secret".into())).await.is_err());
    }
}
