//! A certificate made at start. Its keys stay in memory; the CA certificate is written for the API server.

use crate::authority::{Pem, make_ca, make_leaf};
use jiff::Timestamp;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Names that the certificate always has.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// It is made anew at each start, and at no other time.
const DAYS: i64 = 365;

/// A certificate, its key, and the CA certificate that clients are to trust.
pub struct SelfSigned {
    pub leaf: Pem,
    /// PEM.
    pub ca: String,
}

impl SelfSigned {
    /// Makes a CA and a certificate for localhost and these names.
    ///
    /// # Errors
    /// A name that is none.
    pub fn make(names: &[String]) -> Result<Self, String> {
        let names = NAMES.iter().copied().map(str::to_owned).chain(names.iter().cloned());
        let (now, names) = (Timestamp::now(), names.collect::<Vec<_>>());
        let ca = make_ca(now, DAYS)?;
        Ok(Self { leaf: make_leaf(&ca, &names, now, DAYS)?, ca: ca.cert })
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
