//! The kinds of statements about an image.

use serde::{Deserialize, Serialize};

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predicate {
    /// "This is my image": what a signature is.
    Signature,
    CycloneDx,
    Spdx,
    /// One of the two formats of an SBOM. No statement has it; a requirement may.
    Sbom,
    Vulnerabilities,
    OpenVex,
    Provenance,
    /// Another type, by its URI.
    Other(String),
}

/// Without this type a statement is no signature: an attestation has the same envelope and may have the same key.
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

impl Predicate {
    /// The kind of a predicate type, as a statement names it.
    #[must_use]
    pub fn of(uri: &str) -> Self {
        // Versions follow after a slash, and say nothing that changes the kind.
        let is = |known: &str| uri.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match uri {
            SIGN => Self::Signature,
            _ if is("https://cyclonedx.org/bom") || is("https://cyclonedx.org/schema") => Self::CycloneDx,
            _ if is("https://spdx.dev/Document") => Self::Spdx,
            _ if is("https://cosign.sigstore.dev/attestation/vuln") => Self::Vulnerabilities,
            _ if is("https://openvex.dev/ns") => Self::OpenVex,
            _ if is("https://slsa.dev/provenance") => Self::Provenance,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The kind that a trust document names.
    ///
    /// # Errors
    /// There is no such kind.
    pub fn named(name: &str) -> Result<Self, String> {
        const NAMES: [&str; 6] = ["cyclonedx", "spdx", "sbom", "vuln", "openvex", "slsaprovenance"];
        match name {
            "cyclonedx" => Ok(Self::CycloneDx),
            "spdx" => Ok(Self::Spdx),
            "sbom" => Ok(Self::Sbom),
            "vuln" => Ok(Self::Vulnerabilities),
            "openvex" => Ok(Self::OpenVex),
            "slsaprovenance" => Ok(Self::Provenance),
            uri if uri.contains("://") => Ok(Self::of(uri)),
            other => Err(format!("`{other}` is none of {}, and no URI of a predicate type", NAMES.join(", "))),
        }
    }

    /// Whether a statement of this kind satisfies a requirement of the other.
    #[must_use]
    pub fn satisfies(&self, required: &Self) -> bool {
        self == required || (*required == Self::Sbom && self.is_sbom())
    }

    #[must_use]
    pub fn is_sbom(&self) -> bool {
        matches!(self, Self::CycloneDx | Self::Spdx)
    }
}

impl std::fmt::Display for Predicate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signature => "signature",
            Self::CycloneDx => "CycloneDX SBOM",
            Self::Spdx => "SPDX SBOM",
            Self::Sbom => "SBOM (CycloneDX or SPDX)",
            Self::Vulnerabilities => "vulnerability report",
            Self::OpenVex => "VEX document (OpenVEX)",
            Self::Provenance => "provenance (SLSA)",
            Self::Other(uri) => uri,
        })
    }
}
