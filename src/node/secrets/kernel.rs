//! Secrets in the line of the kernel's arguments.

use super::Secrets;
use super::names::HIDDEN;
use super::texts::{is_of_name, split, text};

/// Arguments that rules and their repairs read, and others of a form that has no secret.
const KEPT: &[&str] = &[
    "audit",
    "audit_backlog_limit",
    "apparmor",
    "selinux",
    "enforcing",
    "security",
    "lsm",
    "lockdown",
    "cgroup_enable",
    "cgroup_disable",
    "cgroup_no_v1",
    "swapaccount",
    "systemd.unified_cgroup_hierarchy",
    "user_namespace.enable",
    "ro",
    "rw",
    "quiet",
];

/// Hides the values of all other arguments: any program of the boot may read its key from there.
pub fn hide(line: &mut String, secrets: &mut Secrets) {
    text(line, secrets);
    let words = split(line).into_iter().map(|(_, word)| word).filter(|word| !word.is_empty());
    let hidden = words.map(|word| match word.split_once('=') {
        _ if KEPT.contains(&word.split('=').next().unwrap_or(word)) => word.to_owned(),
        Some((name, _)) if name.bytes().all(is_of_name) => format!("{name}={HIDDEN}"),
        _ => HIDDEN.to_owned(),
    });
    let hidden: Vec<String> = hidden.collect();
    *line = hidden.join(" ");
}
