//! What the image says of the user: which repair lets the container start.

use crate::image::known::{ImageTraits, ImageUser};
use crate::text::clean;
use crate::workload::{ContainerRef, Pod};

/// What `runAsNonRoot: true` needs, so that the container starts without a `runAsUser` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRepair {
    /// Nothing is known of the image, or it runs as root and may run as another user.
    Unknown,
    /// The image names a number on every platform.
    Starts,
    /// The image names a user, which has this number in it.
    Needs(u32),
    /// The image starts as root and changes its user then: as another user it does not start.
    Breaks,
}

pub fn repair(pod: &Pod<'_>, container: ContainerRef<'_>) -> UserRepair {
    match pod.traits_of(container).map(|traits| &traits.user) {
        Some(ImageUser::Number(_) | ImageUser::Numbers) => UserRepair::Starts,
        Some(ImageUser::Named(_, Some(number))) => UserRepair::Needs(*number),
        Some(ImageUser::Root { switcher: Some(_), .. }) => UserRepair::Breaks,
        Some(ImageUser::Named(_, None) | ImageUser::Root { switcher: None, .. } | ImageUser::Unknown) | None => {
            UserRepair::Unknown
        }
    }
}

/// The number by which the image runs.
pub fn number(traits: &ImageTraits) -> Option<u32> {
    match traits.user {
        ImageUser::Number(number) | ImageUser::Named(_, Some(number)) => Some(number),
        _ => None,
    }
}

/// What a finding says of an image that runs as root: what is found, and why it matters if that differs from other violations.
pub fn root(pod: &Pod<'_>, container: ContainerRef<'_>) -> Option<(String, Option<&'static str>)> {
    let ImageUser::Root { written, switcher } = &pod.traits_of(container)?.user else { return None };
    let user = match (written.is_empty(), clean(written, 64)) {
        (true, _) => "its image names no user, so it runs as root".to_owned(),
        (false, user) if user == "root" => "its image runs as root".to_owned(),
        (false, user) => format!("its image runs as {user}, which is root"),
    };
    Some(match switcher {
        Some(program) => {
            let found = format!("{user}, and changes its user with {} as it starts", clean(program, 64));
            (found, Some("as another user the image would not start, so the image must change"))
        }
        None => (user, None),
    })
}
