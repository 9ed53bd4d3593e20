//! What a VEX document calls a package, and whether it is the one in which a scan found something.

use super::super::vulnerabilities::Vulnerability;
use super::purl::Purl;
use serde::{Deserialize, Serialize};

/// Packages of a distribution. Documents leave out its name.
const OF_SYSTEM: [&str; 4] = ["deb", "rpm", "apk", "alpm"];

/// A package of a document: `pkg:deb/debian/openssl@3.0.1`, or a name alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Namespace and name.
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// A package in which a scan found something.
#[derive(Debug)]
pub struct Installed<'v> {
    name: &'v str,
    purl: Option<Purl>,
    /// Its version as far as the scan says it, in each spelling.
    versions: Vec<String>,
}

impl<'v> Installed<'v> {
    pub fn new(found: &'v Vulnerability) -> Self {
        let purl = Purl::parse(&found.purl);
        let of_purl = purl.as_ref().map(|purl| [purl.full_version(), purl.version.clone()]);
        let installed = Some(found.installed.clone()).filter(|version| !version.is_empty());
        let versions = of_purl.into_iter().flatten().chain([installed]).flatten();
        Self { name: &found.package, versions: versions.map(|version| plain(&version)).collect(), purl }
    }
}

impl Package {
    pub fn new(id: &str) -> Self {
        if let Some(purl) = Purl::parse(id) {
            let version = purl.full_version().map(|version| plain(&version));
            return Self { version, kind: Some(purl.kind), name: purl.path };
        }
        let path = id.split(['?', '#']).next().unwrap_or_default();
        match path.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() && !version.contains('/') => {
                Self { kind: None, name: name.to_owned(), version: Some(plain(version)).filter(|one| !one.is_empty()) }
            }
            _ => Self { kind: None, name: path.to_owned(), version: None },
        }
    }

    /// Whether it is this package. None: the document names a version, and the scan does not.
    pub fn is(&self, found: &Installed<'_>) -> Option<bool> {
        if !self.has_name_of(found) {
            return Some(false);
        }
        match &self.version {
            None => Some(true),
            Some(_) if found.versions.is_empty() => None,
            Some(version) => Some(found.versions.contains(version)),
        }
    }

    fn has_name_of(&self, found: &Installed<'_>) -> bool {
        let last = last_segment(&self.name);
        let Some(kind) = &self.kind else { return self.name == found.name || last == found.name };
        let is_of_system = OF_SYSTEM.contains(&kind.as_str());
        let Some(purl) = &found.purl else {
            // As scanners write names: `openssl`, `@scope/name`, `org.example:name`.
            return match kind.as_str() {
                _ if is_of_system => last == found.name,
                "maven" => self.name.replace('/', ":") == found.name,
                _ => is_same(kind, &self.name, found.name),
            };
        };
        let has_any = |name: &str| is_of_system && !name.contains('/');
        *kind == purl.kind
            && if has_any(&self.name) || has_any(&purl.path) {
                is_same(kind, last, last_segment(&purl.path))
            } else {
                is_same(kind, &self.name, &purl.path)
            }
    }
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Names of Python packages have several spellings.
fn is_same(kind: &str, one: &str, other: &str) -> bool {
    let plain = |name: &str| if kind == "pypi" { name.replace(['_', '.'], "-") } else { name.to_owned() };
    one.eq_ignore_ascii_case(other) || plain(one).eq_ignore_ascii_case(&plain(other))
}

/// A version without an epoch of 0, and without the `v` of Go.
fn plain(version: &str) -> String {
    let version = version.strip_prefix("0:").unwrap_or(version);
    let number = version.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    number.unwrap_or(version).to_owned()
}
