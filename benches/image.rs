//! `make bench`: what reading an image costs, and how much memory the images of a large cluster take. It makes a layer of 236 MB in gzip, and an image of 170 MB in eight layers, and runs
//! `podreeve image` on each. It is a report: whatever the figures say, it exits 0.

#[path = "image/known.rs"]
mod known;

use aws_lc_rs::digest::{Context, SHA256};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufWriter, Error, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        return Ok(()); // `cargo test --all-targets` runs benches too
    }
    let given = args.iter().skip_while(|arg| *arg != "--podreeve").nth(1).map(PathBuf::from);
    let podreeve = given.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_podreeve")));
    println!("\n{:44} {:>9} {:>9} {:>10} {:>24}", "image", "CPU", "time", "memory", "bar");
    if args.iter().any(|arg| arg == "--known") {
        return known::measure(); // what needs no file of 236 MB
    }
    for (name, layers, stored, bar) in [
        ("one layer of 236 MB in gzip", 1, 236_000_000, "CPU 2 s, memory 10 MB"),
        ("an OCI folder of 170 MB in eight layers", 8, 170_000_000, "time 3 s"),
    ] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("image-{layers}"));
        let _ = fs::remove_dir_all(&folder);
        let size = make(&folder, layers, stored)?;
        let Cost { cpu, time, memory } = run(&podreeve, &folder)?;
        let (cpu, time) = (cpu.as_secs_f64(), time.as_secs_f64());
        println!("{name:44} {cpu:>7.2} s {time:>7.2} s {memory:>7} kB {bar:>24}   ({} MB)", size / 1_000_000);
        fs::remove_dir_all(&folder)?;
    }
    known::measure()
}

struct Cost {
    cpu: Duration,
    time: Duration,
    /// The peak of the resident set in kB.
    memory: u64,
}

fn run(podreeve: &Path, folder: &Path) -> Result<Cost, Failure> {
    let before = cpu_of_children()?;
    let start = Instant::now();
    let mut child = Command::new(podreeve).arg("image").arg(folder).stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let exit = loop {
        if let Some(exit) = child.try_wait()? {
            break exit;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|peak| peak.split_whitespace().next());
        memory = peak.and_then(|peak| peak.parse().ok()).unwrap_or(0).max(memory);
        std::thread::sleep(Duration::from_millis(2));
    };
    if exit.code() != Some(0) {
        return Err(format!("podreeve image ended with {exit}").into());
    }
    Ok(Cost { cpu: cpu_of_children()?.saturating_sub(before), time: start.elapsed(), memory })
}

/// The CPU time of children that have ended.
fn cpu_of_children() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [13, 14].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    // Linux counts in hundredths of a second.
    Ok(Duration::from_millis(ticks * 10))
}

/// Makes the folder of an OCI layout, and returns the bytes of its layers.
fn make(folder: &Path, layers: u64, stored: u64) -> Result<u64, Failure> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let (mut descriptors, mut diff_ids, mut size) = (Vec::new(), Vec::new(), 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for layer in 0..layers {
        let (descriptor, diff_id) = layer_of(&blobs, layer, stored / layers, &mut random)?;
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

fn blob(blobs: &Path, json: &Value) -> Result<Value, Failure> {
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
fn layer_of(blobs: &Path, layer: u64, stored: u64, random: &mut u64) -> Result<(Value, String), Failure> {
    let path = blobs.join("new");
    let file = Hashing { inner: BufWriter::new(File::create(&path)?), hash: Context::new(&SHA256), count: 0 };
    let mut archive =
        Hashing { inner: GzEncoder::new(file, Compression::fast()), hash: Context::new(&SHA256), count: 0 };
    let mut number = 0;
    while archive.inner.get_ref().count < stored {
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
        archive.write_all(&content)?;
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
