//! A certificate in files. They are compared by content, because kubelet replaces them through a link.

use super::error::CertificateError;
use super::source::{CertificateSource, Material, PemBytes};
use std::path::PathBuf;

/// `--tls-cert` and `--tls-key`.
pub struct FilesSource {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub client_ca: Option<PathBuf>,
}

impl CertificateSource for FilesSource {
    /// Reads the files until two reads are equal: kubelet may replace them in between.
    fn read(&mut self) -> Result<Material, CertificateError> {
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
}

impl FilesSource {
    fn read_once(&self) -> Result<Material, CertificateError> {
        Ok(Material {
            cert: PemBytes::read(&self.cert)?,
            key: PemBytes::read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(PemBytes::read).transpose()?,
            is_stand_in: false,
        })
    }
}
