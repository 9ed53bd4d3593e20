//! One layer, read once as a stream: both digests, what it has, and what rules need of it.

mod content;
mod decompress;
mod linked;
mod said;
mod unpack;

pub use decompress::{Compression, decompress};
pub use linked::{LinkedFile, LinkedFiles, ReadLinked, read_linked};

use super::allowance::Allowance;
use super::captures::{Capture, Watched};
use super::gap::FULL;
use super::listing::{Listing, Node};
use super::secrets::{FoundSecret, KeySearch};
use super::tar::{Kind, Tar};
use super::{Descriptor, Digest, Gap, ImageError, Part, limits, paths};
use content::Content;
use said::{Said, most, said};
use std::io::Read;
use unpack::unpack;

/// What is known of a layer, whatever image has it. It depends on the content alone, so it can be kept by diff ID.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// The bytes of the archive.
    pub raw: u64,
    /// The same with the zeros of sparse files, which the archive does not have.
    pub bytes: u64,
    /// The entries of the archive, with those that only describe the next one.
    pub entries: usize,
    pub listing: Listing,
    /// Files whose content is read, in the order of the archive.
    pub captures: Vec<Capture>,
    pub secrets: Vec<FoundSecret>,
    /// Paths with file capabilities, and which ones.
    pub capabilities: Vec<(String, String)>,
    /// What is not in these lists.
    pub gaps: Vec<Gap>,
    /// About how many bytes the captures take, and the lists.
    kept: usize,
}

impl Layer {
    /// About how many bytes it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.listing.memory() + self.kept
    }
}

/// About how many bytes an element of a list takes, besides its texts.
pub(super) const ITEM: usize = 64;

/// The file name of what removes a path of the layers below, and of what removes all in a folder.
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Reads a layer. `blob` is the layer as it is stored, `diff_id` the digest of its archive.
///
/// # Errors
/// The content is not what the digests say, or no archive, or over the limits.
pub fn scan(blob: &mut dyn Read, descriptor: &Descriptor, diff_id: &Digest) -> Result<Layer, ImageError> {
    scan_within(blob, descriptor, diff_id, Allowance::IMAGE)
}

/// As [`scan`], with what the layers before have left.
///
/// # Errors
/// As [`scan`].
pub fn scan_within(
    blob: &mut dyn Read,
    descriptor: &Descriptor,
    diff_id: &Digest,
    allowance: Allowance,
) -> Result<Layer, ImageError> {
    let mut layer = Layer::default();
    let mut reader = Reader { content: Content::default(), layer: &mut layer };
    let sizes = unpack(blob, descriptor, diff_id, allowance, &mut |tar| {
        reader.entry(tar)?;
        allowance.check_memory(reader.layer.memory())
    })?;
    (layer.raw, layer.bytes, layer.entries) = (sizes.raw, sizes.bytes, sizes.entries);
    layer.listing.finish();
    Ok(layer)
}

/// How an entry of an archive is listed.
enum Listed {
    Itself,
    /// As a mark at this path.
    As(String, Node),
    Not,
}

fn listed(path: &str) -> Listed {
    let (folder, name) = paths::split(path);
    if name == OPAQUE {
        return Listed::As(folder.to_owned(), Node::OPAQUE);
    }
    match name.strip_prefix(WHITEOUT) {
        None => Listed::Itself,
        // Names with a second mark are old notes of AUFS.
        Some(removed) if removed.is_empty() || removed.starts_with(WHITEOUT) => Listed::Not,
        Some(removed) => Listed::As(paths::join(folder, removed), Node::WHITEOUT),
    }
}

struct Reader<'l> {
    content: Content,
    layer: &'l mut Layer,
}

impl Reader<'_> {
    fn entry<R: super::tar::Skip>(&mut self, tar: &mut Tar<R>) -> Result<(), ImageError> {
        let entry = tar.entry();
        match listed(&entry.path) {
            Listed::As(path, mark) => return self.layer.listing.add(&path, "", mark).map(|_| ()),
            Listed::Not => return Ok(()),
            Listed::Itself => {}
        }
        let order = self.layer.listing.add(&entry.path, &entry.link, Node::of(entry))?;
        if let Some(capability) = &entry.capability {
            let found = (entry.path.clone(), super::captures::capabilities(capability));
            self.layer.kept += found.0.len() + found.1.len() + ITEM;
            push(&mut self.layer.capabilities, found, limits::FOUND, Part::PrivilegedFiles, &mut self.layer.gaps);
        }
        if entry.kind == Kind::File && entry.size > 0 {
            self.file(tar, order)?;
        }
        Ok(())
    }

    /// Reads the content of a file: all of it is searched for keys, and some of it is kept.
    fn file<R: super::tar::Skip>(&mut self, tar: &mut Tar<R>, order: u32) -> Result<(), ImageError> {
        let path = tar.entry().path.clone();
        let (key, whole) = self.content.read(tar, KeySearch::default(), most(&path))?;
        let gaps = &mut self.layer.gaps;
        let Said { capture, secret, gap } = said(&path, order, whole);
        if let Some((capture, watched)) = capture.zip(Watched::of(&path)) {
            self.layer.kept += capture.memory();
            push(&mut self.layer.captures, capture, limits::CAPTURES, watched.part(), gaps);
        }
        if let Some(gap) = gap {
            gap.add(gaps);
        }
        let key = key.filter(|_| !super::secrets::is_public_key(&path));
        for kind in key.into_iter().chain(secret) {
            let found = FoundSecret { path: path.clone(), order, kind: kind.to_owned() };
            if self.layer.secrets.last() != Some(&found) {
                self.layer.kept += found.path.len() + ITEM;
                push(&mut self.layer.secrets, found, limits::FOUND, Part::Secrets, gaps);
            }
        }
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, found: T, most: usize, part: Part, gaps: &mut Vec<Gap>) {
    if list.len() < most {
        list.push(found);
    } else {
        Gap::new(&[part], FULL).add(gaps);
    }
}

#[cfg(test)]
mod tests;
