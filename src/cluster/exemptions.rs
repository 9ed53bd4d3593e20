//! `Exemption` objects. Each counts in its own namespace, if `--exemption-namespaces` names that namespace. One that does
//! not compile exempts nothing.

use super::item::{Item, ObjectKey};
use super::object_store::ObjectStore;
use super::state::{ClusterState, Listed, StateSender};
use super::status::DesiredStatus;
use crate::policy::{ObjectExemption, PolicyErrors};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The exemptions of the cluster, by namespace and name.
#[derive(Debug)]
pub struct ExemptionStore {
    allowed_namespaces: HashSet<String>,
    /// Those in force, with their generation.
    in_force: BTreeMap<ObjectKey, (i64, Arc<ObjectExemption>)>,
    state: StateSender,
}

impl ExemptionStore {
    #[must_use]
    pub fn new(allowed_namespaces: &[String], state: StateSender) -> Self {
        let allowed_namespaces = allowed_namespaces.iter().cloned().collect();
        Self { allowed_namespaces, in_force: BTreeMap::new(), state }
    }
}

impl ObjectStore for ExemptionStore {
    fn apply(&mut self, item: &Item) -> DesiredStatus {
        let key = item.key();
        if !self.allowed_namespaces.contains(item.namespace()) {
            self.in_force.remove(&key);
            let message = format!(
                "exemptions in the namespace {} do not count; podreeve's option --exemption-namespaces names those where they do",
                item.namespace()
            );
            return DesiredStatus::new(item, false, "NamespaceNotAllowed", &message);
        }
        let generation = item.metadata.generation.unwrap_or_default();
        match compile(item) {
            Ok(exemption) => {
                if self.in_force.get(&key).is_none_or(|(known, _)| *known != generation) {
                    self.in_force.insert(key, (generation, Arc::new(exemption)));
                }
                DesiredStatus::new(
                    item,
                    true,
                    "Compiled",
                    "it counts in this namespace, up to the last day that it names",
                )
            }
            Err(error) => {
                self.in_force.remove(&key);
                DesiredStatus::new(item, false, "Invalid", &format!("{error}; this object exempts nothing"))
            }
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        self.in_force.remove(key);
    }

    fn retain(&mut self, keys: &HashSet<ObjectKey>) {
        self.in_force.retain(|key, _| keys.contains(key));
    }

    fn publish(&self) {
        let exemptions: Vec<_> = self.in_force.values().map(|(_, exemption)| Arc::clone(exemption)).collect();
        self.state.send_if_modified(|state| {
            let listed = Listed { exemptions: true, ..state.listed };
            let before = std::mem::replace(state, ClusterState { exemptions, listed, ..state.clone() });
            !state.has_same_policies(&before) || before.listed != listed
        });
    }
}

fn compile(item: &Item) -> Result<ObjectExemption, PolicyErrors> {
    ObjectExemption::new(item.namespace(), item.name(), item.spec().as_deref().map(RawValue::get))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn item(namespace: &str, generation: i64, rule: &str) -> Item {
        let spec: Value = json!({"rules": [rule], "reason": "a test"});
        let metadata = json!({"name": "a", "namespace": namespace, "generation": generation});
        serde_json::from_str(&json!({"metadata": metadata, "spec": spec}).to_string()).unwrap()
    }

    fn in_force(exemptions: &ExemptionStore) -> Vec<String> {
        exemptions.publish();
        exemptions.state.borrow().exemptions.iter().map(|e| e.name.clone()).collect()
    }

    #[test]
    fn only_allowed_namespaces_count() {
        let mut exemptions = ExemptionStore::new(&["shop".to_owned()], StateSender::default());
        assert!(exemptions.apply(&item("shop", 1, "privileged")).ready);
        let status = exemptions.apply(&item("shop-2", 1, "privileged"));
        assert_eq!((status.ready, status.reason), (false, "NamespaceNotAllowed"));
        assert_eq!(in_force(&exemptions), ["shop/a"]);
        exemptions.retain(&HashSet::new());
        assert!(in_force(&exemptions).is_empty());
    }

    #[test]
    fn one_that_no_longer_compiles_exempts_nothing() {
        let mut exemptions = ExemptionStore::new(&["shop".to_owned()], StateSender::default());
        exemptions.apply(&item("shop", 1, "privileged"));
        let status = exemptions.apply(&item("shop", 2, "privilegd"));
        assert!(status.message.contains("did you mean `privileged`"), "{}", status.message);
        assert!(in_force(&exemptions).is_empty());
    }
}
