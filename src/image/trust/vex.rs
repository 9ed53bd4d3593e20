//! OpenVEX documents: whether a vulnerability matters in this image, by the newest statement about it.

mod package;
mod product;
mod purl;

use super::time::is_ahead;
use super::vulnerabilities::Vulnerability as Finding;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

use package::{Installed, Package};
use product::Fit;
pub use product::Subject;

/// How many names, packages and digests of one document are kept. Each judgement of the image reads them.
const MOST: usize = 100_000;

/// What a document says of one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// The vulnerability's id and its other names.
    pub names: Vec<String>,
    /// What it is limited to: any of these. Empty: all of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    about: Vec<About>,
    /// It says `not_affected` or `fixed`. Every other status takes such a statement back.
    pub excludes: bool,
    #[serde(default, skip_serializing_if = "Issued::is_unknown")]
    issued: Issued,
}

/// A part of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct About {
    /// Empty: all packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    packages: Vec<Package>,
    /// The manifests. Empty: that for which the document was attested, with all of its platforms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    digests: Vec<String>,
}

/// When a statement was made, in the order in which it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Issued {
    /// When it was known to be true: the statement's own time, or else that of its document.
    at: Option<Timestamp>,
    /// When the document was changed last.
    updated: Option<Timestamp>,
    /// The version of the document, and of the statement.
    version: (u64, u64),
}

impl Issued {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Statement {
    /// Whether it is about this package in one of these manifests.
    fn covers(&self, package: &Installed<'_>, manifests: &[&str]) -> bool {
        // In doubt the vulnerability stays.
        let is = |known: &Package| known.is(package).unwrap_or(!self.excludes);
        self.about.is_empty()
            || self.about.iter().any(|about| {
                (about.digests.is_empty() || about.digests.iter().any(|known| manifests.contains(&known.as_str())))
                    && (about.packages.is_empty() || about.packages.iter().any(is))
            })
    }

    /// What counts more is greater. A statement without a time is older than all others if it excludes, and newer if it does not: this
    /// keeps the vulnerability.
    fn weight(&self) -> (bool, &Issued) {
        (!self.excludes && self.issued.at.is_none(), &self.issued)
    }

    fn size(&self) -> usize {
        self.names.len() + self.about.iter().map(|about| 1 + about.packages.len() + about.digests.len()).sum::<usize>()
    }
}

/// What documents say of some vulnerabilities, by their names.
pub struct Said<'d>(HashMap<&'d str, Vec<(usize, &'d Statement)>>);

impl<'d> Said<'d> {
    pub fn new(documents: impl IntoIterator<Item = &'d [Statement]>, found: &[Finding]) -> Self {
        let mut ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        let mut by_name: HashMap<&str, Vec<(usize, &Statement)>> = HashMap::new();
        for (document, statement) in
            documents.into_iter().enumerate().flat_map(|(at, list)| list.iter().map(move |one| (at, one)))
        {
            for name in statement.names.iter().filter(|name| ids.binary_search(&name.as_str()).is_ok()) {
                by_name.entry(name).or_default().push((document, statement));
            }
        }
        Self(by_name)
    }

    /// Whether the newest statement says that the vulnerability does not matter. Of those with the same time, the last one of a document
    /// counts, and of several documents the one that keeps the vulnerability.
    pub fn excludes(&self, found: &Finding, manifests: &[&str]) -> bool {
        let Some(said) = self.0.get(found.id.as_str()) else { return false };
        let package = Installed::new(found);
        let of_document = |document: &[(usize, &'d Statement)]| {
            let about = document.iter().map(|(_, one)| *one).filter(|one| one.covers(&package, manifests));
            about.max_by_key(|one| one.weight())
        };
        let documents = said.chunk_by(|one, next| one.0 == next.0);
        let newest = documents.filter_map(of_document).max_by_key(|one| (one.weight(), !one.excludes));
        newest.is_some_and(|one| one.excludes)
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@context")]
    context: String,
    #[serde(flatten)]
    times: Times,
    statements: Vec<RawStatement>,
}

/// The times of a document or of a statement. Older documents have a version that is a text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Times {
    timestamp: Option<String>,
    last_updated: Option<String>,
    version: Value,
}

impl Times {
    /// A time that cannot be read is none, and neither is one that is still to come: it would count forever.
    fn time(text: Option<&String>, now: Timestamp) -> Option<Timestamp> {
        text.and_then(|text| text.parse().ok()).filter(|at| !is_ahead(*at, now))
    }

    fn version(&self) -> u64 {
        self.version.as_u64().or_else(|| self.version.as_str()?.parse().ok()).unwrap_or_default()
    }
}

impl Issued {
    fn new(document: &Times, own: &Times, now: Timestamp) -> Self {
        let time = |text: &Option<String>| Times::time(text.as_ref(), now);
        let (of_document, updated) = (time(&document.timestamp), time(&document.last_updated));
        let own_time = time(&own.timestamp).max(time(&own.last_updated));
        Self {
            at: own_time.or(of_document).or(updated),
            updated: updated.max(of_document),
            version: (document.version(), own.version()),
        }
    }
}

#[derive(Deserialize)]
struct RawStatement {
    vulnerability: Vulnerability,
    status: String,
    #[serde(default)]
    products: Vec<Component>,
    /// Of all products, in older documents.
    #[serde(default)]
    subcomponents: Vec<Component>,
    #[serde(flatten)]
    times: Times,
}

/// A name alone in older documents.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Full {
        #[serde(rename = "@id")]
        id: Option<String>,
        name: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

/// A product, or a part of it. Older documents have its id alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Id(String),
    Full {
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        identifiers: BTreeMap<String, Value>,
        #[serde(default)]
        hashes: BTreeMap<String, Value>,
        #[serde(default)]
        subcomponents: Vec<Component>,
    },
}

impl Component {
    /// What names it: its id, and its package URL.
    fn ids(&self) -> impl Iterator<Item = &str> {
        let (id, purl) = match self {
            Self::Id(id) => (Some(id.as_str()), None),
            Self::Full { id, identifiers, .. } => (id.as_deref(), identifiers.get("purl").and_then(Value::as_str)),
        };
        purl.into_iter().chain(id)
    }

    fn package(&self) -> Package {
        let purl = self.ids().find(|id| is_purl(id)).or_else(|| self.ids().next());
        Package::new(purl.unwrap_or_default())
    }

    /// Its hash, as a digest.
    fn hash(&self) -> Option<String> {
        let Self::Full { hashes, .. } = self else { return None };
        let hash = hashes.get("sha-256")?.as_str()?.to_ascii_lowercase();
        Some(format!("sha256:{}", hash.strip_prefix("sha256:").unwrap_or(&hash)))
    }

    fn is_nameless(&self) -> bool {
        self.ids().all(str::is_empty)
    }

    /// Whether it has identifiers and hashes of other kinds, by which no image is known here.
    fn has_other_names(&self) -> bool {
        let Self::Full { identifiers, hashes, .. } = self else { return false };
        identifiers.keys().any(|kind| kind != "purl") || hashes.keys().any(|kind| kind != "sha-256")
    }

    fn parts(&self) -> &[Self] {
        match self {
            Self::Id(_) => &[],
            Self::Full { subcomponents, .. } => subcomponents,
        }
    }
}

fn is_purl(id: &str) -> bool {
    id.starts_with("pkg:")
}

/// Reads the statements about the image for which the document was attested.
///
/// # Errors
/// The text is no OpenVEX document.
pub fn read(text: &str, subject: &Subject<'_>, now: Timestamp) -> Result<Vec<Statement>, String> {
    let document: Document = serde_json::from_str(text).map_err(|_| "it is no OpenVEX document")?;
    if !document.context.starts_with("https://openvex.dev/ns") {
        return Err("it is no OpenVEX document".to_owned());
    }
    let (mut kept, mut size) = (Vec::new(), 0);
    for raw in &document.statements {
        let Some(statement) = statement(raw, &document.times, subject, now) else { continue };
        size += statement.size();
        if size > MOST {
            return Err(format!(
                "it says more of this image than the {MOST} names, packages and digests that are kept"
            ));
        }
        kept.push(statement);
    }
    Ok(kept)
}

/// What a statement says of this image. Without a product it is about what the document was attested for.
fn statement(raw: &RawStatement, document: &Times, subject: &Subject<'_>, now: Timestamp) -> Option<Statement> {
    let excludes = match raw.status.as_str() {
        "not_affected" | "fixed" => true,
        "affected" | "under_investigation" => false,
        _ => return None,
    };
    let about = about(raw, excludes, subject);
    if about.is_empty() {
        return None;
    }
    let names = match &raw.vulnerability {
        Vulnerability::Name(name) => vec![name],
        Vulnerability::Full { id, name, aliases } => id.iter().chain(name).chain(aliases).collect(),
    };
    // An id may be a page, such as https://nvd.nist.gov/vuln/detail/CVE-2026-1.
    let names = names.into_iter().map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    Some(Statement { names, about, excludes, issued: Issued::new(document, &raw.times, now) })
}

/// The parts of this image that a statement is about. Products without parts of their own share those of the statement.
fn about(raw: &RawStatement, excludes: bool, subject: &Subject<'_>) -> Vec<About> {
    let parts = |parts: &[Component]| -> Vec<Package> { parts.iter().map(Component::package).collect() };
    let (mut about, mut digests, mut packages) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_all = raw.products.is_empty();
    for product in &raw.products {
        let own = parts(product.parts());
        let has_parts = !own.is_empty() || !raw.subcomponents.is_empty();
        let of_image = match subject.fit(product, excludes) {
            Fit::Image(digests) => digests,
            Fit::Packages if !has_parts => {
                packages.push(product.package());
                continue;
            }
            // A product with parts that is no image is another product. In doubt the vulnerability stays.
            Fit::Packages | Fit::Perhaps if !excludes => Vec::new(),
            Fit::Packages | Fit::Perhaps | Fit::Other => continue,
        };
        if !own.is_empty() {
            about.push(About { packages: own, digests: of_image });
        } else if of_image.is_empty() {
            is_all = true;
        } else {
            digests.extend(of_image);
        }
    }
    digests.sort_unstable();
    digests.dedup();
    if is_all || !digests.is_empty() {
        let digests = if is_all { Vec::new() } else { digests };
        about.push(About { packages: parts(&raw.subcomponents), digests });
    }
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        about.push(About { packages, digests: Vec::new() });
    }
    about
}

#[cfg(test)]
mod tests;
