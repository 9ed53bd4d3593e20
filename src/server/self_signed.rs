//! A certificate made at start. Its keys stay in memory; the CA certificate is written for the API server.

use jiff::{Timestamp, ToSpan, civil::Date, tz::Offset};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Names that the certificate always has.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAYS: i64 = 365;

/// A certificate, its key, and the CA certificate that clients are to trust.
pub struct SelfSigned {
    pub cert: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
    /// PEM.
    pub ca: String,
}

impl SelfSigned {
    /// Makes a CA and a certificate for localhost and these names.
    ///
    /// # Errors
    /// A name that is none.
    pub fn make(names: &[String]) -> Result<Self, String> {
        make(names).map_err(|error| format!("the self-signed certificate cannot be made: {error}"))
    }

    /// Writes the CA certificate to `DIR/ca.crt`, whole or not at all.
    ///
    /// # Errors
    /// Which path could not be written.
    pub fn write_ca(&self, dir: &Path) -> Result<PathBuf, String> {
        let path = dir.join("ca.crt");
        let new = dir.join(format!(".ca.crt.{}", std::process::id()));
        let written = fs::create_dir_all(dir)
            .and_then(|()| fs::File::create(&new))
            .and_then(|mut file| file.write_all(self.ca.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, &path));
        written.map(|()| path.clone()).map_err(|error| {
            let _ = fs::remove_file(&new);
            format!("the CA certificate cannot be written to {}: {error}", path.display())
        })
    }
}

fn make(names: &[String]) -> Result<SelfSigned, rcgen::Error> {
    let mut ca = CertificateParams::default();
    dress(&mut ca, "podreeve self-signed CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_key = KeyPair::generate()?;
    let ca_cert = ca.self_signed(&ca_key)?;

    let names: Vec<String> = NAMES.iter().copied().chain(names.iter().map(String::as_str)).map(str::to_owned).collect();
    let mut leaf = CertificateParams::new(names)?;
    dress(&mut leaf, "podreeve");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let cert = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok(SelfSigned { cert: cert.into(), key: PrivateKeyDer::Pkcs8(key.serialize_der().into()), ca: ca_cert.pem() })
}

/// Name and time; CA and leaf need different names, or Go takes the leaf for self-signed.
fn dress(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let ymd =
        |date: Date| rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
    // From yesterday, for clocks that are behind.
    params.not_before = ymd(today.saturating_sub(1.day()));
    params.not_after = ymd(today.saturating_add(DAYS.days()));
}
