//! Private keys among files of other names.

use super::{Host, text};
use crate::node::{Node, Read};
use std::collections::BTreeMap;

/// Files that are looked into.
const MOST_FILES: usize = 1000;

/// The files of registries that hold a private key, or that cannot be read.
pub fn private_keys(host: &dyn Host, node: &Node) -> BTreeMap<String, Read<()>> {
    let registries = node.folders.iter().filter(|(folder, _)| folder.contains("/certs.d/"));
    let files = registries
        .flat_map(|(folder, read)| read.is().into_iter().flatten().map(move |name| format!("{folder}/{name}")));
    let read = |path: String| match text(host, &path) {
        Read::Is(text) => text.contains("PRIVATE KEY-----").then_some((path, Read::Is(()))),
        Read::Absent => None,
        other => Some((path, other.map(|_| ()))),
    };
    files.take(MOST_FILES).filter_map(read).collect()
}
