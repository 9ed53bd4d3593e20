//! A namespace that is created or changed. Its `pod-security.kubernetes.io` labels must be valid, and a user who makes them
//! stricter is warned of the existing pods that violate them.

mod existing;

use super::{Conditions, Snapshot, about};
use crate::facts::{FactQuery, Known, Labels};
use crate::json::Raw;
use crate::outcome::{About, Operation, Outcome, PodSecurity};
use crate::policy::Cap;
use crate::policy::pod_security::{
    BadLabel, HonouredLabels, Level, LevelVersion, Levels, PREFIX, read, strictest_defaults,
};
use crate::review::Request;
use crate::workload::read::read_at;
use std::collections::BTreeMap;

pub(super) fn is_namespace(request: &Request<'_>) -> bool {
    request.kind.group.is_empty()
        && *request.kind.kind == *"Namespace"
        && request.sub_resource.as_deref().unwrap_or_default().is_empty()
}

/// The outcome for a namespace. Where no policy honours the labels, it is allowed.
pub(super) fn judge(request: &Request<'_>, conditions: &Conditions<'_>) -> Outcome {
    let Conditions { snapshot, today, .. } = *conditions;
    let about = about(request, None);
    let labels = match request.object().map(labels).transpose() {
        Ok(labels) => labels.unwrap_or_default(),
        Err(problem) => return Outcome::refused(about, problem),
    };
    let policies = snapshot.policies.policies.iter();
    let matching = policies.filter(|policy| policy.matcher.applies_to_namespace(&request.name, Known::Is(&labels)));
    let honoured: Vec<_> = matching.filter_map(|policy| policy.pod_security_labels.as_ref()).collect();
    if honoured.is_empty() {
        return Outcome::allow(about);
    }
    let defaults = strictest_defaults(&honoured);
    let (levels, bad) = read(&labels, defaults);
    let cap = snapshot.ceiling.cap_of_unjudged(today);
    let change = LabelChange { request, snapshot, honoured, defaults, labels, levels, bad, cap };
    if request.operation() == Operation::Update { change.updated(about) } else { change.created(about) }
}

/// The labels of a namespace that is created or updated, and the policies that honour them.
struct LabelChange<'c> {
    request: &'c Request<'c>,
    snapshot: &'c Snapshot,
    honoured: Vec<&'c HonouredLabels>,
    defaults: Levels,
    labels: Labels,
    levels: Levels,
    bad: Vec<BadLabel>,
    cap: Cap,
}

impl LabelChange<'_> {
    fn created(&self, about: About) -> Outcome {
        match self.bad.as_slice() {
            [] if self.is_exempt() => warned(about, self.ignored()),
            [] => Outcome::allow(about),
            bad => self.invalid(about, bad),
        }
    }

    fn updated(&self, about: About) -> Outcome {
        // Old labels that cannot be read count as absent.
        let old = self.request.old_object.and_then(|old| labels(old).ok()).unwrap_or_default();
        let (old_levels, old_bad) = read(&old, self.defaults);
        if !self.bad.is_empty() && self.bad != old_bad {
            return self.invalid(about, &self.bad);
        }
        if !is_stricter(self.levels.enforce, old_levels.enforce) {
            return Outcome::allow(about);
        }
        if self.is_exempt() {
            return warned(about, self.ignored());
        }
        match self.snapshot.facts.pods_of(&self.request.name) {
            Known::Is(pods) => {
                let is_exempt = |class: &str| self.exempts_runtime_class(class);
                warned(about, existing::warnings(&self.request.name, self.levels.enforce, pods, is_exempt))
            }
            Known::Absent => Outcome::allow(about),
            Known::Unknown => {
                let query = FactQuery::Pods(self.request.name.to_string());
                if self.snapshot.facts.may_look_up(&query) {
                    return Outcome::needs_fact(about, query);
                }
                warned(about, vec!["failed to list pods while checking new PodSecurity enforce level".to_owned()])
            }
        }
    }

    fn invalid(&self, about: About, bad: &[BadLabel]) -> Outcome {
        match self.cap {
            Cap::Deny => Outcome::invalid(about, bad.iter().map(|bad| (bad.field(), bad.fault())).collect()),
            Cap::Warn(_) | Cap::Audit => {
                let warning = |bad: &BadLabel| format!("podreeve would refuse this namespace in mode deny: {bad}");
                warned(about, bad.iter().map(warning).collect())
            }
        }
    }

    fn is_exempt(&self) -> bool {
        self.honoured.iter().all(|h| h.exemptions.namespaces.iter().any(|name| *name == *self.request.name))
    }

    fn exempts_runtime_class(&self, class: &str) -> bool {
        self.honoured.iter().all(|h| h.exemptions.runtime_classes.iter().any(|known| known == class))
    }

    /// The warning that the labels of an exempt namespace are ignored; none where no label sets a level.
    fn ignored(&self) -> Vec<String> {
        if self.levels == self.defaults || self.levels.is_privileged() {
            return Vec::new();
        }
        let Levels { enforce, audit, warn } = self.levels;
        let is_set = |(mode, level): &(&str, LevelVersion)| {
            let label = format!("{PREFIX}{mode}");
            level.level != Level::Privileged
                && (self.labels.contains_key(&label) || self.labels.contains_key(&format!("{label}-version")))
        };
        let modes = [("enforce", enforce), ("audit", audit), ("warn", warn)].into_iter().filter(is_set);
        let modes: Vec<String> = modes.map(|(mode, level)| format!("{mode}={level}")).collect();
        vec![format!(
            "namespace \"{}\" is exempt from Pod Security, and the policy ({}) will be ignored",
            crate::text::clean(&self.request.name, 63),
            modes.join(", ")
        )]
    }
}

/// Whether pods that met the old level may violate the new one.
fn is_stricter(new: LevelVersion, old: LevelVersion) -> bool {
    new != old && new.level != Level::Privileged && (new.version != old.version || new.level > old.level)
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
    Outcome::namespace(about, PodSecurity { warnings, ..PodSecurity::default() })
}
