//! `make bench`: what reading an image costs, and how much memory the images of a large cluster take. It makes a layer of 236 MB in
//! gzip, and an image of 170 MB in eight layers, and runs `podreeve image` on each. It is a report: whatever the figures say, it exits 0.

#[path = "image/folder.rs"]
mod folder;
#[path = "image/known.rs"]
mod known;

use folder::Stored;
use std::fs;
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
    read_from_disk(&podreeve)?;
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
        let size = folder::make(&folder, &vec![Stored::Gzip; layers], stored)?;
        let Cost { cpu, time, memory, own } = run(&podreeve, &folder)?;
        let (cpu, time) = (cpu.as_secs_f64(), time.as_secs_f64());
        println!(
            "{name:44} {cpu:>7.2} s {time:>7.2} s {memory:>7} kB {bar:>24}   ({} MB, {own} kB its own)",
            size / 1_000_000
        );
        fs::remove_dir_all(&folder)?;
    }
    known::measure()
}

struct Cost {
    cpu: Duration,
    time: Duration,
    /// The peak of the resident set in kB.
    memory: u64,
    /// Of these at most what is no page of the program, which the kernel takes away when it needs room.
    own: u64,
}

/// Has the kernel read the program again. What `cp` has just written stands in larger pieces, and up to 1.5 MB more of it counts as
/// the process's (seen on Linux 6.18), until a restart of the machine.
fn read_from_disk(program: &Path) -> Result<(), Failure> {
    let file = fs::File::open(program)?;
    file.sync_all()?;
    Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?)
}

fn run(podreeve: &Path, folder: &Path) -> Result<Cost, Failure> {
    let before = cpu_of_children()?;
    let start = Instant::now();
    let mut child = Command::new(podreeve).arg("image").arg(folder).stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let (mut memory, mut own) = (0, 0);
    let exit = loop {
        if let Some(exit) = child.try_wait()? {
            break exit;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = |key: &str| -> u64 {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
            value.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        (memory, own) = (memory.max(kilobytes("VmHWM:")), own.max(kilobytes("RssAnon:")));
        std::thread::sleep(Duration::from_millis(2));
    };
    if exit.code() != Some(0) {
        return Err(format!("podreeve image ended with {exit}").into());
    }
    Ok(Cost { cpu: cpu_of_children()?.saturating_sub(before), time: start.elapsed(), memory, own })
}

/// The CPU time of children that have ended.
fn cpu_of_children() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [13, 14].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    // Linux counts in hundredths of a second.
    Ok(Duration::from_millis(ticks * 10))
}
