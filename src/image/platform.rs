//! The platform of an image: operating system and processor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `linux/amd64`, `linux/arm/v7`, `windows/amd64:10.0.20348.2582`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Of Windows only.
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
}

impl Platform {
    /// The platform in the words of the registry: `aarch64` is `arm64`, and its only variant is left out.
    #[must_use]
    pub fn normal(mut self) -> Self {
        self.os.make_ascii_lowercase();
        self.architecture.make_ascii_lowercase();
        let (architecture, variant) = match (self.architecture.as_str(), self.variant.as_str()) {
            ("aarch64" | "arm64", "" | "8" | "v8") => ("arm64", ""),
            ("x86_64" | "x86-64" | "amd64", "" | "v1") => ("amd64", ""),
            ("i386" | "i686", _) => ("386", ""),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            _ => return self,
        };
        Self { architecture: architecture.to_owned(), variant: variant.to_owned(), ..self }
    }

    /// Whether the platform is the wanted one. A wanted one without a variant is any variant, and one without a version, or with the
    /// beginning of one, is any such version.
    #[must_use]
    pub fn is(&self, wanted: &Self) -> bool {
        let version = self.os_version.strip_prefix(&wanted.os_version);
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_empty() || wanted.variant == self.variant)
            && (wanted.os_version.is_empty() || version.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// Builders write `unknown/unknown` for what is no image, such as provenance.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, version) = text.split_once(':').unwrap_or((text, ""));
        let mut parts = text.split('/');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let platform = Self { os: next(), architecture: next(), variant: next(), os_version: version.to_owned() };
        if platform.os.is_empty() || platform.architecture.is_empty() || parts.next().is_some() {
            return Err("write the operating system and the processor, such as linux/amd64 or linux/arm/v7".to_owned());
        }
        Ok(platform.normal())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str| if text.is_empty() { "unknown".to_owned() } else { crate::text::clean(text, 40) };
        let variant = if self.variant.is_empty() { String::new() } else { format!("/{}", or(&self.variant)) };
        let version = if self.os_version.is_empty() { String::new() } else { format!(":{}", or(&self.os_version)) };
        f.pad(&format!("{}/{}{variant}{version}", or(&self.os), or(&self.architecture)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_read_in_any_spelling() {
        for (written, read) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("windows/amd64:10.0.20348.2582", "windows/amd64:10.0.20348.2582"),
        ] {
            assert_eq!(written.parse::<Platform>().unwrap().to_string(), read);
        }
        for bad in ["", "linux", "/amd64", "linux/", "linux/arm/v7/x"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wanted_platform_without_a_variant_or_a_version_is_any() {
        let of = |text: &str| text.parse::<Platform>().unwrap();
        let windows = of("windows/amd64:10.0.20348.2582");
        for wanted in ["windows/amd64", "windows/amd64:10.0.20348", "windows/amd64:10.0.20348.2582"] {
            assert!(windows.is(&of(wanted)), "{wanted}");
        }
        assert!(!windows.is(&of("windows/amd64:10.0.2034")) && !of("windows/amd64").is(&windows));
        assert!(of("linux/arm/v7").is(&of("linux/arm")) && of("linux/arm/v7").is(&of("linux/arm/v7")));
        assert!(!of("linux/arm/v7").is(&of("linux/arm/v6")) && !of("linux/arm64").is(&of("linux/amd64")));
    }
}
