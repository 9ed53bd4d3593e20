//! `make bench`: what a request costs, against a webhook of the same libraries that only reads the body.
//!
//! Both servers run side by side on loopback and are loaded in turn, A/B/A/B, so that what else the
//! machine does falls on both. Cost is the server's own CPU time. It is a report: whatever the figures
//! say, it exits 0; it fails only when an answer is wrong.

#![allow(clippy::cast_precision_loss, reason = "times and sizes are far below 2^52")]

#[path = "load/baseline.rs"]
mod baseline;

mod bodies;
#[path = "load/cli.rs"]
mod cli;
#[path = "load/client.rs"]
mod client;
#[path = "image/folder.rs"]
mod folder;
#[path = "load/process.rs"]
mod process;
#[path = "load/strangers.rs"]
mod strangers;

use bodies::{Body, UID};
use client::{Client, Failure, Protocol};
use process::{Program, Server};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

const HELP: &str = "cargo bench --profile dist --bench judge --bench load -- [options]
  --quick           a fifth of the work
  --only TEXT       only the loads whose name holds TEXT, or `cli`, or `strangers`
  --podreeve PATH   measure this binary instead of the one that was built
  --against PATH    compare with this podreeve instead of the baseline
  --train PATH      measure nothing: give this binary, which writes a profile, the usual work
PODREEVE_BENCH_LOG=1 shows the first lines that the servers log.
PODREEVE_BENCH_CORES=0-2 keeps the servers on these cores (benches/run sets it).";

struct Options {
    quick: bool,
    only: String,
    podreeve: Program,
    other: Program,
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, listen, dir] = args.as_slice()
        && first == "baseline"
    {
        rustls::crypto::aws_lc_rs::default_provider().install_default().map_err(|_| "a provider is there")?;
        return baseline::serve(listen.parse()?, Path::new(dir)).map_err(|error| error.to_string().into());
    }
    if !args.iter().any(|arg| arg == "--bench") {
        println!("{HELP}");
        return Ok(()); // `cargo test --all-targets` runs benches too
    }
    let value = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1).cloned();
    let options = Options {
        quick: args.iter().any(|arg| arg == "--quick"),
        only: value("--only").unwrap_or_default(),
        podreeve: Program::Podreeve(
            value("--podreeve").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_podreeve")), PathBuf::from),
        ),
        other: value("--against").map_or(Program::Baseline, |path| Program::Podreeve(PathBuf::from(path))),
    };
    // One thread: the other cores are for the servers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(path) = value("--train") {
        return runtime.block_on(train(&Program::Podreeve(PathBuf::from(path))));
    }
    machine();
    runtime.spawn(stay_awake());
    runtime.block_on(report(&options))
}

/// Keeps the client from sleeping. To wake it, one virtual CPU interrupts another, at the cost of the server that
/// answers: a server that is slower than the client would pay for that, and the other one would not.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// What a webhook does all day: mostly pods that are clean, some templates, few that are bad. The bad ones cost the most, so
/// there are enough of them that the compiler takes their path for one that runs often.
async fn train(program: &Program) -> Result<(), Failure> {
    let loads = [
        Load { body: bodies::pod(), path: "/validate", requests: 10_000, bar: None },
        Load { body: bodies::pod(), path: "/mutate", requests: 5_000, bar: None },
        Load { body: bodies::deployment(), path: "/validate", requests: 3_000, bar: None },
        Load { body: bodies::bad_pod(), path: "/validate", requests: 2_000, bar: None },
        Load { body: bodies::recorded_deployment(), path: "/validate", requests: 2_000, bar: None },
    ];
    let server = Server::start(program)?;
    for protocol in Protocol::ALL {
        let mut client = Client::connect(server.address, &server.ca(), protocol).await?;
        for load in &loads {
            load.run(&mut client, program, load.requests).await?;
        }
    }
    // It writes its profile when it ends by itself.
    server.stop()?;
    cli::train(program)
}

async fn report(options: &Options) -> Result<(), Failure> {
    let mut table = Table::default();
    let loads = [
        Load { body: bodies::pod(), path: "/validate", requests: 6_000, bar: Some(Bar::Times(1.6)) },
        Load { body: bodies::deployment(), path: "/validate", requests: 3_000, bar: Some(Bar::Times(2.5)) },
        Load { body: bodies::pod(), path: "/mutate", requests: 6_000, bar: None },
        Load { body: bodies::bad_pod(), path: "/validate", requests: 2_000, bar: Some(Bar::Micros(90.0)) },
        Load { body: bodies::recorded_deployment(), path: "/validate", requests: 2_000, bar: Some(Bar::Micros(90.0)) },
        Load { body: bodies::large_pod(), path: "/validate", requests: 50, bar: None },
        Load { body: bodies::crowded_pod(20_000), path: "/validate", requests: 10, bar: None },
    ];
    for protocol in Protocol::ALL {
        for load in &loads {
            if load.name(protocol).contains(&options.only) {
                cost(options, load, protocol, &mut table).await?;
            }
        }
    }
    if options.only.is_empty() {
        judged(&mut table);
        memory(options, &loads, &mut table).await?;
        start(options, &mut table)?;
    }
    if options.only.is_empty() || options.only == "cli" {
        cli::report(&options.podreeve, options.quick, &mut table)?;
    }
    if options.only.is_empty() || options.only == "strangers" {
        strangers::report(&options.podreeve, &mut table).await?;
    }
    table.verdict();
    Ok(())
}

struct Load {
    body: Body,
    path: &'static str,
    requests: usize,
    bar: Option<Bar>,
}

/// The most that a request may cost.
#[derive(Clone, Copy)]
enum Bar {
    /// Compared with the other server.
    Times(f64),
    /// Of the server's CPU.
    Micros(f64),
}

impl Load {
    fn name(&self, protocol: Protocol) -> String {
        let path = if self.path == "/mutate" { ", /mutate" } else { "" };
        format!("{}, {}{path}", protocol.name(), self.body.name)
    }

    async fn run(&self, client: &mut Client, program: &Program, count: usize) -> Result<(), Failure> {
        let (allowed, echoed) = match program {
            Program::Baseline => (true, false),
            Program::Podreeve(_) => (self.body.allowed || self.path == "/mutate", true),
        };
        client.run(self.path, (&self.body.json, UID), (allowed, echoed), count).await
    }
}

/// CPU per request of both servers, in rounds that take turns.
async fn cost(options: &Options, load: &Load, protocol: Protocol, table: &mut Table) -> Result<(), Failure> {
    // Short rounds where they can be: both servers of a pair then meet the same neighbours on the machine.
    let (rounds, requests) = if load.requests >= 1_000 { (201, load.requests / 20) } else { (11, load.requests) };
    let rounds = if options.quick { rounds / 5 } else { rounds };
    let programs = [&options.other, &options.podreeve];
    let mut sides = Vec::new();
    for program in programs {
        let server = Server::start(program)?;
        let mut client = Client::connect(server.address, &server.ca(), protocol).await?;
        // Caches, connection buffers and the allocator's arenas reach their size.
        load.run(&mut client, program, load.requests.div_ceil(4)).await?;
        // The client first: what is first is dropped first.
        sides.push((client, server, program, Vec::new()));
    }
    for _ in 0..rounds {
        for (client, server, program, micros) in &mut sides {
            let before = server.cpu()?;
            load.run(client, program, requests).await?;
            let used = server.cpu()?.saturating_sub(before);
            micros.push(used.as_secs_f64() * 1e6 / requests as f64);
        }
    }
    let (other, ours) = (&sides[0].3, &sides[1].3);
    let ratios: Vec<f64> = ours.iter().zip(other).map(|(ours, other)| ours / other).collect();
    let [low, ratio, high] = quartiles(&ratios);
    let [least, cost, most] = quartiles(ours);
    let against = quartiles(other)[1];
    let review = format!("review of {} bytes, object {}", load.body.json.len(), load.body.object);
    let times = format!("x{low:.2} to x{high:.2}");
    match load.bar {
        Some(Bar::Micros(bar)) => table.row(
            &load.name(protocol),
            &format!("{cost:.1} us"),
            Some((format!("{bar} us"), cost <= bar)),
            &format!("{least:.1} to {most:.1}; x{ratio:.2}, {times} of {against:.1} us, {review}"),
        ),
        bar => table.row(
            &load.name(protocol),
            &format!("x{ratio:.2}"),
            bar.map(|(Bar::Times(bar) | Bar::Micros(bar))| (format!("x{bar}"), ratio <= bar)),
            &format!("{times}; {cost:.1} us against {against:.1}, {review}"),
        ),
    }
    Ok(())
}

/// What the `judge` bench has found, in the same run of `make bench`.
fn judged(table: &mut Table) {
    let Ok(text) = std::fs::read_to_string(concat!(env!("CARGO_TARGET_TMPDIR"), "/judge.tsv")) else {
        println!("(no figures of `judge`: run it in the same command)");
        return;
    };
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, allocations, most, micros, longest, reallocations, bytes, note] = fields.as_slice() else {
            continue;
        };
        let bar = |bar: &str, value: &str, unit: &str| {
            let bar: f64 = bar.parse().ok()?;
            Some((format!("{bar}{unit}"), value.parse().is_ok_and(|value: f64| value <= bar)))
        };
        table.row(
            &format!("allocations to judge, {name}"),
            allocations,
            bar(most, allocations, ""),
            &format!("{reallocations} of them grow a buffer; {bytes} bytes in all"),
        );
        table.row(
            &format!("time to judge, {name}"),
            &format!("{micros} us"),
            bar(longest, micros, " us"),
            &format!("one thread, no server; {note}"),
        );
    }
}

/// Resident memory, idle and after load.
async fn memory(options: &Options, loads: &[Load], table: &mut Table) -> Result<(), Failure> {
    let server = Server::start(&options.podreeve)?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (idle, _) = server.memory()?;
    mebibytes(table, "resident memory, idle", idle, Some(12.0), "1 s after ready, no request yet");
    let total = if options.quick { 20_000 } else { 100_000 };
    let logged = server.lines.load(Ordering::Relaxed);
    for protocol in Protocol::ALL {
        let mut client = Client::connect(server.address, &server.ca(), protocol).await?;
        for (load, share) in loads.iter().zip([20, 10, 10, 10]) {
            load.run(&mut client, &options.podreeve, total * share / 100).await?;
        }
    }
    let (after, peak) = server.memory()?;
    // The last lines are on their way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let note = format!(
        "pods 60 %, Deployments 20 %, bad pods 20 %, both protocols; peak {:.1} MiB; {} log lines",
        peak as f64 / 1024.0,
        server.lines.load(Ordering::Relaxed) - logged
    );
    mebibytes(table, &format!("resident memory after {total} requests"), after, Some(20.0), &note);
    let mut client = Client::connect(server.address, &server.ca(), Protocol::Http1).await?;
    for load in loads.iter().skip(5) {
        load.run(&mut client, &options.podreeve, 25).await?;
    }
    let (after, peak) = server.memory()?;
    let note = format!("25 at once of each: 1 MiB pods, 20,000 containers; peak {:.1} MiB", peak as f64 / 1024.0);
    mebibytes(table, "resident memory after large reviews", after, None, &note);
    Ok(())
}

fn mebibytes(table: &mut Table, name: &str, kib: u64, bar: Option<f64>, note: &str) {
    let value = kib as f64 / 1024.0;
    table.row(name, &format!("{value:.1} MiB"), bar.map(|bar| (format!("{bar} MiB"), value <= bar)), note);
}

/// From exec to the first 200 of /readyz, with a new certificate each time.
fn start(options: &Options, table: &mut Table) -> Result<(), Failure> {
    let times = if options.quick { 5 } else { 15 };
    let mut taken = Vec::new();
    for _ in 0..times {
        taken.push(Server::start(&options.podreeve)?.ready.as_secs_f64() * 1e3);
    }
    let [low, middle, high] = quartiles(&taken);
    table.row(
        "start to ready",
        &format!("{middle:.1} ms"),
        Some(("50 ms".to_owned(), middle <= 50.0)),
        &format!("{low:.1} to {high:.1} in {times} starts, --self-signed"),
    );
    Ok(())
}

/// First quartile, median, third quartile.
fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4])
}

/// Rows are printed as they come; the end says what falls short.
#[derive(Default)]
struct Table {
    headed: bool,
    short: Vec<String>,
}

impl Table {
    fn row(&mut self, name: &str, value: &str, bar: Option<(String, bool)>, note: &str) {
        if !self.headed {
            println!("\n{:<46} {:>12} {:>8} {:<6} median; quartiles of the rounds", "figure", "measured", "bar", "");
            self.headed = true;
        }
        let (bar, verdict) = match bar {
            Some((bar, true)) => (bar, "pass"),
            Some((bar, false)) => (bar, "SHORT"),
            None => (String::new(), ""),
        };
        println!("{name:<46} {value:>12} {bar:>8} {verdict:<6} {note}");
        if verdict == "SHORT" {
            self.short.push(format!("{name}: {value}, the bar is {bar}"));
        }
    }

    fn verdict(&self) {
        if self.short.is_empty() {
            println!("\nEvery bar is met.");
            return;
        }
        println!("\nFalls short:");
        for line in &self.short {
            println!("  {line}");
        }
    }
}

/// What the figures were taken on.
fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let busy: f64 = load.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    match std::env::var("PODREEVE_BENCH_CORES") {
        Ok(servers) => {
            println!("{model}: the servers on core {servers}, the load on another; load average {busy} before.");
        }
        Err(_) => println!("{cores} cores of {model}, servers and load on all of them; load average {busy} before."),
    }
    if busy > 0.5 {
        println!("The machine is not quiet: ratios hold, since both servers suffer alike; times are worth less.");
    }
}
