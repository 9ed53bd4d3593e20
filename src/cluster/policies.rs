//! `Policy` objects. If the newest version of one does not compile, the last version that did stays in force.

use super::item::{Item, ObjectKey};
use super::object_store::ObjectStore;
use super::state::{ClusterState, Listed, StateSender};
use super::status::DesiredStatus;
use crate::policy::{Ceiling, Cluster, CompiledPolicy, Mode, PolicyErrors, status::mode};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The policies of the cluster, by name.
#[derive(Debug, Default)]
pub struct PolicyStore {
    by_name: BTreeMap<String, StoredPolicy>,
    ceiling: Ceiling,
    state: StateSender,
}

#[derive(Debug, Default)]
struct StoredPolicy {
    /// The last version that compiled, and its generation.
    good: Option<(i64, Arc<CompiledPolicy>)>,
    /// Why the newest version does not compile.
    error: Option<String>,
}

impl PolicyStore {
    #[must_use]
    pub fn new(state: StateSender, ceiling: Ceiling) -> Self {
        Self { by_name: BTreeMap::new(), ceiling, state }
    }

    /// For the condition of a policy that compiles.
    fn is_in_force(&self) -> String {
        match self.ceiling.mode {
            Mode::Deny => "this generation is in force".to_owned(),
            mode => {
                format!("this generation is in force; podreeve runs in mode {mode}, which denies and changes nothing")
            }
        }
    }

    /// What is in force, by name.
    fn in_force(&self) -> Vec<Arc<CompiledPolicy>> {
        self.by_name.values().filter_map(|stored| stored.good.as_ref()).map(|(_, policy)| Arc::clone(policy)).collect()
    }

    /// One text for each policy whose newest version does not compile.
    fn errors(&self) -> Vec<String> {
        let error =
            |(name, stored): (&String, &StoredPolicy)| Some(format!("Policy {name}: {}", stored.error.as_ref()?));
        self.by_name.iter().filter_map(error).collect()
    }
}

impl ObjectStore for PolicyStore {
    fn apply(&mut self, item: &Item) -> DesiredStatus {
        let generation = item.metadata.generation.unwrap_or_default();
        let in_force = self.is_in_force();
        let stored = self.by_name.entry(item.name().to_owned()).or_default();
        match compile(item) {
            Ok(policy) => {
                let mode = mode(&policy);
                // A change of the status leaves the generation as it is.
                if stored.good.as_ref().is_none_or(|(known, _)| *known != generation) {
                    stored.good = Some((generation, Arc::new(policy)));
                }
                stored.error = None;
                DesiredStatus::new(item, true, "Compiled", &in_force).mode(Some(mode))
            }
            Err(error) => {
                let stays = match &stored.good {
                    Some((good, _)) => format!("generation {good} of it stays in force"),
                    None => "nothing of it is in force".to_owned(),
                };
                let error = error.to_string();
                let status = DesiredStatus::new(item, false, "Invalid", &format!("{error}; {stays}"));
                stored.error = Some(error);
                status.mode(stored.good.as_ref().map(|(_, policy)| mode(policy)))
            }
        }
    }

    fn remove(&mut self, (_, name): &ObjectKey) {
        self.by_name.remove(name);
    }

    fn retain(&mut self, keys: &HashSet<ObjectKey>) {
        self.by_name.retain(|name, _| keys.contains(&(String::new(), name.clone())));
    }

    fn publish(&self) {
        let (policies, errors) = (self.in_force(), self.errors());
        self.state.send_if_modified(|state| {
            let listed = Listed { policies: true, ..state.listed };
            let before = std::mem::replace(state, ClusterState { policies, errors, listed, ..state.clone() });
            !state.has_same_policies(&before) || before.listed != listed
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

    fn actions(policies: &PolicyStore) -> Vec<String> {
        policies.in_force().iter().map(|p| format!("{}: {:?}", p.name, p.rules[0].action)).collect()
    }

    #[test]
    fn the_last_good_version_stays_in_force() {
        let mut policies = PolicyStore::default();
        assert!(policies.apply(&item("a", 1, rules("deny"))).ready);
        assert!(policies.apply(&item("b", 1, rules("warn"))).ready);
        let status = policies.apply(&item("a", 2, rules("forbid")));
        assert!(!status.ready);
        assert!(status.message.contains("`forbid` is no action"), "{}", status.message);
        assert!(status.message.contains("generation 1 of it stays in force"), "{}", status.message);
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
    fn the_condition_says_that_the_mode_denies_nothing() {
        let message = |mode| {
            let ceiling = Ceiling { mode, ..Ceiling::default() };
            let status = PolicyStore::new(StateSender::default(), ceiling).apply(&item("a", 1, rules("deny")));
            assert!(status.ready);
            status.message
        };
        assert_eq!(message(Mode::Deny), "this generation is in force");
        let warn = "this generation is in force; podreeve runs in mode warn, which denies and changes nothing";
        assert_eq!(message(Mode::Warn), warn);
    }

    #[test]
    fn a_policy_that_never_compiled_is_not_in_force() {
        let mut policies = PolicyStore::default();
        let status = policies.apply(&item("a", 1, json!({"rules": {"privilegd": {"action": "deny"}}})));
        assert!(status.message.contains("did you mean `privileged`"), "{}", status.message);
        assert!(status.message.contains("nothing of it is in force"), "{}", status.message);
        assert!(policies.in_force().is_empty());
    }

    #[test]
    fn an_unchanged_generation_is_not_swapped() {
        let mut policies = PolicyStore::default();
        let mut seen = policies.state.subscribe();
        policies.apply(&item("a", 1, rules("deny")));
        policies.publish();
        assert_eq!(seen.borrow_and_update().policies.len(), 1);
        policies.apply(&item("a", 1, rules("deny")));
        policies.publish();
        assert!(!seen.has_changed().unwrap());
    }
}
