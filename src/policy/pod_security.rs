//! The labels `pod-security.kubernetes.io/*` of a namespace, read as upstream's Pod Security admission reads them.

use super::document::{PodSecurityDefaults, PodSecurityExemptions};
use super::{Cluster, CompiledPolicy, builtin};
use crate::facts::Labels;
use crate::rule::pss::Version;
use std::fmt;
use std::sync::OnceLock;

/// Before each of the labels.
pub const PREFIX: &str = "pod-security.kubernetes.io/";

/// From the mildest, which asks for nothing, to the strictest.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
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

    const fn as_str(self) -> &'static str {
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

/// What the labels of a namespace ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Levels {
    pub enforce: LevelVersion,
    pub audit: LevelVersion,
    pub warn: LevelVersion,
}

/// A label whose value means nothing.
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

/// How a policy honours the labels.
#[derive(Debug, Clone, Default)]
pub struct Honoured {
    pub exemptions: PodSecurityExemptions,
    /// Stands in for labels that are not there.
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

/// Of several policies, the strictest default of each mode; of the same level, the newest version.
#[must_use]
pub fn strictest_defaults(honoured: &[&Honoured]) -> Levels {
    let strictest = |of: fn(&Levels) -> LevelVersion| honoured.iter().map(|honoured| of(&honoured.defaults)).max();
    Levels {
        enforce: strictest(|asked| asked.enforce).unwrap_or_default(),
        audit: strictest(|asked| asked.audit).unwrap_or_default(),
        warn: strictest(|asked| asked.warn).unwrap_or_default(),
    }
}

/// What the labels ask for, the defaults where there is none, and those that mean nothing: they enforce `restricted` and
/// `latest`, and warn of nothing.
#[must_use]
pub fn read(labels: &Labels, defaults: Levels) -> (Levels, Vec<BadLabel>) {
    let mut bad = Vec::new();
    let mut level = |mode: &str, otherwise: Level| {
        let label = format!("{PREFIX}{mode}");
        let value = labels.get(&label)?;
        let known = Level::ALL.into_iter().find(|level| level.as_str() == value);
        if known.is_none() {
            bad.push(BadLabel { label, value: value.clone(), message: LEVELS });
        }
        Some((known.unwrap_or(otherwise), known.is_some()))
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
    let mut asked = Levels {
        enforce: of(enforce, enforce_version, defaults.enforce),
        audit: of(audit, audit_version, defaults.audit),
        warn: of(warn, warn_version, defaults.warn),
    };
    // Who enforces and says nothing of warnings is warned of the same.
    if warn.is_none() && enforce.is_some_and(|(_, valid)| valid) && asked.enforce.level > asked.warn.level {
        asked.warn.level = asked.enforce.level;
        asked.warn.version = warn_version.unwrap_or(asked.enforce.version);
    }
    (asked, bad)
}

impl Levels {
    /// Nothing is enforced, audited or warned of.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        [self.enforce, self.audit, self.warn].iter().all(|asked| asked.level == Level::Privileged)
    }
}

/// Versions above have no checks of their own.
const NEWEST: usize = 60;

/// Compiled when first asked for.
static STANDARDS: [[OnceLock<Option<CompiledPolicy>>; NEWEST + 2]; 2] =
    [const { [const { OnceLock::new() }; NEWEST + 2] }; 2];

/// The built-in policy that refuses what this level refuses; none for `privileged`.
#[must_use]
pub fn standard(asked: LevelVersion) -> Option<&'static CompiledPolicy> {
    let row = match asked.level {
        Level::Privileged => return None,
        Level::Baseline => STANDARDS.first(),
        Level::Restricted => STANDARDS.last(),
    };
    let place = usize::from(asked.version.number()).min(NEWEST + 1);
    row?.get(place)?.get_or_init(|| compile(asked)).as_ref()
}

fn compile(LevelVersion { level, version }: LevelVersion) -> Option<CompiledPolicy> {
    let version = if usize::from(version.number()) > NEWEST { Version::LATEST } else { version };
    let yaml = builtin(&format!("pss-{}@{}", level.as_str(), String::from(version))).ok()??;
    let document = serde_saphyr::from_str::<serde_json::Value>(&yaml).ok()?.to_string();
    CompiledPolicy::from_json(&document, Cluster::Without).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> (String, Vec<String>) {
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
            assert_eq!(asked(&labels), (wanted.to_owned(), vec![]), "{labels:?}");
        }
    }

    #[test]
    fn what_means_nothing_enforces_the_strictest() {
        let (levels, bad) = asked(&[("enforce", "Baseline"), ("warn", "x"), ("audit-version", "1.30")]);
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

    #[test]
    fn every_level_and_version_compiles() {
        for level in [Level::Baseline, Level::Restricted] {
            for version in (0..=100).map(Version::minor).chain([Version::LATEST]) {
                let policy = standard(LevelVersion { level, version }).unwrap();
                assert!(policy.rules.len() > 5, "{level:?} {version:?}");
            }
        }
        assert!(standard(LevelVersion { level: Level::Privileged, version: Version::LATEST }).is_none());
    }
}
