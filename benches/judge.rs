//! What deciding costs without a server: allocations and time of `admit`, with every rule on.
//!
//! Its own binary, because counting slows every allocation a little. The rows go to a file from which
//! the `load` bench prints them in one table with the server's figures.

mod bodies;
mod signatures;

use bodies::Body;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::Verdict;
use podreeve::policy::{CompiledPolicy, PolicyDocument, PolicySet, builtin};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return; // `cargo test --all-targets` runs benches too
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    let only = std::env::args().skip_while(|arg| arg != "--only").nth(1).unwrap_or_default();
    let snapshot = owasp();
    let mut rows = String::new();
    for body in [bodies::pod(), bodies::deployment(), bodies::bad_pod(), bodies::large_pod()] {
        if body.name.contains(&only) {
            measure(&body, &snapshot, if quick { 200 } else { 2_000 }, &mut rows);
        }
    }
    for crowded in [bodies::crowded_pod(20_000), bodies::clean_crowd(20_000)] {
        if crowded.name.contains(&only) {
            measure(&crowded, &snapshot, if quick { 3 } else { 9 }, &mut rows);
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
fn owasp() -> Snapshot {
    let yaml = builtin("owasp").expect("no version").expect("the built-in policy");
    let document = serde_saphyr::from_str::<serde_json::Value>(&yaml).expect("YAML").to_string();
    let document = PolicyDocument::from_json(&document).expect("a policy");
    let policy = CompiledPolicy::new(&document).expect("it compiles");
    // `serve` reports as many violations and counts the rest.
    Snapshot::new(PolicySet::new(vec![policy], 1), podreeve::review::response::MAX_REPORTED)
}

/// One line: name, review bytes, object bytes, allocations, of those reallocations, bytes allocated, microseconds, violations.
fn measure(body: &Body, snapshot: &Snapshot, times: usize, rows: &mut String) {
    let today = jiff::civil::date(2026, 11, 22);
    let json = body.json.as_bytes();
    let outcome = admit(json, Hook::Validate, snapshot, today);
    assert_eq!(outcome.verdict != Verdict::Deny, body.allowed, "{}: {:?}", body.name, outcome.problem);
    let found: Vec<&str> = outcome.tallies.iter().map(|tally| tally.rule).collect();
    if body.allowed && !found.is_empty() {
        eprintln!("note: the clean body `{}` is found to violate {}", body.name, found.join(", "));
    }
    let region = Region::new(ALLOCATOR);
    let outcome = black_box(admit(black_box(json), Hook::Validate, snapshot, today));
    let used = region.change();
    drop(outcome);
    let budget = Instant::now();
    let mut taken: Vec<Duration> = Vec::with_capacity(times);
    while taken.len() < times && (taken.len() < 3 || budget.elapsed() < Duration::from_secs(10)) {
        let start = Instant::now();
        black_box(admit(black_box(json), Hook::Validate, snapshot, today));
        taken.push(start.elapsed());
    }
    taken.sort_unstable();
    let micros = taken[taken.len() / 2].as_secs_f64() * 1e6;
    let _ = writeln!(
        rows,
        "{}\t{}\t{}\t{}\t{}\t{}\t{micros:.1}\t{}",
        body.name,
        json.len(),
        body.object,
        used.allocations + used.reallocations,
        used.reallocations,
        used.bytes_allocated,
        found.len(),
    );
}
