//! `Exemption` objects: each counts in its own namespace, if the operator allows that namespace. A wrong one exempts nothing.

use super::item::Item;
use super::objects::{Name, ObjectStore};
use super::state::{ClusterState, Listed, StateSender};
use super::status::DesiredStatus;
use crate::policy::{ObjectExemption, PolicyErrors};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The exemptions of the cluster, by namespace and name.
#[derive(Debug)]
pub struct Exemptions {
    allowed: HashSet<String>,
    held: BTreeMap<Name, (i64, Arc<ObjectExemption>)>,
    parts: StateSender,
}

impl Exemptions {
    #[must_use]
    pub fn new(allowed: &[String], parts: StateSender) -> Self {
        Self { allowed: allowed.iter().cloned().collect(), held: BTreeMap::new(), parts }
    }
}

impl ObjectStore for Exemptions {
    fn apply(&mut self, item: &Item) -> DesiredStatus {
        let name: Name = (item.namespace().to_owned(), item.name().to_owned());
        if !self.allowed.contains(item.namespace()) {
            self.held.remove(&name);
            let message = format!(
                "exemptions in the namespace {} do not count; whoever runs podreeve allows it with --exemption-namespaces",
                item.namespace()
            );
            return DesiredStatus::new(item, false, "NamespaceNotAllowed", &message);
        }
        let generation = item.metadata.generation.unwrap_or_default();
        match compile(item) {
            Ok(exemption) => {
                if self.held.get(&name).is_none_or(|(known, _)| *known != generation) {
                    self.held.insert(name, (generation, Arc::new(exemption)));
                }
                DesiredStatus::new(
                    item,
                    true,
                    "Compiled",
                    "it counts in this namespace, up to the last day that it names",
                )
            }
            Err(error) => {
                self.held.remove(&name);
                DesiredStatus::new(item, false, "Invalid", &format!("{error}; nothing is exempt by it"))
            }
        }
    }

    fn remove(&mut self, name: &Name) {
        self.held.remove(name);
    }

    fn retain(&mut self, names: &HashSet<Name>) {
        self.held.retain(|name, _| names.contains(name));
    }

    fn publish(&self) {
        let exemptions: Vec<_> = self.held.values().map(|(_, exemption)| Arc::clone(exemption)).collect();
        self.parts.send_if_modified(|parts| {
            let listed = Listed { exemptions: true, ..parts.listed };
            let before = std::mem::replace(parts, ClusterState { exemptions, listed, ..parts.clone() });
            !parts.says_as(&before) || before.listed != listed
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

    fn in_force(exemptions: &Exemptions) -> Vec<String> {
        exemptions.publish();
        exemptions.parts.borrow().exemptions.iter().map(|e| e.name.clone()).collect()
    }

    #[test]
    fn only_allowed_namespaces_count() {
        let mut exemptions = Exemptions::new(&["shop".to_owned()], StateSender::default());
        assert!(exemptions.apply(&item("shop", 1, "privileged")).ready);
        let refused = exemptions.apply(&item("shop-2", 1, "privileged"));
        assert_eq!((refused.ready, refused.reason), (false, "NamespaceNotAllowed"));
        assert_eq!(in_force(&exemptions), ["shop/a"]);
        exemptions.retain(&HashSet::new());
        assert!(in_force(&exemptions).is_empty());
    }

    #[test]
    fn one_that_becomes_wrong_exempts_nothing() {
        let mut exemptions = Exemptions::new(&["shop".to_owned()], StateSender::default());
        exemptions.apply(&item("shop", 1, "privileged"));
        let report = exemptions.apply(&item("shop", 2, "privilegd"));
        assert!(report.message.contains("did you mean `privileged`"), "{}", report.message);
        assert!(in_force(&exemptions).is_empty());
    }
}
