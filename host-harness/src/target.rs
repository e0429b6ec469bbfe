//! What a request aims at, in one normal form: origin and path. Grants are compared with it, and it is what is sent, so that
//! nothing is granted in one spelling and sent in another.

use std::fmt::{self, Display};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::origin::{Origin, OriginError};

/// An absolute http or https URL in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    origin: Origin,
}

/// Why a URL is refused whatever the grants say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetError {
    /// It has no origin.
    Origin(OriginError),
    /// A user or a password before the host.
    User,
    /// A host name that ends with a dot: another name to TLS and to cookies, and the same to DNS.
    TrailingDot(String),
    /// A segment that would be `.` or `..` to a server that decodes it once more.
    HiddenDotSegment(String),
}

impl Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(error) => error.fmt(f),
            Self::User => f.write_str("the URL carries a user or a password; credentials are named by `credentials`"),
            Self::TrailingDot(host) => write!(f, "the host `{host}` ends with a dot; write it without"),
            Self::HiddenDotSegment(segment) => {
                write!(f, "the segment `{segment}` of the path hides a `.` or `..`, which would change the path")
            }
        }
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Reads a URL: scheme and host in lower case, IDNA applied, the default port left out, dot segments resolved.
    pub fn of(url: &str) -> Result<Self, TargetError> {
        // A fragment is never sent.
        let mut url = Url::parse(url).map_err(|_| TargetError::Origin(OriginError::NotAUrl(url.to_owned())))?;
        url.set_fragment(None);
        let origin = Origin::of_parsed(&url).map_err(TargetError::Origin)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::User);
        }
        if let Some(Host::Domain(host)) = url.host()
            && host.ends_with('.')
        {
            return Err(TargetError::TrailingDot(host.to_owned()));
        }
        if let Some(hidden) = url.path().split('/').find(|segment| hides_dot_segment(segment)) {
            return Err(TargetError::HiddenDotSegment(hidden.to_owned()));
        }
        Ok(Self { url, origin })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The segments of the path, each in its normal form.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.url.path().split('/').skip(1).map(normal_segment).collect()
    }
}

/// Percent-encoding in its normal form (RFC 3986, section 6.2.2): what needs none has none, digits in capitals.
fn normal_segment(segment: &str) -> String {
    let mut normal = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        normal.push_str(&rest[..at]);
        let (encoded, after) = rest[at..].split_at_checked(3).unwrap_or((&rest[at..], ""));
        match u8::from_str_radix(encoded.get(1..).unwrap_or_default(), 16) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => normal.push(char::from(byte)),
            _ => normal.push_str(&encoded.to_ascii_uppercase()),
        }
        rest = after;
    }
    normal + rest
}

/// Whether any decoding of a segment has a `.` or `..` between slashes, of either kind, or what ends a text in C.
fn hides_dot_segment(segment: &str) -> bool {
    let mut decoded = segment.to_owned();
    loop {
        let is_dots = |piece: &str| piece == "." || piece == ".." || piece.contains('\0');
        // A parameter of a segment, `..;x`, is dropped by servers of Java before they resolve it.
        if decoded.split(['/', '\\']).any(|piece| is_dots(piece.split(';').next().unwrap_or(piece))) {
            return true;
        }
        let again = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
        if again == decoded {
            return false;
        }
        decoded = again;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_target_are_one() {
        let normal = Target::of("https://api.example.com/v1/leads/a-b").unwrap();
        for spelling in [
            "HTTPS://API.Example.COM:443/v1/leads/a-b",
            "https://api.example.com/v1/x/../leads/a-b",
            "https://api.example.com/v1/x/%2e%2E/leads/./a-b",
            "https://api.example.com/v1\\leads/a-b#fragment",
            "https://api.example.com/v1/leads/%61%2Db",
        ] {
            let target = Target::of(spelling).unwrap();
            assert_eq!((target.origin(), target.segments()), (normal.origin(), normal.segments()), "{spelling}");
        }
    }

    #[test]
    fn an_encoded_slash_stays_in_its_segment() {
        assert_eq!(Target::of("https://a.example/x%2fy/z").unwrap().segments(), ["x%2Fy", "z"]);
    }

    #[test]
    fn what_hides_is_refused() {
        for url in [
            "https://a.example/x%2f..%2fadmin",
            "https://a.example/%252e%252e/admin",
            "https://a.example/x%5c..%5cadmin",
            "https://a.example/..;a=b/admin",
            "https://a.example/x%00",
        ] {
            assert!(matches!(Target::of(url), Err(TargetError::HiddenDotSegment(_))), "{url}");
        }
        assert_eq!(Target::of("https://user@a.example/"), Err(TargetError::User));
        assert_eq!(Target::of("https://:p@a.example/"), Err(TargetError::User));
        assert_eq!(Target::of("https://a.example./"), Err(TargetError::TrailingDot("a.example.".into())));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_reads_as_itself(text in "\\PC{0,12}|https?://[a-z.@:%/\\\\;0-9A-F]{1,24}") {
            if let Ok(target) = Target::of(&text) {
                prop_assert_eq!(Target::of(target.as_str()), Ok(target.clone()));
                prop_assert!(target.segments().iter().all(|segment| segment != "." && segment != ".."));
            }
        }
    }
}
