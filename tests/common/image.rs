//! Builds small images in memory: layers, configurations, layouts and archives of `docker save`.

#![allow(dead_code)]

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// A tar archive in the making.
#[derive(Default)]
pub struct Tar(Vec<u8>);

impl Tar {
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with_mode(path, 0o644, content)
    }

    pub fn program(self, path: &str) -> Self {
        self.file_with_mode(path, 0o755, "#!/bin/sh\n")
    }

    pub fn file_with_mode(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', path, "", mode, content.as_ref())
    }

    pub fn folder(self, path: &str) -> Self {
        self.entry(b'5', path, "", 0o755, b"")
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, 0o777, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, 0o755, b"")
    }

    /// A PAX header for the next entry.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            data.extend(format!("{length} {key}=").into_bytes());
            data.extend(*value);
            data.push(b'\n');
        }
        self.entry(b'x', "pax", "", 0o644, &data)
    }

    /// GNU's header for a long name (`L`) or a long target (`K`) of the next entry.
    pub fn gnu_long(self, kind: u8, name: &str) -> Self {
        self.entry(kind, "././@LongLink", "", 0o644, format!("{name}\0").as_bytes())
    }

    pub fn entry(self, kind: u8, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        self.changed(kind, path, link, mode, content, |_| {})
    }

    /// An entry whose header is changed before its checksum is made.
    pub fn changed(
        mut self,
        kind: u8,
        path: &str,
        link: &str,
        mode: u32,
        content: &[u8],
        change: impl FnOnce(&mut [u8; 512]),
    ) -> Self {
        let mut header = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, path.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{:011o}", content.len()).as_bytes());
        put(136, b"00000000000");
        put(156, &[kind]);
        put(157, link.as_bytes());
        put(257, b"ustar\x0000");
        change(&mut header);
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(header);
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// The archive with its end.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("written")
}

pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// An image of one platform.
#[derive(Default)]
pub struct Image {
    layers: Vec<Vec<u8>>,
    config: Value,
}

impl Image {
    /// `run` are the fields of `config`: `User`, `Env` and so on.
    pub fn new(architecture: &str, run: &Value) -> Self {
        let config = json!({"os": "linux", "architecture": architecture, "created": "2026-11-01T00:00:00Z", "config": run, "history": []});
        Self { layers: Vec::new(), config }
    }

    pub fn created(mut self, time: &str) -> Self {
        self.config["created"] = json!(time);
        self
    }

    pub fn layer(self, created_by: &str, layer: Tar) -> Self {
        self.raw_layer(created_by, layer.end())
    }

    pub fn raw_layer(mut self, created_by: &str, layer: Vec<u8>) -> Self {
        self.layers.push(layer);
        self.step(json!({"created_by": created_by}))
    }

    /// A step of the build without a layer.
    pub fn empty_step(self, created_by: &str) -> Self {
        self.step(json!({"created_by": created_by, "empty_layer": true}))
    }

    fn step(mut self, step: Value) -> Self {
        self.config["history"].as_array_mut().expect("a list").push(step);
        self
    }

    pub fn config(&self) -> Vec<u8> {
        let mut config = self.config.clone();
        let diff_ids: Vec<String> = self.layers.iter().map(|layer| sha256(layer)).collect();
        config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        config.to_string().into_bytes()
    }

    /// As `docker save` of an old Docker writes it.
    pub fn docker_save(&self, tag: &str) -> Vec<u8> {
        let config = self.config();
        let config_name = format!("{}.json", &sha256(&config)[7..]);
        let mut tar = Tar::default();
        let mut names = Vec::new();
        for layer in &self.layers {
            let name = format!("{}/layer.tar", &sha256(layer)[7..39]);
            tar = tar.file(&name, layer);
            names.push(name);
        }
        let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]);
        tar.file(&config_name, config).file("manifest.json", manifest.to_string()).end()
    }
}

/// The files of an OCI layout.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A layout with one image of several platforms; without an index where there is one.
pub fn layout(tag: &str, images: &[Image]) -> Files {
    let mut files = Files::new();
    let manifests: Vec<Value> = images.iter().map(|image| manifest(&mut files, image)).collect();
    let mut root = if let [only] = manifests.as_slice() {
        only.clone()
    } else {
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests});
        blob(&mut files, media_type, index.to_string().as_bytes())
    };
    root["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    files.insert("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    files.insert("index.json".to_owned(), json!({"schemaVersion": 2, "manifests": [root]}).to_string().into_bytes());
    files
}

fn manifest(files: &mut Files, image: &Image) -> Value {
    let config = blob(files, "application/vnd.oci.image.config.v1+json", &image.config());
    let layers: Vec<Value> = image
        .layers
        .iter()
        .map(|layer| blob(files, "application/vnd.oci.image.layer.v1.tar+gzip", &gzip(layer)))
        .collect();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let json = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
    let mut descriptor = blob(files, media_type, json.to_string().as_bytes());
    descriptor["platform"] = json!({"os": image.config["os"], "architecture": image.config["architecture"]});
    descriptor
}

fn blob(files: &mut Files, media_type: &str, bytes: &[u8]) -> Value {
    let digest = sha256(bytes);
    files.insert(format!("blobs/{}", digest.replace(':', "/")), bytes.to_vec());
    json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
}

/// The layout as an archive.
pub fn as_tar(files: &Files) -> Vec<u8> {
    files.iter().fold(Tar::default(), |tar, (path, bytes)| tar.file(path, bytes)).end()
}

/// The layout as a folder.
pub fn write(files: &Files, folder: &std::path::Path) {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(path, bytes).expect("written");
    }
}
