//! The policy files among the sources, as texts: the leader keeps those that loaded last in the cluster.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Policy files by name, without their folder; or other texts that the leader keeps as it keeps these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyFiles(pub BTreeMap<String, String>);

impl PolicyFiles {
    /// A hash over names and contents, in hexadecimal digits. The chart computes the same one, and so does
    /// `sha256sum * | sha256sum` in the folder.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut list = String::new();
        for (name, text) in &self.0 {
            let _ = writeln!(list, "{}  {name}", sha256(text.as_bytes()));
        }
        sha256(list.as_bytes())
    }
}

/// As `sha256sum` writes it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        let files = |pairs: &[(&str, &str)]| {
            PolicyFiles(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
        };
        // printf abc > a.yaml; printf '' > b.yaml; sha256sum * | sha256sum
        let hash = files(&[("b.yaml", ""), ("a.yaml", "abc")]).sha256();
        assert_eq!(hash, "ae22af079bb5096eeef6253afc04acde5faf3e55054fcfeab5548795a55eb79f");
        for other in [
            files(&[("a.yaml", "abc")]),
            files(&[("a.yaml", "abd"), ("b.yaml", "")]),
            files(&[("a.yaml", "abc"), ("c.yaml", "")]),
        ] {
            assert_ne!(other.sha256(), hash);
        }
    }
}
