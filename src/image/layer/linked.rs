//! Reads a layer once more, for files that rules read by the name of a link.

use super::content::Content;
use super::said::{Said, most, said};
use super::unpack::{Sizes, unpack};
use super::{Listed, listed};
use crate::image::captures::Capture;
use crate::image::linked::Linked;
use crate::image::secrets::KeySearch;
use crate::image::tar::Kind;
use crate::image::{Allowance, Descriptor, Digest, ImageError};
use std::collections::BTreeMap;
use std::io::Read;

/// What a file says under the name of a link.
#[derive(Debug, Clone)]
pub struct LinkedFile {
    pub linked: Linked,
    pub said: Said,
}

/// What was read of files behind links, for all platforms of an image: most of them share layers.
#[derive(Debug)]
pub struct LinkedFiles {
    left: Allowance,
    /// By the digests of the layers, the places of the files, and the names of the links.
    read: BTreeMap<[String; 2], BTreeMap<(u32, String), Said>>,
}

impl LinkedFiles {
    /// `left` is what all this reading may take.
    #[must_use]
    pub const fn new(left: Allowance) -> Self {
        Self { left, read: BTreeMap::new() }
    }

    /// What may still be read.
    #[must_use]
    pub const fn left(&self) -> Allowance {
        self.left
    }

    /// Those of these files of a layer that are not read yet.
    #[must_use]
    pub fn missing(&self, descriptor: &Descriptor, diff_id: &Digest, wanted: &[Linked]) -> Vec<Linked> {
        let read = self.read.get(&key(descriptor, diff_id));
        let is_read =
            |linked: &&Linked| read.is_some_and(|read| read.contains_key(&(linked.order, linked.name.clone())));
        wanted.iter().filter(|linked| !is_read(linked)).cloned().collect()
    }

    /// Adds what [`read_linked`] read.
    pub fn add(&mut self, descriptor: &Descriptor, diff_id: &Digest, read: ReadLinked) {
        self.left.bytes = self.left.bytes.saturating_sub(read.sizes.bytes);
        self.left.entries = self.left.entries.saturating_sub(read.sizes.entries);
        self.left.memory = self.left.memory.saturating_sub(read.memory);
        let known = self.read.entry(key(descriptor, diff_id)).or_default();
        known.extend(read.files.into_iter().map(|file| ((file.linked.order, file.linked.name), file.said)));
    }

    /// What is known of these files of a layer.
    #[must_use]
    pub fn of(&self, descriptor: &Descriptor, diff_id: &Digest, wanted: &[Linked]) -> Vec<LinkedFile> {
        let Some(read) = self.read.get(&key(descriptor, diff_id)) else { return Vec::new() };
        let file = |linked: &Linked| {
            let said = read.get(&(linked.order, linked.name.clone()))?.clone();
            Some(LinkedFile { linked: linked.clone(), said })
        };
        wanted.iter().filter_map(file).collect()
    }
}

fn key(descriptor: &Descriptor, diff_id: &Digest) -> [String; 2] {
    [descriptor.digest.as_str().to_owned(), diff_id.as_str().to_owned()]
}

/// What one reading of a layer found, and what it took.
#[derive(Debug)]
pub struct ReadLinked {
    files: Vec<LinkedFile>,
    sizes: Sizes,
    memory: usize,
}

/// Reads these files of a layer, each for its name.
///
/// # Errors
/// As [`super::scan_within`].
pub fn read_linked(
    blob: &mut dyn Read,
    descriptor: &Descriptor,
    diff_id: &Digest,
    allowance: Allowance,
    wanted: &[Linked],
) -> Result<ReadLinked, ImageError> {
    let (mut content, mut files, mut memory) = (Content::default(), Vec::new(), 0_usize);
    let mut wanted_at: BTreeMap<u32, Vec<&Linked>> = BTreeMap::new();
    for linked in wanted {
        wanted_at.entry(linked.order).or_default().push(linked);
    }
    let mut next = 0_u32;
    let sizes = unpack(blob, descriptor, diff_id, allowance, &mut |tar| {
        let entry = tar.entry();
        // Entries have the places that they had when they were listed.
        let order = next;
        next = next.saturating_add(u32::from(!matches!(listed(&entry.path), Listed::Not)));
        if entry.kind != Kind::File || entry.size == 0 {
            return Ok(());
        }
        let Some(names) = wanted_at.remove(&order) else { return Ok(()) };
        let keep = names.iter().map(|linked| most(&linked.name)).max().unwrap_or_default();
        let size = entry.size;
        let (_, whole) = content.read(tar, KeySearch::default(), keep)?;
        for linked in names {
            let said = said(&linked.name, order, whole.filter(|_| size <= most(&linked.name)));
            memory = memory.saturating_add(said.capture.as_ref().map_or(0, Capture::memory));
            allowance.check_memory(memory)?;
            files.push(LinkedFile { linked: linked.clone(), said });
        }
        Ok(())
    })?;
    Ok(ReadLinked { files, sizes, memory })
}
