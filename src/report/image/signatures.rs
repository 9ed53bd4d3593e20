//! Who signed an image, in the report.

use crate::image::trust::{Attested, Facts, Verdict};
use crate::text::clean;
use schemars::JsonSchema;
use serde::Serialize;

/// What the trust document says of the image.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustReport {
    /// The prefix of the entry that counts.
    pub prefix: String,
    /// Whether all that must be signed has a valid signature.
    pub signed: bool,
    pub signatures: Vec<SignatureReport>,
    pub attestations: Vec<AttestationReport>,
    pub refused: Vec<RefusalReport>,
}

/// A valid signature.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureReport {
    /// The digest that was signed.
    pub digest: String,
    pub authority: String,
    /// A key, the subject of a certificate, or an identity.
    pub signer: String,
    /// When it was signed, if a time stamp authority or a log proves it.
    pub proved_at: Option<String>,
    /// Until when the signer wants the image used.
    pub expiry: Option<String>,
}

/// A valid attestation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationReport {
    pub digest: String,
    /// `CycloneDX SBOM`, or the URI of its type.
    pub predicate: String,
    pub authority: String,
    /// What is in it, or why it cannot be read.
    pub content: String,
}

/// What an authority refuses, and why.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalReport {
    pub digest: String,
    /// Empty where the blob cannot be read at all.
    pub authority: String,
    /// The begin of the digest of the blob.
    pub evidence: String,
    pub why: String,
}

/// The longest text of one field.
const TEXT: usize = 300;

impl TrustReport {
    #[must_use]
    pub fn new(verdict: &Verdict) -> Self {
        let show = |text: &str| clean(text, TEXT);
        let time = |time: jiff::Timestamp| time.to_string();
        Self {
            prefix: show(&verdict.prefix),
            signed: verdict.is_signed(),
            signatures: verdict
                .signatures
                .iter()
                .map(|one| SignatureReport {
                    digest: one.digest.clone(),
                    authority: show(&one.authority),
                    signer: show(&one.signer),
                    proved_at: one.proved_at.map(time),
                    expiry: one.expiry.map(time),
                })
                .collect(),
            attestations: verdict.attested.iter().map(attestation).collect(),
            refused: verdict
                .refusals
                .iter()
                .map(|one| RefusalReport {
                    digest: one.digest.clone(),
                    authority: show(&one.authority),
                    evidence: show(&one.evidence),
                    why: show(&one.why),
                })
                .collect(),
        }
    }

    /// Who signed it, and what is attached, as lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for one in &self.signatures {
            let mut line = format!("signed by {}", one.authority);
            if one.signer != one.authority {
                line += &format!(" ({})", one.signer);
            }
            match &one.proved_at {
                Some(time) => line += &format!(", at {time}"),
                None => line += ", at a time without proof",
            }
            if let Some(expiry) = &one.expiry {
                line += &format!(", until {expiry}");
            }
            lines.push(line);
        }
        lines.extend(
            self.attestations.iter().map(|one| format!("{} by {}: {}", one.predicate, one.authority, one.content)),
        );
        if !self.signed {
            lines.push("not signed by the authorities".to_owned());
        }
        lines
    }
}

fn attestation(one: &Attested) -> AttestationReport {
    let content = match &one.facts {
        Facts::Sbom { components: 1 } => "1 component".to_owned(),
        Facts::Sbom { components } => format!("{components} components"),
        Facts::Scan(scan) => {
            let when = scan.finished.map(|at| format!(", scan of {at}")).unwrap_or_default();
            format!("{} critical with a fix{when}", scan.critical.len())
        }
        Facts::OpenVex(list) => {
            let s = if list.len() == 1 { "" } else { "s" };
            let excluding = list.iter().filter(|one| one.excludes).count();
            format!("{} statement{s} about this image, of which {excluding} exclude", list.len())
        }
        Facts::Provenance { builder } => format!("builder {}", builder.as_deref().unwrap_or("unknown")),
        Facts::Other => "not read".to_owned(),
        Facts::Unreadable(why) => why.clone(),
    };
    AttestationReport {
        digest: one.digest.clone(),
        predicate: clean(&one.predicate.to_string(), TEXT),
        authority: clean(&one.authority, TEXT),
        content: clean(&content, TEXT),
    }
}
