//! The layers of ARCHITECTURE.md: a module uses those above it in this list and no others, and the
//! core (up to `admit`) has no clock, files, environment, threads or network.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("patch", &[]),
    ("text", &["patch"]),
    ("effort", &[]),
    ("json", &["effort"]),
    ("workload", &["effort", "json", "patch", "text"]),
    ("facts", &["json", "workload", "text"]),
    ("rule", &["effort", "facts", "json", "workload", "patch", "text"]),
    ("rules", &["rule", "effort", "facts", "json", "workload", "patch", "text"]),
    ("policy", &["effort", "facts", "json", "rule", "rules", "workload", "patch", "text"]),
    ("decide", &["effort", "facts", "policy", "rule", "rules", "workload", "patch", "text"]),
    ("outcome", &["effort", "facts", "json", "decide", "policy", "rule", "rules", "workload", "patch", "text"]),
    ("review", &["facts", "json", "outcome", "decide", "policy", "rule", "rules", "workload", "patch", "text"]),
    (
        "admit",
        &[
            "effort", "facts", "json", "review", "outcome", "decide", "policy", "rule", "rules", "workload", "patch",
            "text",
        ],
    ),
    ("scan", &["facts", "review", "admit", "outcome", "decide", "policy", "rule", "rules", "workload"]),
    ("manifest", &["text", "patch"]),
    ("sources", &["facts", "admit", "manifest", "policy", "text", "patch"]),
    ("observe", &["facts", "scan", "admit", "outcome", "decide", "policy", "rule", "rules", "workload", "text"]),
    ("authority", &[]),
    (
        "report",
        &[
            "facts", "json", "manifest", "scan", "admit", "review", "outcome", "decide", "policy", "rule", "rules",
            "workload", "text", "patch",
        ],
    ),
    (
        "cluster",
        &[
            "authority",
            "facts",
            "observe",
            "scan",
            "admit",
            "decide",
            "outcome",
            "policy",
            "rule",
            "rules",
            "workload",
            "text",
            "patch",
        ],
    ),
    (
        "server",
        &[
            "authority",
            "effort",
            "facts",
            "cluster",
            "observe",
            "sources",
            "admit",
            "outcome",
            "review",
            "decide",
            "policy",
            "rule",
            "rules",
            "workload",
            "text",
        ],
    ),
];

/// Pure layers.
const CORE: &[&str] = &[
    "effort", "json", "patch", "text", "workload", "facts", "rule", "rules", "policy", "decide", "outcome", "review",
    "admit", "scan",
];

/// What the core never names.
const IMPURE: &[&str] = &[
    "tokio",
    "kube::Client",
    "kube::Api",
    "kube::api",
    "kube::runtime",
    "tracing",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "std::time",
    "std::process",
    "std::io",
    "Timestamp::now",
    "SystemTime",
    "Instant",
    "axum",
    "hyper",
    "prometheus",
    "arc_swap",
    "println!",
    "eprintln!",
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Each source file's module and its code without comments and tests.
fn code() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&root).expect("under src");
            let first = relative.components().next().expect("a name").as_os_str().to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("readable");
            let code: Vec<&str> = text
                .lines()
                .take_while(|line| !line.contains("#[cfg(test)]"))
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            (path, module, code.join("\n"))
        })
        .collect()
}

/// The modules that code names as `crate::module` or `crate::{module, other}`.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
            found.push(name[..end].to_owned());
        }
    }
    found
}

#[test]
fn no_module_uses_one_above_it() {
    let layers: HashMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    for (path, module, code) in code() {
        // The commands, the library's root and the binary may use everything.
        let Some(allowed) = layers.get(module.as_str()) else {
            assert!(
                ["cli", "lib", "main"].contains(&module.as_str()),
                "{module} has no layer in tests/house/layers.rs"
            );
            continue;
        };
        for used in uses(&code) {
            let known = used == module || allowed.contains(&used.as_str());
            assert!(known, "{}: `{module}` must not use `{used}`", path.display());
        }
    }
}

#[test]
fn the_core_is_pure() {
    for (path, module, code) in code() {
        if CORE.contains(&module.as_str()) {
            for word in IMPURE {
                assert!(!code.contains(word), "{}: the core must not name `{word}`", path.display());
            }
        }
    }
}

#[test]
fn no_file_is_a_building() {
    let mut lengths: Vec<(usize, PathBuf)> = code()
        .into_iter()
        .map(|(path, _, _)| (fs::read_to_string(&path).expect("readable").lines().count(), path))
        .collect();
    lengths.sort();
    let (longest, path) = lengths.last().expect("there are files");
    assert!(*longest <= 400, "{} has {longest} lines; split it", path.display());
    let (median, _) = &lengths[lengths.len() / 2];
    assert!(*median <= 150, "the median file has {median} lines");
}
