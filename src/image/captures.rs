//! Files of a layer whose content is kept as facts: package databases, accounts, the release, settings of package managers.

use super::layer::ITEM;
use super::packages::{self, Package, rpm};
use super::unverified::{self, Fault};
use super::{Part, limits, paths};
use serde::{Deserialize, Serialize};

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    Dpkg,
    Apk,
    RpmSqlite,
    /// The journal of the database.
    RpmJournal,
    /// A database whose format podreeve does not read.
    RpmOther(&'static str),
    OsRelease,
    Passwd,
    Settings,
}

impl Watched {
    /// The meaning of a path; none for nearly all.
    pub fn of(path: &str) -> Option<Self> {
        let (folder, name) = paths::split(path);
        Some(match (folder, name) {
            ("var/lib/dpkg", "status") => Self::Dpkg,
            // Images without dpkg have one file for each package.
            ("var/lib/dpkg/status.d", name) if !name.ends_with(".md5sums") => Self::Dpkg,
            ("lib/apk/db" | "usr/lib/apk/db", "installed") => Self::Apk,
            ("var/lib/rpm" | "usr/lib/sysimage/rpm" | "usr/share/rpm", name) => match name {
                "rpmdb.sqlite" => Self::RpmSqlite,
                "rpmdb.sqlite-wal" => Self::RpmJournal,
                "Packages" => Self::RpmOther("Berkeley DB"),
                "Packages.db" => Self::RpmOther("ndb"),
                _ => return None,
            },
            ("etc" | "usr/lib", "os-release") => Self::OsRelease,
            ("etc", "passwd") => Self::Passwd,
            _ if unverified::is_settings(path) => Self::Settings,
            _ => return None,
        })
    }

    /// The part of the facts that it is for.
    pub const fn part(self) -> Part {
        match self {
            Self::Dpkg | Self::Apk | Self::RpmSqlite | Self::RpmJournal | Self::RpmOther(_) => Part::Packages,
            Self::OsRelease => Part::Distribution,
            Self::Passwd => Part::Accounts,
            Self::Settings => Part::Settings,
        }
    }

    /// The most bytes that are kept.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Dpkg | Self::Apk | Self::RpmSqlite | Self::RpmJournal => limits::DATABASE,
            Self::RpmOther(_) => 0,
            Self::OsRelease | Self::Passwd | Self::Settings => limits::TEXT_FILE,
        }
    }
}

/// What was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    pub path: String,
    /// The place of the file in the archive.
    pub order: u32,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Packages(Vec<Package>),
    /// The file is there, what is not known therefore, and why it cannot be read.
    Unknown(Part, String),
    OsRelease(OsRelease),
    Accounts(Vec<Account>),
    Faults(Vec<Fault>),
}

/// A user of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
}

/// The distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OsRelease {
    /// `debian`.
    pub id: String,
    /// `12`; empty for a rolling one.
    pub version: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub name: String,
    /// The date that the distribution itself names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub support_end: Option<jiff::civil::Date>,
}

impl Capture {
    /// `whole` is the file, if it is not too large.
    pub fn new(path: &str, order: u32, watched: Watched, whole: Option<&[u8]>) -> Self {
        let unknown = |why: String| Content::Unknown(watched.part(), why);
        let content = match (watched, whole) {
            (Watched::RpmOther(format), _) => unknown(format!("a database of rpm in the format {format}")),
            (_, None) => unknown(format!("it is larger than {} MiB", watched.limit() >> 20)),
            (Watched::Dpkg, Some(bytes)) => Content::Packages(packages::dpkg(&String::from_utf8_lossy(bytes))),
            (Watched::Apk, Some(bytes)) => Content::Packages(packages::apk(&String::from_utf8_lossy(bytes))),
            (Watched::RpmSqlite, Some(bytes)) => match rpm::packages(bytes) {
                Ok(packages) => Content::Packages(packages),
                Err(why) => unknown(why),
            },
            (Watched::RpmJournal, Some(_)) => {
                unknown("the database of rpm has changes in its journal; close it in the build".to_owned())
            }
            (Watched::OsRelease, Some(bytes)) => Content::OsRelease(os_release(&String::from_utf8_lossy(bytes))),
            (Watched::Passwd, Some(bytes)) => Content::Accounts(accounts(&String::from_utf8_lossy(bytes))),
            (Watched::Settings, Some(bytes)) => {
                Content::Faults(unverified::settings_faults(path, &String::from_utf8_lossy(bytes)))
            }
        };
        Self { path: path.to_owned(), order, content }
    }

    /// Whether no rule needs it.
    pub const fn says_nothing(&self) -> bool {
        matches!(&self.content, Content::Faults(faults) if faults.is_empty())
    }

    /// About how many bytes it takes.
    pub fn memory(&self) -> usize {
        let of = |texts: usize, items: usize| texts + items * ITEM;
        self.path.len()
            + ITEM
            + match &self.content {
                Content::Packages(all) => of(all.iter().map(|one| one.name.len() + one.version.len()).sum(), all.len()),
                Content::Accounts(all) => of(all.iter().map(|one| one.name.len()).sum(), all.len()),
                Content::Faults(all) => of(all.iter().map(|one| one.setting.len()).sum(), all.len()),
                Content::Unknown(_, why) => why.len(),
                Content::OsRelease(_) => 0,
            }
    }
}

fn os_release(text: &str) -> OsRelease {
    let value = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.trim().split_once('='));
        let value = lines.find(|(key, _)| *key == wanted).map(|(_, value)| value.trim_matches(['"', '\'']));
        crate::text::clean(value.unwrap_or_default(), 100)
    };
    OsRelease {
        id: value("ID"),
        version: value("VERSION_ID"),
        name: value("PRETTY_NAME"),
        support_end: value("SUPPORT_END").parse().ok(),
    }
}

fn accounts(text: &str) -> Vec<Account> {
    let account = |line: &str| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        Some(Account { name: crate::text::clean(name, 64), uid })
    };
    text.lines().filter_map(account).collect()
}

/// The names of Linux capabilities, by number.
const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The capabilities in the attribute `security.capability`, as `getcap` names them.
pub fn capabilities(attribute: &[u8]) -> String {
    let word = |at: usize| -> u64 {
        let bytes = attribute.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes).into()
    };
    // Permitted and inheritable, each in two halves.
    let set = word(4) | word(8) | (word(12) | word(16)) << 32;
    let names: Vec<&str> =
        CAPABILITIES.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, name)| *name).collect();
    if names.is_empty() { "capabilities".to_owned() } else { format!("cap_{}", names.join(",cap_")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_and_the_accounts_are_read() {
        let text =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nSUPPORT_END=2028-06-30\n";
        let release = os_release(text);
        assert_eq!((release.id.as_str(), release.version.as_str()), ("debian", "12"));
        assert_eq!(release.support_end, Some(jiff::civil::date(2028, 6, 30)));
        let accounts = accounts("root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1000::/:/bin/false\n");
        assert_eq!(accounts.iter().map(|account| account.uid).collect::<Vec<_>>(), [0, 1000]);
    }

    #[test]
    fn capabilities_have_names() {
        let attribute = [1, 0, 0, 2, 0, 0x24, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(capabilities(&attribute), "cap_net_bind_service,cap_net_raw,cap_bpf");
        assert_eq!(capabilities(&[]), "capabilities");
    }

    #[test]
    fn only_some_files_are_kept() {
        assert_eq!(Watched::of("var/lib/dpkg/status.d/base"), Some(Watched::Dpkg));
        assert_eq!(Watched::of("var/lib/dpkg/status.d/base.md5sums"), None);
        assert_eq!(Watched::of("usr/lib/sysimage/rpm/rpmdb.sqlite"), Some(Watched::RpmSqlite));
        assert_eq!(Watched::of("opt/etc/passwd"), None);
    }
}
