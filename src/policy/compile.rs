//! From the document to what judges: everything that can be wrong is found here, once.

use super::document::{self, API_VERSION, PodSecurityStandard, PolicySpec};
use super::pod_security::Honoured;
use super::{
    Action, Cluster, CompiledExemption, ObjectExemption, PodExemptions, PolicyDocument, PolicyError, PolicyErrors,
    every, implied, matches::Matcher, wording,
};
use crate::effort;
use crate::facts::FactKinds;
use crate::rule::{Check, Finding, Rule, Same};
use crate::rules::RULES;
use crate::workload::{Kind, PodFeatures};
use jiff::civil::Date;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// A policy that is ready to judge.
#[derive(Debug)]
pub struct CompiledPolicy {
    pub name: String,
    pub matcher: Matcher,
    /// In the order of the table; rules that are off are not here.
    pub rules: Vec<CompiledRule>,
    pub exemptions: Vec<CompiledExemption>,
    /// Kinds that the policy adds to those of Kubernetes.
    pub workloads: Vec<Kind>,
    pub patch_templates: bool,
    /// Denials are warnings up to this day.
    pub warn_until: Option<Date>,
    /// It honours `pod-security.kubernetes.io` labels, and how.
    pub pod_security_labels: Option<Honoured>,
    /// What it needs to know of the cluster.
    pub facts: FactKinds,
}

/// The exemption that covers a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedExemption<'e> {
    pub by: ExemptionSource<'e>,
    pub until: Option<Date>,
}

/// Where an exemption stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionSource<'e> {
    /// Its place in the policy.
    Policy(usize),
    /// The `Exemption` object, as `namespace/name`.
    Object(&'e str),
}

/// A rule with the action and parameters that a policy gives it.
pub struct CompiledRule {
    pub rule: &'static Rule,
    /// The rule's place in the table.
    pub order: usize,
    pub action: Action,
    /// Whether an exemption of the policy names it.
    pub exempted: bool,
    /// What [`Check::requires`] and [`Rule::linux_only`] say, at hand.
    pub requires: PodFeatures,
    pub linux_only: bool,
    pub check: Box<dyn Check>,
    /// The rules of the policy that imply it, by their place in [`CompiledPolicy::rules`].
    pub causes: Vec<(usize, Same)>,
    /// Whether it implies another rule of the policy, and one that repairs.
    pub implies: Implies,
}

/// What a rule implies of others in its policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Implies {
    pub some: bool,
    /// One whose action is to repair.
    pub repaired: bool,
}

impl fmt::Debug for CompiledRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id, self.action.as_str())
    }
}

impl CompiledRule {
    /// A rule from which nothing is exempted. `order` is its place in the table.
    #[must_use]
    pub fn new(rule: &'static Rule, order: usize, action: Action, check: Box<dyn Check>) -> Self {
        Self {
            rule,
            order,
            action,
            exempted: false,
            requires: check.requires(),
            linux_only: rule.pod().linux_only,
            check,
            causes: Vec::new(),
            implies: Implies::default(),
        }
    }
}

impl CompiledPolicy {
    /// Reads and compiles a document.
    ///
    /// # Errors
    /// Every key that cannot be used, and why.
    pub fn from_json(json: &str, cluster: Cluster) -> Result<Self, PolicyErrors> {
        let (document, mut errors, removed) = document::read_every::<PolicyDocument>(json, &[]);
        let Some(document) = document else { return Err(PolicyErrors(errors)) };
        every::keep::<()>(&mut errors, Err(PolicyErrors(document.faults())));
        let compiled = Self::compile(&document, cluster).map_err(|wrong| removed.originals(wrong));
        match every::keep(&mut errors, compiled) {
            Some(policy) if errors.is_empty() => Ok(policy),
            _ => Err(PolicyErrors(errors)),
        }
    }

    /// Reads and compiles an object of the cluster: its metadata are the API server's own, only the name counts.
    ///
    /// # Errors
    /// The same.
    pub fn from_object(name: &str, spec: Option<&str>, cluster: Cluster) -> Result<Self, PolicyErrors> {
        let Some(spec) = spec else {
            return Err(PolicyError::at(&["spec"], "is missing; a Policy without rules does nothing").into());
        };
        let name = Value::from(name);
        let json =
            format!(r#"{{"apiVersion":"{API_VERSION}","kind":"Policy","metadata":{{"name":{name}}},"spec":{spec}}}"#);
        Self::from_json(&json, cluster)
    }

    /// Compiles a document, for a podreeve that has no cluster to read from.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn new(document: &PolicyDocument) -> Result<Self, PolicyErrors> {
        Self::compile(document, Cluster::Without)
    }

    /// Compiles a document.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn compile(document: &PolicyDocument, cluster: Cluster) -> Result<Self, PolicyErrors> {
        let spec = &document.spec;
        let mut errors = Vec::new();
        let labels = every::keep(&mut errors, honoured(spec, cluster));
        let mut exemptions = Vec::new();
        for (index, exemption) in spec.exemptions.iter().enumerate() {
            let compiled = CompiledExemption::new(&["spec", "exemptions", &index.to_string()], exemption);
            exemptions.extend(every::keep(&mut errors, compiled));
        }
        let mut rules = Vec::new();
        // Rules that follow a Pod Security Standard: their verdicts are upstream's.
        let mut standard = HashSet::new();
        for (order, rule) in RULES.iter().enumerate() {
            let Some(setting) = spec.rules.0.get(rule.id) else { continue };
            // `off` is compiled too, so that wrong parameters never wait for the day it is switched on.
            let params = standard_params(rule, setting.params.clone(), spec.pod_security_standard.as_ref());
            if spec.pod_security_standard.is_some() || params.get("pss").is_some_and(|pss| !pss.is_null()) {
                standard.insert(rule.id);
            }
            let check = every::keep(&mut errors, check(rule, params));
            if setting.action == Action::Patch && !rule.pod().fixes {
                errors.push(PolicyError::at(
                    &["spec", "rules", rule.id, "action"],
                    format!("`{}` has no repair, so it cannot `patch`; use deny, warn, audit or off", rule.id),
                ));
            }
            if let Some(check) = check.filter(|_| setting.action != Action::Off) {
                let exempted = exemptions.iter().any(|exemption: &CompiledExemption| exemption.names(rule));
                rules.push(CompiledRule { exempted, ..CompiledRule::new(rule, order, setting.action, check) });
            }
        }
        implied::link(&mut rules, &standard);
        let workloads = every::keep(&mut errors, super::workloads::compile(&spec.workloads)).unwrap_or_default();
        let matcher = every::keep(&mut errors, Matcher::new(spec.matching.as_ref(), &workloads, cluster));
        let (Some(pod_security_labels), Some(matcher)) = (labels, matcher.filter(|_| errors.is_empty())) else {
            return Err(PolicyErrors(errors));
        };
        let labels =
            pod_security_labels.as_ref().map_or(FactKinds::empty(), |_| FactKinds::NAMESPACES | FactKinds::PODS);
        let facts = rules.iter().fold(labels | matcher.facts(), |facts, rule| facts | rule.check.facts());
        Ok(Self {
            name: document.metadata.name.clone(),
            matcher,
            facts,
            rules,
            exemptions,
            workloads,
            patch_templates: spec.patch_templates,
            warn_until: spec.rollout.as_ref().map(|rollout| rollout.warn_until),
            pod_security_labels,
        })
    }

    /// Whether it judges who enters a pod.
    #[must_use]
    pub fn judges_exec(&self) -> bool {
        self.rules.iter().any(|compiled| compiled.rule.judges_exec())
    }

    /// Of the exemptions that cover the finding today, those of the policy and `objects`, the one that lasts longest.
    #[must_use]
    pub fn cover<'e>(
        &self,
        objects: &'e [Arc<ObjectExemption>],
        rule: &Rule,
        finding: &Finding<'_>,
        namespace: &str,
        whole: &PodExemptions<'_>,
        today: Date,
    ) -> Option<AppliedExemption<'e>> {
        let own =
            self.exemptions.iter().enumerate().map(|(index, exemption)| (ExemptionSource::Policy(index), exemption));
        own.chain(objects.iter().map(|object| (ExemptionSource::Object(&object.name), &object.exemption)))
            .filter(|_| effort::step(1))
            .filter(|(_, exemption)| exemption.covers(rule, finding, namespace, whole, today))
            .map(|(by, exemption)| AppliedExemption { by, until: exemption.until() })
            .max_by_key(|cover| (cover.until.is_none(), cover.until))
    }
}

/// The rule with these parameters, or everything that is wrong with them.
fn check(rule: &Rule, params: Value) -> Result<Box<dyn Check>, PolicyErrors> {
    let read = |params: &Value| {
        (rule.pod().compile)(params.clone()).map_err(|error| {
            // serde_path_to_error writes list positions as `allow[0]`.
            let field = error.field.replace('[', ".").replace(']', "");
            let mut path: Vec<&str> = field.split('.').filter(|part| !part.is_empty()).collect();
            let missing = wording::missing_field(&error.message);
            path.extend(missing.as_deref());
            PolicyError::at(&path, wording::plain(&error.message))
        })
    };
    match every::read(params, read) {
        (Some(check), errors, _) if errors.is_empty() => Ok(check),
        (_, errors, _) => {
            let place = ["spec", "rules", rule.id, "params"];
            Err(PolicyErrors(errors.into_iter().map(|error| error.below(&place)).collect()))
        }
    }
}

/// How the labels of Pod Security are honoured; none when they are not.
fn honoured(spec: &PolicySpec, cluster: Cluster) -> Result<Option<Honoured>, PolicyError> {
    if spec.pod_security_labels {
        cluster.needed(&["spec", "podSecurityLabels"], "namespace labels")?;
        let exemptions = spec.pod_security_exemptions.clone().unwrap_or_default();
        return Ok(Some(Honoured { exemptions, defaults: spec.pod_security_defaults.unwrap_or_default().into() }));
    }
    let (key, does) = match (&spec.pod_security_exemptions, &spec.pod_security_defaults) {
        (Some(_), _) => ("podSecurityExemptions", "exempts from"),
        (None, Some(_)) => ("podSecurityDefaults", "stands in for"),
        (None, None) => return Ok(None),
    };
    let message = format!("{does} `podSecurityLabels`, which is not true; set it, or leave this out");
    Err(PolicyError::at(&["spec", key], message))
}

/// The rule's parameters with those of the policy's Pod Security Standard, for rules that have them.
fn standard_params(rule: &Rule, mut params: Value, standard: Option<&PodSecurityStandard>) -> Value {
    let Some(standard) = standard else { return params };
    let schema = (rule.params)(&mut SchemaGenerator::default());
    if schema.pointer("/properties/pss").is_none() {
        return params;
    }
    if params.is_null() {
        params = Value::Object(Map::new());
    }
    if let Value::Object(params) = &mut params {
        // What the rule itself is told comes first.
        let own = params.contains_key("pss") || params.contains_key("version");
        if let (false, Ok(Value::Object(standard))) = (own, serde_json::to_value(standard)) {
            params.extend(
                standard.into_iter().map(|(key, value)| (if key == "level" { "pss".to_owned() } else { key }, value)),
            );
        }
    }
    params
}
