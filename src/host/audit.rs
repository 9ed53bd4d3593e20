//! The audit system: the rules of `/etc/audit`, and whether its daemon runs.

use super::{Host, text, units};
use crate::node::audit::{self, List};
use crate::node::mode::FileKind;
use crate::node::process::Process;
use crate::node::unit::Unit;
use crate::node::{Audit, has_extension};
use std::collections::BTreeMap;

const FILE: &str = "/etc/audit/audit.rules";
const FOLDER: &str = "/etc/audit/rules.d";

pub fn audit(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Audit {
    let mut unread = Vec::new();
    let is_there = |path: &str| !host.entry(path).is_absent();
    let mut lists = Vec::new();
    let folder = host.list(FOLDER);
    unread.extend(folder.unknown().map(|why| format!("{FOLDER} {why}")));
    let names = folder.is().into_iter().flatten();
    let mut files = Vec::new();
    for name in names.filter(|name| has_extension(name, &["rules"]) && !name.starts_with('.')) {
        let path = format!("{FOLDER}/{name}");
        let read = text(host, &path);
        unread.extend(read.unknown().map(|why| format!("{path} {why}")));
        files.extend(read.is().map(|text| (path, text.clone())));
    }
    // What is in force after the next start, and what was loaded last.
    if !files.is_empty() && !takes_one_file(host, units) {
        lists.push(audit::load(FOLDER, &audit::merged(files), &is_there));
    }
    let whole = text(host, FILE);
    unread.extend(whole.unknown().map(|why| format!("{FILE} {why}")));
    lists.extend(whole.is().map(|text| audit::load(FILE, &audit::lines(FILE, text), &is_there)));
    for list in &mut lists {
        resolve(host, list);
    }
    // A name alone is no proof: each user may choose that of a program.
    let running = processes.iter().any(|process| process.name == "auditd" && process.is_of_root());
    Audit { lists, unread, running }
}

/// Where the paths of rules lead. The kernel follows a link to a folder, and watches a link to a file itself.
fn resolve(host: &dyn Host, list: &mut List) {
    for entry in &mut list.entries {
        let Some(path) = &entry.path else { continue };
        let found = host.entry(path);
        let folder = found.is().filter(|found| found.kind == FileKind::Folder).map(|found| found.path.clone());
        let in_parent = || {
            let (parent, name) = path.rsplit_once('/').filter(|(parent, _)| !parent.is_empty())?;
            let parent = host.entry(parent);
            parent.is().map(|parent| format!("{}/{name}", parent.path.trim_end_matches('/')))
        };
        entry.target = folder.or_else(in_parent).filter(|target| target != path);
    }
}

/// Whether the units load `audit.rules` as it stands, without `augenrules`.
fn takes_one_file(host: &dyn Host, units: &BTreeMap<String, Unit>) -> bool {
    let loader = units::unit(host, "audit-rules.service");
    let starts = |unit: &Unit, program: &str| {
        let commands =
            unit.assignments.iter().filter(|line| line.section == "Service" && line.key.starts_with("ExecStart"));
        commands.into_iter().any(|line| line.value.contains(program))
    };
    let names =
        |program: &str| units.get("auditd.service").into_iter().chain(&loader).any(|unit| starts(unit, program));
    names("auditctl") && !names("augenrules")
}
