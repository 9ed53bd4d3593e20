//! The settings of dockerd: its arguments, and its `daemon.json`.

use crate::node::config::{Config, Source};
use crate::node::lines;
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

/// Keys of [`LISTS`] that are objects in the file.
const OBJECTS: &[&str] = &["log-opts", "default-ulimits", "runtimes", "features"];

/// Keys that rules ask about, whose value is a text.
const TEXTS: &[&str] = &[
    "bridge",
    "cgroup-parent",
    "data-root",
    "default-cgroupns-mode",
    "graph",
    "group",
    "log-driver",
    "log-level",
    "metrics-addr",
    "seccomp-profile",
    "tlscacert",
    "tlscert",
    "tlskey",
    "userns-remap",
];

/// The settings that arguments make. `pid` is that of the running process, if there is one.
#[must_use]
pub fn flags(arguments: &[String], pid: Option<u32>) -> Config {
    let mut config = Config::default();
    let mut rest = arguments.iter().skip(1).flat_map(|argument| apart(argument));
    while let Some(argument) = rest.next() {
        let Some((name, mut value)) = split(&argument) else { continue };
        let mut text = argument.clone();
        if value.is_none() && !SWITCHES.contains(&name.as_str()) {
            value = rest.next();
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
    check_kinds(&mut config);
    config
}

/// A value of the wrong kind is none that a running dockerd has: it does not start with it.
fn check_kinds(config: &mut Config) {
    let mut doubts = Vec::new();
    for (key, setting) in &config.settings {
        let is_list = LISTS.iter().any(|(_, list)| list == key) && !OBJECTS.contains(&key.as_str());
        let is_switch = SWITCHES.contains(&key.as_str());
        let is_text = TEXTS.contains(&key.as_str());
        let wanted = match &setting.value {
            Value::Null => "a value",
            Value::Bool(_) if !is_list && !is_text => continue,
            Value::Array(items) if is_list && items.iter().all(Value::is_string) => continue,
            Value::String(_) if !is_list && !is_switch => continue,
            _ if is_switch => "true or false",
            _ if is_list => "a list of texts",
            _ if is_text => "a text",
            _ => continue,
        };
        let found = setting.display();
        doubts.push(format!("{key}={found} ({}) is not {wanted}, so dockerd does not start with it", setting.source));
    }
    for doubt in doubts {
        config.doubt(doubt);
    }
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

/// Short flags in one word, each by itself: `-DH` is `-D -H`.
fn apart(argument: &str) -> Vec<String> {
    let is_switch = |letter: char| SHORT.iter().any(|(short, name)| *short == letter && SWITCHES.contains(name));
    let mut all = Vec::new();
    let mut letters = argument.strip_prefix('-').filter(|short| !short.starts_with('-')).unwrap_or_default();
    while let Some(letter) = letters.chars().next().filter(|letter| is_switch(*letter)) {
        let rest = letters.get(letter.len_utf8()..).unwrap_or_default();
        if rest.starts_with('=') {
            break;
        }
        all.push(format!("-{letter}"));
        letters = rest;
    }
    match letters.is_empty() {
        true if all.is_empty() => all.push(argument.to_owned()),
        true => {}
        false => all.push(format!("-{letters}")),
    }
    all
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
    let value = Value::String(value);
    match config.settings.get_mut(key).map(|setting| &mut setting.value) {
        Some(Value::Array(items)) => items.push(value),
        _ => config.set(key, vec![value], source),
    }
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
    let lines = lines::of_json_keys(text);
    for (key, value) in keys {
        let source = Source::File { path: path.to_owned(), line: lines.get(key.as_str()).copied() };
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
    check_kinds(config);
}
