//! Secrets that cannot print, and the sinks' last line of defence: text with every known secret taken out, in whatever
//! encoding it turns up.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// Below this a secret is as likely a coincidence: taking every `ab` out of a log would hide the log.
const LEAST_SINK_BYTES: usize = 4;

/// In an answer a coincidence would change data, so only what cannot be one is taken out.
const LEAST_ANSWER_BYTES: usize = 8;

/// A secret: no `Debug`, no `Display`, no serialisation, and its memory is cleared.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself: for the one place that writes it to the wire.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Knows the secrets in use and takes them out of text. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<Needle>>>);

struct Needle {
    text: Zeroizing<String>,
    secret_bytes: usize,
}

impl Redactor {
    /// From now on this secret is taken out.
    pub fn learn(&self, secret: &Secret) {
        let secret = secret.expose();
        if secret.len() < LEAST_SINK_BYTES {
            return;
        }
        let escaped = serde_json::Value::from(secret).to_string();
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let forms = [
            secret.to_owned(),
            escaped[1..escaped.len() - 1].to_owned(),
            percent.to_ascii_lowercase(),
            percent,
            STANDARD_NO_PAD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
        ];
        let mut needles = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for text in forms {
            if !needles.iter().any(|needle| *needle.text == text) {
                needles.push(Needle { text: Zeroizing::new(text), secret_bytes: secret.len() });
            }
        }
        // A longer form may hold a shorter one; taken out first, nothing of it is left over.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.text.len()));
    }

    /// The text without any secret.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let needles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut redacted = Cow::Borrowed(text);
        for needle in needles.iter() {
            if redacted.contains(needle.text.as_str()) {
                redacted = Cow::Owned(redacted.replace(needle.text.as_str(), REDACTED));
            }
        }
        redacted
    }

    /// What an API sent back, without a secret; `None` when there was none in it.
    pub(crate) fn scrub(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let held = |needle: &&Needle| {
            needle.secret_bytes >= LEAST_ANSWER_BYTES
                && answer.windows(needle.text.len()).any(|window| window == needle.text.as_bytes())
        };
        let needles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut scrubbed: Option<Vec<u8>> = None;
        for needle in needles.iter().filter(held) {
            scrubbed = Some(replace_bytes(scrubbed.as_deref().unwrap_or(answer), needle.text.as_bytes()));
        }
        scrubbed
    }

    /// A writer through which no secret passes, given whole lines at a time.
    pub fn writer<W: Write>(&self, inner: W) -> Redacting<W> {
        Redacting { inner, redactor: self.clone() }
    }
}

fn replace_bytes(text: &[u8], needle: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(needle.len()).position(|window| window == needle) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(REDACTED.as_bytes());
        rest = &rest[at + needle.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// See [`Redactor::writer`].
pub struct Redacting<W> {
    inner: W,
    redactor: Redactor,
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.inner.write_all(self.redactor.redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secret: &str) -> Redactor {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new(secret.to_owned()));
        redactor
    }

    #[test]
    fn a_secret_is_found_in_every_encoding() {
        let secret = "pa\"ss/w ord+é";
        let redactor = redactor(secret);
        for form in [
            secret.to_owned(),
            serde_json::json!({ "token": secret }).to_string(),
            format!("?token={}", utf8_percent_encode(secret, NON_ALPHANUMERIC)),
            format!("Basic {}==", STANDARD_NO_PAD.encode(secret)),
        ] {
            let redacted = redactor.redact(&form).into_owned();
            assert!(redacted.contains(REDACTED) && !redacted.contains("ord"), "{redacted}");
        }
    }

    #[test]
    fn text_without_a_secret_is_untouched() {
        assert!(matches!(redactor("12345678").redact("1234567"), Cow::Borrowed("1234567")));
        assert_eq!(redactor("ab").redact("ab"), "ab");
    }

    #[test]
    fn an_answer_is_scrubbed_of_long_secrets_only() {
        assert_eq!(redactor("12345678").scrub(b"\xff12345678\xff"), Some(b"\xff[redacted]\xff".to_vec()));
        assert_eq!(redactor("1234567").scrub(b"1234567"), None);
    }

    #[test]
    fn a_writer_lets_no_secret_pass() {
        let mut out = Vec::new();
        writeln!(redactor("hunter2hunter2").writer(&mut out), "token=hunter2hunter2").unwrap();
        assert_eq!(out, b"token=[redacted]\n");
    }
}
