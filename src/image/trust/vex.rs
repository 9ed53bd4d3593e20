//! OpenVEX documents: vulnerabilities that do not matter in this image, and why.

use serde::{Deserialize, Serialize};

/// A vulnerability that does not affect the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its id and its other names.
    pub names: Vec<String>,
    /// The packages that the statement is limited to. Empty: all of the image.
    pub packages: Vec<String>,
}

impl Exclusion {
    /// Whether it is about this vulnerability of this package.
    #[must_use]
    pub fn covers(&self, id: &str, package: &str) -> bool {
        self.names.iter().any(|name| name == id)
            && (self.packages.is_empty() || self.packages.iter().any(|known| known == package))
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@context")]
    context: String,
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    status: String,
    #[serde(default)]
    products: Vec<Product>,
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

#[derive(Deserialize)]
#[serde(untagged)]
enum Product {
    Id(String),
    Full {
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        subcomponents: Vec<Component>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Id(String),
    Full {
        #[serde(rename = "@id")]
        id: Option<String>,
    },
}

/// Reads the statements `not_affected` and `fixed`.
///
/// # Errors
/// The text is no OpenVEX document.
pub fn read(text: &str) -> Result<Vec<Exclusion>, String> {
    let document: Document = serde_json::from_str(text).map_err(|_| "it is no OpenVEX document")?;
    if !document.context.starts_with("https://openvex.dev/ns") {
        return Err("it is no OpenVEX document".to_owned());
    }
    let decided = document.statements.into_iter().filter(|s| matches!(s.status.as_str(), "not_affected" | "fixed"));
    Ok(decided.filter_map(exclusion).collect())
}

/// None: the statement is about other products alone.
fn exclusion(statement: Statement) -> Option<Exclusion> {
    let names = match statement.vulnerability {
        Vulnerability::Name(name) => vec![name],
        Vulnerability::Full { id, name, aliases } => id.into_iter().chain(name).chain(aliases).collect(),
    };
    // An id may be a page, such as https://nvd.nist.gov/vuln/detail/CVE-2026-1.
    let names = names.into_iter().map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    let mut packages = Vec::new();
    let mut whole = statement.products.is_empty();
    for product in statement.products {
        let (id, below) = match product {
            Product::Id(id) => (Some(id), Vec::new()),
            Product::Full { id, subcomponents } => (id, subcomponents),
        };
        let below: Vec<String> = below
            .into_iter()
            .filter_map(|component| match component {
                Component::Id(id) => Some(id),
                Component::Full { id } => id,
            })
            .collect();
        let id = id.unwrap_or_default();
        if below.is_empty() {
            // The document was attested for this very digest: a product that is an image is this one.
            match id.strip_prefix("pkg:") {
                Some(package) if !package.starts_with("oci/") && !package.starts_with("docker/") => {
                    packages.push(package_name(&id));
                }
                _ => whole = true,
            }
        }
        packages.extend(below.iter().map(|id| package_name(id)));
    }
    if whole {
        packages.clear();
    } else if packages.is_empty() {
        return None;
    }
    Some(Exclusion { names, packages })
}

/// The name in a package URL: `pkg:deb/debian/openssl@3.0.1?arch=amd64` is `openssl`.
fn package_name(purl: &str) -> String {
    let path = purl.split(['?', '#']).next().unwrap_or_default();
    let path = path.rsplit_once('@').map_or(path, |(path, _)| path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(statement: &str, id: &str, package: &str) -> bool {
        let text = format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{statement}]}}"#);
        read(&text).unwrap().iter().any(|exclusion| exclusion.covers(id, package))
    }

    #[test]
    fn a_statement_excludes_what_it_names() {
        let image = r#"{"vulnerability":{"name":"CVE-1","aliases":["GHSA-1"]},"products":[{"@id":"pkg:oci/web"}],"status":"not_affected"}"#;
        assert!(covers(image, "CVE-1", "openssl"));
        assert!(covers(image, "GHSA-1", "openssl"));
        assert!(!covers(image, "CVE-2", "openssl"));
        assert!(!covers(&image.replace("not_affected", "affected"), "CVE-1", "openssl"));
        let one = r#"{"vulnerability":"CVE-1","products":[{"@id":"pkg:oci/web","subcomponents":[{"@id":"pkg:deb/debian/openssl@3.0?arch=amd64"}]}],"status":"fixed"}"#;
        assert!(covers(one, "CVE-1", "openssl"));
        assert!(!covers(one, "CVE-1", "zlib"));
        let bare = r#"{"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-1"},"products":["pkg:npm/left-pad@1"],"status":"not_affected"}"#;
        assert!(covers(bare, "CVE-1", "left-pad"));
        assert!(!covers(bare, "CVE-1", "openssl"));
    }

    #[test]
    fn another_document_is_refused() {
        assert!(read("{}").is_err());
        assert!(read(r#"{"@context":"https://evil.example","statements":[]}"#).is_err());
    }
}
