//! The findings of one namespace, by owner and without repetition.

use super::{Counts, Finding, FindingKind, Judged, Object, Owner};
use crate::decide::Effect;
use crate::outcome::{Verdict, Violation};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Group, kind and name: the uid of a controller is not always that of the object that is there now.
type Key = (String, String, String);

/// Takes in the objects of a namespace, owners before what they own. Of each it keeps what a later one needs, and
/// of the findings the worst.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// How many findings are kept.
    limit: usize,
    /// The owners of ReplicaSets and Jobs.
    above: HashMap<Key, Arc<Owner>>,
    owners: BTreeMap<Key, OwnerVerdict>,
    /// Hashes of the findings that were seen.
    seen: HashSet<u64>,
    findings: Vec<Finding>,
    counts: Counts,
    objects: usize,
}

/// An owner and the strictest that is said of what it makes.
#[derive(Debug, Clone)]
pub struct OwnerVerdict {
    pub owner: Arc<Owner>,
    pub verdict: Verdict,
}

/// What a namespace looks like.
#[derive(Debug)]
pub struct Found {
    pub namespace: String,
    /// Objects that were judged.
    pub objects: usize,
    /// By group, kind and name.
    pub owners: Vec<OwnerVerdict>,
    pub counts: Counts,
    /// The worst first; [`Counts::all`] tells how many there are.
    pub findings: Vec<Finding>,
}

impl Namespace {
    #[must_use]
    pub fn new(name: &str, limit: usize) -> Self {
        Self {
            name: name.to_owned(),
            limit,
            above: HashMap::new(),
            owners: BTreeMap::new(),
            seen: HashSet::new(),
            findings: Vec::new(),
            counts: Counts::default(),
            objects: 0,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the object is to be judged. What a controller makes for another one is only noted.
    pub fn wants(&mut self, object: &Object<'_>) -> bool {
        if object.is_made() {
            let owner = self.owner(object);
            self.above.insert(key(&object.as_owner()), owner);
            return false;
        }
        !object.is_finished()
    }

    /// Takes in what was said of an object; [`Judged::NeedsFact`] counts as a problem.
    pub fn note(&mut self, object: &Object<'_>, judged: Judged) {
        self.objects += 1;
        let owner = self.owner(object);
        let known = self.owners.entry(key(&owner));
        let known = known.or_insert_with(|| OwnerVerdict { owner, verdict: Verdict::Allow });
        let owner = Arc::clone(&known.owner);
        let all: Vec<FindingKind> = match judged {
            Judged::Violations(violations) => {
                violations.into_iter().map(|v| FindingKind::Violation(Box::new(v))).collect()
            }
            Judged::Problem(problem) => vec![FindingKind::Problem(problem)],
            Judged::NeedsFact(_) => {
                vec![FindingKind::Problem("what it is judged by could not be asked for".to_owned())]
            }
        };
        for what in all {
            let finding = Finding { owner: Arc::clone(&owner), kind: object.kind.kind.to_string(), what };
            known.verdict = known.verdict.max(verdict(finding.effect()));
            // Several templates of one object may have the same violation, and each counts.
            if self.seen.insert(hash(&finding)) || !object.kind.paths.is_empty() {
                self.counts.add(finding.outcome());
                self.findings.push(finding);
            }
        }
        if self.findings.len() > self.limit.saturating_mul(2) {
            self.cut();
        }
    }

    #[must_use]
    pub fn finish(mut self) -> Found {
        self.cut();
        Found {
            namespace: self.name,
            objects: self.objects,
            owners: self.owners.into_values().collect(),
            counts: self.counts,
            findings: self.findings,
        }
    }

    fn cut(&mut self) {
        self.findings.sort_by(Finding::order);
        self.findings.truncate(self.limit);
    }

    /// The controller of pods, ReplicaSets and Jobs, and the controller of that; everything else stands for itself.
    fn owner(&self, object: &Object<'_>) -> Arc<Owner> {
        match object.controller {
            // A static pod is made by a file on the node.
            Some(controller) if (object.is_pod() && controller.kind != "Node") || object.is_made() => {
                let above =
                    self.above.get(&key(controller)).or_else(|| Some(&self.owners.get(&key(controller))?.owner));
                above.map_or_else(|| Arc::new(controller.clone()), Arc::clone)
            }
            _ => Arc::new(object.as_owner()),
        }
    }
}

fn key(owner: &Owner) -> Key {
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

/// The same for a violation of a template and of the pods made from it.
fn hash(finding: &Finding) -> u64 {
    let mut hasher = DefaultHasher::new();
    key(&finding.owner).hash(&mut hasher);
    match &finding.what {
        FindingKind::Violation(violation) => {
            violation.rule.id.hash(&mut hasher);
            violation.container.hash(&mut hasher);
            within(violation).hash(&mut hasher);
        }
        FindingKind::Problem(problem) => problem.hash(&mut hasher),
    }
    hasher.finish()
}

/// The field within its container or pod: admission may put containers before those of the template.
fn within(violation: &Violation) -> &str {
    let in_pod = violation.field.strip_prefix(&violation.pod).unwrap_or(&violation.field);
    if violation.container.is_none() {
        return in_pod;
    }
    // "", "spec", the list, the index, the rest.
    in_pod.splitn(5, '/').nth(4).unwrap_or_default()
}
