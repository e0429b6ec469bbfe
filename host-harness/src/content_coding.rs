//! The content of an answer as its server coded it → as it is meant, within a limit. What is in a coding that is not read
//! here cannot be searched for secrets either, and so is not handed over. Nothing asks a server to code anything.

use std::fmt::{self, Display};
use std::io::Read;

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

/// Nobody codes content more often; each time costs as much as the largest answer.
const MOST_CODINGS: usize = 2;

/// Why the content is not what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodingError {
    /// This coding is not read here. Its name is said where it is one that there is: another may be anything.
    Unknown(Option<&'static str>),
    /// The content is not in the coding that the head names.
    Broken(&'static str),
    /// It is larger than this when it is decoded.
    TooLarge(usize),
}

impl Display for CodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(Some(coding)) => {
                write!(f, "the answer is coded as `{coding}`, which this host does not read")
            }
            Self::Unknown(None) => f.write_str("the answer is coded in a way that this host does not read"),
            Self::Broken(coding) => write!(f, "the answer is not the `{coding}` that it says it is"),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes when it is decoded"),
        }
    }
}

/// Codings that there are, and that are not read here (IANA's registry of content codings).
const UNREAD: [&str; 7] = ["br", "zstd", "compress", "dcb", "dcz", "exi", "pack200-gzip"];

/// A coding that is read here (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
}

/// Takes off the codings that the head names, the last one first, and their traces from the head. With an error comes what
/// could be decoded.
pub(crate) fn decode(headers: &mut HeaderMap, coded: Bytes, most_bytes: usize) -> (Bytes, Option<CodingError>) {
    if coded.is_empty() {
        return (coded, None);
    }
    let codings = match codings(headers) {
        Ok(codings) => codings,
        Err(unknown) => return (Bytes::new(), Some(unknown)),
    };
    let mut content = coded;
    for coding in codings.into_iter().rev() {
        let (decoded, error) = coding.decoded(&content, most_bytes);
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
        content = decoded.into();
        if error.is_some() {
            return (content, error);
        }
    }
    (content, None)
}

/// The codings in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, CodingError> {
    let fields = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut codings = Vec::new();
    for name in fields.flat_map(|field| field.split(',').map(named).collect::<Vec<_>>()) {
        match name.as_str() {
            "" | "identity" => {}
            "gzip" | "x-gzip" if codings.len() < MOST_CODINGS => codings.push(Coding::Gzip),
            "deflate" if codings.len() < MOST_CODINGS => codings.push(Coding::Deflate),
            other => return Err(CodingError::Unknown(UNREAD.into_iter().find(|known| *known == other))),
        }
    }
    Ok(codings)
}

fn named(coding: &str) -> String {
    coding.trim().to_ascii_lowercase()
}

impl Coding {
    fn decoded(self, coded: &[u8], most_bytes: usize) -> (Vec<u8>, Option<CodingError>) {
        match self {
            Self::Gzip => read(MultiGzDecoder::new(coded), "gzip", most_bytes),
            // Some servers leave out the wrapping that the coding has.
            Self::Deflate if is_wrapped(coded) => read(ZlibDecoder::new(coded), "deflate", most_bytes),
            Self::Deflate => read(DeflateDecoder::new(coded), "deflate", most_bytes),
        }
    }
}

/// Whether it begins as zlib does (RFC 1950, section 2.2).
fn is_wrapped(coded: &[u8]) -> bool {
    matches!(coded, [method, flags, ..] if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

fn read(decoder: impl Read, coding: &'static str, most_bytes: usize) -> (Vec<u8>, Option<CodingError>) {
    let mut content = Vec::new();
    let result = decoder.take(most_bytes as u64 + 1).read_to_end(&mut content);
    let error = match result {
        Ok(_) if content.len() > most_bytes => Some(CodingError::TooLarge(most_bytes)),
        Ok(_) => None,
        Err(_) => Some(CodingError::Broken(coding)),
    };
    content.truncate(most_bytes);
    (content, error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    const MOST: usize = 1000;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(coding: &'static str, coded: &[u8]) -> (Bytes, Option<CodingError>, HeaderMap) {
        let mut headers = HeaderMap::from_iter([
            (CONTENT_ENCODING, HeaderValue::from_static(coding)),
            (CONTENT_LENGTH, HeaderValue::from(coded.len())),
        ]);
        let (content, error) = decode(&mut headers, Bytes::copy_from_slice(coded), MOST);
        (content, error, headers)
    }

    #[test]
    fn what_is_coded_is_decoded_and_the_head_no_longer_says_so() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"content").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(b"content").unwrap();
        for (coding, coded) in [
            ("gzip", gzip(b"content")),
            ("X-GZip", gzip(b"content")),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("gzip, identity, gzip", gzip(&gzip(b"content"))),
            // Two members are one content (RFC 1952, section 2.2).
            ("gzip", [gzip(b"con"), gzip(b"tent")].concat()),
        ] {
            let (content, error, headers) = decoded(coding, &coded);
            assert_eq!((&content[..], error, headers.len()), (&b"content"[..], None, 0), "{coding}");
        }
        let (content, error, headers) = decoded("identity", b"content");
        assert_eq!((&content[..], error, headers.len()), (&b"content"[..], None, 2));
    }

    #[test]
    fn a_bomb_is_held_to_the_limit_however_deep_it_is() {
        let bomb = gzip(&vec![0; 10 * MOST]);
        for (coding, coded) in [("gzip", bomb.clone()), ("gzip, gzip", gzip(&bomb))] {
            let (content, error, _) = decoded(coding, &coded);
            assert_eq!((content.len(), error), (MOST, Some(CodingError::TooLarge(MOST))), "{coding}");
        }
        assert_eq!(decoded("gzip", &gzip(&[0; MOST])).1, None);
    }

    #[test]
    fn what_cannot_be_read_is_not_handed_over() {
        for coding in ["br", "zstd", "gzip, br", "gzip, gzip, gzip", "planted-secret"] {
            let (content, error, _) = decoded(coding, b"content");
            assert!(content.is_empty() && matches!(error, Some(CodingError::Unknown(_))), "{coding}");
            assert!(!error.unwrap().to_string().contains("planted"), "its name may be anything");
        }
    }

    #[test]
    fn of_what_breaks_off_there_is_what_came() {
        let coded = gzip(b"content");
        let (content, error, _) = decoded("gzip", &coded[..coded.len() - 4]);
        assert_eq!((&content[..], error), (&b"content"[..], Some(CodingError::Broken("gzip"))));
        assert_eq!(decoded("gzip", b"content").1, Some(CodingError::Broken("gzip")));
    }
}
