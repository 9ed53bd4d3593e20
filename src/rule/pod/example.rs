//! Examples of pods: the only fixtures of a rule.

use serde_json::{Map, Value, json};

/// The pod that examples vary. It passes every rule that looks at the pod alone.
pub const GOOD_POD: &str = include_str!("good_pod.json");

/// A variation of [`GOOD_POD`], and what the rule must find in it.
#[derive(Debug)]
pub struct Example {
    /// A phrase that names the case, unique in its rule.
    pub name: &'static str,
    /// Parameters as JSON; empty for the defaults.
    pub params: &'static str,
    /// JSON merge patch (RFC 7386) of the pod's `spec`; empty for none.
    pub spec: &'static str,
    /// Annotations of the pod as a JSON object; empty for none.
    pub annotations: &'static str,
    /// The kinds of objects that the pod can be in.
    pub kinds: Kinds,
    /// JSON merge patch of the container; empty for an example of the pod.
    pub container: &'static str,
    pub expect: Expect,
    /// The rule has repairs, but none for this example.
    pub no_repair: bool,
    /// Specs of the namespace's NetworkPolicies as a JSON list; empty if there is no cluster.
    pub network_policies: &'static str,
    /// The API server refuses the fields of this container in a debug container, though the rule judges other fields there.
    pub no_debug: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Good,
    /// Dotted fields, each violated once, in order. They are relative to the container (`securityContext.privileged`), with
    /// `spec.` or `metadata.` in front to the pod, with `job.` in front to the Job's spec.
    Bad(&'static [&'static str]),
}

/// Which objects the pod of an example can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    All,
    /// In the template of a Job, with this JSON merge patch of the Job's spec.
    Job(&'static str),
    /// In any object but a Job.
    NotJob,
    /// In a file or a template. In the request for a pod, earlier admission plugins have already added what the rule judges.
    Written,
    /// A pod that exists already, and a connection that enters the container: see [`crate::rule::ExecExample`].
    Entered,
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

    /// The same in any object but a Job.
    #[must_use]
    pub const fn not_job(mut self) -> Self {
        self.kinds = Kinds::NotJob;
        self
    }

    /// The same in a file or a template, to which admission has added nothing yet.
    #[must_use]
    pub const fn written(mut self) -> Self {
        self.kinds = Kinds::Written;
        self
    }

    /// The same in a namespace with these NetworkPolicies, given by their specs.
    #[must_use]
    pub const fn network_policies(mut self, specs: &'static str) -> Self {
        self.network_policies = specs;
        self
    }

    /// Whether the example needs nothing but a pod: no Job, no connection, no cluster.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self.kinds, Kinds::All | Kinds::NotJob | Kinds::Written) && self.network_policies.is_empty()
    }

    /// The same, where the rule repairs nothing.
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

    /// Whether this is an example of a container, and not of the pod.
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

    /// [`GOOD_POD`] with its spec and its container varied.
    #[must_use]
    pub fn pod(&self) -> Value {
        let mut pod = self.pod_with_good_container();
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

    /// [`GOOD_POD`] with its spec varied, and its container as it is.
    #[must_use]
    pub fn pod_with_good_container(&self) -> Value {
        let mut pod = object(GOOD_POD);
        if let Some(spec) = pod.get_mut("spec") {
            json_patch::merge(spec, &object_or_empty(self.spec));
        }
        if let Some(metadata) = pod.get_mut("metadata") {
            json_patch::merge(metadata, &json!({"annotations": object(self.annotations)}));
        }
        pod
    }

    /// The violated fields, as paths in a pod with one container.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        self.fields_in("spec.containers[0]")
    }

    /// The violated fields, with `container` as the path of the varied container.
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
