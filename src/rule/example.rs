//! Examples: the only fixtures of a rule.

use super::{NOT_EPHEMERAL, Rule};
use crate::workload::ContainerKind;
use serde_json::{Map, Value, json};

/// A pod that passes every rule that the pod alone can pass, and that the examples vary.
pub const GOOD_POD: &str = include_str!("good_pod.json");

/// A variation of [`GOOD_POD`] and what the rule must say of it.
#[derive(Debug)]
pub struct Example {
    /// A phrase that tells the case, unique in its rule.
    pub name: &'static str,
    /// Parameters as JSON; empty for the defaults.
    pub params: &'static str,
    /// JSON merge patch (RFC 7386) of the pod's `spec`; empty for none.
    pub spec: &'static str,
    /// Annotations of the pod as a JSON object; empty for none.
    pub annotations: &'static str,
    /// The kinds that it is an example of.
    pub kinds: Kinds,
    /// JSON merge patch of the container; empty makes this an example of the pod, not of a container.
    pub container: &'static str,
    pub expect: Expect,
    /// The rule has repairs, and none for this.
    pub no_repair: bool,
    /// Specs of the namespace's NetworkPolicies as a JSON list; empty where there is no cluster.
    pub network_policies: &'static str,
    /// A debug container cannot have the fields of this one, though the rule judges others there.
    pub no_debug: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Good,
    /// Dotted fields, each violated once, in order: relative to the container (`securityContext.privileged`)
    /// with `spec.` or `metadata.` in front to the pod, with `job.` to the Job's spec.
    Bad(&'static [&'static str]),
}

/// Where a pod that an example shows may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    All,
    /// In the template of a Job, with this JSON merge patch of the Job's spec.
    Job(&'static str),
    /// Anywhere but in the template of a Job.
    NotJob,
    /// In a file or a template: into a pod that arrives, admission has put what counts.
    Written,
    /// Nowhere: the pod is there already, and somebody enters the container.
    Connect,
}

impl Example {
    const fn new(name: &'static str, container: &'static str, expect: Expect) -> Self {
        Self {
            name,
            params: "",
            spec: "",
            annotations: "",
            kinds: Kinds::All,
            container,
            expect,
            no_repair: false,
            network_policies: "",
            no_debug: false,
        }
    }

    /// An example of a container that passes.
    #[must_use]
    pub const fn good(name: &'static str, container: &'static str) -> Self {
        Self::new(name, container, Expect::Good)
    }

    /// An example of a container that violates the rule at these fields.
    #[must_use]
    pub const fn bad(name: &'static str, container: &'static str, fields: &'static [&'static str]) -> Self {
        Self::new(name, container, Expect::Bad(fields))
    }

    /// The same with parameters.
    #[must_use]
    pub const fn params(mut self, params: &'static str) -> Self {
        self.params = params;
        self
    }

    /// The same with a change of the pod's spec.
    #[must_use]
    pub const fn spec(mut self, spec: &'static str) -> Self {
        self.spec = spec;
        self
    }

    /// The same with annotations on the pod.
    #[must_use]
    pub const fn annotations(mut self, annotations: &'static str) -> Self {
        self.annotations = annotations;
        self
    }

    /// The same in the template of a Job, with a JSON merge patch of the Job's spec.
    #[must_use]
    pub const fn job(mut self, job: &'static str) -> Self {
        self.kinds = Kinds::Job(job);
        self
    }

    /// The same anywhere but in the template of a Job.
    #[must_use]
    pub const fn not_job(mut self) -> Self {
        self.kinds = Kinds::NotJob;
        self
    }

    /// The same in a file or a template, where admission has put nothing in yet.
    #[must_use]
    pub const fn written(mut self) -> Self {
        self.kinds = Kinds::Written;
        self
    }

    /// The same of a pod that is there already, and somebody enters the container.
    #[must_use]
    pub const fn connect(mut self) -> Self {
        self.kinds = Kinds::Connect;
        self
    }

    /// The same in a namespace with these NetworkPolicies, given by their specs.
    #[must_use]
    pub const fn network_policies(mut self, specs: &'static str) -> Self {
        self.network_policies = specs;
        self
    }

    /// Whether it takes nothing but a pod in the container list to see it.
    #[must_use]
    pub fn is_plain(&self, rule: &Rule) -> bool {
        matches!(self.kinds, Kinds::All | Kinds::NotJob | Kinds::Written)
            && self.network_policies.is_empty()
            && (!self.is_container() || rule.pod().lists.contains(&ContainerKind::Container))
    }

    /// The same, where the rule's repair does not reach.
    #[must_use]
    pub const fn no_repair(mut self) -> Self {
        self.no_repair = true;
        self
    }

    /// The same, with fields that the API server refuses in a debug container.
    #[must_use]
    pub const fn no_debug(mut self) -> Self {
        self.no_debug = true;
        self
    }

    /// The lists in which the varied container can stand: one is enough for an example of the pod.
    #[must_use]
    pub const fn lists(&self, rule: &Rule) -> &'static [ContainerKind] {
        match (self.is_container(), self.no_debug) {
            (false, _) => &[ContainerKind::Container],
            (true, true) => NOT_EPHEMERAL,
            (true, false) => rule.pod().lists,
        }
    }

    #[must_use]
    pub const fn is_container(&self) -> bool {
        !self.container.is_empty()
    }

    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.expect != Expect::Good
    }

    /// The parameters as JSON, null for the defaults.
    #[must_use]
    pub fn params_value(&self) -> Value {
        object(self.params)
    }

    /// [`GOOD_POD`] with its container varied.
    #[must_use]
    pub fn pod(&self) -> Value {
        let mut pod = self.pod_beside_good();
        if let Some(Value::Array(containers)) = pod.pointer_mut("/spec/containers") {
            containers.truncate(1);
            for container in containers {
                json_patch::merge(container, &object_or_empty(self.container));
            }
        }
        pod
    }

    /// The varied container alone.
    #[must_use]
    pub fn container_value(&self) -> Value {
        self.pod().pointer("/spec/containers/0").cloned().unwrap_or_default()
    }

    /// [`GOOD_POD`] with its spec varied and its container as it is.
    #[must_use]
    pub fn pod_beside_good(&self) -> Value {
        let mut pod = object(GOOD_POD);
        if let Some(spec) = pod.get_mut("spec") {
            json_patch::merge(spec, &object_or_empty(self.spec));
        }
        if let Some(metadata) = pod.get_mut("metadata") {
            json_patch::merge(metadata, &json!({"annotations": object(self.annotations)}));
        }
        pod
    }

    /// The violated fields as paths from a pod with one container.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        self.fields_in("spec.containers[0]")
    }

    /// The violated fields, with `container` as the path to the container that varies.
    #[must_use]
    pub fn fields_in(&self, container: &str) -> Vec<String> {
        let Expect::Bad(fields) = self.expect else { return Vec::new() };
        fields
            .iter()
            .map(|field| {
                let of_pod =
                    *field == "spec" || ["spec.", "metadata.", "job."].iter().any(|base| field.starts_with(base));
                if of_pod { (*field).to_owned() } else { format!("{container}.{field}") }
            })
            .collect()
    }
}

fn object(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

fn object_or_empty(json: &str) -> Value {
    match object(json) {
        Value::Null => Value::Object(Map::new()),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_paths_from_the_pod() {
        let fields =
            &["securityContext.privileged", "spec.hostPID", "metadata.annotations", "job.backoffLimit", "spec"];
        let wanted = [
            "spec.containers[0].securityContext.privileged",
            "spec.hostPID",
            "metadata.annotations",
            "job.backoffLimit",
            "spec",
        ];
        assert_eq!(Example::bad("fields", "{}", fields).fields(), wanted);
        assert!(Example::good("none", "{}").fields().is_empty());
    }
}
