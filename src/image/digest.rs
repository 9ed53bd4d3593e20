//! Digests of content, and readers that verify them.

use super::ImageError;
use crate::workload::image::is_digest;
use aws_lc_rs::digest::{Context, SHA256, SHA384, SHA512};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;

/// `sha256:` and 64 hexadecimal digits; also `sha384` and `sha512`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", inline)]
pub struct Digest(Box<str>);

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_digest(&text) {
            Ok(Self(text.into_boxed_str()))
        } else {
            Err(format!("`{}` is no digest such as sha256:<64 digits>", crate::text::clean(&text, 80)))
        }
    }
}

impl Digest {
    /// The SHA-256 of these bytes.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher(Context::new(&SHA256), "sha256");
        hasher.update(bytes);
        hasher.finish()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits behind the algorithm.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }

    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// The digest as people read it: its first twelve digits.
    #[must_use]
    pub fn short(&self) -> &str {
        self.hex().get(..12).unwrap_or_default()
    }

    /// Counts and hashes with the algorithm of this digest.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        match self.algorithm() {
            "sha384" => Hasher(Context::new(&SHA384), "sha384"),
            "sha512" => Hasher(Context::new(&SHA512), "sha512"),
            _ => Hasher(Context::new(&SHA256), "sha256"),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A hash in the making.
pub struct Hasher(Context, &'static str);

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.1)
    }
}

impl Hasher {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    #[must_use]
    pub fn finish(self) -> Digest {
        let mut text = format!("{}:", self.1);
        for byte in self.0.finish().as_ref() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        Digest(text.into_boxed_str())
    }
}

/// A reader that hashes and counts what passes, up to a limit.
#[derive(Debug)]
pub struct Hashed<R> {
    inner: R,
    hasher: Hasher,
    what: &'static str,
    count: u64,
    limit: u64,
}

impl<R: Read> Hashed<R> {
    /// Reads at most `limit` bytes of `inner`, for comparison with `wanted`. `what` is what errors call the content.
    pub fn new(inner: R, wanted: &Digest, what: &'static str, limit: u64) -> Self {
        Self { inner, hasher: wanted.hasher(), what, count: 0, limit }
    }

    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Reads the rest, and compares the whole.
    ///
    /// # Errors
    /// Another digest or another size. A size of 0 is not compared: it is unknown.
    pub fn verify(mut self, wanted: &Digest, size: u64) -> Result<u64, ImageError> {
        let mut rest = vec![0; super::limits::CHUNK];
        while self.read(&mut rest).map_err(|error| ImageError::read(self.what, error))? > 0 {}
        let found = self.hasher.finish();
        if size != 0 && self.count != size {
            return Err(ImageError::WrongSize { what: self.what.to_owned(), wanted: size, found: self.count });
        }
        if found != *wanted {
            return Err(ImageError::WrongDigest { what: self.what.to_owned(), wanted: wanted.clone(), found });
        }
        Ok(self.count)
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        if self.count > self.limit {
            return Err(ImageError::too_large(self.what, format!("{} bytes", self.limit)).into());
        }
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_is_computed_and_compared() {
        let abc = Digest::sha256(b"abc");
        assert_eq!((abc.as_str(), abc.short(), abc.algorithm()), (ABC, "ba7816bf8f01", "sha256"));
        let verify = |text: &'static str, size| Hashed::new(text.as_bytes(), &abc, "the layer", 10).verify(&abc, size);
        assert_eq!(verify("abc", 3).unwrap(), 3);
        assert_eq!(verify("abc", 0).unwrap(), 3);
        assert!(matches!(verify("abc", 4), Err(ImageError::WrongSize { wanted: 4, found: 3, .. })));
        assert!(matches!(verify("abd", 3), Err(ImageError::WrongDigest { .. })));
        assert!(verify("abcabcabcabc", 3).unwrap_err().to_string().contains("over the limit of 10 bytes"));
    }

    #[test]
    fn what_is_no_digest_does_not_load() {
        assert!(serde_json::from_str::<Digest>(&format!("\"{ABC}\"")).is_ok());
        for bad in ["\"sha256:ba\"", "\"md5:aa\"", "\"\"", "1"] {
            assert!(serde_json::from_str::<Digest>(bad).is_err(), "{bad}");
        }
        let long = Digest::try_from(format!("sha512:{}", "a".repeat(128))).unwrap();
        assert_eq!(long.hasher().finish().algorithm(), "sha512");
    }
}
