//! Which of podreeve's rules correspond to which of upstream's checks.

use crate::upstream::About;
use std::fmt;

/// Checks and rules that must refuse the same pods. Where upstream has a check for each level, one stands in for
/// the other, and the rule knows the level.
pub struct Group {
    pub checks: &'static [&'static str],
    pub rules: &'static [&'static str],
}

const fn group(checks: &'static [&'static str], rules: &'static [&'static str]) -> Group {
    Group { checks, rules }
}

pub static GROUPS: &[Group] = &[
    group(&["privileged"], &["privileged"]),
    group(&["hostNamespaces"], &["host-network", "host-pid", "host-ipc"]),
    group(&["windowsHostProcess"], &["host-process"]),
    group(&["hostPathVolumes"], &["host-path"]),
    group(&["hostPorts"], &["host-ports"]),
    group(&["hostProbesAndHostLifecycle"], &["host-probes"]),
    group(&["capabilities_baseline", "capabilities_restricted"], &["capabilities"]),
    group(&["allowPrivilegeEscalation"], &["allow-privilege-escalation"]),
    group(&["seccompProfile_baseline", "seccompProfile_restricted"], &["seccomp-profile"]),
    group(&["appArmorProfile"], &["apparmor-profile"]),
    group(&["seLinuxOptions"], &["selinux-options"]),
    group(&["procMount", "procMount_restricted"], &["proc-mount"]),
    group(&["sysctls"], &["sysctls"]),
    group(&["restrictedVolumes"], &["volume-types"]),
    group(&["runAsNonRoot", "runAsUser"], &["run-as-non-root"]),
];

/// A set of [`GROUPS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Groups(u32);

impl Groups {
    fn of(wanted: impl Fn(&Group) -> bool) -> Option<Self> {
        GROUPS.iter().position(wanted).map(|place| Self(1 << place))
    }

    pub fn of_check(id: &str) -> Option<Self> {
        Self::of(|group| group.checks.contains(&id))
    }

    pub fn of_rule(id: &str) -> Option<Self> {
        Self::of(|group| group.rules.contains(&id))
    }

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets of one group each.
    pub fn each(self) -> impl Iterator<Item = Self> {
        (0..GROUPS.len()).map(|place| Self(1 << place)).filter(move |group| self.has(*group))
    }

    /// What only one of them has.
    pub fn differing(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = &'static Group> {
        GROUPS.iter().enumerate().filter(move |(place, _)| self.0 & (1 << place) != 0).map(|(_, group)| group)
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks: Vec<&str> = self.iter().flat_map(|group| group.checks).copied().collect();
        f.write_str(if checks.is_empty() { "none" } else { "" })?;
        f.write_str(&checks.join(" "))
    }
}

/// From upstream's bits to groups.
pub struct Translation(Vec<Groups>);

impl Translation {
    pub fn new(about: &About) -> Self {
        let group = |id: &str| {
            Groups::of_check(id).unwrap_or_else(|| {
                panic!("upstream has a check `{id}` that no rule stands for: add it to GROUPS, and the rule to the policies")
            })
        };
        Self(about.checks.iter().map(|check| group(&check.id)).collect())
    }

    pub fn groups(&self, mut mask: u64) -> Groups {
        let mut groups = Groups::default();
        while mask != 0 {
            groups = groups.with(self.0[mask.trailing_zeros() as usize]);
            mask &= mask - 1;
        }
        groups
    }
}
