//! What a valid attestation says, as far as rules judge it.

use super::dsse::Opened;
use super::predicate::Predicate;
use super::vex::{self, Statement, Subject};
use super::vulnerabilities::{self, Scan};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An attestation that one of the authorities signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attested {
    /// The digest that it is about.
    pub digest: String,
    pub predicate: Predicate,
    pub authority: String,
    /// The digest of its blob, for messages.
    pub evidence: String,
    pub proved_at: Option<Timestamp>,
    pub facts: Facts,
}

/// The content of a predicate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Facts {
    /// How many components the SBOM lists.
    Sbom {
        components: usize,
    },
    Scan(Scan),
    OpenVex(Vec<Statement>),
    Provenance {
        builder: Option<String>,
    },
    Other,
    /// The predicate has not the form of its type, and why. It satisfies no requirement.
    Unreadable(String),
}

impl Facts {
    /// Reads the predicate of a statement about this image that is valid.
    #[must_use]
    pub fn read(predicate: &Predicate, opened: &Opened, subject: &Subject<'_>, now: Timestamp) -> Self {
        let content = || {
            let statement = opened.statement()?;
            statement.predicate.map(|raw| raw.get().to_owned()).ok_or_else(|| "it has no predicate".to_owned())
        };
        let read = match predicate {
            Predicate::CycloneDx => content().and_then(|text| cyclonedx(&text)),
            Predicate::Spdx => content().and_then(|text| spdx(&text)),
            Predicate::Vulnerabilities => content().and_then(|text| vulnerabilities::read(&text)).map(Self::Scan),
            Predicate::OpenVex => content().and_then(|text| vex::read(&text, subject, now)).map(Self::OpenVex),
            Predicate::Provenance => content().and_then(|text| provenance(&text)),
            Predicate::Sbom | Predicate::Signature | Predicate::Other(_) => Ok(Self::Other),
        };
        read.unwrap_or_else(Self::Unreadable)
    }
}

/// A list of which only the length counts.
type Count = Vec<serde::de::IgnoredAny>;

fn cyclonedx(text: &str) -> Result<Facts, String> {
    #[derive(Deserialize)]
    struct Sbom {
        #[serde(rename = "bomFormat")]
        format: String,
        #[serde(default)]
        components: Option<Count>,
    }
    let sbom: Sbom = serde_json::from_str(text).map_err(|_| "it is no CycloneDX document in JSON")?;
    if sbom.format != "CycloneDX" {
        return Err("it is no CycloneDX document".to_owned());
    }
    Ok(Facts::Sbom { components: sbom.components.map_or(0, |list| list.len()) })
}

fn spdx(text: &str) -> Result<Facts, String> {
    #[derive(Deserialize)]
    struct Sbom {
        #[serde(rename = "spdxVersion")]
        _version: String,
        #[serde(default)]
        packages: Option<Count>,
    }
    // Cosign's type `spdx` wraps the document as a text (tag:value or JSON); `spdxjson` does not.
    if let Ok(text) = serde_json::from_str::<String>(text) {
        if text.trim_start().starts_with('{') {
            return spdx(&text);
        }
        let packages = text.lines().filter(|line| line.starts_with("PackageName:")).count();
        let is_spdx = text.lines().any(|line| line.starts_with("SPDXVersion:"));
        return is_spdx
            .then_some(Facts::Sbom { components: packages })
            .ok_or_else(|| "it is no SPDX document".to_owned());
    }
    let sbom: Sbom = serde_json::from_str(text).map_err(|_| "it is no SPDX document in JSON")?;
    Ok(Facts::Sbom { components: sbom.packages.map_or(0, |list| list.len()) })
}

fn provenance(text: &str) -> Result<Facts, String> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Provenance {
        builder: Option<Builder>,
        run_details: Option<RunDetails>,
    }
    #[derive(Deserialize)]
    struct RunDetails {
        builder: Option<Builder>,
    }
    #[derive(Deserialize)]
    struct Builder {
        id: String,
    }
    let read: Provenance = serde_json::from_str(text).map_err(|_| "it is no SLSA provenance")?;
    let builder = read.run_details.and_then(|details| details.builder).or(read.builder);
    Ok(Facts::Provenance { builder: builder.map(|builder| builder.id) })
}
