//! OpenVEX documents: whether a vulnerability matters in this image, by the newest statement about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// A time that cannot be read is none.
    fn time(text: Option<&String>) -> Option<Timestamp> {
        text.and_then(|text| text.parse().ok())
    }

    fn version(&self) -> u64 {
        self.version.as_u64().or_else(|| self.version.as_str()?.parse().ok()).unwrap_or_default()
    }
}

impl Issued {
    fn new(document: &Times, own: &Times) -> Self {
        let of_document = Times::time(document.timestamp.as_ref());
        let updated = Times::time(document.last_updated.as_ref());
        let own_time = Times::time(own.timestamp.as_ref()).max(Times::time(own.last_updated.as_ref()));
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
    /// What names it, a package URL where there is one.
    fn id(&self) -> &str {
        let (Self::Id(id) | Self::Full { id: Some(id), .. }) = self else { return self.purl().unwrap_or_default() };
        if is_purl(id) { id } else { self.purl().unwrap_or(id) }
    }

    fn purl(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Full { identifiers, .. } => identifiers.purl.as_deref(),
        }
    }

    fn parts(&self) -> &[Self] {
        match self {
            Self::Id(_) => &[],
            Self::Full { subcomponents, .. } => subcomponents,
        }
    }

    /// The digest of the image that it is, if it says which.
    fn digest(&self) -> Option<String> {
        let named = |id: &str| {
            let path = id.split(['?', '#']).next().unwrap_or_default().replace("%3A", ":").replace("%3a", ":");
            path.rsplit_once('@')
                .map(|(_, version)| version.to_owned())
                .filter(|version| version.starts_with("sha256:"))
        };
        let hash = match self {
            Self::Full { hashes: Hashes { sha256: Some(hash) }, .. } => Some(format!("sha256:{hash}")),
            _ => None,
        };
        named(self.id()).or(hash)
    }
}

fn is_purl(id: &str) -> bool {
    id.starts_with("pkg:")
}

/// Reads the statements.
///
/// # Errors
/// The text is no OpenVEX document.
pub fn read(text: &str) -> Result<Vec<Statement>, String> {
    let document: Document = serde_json::from_str(text).map_err(|_| "it is no OpenVEX document")?;
    if !document.context.starts_with("https://openvex.dev/ns") {
        return Err("it is no OpenVEX document".to_owned());
    }
    Ok(document.statements.iter().flat_map(|statement| statements(statement, &document.times)).collect())
}

/// One statement for each product. Without a product it is about what the document was attested for.
fn statements(raw: &RawStatement, document: &Times) -> Vec<Statement> {
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
    let issued = Issued::new(document, &raw.times);
    let one =
        |(packages, digests)| Statement { names: names.clone(), packages, digests, excludes, issued: issued.clone() };
    if raw.products.is_empty() {
        return vec![one((Vec::new(), Vec::new()))];
    }
    raw.products.iter().map(|product| one(scope(product))).collect()
}

/// The packages and the manifests to which a product limits a statement.
fn scope(product: &Component) -> (Vec<String>, Vec<String>) {
    let id = product.id();
    let is_image = id.strip_prefix("pkg:").is_none_or(|id| id.starts_with("oci/") || id.starts_with("docker/"));
    let parts: Vec<String> = product.parts().iter().map(|part| package_name(part.id())).collect();
    match (is_image, parts.is_empty()) {
        (true, _) => (parts, product.digest().into_iter().collect()),
        (false, true) => (vec![package_name(id)], Vec::new()),
        (false, false) => (parts, Vec::new()),
    }
}

/// The name in a package URL: `pkg:deb/debian/openssl@3.0.1?arch=amd64` is `openssl`.
fn package_name(purl: &str) -> String {
    let path = purl.split(['?', '#']).next().unwrap_or_default();
    let path = path.rsplit_once('@').map_or(path, |(path, _)| path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
