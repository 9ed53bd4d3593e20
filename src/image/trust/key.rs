//! Public keys, and signatures by them.

use super::pem;
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self as sig, ParsedPublicKey, VerificationAlgorithm};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey as Parsed;

/// What a key is made for, with its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    P256,
    P384,
    P521,
    Rsa(usize),
    Ed25519,
}

/// A public key that verifies what cosign signs.
#[derive(Debug)]
pub struct PublicKey {
    /// One for each hash that cosign's versions and key services use with this kind of key.
    ready: Vec<ParsedPublicKey>,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    pub kind: Kind,
}

/// The key in an SPKI: its kind, and its bytes as aws-lc reads them.
pub(super) fn read_spki<'d>(spki: &'d SubjectPublicKeyInfo<'d>) -> Result<(Kind, &'d [u8]), String> {
    let bytes: &[u8] = &spki.subject_public_key.data;
    let curve = || {
        let parameters = spki.algorithm.parameters.as_ref()?;
        parameters.as_oid().ok().map(|oid| oid.to_id_string())
    };
    match spki.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.10045.2.1" => match curve().as_deref() {
            Some("1.2.840.10045.3.1.7") => Ok((Kind::P256, bytes)),
            Some("1.3.132.0.34") => Ok((Kind::P384, bytes)),
            Some("1.3.132.0.35") => Ok((Kind::P521, bytes)),
            _ => Err("is an EC key of another curve than P-256, P-384 and P-521".to_owned()),
        },
        "1.2.840.113549.1.1.1" => match spki.parsed() {
            Ok(Parsed::RSA(key)) => rsa(&key).map(|kind| (kind, bytes)),
            _ => Err("is no RSA key that can be read".to_owned()),
        },
        "1.3.101.112" => Ok((Kind::Ed25519, bytes)),
        other => Err(format!("is a key of the algorithm {other}; EC, RSA and Ed25519 are known")),
    }
}

fn rsa(key: &x509_parser::public_key::RSAPublicKey<'_>) -> Result<Kind, String> {
    let leading = key.modulus.iter().take_while(|byte| **byte == 0).count();
    let modulus = key.modulus.get(leading..).unwrap_or_default();
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    match modulus.len() * 8 - unused {
        bits @ 2048..=8192 => Ok(Kind::Rsa(bits)),
        bits => Err(format!("is an RSA key of {bits} bits; 2048 to 8192 are accepted")),
    }
}

impl PublicKey {
    /// Reads the text of one public key.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let blocks = pem::blocks(text)?;
        let [block] = blocks.as_slice() else {
            return Err(format!(
                "holds {} PEM blocks; one public key is expected, -----BEGIN PUBLIC KEY-----",
                blocks.len()
            ));
        };
        match block.label.as_str() {
            "PUBLIC KEY" => Self::from_spki(&block.contents),
            // PKCS #1 has the same content without the wrapping.
            "RSA PUBLIC KEY" => Self::from_spki(&wrap_rsa(&block.contents)),
            "CERTIFICATE" => {
                Err("is a certificate; a public key is expected (`openssl x509 -pubkey -noout`)".to_owned())
            }
            other => Err(format!("holds a block `{}` where a public key is expected", crate::text::clean(other, 40))),
        }
    }

    /// Reads a SubjectPublicKeyInfo, DER.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn from_spki(der: &[u8]) -> Result<Self, String> {
        let broken = || "is no public key that can be read".to_owned();
        let (rest, spki) = SubjectPublicKeyInfo::from_der(der).map_err(|_| broken())?;
        if !rest.is_empty() {
            return Err(broken());
        }
        let (kind, bytes) = read_spki(&spki)?;
        let ready = hashes(kind).iter().map(|algorithm| ParsedPublicKey::new(*algorithm, bytes));
        let ready = ready.collect::<Result<_, _>>().map_err(|_| broken())?;
        Ok(Self { ready, spki: der.to_vec(), kind })
    }

    /// Whether this key made the signature.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.ready.iter().any(|key| key.verify_sig(message, signature).is_ok())
    }

    /// Whether this key made the signature of a message with this SHA-256.
    #[must_use]
    pub fn verifies_sha256(&self, hash: &[u8], signature: &[u8]) -> bool {
        let Ok(digest) = Digest::import_less_safe(hash, &digest::SHA256) else { return false };
        self.ready.iter().any(|key| key.verify_digest_sig(&digest, signature).is_ok())
    }

    /// The fingerprint by which people compare keys: SHA-256 of the SPKI.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(digest::digest(&digest::SHA256, &self.spki).as_ref())
    }
}

/// Cosign's older format takes SHA-256 with every curve, newer ones the curve's own hash. Key services sign with what they are set to.
fn hashes(kind: Kind) -> &'static [&'static dyn VerificationAlgorithm] {
    match kind {
        Kind::P256 => &[&sig::ECDSA_P256_SHA256_ASN1],
        Kind::P384 => &[&sig::ECDSA_P384_SHA384_ASN1, &sig::ECDSA_P384_SHA256_ASN1],
        Kind::P521 => &[&sig::ECDSA_P521_SHA512_ASN1, &sig::ECDSA_P521_SHA256_ASN1],
        Kind::Rsa(_) => {
            &[&sig::RSA_PKCS1_2048_8192_SHA256, &sig::RSA_PKCS1_2048_8192_SHA384, &sig::RSA_PKCS1_2048_8192_SHA512]
        }
        Kind::Ed25519 => &[&sig::ED25519],
    }
}

/// The SPKI of a PKCS #1 key: its algorithm, and the key as a bit string.
fn wrap_rsa(pkcs1: &[u8]) -> Vec<u8> {
    const ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let mut bits = vec![0];
    bits.extend_from_slice(pkcs1);
    let mut content = ALGORITHM.to_vec();
    content.extend(tagged(3, &bits));
    tagged(0x30, &content)
}

/// A DER value with its tag and its length.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let length = length.get(length.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
    match length {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hexadecimal digits stand for.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some((digit(high)? << 4) | digit(low)?) } else { None }).collect()
}
