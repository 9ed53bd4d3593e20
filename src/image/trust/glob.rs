//! Patterns in which a `*` stands for any characters, also for none.

use serde::{Deserialize, Serialize};

/// A pattern of an issuer, a subject or a builder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob {
    text: String,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The pattern would match everything, or nothing.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.trim_matches('*').trim().is_empty() {
            return Err(format!("`{text}` would match everything or nothing; name whom you trust"));
        }
        Ok(Self { text: text.to_owned() })
    }

    /// Whether the whole value matches. The time is bounded by the product of both lengths.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let mut parts = self.text.split('*');
        let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

impl TryFrom<String> for Glob {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.text
    }
}

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters() {
        let matches = |pattern: &str, value: &str| Glob::new(pattern).unwrap().matches(value);
        assert!(matches("https://a/b", "https://a/b"));
        assert!(matches("https://a/*", "https://a/b/c@refs/tags/v1"));
        assert!(matches("https://a/*/x@*", "https://a/b/x@main"));
        assert!(matches("a*", "a"));
        assert!(matches("*@example.com", "me@example.com"));
        assert!(matches("a*b*b", "abb"));
        assert!(!matches("a*b*b", "ab"));
        assert!(!matches("https://a/b", "https://a/bc"));
        assert!(!matches("https://a/*", "https://b/https://a/"));
        assert!(!matches("*@example.com", "me@example.com.evil.org"));
        for bad in ["", "*", "**", " "] {
            assert!(Glob::new(bad).is_err(), "{bad:?}");
        }
    }
}
