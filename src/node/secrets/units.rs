//! Secrets in units of systemd: their environment, their commands, and their credentials.

use super::names::{HIDDEN, is_open_value, is_secret};
use super::texts::text;
use super::{SERVERS, Secrets, server};
use crate::node::unit::{Unit, names, unescaped_words};
use std::collections::BTreeSet;

/// Variables that say how a daemon is set up, and that no command names.
const KEPT: &[&str] = &["CONTAINERS_CONF", "DOCKER_CONTENT_TRUST", "DOCKER_TLS_VERIFY"];

/// Keys that rules read, and others whose values are names and words of systemd. Commands before and after the daemon are not among them.
const READ: &[&str] = &[
    "EnvironmentFile",
    "UnsetEnvironment",
    "LimitNOFILE",
    "LimitNPROC",
    "Sockets",
    "Service",
    "ListenStream",
    "SocketUser",
    "SocketGroup",
    "SocketMode",
    "Type",
    "User",
    "Group",
    "After",
    "Before",
    "Requires",
    "Wants",
    "BindsTo",
    "PartOf",
    "Restart",
    "Delegate",
    "KillMode",
];

/// Hides the values of all variables but those that are put into a command, such as `DOCKER_OPTS`, and of all keys that no rule reads.
pub fn hide(unit: &mut Unit, secrets: &mut Secrets) {
    let used = used(unit);
    for assignment in &mut unit.assignments {
        match assignment.key.as_str() {
            "Environment" => environment(&mut assignment.value, &used, secrets),
            "ExecStart" => command(&mut assignment.value, secrets),
            "SetCredential" | "SetCredentialEncrypted" => {
                if let Some((id, secret)) = assignment.value.clone().split_once(':') {
                    secrets.add(secret);
                    assignment.value = format!("{id}:{HIDDEN}");
                }
            }
            key => {
                let is_read = READ.contains(&key);
                text(&mut assignment.value, secrets);
                if !is_read {
                    HIDDEN.clone_into(&mut assignment.value);
                }
            }
        }
    }
}

/// Variables that the command of a unit names.
fn used(unit: &Unit) -> BTreeSet<String> {
    let commands = unit.assignments.iter().filter(|assignment| assignment.key == "ExecStart");
    commands.flat_map(|command| names(&command.value)).map(str::to_owned).collect()
}

/// Hides the secrets of a command, of a server all but the flags that rules ask about.
fn command(value: &mut String, secrets: &mut Secrets) {
    let mut words = unescaped_words(value);
    let program = words.first().and_then(|first| first.rsplit('/').next()).unwrap_or_default();
    if SERVERS.contains(&program.trim_start_matches(['-', '@', ':', '+', '!', '|'])) {
        let before = words.clone();
        server(&mut words, secrets);
        if words != before {
            *value = joined(&words);
        }
    }
    text(value, secrets);
}

/// One line of words that splits into the same words.
fn joined(words: &[String]) -> String {
    let words = words.iter().map(|word| {
        if !word.is_empty() && !word.contains([' ', '\t', '\n', '"', '\'', '\\']) {
            return word.clone();
        }
        quoted(word)
    });
    words.collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

fn environment(value: &mut String, used: &BTreeSet<String>, secrets: &mut Secrets) {
    let mut pairs = Vec::new();
    let mut changed = false;
    for pair in unescaped_words(value) {
        let (name, own) = pair.split_once('=').unwrap_or((&pair, ""));
        let is_kept = KEPT.contains(&name) || (used.contains(name) && !is_secret(name));
        let mut new = own.to_owned();
        if is_kept {
            text(&mut new, secrets);
        } else if !is_open_value(name, own) {
            if is_secret(name) {
                secrets.add(own);
            }
            HIDDEN.clone_into(&mut new);
        }
        changed |= new != own;
        pairs.push(format!("{name}={new}"));
    }
    // Otherwise it stays as it is written.
    if changed {
        *value = pairs.iter().map(|pair| quoted(pair)).collect::<Vec<_>>().join(" ");
    }
}
