//! The audit system: the rules of `/etc/audit`, and whether its daemon runs.

use super::{Host, text, units};
use crate::node::audit::{self, Line, List, Origin};
use crate::node::mode::FileKind;
use crate::node::process::Process;
use crate::node::unit::Unit;
use crate::node::{Audit, has_extension};
use std::collections::{BTreeMap, BTreeSet};

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
    let whole = text(host, FILE);
    let in_file = whole.is().map(|text| audit::lines(FILE, text)).unwrap_or_default();
    let has_rules = in_file.iter().any(is_rule);
    let origin = match (loader(host, units), files.is_empty()) {
        (Some(Loader::Auditctl), _) => Origin::File,
        // Without the folder augenrules loads the file as it stands.
        (_, true) if folder.is_absent() => Origin::File,
        (None, true) if has_rules => Origin::File,
        (Some(Loader::Augenrules), true) if has_rules => Origin::EmptyFolder,
        _ => Origin::Folder,
    };
    let mut handwritten = None;
    // What is in force after the next start, and what was loaded last.
    if !files.is_empty() && origin == Origin::Folder {
        let merged = audit::merged(files);
        let in_folder: BTreeSet<&str> = merged.iter().map(|line| line.text.trim()).collect();
        let mut own = in_file.iter().filter(|line| is_rule(line) && !in_folder.contains(line.text.trim()));
        handwritten = own.next().map(|line| line.source.clone());
        lists.push(audit::load(FOLDER, &merged, &is_there));
    }
    unread.extend(whole.unknown().map(|why| format!("{FILE} {why}")));
    lists.extend(whole.is().map(|_| audit::load(FILE, &in_file, &is_there)));
    for list in &mut lists {
        resolve(host, list);
    }
    // A name alone is no proof: each user may choose that of a program.
    let running = processes.iter().any(|process| process.name == "auditd" && process.is_of_root());
    Audit { lists, unread, running, origin, handwritten }
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

/// Whether a line adds a rule.
fn is_rule(line: &Line) -> bool {
    line.text.starts_with("-w") || line.text.starts_with("-a") || line.text.starts_with("-A")
}

/// What loads the rules at the start.
#[derive(Clone, Copy)]
enum Loader {
    Augenrules,
    /// It loads `audit.rules` as it stands.
    Auditctl,
}

/// The program that the units load the rules with; none where no unit names one.
fn loader(host: &dyn Host, units: &BTreeMap<String, Unit>) -> Option<Loader> {
    let own = units::unit(host, "audit-rules.service");
    let starts = |unit: &Unit, program: &str| {
        let commands =
            unit.assignments.iter().filter(|line| line.section == "Service" && line.key.starts_with("ExecStart"));
        commands.into_iter().any(|line| line.value.contains(program))
    };
    let names = |program: &str| units.get("auditd.service").into_iter().chain(&own).any(|unit| starts(unit, program));
    // What cannot be read may name augenrules, with which less is loaded.
    let is_unread = units.get("auditd.service").into_iter().chain(&own).any(|unit| !unit.doubts.is_empty());
    match (names("augenrules") || is_unread, names("auditctl")) {
        (true, _) => Some(Loader::Augenrules),
        (false, true) => Some(Loader::Auditctl),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn where_rules_come_from() {
        let of = |unit: &str, files: &str| {
            let host = Fake::read(&format!(
                "=== /lib/systemd/system/auditd.service\n[Service]\nExecStartPost=-/sbin/{unit}\n{files}"
            ));
            audit(&host, &[], &units::daemons(&host, &[]))
        };
        let (one, own) =
            ("=== /etc/audit/audit.rules\n-w /a -p wa\n-e 2\n", "=== /etc/audit/rules.d/a.rules\n-w /b -p wa\n");
        let empty = "=== /etc/audit/rules.d folder\n";
        for (unit, files, origin) in [
            ("auditctl -R /etc/audit/audit.rules", format!("{one}{own}"), Origin::File),
            ("augenrules --load", format!("{one}{own}"), Origin::Folder),
            ("augenrules --load", format!("{one}{empty}"), Origin::EmptyFolder),
            ("augenrules --load", empty.to_owned(), Origin::Folder),
            ("augenrules --load", one.to_owned(), Origin::File),
            ("other", format!("{one}{empty}"), Origin::File),
            ("other", own.to_owned(), Origin::Folder),
        ] {
            assert_eq!(of(unit, &files).origin, origin, "{unit} {files}");
        }
        let both = of("augenrules --load", &format!("{one}{own}"));
        assert_eq!(both.handwritten.as_deref(), Some("/etc/audit/audit.rules:1"));
        assert_eq!(both.lists[1].locked.as_deref(), Some("/etc/audit/audit.rules:2"));
        let same = own.replace("rules.d/a.rules", "audit.rules");
        assert_eq!(of("augenrules --load", &format!("{same}{own}")).handwritten, None);
    }
}
