//! `Policy` objects: each compiles or says why not, and the last one of a name that did stays.

use super::item::Item;
use super::objects::{Name, ObjectStore};
use super::state::{ClusterState, Listed, StateSender};
use super::status::DesiredStatus;
use crate::policy::{Cluster, CompiledPolicy, PolicyErrors, status::mode};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The policies of the cluster, by name.
#[derive(Debug, Default)]
pub struct Policies {
    held: BTreeMap<String, StoredPolicy>,
    parts: StateSender,
}

#[derive(Debug, Default)]
struct StoredPolicy {
    /// The last one that compiled, and its generation.
    good: Option<(i64, Arc<CompiledPolicy>)>,
    /// Why the newest one does not.
    error: Option<String>,
}

impl Policies {
    #[must_use]
    pub fn new(parts: StateSender) -> Self {
        Self { held: BTreeMap::new(), parts }
    }

    /// What is in force, by name.
    fn in_force(&self) -> Vec<Arc<CompiledPolicy>> {
        self.held.values().filter_map(|held| held.good.as_ref()).map(|(_, policy)| Arc::clone(policy)).collect()
    }

    /// Those whose newest version does not compile, with the reason.
    fn errors(&self) -> Vec<String> {
        let told = |(name, held): (&String, &StoredPolicy)| Some(format!("Policy {name}: {}", held.error.as_ref()?));
        self.held.iter().filter_map(told).collect()
    }
}

impl ObjectStore for Policies {
    fn apply(&mut self, item: &Item) -> DesiredStatus {
        let generation = item.metadata.generation.unwrap_or_default();
        let held = self.held.entry(item.name().to_owned()).or_default();
        match compile(item) {
            Ok(policy) => {
                let mode = mode(&policy);
                // A change of the status alone leaves what was compiled.
                if held.good.as_ref().is_none_or(|(known, _)| *known != generation) {
                    held.good = Some((generation, Arc::new(policy)));
                }
                held.error = None;
                DesiredStatus::new(item, true, "Compiled", "this generation is in force").mode(Some(mode))
            }
            Err(error) => {
                let stays = match &held.good {
                    Some((good, _)) => format!("generation {good} of it stays in force"),
                    None => "nothing of it is in force".to_owned(),
                };
                let error = error.to_string();
                let report = DesiredStatus::new(item, false, "Invalid", &format!("{error}; {stays}"));
                held.error = Some(error);
                report.mode(held.good.as_ref().map(|(_, policy)| mode(policy)))
            }
        }
    }

    fn remove(&mut self, (_, name): &Name) {
        self.held.remove(name);
    }

    fn retain(&mut self, names: &HashSet<Name>) {
        self.held.retain(|name, _| names.contains(&(String::new(), name.clone())));
    }

    fn publish(&self) {
        let (policies, errors) = (self.in_force(), self.errors());
        self.parts.send_if_modified(|parts| {
            let listed = Listed { policies: true, ..parts.listed };
            let before = std::mem::replace(parts, ClusterState { policies, errors, listed, ..parts.clone() });
            !parts.says_as(&before) || before.listed != listed
        });
    }
}

fn compile(item: &Item) -> Result<CompiledPolicy, PolicyErrors> {
    CompiledPolicy::from_object(item.name(), item.spec().as_deref().map(RawValue::get), Cluster::With)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn item(name: &str, generation: i64, spec: Value) -> Item {
        let metadata = json!({"name": name, "generation": generation, "uid": "u", "deletionTimestamp": null});
        serde_json::from_str(&json!({"metadata": metadata, "spec": spec, "status": {"x": 1}}).to_string()).unwrap()
    }

    fn rules(action: &str) -> Value {
        json!({"rules": {"privileged": {"action": action}}})
    }

    fn actions(policies: &Policies) -> Vec<String> {
        policies.in_force().iter().map(|p| format!("{}: {:?}", p.name, p.rules[0].action)).collect()
    }

    #[test]
    fn the_last_good_one_of_a_name_stays() {
        let mut policies = Policies::default();
        assert!(policies.apply(&item("a", 1, rules("deny"))).ready);
        assert!(policies.apply(&item("b", 1, rules("warn"))).ready);
        let report = policies.apply(&item("a", 2, rules("forbid")));
        assert!(!report.ready);
        assert!(report.message.contains("`forbid` is no action"), "{}", report.message);
        assert!(report.message.contains("generation 1 of it stays in force"), "{}", report.message);
        assert_eq!(actions(&policies), ["a: Deny", "b: Warn"]);
        assert_eq!(policies.errors().len(), 1);

        assert!(policies.apply(&item("a", 3, rules("audit"))).ready);
        assert_eq!(actions(&policies), ["a: Audit", "b: Warn"]);
        assert!(policies.errors().is_empty());
        policies.remove(&(String::new(), "a".to_owned()));
        assert_eq!(actions(&policies), ["b: Warn"]);
        policies.retain(&[(String::new(), "c".to_owned())].into());
        assert!(actions(&policies).is_empty());
    }

    #[test]
    fn of_a_name_that_never_compiled_nothing_is_in_force() {
        let mut policies = Policies::default();
        let report = policies.apply(&item("a", 1, json!({"rules": {"privilegd": {"action": "deny"}}})));
        assert!(report.message.contains("did you mean `privileged`"), "{}", report.message);
        assert!(report.message.contains("nothing of it is in force"), "{}", report.message);
        assert!(policies.in_force().is_empty());
    }

    #[test]
    fn an_unchanged_generation_is_not_swapped() {
        let mut policies = Policies::default();
        let mut seen = policies.parts.subscribe();
        policies.apply(&item("a", 1, rules("deny")));
        policies.publish();
        assert_eq!(seen.borrow_and_update().policies.len(), 1);
        policies.apply(&item("a", 1, rules("deny")));
        policies.publish();
        assert!(!seen.has_changed().unwrap());
    }
}
