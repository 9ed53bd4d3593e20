//! What a file says under a name: its own, or that of a link to it.

use crate::image::captures::{Capture, Watched};
use crate::image::{Gap, Part, limits, secrets};

/// What rules need of a file.
#[derive(Debug, Clone)]
pub struct Said {
    pub capture: Option<Capture>,
    /// The kind of credentials in it.
    pub secret: Option<&'static str>,
    /// Why not all is known of it.
    pub gap: Option<Gap>,
}

/// The most bytes of a file with this name that are kept while it is read.
pub fn most(name: &str) -> u64 {
    let secret = if secrets::named(name).is_some() { limits::TEXT_FILE } else { 0 };
    Watched::of(name).map_or(0, Watched::limit).max(secret)
}

/// `order` is the place of the file in the archive. `whole` is the file, if it is not too large.
pub fn said(name: &str, order: u32, whole: Option<&[u8]>) -> Said {
    // Any number of files without a fault must not take the room of the others.
    let capture = Watched::of(name).map(|watched| Capture::new(name, order, watched, whole));
    let secret = secrets::named(name);
    let is_too_large = secret.is_some() && whole.is_none();
    let gap = || Gap::of_file(Part::Secrets, name, format!("it is larger than {} MiB", limits::TEXT_FILE >> 20));
    Said {
        capture: capture.filter(|capture| !capture.says_nothing()),
        secret: secret.zip(whole).and_then(|(secret, text)| secret.find(text)),
        gap: is_too_large.then(gap),
    }
}
