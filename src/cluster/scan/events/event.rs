//! The Event of one owner and one rule. Its name depends on nothing else, so that each leader finds the Event of the one before.

use crate::scan::{FindingKind, ScanFinding};
use crate::text::{clean, dotted};
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

const CONTROLLER: &str = "podreeve.dev/scan";
/// Longest message, in bytes. The API allows 1,024.
const MESSAGE: usize = 1000;
/// How much of an owner's name the name of an Event has, in characters. A name may have 253.
const OWNER: usize = 200;

/// The Event for findings of one rule at one owner, as it is when it happens for the first time.
pub fn event(findings: &[&ScanFinding], namespace: &str, instance: &str, now: Time) -> Option<Event> {
    let owner = &findings.first()?.owner;
    Some(Event {
        metadata: ObjectMeta {
            name: name(findings, namespace),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(owner.api_version.clone()),
            kind: Some(owner.kind.clone()),
            name: Some(owner.name.clone()),
            namespace: Some(namespace.to_owned()),
            uid: Some(owner.uid.clone()).filter(|uid| !uid.is_empty()),
            ..ObjectReference::default()
        },
        type_: Some("Warning".to_owned()),
        reason: Some("PolicyViolation".to_owned()),
        message: Some(message(findings)),
        action: Some("Scan".to_owned()),
        count: Some(1),
        first_timestamp: Some(now.clone()),
        last_timestamp: Some(now),
        source: Some(EventSource { component: Some("podreeve".to_owned()), host: None }),
        reporting_component: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(clean(instance, 128)),
        ..Event::default()
    })
}

/// The same in each replica and version of podreeve.
fn name(findings: &[&ScanFinding], namespace: &str) -> Option<String> {
    let first = findings.first()?;
    let (owner, rule) = (
        &first.owner,
        match first.rule() {
            "" => "not-judged",
            rule => rule,
        },
    );
    let hash = fnv([namespace, &owner.api_version, &owner.kind, &owner.name, &owner.uid, rule]);
    Some(format!("{}.{rule}.{hash:016x}", beginning(&owner.name)))
}

/// The owner's name, as far as it fits, as the first part of a name that the API server takes. A pod can name an owner as its author likes.
fn beginning(name: &str) -> String {
    let taken = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' { c } else { '-' };
    let name: String = name.chars().take(OWNER).map(taken).collect();
    let labels: Vec<&str> =
        name.split('.').map(|label| label.trim_matches('-')).filter(|label| !label.is_empty()).collect();
    if labels.is_empty() { "owner".to_owned() } else { labels.join(".") }
}

/// FNV-1a: the hashes of the standard library may change from one version of Rust to the next.
fn fnv(parts: [&str; 6]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    // 0xff is in no UTF-8 text, so the parts cannot run into each other.
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Lists what would be denied, as far as it fits.
fn message(findings: &[&ScanFinding]) -> String {
    let mut text = String::from("podreeve would deny it today: ");
    for (index, finding) in findings.iter().enumerate() {
        let more = line(finding);
        let separator = if index == 0 { "" } else { "; " };
        if text.len() + more.len() + separator.len() + "; +99999 more".len() > MESSAGE {
            text.push_str(&format!("; +{} more", findings.len() - index));
            break;
        }
        text.push_str(separator);
        text.push_str(&more);
    }
    text
}

/// One finding. It has no value of the object.
pub fn line(finding: &ScanFinding) -> String {
    match &finding.what {
        FindingKind::Problem(problem) => format!("it could not be judged: {}", clean(problem, 200)),
        FindingKind::Violation(violation) => {
            let container = violation.subject.container_text().map(|text| format!(", {text}")).unwrap_or_default();
            let field = clean(&dotted(&violation.field), 200);
            format!("{} ({}){container}: {field}", violation.rule.id, violation.severity)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Owner;
    use std::sync::Arc;

    fn problem(owner: Owner, n: usize) -> ScanFinding {
        let what = FindingKind::Problem(format!("{n} {}", "ä".repeat(90)));
        ScanFinding { owner: Arc::new(owner), kind: "Pod".to_owned(), what }
    }

    #[test]
    fn a_message_has_an_end() {
        let findings: Vec<ScanFinding> = (0..50).map(|n| problem(Owner::default(), n)).collect();
        let all: Vec<&ScanFinding> = findings.iter().collect();
        let text = message(&all);
        assert!(text.len() <= 1024, "{}", text.len());
        assert!(text.ends_with(" more"), "{text}");
        assert!(!message(&all[..2]).contains("more"));
    }

    #[test]
    fn the_name_is_that_of_the_owner_and_the_rule() {
        let name_of = |kind: &str, uid: &str, namespace: &str, n| {
            let owner =
                Owner { kind: kind.to_owned(), name: "web".to_owned(), uid: uid.to_owned(), ..Owner::default() };
            name(&[&problem(owner, n)], namespace).unwrap()
        };
        let web = name_of("Deployment", "u", "shop", 1);
        // Stored Events have this name: a version that makes another one writes each Event a second time.
        assert_eq!(web, "web.not-judged.5e94271d1ca1bd1c");
        assert_eq!(web, name_of("Deployment", "u", "shop", 2), "what is found may change");
        for other in
            [name_of("Job", "u", "shop", 1), name_of("Deployment", "v", "shop", 1), name_of("Deployment", "u", "b", 1)]
        {
            assert_ne!(web, other);
        }
    }

    /// The API server refuses an Event whose name is no DNS name.
    #[test]
    fn an_owner_of_any_name_has_an_event() {
        let cut = format!("{}.example", "n".repeat(199));
        for (name, wanted) in [
            ("web.v1", "web.v1"),
            (&*cut, &*"n".repeat(199)),
            ("../../pods A", "pods"),
            ("Big_Name-", "ig--ame"),
            ("\u{1b}[31m", "31m"),
            ("-.-", "owner"),
        ] {
            assert_eq!(beginning(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_long_name_fits() {
        let owner = Owner { name: "n".repeat(253), ..Owner::default() };
        assert!(name(&[&problem(owner, 1)], "shop").unwrap().len() <= 253);
        assert!(crate::rules::RULES.iter().all(|rule| rule.id.len() + OWNER + 18 <= 253));
    }
}
