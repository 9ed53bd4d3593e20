//! The layers of ARCHITECTURE.md. A module uses the modules that this list allows it, and the core (up to `admit`) has no
//! clock, files, environment, threads or network.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("patch", &[]),
    ("text", &["patch"]),
    ("effort", &[]),
    ("shell", &[]),
    ("dockerfile", &["shell", "text"]),
    ("json", &["effort"]),
    ("reference", &[]),
    ("secret_shapes", &["text"]),
    ("image", &["reference", "secret_shapes", "text"]),
    ("workload", &["effort", "image", "json", "patch", "reference", "text"]),
    ("facts", &["image", "json", "reference", "workload", "text"]),
    ("image_files", &["image"]),
    ("node", &["text"]),
    ("host", &["node", "text"]),
    ("rule", &["dockerfile", "image", "node", "reference", "effort", "facts", "json", "workload", "patch", "text"]),
    (
        "rules",
        &[
            "dockerfile",
            "image",
            "node",
            "reference",
            "rule",
            "secret_shapes",
            "shell",
            "effort",
            "facts",
            "json",
            "workload",
            "patch",
            "text",
        ],
    ),
    ("policy", &["effort", "facts", "json", "rule", "rules", "workload", "patch", "text"]),
    ("decide", &["effort", "facts", "policy", "rule", "rules", "workload", "patch", "text"]),
    ("repair", &["json", "rule", "workload", "patch", "text"]),
    (
        "outcome",
        &["effort", "facts", "json", "repair", "decide", "policy", "rule", "rules", "workload", "patch", "text"],
    ),
    (
        "review",
        &["facts", "json", "repair", "outcome", "decide", "policy", "rule", "rules", "workload", "patch", "text"],
    ),
    (
        "admit",
        &[
            "effort", "facts", "image", "json", "repair", "review", "outcome", "decide", "policy", "rule", "rules",
            "workload", "patch", "text",
        ],
    ),
    ("scan", &["json", "facts", "review", "admit", "outcome", "decide", "policy", "rule", "rules", "workload"]),
    ("exempt", &["workload"]),
    ("manifest", &["text", "patch"]),
    ("sources", &["facts", "admit", "manifest", "policy", "text", "patch"]),
    ("observe", &["facts", "scan", "admit", "outcome", "decide", "policy", "rule", "rules", "workload", "text"]),
    ("authority", &[]),
    ("registry", &["image", "reference", "text", "workload"]),
    (
        "report",
        &[
            "dockerfile",
            "image",
            "node",
            "secret_shapes",
            "facts",
            "json",
            "repair",
            "manifest",
            "scan",
            "admit",
            "review",
            "outcome",
            "decide",
            "policy",
            "rule",
            "rules",
            "workload",
            "text",
            "patch",
        ],
    ),
    (
        "policy_test",
        &[
            "report", "sources", "manifest", "facts", "json", "admit", "review", "outcome", "decide", "policy", "rule",
            "rules", "text", "patch",
        ],
    ),
    (
        "cluster",
        &[
            "authority",
            "image",
            "reference",
            "registry",
            "facts",
            "observe",
            "sources",
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
        "agent",
        &[
            "host", "node", "facts", "report", "cluster", "observe", "sources", "admit", "decide", "policy", "rule",
            "text",
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
    "effort",
    "json",
    "patch",
    "text",
    "reference",
    "shell",
    "secret_shapes",
    "dockerfile",
    "image",
    "node",
    "workload",
    "facts",
    "rule",
    "rules",
    "repair",
    "policy",
    "decide",
    "outcome",
    "review",
    "admit",
    "scan",
    "exempt",
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

/// The files under a folder with one of these extensions.
fn sources(dir: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the folder is there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, extensions, found);
        } else if path.extension().is_some_and(|end| extensions.iter().any(|one| end == *one)) {
            found.push(path);
        }
    }
}

/// Each source file's module and its code without comments and tests.
fn code() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &["rs"], &mut files);
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
                "{}: the module `{module}` has no layer. Add it to LAYERS in tests/house/layers.rs with the modules that \
                 it may use, and to CORE if it is pure.",
                path.display()
            );
            continue;
        };
        for used in uses(&code) {
            let known = used == module || allowed.contains(&used.as_str());
            assert!(
                known,
                "{}: `{module}` uses `{used}`, which is no layer below it. Move what both need into a lower module. \
                 Where the plan of layers itself is wrong, change LAYERS in tests/house/layers.rs and ARCHITECTURE.md.",
                path.display()
            );
        }
    }
}

#[test]
fn the_core_is_pure() {
    for (path, module, code) in code() {
        if CORE.contains(&module.as_str()) {
            for word in IMPURE {
                // Images are read as streams of bytes, which their source opens.
                let is_stream = module == "image" && *word == "std::io";
                assert!(
                    is_stream || !code.contains(word),
                    "{}: `{module}` is a pure layer and must not name `{word}`. Take the value as an argument, and read \
                     it in server, cluster or cli.",
                    path.display()
                );
            }
        }
    }
}

fn length(path: &Path) -> usize {
    fs::read_to_string(path).expect("readable").lines().count()
}

#[test]
fn no_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz", "examples", "e2e"] {
        sources(&root.join(folder), &["rs", "go"], &mut files);
    }
    for path in files {
        let length = length(&path);
        assert!(
            length <= 400,
            "{} has {length} lines, and 400 are the limit. Move a part of it into a file of its own: foo.rs and \
             foo/part.rs, or foo_part.go.",
            path.display()
        );
    }
    let mut lengths: Vec<usize> = code().iter().map(|(path, ..)| length(path)).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(
        median <= 150,
        "half of the files in src/ have {median} lines or more, and 150 are the limit. Split the files that do two things."
    );
}
