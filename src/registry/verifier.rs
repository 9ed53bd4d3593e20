//! Which certificates of registries are trusted.
//!
//! As rustls does it, with one addition: a server may show the certificate of an authority (`CA:TRUE`, as `openssl req -x509` makes it) if
//! this authority itself is trusted. Docker, containerd and the kubelet take it, so nodes pull from such a registry.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

#[derive(Debug)]
pub struct Verifier {
    pub roots: RootCertStore,
    pub algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Whether the certificate is that of a trusted authority: its name and its key are.
    fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        let authority = webpki::anchor_from_trusted_cert(certificate);
        authority.is_ok_and(|authority| self.roots.roots.contains(&authority))
    }
}

/// Whether a certificate was refused because it is that of an authority. By then webpki has found it in its time.
pub fn is_of_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(shown)?;
        let signed = verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, between, now, self.algorithms.all);
        signed.or_else(|error| if is_of_authority(&error) && self.trusts(shown) { Ok(()) } else { Err(error) })?;
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
