//! Where a request goes: scheme, host and port, in one normal form. Grants and credentials are bound to origins, and
//! origins are compared as parsed parts, never as text.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error as _};
use url::{Host, Url};

/// `https://api.example.com`, `http://127.0.0.1:8080`: lower case, IDNA applied, the default port left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: &'static str,
    host: Host,
    port: u16,
}

/// Why a text is no origin: one exact sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginError {
    /// It cannot be read as a URL.
    NotAUrl(String),
    /// Another scheme than http and https.
    Scheme(String),
    /// A user, path, query or fragment, which an origin does not have.
    MoreThanAnOrigin(String),
}

impl Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl(text) => write!(f, "`{text}` is not an origin such as https://api.example.com"),
            Self::Scheme(scheme) => write!(f, "the scheme `{scheme}` is neither http nor https"),
            Self::MoreThanAnOrigin(text) => write!(f, "`{text}` says more than scheme, host and port"),
        }
    }
}

impl std::error::Error for OriginError {}

/// The port of a scheme where none is written.
pub(crate) fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

impl Origin {
    /// The origin of a whole URL.
    pub fn of(url: &str) -> Result<Self, OriginError> {
        Url::parse(url).map_err(|_| OriginError::NotAUrl(url.to_owned())).and_then(|url| Self::of_parsed(&url))
    }

    pub(crate) fn of_parsed(url: &Url) -> Result<Self, OriginError> {
        let scheme = match url.scheme() {
            "https" => "https",
            "http" => "http",
            other => return Err(OriginError::Scheme(other.to_owned())),
        };
        let parts = url.host().zip(url.port_or_known_default());
        let (host, port) = parts.ok_or_else(|| OriginError::NotAUrl(url.to_string()))?;
        Ok(Self { scheme, host: host.to_owned(), port })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host: a name, or an address.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also when it is the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, where the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// Whether it names this machine: `localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            _ => self.address().is_some_and(|address| address.is_loopback()),
        }
    }

    /// Whether the host is one label under `domain`.
    pub(crate) fn is_under(&self, domain: &str) -> bool {
        let Host::Domain(host) = &self.host else { return false };
        host.strip_suffix(domain)
            .and_then(|label| label.strip_suffix('.'))
            .is_some_and(|label| !label.is_empty() && !label.contains('.'))
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text).map_err(|_| OriginError::NotAUrl(text.to_owned()))?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if !bare {
            return Err(OriginError::MoreThanAnOrigin(text.to_owned()));
        }
        Self::of_parsed(&url)
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port == default_port(self.scheme) { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Without the text: somebody may have pasted a secret there.
        let expected = "an origin is scheme, host and port, such as https://api.example.com";
        String::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom(expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_origin_are_equal() {
        for (one, other) in [
            ("https://API.example.com:443/", "https://api.example.com"),
            ("http://2130706433", "http://127.0.0.1:80"),
            ("https://exämple.com", "https://xn--exmple-cua.com"),
            ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ] {
            assert_eq!(one.parse::<Origin>(), other.parse::<Origin>());
        }
        assert_ne!("http://a.example".parse::<Origin>(), "https://a.example".parse::<Origin>());
        assert_ne!("https://a.example".parse::<Origin>(), "https://a.example.evil".parse::<Origin>());
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in ["", "api.example.com", "ftp://a", "https://u@a", "https://a/b", "https://a?b", "https://a#b"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn a_domain_covers_one_label() {
        let within = |text: &str| text.parse::<Origin>().unwrap().is_under("pipedrive.com");
        assert!(within("https://api.pipedrive.com"));
        assert!(!within("https://pipedrive.com"));
        assert!(!within("https://a.b.pipedrive.com"));
        assert!(!within("https://evilpipedrive.com"));
        assert!(!within("https://pipedrive.com.evil.example"));
    }
}
