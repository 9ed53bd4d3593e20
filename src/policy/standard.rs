//! The built-in policies of the Pod Security Standards, for each level and version.

use super::pod_security::{Level, LevelVersion};
use super::{Cluster, CompiledPolicy, builtin};
use crate::rule::pss::Version;
use std::sync::OnceLock;

/// Newer versions have no checks of their own.
const NEWEST: usize = 60;

/// Each is compiled when it is first needed.
static STANDARDS: [[OnceLock<Option<CompiledPolicy>>; NEWEST + 2]; 2] =
    [const { [const { OnceLock::new() }; NEWEST + 2] }; 2];

/// The built-in policy with the checks of this level; none for `privileged`.
#[must_use]
pub fn standard(level: LevelVersion) -> Option<&'static CompiledPolicy> {
    let row = match level.level {
        Level::Privileged => return None,
        Level::Baseline => STANDARDS.first(),
        Level::Restricted => STANDARDS.last(),
    };
    let place = usize::from(level.version.number()).min(NEWEST + 1);
    row?.get(place)?.get_or_init(|| compile(level)).as_ref()
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
