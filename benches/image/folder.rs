//! An image in a folder, as an OCI layout, with layers of any size.
#![allow(dead_code, reason = "each bench uses its own part")]

use aws_lc_rs::digest::{Context, SHA256};
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufWriter, Error, Write};
use std::path::Path;

/// How a layer is compressed.
#[derive(Clone, Copy)]
pub enum Stored {
    Gzip,
    Zstd,
}

/// Makes the folder of an OCI layout with layers that have so many bytes together, and returns how many they have.
pub fn make(folder: &Path, layers: &[Stored], bytes: u64) -> Result<u64, Error> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let (mut descriptors, mut diff_ids, mut size) = (Vec::new(), Vec::new(), 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for (number, stored) in layers.iter().enumerate() {
        let layer = match stored {
            Stored::Gzip => gzip_layer,
            Stored::Zstd => zstd_layer,
        };
        let (descriptor, diff_id) = layer(&blobs, number, bytes / layers.len() as u64, &mut random)?;
        size += descriptor["size"].as_u64().unwrap_or_default();
        descriptors.push(descriptor);
        diff_ids.push(diff_id);
    }
    let config =
        json!({"os": "linux", "architecture": "amd64", "config": {"User": "1000"}, "rootfs": {"diff_ids": diff_ids}});
    let config = blob(&blobs, &config)?;
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": descriptors});
    let manifest = blob(&blobs, &manifest)?;
    fs::write(folder.join("index.json"), json!({"schemaVersion": 2, "manifests": [manifest]}).to_string())?;
    Ok(size)
}

fn blob(blobs: &Path, json: &Value) -> Result<Value, Error> {
    let bytes = json.to_string().into_bytes();
    let mut hash = Context::new(&SHA256);
    hash.update(&bytes);
    let hex = hex(hash);
    fs::write(blobs.join(&hex), &bytes)?;
    Ok(json!({"digest": format!("sha256:{hex}"), "size": bytes.len()}))
}

fn hex(hash: Context) -> String {
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts and hashes what is written.
struct Hashing<W> {
    inner: W,
    hash: Context,
    count: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.inner.flush()
    }
}

/// A layer of files of 20 kB, half text and half data that gzip does not shrink much, as programs are.
fn gzip_layer(blobs: &Path, layer: usize, stored: u64, random: &mut u64) -> Result<(Value, String), Error> {
    let path = blobs.join("new");
    let file = Hashing { inner: BufWriter::new(File::create(&path)?), hash: Context::new(&SHA256), count: 0 };
    let mut archive =
        Hashing { inner: GzEncoder::new(file, Compression::fast()), hash: Context::new(&SHA256), count: 0 };
    let mut number = 0;
    while archive.inner.get_ref().count < stored {
        write_file(&mut archive, layer, number, random)?;
        number += 1;
    }
    archive.write_all(&[0; 1024])?;
    let diff_id = hex(archive.hash);
    let mut stored = archive.inner.finish()?;
    stored.flush()?;
    let digest = hex(stored.hash);
    fs::rename(path, blobs.join(&digest))?;
    let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    let descriptor = json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": stored.count});
    Ok((descriptor, format!("sha256:{diff_id}")))
}

fn zstd_layer(blobs: &Path, layer: usize, stored: u64, random: &mut u64) -> Result<(Value, String), Error> {
    let mut archive = Hashing { inner: Vec::new(), hash: Context::new(&SHA256), count: 0 };
    let mut number = 0;
    while archive.count < stored {
        write_file(&mut archive, layer, number, random)?;
        number += 1;
    }
    archive.write_all(&[0; 1024])?;
    let bytes = compress_to_vec(archive.inner.as_slice(), CompressionLevel::Fastest);
    let mut hash = Context::new(&SHA256);
    hash.update(&bytes);
    let digest = hex(hash);
    fs::write(blobs.join(&digest), &bytes)?;
    let media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
    let descriptor = json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()});
    Ok((descriptor, format!("sha256:{}", hex(archive.hash))))
}

fn write_file(archive: &mut impl Write, layer: usize, number: u64, random: &mut u64) -> Result<(), Error> {
    let mut content = Vec::with_capacity(20_480);
    while content.len() < 20_480 {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        if content.len() < 10_240 {
            content.extend_from_slice(&random.to_le_bytes());
        } else {
            content.extend_from_slice(format!("the word {} of a text\n", *random % 1000).as_bytes());
        }
    }
    content.truncate(20_480);
    archive.write_all(&header(&format!("usr/share/{layer}/{}/file-{number}", number / 100), content.len()))?;
    archive.write_all(&content)
}

/// The header of a file in a tar archive.
fn header(path: &str, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, path);
    put(100, "0000644");
    put(124, &format!("{size:011o}"));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
