//! The Pod Security Standards, for rules that agree with one of their checks.
//!
//! With `pss` a rule gives exactly the verdict of the upstream check of that level and version. Without it, the rule judges as
//! its own documentation says, which is stricter where runtimes accept more than the check reads.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The levels of the Pod Security Standards at which upstream has a check like the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pss {
    Baseline,
    Restricted,
    /// Checked at baseline, stricter at restricted.
    Both,
}

impl Pss {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
            Self::Both => "baseline, restricted",
        }
    }
}

/// A level of the Pod Security Standards; the rule then judges as the upstream check of that level does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Level {
    Baseline,
    Restricted,
}

/// A version of the Pod Security Standards: `v1.30`, or `latest`, which is newer than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(u16);

impl Version {
    pub const LATEST: Self = Self(u16::MAX);

    /// Version 1 with this minor.
    #[must_use]
    pub const fn minor(minor: u16) -> Self {
        Self(minor)
    }

    /// The minor version; for `latest`, a number above all others.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::LATEST
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        if version == Version::LATEST { "latest".to_owned() } else { format!("v1.{}", version.0) }
    }
}

impl TryFrom<String> for Version {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let minor = match text.strip_prefix("v1.") {
            _ if text == "latest" => return Ok(Self::LATEST),
            Some("0") => Some(0),
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit() && c != '0') => digits.parse().ok(),
            _ => None,
        };
        minor.map(Self).ok_or_else(|| format!("`{text}` is not a version such as `v1.30` or `latest`"))
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"^(latest|v1\.(0|[1-9][0-9]*))$"})
    }
}

/// The level and version that a rule follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standard {
    pub level: Level,
    pub version: Version,
}

impl Standard {
    /// Reads the parameters `pss` and `version`.
    ///
    /// # Errors
    /// A version without a level, because it would have no effect.
    pub fn new(pss: Option<Level>, version: Option<Version>) -> Result<Option<Self>, String> {
        match (pss, version) {
            (None, Some(_)) => Err("`version` is the version of a Pod Security Standard, so it needs `pss`".to_owned()),
            (None, None) => Ok(None),
            (Some(level), version) => Ok(Some(Self { level, version: version.unwrap_or_default() })),
        }
    }

    /// Whether the version has the checks that came with this minor version.
    #[must_use]
    pub fn since(self, minor: u16) -> bool {
        self.version >= Version::minor(minor)
    }

    /// Whether the level is restricted, and the version has the checks that came with this minor version.
    #[must_use]
    pub fn restricted_since(self, minor: u16) -> bool {
        self.level == Level::Restricted && self.since(minor)
    }
}

/// The compiled form of [`FollowsParams`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "FollowsParams")]
pub struct Follows {
    pub standard: Option<Standard>,
}

/// Parameters of a rule whose only parameter is the standard that it follows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowsParams {
    /// Judge as this level of the Pod Security Standards does. Default: as the rule's own documentation says.
    pss: Option<Level>,
    /// The version of that standard, such as `v1.30`. Default: `latest`.
    version: Option<Version>,
}

impl TryFrom<FollowsParams> for Follows {
    type Error = String;
    fn try_from(params: FollowsParams) -> Result<Self, String> {
        Ok(Self { standard: Standard::new(params.pss, params.version)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<Version> {
        Version::try_from(text.to_owned()).ok()
    }

    #[test]
    fn versions_are_read_as_upstream_reads_them() {
        assert_eq!(version("v1.0"), Some(Version::minor(0)));
        assert_eq!(version("v1.30"), Some(Version::minor(30)));
        assert_eq!(version("latest"), Some(Version::LATEST));
        assert_eq!(version("v1.30").map(Version::number), Some(30));
        assert!(version("v1.99") < version("latest"));
        for wrong in ["", "1.30", "v1", "v1.", "v1.01", "v1.+1", "v2.0", "v1.30.1", "v1.99999", "Latest"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_version_needs_a_level() {
        assert!(Standard::new(None, Some(Version::LATEST)).is_err());
        assert_eq!(Standard::new(None, None), Ok(None));
        let restricted = Standard { level: Level::Restricted, version: Version::minor(22) };
        assert_eq!(Standard::new(Some(Level::Restricted), version("v1.22")), Ok(Some(restricted)));
        assert!(restricted.restricted_since(22) && !restricted.restricted_since(23));
    }
}
