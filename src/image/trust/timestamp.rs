//! Time stamps (RFC 3161) of notation's signatures: when a signature existed, as an authority saw it.

use cms::cert::CertificateChoices;
use cms::cert::x509::der::{Decode, Encode};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use jiff::Timestamp;
use sigstore_verify::tsa::verify_timestamp_for_authority;
use sigstore_verify::types::{DerCertificate, SignatureBytes, TimestampToken, TsaAuthority};

/// How many certificates of a token are tried as its signer's.
const MOST_CERTIFICATES: usize = 6;

/// The time in a token that one of the roots vouches for.
///
/// # Errors
/// Why the token proves no time.
pub fn time(token: &[u8], signature: &[u8], roots: &[Vec<u8>]) -> Result<Timestamp, String> {
    if roots.is_empty() {
        return Err("no `timestampRoots` are configured that could prove its time stamp".to_owned());
    }
    let certificates = certificates(token).ok_or("its time stamp cannot be read")?;
    let der = |bytes: &Vec<u8>| DerCertificate::from(bytes.clone());
    let (token, signature) = (TimestampToken::from(token.to_vec()), SignatureBytes::from(signature.to_vec()));
    let mut refused = None;
    for (at, signer) in certificates.iter().enumerate() {
        let others = certificates.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, bytes)| der(bytes));
        let others: Vec<DerCertificate> = others.collect();
        for root in roots {
            let authority = TsaAuthority::new(der(signer), others.clone(), der(root), None);
            match verify_timestamp_for_authority(&token, &signature, &authority) {
                Ok(time) => return Ok(time),
                Err(error) => refused = refused.or_else(|| Some(error.to_string())),
            }
        }
    }
    Err(format!("its time stamp is refused: {}", refused.as_deref().unwrap_or("it holds no certificate")))
}

/// The certificates in a token, DER.
fn certificates(token: &[u8]) -> Option<Vec<Vec<u8>>> {
    let content = ContentInfo::from_der(token).ok()?;
    let signed: SignedData = content.content.decode_as().ok()?;
    let mut found = Vec::new();
    for certificate in signed.certificates.iter().flat_map(|set| set.0.iter()).take(MOST_CERTIFICATES) {
        if let CertificateChoices::Certificate(certificate) = certificate {
            found.push(certificate.to_der().ok()?);
        }
    }
    Some(found)
}
