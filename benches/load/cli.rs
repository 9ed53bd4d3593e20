//! `podreeve check` on many manifests, and how long a command takes to start.

use super::client::Failure;
use super::folder::{self as image_folder, Stored};
use super::process::Program;
use super::{Table, bodies, quartiles};
use podreeve::manifest::to_yaml;
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MANIFESTS: usize = 10_000;
/// Bytes of a manifest, so that all together have 300 MB.
const BYTES: usize = 30_000;
/// The name of the image that is judged.
const IMAGE: &str = "registry.example.com/shop/web:1";

pub fn report(podreeve: &Program, quick: bool, table: &mut Table) -> Result<(), Failure> {
    let Program::Podreeve(podreeve) = podreeve else { return Ok(()) };
    start(podreeve, quick, table)?;
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("manifests"));
    let count = if quick { MANIFESTS / 5 } else { MANIFESTS };
    let tenth = folder.write("tenth", count / 10)?;
    let all = folder.write("all", count)?;
    let small = check(podreeve, &tenth)?;
    let large = check(podreeve, &all)?;
    let (seconds, megabytes) = (large.taken.as_secs_f64(), count * BYTES / 1_000_000);
    let bar = 10.0 * count as f64 / MANIFESTS as f64;
    table.row(
        &format!("check of {count} manifests, {megabytes} MB"),
        &format!("{seconds:.1} s"),
        Some((format!("{bar} s"), seconds <= bar)),
        &format!("two cores, {:.1} s of CPU, to a pipe; {}", large.cpu.as_secs_f64(), large.last_line),
    );
    let growth = large.peak as f64 / small.peak as f64;
    table.row(
        "its peak memory against a tenth of them",
        &format!("x{growth:.2}"),
        Some(("x1.25".to_owned(), growth <= 1.25)),
        &format!("{:.1} MiB against {:.1}", large.peak as f64 / 1024.0, small.peak as f64 / 1024.0),
    );
    Ok(())
}

/// What people run, once each and on little: what a command never ran is laid out as code that never runs, page after page of it.
pub fn train(podreeve: &Program) -> Result<(), Failure> {
    let Program::Podreeve(podreeve) = podreeve else { return Ok(()) };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("train"));
    image_folder::make(&folder.0.join("image"), &[Stored::Gzip, Stored::Zstd], 1_000_000)?;
    let (image, manifests, signed) =
        (folder.0.join("image"), root.join("tests/addons"), root.join("tests/trust/bundle"));
    let (pod, facts) = (folder.0.join("pod.json"), folder.0.join("facts.json"));
    let container = json!({"name": "web", "image": IMAGE});
    let object =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container]}});
    std::fs::write(&pod, object.to_string())?;
    let facts = facts.to_str().ok_or("a path that is no text")?;
    let commands: [(&[&str], Option<&Path>); 8] = [
        (&["version"], None),
        (&["--help"], None),
        (&["node"], None),
        (&["check", "--no-config"], Some(&manifests)),
        (&["image"], Some(&image)),
        (&["image"], Some(&signed)),
        (&["image", "--as", IMAGE, "--facts", facts], Some(&image)),
        (&["check", "--no-config", "--image-facts", facts], Some(&pod)),
    ];
    for (arguments, path) in commands {
        let status =
            Command::new(podreeve).args(arguments).args(path).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        // Whatever it finds.
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(format!("podreeve {} ended with {status}", arguments.join(" ")).into());
        }
    }
    Ok(())
}

/// From exec to exit.
fn start(podreeve: &Path, quick: bool, table: &mut Table) -> Result<(), Failure> {
    for argument in ["version", "--help"] {
        let mut taken = Vec::new();
        for _ in 0..if quick { 10 } else { 50 } {
            let start = Instant::now();
            let status = Command::new(podreeve).arg(argument).stdout(Stdio::null()).status()?;
            taken.push(start.elapsed().as_secs_f64() * 1e3);
            if !status.success() {
                return Err(format!("podreeve {argument} ended with {status}").into());
            }
        }
        let [low, middle, high] = quartiles(&taken);
        table.row(
            &format!("podreeve {argument}"),
            &format!("{middle:.1} ms"),
            Some(("10 ms".to_owned(), middle <= 10.0)),
            &format!("{low:.1} to {high:.1} from exec to exit"),
        );
    }
    Ok(())
}

/// What a run took.
struct Run {
    taken: Duration,
    cpu: Duration,
    /// Resident memory in KiB.
    peak: u64,
    last_line: String,
}

fn check(podreeve: &Path, folder: &Path) -> Result<Run, Failure> {
    let mut command = two_cores(podreeve);
    command.args(["check", "--no-config"]).arg(folder);
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let id = child.id();
    let output = child.stdout.take().ok_or("no output")?;
    let reader = std::thread::spawn(move || std::io::read_to_string(output));
    let (mut peak, mut cpu) = (0, Duration::ZERO);
    let status = loop {
        // The kernel has the peak as long as the process is there.
        if let Some((now, used)) = usage(id) {
            (peak, cpu) = (peak.max(now), cpu.max(used));
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let taken = start.elapsed();
    let text = reader.join().map_err(|_| "the output cannot be read")??;
    // One in four is bad.
    if status.code() != Some(1) {
        return Err(format!("podreeve check ended with {status}: {text:.1000}").into());
    }
    Ok(Run { taken, cpu, peak, last_line: text.lines().last().unwrap_or_default().to_owned() })
}

/// The program on two cores, whatever this bench is kept on.
fn two_cores(podreeve: &Path) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_taskset {
        return Command::new(podreeve);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0,1"]).arg(podreeve);
    command
}

/// Peak memory in KiB and CPU time of a process.
fn usage(id: u32) -> Option<(u64, Duration)> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak = peak.split_whitespace().next()?.parse().ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n)?.parse::<u64>().ok();
    Some((peak, Duration::from_millis((ticks(11)? + ticks(12)?) * 10)))
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    /// Manifests as people keep them: a workload, clean in three of four files, and a ConfigMap.
    fn write(&self, name: &str, count: usize) -> Result<PathBuf, Failure> {
        let folder = self.0.join(name);
        std::fs::create_dir_all(&folder)?;
        let workloads = [bodies::deployment_manifest(), bodies::bad_pod_manifest()].map(|object| to_yaml(&object));
        let [clean, bad] = &workloads;
        for number in 0..count {
            let mut text = if number % 4 == 3 { bad.clone() } else { clean.clone() };
            let _ = write!(text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{number}\ndata:\n");
            for line in 0.. {
                if text.len() >= BYTES {
                    break;
                }
                let _ = writeln!(
                    text,
                    "  server-{line}.conf: \"listen {line}; root /srv/{number}/{line}; # served to {line}\""
                );
            }
            std::fs::write(folder.join(format!("{number}.yaml")), text)?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
