//! `podreeve image --trust`: the trust document from a file, and the signatures from a folder.

mod document;
mod folder;

pub use document::load;
pub use folder::Folder;
