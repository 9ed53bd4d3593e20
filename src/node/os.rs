//! The operating system: `/etc/os-release`, the kernel, and Linux security modules.

use crate::text::version_numbers;
use serde::{Deserialize, Serialize};

/// What `/etc/os-release` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Os {
    pub id: String,
    /// Distributions that it is like, with spaces between them.
    pub id_like: String,
    pub version: String,
    pub name: String,
    /// The last day of support, `2028-06-30`.
    pub support_end: Option<String>,
}

/// The kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kernel {
    pub release: String,
    /// The arguments of the boot loader.
    pub arguments: String,
    /// Why they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments_unread: Option<String>,
    /// The newest release with modules on disk.
    pub newest: Option<String>,
    pub reboot_required: bool,
    /// Seconds since 1970.
    pub booted: Option<i64>,
    pub max_user_namespaces: Option<u64>,
    pub unprivileged_user_namespaces: Option<bool>,
    /// Whether control groups have version 2 alone.
    pub unified_cgroups: bool,
    pub controllers: Vec<String>,
}

/// Linux security modules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityModules {
    pub apparmor: bool,
    pub selinux: Option<SeLinux>,
    /// `SELINUX=` of `/etc/selinux/config`: what the next boot does.
    pub selinux_configured: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SeLinux {
    Enforcing,
    Permissive,
}

/// Reads `KEY=value` lines; a value may have quotes.
#[must_use]
pub fn os_release(text: &str) -> Os {
    let get = |key: &str| variable(text, key).unwrap_or_default();
    let name = Some(get("PRETTY_NAME")).filter(|name| !name.is_empty()).unwrap_or_else(|| get("NAME"));
    Os {
        id: get("ID"),
        id_like: get("ID_LIKE"),
        version: get("VERSION_ID"),
        name,
        support_end: variable(text, "SUPPORT_END"),
    }
}

/// The last assignment of a shell variable in a file of assignments.
#[must_use]
pub fn variable(text: &str, key: &str) -> Option<String> {
    let lines = text.lines().map(|line| line.trim().strip_prefix("export ").unwrap_or(line.trim()));
    let value = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).next_back()?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// The newest of kernel releases, compared number by number: 6.10 is newer than 6.9.
#[must_use]
pub fn newest<'r>(releases: impl Iterator<Item = &'r str>) -> Option<&'r str> {
    releases.max_by_key(|release| version_numbers(release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_assignments() {
        let os = os_release(
            "NAME=\"Debian\"\nPRETTY_NAME='Debian 12'\nID=debian\nVERSION_ID=\"12\"\nSUPPORT_END=2028-06-30\n",
        );
        assert_eq!((os.id.as_str(), os.version.as_str(), os.name.as_str()), ("debian", "12", "Debian 12"));
        assert_eq!(os.support_end.as_deref(), Some("2028-06-30"));
        assert_eq!(variable("A=1\n export A=\"2\"\nAB=3", "A").as_deref(), Some("2"));
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(newest(["6.9.3-1-amd64", "6.10.1-1-amd64", "5.15.0"].into_iter()), Some("6.10.1-1-amd64"));
        assert_eq!(newest(std::iter::empty()), None);
    }
}
