//! Digests: `sha256:` or `sha512:` and lower-case hexadecimal digits.

use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA512};
use std::fmt;

/// The digest of a manifest or a blob, in the form that the OCI specification allows. It is safe in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Reads `sha256:` with 64 digits, or `sha512:` with 128. Other algorithms are not read, since they cannot be compared.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let digits = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let is_hex = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (hex.len() == digits && is_hex).then(|| Self(text.to_owned()))
    }

    /// The SHA-256 digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(&SHA256, "sha256");
        hasher.update(bytes);
        hasher.finish()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hasher of the same algorithm.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        let (algorithm, name) = if self.0.starts_with("sha512:") { (&SHA512, "sha512") } else { (&SHA256, "sha256") };
        Hasher::new(algorithm, name)
    }

    /// Whether these bytes have this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish() == *self
    }

    /// The tag under which registries without a referrers API list what refers to this digest: `sha256-` and the digits.
    #[must_use]
    pub fn fallback_tag(&self) -> String {
        // A tag has 128 characters at most, so longer digests are cut, as the specification says.
        let mut tag = self.0.replacen(':', "-", 1);
        tag.truncate(7 + 64);
        tag
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hashes bytes as they arrive.
pub struct Hasher {
    context: Context,
    name: &'static str,
}

impl Hasher {
    fn new(algorithm: &'static Algorithm, name: &'static str) -> Self {
        Self { context: Context::new(algorithm), name }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    #[must_use]
    pub fn finish(self) -> Digest {
        let digest = self.context.finish();
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Digest(format!("{}:{hex}", self.name))
    }

    /// The digest of the bytes so far.
    #[must_use]
    pub fn so_far(&self) -> Digest {
        Self { context: self.context.clone(), name: self.name }.finish()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_compared_is_a_digest() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert!(Digest::parse(empty).unwrap().matches(b""));
        assert!(!Digest::parse(empty).unwrap().matches(b"x"));
        for wrong in [
            "",
            "sha256:",
            "sha256:zz",
            &empty.to_uppercase(),
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            &format!("{empty}0"),
        ] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
        let long = Digest::parse(&format!("sha512:{}", "ab".repeat(64))).unwrap();
        assert!(!long.matches(b""));
        assert_eq!(long.hasher().so_far().as_str().len(), 7 + 128);
        assert_eq!(long.fallback_tag(), format!("sha512-{}", "ab".repeat(32)));
    }
}
