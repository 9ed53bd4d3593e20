//! Why a certificate cannot be used. The texts name the file, and say what to do where that is not plain.

use crate::authority::AuthorityError;
use jiff::Timestamp;
use rustls::pki_types::pem;
use rustls::server::VerifierBuilderError;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("{path}: {error}")]
    Read {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("{path}: not a PEM certificate: {error}")]
    NotPem {
        path: PathBuf,
        #[source]
        error: pem::Error,
    },
    #[error("{path}: no PEM certificate in it")]
    NoCertificate { path: PathBuf },
    #[error("{path}: {error}")]
    Unusable {
        path: PathBuf,
        #[source]
        error: Unusable,
    },
    #[error("{path}: no PEM private key in it: {error}")]
    NoKey {
        path: PathBuf,
        #[source]
        error: pem::Error,
    },
    #[error("{key} does not belong to {cert}: {error}")]
    KeyMismatch {
        key: PathBuf,
        cert: PathBuf,
        #[source]
        error: rustls::Error,
    },
    #[error("{path}: {error}")]
    ClientCa {
        path: PathBuf,
        #[source]
        error: rustls::Error,
    },
    #[error("--client-ca: {0}")]
    ClientVerifier(#[from] VerifierBuilderError),
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Made(#[from] AuthorityError),
}

/// Why no client would accept a certificate.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("not a certificate: {0}")]
    NotX509(String),
    #[error("expired at {0}; renew it")]
    Expired(Timestamp),
    #[error("valid only from {from} on; it is {now} here")]
    NotYetValid { from: Timestamp, now: Timestamp },
    #[error("subject alternative names: {0}")]
    UnreadableNames(String),
    #[error("it has no subject alternative names, and the API server reads no other; issue it with dnsNames")]
    NoNames,
}

/// Why the CA of a self-signed certificate is not in its file.
#[derive(Debug, thiserror::Error)]
#[error("the CA certificate cannot be written to {path}: {error}")]
pub struct WriteCaError {
    pub(super) path: PathBuf,
    #[source]
    pub(super) error: io::Error,
}
