//! What the object violated before an update. It only narrows what is judged again.

use super::{Case, findings};
use crate::policy::{CompiledPolicy, CompiledRule, PodExemptions};
use crate::rule::Finding;
use crate::workload::{ContainerKind, Pod};
use std::collections::{HashMap, HashSet};

/// The pod of the object as it was before an update.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'p> {
    pub pod: &'p Pod<'p>,
    /// None when the update brings nothing that runs.
    pub change: Option<Change>,
}

/// What an update changes of what runs; the object is then judged as if it were created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// The image of a container of a pod.
    Image,
    /// A container is added to a pod.
    Container,
    /// The pod template, from which pods will be created.
    Template,
}

impl Change {
    /// For the denial: why what was there counts, too.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Image => "The update changes an image, so the whole pod is judged as if it were created.",
            Self::Container => "The update adds a container, so the whole pod is judged as if it were created.",
            Self::Template => "The update changes the pod template, so all of it is judged as if it were created.",
        }
    }
}

type Container<'p> = (ContainerKind, &'p str);
/// A rule of a policy, and the container that violates it.
type Place<'p> = (*const CompiledRule, Option<Container<'p>>);

#[derive(Default)]
pub(super) struct PreviousViolations<'p> {
    violations: HashSet<(Place<'p>, String)>,
    /// For limits: the highest amount of each rule in each container.
    amounts: HashMap<Place<'p>, i128>,
    /// The containers of a pod that exists; nobody can change their fields.
    containers: Option<HashSet<Container<'p>>>,
}

impl<'p> PreviousViolations<'p> {
    /// `rules`: those that found something in the object as it is now, grouped.
    ///
    /// What an exemption that holds today lets in is left out: it must cover the object as it is now. An exemption that
    /// is over or gone lets nothing in, so whatever it once let in counts as any violation from before: a label or a
    /// finalizer can be changed, and the pod be deleted, whoever took the exemption away.
    pub fn new(
        previous: Option<Previous<'p>>,
        case: &Case<'p>,
        rules: impl Iterator<Item = (&'p CompiledPolicy, &'p CompiledRule)>,
    ) -> Self {
        let mut before = Self::default();
        let Some(Previous { pod, change }) = previous else { return before };
        before.containers =
            case.in_place().then(|| pod.all_containers().map(|c| (c.kind, &*c.container.name.0)).collect());
        if change.is_some() {
            return before;
        }
        let whole = PodExemptions::new(pod);
        let mut last: Option<&CompiledRule> = None;
        for (policy, compiled) in rules {
            if last.is_some_and(|last| std::ptr::eq(last, compiled)) {
                continue;
            }
            last = Some(compiled);
            let may_be_exempt = compiled.exempted || !case.exemptions.is_empty();
            for finding in findings(compiled, pod) {
                if !(may_be_exempt && case.exemption(policy, compiled, &finding, &whole).is_some()) {
                    before.add(compiled, finding);
                }
            }
        }
        before
    }

    fn add(&mut self, compiled: &CompiledRule, finding: Finding<'p>) {
        let place = place(compiled, &finding);
        if let Some(amount) = finding.amount {
            let highest = self.amounts.entry(place).or_insert(amount);
            *highest = amount.max(*highest);
        }
        if finding.is_inherited() {
            // The value stood in the pod before, whoever inherits it now.
            self.violations.insert(((place.0, None), finding.found.to_string()));
        }
        self.violations.insert((place, finding.found.into_owned()));
    }

    /// Whether the update brings this violation.
    pub fn introduces(&self, compiled: &CompiledRule, finding: &Finding<'p>) -> bool {
        let place = place(compiled, finding);
        let milder = || {
            let before = self.amounts.get(&place);
            finding.amount.zip(before).is_some_and(|(now, before)| now <= *before)
        };
        let known = || self.violations.contains(&(place, finding.found.to_string()));
        !(known() || milder())
    }

    /// Whether the violation stands in a part of an existing pod that the API server lets nobody repair.
    pub fn is_fixed(&self, finding: &Finding<'p>) -> bool {
        self.containers.as_ref().is_some_and(|known| container(finding).is_none_or(|c| known.contains(&c)))
    }
}

fn container<'p>(finding: &Finding<'p>) -> Option<Container<'p>> {
    finding.container().map(|c| (c.kind, &*c.container.name.0))
}

fn place<'p>(compiled: &CompiledRule, finding: &Finding<'p>) -> Place<'p> {
    (std::ptr::from_ref(compiled), container(finding))
}
