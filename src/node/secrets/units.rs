//! Secrets in units of systemd: their environment, their commands, and their credentials.

use super::Secrets;
use super::names::{HIDDEN, is_open_value, is_secret};
use super::texts::text;
use crate::node::unit::{Unit, words};
use std::collections::BTreeSet;

/// Variables that say how a daemon is set up, and that no command names.
const KEPT: &[&str] = &["CONTAINERS_CONF", "DOCKER_CONTENT_TRUST", "DOCKER_TLS_VERIFY"];

/// Hides the values of all variables but those that are put into a command, such as `DOCKER_OPTS`.
pub fn hide(unit: &mut Unit, secrets: &mut Secrets) {
    let used = used(unit);
    for assignment in &mut unit.assignments {
        match assignment.key.as_str() {
            "Environment" => environment(&mut assignment.value, &used, secrets),
            "SetCredential" | "SetCredentialEncrypted" => {
                if let Some((id, secret)) = assignment.value.clone().split_once(':') {
                    secrets.add(secret);
                    assignment.value = format!("{id}:{HIDDEN}");
                }
            }
            _ => text(&mut assignment.value, secrets),
        }
    }
}

/// Variables that the commands of a unit name.
fn used(unit: &Unit) -> BTreeSet<String> {
    let commands = unit.assignments.iter().filter(|assignment| assignment.key.starts_with("Exec"));
    let after_dollar = commands.flat_map(|command| command.value.split('$').skip(1));
    let names = after_dollar.map(|rest| {
        let rest = rest.trim_start_matches('{');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().to_owned()
    });
    names.collect()
}

fn environment(value: &mut String, used: &BTreeSet<String>, secrets: &mut Secrets) {
    let mut pairs = Vec::new();
    let mut changed = false;
    for pair in words(value) {
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
        *value = pairs.iter().map(|pair| format!("\"{}\"", pair.replace('"', "\\\""))).collect::<Vec<_>>().join(" ");
    }
}
