//! Secrets that cannot print, and the sinks' last line of defence: text with every known secret taken out, as it is and in
//! the encodings of JSON, URLs, forms and base64.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// What most writers of URLs encode: all but the unreserved characters (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Below this a secret is as likely a coincidence: taking every `ab` out of a log would hide the log.
pub(crate) const LEAST_SINK_BYTES: usize = 4;

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
pub struct Redactor(Arc<RwLock<Arc<[Needle]>>>);

/// One form of a secret, ready to be searched for.
#[derive(Clone)]
struct Needle {
    finder: Arc<Finder<'static>>,
    secret_bytes: usize,
}

impl Redactor {
    /// From now on this secret is taken out.
    pub fn learn(&self, secret: &Secret) {
        let secret = secret.expose();
        let known = self.needles();
        if secret.len() < LEAST_SINK_BYTES || known.iter().any(|needle| needle.finder.needle() == secret.as_bytes()) {
            return;
        }
        let mut needles = known.to_vec();
        for form in forms(secret) {
            if !needles.iter().any(|needle| needle.finder.needle() == form.as_bytes()) {
                let finder = Arc::new(Finder::new(form.as_bytes()).into_owned());
                needles.push(Needle { finder, secret_bytes: secret.len() });
            }
        }
        // A longer form may hold a shorter one; taken out first, nothing of it is left over.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.finder.needle().len()));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = needles.into();
    }

    fn needles(&self) -> Arc<[Needle]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The text without any secret.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.replaced(text.as_bytes(), LEAST_SINK_BYTES) {
            // A secret is text, and so is what is left around it.
            Some(redacted) => Cow::Owned(String::from_utf8_lossy(&redacted).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// What an API sent back, without a secret; `None` when there was none in it.
    pub(crate) fn scrub(&self, answer: &[u8]) -> Option<Vec<u8>> {
        self.replaced(answer, LEAST_ANSWER_BYTES)
    }

    fn replaced(&self, text: &[u8], least_bytes: usize) -> Option<Vec<u8>> {
        let mut replaced: Option<Vec<u8>> = None;
        for needle in self.needles().iter().filter(|needle| needle.secret_bytes >= least_bytes) {
            if let Some(without) = replace(replaced.as_deref().unwrap_or(text), &needle.finder) {
                replaced = Some(without);
            }
        }
        replaced
    }

    /// A writer through which no secret passes, given whole lines at a time.
    pub fn writer<W: Write>(&self, inner: W) -> Redacting<W> {
        Redacting { inner, redactor: self.clone() }
    }
}

/// How a secret commonly turns up in text: as it is, in JSON, in a URL or a form, in base64.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let mut forms = vec![
        secret.to_owned(),
        // Some writers of JSON escape the slash as well.
        json.replace('/', "\\/"),
        json,
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ];
    for set in [NON_ALPHANUMERIC, UNRESERVED] {
        let percent = utf8_percent_encode(secret, set).to_string();
        forms.push(with_lower_hex(&percent));
        forms.push(percent.replace("%20", "+"));
        forms.push(percent);
    }
    forms
}

fn with_lower_hex(percent: &str) -> String {
    let mut pieces = percent.split('%');
    let mut lower = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        lower.push('%');
        lower.push_str(&digits.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

/// The text with every occurrence replaced; `None` when there is none.
fn replace(text: &[u8], finder: &Finder<'_>) -> Option<Vec<u8>> {
    let mut replaced = Vec::new();
    let mut copied = 0;
    for at in finder.find_iter(text) {
        replaced.extend_from_slice(&text[copied..at]);
        replaced.extend_from_slice(REDACTED.as_bytes());
        copied = at + finder.needle().len();
    }
    (copied > 0).then(|| {
        replaced.extend_from_slice(&text[copied..]);
        replaced
    })
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
        let secret = "pa\"Ss-w/ ord+é";
        let redactor = redactor(secret);
        for form in [
            secret,
            r#"{"token":"pa\"Ss-w/ ord+é"}"#,
            r#"{"token":"pa\"Ss-w\/ ord+é"}"#,
            "?token=pa%22Ss-w%2F%20ord%2B%C3%A9",
            "?token=pa%22Ss-w%2f%20ord%2b%c3%a9",
            "?token=pa%22Ss%2Dw%2F%20ord%2B%C3%A9",
            "token=pa%22Ss-w%2F+ord%2B%C3%A9",
            "cGEiU3Mtdy8gb3JkK8Op",
        ] {
            let redacted = redactor.redact(form).into_owned();
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
