//! OpenVEX documents: whether a vulnerability matters in this image, by the newest statement about it.

mod product;

use super::time::is_ahead;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use product::Fit;
pub use product::Subject;

/// What a document says of one vulnerability in one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// The vulnerability's id and its other names.
    pub names: Vec<String>,
    /// The packages that it is limited to. Empty: all of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// The manifests that it is limited to. Empty: that for which the document was attested, with all of its platforms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
    /// It says `not_affected` or `fixed`. Every other status takes such a statement back.
    pub excludes: bool,
    #[serde(default, skip_serializing_if = "Issued::is_unknown")]
    pub issued: Issued,
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
    /// Whether it is about this vulnerability of this package in one of these manifests.
    fn covers(&self, id: &str, package: &str, manifests: &[&str]) -> bool {
        self.names.iter().any(|name| name == id)
            && (self.packages.is_empty() || self.packages.iter().any(|known| known == package))
            && (self.digests.is_empty() || self.digests.iter().any(|known| manifests.contains(&known.as_str())))
    }

    /// What counts more is greater. A statement without a time is older than all others if it excludes, and newer if it does not: this
    /// keeps the vulnerability.
    fn weight(&self) -> (bool, &Issued) {
        (!self.excludes && self.issued.at.is_none(), &self.issued)
    }
}

/// Whether the newest statement of these documents says that the vulnerability does not matter. Of those with the same time, the last
/// one of a document counts, and of several documents the one that keeps the vulnerability.
pub fn excludes<'d>(
    documents: impl IntoIterator<Item = &'d [Statement]>,
    id: &str,
    package: &str,
    manifests: &[&str],
) -> bool {
    let of_document = |document: &'d [Statement]| {
        document.iter().filter(|one| one.covers(id, package, manifests)).max_by_key(|one| one.weight())
    };
    let newest = documents.into_iter().filter_map(of_document).max_by_key(|one| (one.weight(), !one.excludes));
    newest.is_some_and(|one| one.excludes)
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
        identifiers: Identifiers,
        #[serde(default)]
        hashes: Hashes,
        #[serde(default)]
        subcomponents: Vec<Component>,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identifiers {
    purl: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Hashes {
    #[serde(rename = "sha-256")]
    sha256: Option<String>,
}

impl Component {
    /// What names it: its id, and its package URL.
    fn ids(&self) -> impl Iterator<Item = &str> {
        let (id, purl) = match self {
            Self::Id(id) => (Some(id), None),
            Self::Full { id, identifiers, .. } => (id.as_ref(), identifiers.purl.as_ref()),
        };
        purl.into_iter().chain(id).map(String::as_str)
    }

    /// The name of the package that it is.
    fn package(&self) -> String {
        let purl = self.ids().find(|id| is_purl(id)).or_else(|| self.ids().next());
        package_name(purl.unwrap_or_default())
    }

    fn hash(&self) -> Option<&str> {
        if let Self::Full { hashes, .. } = self { hashes.sha256.as_deref() } else { None }
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
    let of = |statement| statements(statement, &document.times, subject, now);
    Ok(document.statements.iter().flat_map(of).collect())
}

/// One statement for each product that is this image. Without a product it is about what the document was attested for.
fn statements(raw: &RawStatement, document: &Times, subject: &Subject<'_>, now: Timestamp) -> Vec<Statement> {
    let excludes = match raw.status.as_str() {
        "not_affected" | "fixed" => true,
        "affected" | "under_investigation" => false,
        _ => return Vec::new(),
    };
    let names = match &raw.vulnerability {
        Vulnerability::Name(name) => vec![name],
        Vulnerability::Full { id, name, aliases } => id.iter().chain(name).chain(aliases).collect(),
    };
    // An id may be a page, such as https://nvd.nist.gov/vuln/detail/CVE-2026-1.
    let names: Vec<String> =
        names.into_iter().map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    let issued = Issued::new(document, &raw.times, now);
    let one =
        |packages, digests| Statement { names: names.clone(), packages, digests, excludes, issued: issued.clone() };
    let parts = |parts: &[Component]| -> Vec<String> { parts.iter().map(Component::package).collect() };
    let of_all = parts(&raw.subcomponents);
    if raw.products.is_empty() {
        return vec![one(of_all, Vec::new())];
    }
    let of_product = |product: &Component| {
        let own = parts(product.parts());
        let packages = if own.is_empty() { of_all.clone() } else { own };
        match subject.fit(product) {
            Fit::Image(digests) => Some(one(packages, digests)),
            Fit::Packages if packages.is_empty() => Some(one(vec![product.package()], Vec::new())),
            Fit::Packages => Some(one(packages, Vec::new())),
            // In doubt the vulnerability stays.
            Fit::Perhaps => (!excludes).then(|| one(packages, Vec::new())),
            Fit::Other => None,
        }
    };
    raw.products.iter().filter_map(of_product).collect()
}

/// The name in a package URL: `pkg:deb/debian/openssl@3.0.1?arch=amd64` is `openssl`.
fn package_name(purl: &str) -> String {
    let path = purl.split(['?', '#']).next().unwrap_or_default();
    let path = path.rsplit_once('@').map_or(path, |(path, _)| path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
