//! The findings of a file on a terminal: the path once, and under it each object with its findings.

use crate::report::ObjectReport;
use crate::report::entry::{Entry, object_name};
use crate::report::style::{BOLD, DIM, style_of_level};
use crate::report::text::wrap::wrap;
use std::collections::HashMap;
use std::fmt::Write;

/// Appends the entries of one file, which are sorted. The object with the worst entry comes first. An empty line stands before each
/// file but the first.
pub fn render(text: &mut String, entries: &[Entry<'_>], width: usize, printed: bool) {
    let Some(first) = entries.first() else { return };
    if printed || !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{BOLD}{}{BOLD:#}", first.file);
    let places: Vec<String> = entries.iter().map(position).collect();
    let column = places.iter().map(String::len).max().unwrap_or_default();
    for group in by_object(entries.iter().zip(&places)) {
        // The path of a Dockerfile says all that its name would say.
        let object = group.first().and_then(|(entry, _)| entry.object).filter(|object| !object.is_dockerfile());
        if let Some(object) = object {
            let _ = writeln!(text, "  {}", object_name(object));
        }
        let indent = if object.is_some() { 4 } else { 2 };
        for (entry, place) in group {
            let style = style_of_level(entry.level);
            let line = format!(
                "{:indent$}{DIM}{place:column$}{DIM:#}  {BOLD}{rule}{BOLD:#} {severity} {style}{level}{style:#}: {whose}{message}",
                "",
                rule = entry.rule,
                severity = entry.severity,
                level = entry.level.word(),
                whose = whose(entry),
                message = entry.message,
            );
            let _ = writeln!(text, "{}", wrap(&line, width, indent + column + 2).trim_end());
        }
    }
}

type Placed<'e, 'r> = (&'e Entry<'r>, &'e String);

/// The entries of each object in their order, and the objects in the order of their first entries.
fn by_object<'e, 'r: 'e>(entries: impl Iterator<Item = Placed<'e, 'r>>) -> Vec<Vec<Placed<'e, 'r>>> {
    let mut groups: Vec<Vec<Placed<'e, 'r>>> = Vec::new();
    let mut known: HashMap<Option<*const ObjectReport>, usize> = HashMap::new();
    for placed in entries {
        let group = *known.entry(placed.0.object.map(std::ptr::from_ref)).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(placed),
            None => groups.push(vec![placed]),
        }
    }
    groups
}

/// `line:column`, as far as it is known.
fn position(entry: &Entry<'_>) -> String {
    match (entry.line, entry.column) {
        (Some(line), Some(column)) => format!("{line}:{column}"),
        (Some(line), None) => line.to_string(),
        _ => String::new(),
    }
}

/// The part of the object that violates, such as `container "web", `; empty for the object itself.
fn whose(entry: &Entry<'_>) -> String {
    let name = entry.object.map(object_name).unwrap_or_default();
    let below = entry.subject.strip_prefix(&name).and_then(|rest| rest.strip_prefix(", "));
    below.map(|part| format!("{part}, ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;
    use crate::report::entry::Level;
    use crate::rule::Severity;

    fn entry<'r>(object: &'r ObjectReport, line: usize, rule: &'static str, whose: &str) -> Entry<'r> {
        let name = object_name(object);
        Entry {
            file: object.file.clone(),
            line: Some(line),
            column: Some(7),
            rule,
            severity: Severity::High,
            level: Level::Denied,
            subject: if whose.is_empty() { name } else { format!("{name}, {whose}") },
            message: "securityContext.privileged: found true, wanted false or not set".to_owned(),
            fingerprint: "",
            object: Some(object),
            violation: None,
        }
    }

    #[test]
    fn a_path_and_an_object_are_printed_once() {
        let object = |name: &str| ObjectReport {
            namespace: "shop".to_owned(),
            api_version: "apps/v1".to_owned(),
            verdict: Verdict::Deny,
            ..ObjectReport::other("shop/web.yaml".to_owned(), "Deployment", name.to_owned())
        };
        let (web, api) = (object("web"), object("api"));
        let entries = [
            entry(&api, 120, "privileged", "container \"api\""),
            entry(&web, 9, "privileged", "container \"web\""),
            entry(&api, 5, "host-pid", ""),
        ];
        let mut text = String::new();
        render(&mut text, &entries, 76, false);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            plain,
            "shop/web.yaml\n  \
             Deployment shop/api\n    \
             120:7  privileged high denied: container \"api\",\n           \
             securityContext.privileged: found true, wanted false or not set\n    \
             5:7    host-pid high denied: securityContext.privileged: found true,\n           \
             wanted false or not set\n  \
             Deployment shop/web\n    \
             9:7    privileged high denied: container \"web\",\n           \
             securityContext.privileged: found true, wanted false or not set\n"
        );
        let mut second = String::new();
        render(&mut second, &entries, 76, true);
        assert_eq!(second, format!("\n{text}"));
    }
}
