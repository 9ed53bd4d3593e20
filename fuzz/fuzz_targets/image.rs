//! Manifests, configurations, archives, layers, package databases and keys from strangers: no panic, and no more work than the
//! limits allow.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::image::archive::Archive;
use podreeve::image::config::Config;
use podreeve::image::layer::scan;
use podreeve::image::packages::{apk, dpkg, rpm};
use podreeve::image::secrets::{KeySearch, named};
use podreeve::image::{Descriptor, Digest, Document, Wanted, open, read};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 8 {
        0 => drop(Document::parse(bytes, "")),
        1 => drop(Config::parse(bytes)),
        2 => layer(&with_checksums(bytes)),
        // Compressed, or no archive at all.
        3 => layer(bytes),
        4 => archive(&with_checksums(bytes)),
        5 => drop(rpm::packages(bytes)),
        6 => {
            let text = String::from_utf8_lossy(bytes);
            drop((dpkg(&text), apk(&text)));
            for path in [".npmrc", ".docker/config.json", ".git-credentials", ".kube/config", ".netrc", ".m2/settings.xml"] {
                let _ = named(path).and_then(|file| file.find(bytes));
            }
        }
        _ => keys(bytes),
    }
});

/// The archive with right checksums in all blocks, so that headers are read.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut archive = bytes.to_vec();
    archive.resize(bytes.len().next_multiple_of(512), 0);
    for block in archive.chunks_mut(512).filter(|block| block.iter().any(|byte| *byte != 0)) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    archive
}

fn layer(bytes: &[u8]) {
    let digest = Digest::sha256(bytes);
    let _ = scan(&mut &*bytes, &Descriptor::new("", digest.clone(), 0), &digest);
}

fn archive(bytes: &[u8]) {
    let mut source = Archive::new(Box::new(|| Ok(Box::new(bytes))));
    if let Ok(image) = open(&mut source, &Wanted::default()) {
        let _ = read(&mut source, &image, &mut |_| {});
    }
}

/// The same key is found, however the file is cut.
fn keys(bytes: &[u8]) {
    let search = |part: usize| {
        let mut search = KeySearch::default();
        bytes.chunks(part).for_each(|part| search.update(part));
        search.finish()
    };
    assert_eq!(search(bytes.len().max(1)), search(7));
}
