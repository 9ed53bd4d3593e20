//! A certificate that podreeve makes at start. Its keys stay in memory, and the CA certificate goes into a file for the
//! API server.

use super::error::{CertificateError, WriteCaError};
use super::source::{CertificateSource, Material};
use crate::authority::{AuthorityError, Pem, make_ca, make_leaf};
use jiff::Timestamp;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Names that the certificate always has.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// A new certificate is made at each start, and at no other time.
const DAYS: i64 = 365;

/// A certificate, its key, and the CA certificate that clients have to trust.
pub struct SelfSigned {
    pub leaf: Pem,
    /// PEM.
    pub ca: String,
}

impl SelfSigned {
    /// Makes a CA, and a certificate for localhost and these names.
    ///
    /// # Errors
    /// When a name is neither a DNS name nor an IP address.
    pub fn make(names: &[String]) -> Result<Self, AuthorityError> {
        let names = NAMES.iter().copied().map(str::to_owned).chain(names.iter().cloned());
        let (now, names) = (Timestamp::now(), names.collect::<Vec<_>>());
        let ca = make_ca(now, DAYS)?;
        Ok(Self { leaf: make_leaf(&ca, &names, now, DAYS)?, ca: ca.cert })
    }

    /// Writes the CA certificate to `DIR/ca.crt`, completely or not at all.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn write_ca(&self, dir: &Path) -> Result<PathBuf, WriteCaError> {
        let path = dir.join("ca.crt");
        let new = dir.join(format!(".ca.crt.{}", std::process::id()));
        let written = fs::create_dir_all(dir)
            .and_then(|()| fs::File::create(&new))
            .and_then(|mut file| file.write_all(self.ca.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, &path));
        match written {
            Ok(()) => Ok(path),
            Err(error) => {
                let _ = fs::remove_file(&new);
                Err(WriteCaError { path, error })
            }
        }
    }
}

/// `--self-signed`.
pub struct SelfSignedSource {
    made: SelfSigned,
    /// Where the CA certificate still has to be written.
    ca_dir: Option<PathBuf>,
    /// Why it is not written yet.
    ca_error: Option<WriteCaError>,
    client_ca: Option<PathBuf>,
}

impl SelfSignedSource {
    pub const fn new(made: SelfSigned, ca_dir: Option<PathBuf>, client_ca: Option<PathBuf>) -> Self {
        Self { made, ca_dir, ca_error: None, client_ca }
    }

    /// Writes the CA, or tries again at the next read: a full disk does not stop the server.
    fn write_ca(&mut self) {
        let Some(dir) = &self.ca_dir else { return };
        match self.made.write_ca(dir) {
            Ok(ca) => {
                tracing::info!(ca = %ca.display(), "the CA certificate is written; clients trust the certificate with it");
                self.ca_dir = None;
                self.ca_error = None;
            }
            Err(error) => {
                if self.ca_error.is_none() {
                    tracing::error!(
                        error = error.to_string(),
                        "the certificate is served from memory, and new clients cannot trust it before its CA is written; \
                         podreeve tries again"
                    );
                }
                self.ca_error = Some(error);
            }
        }
    }
}

impl CertificateSource for SelfSignedSource {
    fn read(&mut self) -> Result<Material, CertificateError> {
        self.write_ca();
        Material::from_memory(&self.made.leaf, self.client_ca.as_deref())
    }

    fn warning(&self) -> Option<String> {
        self.ca_error.as_ref().map(ToString::to_string)
    }
}
