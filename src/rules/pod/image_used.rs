//! The images that a pod uses: those that its containers run, and those that it mounts as volumes.

use crate::rule::{Findings, Location};
use crate::workload::{ContainerRef, Pod, PodImage};

/// One image, and how it is pulled.
pub struct UsedImage<'p> {
    pub image: Option<&'p str>,
    pub pull_policy: Option<&'p str>,
    /// What is known of it; none without image facts.
    pub known: Option<&'p PodImage>,
    place: Place<'p>,
}

enum Place<'p> {
    Container(ContainerRef<'p>),
    /// The volume's index in `spec.volumes`.
    Volume(usize),
}

/// Calls `judge` with each image of the pod: those of containers first, then those of volumes. Of copies of a container it
/// calls it as [`Findings::of_each`] does.
pub fn of_each<'p>(
    pod: &'p Pod<'p>,
    findings: &mut Findings<'p>,
    mut judge: impl FnMut(&UsedImage<'p>, &mut Findings<'p>),
) {
    findings.of_each(pod.all_containers(), |container, findings| {
        let image = container.container.image.as_deref();
        let pull_policy = container.container.image_pull_policy.as_deref();
        let known = pod.image_of(container);
        judge(&UsedImage { image, pull_policy, known, place: Place::Container(container) }, findings);
    });
    for (index, volume) in pod.spec.volumes.iter().enumerate() {
        let Some(mounted) = &volume.image else { continue };
        let (image, pull_policy) = (mounted.reference.as_deref(), mounted.pull_policy.as_deref());
        let known = pod.image_of_volume(index);
        judge(&UsedImage { image, pull_policy, known, place: Place::Volume(index) }, findings);
    }
}

impl<'p> UsedImage<'p> {
    /// The container that runs it; none for a volume.
    pub const fn container(&self) -> Option<ContainerRef<'p>> {
        match self.place {
            Place::Container(container) => Some(container),
            Place::Volume(_) => None,
        }
    }

    /// The field with the reference.
    pub fn image_at(&self) -> Location<'p> {
        self.field("image", "reference", self.image.is_some())
    }

    /// The field with the pull policy.
    pub fn pull_policy_at(&self) -> Location<'p> {
        self.field("imagePullPolicy", "pullPolicy", self.pull_policy.is_some())
    }

    fn field(&self, of_container: &'static str, of_volume: &'static str, present: bool) -> Location<'p> {
        match self.place {
            Place::Container(container) => Location::container(container).key(of_container, present),
            Place::Volume(index) => {
                Location::spec().key("volumes", true).index(index).key("image", true).key(of_volume, present)
            }
        }
    }
}
