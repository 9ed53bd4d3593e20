//! Where the serving certificate comes from.

use super::error::CertificateError;
use crate::authority::Pem;
use futures_util::future::BoxFuture;
use std::fs;
use std::path::{Path, PathBuf};

/// A source of the serving certificate: files, the cluster, or a self-signed one.
///
/// [`super::Certificates`] reads it at each poll and after each [`Self::changed`], and puts a new pair into use.
pub trait CertificateSource: Send {
    /// Reads the certificate, its key and the clients' CA as they are now. Runs on a thread that may block.
    ///
    /// # Errors
    /// When something cannot be read.
    fn read(&mut self) -> Result<Material, CertificateError>;

    /// Waits for a change that need not wait for the next poll.
    fn changed(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// A problem for /readyz that does not keep the server from serving.
    fn warning(&self) -> Option<String> {
        None
    }
}

/// What a pair is made from. Two that are equal make the same pair.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    pub cert: PemBytes,
    pub key: PemBytes,
    pub client_ca: Option<PemBytes>,
    /// The source has no certificate yet. This one takes its place, and no API server trusts it.
    pub is_stand_in: bool,
}

/// The content of a PEM file, with a name for messages.
#[derive(Clone, PartialEq, Eq)]
pub struct PemBytes {
    pub name: PathBuf,
    pub bytes: Vec<u8>,
}

impl PemBytes {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, CertificateError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self { name: path.to_owned(), bytes }),
            Err(error) => Err(CertificateError::Read { path: path.to_owned(), error }),
        }
    }
}

impl Material {
    /// A pair from memory, with the clients' CA as its file is now.
    pub fn from_memory(pair: &Pem, client_ca: Option<&Path>) -> Result<Self, CertificateError> {
        let named = |name: &str, pem: &str| PemBytes { name: name.into(), bytes: pem.as_bytes().to_vec() };
        Ok(Self {
            cert: named("tls.crt", &pair.cert),
            key: named("tls.key", &pair.key),
            client_ca: client_ca.map(PemBytes::read).transpose()?,
            is_stand_in: false,
        })
    }
}
