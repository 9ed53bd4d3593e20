//! What the object violated before an update. It only narrows what is judged again.

use super::Case;
use super::find::findings;
use crate::effort;
use crate::policy::{CompiledPolicy, CompiledRule, PodExemptions};
use crate::rule::Finding;
use crate::workload::{ContainerKind, Pod};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The pod of the object as it was before an update.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'p> {
    pub pod: &'p Pod<'p>,
    /// None when the update brings nothing that runs.
    pub change: Option<Change>,
}

/// A change of what runs. The object is then judged as if it were created.
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
    /// For the denial: why violations that the object had before count, too.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Image => "The update changes an image, so the whole pod is judged as if it were created.",
            Self::Container => "The update adds a container, so the whole pod is judged as if it were created.",
            Self::Template => "The update changes the pod template, so all of it is judged as if it were created.",
        }
    }
}

/// The list and the name of a container.
type Container<'p> = (ContainerKind, &'p str);

/// The previous pod, prepared for comparisons.
pub(super) struct PreviousPod<'p> {
    pod: &'p Pod<'p>,
    change: Option<Change>,
    /// The containers of a pod that exists, with their images. The API server lets no user change most of their other fields.
    fixed: Option<HashMap<Container<'p>, Option<&'p str>>>,
    exemptions: PodExemptions<'p>,
}

impl<'p> PreviousPod<'p> {
    pub fn new(Previous { pod, change }: Previous<'p>, case: &Case<'p>) -> Self {
        let containers = || pod.all_containers().map(|c| ((c.kind, c.name), c.container.image.as_deref())).collect();
        Self { pod, change, fixed: case.is_in_place().then(containers), exemptions: PodExemptions::new(pod) }
    }

    /// The violations of this rule in the previous pod; none where the update changes what runs.
    ///
    /// A violation that an exemption covers today is left out: the exemption must cover the object as it is now. An
    /// exemption that ended or was deleted covers nothing, so what it once covered counts as any other previous violation.
    /// Otherwise its end would keep a user from changing a label or a finalizer of the object, and so from deleting it.
    pub fn violations(
        &self,
        case: &Case<'p>,
        policy: &CompiledPolicy,
        compiled: &CompiledRule,
    ) -> PreviousViolations<'p> {
        let mut violations = PreviousViolations::default();
        if self.change.is_some() {
            return violations;
        }
        let may_be_exempt = compiled.exempted || !case.exemptions.is_empty();
        let held = effort::held();
        let found = findings(compiled, self.pod);
        // Only the values are kept.
        effort::release(effort::held().saturating_sub(held));
        for finding in found {
            if !(may_be_exempt && case.exemption(policy, compiled, &finding, &self.exemptions).is_some()) {
                violations.add(finding);
            }
        }
        violations
    }

    /// Whether the violation is in a part of an existing pod that the API server lets no user change.
    pub fn is_fixed(&self, finding: &Finding<'p>) -> bool {
        let Some(fixed) = &self.fixed else { return false };
        container(finding).is_none_or(|c| fixed.get(&c).is_some_and(|image| !is_new_image(finding, *image)))
    }
}

/// Whether the finding is about an image that the update brings. A repair of any other image would restart its container.
fn is_new_image(finding: &Finding<'_>, old: Option<&str>) -> bool {
    let new = finding.container().filter(|_| finding.at.last_key() == Some("image"));
    new.is_some_and(|new| new.container.image.as_deref() != old)
}

/// The violations of one rule in the previous pod.
#[derive(Default)]
pub(super) struct PreviousViolations<'p> {
    /// The container that violates, and the value that was found.
    values: HashSet<(Option<Container<'p>>, Cow<'p, str>)>,
    /// For limits: the highest amount in each container.
    amounts: HashMap<Option<Container<'p>>, i128>,
    /// The memory that was counted for it.
    held: usize,
}

/// The memory of one value, without its text.
const VALUE: usize = 96;

impl<'p> PreviousViolations<'p> {
    fn add(&mut self, finding: Finding<'p>) {
        let place = container(&finding);
        if let Some(amount) = finding.amount {
            let highest = self.amounts.entry(place).or_insert(amount);
            *highest = amount.max(*highest);
        }
        if finding.is_inherited() {
            // The pod had the value before, whichever container inherits it now.
            self.insert(None, finding.found.clone());
        }
        self.insert(place, finding.found);
    }

    fn insert(&mut self, place: Option<Container<'p>>, found: Cow<'p, str>) {
        let bytes = VALUE + found.len();
        if self.values.insert((place, found)) && effort::hold(bytes) {
            self.held += bytes;
        }
    }

    /// Whether the update introduces this violation.
    pub fn introduces(&self, finding: &Finding<'p>) -> bool {
        let place = container(finding);
        let is_milder = || finding.amount.zip(self.amounts.get(&place)).is_some_and(|(now, before)| now <= *before);
        let is_known = || self.values.contains(&(place, finding.found.clone()));
        !(is_known() || is_milder())
    }
}

impl Drop for PreviousViolations<'_> {
    fn drop(&mut self) {
        effort::release(self.held);
    }
}

fn container<'p>(finding: &Finding<'p>) -> Option<Container<'p>> {
    finding.container().map(|c| (c.kind, c.name))
}
