//! What a VEX document calls a product: whether it is the image for which the document was attested, or a package in it.
//!
//! A document may list all products of a company and be attested for each of them. So a name that is not that of the image is another
//! product, whatever it may be.

use super::Component;
use crate::reference::ImageRef;

/// The image for which a document was attested.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'s> {
    /// As it is pulled, and as it was called when it was signed.
    pub names: [&'s ImageRef<'s>; 2],
    /// Of the index, or of the manifest where there is no index.
    pub digest: &'s str,
    /// The manifests of its platforms. Empty without an index.
    pub leaves: &'s [String],
}

/// What a product is to the image.
#[derive(Debug, PartialEq, Eq)]
pub enum Fit {
    /// The image, or those of its manifests.
    Image(Vec<String>),
    /// Some packages in it.
    Packages,
    /// Perhaps the image: a platform or a tag of it that it may not be.
    Perhaps,
    Other,
}

impl Subject<'_> {
    pub(super) fn fit(&self, product: &Component) -> Fit {
        // A hash of a package is none of the image.
        if product.ids().filter_map(Purl::parse).any(|purl| !purl.is_image()) {
            return Fit::Packages;
        }
        if let Some(digest) = product.digest() {
            let is_own = digest == self.digest || self.leaves.contains(&digest);
            let platform = is_own && digest == self.digest && self.leaves.len() > 1 && product.names_platform();
            return match (is_own, platform) {
                (true, false) => Fit::Image(vec![digest]),
                (true, true) => Fit::Perhaps,
                (false, _) => Fit::Other,
            };
        }
        let ids: Vec<&str> = product.ids().filter(|id| !id.is_empty()).collect();
        if ids.is_empty() {
            return if product.parts().is_empty() { Fit::Other } else { Fit::Image(Vec::new()) };
        }
        let fits = ids.into_iter().map(|id| match Purl::parse(id) {
            Some(purl) => self.fit_purl(&purl),
            None => self.fit_reference(id),
        });
        fits.min_by_key(Fit::rank).unwrap_or(Fit::Other)
    }

    fn fit_purl(&self, purl: &Purl) -> Fit {
        let Some(named) = self.names.iter().find(|name| purl.names(name)) else { return Fit::Other };
        let tags = [purl.version.as_deref(), purl.qualifier("tag")].into_iter().flatten();
        let is_unsure = purl.names_platform() && self.leaves.len() > 1;
        let fits = tags.map(|tag| fit_tag(named, tag));
        let fit = fits.max_by_key(Fit::rank).unwrap_or(Fit::Image(Vec::new()));
        if is_unsure && fit != Fit::Other { Fit::Perhaps } else { fit }
    }

    /// A product that is named as a pod names it.
    fn fit_reference(&self, id: &str) -> Fit {
        let image = ImageRef::parse(id);
        match (self.names.iter().find(|name| image.has_repository_of(name)), &image.tag) {
            (None, _) => Fit::Other,
            (Some(_), None) => Fit::Image(Vec::new()),
            (Some(named), Some(tag)) => fit_tag(named, tag),
        }
    }
}

/// What a product with this tag is to an image of the same repository. Where the image is named by its digest alone, it may have the tag.
fn fit_tag(image: &ImageRef<'_>, tag: &str) -> Fit {
    match image.tag.as_deref() {
        None if image.digest.is_some() => Fit::Perhaps,
        own if own.unwrap_or("latest") == tag => Fit::Image(Vec::new()),
        _ => Fit::Other,
    }
}

impl Fit {
    /// Of several names of one product, the one that fits best counts.
    const fn rank(&self) -> u8 {
        match self {
            Self::Image(_) | Self::Packages => 0,
            Self::Perhaps => 1,
            Self::Other => 2,
        }
    }
}

impl Component {
    /// The digest of the image that it is, if it says which.
    fn digest(&self) -> Option<String> {
        self.ids().find_map(digest_in).or_else(|| self.hash().map(|hash| format!("sha256:{hash}")))
    }

    fn names_platform(&self) -> bool {
        self.ids().filter_map(Purl::parse).any(|purl| purl.names_platform())
    }
}

/// The digest in a package URL, in a reference, or in a text that is a digest alone.
fn digest_in(id: &str) -> Option<String> {
    let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex(id) {
        return Some(format!("sha256:{id}"));
    }
    let is_digest = |text: &String| ["sha256:", "sha384:", "sha512:"].iter().any(|start| text.starts_with(start));
    match Purl::parse(id) {
        // It is written as a qualifier, too, though the specification has it as the version.
        Some(purl) if purl.is_image() => {
            let qualifier = purl.qualifier("digest").map(str::to_owned);
            purl.version.filter(is_digest).or_else(|| qualifier.filter(is_digest))
        }
        Some(_) => None,
        None => Some(decoded(id.rsplit_once('@').map_or(id, |(_, behind)| behind))).filter(is_digest),
    }
}

/// A package URL: `pkg:oci/web@sha256:…?repository_url=registry.example.com/shop/web&arch=amd64`.
struct Purl {
    kind: String,
    /// Namespace and name.
    path: String,
    version: Option<String>,
    qualifiers: Vec<(String, String)>,
}

impl Purl {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, path) = path.split_once('/')?;
        let (path, version) = match path.rsplit_once('@') {
            Some((path, version)) => (path, Some(decoded(version)).filter(|version| !version.is_empty())),
            None => (path, None),
        };
        let pairs = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        let qualifiers = pairs.map(|(key, value)| (key.to_ascii_lowercase(), decoded(value))).collect();
        Some(Self { kind: kind.to_ascii_lowercase(), path: decoded(path.trim_end_matches('/')), version, qualifiers })
    }

    fn is_image(&self) -> bool {
        matches!(self.kind.as_str(), "oci" | "docker")
    }

    fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn names_platform(&self) -> bool {
        ["arch", "os"].iter().any(|key| self.qualifier(key).is_some())
    }

    /// Whether it names the repository of this image: all of it, or its last segments where it has no `repository_url`.
    fn names(&self, image: &ImageRef<'_>) -> bool {
        let Some(url) = self.qualifier("repository_url") else {
            let full = format!("{}/{}", image.registry, image.repository);
            return full == self.path || full.strip_suffix(&self.path).is_some_and(|before| before.ends_with('/'));
        };
        let url = url.split_once("://").map_or(url, |(_, behind)| behind).trim_end_matches('/');
        // Tools write the repository with the name of the image, and without it.
        let full = format!("{url}/{}", self.path);
        let has_name = url.ends_with(&format!("/{}", self.path));
        (has_name && ImageRef::parse(url).has_repository_of(image)) || ImageRef::parse(&full).has_repository_of(image)
    }
}

/// The text without percent encoding.
fn decoded(text: &str) -> String {
    let Some((before, rest)) = text.split_once('%') else { return text.to_owned() };
    let mut out = before.as_bytes().to_vec();
    for part in rest.split('%') {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte {
            out.push(byte);
            out.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
        } else {
            out.push(b'%');
            out.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
