//! The settings of dockerd: its arguments, and its `daemon.json`.

use crate::node::config::{Config, Source};
use serde_json::Value;

/// Flags that take no value unless it is joined with `=`.
const SWITCHES: &[&str] = &[
    "allow-direct-routing",
    "bip6",
    "containerd-snapshotter",
    "debug",
    "experimental",
    "help",
    "icc",
    "ip-forward",
    "ip-forward-no-drop",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "init",
    "live-restore",
    "no-new-privileges",
    "raw-logs",
    "rootless",
    "selinux-enabled",
    "tls",
    "tlsverify",
    "userland-proxy",
    "validate",
    "version",
];

/// Short flags and their long names.
const SHORT: &[(char, &str)] = &[
    ('b', "bridge"),
    ('D', "debug"),
    ('G', "group"),
    ('g', "graph"),
    ('H', "host"),
    ('l', "log-level"),
    ('p', "pidfile"),
    ('s', "storage-driver"),
    ('v', "version"),
    ('h', "help"),
];

/// Flags that may be repeated, and their key in `daemon.json`.
const LISTS: &[(&str, &str)] = &[
    ("host", "hosts"),
    ("label", "labels"),
    ("log-opt", "log-opts"),
    ("dns", "dns"),
    ("dns-opt", "dns-opts"),
    ("dns-search", "dns-search"),
    ("insecure-registry", "insecure-registries"),
    ("registry-mirror", "registry-mirrors"),
    ("authorization-plugin", "authorization-plugins"),
    ("default-ulimit", "default-ulimits"),
    ("add-runtime", "runtimes"),
    ("storage-opt", "storage-opts"),
    ("exec-opt", "exec-opts"),
    ("node-generic-resource", "node-generic-resources"),
    ("feature", "features"),
    ("cdi-spec-dir", "cdi-spec-dirs"),
];

/// The settings that arguments make. `pid` is that of the running process, if there is one.
#[must_use]
pub fn flags(arguments: &[String], pid: Option<u32>) -> Config {
    let mut config = Config::default();
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let Some((name, mut value)) = split(argument) else { continue };
        let mut text = argument.clone();
        if value.is_none() && !SWITCHES.contains(&name.as_str()) {
            value = rest.next().cloned();
            if let Some(value) = &value {
                text = format!("{text} {value}");
            }
        }
        let source = Source::Flag { pid, argument: text };
        match LISTS.iter().find(|(flag, _)| *flag == name) {
            Some((_, key)) => append(&mut config, key, value.unwrap_or_default(), source),
            None => config.set(name.clone(), switch_or_text(&name, value), source),
        }
    }
    config
}

/// The long name and the joined value of an argument; none where it is no flag.
fn split(argument: &str) -> Option<(String, Option<String>)> {
    if let Some(long) = argument.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
        return (!name.is_empty()).then(|| (name.to_owned(), value));
    }
    let mut short = argument.strip_prefix('-')?.chars();
    let letter = short.next()?;
    let name = SHORT.iter().find(|(short, _)| *short == letter)?.1;
    let value = short.as_str();
    let value = value.strip_prefix('=').unwrap_or(value);
    Some((name.to_owned(), (!value.is_empty()).then(|| value.to_owned())))
}

fn switch_or_text(name: &str, value: Option<String>) -> Value {
    match value {
        None => Value::Bool(true),
        Some(value) if SWITCHES.contains(&name) => match value.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
            _ => Value::String(value),
        },
        Some(value) => Value::String(value),
    }
}

fn append(config: &mut Config, key: &str, value: String, source: Source) {
    let old = config.settings.remove(key);
    let mut items = match old.as_ref().map(|setting| &setting.value) {
        Some(Value::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    items.push(Value::String(value));
    let source = old.map_or(source, |setting| setting.source);
    config.set(key, items, source);
}

/// Adds `daemon.json` to the settings of the flags. dockerd does not start where both have a key, so that shows a file that was
/// changed since.
pub fn add_file(config: &mut Config, path: &str, text: &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            config.doubt(format!(
                "{path}:{}:{}: this is no JSON, so dockerd does not start with it",
                error.line(),
                error.column()
            ));
            return;
        }
    };
    let Value::Object(keys) = document else {
        config.doubt(format!("{path} is no JSON object, so dockerd does not start with it"));
        return;
    };
    for (key, value) in keys {
        let source = Source::File { path: path.to_owned(), line: line_of(text, &key) };
        if let Some(flag) = config.get(&key) {
            let why = format!(
                "{path} and {} both have `{key}`, with which dockerd does not start: the file changed since",
                flag.source
            );
            config.doubt(why);
            continue;
        }
        config.set(key, value, source);
    }
}

/// The line of a key at the top. JSON has no positions in `serde_json`; a key in quotes before a colon is enough for a person.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let quoted = format!("\"{key}\"");
    text.lines()
        .position(|line| {
            line.find(&quoted)
                .is_some_and(|at| line.get(at + quoted.len()..).is_some_and(|rest| rest.trim_start().starts_with(':')))
        })
        .map(|at| at + 1)
}
