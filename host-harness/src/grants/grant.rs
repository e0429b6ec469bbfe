//! One grant: where requests may go, by which methods, to which path, with which credentials, over which networks.

use std::fmt::{self, Display, Write};
use std::net::IpAddr;
use std::str::FromStr;

use http::Method;
use serde::{Deserialize, Deserializer, de::Error as _};
use url::Host;

use super::Need;
use super::path::PathTemplate;
use crate::network::{Network, Networks, networks_of};
use crate::origin::{Origin, default_port};

/// How the lines of a grant begin.
pub const ENTRY: &str = "[[grants]]";

/// The methods that a task may have.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Leave to send. Every part must fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    scheme: &'static str,
    host: HostPattern,
    port: u16,
    methods: Vec<Method>,
    path: PathTemplate,
    credentials: Allowed,
    networks: Networks,
}

/// Which credentials may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    /// All that are bound to the origin.
    All,
    These(Vec<String>),
}

/// Whose host a grant is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Exact(Host),
    /// `*.example.com`: one label under it, and not itself.
    Under(String),
}

/// As a settings file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantFile {
    #[serde(default)]
    scheme: Scheme,
    host: HostPattern,
    port: Option<u16>,
    methods: Vec<MethodName>,
    path: PathTemplate,
    #[serde(default)]
    credentials: Vec<String>,
    #[serde(default)]
    networks: Vec<Network>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    Http,
    #[default]
    Https,
}

struct MethodName(Method);

impl From<GrantFile> for Grant {
    fn from(file: GrantFile) -> Self {
        let scheme = match file.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        Self {
            scheme,
            host: file.host,
            port: file.port.unwrap_or_else(|| default_port(scheme)),
            methods: file.methods.into_iter().map(|MethodName(method)| method).collect(),
            path: file.path,
            credentials: Allowed::These(file.credentials),
            networks: file.networks.into_iter().collect(),
        }
    }
}

impl Grant {
    /// Everything at an origin, with whatever credentials are bound to it; on the networks that the host itself names.
    pub fn of_origin(origin: &Origin) -> Self {
        Self {
            scheme: origin.scheme(),
            host: HostPattern::Exact(origin.host().clone()),
            port: origin.port(),
            methods: METHODS.into(),
            path: PathTemplate::any(),
            credentials: Allowed::All,
            networks: named_networks(origin),
        }
    }

    /// The least that allows something.
    pub fn least(need: &Need) -> Self {
        Self {
            methods: vec![need.method.clone()],
            path: need.path.clone(),
            credentials: Allowed::These(need.credentials.iter().cloned().collect()),
            ..Self::of_origin(&need.origin)
        }
    }

    /// With this network open as well.
    pub(crate) fn on(mut self, networks: &Networks) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Opens it to all of this path, where that is the wider one.
    pub(super) fn open_to(&mut self, path: PathTemplate) {
        if path.covers(&self.path) {
            self.path = path;
        }
    }

    /// With the methods of another, where nothing else differs.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let joined = Self { methods: self.methods.clone(), ..other.clone() } == *self;
        for method in other.methods.iter().filter(|_| joined) {
            if !self.methods.contains(method) {
                self.methods.push(method.clone());
            }
        }
        joined
    }

    pub(super) fn names_origin(&self, origin: &Origin) -> bool {
        let host = match &self.host {
            HostPattern::Exact(host) => host == origin.host(),
            HostPattern::Under(domain) => origin.is_under(domain),
        };
        host && self.scheme == origin.scheme() && self.port == origin.port()
    }

    pub(super) fn allows_method(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    pub(super) fn path(&self) -> &PathTemplate {
        &self.path
    }

    pub(super) fn allows_credentials(&self, reference: Option<&str>) -> bool {
        match (&self.credentials, reference) {
            (_, None) | (Allowed::All, _) => true,
            (Allowed::These(allowed), Some(reference)) => allowed.iter().any(|allowed| allowed == reference),
        }
    }

    pub(super) fn networks(&self) -> &Networks {
        &self.networks
    }
}

/// The closed networks that an origin says it is on, before any name is resolved (RFC 6761 for `localhost`).
pub(super) fn named_networks(origin: &Origin) -> Networks {
    match origin.address() {
        Some(address) => networks_of(address),
        None if origin.is_loopback() => networks_of(IpAddr::from([127, 0, 0, 1])),
        None => Networks::new(),
    }
}

/// The lines of a settings file.
impl Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{ENTRY}\nscheme = \"{}\"\nhost = \"{}\"", self.scheme, self.host)?;
        if self.port != default_port(self.scheme) {
            writeln!(f, "port = {}", self.port)?;
        }
        writeln!(f, "methods = [{}]\npath = \"{}\"", list(&self.methods), self.path)?;
        match &self.credentials {
            Allowed::These(references) if !references.is_empty() => {
                writeln!(f, "credentials = [{}]", list(references))?;
            }
            _ => {}
        }
        if !self.networks.is_empty() {
            writeln!(f, "networks = [{}]", list(&self.networks))?;
        }
        Ok(())
    }
}

fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    let mut list = String::new();
    for item in items {
        let _ = write!(list, "{}\"{item}\"", if list.is_empty() { "" } else { ", " });
    }
    list
}

impl Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(f),
            Self::Under(domain) => write!(f, "*.{domain}"),
        }
    }
}

/// What a host in a grant is.
const HOST: &str = "a host is a name, an address, or `*.` and a name; no port, and no dot at its end";

impl FromStr for HostPattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (under, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        if name.ends_with('.') || name.contains('*') {
            return Err(HOST);
        }
        match (Host::parse(name), under) {
            (Ok(host), false) => Ok(Self::Exact(host)),
            (Ok(Host::Domain(domain)), true) => Ok(Self::Under(domain)),
            _ => Err(HOST),
        }
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = METHODS.iter().find(|method| method.as_str() == name).cloned();
        known.map(Self).ok_or_else(|| D::Error::custom(format!("a method is one of {}", list(&METHODS))))
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
