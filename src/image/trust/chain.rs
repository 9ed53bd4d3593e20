//! Chains of certificates up to configured roots.

use super::key::{Kind, read_spki};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The Notary Project allows certificates without extended key usage. With one, it must be code signing.
const CODE_SIGNING: KeyUsage = KeyUsage::required_if_present(&[0x2b, 6, 1, 5, 5, 7, 3, 3]);

/// Roots that signers' certificates must lead to.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// The certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl Roots {
    /// Adds the certificates of a PEM text.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        for der in super::pem::certificates(text)? {
            let certificate = CertificateDer::from(der.as_slice());
            let anchor = webpki::anchor_from_trusted_cert(&certificate)
                .map_err(|error| format!("holds a certificate that cannot be read: {error}"))?;
            self.anchors.push(anchor.to_owned());
            self.certificates.push(der);
        }
        Ok(())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Checks that the first certificate leads to a root by way of the others, and that all were valid at this time.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self, chain: &[Vec<u8>], at: Timestamp) -> Result<(), String> {
        let certificates: Vec<CertificateDer<'_>> =
            chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let Some((leaf, others)) = certificates.split_first() else {
            return Err("it has no certificate".to_owned());
        };
        let leaf = EndEntityCert::try_from(leaf).map_err(|error| format!("its certificate cannot be read: {error}"))?;
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        leaf.verify_for_usage(algorithms, &self.anchors, others, time, CODE_SIGNING, None, None)
            .map_err(|error| refusal(&error))?;
        Ok(())
    }
}

/// When the first of these certificates expires: until then, the chain is valid as it is now.
#[must_use]
pub fn valid_until(chain: &[Vec<u8>]) -> Option<Timestamp> {
    let end = |der: &Vec<u8>| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
    };
    chain.iter().filter_map(end).min()
}

fn refusal(error: &webpki::Error) -> String {
    match error {
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            "its certificate leads to none of the roots".to_owned()
        }
        webpki::Error::CertExpired { .. } => {
            "its certificate has expired, and no time stamp proves an earlier signature".to_owned()
        }
        webpki::Error::RequiredEkuNotFoundContext(_) => {
            "its certificate is not made for code signing (extended key usage)".to_owned()
        }
        webpki::Error::CaUsedAsEndEntity => "its certificate is that of a CA".to_owned(),
        webpki::Error::EndEntityUsedAsCa => "its certificate is signed by one that is no CA".to_owned(),
        webpki::Error::CertNotValidYet { .. } => "its certificate is not valid yet".to_owned(),
        other => format!("its certificate is refused: {other}"),
    }
}

/// What is needed of a signer's certificate.
pub struct Leaf<'d> {
    pub certificate: X509Certificate<'d>,
    pub kind: Kind,
    /// The public key as aws-lc reads it.
    pub key: Vec<u8>,
}

/// Reads a signer's certificate.
///
/// # Errors
/// What is wrong with it.
pub fn leaf(der: &[u8]) -> Result<Leaf<'_>, String> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| "its certificate cannot be read")?;
    if !rest.is_empty() {
        return Err("its certificate cannot be read".to_owned());
    }
    let (kind, key) = read_spki(certificate.public_key()).map_err(|why| format!("the key of its certificate {why}"))?;
    let key = key.to_vec();
    if certificate.is_ca() {
        return Err("its certificate is that of a CA".to_owned());
    }
    if let Ok(Some(usage)) = certificate.key_usage()
        && !usage.value.digital_signature()
    {
        return Err("its certificate must not be used to sign (key usage)".to_owned());
    }
    Ok(Leaf { certificate, kind, key })
}
