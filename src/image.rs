//! Images: what a manifest, a configuration and the layers of an image say, as facts that rules judge.
//!
//! This module reads bytes that it gets from a [`Source`], and nothing else: it opens no file and no connection, and the date is an
//! argument. An image is read in these steps:
//!
//! 1. [`open()`] reads the index, the manifests and the configurations, and chooses the platforms.
//! 2. [`layer::scan`] reads one layer as a stream: it verifies both digests, lists what the layer has, and keeps what rules need.
//! 3. [`Laid`] lays the layers over each other as a runtime does. Where a file that rules read is behind a link, [`layer::read_linked`]
//!    reads the layer that has it once more.
//! 4. [`merge`] makes [`ImageFacts`] of all that.
//!
//! Every list and size is bounded (see [`limits`]). What cannot be read, or is left out, is a [`Gap`] with its reason, and never empty.

pub mod allowance;
pub mod archive;
mod caches;
mod captures;
pub mod config;
pub mod digest;
pub mod end_of_life;
mod error;
pub mod facts;
mod fit;
pub mod gap;
mod keys;
pub mod known;
pub mod layer;
pub mod limits;
mod linked;
mod listing;
pub mod manifest;
mod meaning;
mod media;
mod merge;
mod open;
mod overlay;
pub mod packages;
mod paths;
mod place;
pub mod platform;
mod read;
mod root;
mod runtime_paths;
pub mod secrets;
mod size;
mod source;
pub mod tar;
mod text_file;
mod tools;
pub mod trust;
mod unverified;

pub use allowance::Allowance;
pub use digest::{Digest, Hasher};
pub use error::ImageError;
pub use facts::ImageFacts;
pub use fit::fit;
pub use gap::{Gap, Part, Parts};
pub use known::{ImageAnswer, KnownImage};
pub use linked::Linked;
pub use manifest::{Descriptor, Document, Index, Manifest};
pub use merge::{Laid, merge};
pub use open::{AbsentPlatform, OpenedImage, PlatformImage, Wanted, open};
pub use place::Place;
pub use platform::Platform;
pub use read::{read, read_within};
pub use size::size_text;
pub use source::{Root, Source, Visit, small};

/// Images that tests build.
#[cfg(test)]
#[path = "../tests/common/image.rs"]
mod built;
#[cfg(test)]
mod tests;
