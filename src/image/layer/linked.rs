//! Reads a layer once more, for files that rules read by the name of a link.

use super::content::Content;
use super::said::{Said, most, said};
use super::unpack::unpack;
use crate::image::captures::Capture;
use crate::image::linked::Linked;
use crate::image::secrets::KeySearch;
use crate::image::tar::Kind;
use crate::image::{Allowance, Descriptor, Digest, ImageError};
use std::io::Read;

/// What a file says under the name of a link.
#[derive(Debug)]
pub struct LinkedFile {
    pub linked: Linked,
    pub said: Said,
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
) -> Result<Vec<LinkedFile>, ImageError> {
    let (mut content, mut files, mut memory) = (Content::default(), Vec::new(), 0_usize);
    unpack(blob, descriptor, diff_id, allowance, &mut |tar| {
        let entry = tar.entry();
        if entry.kind != Kind::File || entry.size == 0 {
            return Ok(());
        }
        let names: Vec<&Linked> = wanted.iter().filter(|linked| linked.path == entry.path).collect();
        let Some(keep) = names.iter().map(|linked| most(&linked.name)).max() else { return Ok(()) };
        let size = entry.size;
        let (_, whole) = content.read(tar, KeySearch::default(), keep)?;
        for linked in names {
            let said = said(&linked.name, whole.filter(|_| size <= most(&linked.name)));
            memory = memory.saturating_add(said.capture.as_ref().map_or(0, Capture::memory));
            allowance.check_memory(memory)?;
            files.push(LinkedFile { linked: linked.clone(), said });
        }
        Ok(())
    })?;
    Ok(files)
}
