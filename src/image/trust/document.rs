//! The trust document: who may sign the images below a prefix. It is the list `images.trust` of the settings.

use crate::reference::grammar;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The file that `podreeve image --trust` reads.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustDocument {
    /// One entry for each registry, path or repository. For an image, the entry with the longest prefix counts, and only that one.
    pub trust: Vec<TrustEntry>,
}

/// Who may sign the images below a prefix, and what else must be signed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustEntry {
    /// A registry (`registry.example.com`), a path in it or a repository, compared by whole segments; `*` is every image.
    #[schemars(regex(pattern = grammar::TRUST_PREFIX))]
    pub prefix: String,
    /// The authorities. A valid signature by one of them is enough.
    #[schemars(length(min = 1))]
    pub any_of: Vec<AuthorityDocument>,
    /// What is signed: the index of all platforms (or the only manifest), or the manifest of every platform.
    #[serde(default)]
    pub signed: Signed,
    /// The prefix that the images had when they were signed, for images that were copied to this one. Cosign's older
    /// format writes the repository into the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = grammar::TRUST_PREFIX))]
    pub signed_as: Option<String>,
    /// Attestations that one of the authorities must have signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Requirement>,
    /// The longest time since the newest signature, such as `180d`. Only a time stamp authority or a transparency log proves
    /// when something was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_signature_age: Option<Age>,
}

/// What a signature must be about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signed {
    /// The digest that the image's reference has: of the index, or of the manifest where there is no index.
    #[default]
    Index,
    /// The manifest of every platform.
    Leaves,
}

/// One authority. Exactly one key is set.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct AuthorityDocument {
    /// A key of cosign: `cosign.pub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosign_key: Option<CosignKey>,
    /// Certificates of notation (Notary Project).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notary: Option<Notary>,
    /// An identity that a Sigstore instance certifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyless: Option<Keyless>,
}

/// A public key: EC (P-256, P-384, P-521), RSA of 2048 bits or more, or Ed25519.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CosignKey {
    /// The text of the public key, `-----BEGIN PUBLIC KEY-----`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// The name of a ConfigMap that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = grammar::OBJECT))]
    pub config_map: Option<String>,
    /// The key in the ConfigMap. It can be left out where the ConfigMap has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A file that has it, seen from the trust document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A Sigstore trusted root, which proves when something was signed. The signature needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Source>,
}

/// The trust policy of notation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notary {
    /// The roots of the signers' certificates: notation's trust store `ca`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<Source>,
    /// The roots of signing services that vouch for the time as well: notation's trust store `signingAuthority`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signing_authority_roots: Vec<Source>,
    /// The roots of time stamp authorities: notation's trust store `tsa`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timestamp_roots: Vec<Source>,
    /// Signers: `x509.subject: C=DE, ST=BE, O=Example`. The certificate's subject has at least these attributes.
    #[schemars(length(min = 1))]
    pub identities: Vec<String>,
}

/// Who a certificate of a Sigstore instance names.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keyless {
    /// The instance's `trusted_root.json`.
    pub root: Source,
    /// The issuer of the identity, such as `https://token.actions.githubusercontent.com`. A `*` stands for any characters.
    pub issuer: String,
    /// The identity, such as `https://github.com/example/shop/.github/workflows/*`. A `*` stands for any characters.
    pub subject: String,
    /// Whether the signature must be in a transparency log of the root.
    #[serde(default)]
    pub log: Log,
    /// Whether a certificate log of the root (`ctlogs`) must have promised to hold the signer's certificate. Default: as `log`. A
    /// root that names such logs always needs the promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ct_log: Option<Log>,
}

/// Whether a log must have the signature, or its certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    #[default]
    Required,
    /// For an instance of your own without a log: a time stamp authority proves the time.
    Optional,
}

/// Where a certificate or a trusted root comes from. Exactly one of `pem`, `configMap` and `file` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// The name of a ConfigMap that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = grammar::OBJECT))]
    pub config_map: Option<String>,
    /// The key in the ConfigMap. It can be left out where the ConfigMap has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A file that has it, seen from the trust document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl CosignKey {
    /// Where the key comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        Source {
            pem: self.pem.clone(),
            config_map: self.config_map.clone(),
            key: self.key.clone(),
            file: self.file.clone(),
        }
    }
}

/// An attestation that must be there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// `cyclonedx`, `spdx`, `sbom` (one of the two), `vuln`, `openvex`, `slsaprovenance`, or the URI of a predicate type.
    pub predicate: String,
    /// With `vuln`: the longest time since the scan, such as `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Age>,
    /// With `vuln`: how many critical vulnerabilities with a fix the image may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_critical: Option<u32>,
    /// With `slsaprovenance`: the id of the builder. A `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
}

/// A number of hours or days: `12h`, `180d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[1-9][0-9]{0,4}[hd]$"))]
pub struct Age {
    hours: i64,
}

impl Age {
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self { hours: days as i64 * 24 }
    }

    /// Whether more time than this lies between the two times.
    #[must_use]
    pub fn is_passed(self, from: jiff::Timestamp, now: jiff::Timestamp) -> bool {
        now.as_second().saturating_sub(from.as_second()) > self.hours * 3600
    }
}

impl TryFrom<String> for Age {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (number, hours) = match text.strip_suffix('d') {
                Some(days) => (days, 24),
                None => (text.strip_suffix('h')?, 1),
            };
            let digits = (1..=5).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
                && !number.starts_with('0');
            let number: i64 = number.parse().ok().filter(|_| digits)?;
            Some(Self { hours: number * hours })
        };
        parse().ok_or_else(|| format!("`{text}` is no age; write hours or days, as in `12h` or `180d`"))
    }
}

impl From<Age> for String {
    fn from(age: Age) -> Self {
        age.to_string()
    }
}

impl std::fmt::Display for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.hours % 24 == 0 { write!(f, "{}d", self.hours / 24) } else { write!(f, "{}h", self.hours) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_hours_or_days() {
        let read = |text: &str| Age::try_from(text.to_owned()).map(|age| age.to_string());
        assert_eq!(read("7d").as_deref(), Ok("7d"));
        assert_eq!(read("36h").as_deref(), Ok("36h"));
        assert_eq!(read("48h").as_deref(), Ok("2d"));
        for bad in ["", "7", "d", "-7d", "+7d", "0d", "7w", "1.5d", "999999d", "7 d"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let (from, week) = (at("2026-11-01T00:00:00Z"), Age::days(7));
        assert!(!week.is_passed(from, at("2026-11-08T00:00:00Z")));
        assert!(week.is_passed(from, at("2026-11-08T00:00:01Z")));
        assert!(!week.is_passed(from, at("2026-10-01T00:00:00Z")));
    }

    #[test]
    fn an_unknown_key_does_not_load() {
        let entry = |more: &str| {
            let text = format!(r#"{{"trust":[{{"prefix":"a.b","anyOf":[{{"cosignKey":{{"pem":""}}}}]{more}}}]}}"#);
            serde_json::from_str::<TrustDocument>(&text)
        };
        assert!(entry("").is_ok());
        assert!(
            entry(r#","signed":"leaves","maxSignatureAge":"180d","require":[{"predicate":"vuln","maxAge":"7d"}]"#)
                .is_ok()
        );
        for bad in
            [r#","any":1"#, r#","signed":"both""#, r#","maxSignatureAge":"soon""#, r#","require":[{"maxAge":"7d"}]"#]
        {
            assert!(entry(bad).is_err(), "{bad}");
        }
    }
}
