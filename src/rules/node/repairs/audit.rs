//! Rules of the audit system: added where they are loaded from, without those that are there getting lost.

use super::packages::{audit_system, is_image};
use crate::node::Node;
use crate::node::audit::Origin;
use crate::node::mode::shell;

const FILE: &str = "/etc/audit/audit.rules";

/// The command that watches a path. Without an audit system it counts once there is one.
pub fn watch(node: &Node, path: &str) -> String {
    if is_image(node) {
        return audit_system(node);
    }
    let rule = format!("-w {path} -p wa -k containers");
    let is_installed = node.units.contains_key("auditd.service");
    let origin = match node.audit.origin {
        // Packages of auditd make the file again from the folder. What a user wrote into it stays.
        Origin::File if !is_installed && node.audit.lists.iter().any(|list| list.name == FILE) => Origin::EmptyFolder,
        Origin::File if !is_installed => Origin::Folder,
        origin => origin,
    };
    let write = match origin {
        Origin::File => add_to_file(&rule, locked(node).is_some()),
        origin => {
            let own = "/etc/audit/rules.d/containers.rules";
            // augenrules writes audit.rules again, with what is in the folder alone.
            let keep = format!(
                "{{ test -e /etc/audit/rules.d/audit.rules || cp {FILE} /etc/audit/rules.d/audit.rules; }} && "
            );
            let keep = if origin == Origin::EmptyFolder { keep } else { String::new() };
            format!("mkdir -p /etc/audit/rules.d && {keep}{}", once(&rule, own, &append(&rule, own)))
        }
    };
    if !is_installed {
        let load = "{ ! command -v augenrules > /dev/null || augenrules --load; }";
        return format!("{write} && {load} # auditd reads it when it is installed and started");
    }
    // `auditctl -R` stops at the first rule that is loaded already.
    let one = || format!("auditctl {}", rule.split(' ').map(shell).collect::<Vec<_>>().join(" "));
    match (node.audit.origin, locked(node)) {
        (Origin::File, Some(line)) => format!("{write} # {}", restart(line)),
        (Origin::File, None) => format!("{write} && {}", one()),
        (_, Some(line)) => format!("{write} && augenrules # {}", restart(line)),
        (_, None) => match &node.audit.handwritten {
            Some(line) => format!(
                "{write} && cp {FILE} {FILE}.by-hand && augenrules --load # it makes {FILE} again from rules.d: what was written by hand there ({line}) \
is in {FILE}.by-hand"
            ),
            None => format!("{write} && augenrules --load"),
        },
    }
}

/// What loads all rules again after a change.
pub fn reload(node: &Node) -> String {
    match (node.audit.origin, locked(node)) {
        (Origin::Folder, None) => "augenrules --load".to_owned(),
        (Origin::Folder, Some(line)) => format!("augenrules, and restart the host, as {line} locks the rules (-e 2)"),
        (Origin::File | Origin::EmptyFolder, None) => format!("auditctl -D && auditctl -R {FILE}"),
        (Origin::File | Origin::EmptyFolder, Some(line)) => {
            format!("restart the host, as {line} locks the rules (-e 2)")
        }
    }
}

/// The line that locks the rules which are loaded.
fn locked(node: &Node) -> Option<&str> {
    node.audit.lists.iter().find_map(|list| list.locked.as_deref())
}

fn restart(line: &str) -> String {
    format!("then restart the host: {line} locks the rules that are loaded (-e 2)")
}

/// Adds a rule on a line of its own, also where the last line of the file does not end.
fn append(rule: &str, file: &str) -> String {
    format!("printf '\\n%s\\n' {} >> {file}", shell(rule))
}

/// Adds a rule to `audit.rules`, before the line `-e 2` if it has one: nothing is loaded after it.
fn add_to_file(rule: &str, is_locked: bool) -> String {
    if !is_locked {
        return once(rule, FILE, &append(rule, FILE));
    }
    let mut escaped = String::with_capacity(rule.len());
    for c in rule.chars() {
        if matches!(c, '\\' | '&' | '|') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    once(rule, FILE, &format!("sed -i {} {FILE}", shell(&format!(r"s|^ *-e *2|{escaped}\n&|"))))
}

/// A command that adds a rule to a file which does not have it: auditctl stops at a rule that is there already.
fn once(rule: &str, file: &str, add: &str) -> String {
    format!("{{ grep -qsxF -e {} {file} || {add}; }}", shell(rule))
}
