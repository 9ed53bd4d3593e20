//! The databases of package managers.

pub mod rpm;
mod sqlite;

use super::limits;
use crate::text::clean;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    pub name: String,
    pub version: String,
}

impl Package {
    fn new(name: &str, version: &str) -> Self {
        Self { name: clean(name, 200), version: clean(version, 100) }
    }
}

/// The stanzas of a text in the format of Debian: what each says for the wanted keys.
fn stanzas<'t>(text: &'t str, wanted: &[&str]) -> impl Iterator<Item = Vec<(&'t str, &'t str)>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut stanza = Vec::new();
        for line in lines.by_ref() {
            match line.split_once(':') {
                _ if line.trim().is_empty() && !stanza.is_empty() => return Some(stanza),
                // The first one of two counts.
                Some((key, text)) if wanted.contains(&key) && value(&stanza, key).is_none() => {
                    stanza.push((key, text.trim()));
                }
                _ => {}
            }
        }
        (!stanza.is_empty()).then_some(stanza)
    })
}

fn value<'t>(stanza: &[(&str, &'t str)], key: &str) -> Option<&'t str> {
    stanza.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
}

/// dpkg's `status`, or a file of `status.d`. A package that is removed may still be listed, for its settings.
#[must_use]
pub fn dpkg(text: &str) -> Vec<Package> {
    let installed = |stanza: &Vec<(&str, &str)>| {
        let state = value(stanza, "Status").and_then(|status| status.split_whitespace().nth(2));
        !matches!(state, Some("config-files" | "not-installed"))
    };
    stanzas(text, &["Package", "Status", "Version"])
        .filter(installed)
        .filter_map(|stanza| {
            Some(Package::new(value(&stanza, "Package")?, value(&stanza, "Version").unwrap_or_default()))
        })
        // One more shows that there are more.
        .take(limits::PACKAGES + 1)
        .collect()
}

/// apk's `installed`.
#[must_use]
pub fn apk(text: &str) -> Vec<Package> {
    stanzas(text, &["P", "V"])
        .filter_map(|stanza| Some(Package::new(value(&stanza, "P")?, value(&stanza, "V").unwrap_or_default())))
        .take(limits::PACKAGES + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(packages: Vec<Package>) -> Vec<String> {
        packages.into_iter().map(|Package { name, version }| format!("{name} {version}")).collect()
    }

    #[test]
    fn dpkg_lists_what_is_installed() {
        let text = "Package: bash\nStatus: install ok installed\nVersion: 5.2\nDescription: shell\n Package: no\n .\n\n\n\
            Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: half\nStatus: install ok half-configured\nVersion: 2\n\n\
            Version: 3\nPackage: last\nStatus: hold ok installed";
        assert_eq!(listed(dpkg(text)), ["bash 5.2", "half 2", "last 3"]);
        assert_eq!(listed(dpkg("Package: base-files\nVersion: 12\n")), ["base-files 12"]);
        assert!(dpkg("").is_empty() && dpkg("\0\n:\n\n").is_empty());
    }

    #[test]
    fn apk_lists_its_packages() {
        let text = "C:Q1=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld.so\n\nP:busybox\nV:1.36\n";
        assert_eq!(listed(apk(text)), ["musl 1.2.5-r0", "busybox 1.36"]);
    }
}
