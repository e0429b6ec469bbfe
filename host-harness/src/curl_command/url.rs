//! The URL of a command: without its user, its query taken apart, and no secret left in it.

use ::url::Url;
use percent_encoding::percent_decode_str;

use super::content::pairs;
use super::secret::is_secret;
use super::{Reading, SecretPlace};

impl Reading {
    /// The URL without its user; one without a scheme is http, as cURL has it.
    pub(super) fn url(&mut self) -> Option<Url> {
        let Some(written) = self.url.clone() else {
            self.problems.push("the command has no URL".to_owned());
            return None;
        };
        let absolute = if written.contains("://") { written } else { format!("http://{written}") };
        let url = Url::parse(&absolute).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(mut url) = url else {
            self.problems.push("the URL of the command is not one of http or https".to_owned());
            return None;
        };
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
            let _ = url.set_username("");
            let _ = url.set_password(None);
            self.keep_user(&user, &password);
        }
        Some(url)
    }

    /// Takes the URL's query apart, where that says the same.
    pub(super) fn own_query(&mut self, url: &Url) -> bool {
        let Some(query) = url.query() else { return true };
        let Some(found) = pairs(query) else {
            if query.split('&').any(|pair| is_secret(&pair.split('=').next().unwrap_or_default().to_ascii_lowercase()))
            {
                self.problems.push("the query of the URL carries a secret in a form that is not known here".to_owned());
            }
            return false;
        };
        self.query = found.into_iter().chain(self.query.drain(..)).collect();
        true
    }

    /// Secrets in the query go no further.
    pub(super) fn take_secrets_of_the_query(&mut self) {
        for (name, value) in std::mem::take(&mut self.query) {
            match is_secret(&name.to_ascii_lowercase()) {
                true => self.keep_secret(SecretPlace::Query(name), &value),
                false => self.query.push((name, value)),
            }
        }
    }
}
