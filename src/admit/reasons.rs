//! Upstream's words for what its checks refuse, so that tools that search for them keep working.

use crate::decide::Judged;
use crate::policy::pod_security::{Level, LevelVersion};
use crate::rule::pss::Version;
use crate::text::{clean, dotted};

/// How many places are named for one reason.
const PLACES: usize = 4;

/// `violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), …`, with places and without; none
/// where nothing was found.
pub(super) fn describe(verb: &str, level: LevelVersion, found: &[Judged<'_>]) -> Option<(String, String)> {
    let reasons = grouped(level, found);
    if reasons.is_empty() {
        return None;
    }
    let lead = format!("{verb} PodSecurity \"{level}\": ");
    let full: Vec<String> = reasons.iter().map(|(reason, places)| format!("{reason} ({})", join(places))).collect();
    Some((format!("{lead}{}", full.join(", ")), format!("{lead}{}", names(&reasons))))
}

/// The reasons alone: `host namespaces, privileged`.
pub(super) fn reasons(level: LevelVersion, found: &[Judged<'_>]) -> String {
    names(&grouped(level, found))
}

type Reasons = Vec<(&'static str, Vec<String>)>;

fn names(reasons: &Reasons) -> String {
    let names: Vec<&str> = reasons.iter().map(|(reason, _)| *reason).collect();
    names.join(", ")
}

fn join(places: &[String]) -> String {
    let mut text = places.iter().take(PLACES).cloned().collect::<Vec<_>>().join(", ");
    if let Some(others) = places.len().checked_sub(PLACES).filter(|others| *others > 0) {
        text.push_str(&format!(", +{others} more"));
    }
    text
}

fn grouped(level: LevelVersion, found: &[Judged<'_>]) -> Reasons {
    let mut reasons: Reasons = Vec::new();
    for judged in found {
        let reason = reason(level, judged);
        let place = place(judged);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, places)) => places.push(place),
            None => reasons.push((reason, vec![place])),
        }
    }
    for (reason, places) in &mut reasons {
        if *reason == "forbidden AppArmor profile" && places.len() > 1 {
            *reason = "forbidden AppArmor profiles";
        }
    }
    reasons
}

fn reason(level: LevelVersion, judged: &Judged<'_>) -> &'static str {
    let restricted_since = |minor| level.level == Level::Restricted && level.version >= Version::minor(minor);
    match judged.rule.id {
        "allow-privilege-escalation" => "allowPrivilegeEscalation != false",
        "apparmor-profile" => "forbidden AppArmor profile",
        "capabilities" if restricted_since(22) => "unrestricted capabilities",
        "capabilities" => "non-default capabilities",
        "host-ipc" | "host-network" | "host-pid" => "host namespaces",
        "host-path" => "hostPath volumes",
        "host-ports" => "hostPort",
        "host-probes" => "probe or lifecycle host",
        "host-process" => "hostProcess",
        "proc-mount" => "procMount",
        "run-as-non-root" if judged.finding.at.has_key("runAsUser") => "runAsUser=0",
        "run-as-non-root" => "runAsNonRoot != true",
        "seccomp-profile" => "seccompProfile",
        "selinux-options" => "seLinuxOptions",
        "sysctls" => "forbidden sysctls",
        "volume-types" => "restricted volume types",
        // The rule and upstream's check have the same name.
        other => other,
    }
}

fn place(judged: &Judged<'_>) -> String {
    let at = &judged.finding.at;
    let field = at.field();
    let (subject, field) = match at.container_ref() {
        Some(container) => {
            let inside = field.strip_prefix(&container.pointer()).unwrap_or(&field);
            (format!("{} \"{}\"", container.kind.noun(), clean(container.name, 63)), inside)
        }
        None => ("pod".to_owned(), field.strip_prefix("/spec").unwrap_or(&field)),
    };
    let field = clean(&dotted(field), 120);
    if at.missing().is_empty() {
        format!("{subject} must not set {field}={}", clean(&judged.finding.found, 80))
    } else {
        format!("{subject} must set {field}")
    }
}
