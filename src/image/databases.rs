//! Databases of package managers that are links: their content stands at another path, where it is not read.

use super::captures::Watched;
use super::facts::Unknown;
use super::listing::{Listing, NodeKind};
use super::{paths, root};

/// The databases that a package manager opens by these names.
const DATABASES: [&str; 9] = [
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite",
    "var/lib/dpkg/status",
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
];

/// The folder in which each package of an image without dpkg has a file.
const FOLDER: &str = "var/lib/dpkg/status.d";

/// The databases whose content was not read. `is_read` is whether the content of a path was read.
pub fn unread(listing: &Listing, is_read: impl Fn(&str) -> bool) -> Vec<Unknown> {
    let mut unread: Vec<Unknown> = Vec::new();
    let mut add = |path: &str, real: &str| {
        let why = if path == real {
            "it is a hard link to another path, which podreeve does not read".to_owned()
        } else {
            format!("it leads to /{real}, which podreeve does not read")
        };
        if !unread.iter().any(|known| known.path == path) {
            unread.push(Unknown { path: path.to_owned(), why: crate::text::clean(&why, 300) });
        }
    };
    for path in DATABASES {
        let Some((real, node)) = root::follow(listing, path) else { continue };
        // A hard link has no content of its own in its layer; an empty file has none either, and lists nothing.
        let is_hard_link =
            node.kind == NodeKind::HardLink || (node.kind == NodeKind::File && !listing.link(node).is_empty());
        let is_content = node.kind == NodeKind::File && node.size > 0;
        if (is_hard_link || (is_content && Watched::of(&real).is_none())) && !is_read(&real) {
            add(path, &real);
        }
    }
    // Links in the folder, and the folder behind a link.
    if let Some(real) = root::resolve(FOLDER, true, |path| root::link_at(listing, path)) {
        let below = listing.nodes().get(listing.position(&real)..).unwrap_or_default().iter();
        let below = below.skip_while(|node| listing.path(node) == real);
        for node in below.take_while(|node| paths::is_below(listing.path(node), &real)) {
            let path = listing.path(node);
            let is_link = matches!(node.kind, NodeKind::Symlink | NodeKind::HardLink) || !listing.link(node).is_empty();
            let is_file = node.kind == NodeKind::File && node.size > 0;
            if !path.ends_with(".md5sums") && (is_link || (is_file && real != FOLDER)) && !is_read(path) {
                add(FOLDER, path);
                break;
            }
        }
    }
    unread
}
