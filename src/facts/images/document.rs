//! Facts of images in a file: what `podreeve image --facts` writes, for those who judge without the registry.

use super::Images;
use crate::image::known::{ImageAnswer, KnownImage, Reader};
use crate::image::{Digest, ImageFacts};
use crate::reference::ImageRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const API_VERSION: &str = "podreeve.dev/v1alpha1";
const KIND: &str = "ImageFacts";

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageDocument {
    api_version: String,
    kind: String,
    pub images: Vec<ImageEntry>,
}

/// One image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageEntry {
    /// The reference as a pod writes it.
    pub image: String,
    pub digest: Digest,
    pub platforms: Vec<ImageFacts>,
}

impl ImageDocument {
    #[must_use]
    pub fn new(images: Vec<ImageEntry>) -> Self {
        Self { api_version: API_VERSION.to_owned(), kind: KIND.to_owned(), images }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn from_json(json: &str) -> Result<Self, String> {
        // From bytes as in a cluster, so that the program has one reader of facts.
        let document: Self = serde_json::from_slice(json.as_bytes())
            .map_err(|error| format!("{error}; `podreeve image IMAGE --facts FILE` writes such a file"))?;
        if document.api_version != API_VERSION || document.kind != KIND {
            return Err(format!("is no {KIND} of {API_VERSION}; `podreeve image IMAGE --facts FILE` writes one"));
        }
        let bad = document.images.iter().find(|entry| !ImageRef::parse(&entry.image).is_well_formed());
        match bad {
            Some(entry) => {
                let image = crate::text::clean(&entry.image, 200);
                Err(format!("`{image}` is no reference such as registry.example.com/shop/web:1"))
            }
            None => Ok(document),
        }
    }
}

impl Images {
    /// The images of files. Others are no question, and no rule judges them.
    #[must_use]
    pub fn from_documents(documents: impl IntoIterator<Item = ImageDocument>) -> Self {
        let mut all = Self { closed: true, missing: Some(Arc::default()), ..Self::default() };
        for entry in documents.into_iter().flat_map(|document| document.images) {
            let image = KnownImage::new(entry.digest, entry.platforms, Reader::Podreeve);
            all.insert(&ImageRef::parse(&entry.image).full(), ImageAnswer::Known(Arc::new(image)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let entry = |image: &str| ImageEntry {
            image: image.to_owned(),
            digest: Digest::sha256(b"a"),
            platforms: vec![ImageFacts::default()],
        };
        let json = serde_json::to_string(&ImageDocument::new(vec![entry("a:1")])).unwrap();
        let images = Images::from_documents([ImageDocument::from_json(&json).unwrap()]);
        assert!(images.closed && images.get("a:1").is_some() && images.get("b:1").is_none());
        assert_eq!(images.missing(), ["docker.io/library/b:1"]);
        for same in ["library/a:1", "docker.io/a:1", "index.docker.io:443/library/a:1"] {
            assert!(images.get_for("shop", same).is_some(), "{same}");
            let pinned = format!("{same}@{}", Digest::sha256(b"a"));
            assert!(images.get(&pinned).is_some(), "{pinned}");
        }
        assert!(images.get("a").is_none() && images.get("other/a:1").is_none());
        for (bad, says) in [
            (json.replace("v1alpha1", "v2"), "is no ImageFacts"),
            (json.replace("\"a:1\"", "\"a b\""), "`a b` is no reference"),
            (json.replace("\"images\"", "\"image\""), "unknown field"),
            ("[]".to_owned(), "podreeve image IMAGE --facts FILE"),
        ] {
            let error = ImageDocument::from_json(&bad).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
