//! Makes CAs and certificates, and reads the fields of a certificate that matter here. Used by `--self-signed` and for
//! the certificates that podreeve manages in the cluster.

use jiff::{Timestamp, ToSpan, civil::Date, tz::Offset};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("the CA cannot be made: {0}")]
    Ca(#[source] rcgen::Error),
    #[error("the CA's certificate cannot be read")]
    UnreadableCa,
    #[error("the certificate cannot be made: {0}")]
    Leaf(#[source] rcgen::Error),
}

/// A certificate and its key, PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pem {
    pub cert: String,
    pub key: String,
}

/// Makes a CA. Its name holds the time, so that two CAs of podreeve have different names.
///
/// # Errors
/// When the system has no random numbers.
pub fn make_ca(now: Timestamp, days: i64) -> Result<Pem, AuthorityError> {
    let make = || {
        let mut params = ca_params(&format!("podreeve CA {now}"));
        set_validity(&mut params, now, days);
        let key = KeyPair::generate()?;
        let cert = params.self_signed(&key)?;
        Ok(Pem { cert: cert.pem(), key: key.serialize_pem() })
    };
    make().map_err(AuthorityError::Ca)
}

/// Makes a certificate for these DNS names and IP addresses, signed by this CA. Its subject differs from the CA's: Go
/// would take it for self-signed otherwise.
///
/// # Errors
/// When the CA cannot be read, or a name is neither a DNS name nor an IP address.
pub fn make_leaf(ca: &Pem, names: &[String], now: Timestamp, days: i64) -> Result<Pem, AuthorityError> {
    let info = CertificateInfo::of(&ca.cert).ok_or(AuthorityError::UnreadableCa)?;
    let make = || {
        let issuer = Issuer::new(ca_params(&info.name), KeyPair::from_pem(&ca.key)?);
        let mut leaf = CertificateParams::new(names.to_vec())?;
        leaf.distinguished_name = DistinguishedName::new();
        leaf.distinguished_name.push(DnType::CommonName, "podreeve");
        set_validity(&mut leaf, now, days);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let cert = leaf.signed_by(&key, &issuer)?;
        Ok(Pem { cert: cert.pem(), key: key.serialize_pem() })
    };
    make().map_err(AuthorityError::Leaf)
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Valid from yesterday on, for clients whose clock is behind.
fn set_validity(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let today = Offset::UTC.to_datetime(now).date();
    let ymd =
        |date: Date| rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
    params.not_before = ymd(today.saturating_sub(1.day()));
    params.not_after = ymd(today.saturating_add(days.days()));
}

/// The fields of a certificate that decide whether it is renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The common name.
    pub name: String,
    pub from: Timestamp,
    pub until: Timestamp,
    pub dns_names: Vec<String>,
    /// The identifier of its own key; empty for a certificate that is no CA.
    pub key: Vec<u8>,
    /// The identifier of the key that signed it.
    pub signer: Vec<u8>,
}

impl CertificateInfo {
    /// None when `pem` is no certificate in PEM.
    #[must_use]
    pub fn of(pem: &str) -> Option<Self> {
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
        let (_, cert) = X509Certificate::from_der(&block.contents).ok()?;
        let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        let mut info = Self {
            name: cert.subject().iter_common_name().next()?.as_str().ok()?.to_owned(),
            from: at(cert.validity().not_before)?,
            until: at(cert.validity().not_after)?,
            dns_names: Vec::new(),
            key: Vec::new(),
            signer: Vec::new(),
        };
        for extension in cert.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => info.key = id.0.to_vec(),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    info.signer = id.key_identifier.as_ref().map(|id| id.0.to_vec()).unwrap_or_default();
                }
                ParsedExtension::SubjectAlternativeName(names) => {
                    info.dns_names.extend(names.general_names.iter().filter_map(|name| match name {
                        GeneralName::DNSName(name) => Some((*name).to_owned()),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        Some(info)
    }

    /// Whether less than a third of its life is left.
    #[must_use]
    pub fn is_ageing(&self, now: Timestamp) -> bool {
        let life = self.until.as_second() - self.from.as_second();
        self.until.as_second() - now.as_second() < life / 3
    }
}

/// The certificates of a bundle, one by one.
#[must_use]
pub fn split(bundle: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let parts = bundle.split_inclusive(END).filter(|part| part.ends_with(END));
    // What stands before a certificate is a comment, or a key.
    parts.filter_map(|part| Some(format!("{}\n", part.get(part.rfind(BEGIN)?..)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client whose clock is behind by less than a day takes both for valid.
    #[test]
    fn both_begin_the_day_before() {
        let now: Timestamp = "2026-03-01T00:00:01Z".parse().unwrap();
        let ca = make_ca(now, 365).unwrap();
        let leaf = make_leaf(&ca, &["podreeve.podreeve.svc".to_owned()], now, 90).unwrap();
        for (pem, until) in [(ca, "2027-03-01T00:00:00Z"), (leaf, "2026-05-30T00:00:00Z")] {
            let info = CertificateInfo::of(&pem.cert).unwrap();
            assert_eq!(info.from, "2026-02-28T00:00:00Z".parse().unwrap(), "{}", info.name);
            assert_eq!(info.until, until.parse().unwrap(), "{}", info.name);
        }
    }
}
