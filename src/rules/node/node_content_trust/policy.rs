//! `/etc/containers/policy.json` of podman and cri-o.

use crate::node::{Node, Read};
use crate::rule::{About, Evidence, Results, Severity};
use serde_json::Value;

const POLICY: &str = "/etc/containers/policy.json";

/// Requirements that hold for an image, or refuse it. Any other name is none that podman knows.
const STRICT: [&str; 4] = ["reject", "signedBy", "signedBaseLayer", "sigstoreSigned"];

pub fn judge(node: &Node, results: &mut Results) {
    for daemon in &node.crio {
        let own = daemon.config.get("crio.image.signature_policy");
        if let Some(setting) =
            own.filter(|setting| setting.value.as_str().is_some_and(|path| !path.is_empty() && path != POLICY))
        {
            let subject = format!("{}: signature_policy", daemon.name);
            let why =
                format!("{} names another policy, {}, which podreeve does not read", setting.source, setting.display());
            results.unknown(About::new(&subject, &[]), why);
        }
    }
    let about = About::new(POLICY, &[]);
    let document = match &node.containers_policy {
        Read::Is(document) => document,
        Read::Absent => return results.unknown(about, "it does not exist, and podman may have another one in a home"),
        other => return results.unknown(about, other.unknown().unwrap_or_default()),
    };
    let default = kinds(document.get("default"));
    let registries = document.get("transports").and_then(|transports| transports.get("docker")?.as_object());
    let scopes = || registries.into_iter().flatten().map(|(scope, rules)| (scope.as_str(), kinds(Some(rules))));
    // The scope without a name stands for all registries.
    let all = scopes().find(|(scope, _)| scope.is_empty()).map(|(_, kinds)| kinds);
    let (name, counts) = all.map_or(("default", default), |kinds| ("transports.docker", kinds));
    let found = format!("{name}: {}", counts.join(", "));
    if is_open(&counts) {
        let fix = format!(
            "trust each registry with its key in {POLICY} (podman image trust set), and then make the default reject"
        );
        results.fail(about, Severity::Low, Evidence::new(found, POLICY), "a default of reject, or of a signature", fix);
    } else if let Some(other) = counts.iter().find(|kind| !STRICT.contains(kind) && **kind != "insecureAcceptAnything")
    {
        results.unknown(about, format!("podman knows no requirement {other}, and does not start with it"));
    } else {
        let open: Vec<&str> = scopes().filter(|(_, kinds)| is_open(kinds)).map(|(scope, _)| scope).collect();
        let more =
            if open.is_empty() { String::new() } else { format!(", and nothing is verified of {}", open.join(", ")) };
        results.pass(about, Evidence::new(format!("{found}{more}"), POLICY));
    }
}

/// All requirements must hold, so one that refuses or verifies is enough.
fn is_open(kinds: &[&str]) -> bool {
    kinds.iter().all(|kind| *kind == "insecureAcceptAnything")
}

fn kinds(rules: Option<&Value>) -> Vec<&str> {
    let rules = rules.and_then(Value::as_array).into_iter().flatten();
    rules.filter_map(|rule| rule.get("type")?.as_str()).collect()
}
