//! How much memory 10,000 images take that a replica knows, with 157 packages each.

use super::Failure;
use jiff::Timestamp;
use podreeve::cluster::images::object::Owner;
use podreeve::cluster::images::seal::{LENGTH, Sealer};
use podreeve::cluster::images::{ImageService, by_hand};
use podreeve::cluster::item::Item;
use podreeve::image::config::{Config, History, RunConfig};
use podreeve::image::facts::{ContentFacts, LayerFacts, PrivilegedFile};
use podreeve::image::packages::Package;
use podreeve::image::{Descriptor, Digest, ImageFacts, Manifest, OpenedImage, PlatformImage};
use podreeve::observe::metrics::images::ImageMetrics;
use podreeve::reference::ImageRef;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

const IMAGES: u32 = 10_000;
const PACKAGES: u32 = 157;

/// Prints a line.
///
/// # Errors
/// /proc does not say how much memory is in use.
pub fn measure() -> Result<(), Failure> {
    let service = Arc::new(ImageService::new(Arc::new(ImageMetrics::new(&prometheus::Registry::new())?)));
    let key = [7; LENGTH];
    let owner = Owner::new(Sealer::new(&key).ok_or("a key")?, None);
    let learn = |number: u32| -> Result<(), Failure> {
        let image = opened(number);
        let name = format!("registry.example.com/team-{}/app-{number}:1.{number}", number % 50);
        let facts = [facts(number)];
        let object = by_hand::object(&image, &facts, &ImageRef::parse(&name), Vec::new(), &key, Timestamp::now())?;
        let item: Item = serde_json::from_str(&object)?;
        Ok(service.learn(&item, &owner, false)?)
    };
    learn(0)?;
    let before = resident()?;
    for number in 1..=IMAGES {
        learn(number)?;
    }
    let memory = resident()?.saturating_sub(before);
    let (name, bar) = ("10,000 images known, with 157 packages each", "memory 40 MB");
    println!("{name:44} {:>9} {:>9} {memory:>7} kB {bar:>24}", "", "");
    Ok(())
}

/// The resident set in kB.
fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("/proc/self/status has no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

/// Ten layers, of which the first ones are those of one of twenty bases.
fn layers(number: u32) -> Vec<String> {
    (0..10)
        .map(|layer| if layer < 6 { format!("base {} {layer}", number % 20) } else { format!("own {number} {layer}") })
        .collect()
}

fn opened(number: u32) -> OpenedImage {
    let stored = layers(number);
    let descriptor =
        |text: &String| Descriptor::new("application/vnd.oci.image.layer.v1.tar+gzip", digest(text), 1_000_000);
    let manifest = Manifest {
        media_type: String::new(),
        artifact_type: None,
        config: Descriptor::new("", digest(&format!("config {number}")), 4000),
        layers: stored.iter().map(descriptor).collect(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    let mut config = Config::default();
    config.rootfs.diff_ids = stored.iter().map(|layer| digest(&format!("diff {layer}"))).collect();
    let platform = PlatformImage {
        platform: "linux/amd64".parse().unwrap_or_default(),
        digest: digest(&format!("image {number}")),
        manifest,
        config,
    };
    OpenedImage { name: None, digest: platform.digest.clone(), platforms: vec![platform], absent: Vec::new() }
}

fn facts(number: u32) -> ImageFacts {
    let layer = |name: &String| LayerFacts {
        digest: digest(name),
        diff_id: digest(&format!("diff {name}")),
        size: 1_000_000,
        created_by: None,
        added: None,
    };
    let package = |at: u32| {
        // Most packages are those of the base.
        let of = if at < 120 { number % 20 } else { number };
        let name = format!(
            "lib{}-{}",
            ["ssl", "c", "xml", "curl", "gnutls", "perl", "pam"][(at % 7) as usize],
            of.wrapping_mul(31).wrapping_add(at) % 4000
        );
        Package { name, version: format!("{}.{}.{}-{}+deb12u{}", of % 9, at % 30, of % 7, at % 5, of % 4) }
    };
    let step = |at: u32| History {
        created_by: format!(
            "RUN /bin/sh -c apt-get update && apt-get install -y package-{} # buildkit {}",
            at + number % 20,
            number % 500
        ),
        empty_layer: at.is_multiple_of(2),
    };
    let privileged = |name: &str| PrivilegedFile {
        path: format!("usr/bin/{name}"),
        layer: 0,
        mode: "4755".to_owned(),
        setuid: true,
        setgid: false,
        capabilities: None,
    };
    ImageFacts {
        platform: "linux/amd64".parse().unwrap_or_default(),
        created: Timestamp::from_second(1_700_000_000 + i64::from(number)).ok(),
        run: RunConfig {
            user: "1000".to_owned(),
            env: vec![
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
                format!("APP=app-{number}"),
            ],
            entrypoint: vec![format!("/app/run-{number}")],
            ..RunConfig::default()
        },
        history: (0..16).map(step).collect(),
        layers: layers(number).iter().map(layer).collect(),
        content: Some(ContentFacts {
            packages: (0..PACKAGES).map(package).collect(),
            privileged_files: ["su", "mount", "passwd", "chsh"].map(privileged).to_vec(),
            ..ContentFacts::default()
        }),
        ..ImageFacts::default()
    }
}
