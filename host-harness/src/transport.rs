//! How requests travel: who resolves names, which authorities are trusted besides the platform's, which certificate this
//! host shows to whom, and through which proxy. There is no way to skip verification, and no proxy that is not named here:
//! the environment's are not looked at.
//!
//! ```toml
//! authorities = ["corporate-ca.pem"]
//! proxy = "http://proxy.example:3128"
//!
//! [[identities]]
//! origins = ["https://bank.example"]
//! certificate = "client.pem"
//! key = "client-key.pem"
//! ```
//!
//! Files are looked for beside the one that names them.

use std::fmt::{self, Display};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::origin::Origin;
use crate::settings_file::{self, FileError};

/// The addresses of a name, as they come.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who resolves names. Each is asked once for a connection; what it says is vetted, and then dialled.
pub trait Resolve: Send + Sync {
    /// All addresses of a name.
    fn resolve(&self, name: &str) -> Resolving;
}

/// The system's resolver.
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Resolving {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// How requests travel.
pub struct Transport {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) proxy: Option<Uri>,
    authorities: Vec<CertificateDer<'static>>,
    identities: Vec<Identity>,
}

/// A certificate that this host shows, and to whom.
struct Identity {
    origins: Vec<Origin>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Default for Transport {
    /// The system's resolver, the platform's authorities, no certificate of this host's own, and no proxy.
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), proxy: None, authorities: Vec::new(), identities: Vec::new() }
    }
}

/// TLS cannot be set up: the platform's roots could not be read, or a certificate that was given.
#[derive(Debug)]
pub struct TlsError(rustls::Error);

impl Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl std::error::Error for TlsError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransportFile {
    #[serde(default)]
    authorities: Vec<PathBuf>,
    #[serde(default, deserialize_with = "proxy")]
    proxy: Option<Uri>,
    #[serde(default)]
    identities: Vec<IdentityFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityFile {
    origins: Vec<Origin>,
    certificate: PathBuf,
    key: PathBuf,
}

fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uri>, D::Error> {
    let origin = Origin::deserialize(deserializer)?;
    match origin.scheme() {
        "http" => origin.to_string().parse().map(Some).map_err(D::Error::custom),
        _ => Err(D::Error::custom("a proxy is spoken to by http, such as http://proxy.example:3128")),
    }
}

impl Transport {
    /// With another resolver.
    pub fn resolver(self, resolver: impl Resolve + 'static) -> Self {
        Self { resolver: Arc::new(resolver), ..self }
    }

    /// Reads a transport file. One that does not exist leaves everything as it is by default.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let Some(file) = settings_file::read::<TransportFile>(path)? else { return Ok(Self::default()) };
        let folder = path.parent().unwrap_or(Path::new(""));
        let wrong = |file: &Path, error: rustls::pki_types::pem::Error| FileError {
            path: folder.join(file),
            line: None,
            message: match error {
                rustls::pki_types::pem::Error::Io(error) => error.to_string(),
                _ => "this is no PEM file of the kind that is expected here".to_owned(),
            },
        };
        let certificates = |file: &PathBuf| -> Result<Vec<CertificateDer<'static>>, FileError> {
            let read =
                CertificateDer::pem_file_iter(folder.join(file)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            match read {
                Ok(read) if read.is_empty() => Err(wrong(file, rustls::pki_types::pem::Error::NoItemsFound)),
                read => read.map_err(|error| wrong(file, error)),
            }
        };
        let mut transport = Self { proxy: file.proxy, ..Self::default() };
        for authority in &file.authorities {
            transport.authorities.extend(certificates(authority)?);
        }
        for IdentityFile { origins, certificate, key } in file.identities {
            let chain = certificates(&certificate)?;
            settings_file::check_closed(&folder.join(&key))?;
            let key = PrivateKeyDer::from_pem_file(folder.join(&key)).map_err(|error| wrong(&key, error))?;
            transport.identities.push(Identity { origins, chain, key });
        }
        Ok(transport)
    }

    /// Which certificate of this host's own is shown to an origin.
    pub(crate) fn identity_for(&self, origin: &Origin) -> Option<usize> {
        self.identities.iter().position(|identity| identity.origins.contains(origin))
    }

    /// The TLS settings without a certificate of this host's own, and those with each.
    pub(crate) fn tls(&self) -> Result<(ClientConfig, Vec<ClientConfig>), TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.authorities.iter().cloned(), Arc::clone(&provider));
        let verifier = Arc::new(verifier.map_err(TlsError)?);
        let builder = || -> Result<_, TlsError> {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
            let builder = builder.with_safe_default_protocol_versions().map_err(TlsError)?;
            // What rustls calls dangerous is to bring a verifier at all; this is the platform's.
            Ok(builder.dangerous().with_custom_certificate_verifier(Arc::clone(&verifier) as _))
        };
        let anonymous = builder()?.with_no_client_auth();
        let with_each = self.identities.iter().map(|Identity { chain, key, .. }| {
            builder()?.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(TlsError)
        });
        Ok((anonymous, with_each.collect::<Result<_, _>>()?))
    }
}
