//! What a VEX document calls a product: whether it is the image for which the document was attested, or a package in it.
//!
//! A document may list all products of a company and be attested for each of them. So a name that is not that of the image is another
//! product, whatever it may be.

use super::Component;
use super::purl::{Purl, decoded};
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
    /// Of several names of one product, the one that fits worst counts where it excludes, and else the one that fits best: in doubt
    /// the vulnerability stays.
    pub(super) fn fit(&self, product: &Component, excludes: bool) -> Fit {
        let (mut by_digest, mut by_name) = (Vec::new(), Vec::new());
        let names_platform = product.names_platform();
        for id in product.ids().filter(|id| !id.is_empty()) {
            let purl = Purl::parse(id);
            let digest = digest_in(id, purl.as_ref());
            let (fits, fit) = match (digest, &purl) {
                (Some(digest), _) => (&mut by_digest, Some(self.fit_digest(digest, names_platform))),
                (None, Some(purl)) if !purl.is_image() => (&mut by_name, Some(Fit::Packages)),
                (None, Some(purl)) => (&mut by_name, Some(self.fit_purl(purl))),
                (None, None) => (&mut by_name, self.fit_reference(id)),
            };
            let is_ambiguous = purl.is_some_and(|purl| purl.is_image() && purl.is_ambiguous());
            fits.extend(fit.map(|fit| if is_ambiguous && fit != Fit::Other { Fit::Perhaps } else { fit }));
        }
        let is_package = by_name.contains(&Fit::Packages);
        // A hash of a package is none of the image.
        if let Some(hash) = product.hash().filter(|_| !is_package) {
            by_digest.push(self.fit_digest(hash, names_platform));
        }
        if by_digest.is_empty() && by_name.is_empty() {
            return match (product.is_nameless(), product.has_other_names()) {
                _ if product.parts().is_empty() => Fit::Other,
                (true, false) => Fit::Image(Vec::new()),
                (true, true) => Fit::Perhaps,
                (false, _) => Fit::Other,
            };
        }
        // A digest says which image it is, whatever its names are.
        let by_digest_alone = excludes && !is_package && !by_digest.is_empty();
        let fits = by_digest.into_iter().chain(by_name.into_iter().filter(|_| !by_digest_alone));
        let fit = if excludes { fits.max_by_key(Fit::rank) } else { fits.min_by_key(Fit::rank) };
        match fit {
            Some(Fit::Image(_)) if is_package => Fit::Packages,
            fit => fit.unwrap_or(Fit::Other),
        }
    }

    fn fit_digest(&self, digest: String, names_platform: bool) -> Fit {
        if digest == self.digest && self.leaves.len() > 1 && names_platform {
            Fit::Perhaps
        } else if digest == self.digest || self.leaves.contains(&digest) {
            Fit::Image(vec![digest])
        } else {
            Fit::Other
        }
    }

    fn fit_purl(&self, purl: &Purl) -> Fit {
        let (url, tag) = repository_of(purl).unzip();
        let Some(named) = self.names.iter().find(|name| is_in_repository(purl, url, name)) else { return Fit::Other };
        let tags = [purl.version.as_deref(), purl.qualifier("tag"), tag.flatten()].into_iter().flatten();
        let is_unsure = purl.names_platform() && self.leaves.len() > 1;
        let fits = tags.map(|tag| fit_tag(named, tag));
        let fit = fits.max_by_key(Fit::rank).unwrap_or(Fit::Image(Vec::new()));
        if is_unsure && fit != Fit::Other { Fit::Perhaps } else { fit }
    }

    /// A product that is named as a pod names it. None: it need not be the name of an image.
    fn fit_reference(&self, id: &str) -> Option<Fit> {
        let (scheme, id) = id.split_once("://").map_or((None, id), |(scheme, rest)| (Some(scheme), rest));
        let image = ImageRef::parse(id);
        let Some(named) = self.names.iter().find(|name| image.has_repository_of(name)) else {
            let has_host = image.registry != "docker.io" || id.starts_with("docker.io/");
            let is_image = scheme.map_or(has_host, |scheme| matches!(scheme, "oci" | "docker"));
            return (is_image && image.is_well_formed()).then_some(Fit::Other);
        };
        Some(match &image.tag {
            // A digest that can be read was looked at before.
            _ if image.digest.is_some() => Fit::Other,
            None => Fit::Image(Vec::new()),
            Some(tag) => fit_tag(named, tag),
        })
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
    /// How badly it fits.
    const fn rank(&self) -> u8 {
        match self {
            Self::Image(_) | Self::Packages => 0,
            Self::Perhaps => 1,
            Self::Other => 2,
        }
    }
}

impl Component {
    fn names_platform(&self) -> bool {
        self.ids().filter_map(Purl::parse).any(|purl| purl.names_platform())
    }
}

/// The digest in a package URL, in a reference, or in a text that is a digest alone.
fn digest_in(id: &str, purl: Option<&Purl>) -> Option<String> {
    let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex(id) {
        return Some(format!("sha256:{}", id.to_ascii_lowercase()));
    }
    let as_digest = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["sha256:", "sha384:", "sha512:"].iter().any(|start| text.starts_with(start)).then_some(text)
    };
    let Some(purl) = purl else {
        return as_digest(&decoded(id.rsplit_once('@').map_or(id, |(_, behind)| behind)));
    };
    // It is written as a qualifier, too, though the specification has it as the version.
    let written = [purl.version.as_deref(), purl.qualifier("digest"), purl.qualifier("checksum")];
    if purl.is_image() { written.into_iter().flatten().find_map(as_digest) } else { None }
}

/// The repository that a package URL names, and the tag behind it.
fn repository_of(purl: &Purl) -> Option<(&str, Option<&str>)> {
    let url = purl.qualifier("repository_url")?;
    let url = url.split_once("://").map_or(url, |(_, behind)| behind).trim_end_matches('/');
    let name = url.rfind('/').unwrap_or(url.len());
    Some(match url[name..].find([':', '@']) {
        Some(at) => (&url[..name + at], Some(&url[name + at + 1..])),
        None => (url, None),
    })
}

/// Whether it names the repository of this image: all of it, or its last segments where it has no `repository_url`.
fn is_in_repository(purl: &Purl, url: Option<&str>, image: &ImageRef<'_>) -> bool {
    let Some(url) = url else {
        let full = format!("{}/{}", image.registry, image.repository);
        return full == purl.path || full.strip_suffix(&purl.path).is_some_and(|before| before.ends_with('/'));
    };
    // Tools write the repository with the name of the image, and without it.
    let full = format!("{url}/{}", purl.path);
    let has_name = url.ends_with(&format!("/{}", purl.path));
    (has_name && ImageRef::parse(url).has_repository_of(image)) || ImageRef::parse(&full).has_repository_of(image)
}
