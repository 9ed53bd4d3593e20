//! The `Policy` document, which is also the custom resource.

pub(super) mod read;

use super::narrowing;
use super::pod_security::{PodSecurityDefaults, PodSecurityExemptions};
use super::rule_settings::RuleSettings;
use crate::rule::pss::{Level, Version};
use jiff::civil::Date;
use kube::CustomResource;
pub(crate) use read::read_all;
pub use read::{DocumentMetadata, PolicyDocument, next_to_spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const API_VERSION: &str = "podreeve.dev/v1alpha1";

/// The error for an object of another version.
#[must_use]
pub fn unknown_version(version: &str) -> String {
    format!("the version `{}` is not known; this podreeve reads {API_VERSION}", crate::text::clean(version, 60))
}

/// Which rules pods must obey, and what happens when they do not.
///
/// Several policies apply together: of the actions that they give to one violation the strictest wins.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "podreeve.dev",
    version = "v1alpha1",
    kind = "Policy",
    doc = "Which rules pods must obey, and what happens when they do not.",
    status = "super::status::PolicyStatus",
    shortname = "prpol",
    category = "podreeve",
    printcolumn = r#"{"name": "Mode", "type": "string", "jsonPath": ".status.mode"}"#,
    printcolumn = r#"{"name": "Rules", "type": "integer", "jsonPath": ".status.rules"}"#,
    printcolumn = r#"{"name": "Match", "type": "string", "jsonPath": ".status.match"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].reason"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "priority": 1, "jsonPath": ".status.conditions[?(@.type=='Ready')].message"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.podSecurityExemptions) || (has(self.podSecurityLabels) && self.podSecurityLabels)",
    "message": "podSecurityExemptions exempts from podSecurityLabels, which is not true",
}, {
    "rule": "!has(self.podSecurityDefaults) || (has(self.podSecurityLabels) && self.podSecurityLabels)",
    "message": "podSecurityDefaults stands in for podSecurityLabels, which is not true",
}, {
    "rule": "has(self.rules) || has(self.extends)",
    "message": "a policy needs rules, or a built-in policy that it extends",
}]))]
// For editors: the action of a rule can be left out only where the policy extends another one.
#[schemars(extend("if" = {"required": ["extends"]}, "else" = {
    "required": ["rules"],
    "properties": {"rules": {"additionalProperties": {"required": ["action"]}}},
}))]
pub struct PolicySpec {
    /// A built-in policy (`owasp`, `pss-baseline`, `pss-restricted`, or `pss-restricted@v1.30`) that this one changes. A rule that is
    /// not named here is as there. A rule that is named has the action and the parameters from there that it does not set here.
    /// Exemptions and workloads are added, and each other key replaces the one from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 100))]
    pub extends: Option<String>,
    /// Which requests the policy applies to; all of them when left out.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// Each rule by its id. A rule that is not named is off, or as in the policy that this one extends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RuleSettings")]
    pub rules: Option<RuleSettings>,
    /// Violations that are allowed on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub exemptions: Vec<Exemption>,
    /// Violations of rules about nodes that are allowed on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub node_exemptions: Vec<NodeExemption>,
    /// The Pod Security Standard that its rules agree with, to the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security_standard: Option<PodSecurityStandard>,
    /// Honour the labels `pod-security.kubernetes.io/{enforce,audit,warn}` and their versions, as Kubernetes' own Pod
    /// Security admission does. Needs a cluster: a policy from a file that has it does not load without one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pod_security_labels: bool,
    /// Exemptions from those labels, as in the configuration of Pod Security admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security_exemptions: Option<PodSecurityExemptions>,
    /// Defaults for namespaces without those labels, as in the configuration of Pod Security admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security_defaults: Option<PodSecurityDefaults>,
    /// A date up to which denials are warnings, which name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// More kinds that hold a pod template, such as an Argo Rollout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadKind>,
    /// Who decides about exemptions, for denials: an address, a channel or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub contact: Option<String>,
    /// The URL under which each rule has a page, for denials: the id of the rule is put behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), regex(pattern = r"^https?://"))]
    pub docs: Option<String>,
    /// Repair the templates of top-level workloads too, not only pods. Owned objects are never patched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub patch_templates: bool,
}

/// Every list that is given must match; a list that is left out matches all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.namespaces) || !has(self.excludeNamespaces) || !self.namespaces.exists(n, n in self.excludeNamespaces)",
    "message": "a namespace is both named and excluded",
}]))]
pub struct Match {
    /// Namespaces by exact name.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub namespaces: Vec<String>,
    /// Namespaces by exact name that the policy leaves alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), inner(length(min = 1, max = 63)))]
    pub exclude_namespaces: Vec<String>,
    /// Namespaces by their labels. Needs a cluster: a policy from a file that has it does not load without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Kinds by name: Pod, Deployment, CronJob and so on.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub kinds: Vec<String>,
    /// Users by exact name. Pods of a Deployment are created by a controller, not by its author.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub users: Vec<String>,
    /// Groups by exact name; one of them must be among the user's.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub groups: Vec<String>,
}

/// A Kubernetes label selector.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelector {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
    "message": "In and NotIn need values, Exists and DoesNotExist have none",
}]))]
pub struct LabelSelectorRequirement {
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// In, NotIn, Exists or DoesNotExist.
    #[schemars(extend("enum" = ["In", "NotIn", "Exists", "DoesNotExist"]))]
    pub operator: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A level of the Pod Security Standards, as of a version of Kubernetes. Rules that have the
/// parameters `pss` and `version` get them from here.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSecurityStandard {
    pub level: Level,
    /// `v1.0` and up, or `latest`.
    #[serde(default)]
    pub version: Version,
}

/// Introduces a new policy step by step: it first warns, then denies.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollout {
    /// The last day (UTC) on which the policy only warns, as YYYY-MM-DD.
    #[schemars(with = "String", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub warn_until: Date,
}

/// A kind that holds pod templates. The webhook configurations must send it to podreeve, too. A kind whose objects
/// hold several is named once for each path; all paths count, those of other policies too.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadKind {
    /// Group and version: `argoproj.io/v1alpha1`.
    pub api_version: String,
    pub kind: String,
    /// Keys from the object to its pod template, with dots: `spec.template`. `[]` behind a key steps through a list:
    /// `spec.workerGroupSpecs[].template`.
    #[schemars(length(min = 1, max = 500), regex(pattern = r"^\.?[A-Za-z0-9_-]+(\[\])?(\.[A-Za-z0-9_-]+(\[\])?)*$"))]
    pub path: String,
}

/// Allows violations of some rules in some namespaces.
///
/// Every list that is given must match. It weakens this policy and no other. Labels, annotations and owners cannot be
/// named. The author of a pod chooses its container names and images, so every user who may create pods in these namespaces
/// can use the exemption.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exemption {
    /// Rule ids; at least one.
    #[schemars(length(min = 1, max = 100))]
    pub rules: Vec<String>,
    /// Namespaces by exact name; at least one.
    #[schemars(length(min = 1, max = 200))]
    pub namespaces: Vec<String>,
    /// Container names. A violation of the pod itself is exempt only when every container matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub containers: Vec<String>,
    /// Images by registry and path (`registry.example.com/mesh`, whole segments). With a tag or a digest it is one image; a
    /// tag covers no reference that has a digest, since that is what runs. An image that is mounted as a volume must match,
    /// too, for a violation of that volume.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub images: Vec<String>,
    /// Why this is right, for the next reader of the policy.
    #[schemars(length(min = 1, max = 4096), extend("x-kubernetes-validations" = [{"rule": "self.trim() != ''", "message": "say why this is right"}]))]
    pub reason: String,
    /// The last day (UTC) on which it holds, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub until: Option<Date>,
}

/// Allows violations of rules about nodes, on some nodes.
///
/// Everything that is given must match. It weakens this policy and no other.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.nodes) || has(self.nodeSelector)",
    "message": "name nodes, or select them by their labels",
}, {
    "rule": "!has(self.nodeSelector) || (has(self.nodeSelector.matchLabels) && size(self.nodeSelector.matchLabels) > 0) || (has(self.nodeSelector.matchExpressions) && size(self.nodeSelector.matchExpressions) > 0)",
    "message": "nodeSelector has no requirement, which would mean all nodes; name labels, or change the rule's `action`",
}]))]
pub struct NodeExemption {
    /// Ids of rules about nodes; at least one.
    #[schemars(length(min = 1, max = 100))]
    pub rules: Vec<String>,
    /// Nodes by exact name.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1, max = 500), inner(length(min = 1, max = 253)), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub nodes: Vec<String>,
    /// Nodes by their labels. A selector without requirements is refused, because it would mean all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<LabelSelector>,
    /// What a result is about, as reports name it: `/etc/docker/daemon.json`, `dockerd: icc`. Left out: everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 500)), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub subjects: Vec<String>,
    /// Why this is right, for the next reader of the policy.
    #[schemars(length(min = 1, max = 4096), extend("x-kubernetes-validations" = [{"rule": "self.trim() != ''", "message": "say why this is right"}]))]
    pub reason: String,
    /// The last day (UTC) on which it holds, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub until: Option<Date>,
}
