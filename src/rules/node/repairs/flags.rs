//! Changes a flag where it is written: in the command of a unit, in a variable of the unit, or in a file with such variables.

use crate::node::mode::shell;
use crate::node::secrets::HIDDEN;
use crate::node::unit::{Assignment, Unit, words};

/// A flag, and what stands in its place.
pub struct Flag<'a> {
    /// An extended regular expression for it in all its spellings.
    pub pattern: String,
    /// Empty to remove it.
    pub new: String,
    /// Whether the words of a command have it in a spelling that the expression knows.
    pub is_in: &'a dyn Fn(&[String]) -> bool,
}

/// Has systemd read its units again.
pub const RELOAD: &str = "systemctl daemon-reload";

/// Letters that are part of another word than the flag.
const BEFORE: &str = "(^|[^[:alnum:]_-])";
const AFTER: &str = r"([^[:alnum:]_=.:\/-]|$)";

/// The name of the drop-in that has the command; it is read after others.
const COMMAND: &str = "zz-podreeve-command.conf";

/// A text that stands for itself in an extended regular expression of sed.
pub fn escaped(text: &str) -> String {
    let special = |c: char| r"\.[]{}()*+?^$|/".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The commands that change a flag of a unit; none where it is not sure where it is written.
pub fn change(unit: &Unit, flag: &Flag<'_>) -> Option<Vec<String>> {
    let new = flag.new.replace('\\', r"\\").replace('/', r"\/").replace('&', r"\&");
    // The groups of the expression come before the last one.
    let groups = 2 + flag.pattern.matches('(').count() - flag.pattern.matches(r"\(").count();
    let script = shell(&format!("s/{BEFORE}{}{AFTER}/\\1{new}\\{groups}/g", flag.pattern));
    let start = unit.all("Service", "ExecStart").next()?;
    let mut changed = if (flag.is_in)(&words(&start.value)) {
        in_unit(unit, start, COMMAND, flag, &script)?
    } else if let Some(variable) = unit.all("Service", "Environment").find(|variable| has(variable, flag)) {
        in_unit(unit, variable, "zz-podreeve-environment.conf", flag, &script)?
    } else {
        let files: Vec<&str> =
            unit.all("Service", "EnvironmentFile").map(|file| file.value.trim_start_matches('-')).collect();
        if files.is_empty() || files.iter().any(|file| file.contains(['*', '?', '[', '%', ' '])) {
            return None;
        }
        vec![in_files(&files, flag, &script)]
    };
    changed.push(RELOAD.to_owned());
    Some(changed)
}

/// The commands that add a flag to a unit whose command begins with the program itself.
pub fn add(unit: &Unit, program: &str, flag: &str) -> Option<Vec<String>> {
    let start = unit.all("Service", "ExecStart").next()?;
    if unit.command()?.first()?.rsplit('/').next() != Some(program) || start.value.contains(HIDDEN) {
        return None;
    }
    let flag = flag.replace('/', r"\/").replace('&', r"\&");
    let mut added = drop_in(unit, start, COMMAND)?;
    added.push(format!(
        "sed -i -E {} {}",
        shell(&format!("s/^ExecStart=[^[:space:]]+/& {flag}/")),
        path(unit, COMMAND)
    ));
    added.push(RELOAD.to_owned());
    Some(added)
}

fn has(variable: &Assignment, flag: &Flag<'_>) -> bool {
    let has = |pair: &String| {
        let (_, value) = pair.split_once('=').unwrap_or_default();
        let command: Vec<String> = [String::new()].into_iter().chain(words(value)).collect();
        (flag.is_in)(&command)
    };
    words(&variable.value).iter().any(has)
}

fn path(unit: &Unit, name: &str) -> String {
    shell(&format!("/etc/systemd/system/{}.d/{name}", unit.name))
}

/// Makes a drop-in that repeats an assignment, unless it is there from another repair.
fn drop_in(unit: &Unit, assignment: &Assignment, name: &str) -> Option<Vec<String>> {
    let file = path(unit, name);
    let is_own = assignment.path.ends_with(&format!("/{}.d/{name}", unit.name));
    // A drop-in whose name comes after it would win.
    let is_later = assignment.path.contains(".d/") && assignment.path.rsplit('/').next() > Some(name);
    if is_later || assignment.value.contains(['\n', '\r']) {
        return None;
    }
    if is_own {
        return Some(Vec::new());
    }
    let key = &assignment.key;
    // An empty assignment takes back the command of before; of a variable the last one counts.
    let reset = if key == "ExecStart" { "ExecStart= " } else { "" };
    let line = shell(&format!("{key}={}", assignment.value));
    let mut commands = vec![
        format!("mkdir -p {}", shell(&format!("/etc/systemd/system/{}.d", unit.name))),
        format!("{{ [ -e {file} ] || printf '%s\\n' '[Service]' {reset}{line} > {file}; }}"),
    ];
    // The rule about files lets root alone read the units of the kubelet.
    commands.extend((unit.name == "kubelet.service").then(|| format!("chmod 0600 {file}")));
    Some(commands)
}

fn in_unit(unit: &Unit, found: &Assignment, name: &str, flag: &Flag<'_>, script: &str) -> Option<Vec<String>> {
    let copied = drop_in(unit, found, name).filter(|_| !found.value.contains(HIDDEN));
    if let Some(mut commands) = copied {
        commands.push(format!("sed -i -E {script} {}", path(unit, name)));
        return Some(commands);
    }
    // What podreeve does not show cannot be copied; a file of the administrator is changed in its place.
    found.path.starts_with("/etc/").then(|| vec![in_files(&[&found.path], flag, script)])
}

/// Changes the files that have the flag, and fails if none has it, or what another repair has put in its place.
fn in_files(files: &[&str], flag: &Flag<'_>, script: &str) -> String {
    let pattern = |flag: &str| shell(&format!("{BEFORE}{flag}{AFTER}").replace(r"\/", "/"));
    let new = if flag.new.is_empty() { String::new() } else { format!("-e {} ", pattern(&escaped(&flag.new))) };
    let pattern = format!("-e {} {new}", pattern(&flag.pattern));
    let files: Vec<String> = files.iter().map(|file| shell(file)).collect();
    format!("sed -i -E {script} $(grep -lsE {pattern}{})", files.join(" "))
}
