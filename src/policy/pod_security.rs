//! The labels `pod-security.kubernetes.io/*` of a namespace, read as upstream's Pod Security admission reads them.

use crate::facts::Labels;
use crate::rule::pss::Version;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The prefix of each label.
pub const PREFIX: &str = "pod-security.kubernetes.io/";

/// From the mildest, which requires nothing, to the strictest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Level {
    #[default]
    Privileged,
    Baseline,
    Restricted,
}

impl Level {
    const ALL: [Self; 3] = [Self::Privileged, Self::Baseline, Self::Restricted];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// `restricted:v1.30`, `baseline:latest`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LevelVersion {
    pub level: Level,
    pub version: Version,
}

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level.as_str(), String::from(self.version))
    }
}

/// The levels that the labels of a namespace set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Levels {
    pub enforce: LevelVersion,
    pub audit: LevelVersion,
    pub warn: LevelVersion,
}

/// A label with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLabel {
    label: String,
    value: String,
    message: &'static str,
}

impl BadLabel {
    #[must_use]
    pub fn field(&self) -> String {
        format!("metadata.labels[{}]", self.label)
    }

    #[must_use]
    pub fn fault(&self) -> String {
        format!("Invalid value: {:?}: {}", crate::text::clean(&self.value, 63), self.message)
    }
}

impl fmt::Display for BadLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field(), self.fault())
    }
}

const LEVELS: &str = "must be one of privileged, baseline, restricted";
const VERSIONS: &str = "must be \"latest\" or \"v1.x\"";

/// Exemptions from the labels `pod-security.kubernetes.io/*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodSecurityExemptions {
    /// Namespaces by exact name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Users by exact name. Pods of a Deployment are created by a controller: to exempt that user exempts them all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usernames: Vec<String>,
    /// Runtime classes by exact name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runtime_classes: Vec<String>,
}

/// Defaults for the labels `pod-security.kubernetes.io/*` that a namespace does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodSecurityDefaults {
    /// The level that is enforced; `privileged`, which denies nothing, when left out.
    pub enforce: Level,
    /// As of which version of Kubernetes: `v1.0` and up, or `latest`.
    pub enforce_version: Version,
    /// The level of audit annotations.
    pub audit: Level,
    pub audit_version: Version,
    /// The level of warnings.
    pub warn: Level,
    pub warn_version: Version,
}

/// How a policy honours the labels.
#[derive(Debug, Clone, Default)]
pub struct HonouredLabels {
    pub exemptions: PodSecurityExemptions,
    /// For labels that a namespace does not have.
    pub defaults: Levels,
}

impl From<PodSecurityDefaults> for Levels {
    fn from(defaults: PodSecurityDefaults) -> Self {
        let of = |level, version| LevelVersion { level, version };
        Self {
            enforce: of(defaults.enforce, defaults.enforce_version),
            audit: of(defaults.audit, defaults.audit_version),
            warn: of(defaults.warn, defaults.warn_version),
        }
    }
}

/// The strictest default of each mode, of several policies. Of one level, the newest version is the strictest.
#[must_use]
pub fn strictest_defaults(honoured: &[&HonouredLabels]) -> Levels {
    let strictest = |of: fn(&Levels) -> LevelVersion| honoured.iter().map(|honoured| of(&honoured.defaults)).max();
    Levels {
        enforce: strictest(|levels| levels.enforce).unwrap_or_default(),
        audit: strictest(|levels| levels.audit).unwrap_or_default(),
        warn: strictest(|levels| levels.warn).unwrap_or_default(),
    }
}

/// The levels that the labels set, with defaults for absent labels; and the invalid labels. An invalid level counts as
/// `restricted` for enforce and as `privileged` for audit and warn; an invalid version counts as `latest`.
#[must_use]
pub fn read(labels: &Labels, defaults: Levels) -> (Levels, Vec<BadLabel>) {
    let mut bad = Vec::new();
    let mut level = |mode: &str, if_invalid: Level| {
        let label = format!("{PREFIX}{mode}");
        let value = labels.get(&label)?;
        let known = Level::ALL.into_iter().find(|level| level.as_str() == value);
        if known.is_none() {
            bad.push(BadLabel { label, value: value.clone(), message: LEVELS });
        }
        Some((known.unwrap_or(if_invalid), known.is_some()))
    };
    let enforce = level("enforce", Level::Restricted);
    let audit = level("audit", Level::Privileged);
    let warn = level("warn", Level::Privileged);
    let mut version = |mode: &str| {
        let label = format!("{PREFIX}{mode}-version");
        let value = labels.get(&label)?;
        let known = Version::try_from(value.clone());
        if known.is_err() {
            bad.push(BadLabel { label, value: value.clone(), message: VERSIONS });
        }
        Some(known.unwrap_or_default())
    };
    let (enforce_version, audit_version, warn_version) = (version("enforce"), version("audit"), version("warn"));
    let of = |level: Option<(Level, bool)>, version: Option<Version>, default: LevelVersion| LevelVersion {
        level: level.map_or(default.level, |(level, _)| level),
        version: version.unwrap_or(default.version),
    };
    let mut levels = Levels {
        enforce: of(enforce, enforce_version, defaults.enforce),
        audit: of(audit, audit_version, defaults.audit),
        warn: of(warn, warn_version, defaults.warn),
    };
    // A namespace that enforces a level and has no label for warnings warns of the same level.
    if warn.is_none() && enforce.is_some_and(|(_, valid)| valid) && levels.enforce.level > levels.warn.level {
        levels.warn.level = levels.enforce.level;
        levels.warn.version = warn_version.unwrap_or(levels.enforce.version);
    }
    (levels, bad)
}

impl Levels {
    /// Whether nothing is enforced, audited or warned of.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        [self.enforce, self.audit, self.warn].iter().all(|mode| mode.level == Level::Privileged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(pairs: &[(&str, &str)]) -> (String, Vec<String>) {
        let labels = pairs.iter().map(|(mode, value)| (format!("{PREFIX}{mode}"), (*value).to_owned())).collect();
        let (Levels { enforce, audit, warn }, bad) = read(&labels, Levels::default());
        (format!("{enforce} {audit} {warn}"), bad.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn labels_are_read_as_upstream_reads_them() {
        for (labels, wanted) in [
            (vec![], "privileged:latest privileged:latest privileged:latest"),
            (vec![("enforce", "baseline")], "baseline:latest privileged:latest baseline:latest"),
            (
                vec![("enforce", "restricted"), ("enforce-version", "v1.30")],
                "restricted:v1.30 privileged:latest restricted:v1.30",
            ),
            (
                vec![
                    ("enforce", "baseline"),
                    ("warn", "restricted"),
                    ("audit", "restricted"),
                    ("audit-version", "v1.0"),
                ],
                "baseline:latest restricted:v1.0 restricted:latest",
            ),
            (
                vec![("enforce", "baseline"), ("warn", "privileged")],
                "baseline:latest privileged:latest privileged:latest",
            ),
            (
                vec![("enforce", "baseline"), ("enforce-version", "v1.1"), ("warn-version", "v1.2")],
                "baseline:v1.1 privileged:latest baseline:v1.2",
            ),
        ] {
            assert_eq!(levels(&labels), (wanted.to_owned(), vec![]), "{labels:?}");
        }
    }

    #[test]
    fn an_invalid_label_enforces_the_strictest_level() {
        let (levels, bad) = levels(&[("enforce", "Baseline"), ("warn", "x"), ("audit-version", "1.30")]);
        assert_eq!(levels, "restricted:latest privileged:latest privileged:latest");
        assert_eq!(
            bad,
            [
                "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"Baseline\": must be one of privileged, baseline, restricted",
                "metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"x\": must be one of privileged, baseline, restricted",
                "metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: \"1.30\": must be \"latest\" or \"v1.x\"",
            ]
        );
    }
}
