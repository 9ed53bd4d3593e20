//! What is known of the images of a pod, next to the pod.

use super::pod::{ContainerKind, ContainerRef, Pod};
use crate::image::known::{ImageAnswer, ImageSettings, ImageTraits, KnownImage};
use crate::image::trust::{Reported, ReportedByDigest, start_of};
use jiff::Timestamp;
use jiff::civil::Date;
use std::sync::Arc;

/// The images of a pod, for a policy that judges them, where image facts are switched on.
#[derive(Debug, Clone)]
pub struct PodImages {
    pub today: Date,
    pub settings: ImageSettings,
    /// In the order of [`Pod::references`].
    images: Vec<Option<PodImage>>,
    pub scans: PodScans,
    /// A policy writes the digests into the pods of a template, so its tags are none of the pods.
    pub pods_get_digests: bool,
}

/// What reports of scanners in the cluster say, as far as it counts for one pod.
#[derive(Debug, Clone, Default)]
pub struct PodScans {
    /// Reports that belong to no namespace, which count for every pod.
    pub of_cluster: Option<Arc<ReportedByDigest>>,
    /// Those of the pod's namespace. A user who may write there could make them up, so they count nowhere else.
    pub of_namespace: Option<Arc<ReportedByDigest>>,
    /// How late it is, by the last look at the reports.
    pub at: Option<Timestamp>,
}

impl PodScans {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.of_cluster.is_none() && self.of_namespace.is_none()
    }

    /// The time by which they are judged.
    #[must_use]
    pub fn time(&self, today: Date) -> Option<Timestamp> {
        start_of(today).max(self.at)
    }

    /// What is reported of a manifest: in the namespace, and also in the cluster if `everywhere`.
    pub fn of(&self, digest: &str, everywhere: bool) -> impl Iterator<Item = &Reported> {
        let of_cluster = self.of_cluster.as_ref().filter(|_| everywhere);
        [self.of_namespace.as_ref(), of_cluster].into_iter().flatten().filter_map(|all| all.get(digest))
    }
}

/// What is known of one image, for this pod.
#[derive(Debug, Clone)]
pub struct PodImage {
    pub answer: ImageAnswer,
    /// What pull secrets of another namespace showed of the same digest, where nothing is known here. It denies and repairs nothing.
    pub foreign: Option<Arc<KnownImage>>,
}

impl PodImage {
    /// The image, if it is known.
    #[must_use]
    pub fn own(&self) -> Option<&KnownImage> {
        match &self.answer {
            ImageAnswer::Known(image) => Some(image),
            ImageAnswer::Unknown(_) => None,
        }
    }
}

impl PodImages {
    #[must_use]
    pub fn new(today: Date, settings: ImageSettings, images: Vec<Option<PodImage>>) -> Self {
        Self { today, settings, images, scans: PodScans::default(), pods_get_digests: false }
    }

    /// The same with what scanners in the cluster reported.
    #[must_use]
    pub fn with_scans(self, scans: PodScans) -> Self {
        Self { scans, ..self }
    }

    /// The same with what the policies do to the pods.
    #[must_use]
    pub const fn with_digests(mut self, pods_get_digests: bool) -> Self {
        self.pods_get_digests = pods_get_digests;
        self
    }
}

impl Pod<'_> {
    /// The reference of each container, then of each volume. None where it has none.
    pub fn references(&self) -> impl Iterator<Item = Option<&str>> {
        let run = self.all_containers().map(|container| container.container.image.as_deref());
        let mounted = self.spec.volumes.iter().map(|volume| volume.image.as_ref()?.reference.as_deref());
        run.chain(mounted)
    }

    /// What is known of the image at this position of [`Self::references`].
    fn image_at(&self, position: usize) -> Option<&PodImage> {
        self.context.images.as_ref()?.images.get(position)?.as_ref()
    }

    /// What is known of the image that a volume mounts.
    #[must_use]
    pub fn image_of_volume(&self, index: usize) -> Option<&PodImage> {
        let containers: usize = self.spec.lengths().into_iter().sum();
        self.image_at(containers + index)
    }

    /// What is known of the image of a container.
    #[must_use]
    pub fn image_of(&self, container: ContainerRef<'_>) -> Option<&PodImage> {
        let [init, regular, _] = self.spec.lengths();
        self.image_at(match container.kind {
            ContainerKind::Init => container.index,
            ContainerKind::Container => init + container.index,
            ContainerKind::Ephemeral => init + regular + container.index,
        })
    }

    /// Whether the image decides by which user the container runs. Nothing in the pod does.
    #[must_use]
    pub fn image_decides_user(&self, container: ContainerRef<'_>) -> bool {
        let (own, pods) = (container.container.security_context.as_ref(), self.spec.security_context.as_ref());
        let user = own.and_then(|own| own.run_as_user).or_else(|| pods?.run_as_user);
        let non_root = own.and_then(|own| own.run_as_non_root).or_else(|| pods?.run_as_non_root);
        user.is_none() && non_root != Some(true)
    }

    /// What the image brings to the container, if it is known.
    #[must_use]
    pub fn traits_of(&self, container: ContainerRef<'_>) -> Option<&ImageTraits> {
        self.image_of(container)?.own().map(KnownImage::traits)
    }
}
