//! Secrets that cannot print, and the sinks' last line of defence: text with every known secret taken out, however it is
//! spelled, and in hexadecimal and base64 with whatever else stands in the same base64.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

mod spelling;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// Below this a secret is as likely a coincidence: taking every `ab` out of a log would hide the log.
pub(crate) const LEAST_SINK_BYTES: usize = 4;

/// In an answer a coincidence would change data, so only what cannot be one is taken out.
const LEAST_ANSWER_BYTES: usize = 8;

/// A secret: no `Debug`, no `Display`, no serialisation, and its memory is cleared. So none of these compiles:
///
/// ```compile_fail,E0277
/// println!("{}", http_task_host::redaction::Secret::new("a secret".into()));
/// ```
///
/// ```compile_fail,E0277
/// println!("{:?}", http_task_host::redaction::Secret::new("a secret".into()));
/// ```
///
/// ```compile_fail,E0277
/// # use serde_json::to_string;
/// to_string(&http_task_host::redaction::Secret::new("a secret".into()));
/// ```
#[derive(Clone, PartialEq, Eq)]
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
pub struct Redactor(Arc<RwLock<Arc<Known>>>);

/// All that is searched for.
#[derive(Default)]
struct Known {
    /// With how often each was learned, and not forgotten since.
    secrets: Vec<(Secret, usize)>,
    needles: Vec<Needle>,
    /// The needles by their first byte, plainly written.
    by_first_byte: Vec<Vec<usize>>,
}

/// One form of a secret.
struct Needle {
    characters: Zeroizing<Vec<char>>,
    secret_bytes: usize,
}

impl Known {
    fn of(secrets: Vec<(Secret, usize)>) -> Self {
        let needles: Vec<_> = secrets.iter().flat_map(|(secret, _)| needles(secret.expose())).collect();
        let mut by_first_byte = vec![Vec::new(); 256];
        for (index, needle) in needles.iter().enumerate() {
            if let Some(first) = needle.characters.first() {
                by_first_byte[usize::from(spelling::first_byte(u32::from(*first)))].push(index);
            }
        }
        Self { secrets, needles, by_first_byte }
    }

    /// Where secrets of this length or more stand in a text, in order and apart from each other.
    fn found(&self, text: &[u8], least_bytes: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.needles.is_empty() {
            return found;
        }
        for at in 0..text.len() {
            let mut longest = 0;
            spelling::first_bytes(&text[at..], |byte| {
                let needles = self.by_first_byte[usize::from(byte)].iter().map(|index| &self.needles[*index]);
                let lengths = needles
                    .filter(|needle| needle.secret_bytes >= least_bytes)
                    .filter_map(|needle| spelling::spelled(&text[at..], &needle.characters));
                longest = lengths.fold(longest, usize::max);
            });
            if longest == 0 {
                continue;
            }
            let end = at + longest;
            match found.last_mut() {
                // Two secrets that overlap leave nothing of either.
                Some(last) if at < last.end => last.end = last.end.max(end),
                _ => found.push(at..end),
            }
        }
        found
    }
}

impl Redactor {
    /// From now on this secret is taken out.
    pub fn learn(&self, secret: &Secret) {
        if secret.expose().len() >= LEAST_SINK_BYTES {
            self.change(secret, |times| times + 1);
        }
    }

    /// A secret that has become worthless is searched for no longer, once whoever learned it has said so.
    pub fn forget(&self, secret: &Secret) {
        self.change(secret, |times| times.saturating_sub(1));
    }

    fn change(&self, secret: &Secret, times: impl FnOnce(usize) -> usize) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = known.secrets.clone();
        let at = secrets.iter().position(|(known, _)| known == secret);
        let after = times(at.map_or(0, |at| secrets[at].1));
        match at {
            Some(at) if after == 0 => {
                secrets.remove(at);
            }
            Some(at) => secrets[at].1 = after,
            None if after > 0 => secrets.push((secret.clone(), after)),
            None => return,
        }
        *known = Arc::new(Known::of(secrets));
    }

    fn known(&self) -> Arc<Known> {
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
        let found = self.known().found(text, least_bytes);
        if found.is_empty() {
            return None;
        }
        let mut replaced = Vec::with_capacity(text.len());
        let mut copied = 0;
        for Range { start, end } in found {
            replaced.extend_from_slice(&text[copied..start]);
            replaced.extend_from_slice(REDACTED.as_bytes());
            copied = end;
        }
        replaced.extend_from_slice(&text[copied..]);
        Some(replaced)
    }

    /// A writer through which no secret passes, given whole lines at a time.
    pub fn writer<W: Write>(&self, inner: W) -> Redacting<W> {
        Redacting { inner, redactor: self.clone() }
    }
}

/// What a secret is searched for as; each is found in any spelling.
fn needles(secret: &str) -> impl Iterator<Item = Needle> {
    let hexadecimal = |digit: fn(&u8) -> String| secret.as_bytes().iter().map(digit).collect::<String>();
    let mut forms =
        vec![secret.to_owned(), hexadecimal(|byte| format!("{byte:02x}")), hexadecimal(|byte| format!("{byte:02X}"))];
    for before in 0..3 {
        forms.extend([base64_core(&STANDARD_NO_PAD, secret, before), base64_core(&URL_SAFE_NO_PAD, secret, before)]);
    }
    let secret_bytes = secret.len();
    forms.sort();
    forms.dedup();
    forms.into_iter().map(move |form| {
        let form = Zeroizing::new(form);
        let mut characters = Zeroizing::new(Vec::with_capacity(form.len()));
        characters.extend(form.chars());
        Needle { characters, secret_bytes }
    })
}

/// The base64 of a secret that so many bytes stand before (modulo three), without the characters that it shares with what
/// stands around it.
fn base64_core(alphabet: &impl Engine, secret: &str, before: usize) -> String {
    let around = Zeroizing::new([&[0; 2][..before], secret.as_bytes()].concat());
    let encoded = Zeroizing::new(alphabet.encode(&*around));
    // Each character has six bits.
    let (first, end) = ((before * 8).div_ceil(6), around.len() * 8 / 6);
    encoded[first..end].to_owned()
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
            r#"{"token":"pa\"Ss-w\/ ord+\u00e9"}"#,
            r#"{"text":"{\"token\":\"pa\\\"Ss-w\\u002f ord\\u002B\\u00e9\"}"}"#,
            "?token=pa%22Ss-w%2F%20ord%2B%C3%A9",
            "?token=pa%22Ss-w%2f%20ord%2b%c3%a9",
            "?token=pa%22Ss%2Dw%2F%20ord%2B%C3%A9",
            "?next=%3Ftoken%3Dpa%2522Ss-w%252F%2520ord%252B%25C3%25A9",
            "token=pa%22Ss-w%2F+ord%2B%C3%A9",
            "<b>pa&quot;Ss-w/ ord+&#xE9;</b>",
            "70612253732d772f206f72642bc3a9",
            "70612253732D772F206F72642BC3A9",
        ] {
            let redacted = redactor.redact(form).into_owned();
            assert!(redacted.contains(REDACTED) && !redacted.contains("ord"), "{redacted}");
        }
    }

    #[test]
    fn a_secret_is_found_in_base64_whatever_stands_around_it() {
        let secret = "hunter2?hunter2>";
        let redactor = redactor(secret);
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "yz"] {
                let text = format!("{before}{secret}{after}");
                for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let percent = encoded.replace('+', "%2B").replace('/', "%2F");
                    for encoded in [encoded, percent] {
                        let redacted = redactor.redact(&encoded);
                        let (left, right) = redacted.split_once(REDACTED).unwrap();
                        // A character on either side may have some bits of it.
                        let most = |text: &str| (text.len() * 8).div_ceil(6) + 1;
                        assert!(left.len() <= most(before) && right.len() <= most(after), "{text}: {redacted}");
                    }
                }
            }
        }
    }

    #[test]
    fn of_secrets_that_overlap_nothing_is_left() {
        let redactor = redactor("abcdefgh");
        redactor.learn(&Secret::new("efghijkl".into()));
        redactor.learn(&Secret::new("abcdefgh-and-more".into()));
        assert_eq!(redactor.redact("<abcdefghijkl abcdefgh-and-more>"), "<[redacted] [redacted]>");
    }

    #[test]
    fn a_secret_is_forgotten_when_all_who_learned_it_say_so() {
        let redactor = redactor("12345678");
        redactor.learn(&Secret::new("12345678".into()));
        redactor.forget(&Secret::new("12345678".into()));
        assert_eq!(redactor.redact("12345678"), REDACTED);
        redactor.forget(&Secret::new("12345678".into()));
        assert_eq!(redactor.redact("12345678"), "12345678");
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
