//! The limits of what is read. A registry and an image are input of a stranger.

/// The most bytes of a manifest, an index or a configuration.
pub const DOCUMENT: u64 = 4 << 20;
/// The most bytes of one layer, after decompression.
pub const LAYER: u64 = 20 << 30;
/// The most entries of one layer.
pub const ENTRIES: usize = 1_000_000;
/// The most bytes of all layers of an image together, after decompression.
pub const IMAGE: u64 = 64 << 30;
/// The most entries of all layers of an image together.
pub const IMAGE_ENTRIES: usize = 4_000_000;
/// The most bytes of memory for what is kept of all layers of an image.
pub const IMAGE_MEMORY: usize = 512 << 20;
/// The most bytes of all paths of one layer.
pub const PATHS: usize = 256 << 20;
/// The longest path, as in Linux.
pub const PATH: usize = 4096;
/// The most bytes of a PAX header.
pub const PAX: u64 = 1 << 20;
/// The most bytes of the memory in which a zstd layer looks back.
pub const ZSTD_WINDOW: u64 = 64 << 20;
/// The most layers of an image.
pub const LAYERS: usize = 512;
/// The most manifests of an index.
pub const MANIFESTS: usize = 1000;
/// The most bytes of a small file that is read as text.
pub const TEXT_FILE: u64 = 1 << 20;
/// The most bytes of a package database.
pub const DATABASE: u64 = 64 << 20;
/// The most packages.
pub const PACKAGES: usize = 20_000;
/// The most files, secrets and faults of a kind that are kept. That there are more is a gap.
pub const FOUND: usize = 1000;
/// The most files of a layer whose contents are kept: package databases, accounts, settings.
pub const CAPTURES: usize = 4000;
/// The most links that may have a meaning.
pub const LINKS: usize = 1024;
/// The most files behind links that are read by the names of the links.
pub const LINKED: usize = 256;
/// How much of the value of a label is kept.
pub const LABEL: usize = 4096;
/// The most variables, and the most steps, of a configuration.
pub const LIST: usize = 1000;
/// The most commands of all steps of a history, about: each end of a command counts.
pub const COMMANDS: usize = 20_000;
/// The bytes that are read at once.
pub const CHUNK: usize = 64 << 10;
