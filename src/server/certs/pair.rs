//! A certificate and its key, checked before anybody is served with them.

use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What serves connections.
pub struct Pair {
    pub config: Arc<ServerConfig>,
    pub until: Timestamp,
    /// What it was made from, to see whether the files changed.
    pub bytes: Bytes,
}

/// The contents of the files.
#[derive(PartialEq, Eq, Default)]
pub struct Bytes {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Bytes {
    /// The same certificate with the clients' CA as it is now.
    pub fn with_client_ca(&self, path: &Path) -> Result<Self, String> {
        Ok(Self { cert: self.cert.clone(), key: self.key.clone(), client_ca: Some(read(path)?) })
    }
}

#[derive(Debug, Clone)]
pub struct Files {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub client_ca: Option<PathBuf>,
}

impl Files {
    /// For a certificate that is in no file: names for messages.
    pub fn of_memory(client_ca: Option<PathBuf>) -> Self {
        Self { cert: "tls.crt".into(), key: "tls.key".into(), client_ca }
    }

    /// Reads all files, twice when needed: kubelet may swap them in between.
    pub fn read(&self) -> Result<Bytes, String> {
        let mut last = self.read_once()?;
        for _ in 0..3 {
            let again = self.read_once()?;
            if again == last {
                break;
            }
            last = again;
        }
        Ok(last)
    }

    fn read_once(&self) -> Result<Bytes, String> {
        Ok(Bytes {
            cert: read(&self.cert)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// Whether a client would accept the pair: the key fits, it is valid now, and it names hosts.
    pub fn check(&self, bytes: Bytes) -> Result<Pair, String> {
        let (cert, key) = (self.cert.display(), self.key.display());
        let chain = CertificateDer::pem_slice_iter(&bytes.cert)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("{cert}: not a PEM certificate: {error}"))?;
        let leaf = chain.first().ok_or_else(|| format!("{cert}: no PEM certificate in it"))?;
        let until = valid(leaf).map_err(|error| format!("{cert}: {error}"))?;
        let private = PrivateKeyDer::from_pem_slice(&bytes.key)
            .map_err(|error| format!("{key}: no PEM private key in it: {error}"))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = CertifiedKey::from_der(chain, private, &provider)
            .map_err(|error| format!("{key} does not belong to {cert}: {error}"))?;
        let clients = match (&self.client_ca, &bytes.client_ca) {
            (Some(path), Some(pem)) => Some(client_roots(path, pem)?),
            _ => None,
        };
        Ok(Pair { config: config(provider, certified, clients)?, until, bytes })
    }
}

/// A pair from the cluster, or made at start.
pub fn from_pem(cert: &str, key: &str, client_ca: Option<&Path>) -> Result<Pair, String> {
    let files = Files::of_memory(client_ca.map(Path::to_owned));
    let client_ca = client_ca.map(read).transpose()?;
    files.check(Bytes { cert: cert.as_bytes().to_vec(), key: key.as_bytes().to_vec(), client_ca })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Until when; an error when it is not valid now, or has no names that Go's TLS would compare.
fn valid(cert: &CertificateDer<'_>) -> Result<Timestamp, String> {
    let (_, cert) = X509Certificate::from_der(cert).map_err(|error| format!("not a certificate: {error}"))?;
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
    let (from, until) = (at(cert.validity().not_before), at(cert.validity().not_after));
    let now = Timestamp::now();
    if until <= now {
        return Err(format!("expired at {until}; renew it"));
    }
    if from > now {
        return Err(format!("valid only from {from} on; it is {now} here"));
    }
    let names = cert.subject_alternative_name().map_err(|error| format!("subject alternative names: {error}"))?;
    if names.is_none_or(|names| names.value.general_names.is_empty()) {
        return Err(
            "it has no subject alternative names, and the API server reads no other; issue it with dnsNames".to_owned()
        );
    }
    Ok(until)
}

fn client_roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for cert in CertificateDer::pem_slice_iter(pem) {
        let cert = cert.map_err(|error| format!("{}: not a PEM certificate: {error}", path.display()))?;
        roots.add(cert).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if roots.is_empty() { Err(format!("{}: no PEM certificate in it", path.display())) } else { Ok(roots) }
}

fn config(
    provider: Arc<CryptoProvider>,
    certified: CertifiedKey,
    clients: Option<RootCertStore>,
) -> Result<Arc<ServerConfig>, String> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| format!("--client-ca: {error}"))?,
        ),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The API server never resumes sessions, so nothing is kept for it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
