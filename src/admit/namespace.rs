//! A namespace that is created or labelled: its `pod-security.kubernetes.io` labels must mean something, and who makes
//! them stricter is warned of the pods that are there and violate them.

use super::{Snapshot, about, pod_security, reasons};
use crate::facts::{FactQuery, Known, Labels, PodsByName};
use crate::json::Raw;
use crate::outcome::{About, Outcome, PodSecurity};
use crate::policy::pod_security::{BadLabel, Level, LevelVersion, Levels, PREFIX, read, strictest_defaults};
use crate::review::{Operation, Request};
use crate::workload::{kinds, read::read_at};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// As many pods are looked at as upstream does.
const PODS_MAX: usize = 3000;

pub(super) fn is_one(request: &Request<'_>) -> bool {
    request.kind.group.is_empty()
        && *request.kind.kind == *"Namespace"
        && request.sub_resource.as_deref().unwrap_or_default().is_empty()
}

/// What becomes of the review of a namespace; none where no policy honours labels.
pub(super) fn judge(request: &Request<'_>, snapshot: &Snapshot) -> Outcome {
    let about = about(request, None);
    let labels = match request.object().map(labels).transpose() {
        Ok(labels) => labels.unwrap_or_default(),
        Err(problem) => return Outcome::refused(about, problem),
    };
    let policies = snapshot.policies.policies.iter();
    let asking = policies.filter(|policy| policy.matcher.applies_to_namespace(&request.name, Known::Is(&labels)));
    let honoured: Vec<_> = asking.filter_map(|policy| policy.pod_security_labels.as_ref()).collect();
    if honoured.is_empty() {
        return Outcome::allow(about);
    }
    let defaults = strictest_defaults(&honoured);
    let (asked, bad) = read(&labels, defaults);
    let exempt = honoured.iter().all(|h| h.exemptions.namespaces.iter().any(|name| *name == *request.name));
    // What nobody asked for by a label is not said to be ignored.
    let ignored = || if asked == defaults { None } else { ignored(&request.name, asked, &labels) };
    if request.operation() != Operation::Update {
        return match bad.as_slice() {
            [] if exempt => warned(about, ignored().into_iter().collect()),
            [] => Outcome::allow(about),
            bad => invalid(about, bad),
        };
    }
    // What cannot be read was no better before.
    let before = request.old_object.and_then(|old| self::labels(old).ok()).unwrap_or_default();
    let (asked_before, bad_before) = read(&before, defaults);
    if !bad.is_empty() && bad != bad_before {
        return invalid(about, &bad);
    }
    let stricter = asked.enforce != asked_before.enforce
        && asked.enforce.level != Level::Privileged
        && (asked.enforce.version != asked_before.enforce.version || asked.enforce.level > asked_before.enforce.level);
    if !stricter {
        return Outcome::allow(about);
    }
    if exempt {
        return warned(about, ignored().into_iter().collect());
    }
    match snapshot.facts.pods_of(&request.name) {
        Known::Is(pods) => {
            let classes =
                |class: &str| honoured.iter().all(|h| h.exemptions.runtime_classes.iter().any(|known| known == class));
            warned(about, evaluate(&request.name, asked.enforce, pods, classes))
        }
        Known::Absent => Outcome::allow(about),
        Known::Unknown => {
            let wanted = FactQuery::Pods(request.name.to_string());
            if snapshot.facts.may_ask(&wanted) {
                return Outcome::needs_fact(about, wanted);
            }
            warned(about, vec!["failed to list pods while checking new PodSecurity enforce level".to_owned()])
        }
    }
}

fn labels(object: Raw<'_>) -> Result<Labels, String> {
    let labels = read_at::<BTreeMap<String, Option<String>>>(object, &["metadata".into(), "labels".into()]);
    match labels {
        Ok(labels) => {
            Ok(labels.unwrap_or_default().into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
        }
        Err(error) => Err(format!("the namespace's field `{}` could not be read: {}", error.field, error.in_words())),
    }
}

fn warned(about: About, warnings: Vec<String>) -> Outcome {
    Outcome::labelled(about, PodSecurity { warnings, ..PodSecurity::default() })
}

fn invalid(about: About, bad: &[BadLabel]) -> Outcome {
    let invalid = bad.iter().map(|bad| (bad.field(), bad.fault())).collect();
    Outcome::invalid(about, invalid)
}

/// PodSecurityVerdict of an exempt namespace whose labels ask for something.
fn ignored(name: &str, asked: Levels, labels: &Labels) -> Option<String> {
    if asked.is_privileged() {
        return None;
    }
    let modes = [("enforce", asked.enforce), ("audit", asked.audit), ("warn", asked.warn)].into_iter().filter(
        |(mode, asked)| {
            let label = format!("{PREFIX}{mode}");
            asked.level != Level::Privileged
                && (labels.contains_key(&label) || labels.contains_key(&format!("{label}-version")))
        },
    );
    let modes: Vec<String> = modes.map(|(mode, asked)| format!("{mode}={asked}")).collect();
    Some(format!(
        "namespace \"{}\" is exempt from Pod Security, and the policy ({}) will be ignored",
        crate::text::clean(name, 63),
        modes.join(", ")
    ))
}

/// The warnings about pods that are there already.
fn evaluate(namespace: &str, enforce: LevelVersion, pods: &PodsByName, exempt: impl Fn(&str) -> bool) -> Vec<String> {
    // One pod of each controller first, so that the bound leaves out repetitions.
    let mut seen = HashSet::new();
    let (mut first, more): (Vec<_>, Vec<_>) =
        pods.iter().partition(|(_, pod)| pod.controller.as_ref().is_none_or(|controller| seen.insert(controller)));
    first.extend(more);
    let total = first.len();
    first.truncate(PODS_MAX);

    let mut known: HashMap<&Arc<str>, Option<String>> = HashMap::new();
    let mut counted: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    let mut unread = 0;
    for (name, pod) in &first {
        unread += usize::from(pod.raw().is_none());
        let reason = known.entry(&pod.text).or_insert_with(|| violated(enforce, Raw::new(pod.raw()?.get()), &exempt));
        if let Some(reason) = reason {
            let (first, count) = counted.entry(reason.clone()).or_insert((name.as_str(), 0));
            *first = (*first).min(name.as_str());
            *count += 1;
        }
    }
    let mut warnings = Vec::new();
    if first.len() < total {
        warnings.push(format!(
            "new PodSecurity enforce level only checked against the first {} of {total} existing pods",
            first.len()
        ));
    }
    if unread > 0 {
        warnings.push(format!(
            "new PodSecurity enforce level not checked against {unread} existing pods that cannot be read"
        ));
    }
    if !counted.is_empty() {
        warnings.push(format!(
            "existing pods in namespace \"{namespace}\" violate the new PodSecurity enforce level \"{enforce}\""
        ));
    }
    let mut told: Vec<String> = counted
        .into_iter()
        .map(|(reason, (name, count))| match count {
            1 => format!("{name}: {reason}"),
            2 => format!("{name} (and 1 other pod): {reason}"),
            _ => format!("{name} (and {} other pods): {reason}", count - 1),
        })
        .collect();
    told.sort();
    warnings.extend(told);
    warnings
}

fn violated(enforce: LevelVersion, pod: Raw<'_>, exempt: &impl Fn(&str) -> bool) -> Option<String> {
    let pod = kinds::find("", "Pod")?.pod(pod).ok()??;
    let class = pod.spec.runtime_class_name.as_deref().unwrap_or_default();
    if !class.is_empty() && exempt(class) {
        return None;
    }
    let found = pod_security::violations(enforce, &pod);
    (!found.is_empty()).then(|| reasons::reasons(enforce, &found))
}
