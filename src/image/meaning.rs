//! What rules read a file as, by its name.

use super::captures::Watched;
use super::secrets::{self, SecretFile};
use super::{Part, unverified};

/// Files that programs open by these paths.
pub const FILES: [&str; 21] = [
    "etc/apt/apt.conf",
    "etc/apt/sources.list",
    "etc/dnf/dnf.conf",
    "etc/gemrc",
    "etc/gitconfig",
    "etc/os-release",
    "etc/passwd",
    "etc/wgetrc",
    "etc/yum.conf",
    "etc/zypp/zypp.conf",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "usr/lib/os-release",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite",
    "var/lib/dpkg/status",
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite-wal",
];

/// Folders of which programs open every file with a fitting name.
pub const FOLDERS: [&str; 6] = [
    "etc/apt/apt.conf.d",
    "etc/apt/sources.list.d",
    "etc/distro.repos.d",
    "etc/yum.repos.d",
    "etc/zypp/repos.d",
    "var/lib/dpkg/status.d",
];

/// What a file is read as.
#[derive(Debug, Clone, Copy)]
pub struct Meaning {
    watched: Option<Watched>,
    secret: Option<SecretFile>,
}

impl Meaning {
    /// None for nearly all paths.
    pub fn of(path: &str) -> Option<Self> {
        let meaning = Self { watched: Watched::of(path), secret: secrets::named(path) };
        (meaning.watched.is_some() || meaning.secret.is_some()).then_some(meaning)
    }

    /// The parts of the facts that it is for.
    pub fn parts(self) -> Vec<Part> {
        self.watched.map(Watched::part).into_iter().chain(self.secret.map(|_| Part::Secrets)).collect()
    }
}

/// Whether a file with the path is read already as what its link's name means.
pub fn is_read_as(path: &str, name: &str) -> bool {
    let Some(meaning) = Meaning::of(name) else { return true };
    let Some(own) = Meaning::of(path) else { return path == name };
    let is_watched =
        meaning.watched.is_none() || (meaning.watched == own.watched && unverified::is_same_manager(path, name));
    is_watched && meaning.secret.is_none_or(|secret| own.secret.is_some_and(|own| own.is_same(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_have_a_meaning() {
        for path in FILES {
            assert!(Watched::of(path).is_some(), "{path}");
        }
        for (folder, name) in FOLDERS.iter().zip(["a", "a.list", "a.repo", "a.repo", "a.repo", "a"]) {
            assert!(Watched::of(&format!("{folder}/{name}")).is_some(), "{folder}");
        }
        for (folder, names) in secrets::FOLDERS {
            assert!(names.iter().all(|name| secrets::named(&format!("root/{folder}/{name}")).is_some()), "{folder}");
        }
    }

    #[test]
    fn a_file_is_read_once_as_what_it_is() {
        for (path, name, is_read) in [
            ("usr/lib/os-release", "etc/os-release", true),
            ("etc/dnf/dnf.conf", "etc/yum.conf", true),
            ("opt/x", "etc/os-release", false),
            ("etc/pip.conf", "etc/apt/sources.list", false),
            ("opt/.npmrc", "root/.npmrc", true),
            ("opt/.netrc", "root/.npmrc", false),
            ("opt/x", "srv/y", true),
        ] {
            assert_eq!(is_read_as(path, name), is_read, "{path} {name}");
        }
    }
}
