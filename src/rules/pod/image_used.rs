//! The images that a pod uses: those that its containers run, and those that it mounts as volumes.

use crate::rule::Location;
use crate::workload::{ContainerRef, Pod, PodImage};

/// One image, and how it is pulled.
pub struct UsedImage<'p> {
    pub image: Option<&'p str>,
    pub pull_policy: Option<&'p str>,
    /// What is known of it, if anything was asked.
    pub known: Option<&'p PodImage>,
    place: Place<'p>,
}

enum Place<'p> {
    Container(ContainerRef<'p>),
    /// The volume's index in `spec.volumes`.
    Volume(usize),
}

/// All images of the pod: those of containers first, then those of volumes.
pub fn images<'p>(pod: &'p Pod<'p>) -> impl Iterator<Item = UsedImage<'p>> {
    let run = pod.all_containers().map(move |container| UsedImage {
        known: pod.image_of(container),
        image: container.container.image.as_deref(),
        pull_policy: container.container.image_pull_policy.as_deref(),
        place: Place::Container(container),
    });
    let volumes = pod.spec.volumes.iter().enumerate();
    let mounted = volumes.filter_map(move |(index, volume)| {
        let image = volume.image.as_ref()?;
        Some(UsedImage {
            known: pod.image_of_volume(index),
            image: image.reference.as_deref(),
            pull_policy: image.pull_policy.as_deref(),
            place: Place::Volume(index),
        })
    });
    run.chain(mounted)
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
