//! `resources.limits.ephemeral-storage` of containers and init containers, and `sizeLimit` of emptyDirs.

use super::limits::{self, Suggestion};
use super::limits::{
    Amount, EffectiveQuantity, below_request, is_fraction, is_free, meant_bytes, note_no_quantity, positive, why_bytes,
};
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, PodRule, Rule, Scope, Severity, compile,
    display_value, params,
};
use crate::workload::volume::EmptyDir;
use crate::workload::{Pod, quantity};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "ephemeral-storage-limit",
    title: "What a pod writes to its node's disk is limited",
    docs: "Logs, the writable layer and emptyDirs fill the disk that all pods of a node share. Each container and init \
container needs `resources.limits.ephemeral-storage`, and each emptyDir a `sizeLimit`; above it the kubelet evicts \
this pod and no other. An emptyDir with `medium: Memory` uses memory instead, and without a limit it can use all the \
memory that its containers may have. `0` is no limit, fractions of a byte (`512m`) are a typing error, and for a value \
that is no quantity (`1GB`) the message says what was probably meant. (The pod's own `resources` have no such field.)\n\n\
The repair sets `default`, if the policy gives one, on containers and on emptyDirs on disk, and `memoryDefault` on \
those in memory; it leaves a container whose request is larger.",
    why: "a pod that fills its node's disk causes the eviction of other pods and can stop the node",
    owasp: &[30],
    severity: Severity::Low,
    params: params::<EphemeralStorageLimit>,
    judges: Judges::Pod(PodRule {
        instead: "set a limit that the program does not reach",
        lists: NOT_EPHEMERAL,
        fixes: true,
        compile: compile::<EphemeralStorageLimit>,
        examples: &[
            Example::bad("no resources", r#"{"resources":null}"#, &["resources.limits.ephemeral-storage"]).no_repair(),
            Example::bad(
                "other limits, and a default",
                r#"{"resources":{"limits":{"ephemeral-storage":null}}}"#,
                &["resources.limits.ephemeral-storage"],
            )
            .params(r#"{"default":"1Gi"}"#),
            Example::bad(
                "zero",
                r#"{"resources":{"requests":null,"limits":{"ephemeral-storage":0}}}"#,
                &["resources.limits.ephemeral-storage"],
            )
            .params(r#"{"default":1000000000}"#),
            Example::bad(
                "the request is above the default",
                r#"{"resources":{"requests":{"ephemeral-storage":"2Gi"},"limits":{"ephemeral-storage":null}}}"#,
                &["resources.limits.ephemeral-storage"],
            )
            .params(r#"{"default":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "a limit below its request",
                r#"{"resources":{"requests":{"ephemeral-storage":"2Gi"},"limits":{"ephemeral-storage":"1Gi"}}}"#,
                &["resources.limits.ephemeral-storage"],
            )
            .params(r#"{"default":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "not a quantity",
                r#"{"resources":{"requests":null,"limits":{"ephemeral-storage":"1GB"}}}"#,
                &["resources.limits.ephemeral-storage"],
            )
            .params(r#"{"default":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "fractions of a byte",
                r#"{"resources":{"requests":{"ephemeral-storage":"256m"},"limits":{"ephemeral-storage":"512m"}}}"#,
                &["resources.limits.ephemeral-storage", "resources.requests.ephemeral-storage"],
            )
            .params(r#"{"default":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "emptyDirs of a fraction of a byte, and of no quantity",
                "",
                &["spec.volumes[0].emptyDir.sizeLimit", "spec.volumes[1].emptyDir.sizeLimit"],
            )
            .spec(r#"{"volumes":[{"name":"a","emptyDir":{"sizeLimit":"512m"}},{"name":"b","emptyDir":{"sizeLimit":"1 GB"}}]}"#)
            .params(r#"{"default":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "emptyDirs without a limit, and one with it",
                "",
                &["spec.volumes[0].emptyDir.sizeLimit", "spec.volumes[2].emptyDir.sizeLimit"],
            )
            .spec(r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","emptyDir":{"sizeLimit":"1Gi"}},{"name":"c","emptyDir":{"sizeLimit":"0"}}]}"#)
            .params(r#"{"default":"1Gi"}"#),
            Example::bad("an emptyDir in memory", "", &["spec.volumes[1].emptyDir.sizeLimit"])
                .spec(r#"{"volumes":[{"name":"a","secret":{"secretName":"a"}},{"name":"b","emptyDir":{"medium":"Memory"}}]}"#)
                .params(r#"{"memoryDefault":"16Mi"}"#),
            Example::bad("an emptyDir in memory before another volume", "", &["spec.volumes[0].emptyDir.sizeLimit"])
                .spec(r#"{"volumes":[{"name":"a","emptyDir":{"medium":"Memory"}},{"name":"b","secret":{"secretName":"b"}}]}"#)
                .params(r#"{"memoryDefault":"16Mi"}"#),
            Example::bad("an emptyDir in memory and no default for it", "", &["spec.volumes[0].emptyDir.sizeLimit"])
                .spec(r#"{"volumes":[{"name":"a","emptyDir":{"medium":"Memory"}}]}"#)
                .params(r#"{"default":"1Gi"}"#)
                .no_repair(),
            Example::good("limits", r#"{"resources":{"limits":{"ephemeral-storage":"64Mi"}}}"#)
                .spec(r#"{"volumes":[{"name":"a","emptyDir":{"sizeLimit":"0.5Gi"}},{"name":"b","emptyDir":{"medium":"Memory","sizeLimit":1e6}},{"name":"c","configMap":{"name":"c"}}]}"#),
            Example::good("huge pages have limits of their own", "")
                .spec(r#"{"volumes":[{"name":"a","emptyDir":{"medium":"HugePages-2Mi"}}]}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `ephemeral-storage-limit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct EphemeralStorageLimit {
    /// The limit that the repair sets on containers and on emptyDirs on disk, in bytes as a Kubernetes quantity; no repair when left out.
    default: Option<Amount>,
    /// The `sizeLimit` that the repair sets on emptyDirs in memory, in bytes as a Kubernetes quantity; no repair when left out.
    memory_default: Option<Amount>,
}

impl Check for EphemeralStorageLimit {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(directory) = &volume.empty_dir else { continue };
            let limit = directory.size_limit.as_ref().map(|limit| &*limit.text);
            let nano = limit.and_then(positive);
            if medium(directory).starts_with("HugePages") || nano.is_some_and(|nano| !is_fraction(nano)) {
                continue;
            }
            let at = Location::spec().key("volumes", true).index(index).key("emptyDir", true);
            // The text has the name, so that a second volume without a limit is a violation of its own.
            let found = format!("{} on {}", display_value(limit), &*volume.name);
            let fraction = limit.filter(|_| nano.is_some());
            let wanted = fraction.map_or("a limit above 0".into(), |text| meant_bytes(text, "whole bytes"));
            let finding = Finding::new(at.key("sizeLimit", limit.is_some()), found, wanted);
            findings.add(match fraction {
                Some(text) => finding.why(why_bytes(text)),
                None if medium(directory) == "Memory" => note_no_quantity(finding.why(WHY_MEMORY), limit),
                None => note_no_quantity(finding, limit),
            });
        }
        limits::of_each(pod, findings, |container, findings| {
            let limit = EffectiveQuantity::own(container, "limits", "ephemeral-storage");
            if limit.nano.is_none() {
                findings.add(limit.finding("a limit above 0").amount(i128::MAX));
            }
            let request = EffectiveQuantity::own(container, "requests", "ephemeral-storage");
            findings.extend([limit, request].iter().filter_map(EffectiveQuantity::fraction));
            findings.extend(below_request(container, "ephemeral-storage"));
        });
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if fix.scope != Scope::Pod {
            return false;
        }
        let default = match finding.container() {
            Some(container) => {
                let request = EffectiveQuantity::own(container, "requests", "ephemeral-storage").nano;
                let is_free = EffectiveQuantity::own(container, "limits", "ephemeral-storage").is_free();
                let fits = |default: &&Amount| is_free && request.is_none_or(|request| request <= default.nano);
                self.default.as_ref().filter(fits).filter(|_| finding.at.has_key("limits"))
            }
            None => match finding.at.list_index().and_then(|index| pod.spec.volumes.get(index)?.empty_dir.as_ref()) {
                Some(directory) if !is_free(directory.size_limit.as_ref().map(|limit| &*limit.text)) => None,
                Some(directory) if medium(directory) == "Memory" => self.memory_default.as_ref(),
                Some(_) => self.default.as_ref(),
                None => None,
            },
        };
        if let Some(default) = default {
            fix.suggest_only();
            fix.set_found(finding, default.text.clone().into());
        }
        default.is_some()
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if finding.container().is_some() {
            let suggestion = Suggestion { example: Some(EXAMPLE), default: self.default.as_ref(), max: None };
            return limits::suggest(pod, finding, fix, "ephemeral-storage", &suggestion);
        }
        let directory = finding.at.list_index().and_then(|index| pod.spec.volumes.get(index)?.empty_dir.as_ref());
        let Some(directory) = directory.filter(|_| fix.scope == Scope::Pod) else { return false };
        fix.remark("the limit is an example: measure");
        fix.set_found(finding, if medium(directory) == "Memory" { "64Mi" } else { EXAMPLE.0 }.into());
        true
    }
}

fn medium<'d>(directory: &'d EmptyDir<'_>) -> &'d str {
    directory.medium.as_deref().unwrap_or_default()
}

/// A limit to begin with, and its billionths of a byte.
const EXAMPLE: (&str, i128) = ("1Gi", (1 << 30) * quantity::UNIT);
const WHY_MEMORY: &str = "an emptyDir in memory without a limit takes all the memory that its containers may have";
