//! Judges the pods that exist in a namespace whose labels become stricter.

use crate::admit::{pod_security, reasons};
use crate::facts::{KeptPod, PodsByName};
use crate::json::Raw;
use crate::policy::pod_security::LevelVersion;
use crate::workload::kinds;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// How many pods are judged at most; upstream has the same limit.
const PODS_MAX: usize = 3000;

/// The warnings about existing pods that violate the new level, in upstream's words.
pub(super) fn warnings(
    namespace: &str,
    enforce: LevelVersion,
    pods: &PodsByName,
    is_exempt: impl Fn(&str) -> bool,
) -> Vec<String> {
    let judged = one_of_each_controller_first(pods);
    let unread = judged.iter().filter(|(_, pod)| pod.raw().is_none()).count();
    let mut warnings = Vec::new();
    if judged.len() < pods.len() {
        let (some, all) = (judged.len(), pods.len());
        warnings.push(format!(
            "new PodSecurity enforce level only checked against the first {some} of {all} existing pods"
        ));
    }
    if unread > 0 {
        warnings.push(format!(
            "new PodSecurity enforce level not checked against {unread} existing pods that cannot be read"
        ));
    }
    let mut violations = by_reason(enforce, &judged, is_exempt);
    if !violations.is_empty() {
        warnings.push(format!(
            "existing pods in namespace \"{namespace}\" violate the new PodSecurity enforce level \"{enforce}\""
        ));
    }
    violations.sort();
    warnings.extend(violations);
    warnings
}

/// At most [`PODS_MAX`] pods, and the first of each controller before the others: so the limit leaves out pods that are alike.
fn one_of_each_controller_first(pods: &PodsByName) -> Vec<(&String, &KeptPod)> {
    let mut seen = HashSet::new();
    let (mut first, others): (Vec<_>, Vec<_>) =
        pods.iter().partition(|(_, pod)| pod.controller.as_ref().is_none_or(|controller| seen.insert(controller)));
    first.extend(others);
    first.truncate(PODS_MAX);
    first
}

/// A line for each reason, with the first pod by name and the number of the others.
fn by_reason(enforce: LevelVersion, pods: &[(&String, &KeptPod)], is_exempt: impl Fn(&str) -> bool) -> Vec<String> {
    let mut known: HashMap<&Arc<str>, Option<String>> = HashMap::new();
    let mut counts: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for (name, pod) in pods {
        let reason = known.entry(&pod.text).or_insert_with(|| reason(enforce, Raw::new(pod.raw()?.get()), &is_exempt));
        if let Some(reason) = reason {
            let (first, count) = counts.entry(reason.clone()).or_insert((name.as_str(), 0));
            *first = (*first).min(name.as_str());
            *count += 1;
        }
    }
    let line = |(reason, (name, count)): (String, (&str, usize))| match count {
        1 => format!("{name}: {reason}"),
        2 => format!("{name} (and 1 other pod): {reason}"),
        _ => format!("{name} (and {} other pods): {reason}", count - 1),
    };
    counts.into_iter().map(line).collect()
}

/// Why the pod violates the level; none when it does not, or when its runtime class is exempt.
fn reason(enforce: LevelVersion, pod: Raw<'_>, is_exempt: &impl Fn(&str) -> bool) -> Option<String> {
    let pod = kinds::find("", "Pod")?.pod(pod).ok()??;
    let class = pod.spec.runtime_class_name.as_deref().unwrap_or_default();
    if !class.is_empty() && is_exempt(class) {
        return None;
    }
    let found = pod_security::violations(enforce, &pod);
    (!found.is_empty()).then(|| reasons::reasons(enforce, &found))
}
