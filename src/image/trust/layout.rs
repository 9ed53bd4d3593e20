//! The signatures and attestations in an OCI layout, as `cosign save` and `oras copy` leave them there.
//!
//! A manifest belongs to an image in one of four ways: its `subject` is the image; the tag `sha256-<hex>` names an index of such
//! manifests; the tag `sha256-<hex>.sig` or `.att` names it; or cosign's own annotation calls it the signatures of the only image.

use super::evidence::{Annotations, Content, Evidence, MAX_BLOB, MAX_EVIDENCE, is_evidence};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A layout, read by its owner. What it gives is verified here.
pub trait Layout {
    /// `index.json`.
    fn index(&self) -> Option<Vec<u8>>;
    /// A blob by its digest. None: it is not there, or has more than `limit` bytes.
    fn blob(&self, digest: &str, limit: usize) -> Option<Vec<u8>>;
    /// The digests of blobs that are small enough for a manifest. `cosign save` names those of signatures nowhere else.
    fn small_blobs(&self) -> Vec<String>;
}

/// The largest manifest or index that is read.
pub const MAX_MANIFEST: usize = 4 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifest {
    manifests: Option<Vec<Descriptor>>,
    layers: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Descriptor {
    media_type: String,
    digest: String,
    annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// The tag of an entry in `index.json`.
    fn tag(&self) -> Option<&str> {
        let name = self.annotation("org.opencontainers.image.ref.name")?;
        Some(name.rsplit_once(':').map_or(name, |(_, tag)| tag))
    }
}

/// Finds what is attached to the image with this digest, and to the manifests of its platforms.
#[must_use]
pub fn find(layout: &dyn Layout, digest: &str, leaves: &[String]) -> Vec<Evidence> {
    let mut search = Search { layout, seen: BTreeSet::new(), found: Vec::new() };
    let subjects: Vec<&str> = std::iter::once(digest).chain(leaves.iter().map(String::as_str)).collect();
    let index = layout.index().and_then(|bytes| read(&bytes)).and_then(|index| index.manifests).unwrap_or_default();
    for entry in &index {
        let of_tag = subjects.iter().find(|subject| entry.tag().is_some_and(|tag| is_tag_of(tag, subject)));
        match (of_tag, entry.annotation("kind")) {
            (Some(subject), _) => search.tagged(&entry.digest, subject),
            (None, Some("dev.cosignproject.cosign/sigs" | "dev.cosignproject.cosign/atts")) => {
                search.tagged(&entry.digest, digest);
            }
            _ => search.referrer(&entry.digest, &subjects),
        }
    }
    for blob in layout.small_blobs() {
        search.referrer(&blob, &subjects);
    }
    search.found
}

/// `sha256-<hex>`, `sha256-<hex>.sig` and `sha256-<hex>.att`.
fn is_tag_of(tag: &str, digest: &str) -> bool {
    let tag = tag.strip_suffix(".sig").or_else(|| tag.strip_suffix(".att")).unwrap_or(tag);
    digest.split_once(':').zip(tag.split_once('-')).is_some_and(|(wanted, found)| wanted == found)
}

fn read(bytes: &[u8]) -> Option<Manifest> {
    serde_json::from_slice(bytes).ok()
}

struct Search<'l> {
    layout: &'l dyn Layout,
    seen: BTreeSet<String>,
    found: Vec<Evidence>,
}

impl Search<'_> {
    fn manifest(&self, digest: &str) -> Option<Manifest> {
        let bytes = self.layout.blob(digest, MAX_MANIFEST).filter(|bytes| is_digest_of(digest, bytes))?;
        // Configurations and layers are small, too.
        bytes.iter().find(|byte| !byte.is_ascii_whitespace()).filter(|byte| **byte == b'{')?;
        read(&bytes)
    }

    /// A manifest that says what it is attached to.
    fn referrer(&mut self, digest: &str, subjects: &[&str]) {
        if self.seen.contains(digest) {
            return;
        }
        let Some(manifest) = self.manifest(digest) else { return };
        let Some(subject) = manifest.subject.as_ref().map(|subject| subject.digest.clone()) else { return };
        if subjects.contains(&subject.as_str()) {
            self.take(digest, &manifest, &subject);
        }
    }

    /// A manifest whose tag says what it is attached to, or an index of manifests that say it themselves.
    fn tagged(&mut self, digest: &str, subject: &str) {
        let Some(manifest) = self.manifest(digest) else { return };
        match manifest.manifests {
            Some(entries) => {
                entries.iter().take(MAX_EVIDENCE).for_each(|entry| self.referrer(&entry.digest, &[subject]));
            }
            None => self.take(digest, &manifest, subject),
        }
    }

    /// The layers that sign or attest something.
    fn take(&mut self, digest: &str, manifest: &Manifest, subject: &str) {
        if !self.seen.insert(digest.to_owned()) {
            return;
        }
        for layer in manifest.layers.iter().flatten().filter(|layer| is_evidence(&layer.media_type)) {
            // One more than is judged, so that the verdict says that some are left out.
            if self.found.len() > MAX_EVIDENCE {
                return;
            }
            let blob = self.layout.blob(&layer.digest, MAX_BLOB).filter(|blob| is_digest_of(&layer.digest, blob));
            let content = match blob {
                Some(blob) => {
                    Content::of_layer(&layer.media_type, blob, Annotations::from_layer(|name| layer.annotation(name)))
                }
                None => Some(Content::Missing(
                    "its content is not in the folder, is too large, or has another digest".to_owned(),
                )),
            };
            let (subject, name) = (subject.to_owned(), layer.digest.clone());
            self.found.extend(content.map(|content| Evidence { subject, name, content }));
        }
    }
}

fn is_digest_of(digest: &str, bytes: &[u8]) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let algorithm = match algorithm {
        "sha256" => &aws_lc_rs::digest::SHA256,
        "sha512" => &aws_lc_rs::digest::SHA512,
        _ => return false,
    };
    super::key::hex(aws_lc_rs::digest::digest(algorithm, bytes).as_ref()) == hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::{SHA256, digest};
    use serde_json::{Value, json};

    #[derive(Default)]
    struct Memory {
        blobs: BTreeMap<String, Vec<u8>>,
        index: Vec<Value>,
    }

    impl Memory {
        fn add(&mut self, bytes: &[u8]) -> String {
            let digest = format!("sha256:{}", super::super::key::hex(digest(&SHA256, bytes).as_ref()));
            self.blobs.insert(digest.clone(), bytes.to_vec());
            digest
        }

        /// A manifest with one layer.
        fn manifest(&mut self, subject: Option<&str>, media_type: &str, blob: &str) -> String {
            let layer = self.add(blob.as_bytes());
            let mut manifest = json!({"schemaVersion": 2, "layers": [{"mediaType": media_type, "digest": layer}]});
            if let Some(subject) = subject {
                manifest["subject"] = json!({"digest": subject});
            }
            self.add(manifest.to_string().as_bytes())
        }

        fn found(&self, digest: &str) -> Vec<String> {
            let found = find(self, digest, &[]);
            assert!(found.iter().all(|one| one.subject == digest));
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let content = found.into_iter().map(|one| match one.content {
                Content::Bundle(bytes) | Content::Jws(bytes) => text(bytes),
                Content::SimpleSigning { payload, .. } => text(payload),
                other => format!("{other:?}"),
            });
            content.collect()
        }
    }

    impl Layout for Memory {
        fn index(&self) -> Option<Vec<u8>> {
            Some(json!({"manifests": self.index}).to_string().into_bytes())
        }
        fn blob(&self, digest: &str, limit: usize) -> Option<Vec<u8>> {
            self.blobs.get(digest).filter(|blob| blob.len() <= limit).cloned()
        }
        fn small_blobs(&self) -> Vec<String> {
            self.blobs.keys().cloned().collect()
        }
    }

    const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
    const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

    #[test]
    fn signatures_are_found_wherever_tools_leave_them() {
        let mut layout = Memory::default();
        let image = layout.add(b"{\"layers\":[]}");
        let hex = image.strip_prefix("sha256:").unwrap().to_owned();
        // `cosign save`: no index names it.
        layout.manifest(Some(&image), BUNDLE, "one");
        assert_eq!(layout.found(&image), ["one"]);
        let legacy = layout.manifest(None, SIMPLE, "two");
        assert_eq!(layout.found(&image), ["one"]);
        let tag = |tag: &str, digest: &str| json!({"digest": digest, "annotations": {"org.opencontainers.image.ref.name": tag}});
        layout.index.push(tag(&format!("sha256-{hex}.sig"), &legacy));
        let notation = layout.manifest(Some(&image), "application/jose+json", "three");
        let fallback = layout.add(json!({"manifests": [{"digest": notation}]}).to_string().as_bytes());
        layout.index.push(tag(&format!("sha256-{hex}"), &fallback));
        assert_eq!(layout.found(&image), ["two", "three", "one"]);
        assert!(layout.found(&layout.blobs.keys().next().unwrap().replace('a', "b")).is_empty());
    }

    #[test]
    fn what_belongs_to_another_image_or_has_another_digest_is_none() {
        let mut layout = Memory::default();
        let (image, other) = (layout.add(b"{}"), layout.add(b"{ }"));
        layout.manifest(Some(&other), BUNDLE, "one");
        let sigs = layout.manifest(None, SIMPLE, "two");
        layout.index.push(json!({"digest": sigs, "annotations": {"kind": "dev.cosignproject.cosign/sigs"}}));
        assert_eq!(layout.found(&image), ["two"]);
        layout.blobs.insert(sigs, b"{}".to_vec());
        assert!(layout.found(&image).is_empty());
        let broken = layout.manifest(Some(&image), BUNDLE, "three");
        let manifest = read(&layout.blobs[&broken]).unwrap();
        layout.blobs.remove(&manifest.layers.unwrap()[0].digest);
        assert!(layout.found(&image)[0].starts_with("Missing("));
    }
}
