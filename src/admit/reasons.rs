//! Upstream's words for what its checks refuse: whoever greps for them keeps working.

use crate::decide::Judged;
use crate::policy::pod_security::{Level, LevelVersion};
use crate::rule::pss::Version;
use crate::text::{clean, dotted};

/// How many places of one reason are named.
const PLACES: usize = 4;

/// `violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), …`, with places and without; none
/// where nothing was found.
pub(super) fn tell(verb: &str, asked: LevelVersion, found: &[Judged<'_>]) -> Option<(String, String)> {
    let reasons = grouped(asked, found);
    if reasons.is_empty() {
        return None;
    }
    let lead = format!("{verb} PodSecurity \"{asked}\": ");
    let full: Vec<String> = reasons.iter().map(|(reason, places)| format!("{reason} ({})", join(places))).collect();
    Some((format!("{lead}{}", full.join(", ")), format!("{lead}{}", names(&reasons))))
}

/// The reasons alone: `host namespaces, privileged`.
pub(super) fn reasons(asked: LevelVersion, found: &[Judged<'_>]) -> String {
    names(&grouped(asked, found))
}

type Reasons = Vec<(&'static str, Vec<String>)>;

fn names(reasons: &Reasons) -> String {
    let names: Vec<&str> = reasons.iter().map(|(reason, _)| *reason).collect();
    names.join(", ")
}

fn join(places: &[String]) -> String {
    let mut text = places.iter().take(PLACES).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = places.len().checked_sub(PLACES).filter(|more| *more > 0) {
        text.push_str(&format!(", +{more} more"));
    }
    text
}

fn grouped(asked: LevelVersion, found: &[Judged<'_>]) -> Reasons {
    let mut reasons: Reasons = Vec::new();
    for judged in found {
        let reason = reason(asked, judged);
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

fn reason(asked: LevelVersion, judged: &Judged<'_>) -> &'static str {
    let restricted_since = |minor| asked.level == Level::Restricted && asked.version >= Version::minor(minor);
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
        // Of both the rule and the check.
        other => other,
    }
}

fn place(judged: &Judged<'_>) -> String {
    let at = &judged.finding.at;
    let field = at.field();
    let (whose, field) = match at.container_ref() {
        Some(container) => {
            let inside = field.strip_prefix(&container.pointer()).unwrap_or(&field);
            (format!("{} \"{}\"", container.kind.noun(), clean(&container.name, 63)), inside)
        }
        None => ("pod".to_owned(), field.strip_prefix("/spec").unwrap_or(&field)),
    };
    let field = clean(&dotted(field), 120);
    if at.missing().is_empty() {
        format!("{whose} must not set {field}={}", clean(&judged.finding.found, 80))
    } else {
        format!("{whose} must set {field}")
    }
}
