//! The findings of one namespace, by owner and without repetition.

use super::{Counts, FindingKind, Judgement, Object, Owner, ScanFinding};
use crate::decide::Effect;
use crate::json::Raw;
use crate::outcome::{Verdict, Violation};
use crate::workload::NamedImages;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Group, kind and name. A uid would not do: the controller may have been deleted and created again.
type OwnerKey = (String, String, String);

/// The scan of one namespace. It takes the objects one by one, owners before the objects that they own. It keeps of each
/// object what a later one needs, and of the findings the worst.
#[derive(Debug)]
pub struct NamespaceScan {
    name: String,
    /// How many findings are kept.
    limit: usize,
    /// Whether to keep the names and images of each owner's containers.
    keeps_images: bool,
    /// The owner of each ReplicaSet and Job.
    owner_of: HashMap<OwnerKey, Arc<Owner>>,
    owners: BTreeMap<OwnerKey, OwnerVerdict>,
    /// Hashes of the findings so far.
    seen: HashSet<u64>,
    findings: Vec<ScanFinding>,
    counts: Counts,
    objects: usize,
}

/// An owner and the strictest verdict on the objects that are made from it.
#[derive(Debug, Clone)]
pub struct OwnerVerdict {
    pub owner: Arc<Owner>,
    pub verdict: Verdict,
    /// The containers of everything that was judged for it. Empty unless [`NamespaceScan::with_images`].
    pub images: NamedImages,
}

/// The findings of a namespace.
#[derive(Debug)]
pub struct NamespaceFindings {
    pub namespace: String,
    /// How many objects were judged.
    pub objects: usize,
    /// By group, kind and name.
    pub owners: Vec<OwnerVerdict>,
    pub counts: Counts,
    /// The worst first, up to the limit; [`Counts::all`] counts all of them.
    pub findings: Vec<ScanFinding>,
}

impl NamespaceScan {
    #[must_use]
    pub fn new(name: &str, limit: usize) -> Self {
        Self {
            name: name.to_owned(),
            limit,
            keeps_images: false,
            owner_of: HashMap::new(),
            owners: BTreeMap::new(),
            seen: HashSet::new(),
            findings: Vec::new(),
            counts: Counts::default(),
            objects: 0,
        }
    }

    /// Also keeps the names and images of containers, for exemptions.
    #[must_use]
    pub fn with_images(self) -> Self {
        Self { keeps_images: true, ..self }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the object must be judged. An object that a controller made from another one is not: only its owner is
    /// remembered, for its pods.
    pub fn must_judge(&mut self, object: &Object<'_>) -> bool {
        if object.is_made() {
            let owner = self.owner(object);
            self.owner_of.insert(key(&object.as_owner()), owner);
            return false;
        }
        !object.is_finished()
    }

    /// Adds the judgement of an object. A fact that is still missing counts as a problem.
    pub fn add(&mut self, object: &Object<'_>, judgement: Judgement) {
        self.objects += 1;
        let owner = self.owner(object);
        let known = self.owners.entry(key(&owner));
        let known =
            known.or_insert_with(|| OwnerVerdict { owner, verdict: Verdict::Allow, images: NamedImages::default() });
        if self.keeps_images {
            known.images.extend(NamedImages::of(object.kind, Raw::new(object.raw.get())));
        }
        let owner = Arc::clone(&known.owner);
        for what in kinds_of(judgement) {
            let finding = ScanFinding { owner: Arc::clone(&owner), kind: object.kind.kind.to_string(), what };
            known.verdict = known.verdict.max(verdict(finding.effect()));
            // Several templates of one object may have the same violation, and each counts.
            if self.seen.insert(hash(&finding)) || !object.kind.paths.is_empty() {
                self.counts.add(finding.result());
                self.findings.push(finding);
            }
        }
        if self.findings.len() > self.limit.saturating_mul(2) {
            self.keep_worst();
        }
    }

    #[must_use]
    pub fn finish(mut self) -> NamespaceFindings {
        self.keep_worst();
        NamespaceFindings {
            namespace: self.name,
            objects: self.objects,
            owners: self.owners.into_values().collect(),
            counts: self.counts,
            findings: self.findings,
        }
    }

    fn keep_worst(&mut self) {
        self.findings.sort_by(ScanFinding::order);
        self.findings.truncate(self.limit);
    }

    /// For pods, ReplicaSets and Jobs their controller, or the controller of that. Any other object is its own owner.
    fn owner(&self, object: &Object<'_>) -> Arc<Owner> {
        match object.controller {
            // A static pod is made from a file on the node; the node is not its owner.
            Some(controller) if (object.is_pod() && controller.kind != "Node") || object.is_made() => {
                let key = key(controller);
                let known = self.owner_of.get(&key).or_else(|| Some(&self.owners.get(&key)?.owner));
                known.map_or_else(|| Arc::new(controller.clone()), Arc::clone)
            }
            _ => Arc::new(object.as_owner()),
        }
    }
}

fn kinds_of(judgement: Judgement) -> Vec<FindingKind> {
    match judgement {
        Judgement::Violations(violations) => {
            violations.into_iter().map(|violation| FindingKind::Violation(Box::new(violation))).collect()
        }
        Judgement::Problem(problem) => vec![FindingKind::Problem(problem)],
        Judgement::NeedsFact(_) => {
            vec![FindingKind::Problem("a fact of the cluster that its rules need could not be looked up".to_owned())]
        }
    }
}

fn key(owner: &Owner) -> OwnerKey {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), owner.kind.clone(), owner.name.clone())
}

const fn verdict(effect: Effect) -> Verdict {
    match effect {
        Effect::Exempt | Effect::Audit => Verdict::Allow,
        Effect::Warn => Verdict::Warn,
        Effect::Patch => Verdict::Patch,
        Effect::Deny => Verdict::Deny,
    }
}

/// Equal for a violation of a template and the same violation of a pod that is made from it.
fn hash(finding: &ScanFinding) -> u64 {
    let mut hasher = DefaultHasher::new();
    key(&finding.owner).hash(&mut hasher);
    match &finding.what {
        FindingKind::Violation(violation) => {
            violation.rule.id.hash(&mut hasher);
            violation.subject.hash(&mut hasher);
            field_in_subject(violation).hash(&mut hasher);
        }
        FindingKind::Problem(problem) => problem.hash(&mut hasher),
    }
    hasher.finish()
}

/// The field within its container or pod. The index of the container is left out: admission may insert containers before
/// those of the template.
fn field_in_subject(violation: &Violation) -> &str {
    let in_pod = violation.field.strip_prefix(&*violation.pod).unwrap_or(&violation.field);
    if violation.subject.container().is_none() {
        return in_pod;
    }
    // "", "spec", the list, the index, the rest.
    in_pod.splitn(5, '/').nth(4).unwrap_or_default()
}
