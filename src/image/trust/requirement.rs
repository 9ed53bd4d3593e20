//! Attestations that a trust document requires.

use super::document::{Age, Requirement};
use super::glob::Glob;
use super::predicate::Predicate;
use serde::{Deserialize, Serialize};

/// An attestation that must be there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Required {
    pub predicate: Predicate,
    #[serde(default)]
    pub max_age: Option<Age>,
    #[serde(default)]
    pub max_critical: Option<u32>,
    #[serde(default)]
    pub builder: Option<Glob>,
}

impl Required {
    /// Reads a requirement.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn read(document: &Requirement) -> Result<Self, (&'static str, String)> {
        let predicate = Predicate::named(&document.predicate).map_err(|message| ("predicate", message))?;
        if predicate == Predicate::Signature {
            return Err((
                "predicate",
                "is a signature, which `anyOf` asks for already; name an attestation".to_owned(),
            ));
        }
        let only = |with: &str| format!("belongs to `predicate: {with}` alone");
        if predicate != Predicate::Vulnerabilities {
            if document.max_age.is_some() {
                return Err(("maxAge", only("vuln")));
            }
            if document.max_critical.is_some() {
                return Err(("maxCritical", only("vuln")));
            }
        }
        if document.builder.is_some() && predicate != Predicate::Provenance {
            return Err(("builder", only("slsaprovenance")));
        }
        let builder = document.builder.as_deref().map(Glob::new).transpose().map_err(|message| ("builder", message))?;
        Ok(Self { predicate, max_age: document.max_age, max_critical: document.max_critical, builder })
    }
}
