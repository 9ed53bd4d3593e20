//! A certificate and its key, checked before a connection is served with them.

use super::error::{CertificateError, Unusable};
use super::source::{Material, PemBytes};
use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What serves connections.
pub struct Pair {
    pub config: Arc<ServerConfig>,
    pub until: Timestamp,
    /// What the pair was made from.
    pub material: Material,
}

impl Pair {
    /// Checks that a client would accept the pair: the key fits, and the certificate is valid now and has names.
    pub fn new(material: Material) -> Result<Self, CertificateError> {
        let Material { cert, key, client_ca, .. } = &material;
        let chain = certificates(cert)?;
        let leaf = chain.first().ok_or_else(|| CertificateError::NoCertificate { path: cert.name.clone() })?;
        let until = valid_until(leaf).map_err(|error| CertificateError::Unusable { path: cert.name.clone(), error })?;
        let private = PrivateKeyDer::from_pem_slice(&key.bytes)
            .map_err(|error| CertificateError::NoKey { path: key.name.clone(), error })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = CertifiedKey::from_der(chain, private, &provider)
            .map_err(|error| CertificateError::KeyMismatch { key: key.name.clone(), cert: cert.name.clone(), error })?;
        let clients = client_ca.as_ref().map(client_roots).transpose()?;
        Ok(Self { config: config(provider, certified, clients)?, until, material })
    }
}

fn certificates(pem: &PemBytes) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    CertificateDer::pem_slice_iter(&pem.bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| CertificateError::NotPem { path: pem.name.clone(), error })
}

/// An error when the certificate is not valid now, or has none of the names that Go's TLS compares.
fn valid_until(cert: &CertificateDer<'_>) -> Result<Timestamp, Unusable> {
    let (_, cert) = X509Certificate::from_der(cert).map_err(|error| Unusable::NotX509(error.to_string()))?;
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
    let (from, until) = (at(cert.validity().not_before), at(cert.validity().not_after));
    let now = Timestamp::now();
    if until <= now {
        return Err(Unusable::Expired(until));
    }
    if from > now {
        return Err(Unusable::NotYetValid { from, now });
    }
    let names = cert.subject_alternative_name().map_err(|error| Unusable::UnreadableNames(error.to_string()))?;
    if names.is_none_or(|names| names.value.general_names.is_empty()) {
        return Err(Unusable::NoNames);
    }
    Ok(until)
}

fn client_roots(pem: &PemBytes) -> Result<RootCertStore, CertificateError> {
    let mut roots = RootCertStore::empty();
    for cert in certificates(pem)? {
        roots.add(cert).map_err(|error| CertificateError::ClientCa { path: pem.name.clone(), error })?;
    }
    if roots.is_empty() { Err(CertificateError::NoCertificate { path: pem.name.clone() }) } else { Ok(roots) }
}

fn config(
    provider: Arc<CryptoProvider>,
    certified: CertifiedKey,
    clients: Option<RootCertStore>,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => builder
            .with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The API server never resumes a session, so the server stores none.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
