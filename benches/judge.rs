//! What deciding costs without a server: allocations and time of `admit`, with every rule on.
//!
//! Its own binary, because counting slows every allocation a little. The rows go to a file from which
//! the `load` bench prints them in one table with the server's figures.

#![allow(clippy::cast_precision_loss, reason = "times and counts are far below 2^52")]

mod bodies;
mod signatures;

use bodies::Body;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::Verdict;
use podreeve::policy::{CompiledPolicy, Mode, PolicyDocument, PolicySet, builtin};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use std::alloc::System;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most allocations and microseconds that a judgement may take.
type Bars = (Option<usize>, Option<f64>);

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return; // `cargo test --all-targets` runs benches too
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    let only = std::env::args().skip_while(|arg| arg != "--only").nth(1).unwrap_or_default();
    let (deny, warn) = (owasp(Mode::Deny), owasp(Mode::Warn));
    let mut rows = String::new();
    let times = if quick { 200 } else { 2_000 };
    let loads: [(Body, Bars); 6] = [
        (bodies::pod(), (Some(24), Some(3.7))),
        (bodies::deployment(), (None, Some(12.9))),
        (bodies::recorded_deployment(), (Some(300), None)),
        (bodies::recorded_cron_job(), (None, None)),
        (bodies::bad_pod(), (None, None)),
        (bodies::large_pod(), (None, Some(1_050.0))),
    ];
    for (body, bars) in loads.iter().filter(|(body, _)| body.name.contains(&only)) {
        one(body, *bars, &deny, times, &mut rows);
    }
    let crowds = [(bodies::crowded_pod(20_000), (None, None)), (bodies::clean_crowd(20_000), (None, Some(7_000.0)))];
    for (body, bars) in crowds.iter().filter(|(body, _)| body.name.contains(&only)) {
        one(body, *bars, &deny, if quick { 3 } else { 15 }, &mut rows);
    }
    for (name, snapshot) in [("add-ons, mode deny", &deny), ("add-ons, mode warn", &warn)] {
        if name.contains(&only) {
            add_ons(name, snapshot, times / 10, &mut rows);
        }
    }
    print!("{rows}");
    if "signatures".contains(&only) {
        signatures::measure(if quick { 50 } else { 500 });
    }
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/judge.tsv");
    if let Err(error) = std::fs::write(file, rows) {
        eprintln!("{file} could not be written: {error}");
    }
}

/// The policy that `serve` uses by default.
fn owasp(mode: Mode) -> Snapshot {
    let yaml = builtin("owasp").expect("no version").expect("the built-in policy");
    let document = serde_saphyr::from_str::<serde_json::Value>(&yaml).expect("YAML").to_string();
    let document = PolicyDocument::from_json(&document).expect("a policy");
    let policy = CompiledPolicy::new(&document).expect("it compiles");
    // `serve` reports as many violations and counts the rest.
    let mut snapshot = Snapshot::new(PolicySet::new(vec![policy], 1), podreeve::review::response::MAX_REPORTED);
    snapshot.ceiling.mode = mode;
    snapshot
}

/// What one judgement takes.
struct Cost {
    used: Stats,
    /// The quartiles of its time, in microseconds.
    micros: [f64; 3],
}

fn cost(json: &[u8], snapshot: &Snapshot, times: usize) -> Cost {
    let today = jiff::civil::date(2026, 11, 22);
    let judge = || black_box(admit(black_box(json), Hook::Validate, snapshot, today));
    // Tables that are made once are not a cost of a request.
    judge();
    let region = Region::new(ALLOCATOR);
    let outcome = judge();
    let used = region.change();
    drop(outcome);
    let budget = Instant::now();
    let mut taken: Vec<f64> = Vec::with_capacity(times);
    while taken.len() < times && (taken.len() < 3 || budget.elapsed() < Duration::from_secs(10)) {
        let start = Instant::now();
        judge();
        taken.push(start.elapsed().as_secs_f64() * 1e6);
    }
    taken.sort_unstable_by(f64::total_cmp);
    Cost { used, micros: [1, 2, 3].map(|quarter| taken[(taken.len() - 1) * quarter / 4]) }
}

fn one(body: &Body, bars: Bars, snapshot: &Snapshot, times: usize, rows: &mut String) {
    let outcome = admit(body.json.as_bytes(), Hook::Validate, snapshot, jiff::civil::date(2026, 11, 22));
    assert_eq!(outcome.verdict != Verdict::Deny, body.allowed, "{}: {:?}", body.name, outcome.problem);
    let found: Vec<&str> = outcome.tallies.iter().map(|tally| tally.rule).collect();
    if body.allowed && !found.is_empty() {
        eprintln!("note: the clean body `{}` is found to violate {}", body.name, found.join(", "));
    }
    let Cost { used, micros: [low, middle, high] } = cost(body.json.as_bytes(), snapshot, times);
    let note = format!("{} bytes of review, {} rules violated; {low:.1} to {high:.1} us", body.json.len(), found.len());
    row(body.name, bars, [used.allocations, used.reallocations, used.bytes_allocated], middle, &note, rows);
}

/// The mean over all add-ons.
fn add_ons(name: &str, snapshot: &Snapshot, times: usize, rows: &mut String) {
    let bodies = bodies::add_ons();
    let costs: Vec<Cost> = bodies.iter().map(|json| cost(json, snapshot, times)).collect();
    let count = costs.len();
    let sum = |of: fn(&Stats) -> usize| costs.iter().map(|cost| of(&cost.used)).sum::<usize>() / count;
    let micros = |quartile: usize| costs.iter().map(|cost| cost.micros[quartile]).sum::<f64>() / count as f64;
    let worst = costs.iter().map(|cost| cost.micros[1]).fold(0.0, f64::max);
    let note = format!("mean of {count} objects, the dearest {worst:.0} us; {:.1} to {:.1} us", micros(0), micros(2));
    let used = [sum(|used| used.allocations), sum(|used| used.reallocations), sum(|used| used.bytes_allocated)];
    row(name, (None, Some(25.0)), used, micros(1), &note, rows);
}

/// One line: name, allocations and their bar, microseconds and their bar, reallocations, bytes allocated, and a note.
fn row(name: &str, bars: Bars, used: [usize; 3], micros: f64, note: &str, rows: &mut String) {
    let [allocations, reallocations, bytes] = used;
    let allocations = allocations + reallocations;
    let bars = (bars.0.map(|bar| bar.to_string()), bars.1.map(|bar| bar.to_string()));
    let (most, longest) = (bars.0.unwrap_or_default(), bars.1.unwrap_or_default());
    let _ = writeln!(rows, "{name}\t{allocations}\t{most}\t{micros:.1}\t{longest}\t{reallocations}\t{bytes}\t{note}");
}
