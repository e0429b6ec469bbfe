//! Entries of the system's keyring. Nothing of an error that may hold the secret is repeated.

#[cfg(feature = "keyring")]
use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::source::{KeyringEntry, SourceError};
use crate::redaction::Secret;

#[cfg(feature = "keyring")]
pub(super) fn read(entry: &KeyringEntry) -> Result<Zeroizing<String>, SourceError> {
    open(entry)?.get_password().map(Zeroizing::new).map_err(|error| failed(entry, &error))
}

#[cfg(feature = "keyring")]
pub(super) fn write(entry: &KeyringEntry, secret: &Secret) -> Result<(), SourceError> {
    open(entry)?.set_password(secret.expose()).map_err(|error| failed(entry, &error))
}

#[cfg(feature = "keyring")]
fn open(entry: &KeyringEntry) -> Result<Entry, SourceError> {
    Entry::new(&entry.service, &entry.account).map_err(|error| failed(entry, &error))
}

#[cfg(feature = "keyring")]
fn failed(KeyringEntry { service, account }: &KeyringEntry, error: &Error) -> SourceError {
    let why = match error {
        Error::NoEntry => "is not there",
        Error::NoDefaultStore => "cannot be read: no keyring runs in this session",
        Error::NoStorageAccess(_) => "cannot be read: the keyring is locked",
        Error::BadEncoding(_) => "is not text",
        Error::Ambiguous(_) => "is there more than once",
        _ => "cannot be read or written",
    };
    let hint = if cfg!(target_os = "macos") {
        format!("security add-generic-password -s {service} -a {account} -w")
    } else if cfg!(windows) {
        format!("cmdkey /generic:{account}.{service} /user:{account} /pass")
    } else {
        format!("secret-tool store --label={service} service {service} username {account}")
    };
    SourceError::new(format!("the keyring's entry {service}/{account} {why}")).hint(hint)
}

#[cfg(not(feature = "keyring"))]
pub(super) fn read(_: &KeyringEntry) -> Result<Zeroizing<String>, SourceError> {
    Err(SourceError::new("this host was built without the feature `keyring`"))
}

#[cfg(not(feature = "keyring"))]
pub(super) fn write(entry: &KeyringEntry, _: &Secret) -> Result<(), SourceError> {
    read(entry).map(|_| ())
}
