//! Compiles a document. Every error of the document is found here, once.

use super::document::{self, API_VERSION, NodeExemption, PolicySpec};
use super::pod_security::HonouredLabels;
use super::{
    Action, Cluster, CompiledExemption, CompiledNodeExemption, CompiledRule, Exemption, ObjectExemption, PodExemptions,
    PolicyDocument, PolicyError, PolicyErrors, SubjectRule, all_errors, compiled_rule, compiled_rule::CompiledRules,
    extend, implied, matches::Matcher,
};
use crate::effort;
use crate::facts::FactKinds;
use crate::rule::{FileCheck, Finding, ImageCheck, NodeCheck, Rule};
use crate::workload::Kind;
use jiff::civil::Date;
use serde_json::Value;
use std::sync::Arc;

/// A policy that is ready to judge.
#[derive(Debug)]
pub struct CompiledPolicy {
    pub name: Arc<str>,
    pub matcher: Matcher,
    /// The rules that judge requests, in the order of the table, without rules that are off. Rules about images judge those of pods.
    pub rules: Vec<CompiledRule>,
    /// The rules that judge Dockerfiles, in the same order.
    pub files: Vec<SubjectRule<dyn FileCheck>>,
    /// The rules that judge images by themselves, in the same order.
    pub images: Vec<SubjectRule<dyn ImageCheck>>,
    /// The rules that judge nodes, in the same order.
    pub nodes: Vec<SubjectRule<dyn NodeCheck>>,
    pub exemptions: Vec<CompiledExemption>,
    pub node_exemptions: Vec<CompiledNodeExemption>,
    /// Kinds that the policy adds to those of Kubernetes.
    pub workloads: Vec<Kind>,
    pub patch_templates: bool,
    /// Who decides about exemptions.
    pub contact: Option<String>,
    /// The URL under which each rule has a page.
    pub docs: Option<String>,
    /// Up to this day, denials are warnings.
    pub warn_until: Option<Date>,
    /// How it honours the labels `pod-security.kubernetes.io/*`; none when it does not.
    pub pod_security_labels: Option<HonouredLabels>,
    /// The facts of the cluster that it needs.
    pub facts: FactKinds,
    /// The mutating webhook needs to know images: for repairs that depend on them.
    pub repairs_by_images: bool,
    /// It writes the digests of images into pods.
    pub writes_digests: bool,
    /// Whether it repairs anything.
    pub repairs: bool,
    /// All that was compiled, with what the policy has from the one that it extends.
    pub spec: Arc<PolicySpec>,
}

/// The exemption that covers a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedExemption<'e> {
    pub by: ExemptionSource<'e>,
    pub until: Option<Date>,
}

/// The source of an exemption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionSource<'e> {
    /// Its index in the policy.
    Policy(usize),
    /// The `Exemption` object, as `namespace/name`.
    Object(&'e str),
}

impl CompiledPolicy {
    /// Reads and compiles a document.
    ///
    /// # Errors
    /// Every key that cannot be used, and why.
    pub fn from_json(json: &str, cluster: Cluster) -> Result<Self, PolicyErrors> {
        let (document, mut errors, removed) = document::read_all::<PolicyDocument>(json, &[]);
        let Some(document) = document else { return Err(PolicyErrors(errors)) };
        all_errors::keep::<()>(&mut errors, Err(PolicyErrors(document.faults())));
        let is_read = errors.is_empty();
        let compiled = Self::compile(&document, cluster).map_err(|wrong| removed.originals(wrong));
        let compiled = compiled.map_err(|mut wrong| {
            // The rules may be under the key that could not be read.
            wrong.0.retain(|error| is_read || error.pointer != "/spec/rules");
            wrong
        });
        match all_errors::keep(&mut errors, compiled) {
            Some(policy) if errors.is_empty() => Ok(policy),
            _ => Err(PolicyErrors(errors)),
        }
    }

    /// Reads and compiles an object of the cluster. Of its metadata only the name counts.
    ///
    /// # Errors
    /// Every key that cannot be used, and why.
    pub fn from_object(name: &str, spec: Option<&str>, cluster: Cluster) -> Result<Self, PolicyErrors> {
        let Some(spec) = spec else {
            return Err(PolicyError::at(&["spec"], "is missing; a Policy without rules does nothing").into());
        };
        let name = Value::from(name);
        let json =
            format!(r#"{{"apiVersion":"{API_VERSION}","kind":"Policy","metadata":{{"name":{name}}},"spec":{spec}}}"#);
        Self::from_json(&json, cluster)
    }

    /// Compiles a document for a podreeve without a cluster.
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
        let spec = extend::whole(&document.spec)?;
        let mut errors = Vec::new();
        let labels = all_errors::keep(&mut errors, honoured_labels(&spec, cluster));
        let exemptions = exemptions(&mut errors, &spec.exemptions);
        let node_exemptions = node_exemptions(&mut errors, &spec.node_exemptions);
        let base = document.spec.extends.as_deref();
        let CompiledRules { pods: mut rules, files, images, nodes, standard } =
            compiled_rule::compile(&mut errors, &spec, base, &exemptions);
        implied::link(&mut rules, &standard);
        let workloads = all_errors::keep(&mut errors, super::workloads::compile(&spec.workloads)).unwrap_or_default();
        let matcher = all_errors::keep(&mut errors, Matcher::new(spec.matching.as_ref(), &workloads, cluster));
        let (Some(pod_security_labels), Some(matcher)) = (labels, matcher.filter(|_| errors.is_empty())) else {
            return Err(PolicyErrors(errors));
        };
        let of_rule = |rule: &CompiledRule| match rule.action {
            Action::Patch | Action::Deny => rule.check.facts() | rule.check.repair_facts(),
            _ => rule.check.facts(),
        };
        let mut facts = rules.iter().fold(matcher.facts(), |facts, rule| facts | of_rule(rule));
        let repairs_by_images = rules.iter().any(|rule| rule.action == Action::Patch && rule.check.repairs_by_images());
        let writes_digests = rules.iter().any(|rule| rule.action == Action::Patch && rule.check.writes_digests());
        if repairs_by_images {
            facts |= FactKinds::IMAGES;
        }
        if pod_security_labels.is_some() {
            facts |= FactKinds::NAMESPACES | FactKinds::PODS;
        }
        Ok(Self {
            name: document.metadata.name.as_str().into(),
            matcher,
            facts,
            repairs_by_images,
            writes_digests,
            repairs: rules.iter().any(|rule| rule.action == Action::Patch),
            rules,
            files,
            images,
            nodes,
            exemptions,
            node_exemptions,
            workloads,
            patch_templates: spec.patch_templates,
            contact: spec.contact.clone(),
            docs: spec.docs.clone(),
            warn_until: spec.rollout.as_ref().map(|rollout| rollout.warn_until),
            pod_security_labels,
            spec: Arc::new(spec.into_owned()),
        })
    }

    /// What it does with a rule, whatever the rule judges.
    #[must_use]
    pub fn action(&self, rule: &Rule) -> Action {
        let settings = self.spec.rules.as_ref().and_then(|rules| rules.0.get(rule.id));
        settings.and_then(|setting| setting.action).unwrap_or(Action::Off)
    }

    /// The parameters that it gives to a rule, if it gives some.
    #[must_use]
    pub fn params(&self, rule: &Rule) -> Option<&serde_json::Value> {
        let settings = self.spec.rules.as_ref().and_then(|rules| rules.0.get(rule.id))?;
        Some(&settings.params).filter(|params| !params.is_null())
    }

    /// Whether it judges connections to pods.
    #[must_use]
    pub fn judges_exec(&self) -> bool {
        self.rules.iter().any(|compiled| compiled.rule.judges_exec())
    }

    /// The exemption that covers the finding today: one of the policy's own or one of `objects`. Of several, the one that
    /// lasts longest.
    #[must_use]
    pub fn exemption_for<'e>(
        &self,
        objects: &'e [Arc<ObjectExemption>],
        rule: &Rule,
        finding: &Finding<'_>,
        namespace: &str,
        pod: &PodExemptions<'_>,
        today: Date,
    ) -> Option<AppliedExemption<'e>> {
        let own =
            self.exemptions.iter().enumerate().map(|(index, exemption)| (ExemptionSource::Policy(index), exemption));
        own.chain(objects.iter().map(|object| (ExemptionSource::Object(&object.name), &object.exemption)))
            .filter(|_| effort::step(1))
            .filter(|(_, exemption)| exemption.covers(rule, finding, namespace, pod, today))
            .map(|(by, exemption)| AppliedExemption { by, until: exemption.until() })
            .max_by_key(|cover| (cover.until.is_none(), cover.until))
    }
}

/// The exemptions of a policy; errors are added to `errors`.
fn exemptions(errors: &mut Vec<PolicyError>, documents: &[Exemption]) -> Vec<CompiledExemption> {
    let mut exemptions = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let compiled = CompiledExemption::new(&["spec", "exemptions", &index.to_string()], document);
        exemptions.extend(all_errors::keep(errors, compiled));
    }
    exemptions
}

/// The exemptions of nodes; errors are added to `errors`.
fn node_exemptions(errors: &mut Vec<PolicyError>, documents: &[NodeExemption]) -> Vec<CompiledNodeExemption> {
    let compiled = documents
        .iter()
        .enumerate()
        .map(|(index, document)| CompiledNodeExemption::new(&["spec", "nodeExemptions", &index.to_string()], document));
    compiled.filter_map(|exemption| all_errors::keep(errors, exemption)).collect()
}

/// How the Pod Security labels are honoured; none when they are not.
fn honoured_labels(spec: &PolicySpec, cluster: Cluster) -> Result<Option<HonouredLabels>, PolicyError> {
    if spec.pod_security_labels {
        cluster.required(&["spec", "podSecurityLabels"], "namespace labels")?;
        let exemptions = spec.pod_security_exemptions.clone().unwrap_or_default();
        return Ok(Some(HonouredLabels {
            exemptions,
            defaults: spec.pod_security_defaults.unwrap_or_default().into(),
        }));
    }
    let (key, does) = match (&spec.pod_security_exemptions, &spec.pod_security_defaults) {
        (Some(_), _) => ("podSecurityExemptions", "exempts from"),
        (None, Some(_)) => ("podSecurityDefaults", "stands in for"),
        (None, None) => return Ok(None),
    };
    let message = format!("{does} `podSecurityLabels`, which is not true; set it, or leave this out");
    Err(PolicyError::at(&["spec", key], message))
}
