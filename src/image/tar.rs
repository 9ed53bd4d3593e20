//! A reader of tar archives: ustar, GNU and PAX, as Go's `archive/tar` reads them for container runtimes.
//!
//! It bounds what one entry costs: paths, extended headers, the number of entries, and the zeros of sparse files.

mod entry;
mod header;
mod pax;
mod sparse;

pub use entry::{Entry, Kind};

use super::{Allowance, ImageError, limits};
use header::{BLOCK, Block};
use pax::Pax;
use sparse::Sparse;
use std::io::{BufReader, Read};

/// A reader that can pass over bytes.
pub trait Skip: Read {
    /// Passes over `count` bytes, or to the end.
    ///
    /// # Errors
    /// The reader fails.
    fn skip(&mut self, count: u64) -> std::io::Result<()> {
        let mut rest = [0; 8 << 10];
        let mut left = count;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            match self.read(rest.get_mut(..most).unwrap_or_default())? {
                0 => return Ok(()),
                read => left -= read as u64,
            }
        }
        Ok(())
    }
}

impl<R: Read> Skip for BufReader<R> {}

impl Skip for &[u8] {}

impl<S: Skip + ?Sized> Skip for Box<S> {
    fn skip(&mut self, count: u64) -> std::io::Result<()> {
        (**self).skip(count)
    }
}

/// Reads entry by entry.
#[derive(Debug)]
pub struct Tar<R> {
    inner: R,
    entry: Entry,
    /// Bytes of the entry that are not read yet.
    left: u64,
    /// Bytes behind the data of the entry, up to the next block.
    padding: u64,
    sparse: Option<Sparse>,
    entries: usize,
    /// Zeros of sparse files, which the archive does not have.
    zeros: u64,
    allowance: Allowance,
    has_end: bool,
}

/// What extended headers say of the next entry.
#[derive(Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Pax,
}

impl<R: Skip> Tar<R> {
    pub fn new(inner: R) -> Self {
        Self::within(inner, Allowance::IMAGE)
    }

    /// A reader that takes no more than is allowed.
    pub fn within(inner: R, allowance: Allowance) -> Self {
        Self {
            inner,
            entry: Entry::default(),
            left: 0,
            padding: 0,
            sparse: None,
            entries: 0,
            zeros: 0,
            allowance,
            has_end: false,
        }
    }

    /// The next entry; none at the end. What was not read of the one before is passed over.
    ///
    /// # Errors
    /// A broken archive, or one over the limits.
    pub fn next_entry(&mut self) -> Result<Option<&Entry>, ImageError> {
        self.pass_over()?;
        let mut extended = Extended::default();
        while let Some(block) = self.block()? {
            self.entries += 1;
            self.allowance.check_entries(self.entries)?;
            let size = block.size()?;
            match block.type_flag() {
                b'x' => extended.pax = Pax::parse(&self.extension(size, limits::PAX)?)?,
                // Global headers change no path, and runtimes pass over them.
                b'g' => drop(self.extension(size, limits::PAX)?),
                b'L' => extended.path = Some(self.name(size)?),
                b'K' => extended.link = Some(self.name(size)?),
                _ => {
                    self.begin(&block, size, extended)?;
                    return Ok(Some(&self.entry));
                }
            }
        }
        Ok(None)
    }

    /// The entry that was returned last.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// How many entries were read, and how many zeros of sparse files.
    #[must_use]
    pub const fn counts(&self) -> (usize, u64) {
        (self.entries, self.zeros)
    }

    /// Whether the zeros that end an archive were read; one without them may be cut off.
    #[must_use]
    pub const fn has_end(&self) -> bool {
        self.has_end
    }

    /// The reader below, at the end of the archive.
    pub fn into_inner(self) -> R {
        self.inner
    }

    fn begin(&mut self, block: &Block, size: u64, mut extended: Extended) -> Result<(), ImageError> {
        let mut size = extended.pax.size.unwrap_or(size);
        let mut sparse = extended.pax.sparse.take();
        let path = extended.pax.path.take().or(extended.path).unwrap_or_else(|| block.path());
        let link = extended.pax.link.take().or(extended.link).unwrap_or_else(|| block.link());
        self.entry = Entry::new(block, &path, &link, extended.pax)?;
        if self.entry.kind != Kind::File {
            // A link or a folder has no data, whatever its header says.
            if matches!(block.type_flag(), b'1' | b'2' | b'3' | b'4' | b'5' | b'6') {
                size = 0;
            }
            sparse = None;
        }
        self.padding = size.wrapping_neg() % BLOCK as u64;
        self.left = size;
        if block.type_flag() == b'S' {
            sparse = Some(self.old_sparse(block)?);
        }
        if let Some(map) = &mut sparse {
            if map.is_in_data() {
                let map_size = map.read_from(|buffer| read_data(&mut self.inner, &mut self.left, buffer))?;
                self.left = self.left.min(size.saturating_sub(map_size));
            }
            self.zeros = self.zeros.saturating_add(map.zeros(self.left)?);
            if self.zeros > limits::LAYER {
                return Err(ImageError::too_large("the sparse files of the layer", format!("{} bytes", limits::LAYER)));
            }
            self.allowance.check_bytes(self.zeros)?;
            self.entry.size = map.size();
        } else {
            self.entry.size = size;
        }
        self.sparse = sparse;
        Ok(())
    }

    /// The map of GNU's old format, which may go on in blocks behind the header.
    fn old_sparse(&mut self, block: &Block) -> Result<Sparse, ImageError> {
        let (mut map, mut goes_on) = Sparse::old(block)?;
        while goes_on {
            let mut next = Block::default();
            read_exact(&mut self.inner, next.bytes_mut())?;
            goes_on = map.extend_old(&next)?;
        }
        Ok(map)
    }

    /// Reads data of the entry. 0 is the end.
    ///
    /// # Errors
    /// The archive ends too early, or the reader fails.
    pub fn read_data(&mut self, buffer: &mut [u8]) -> Result<usize, ImageError> {
        let Some(sparse) = &mut self.sparse else { return read_data(&mut self.inner, &mut self.left, buffer) };
        let (most, is_hole) = sparse.next(buffer.len());
        let part = buffer.get_mut(..most).unwrap_or_default();
        let count = if is_hole {
            part.fill(0);
            part.len()
        } else {
            read_data(&mut self.inner, &mut self.left, part)?
        };
        sparse.advance(count);
        Ok(count)
    }

    fn pass_over(&mut self) -> Result<(), ImageError> {
        let rest =
            self.left.checked_add(self.padding).ok_or_else(|| header::broken("an entry has an impossible size"))?;
        if rest > 0 {
            self.inner.skip(rest).map_err(|error| ImageError::read("the layer", error))?;
        }
        (self.left, self.padding, self.sparse) = (0, 0, None);
        Ok(())
    }

    /// The next header; none at the end of the archive.
    fn block(&mut self) -> Result<Option<Block>, ImageError> {
        let mut block = Block::default();
        match fill(&mut self.inner, block.bytes_mut())? {
            0 => return Ok(None),
            BLOCK => {}
            _ => return Err(header::broken("it ends within a header")),
        }
        if !block.is_zero() {
            block.verify()?;
            return Ok(Some(block));
        }
        // Two blocks of zeros end an archive.
        self.has_end = true;
        match fill(&mut self.inner, block.bytes_mut())? {
            0 | BLOCK if block.is_zero() => Ok(None),
            _ => Err(header::broken("a block of zeros is among its entries")),
        }
    }

    /// The data of an extended header.
    fn extension(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, ImageError> {
        if size > limit {
            return Err(ImageError::too_large("an extended header of the layer", format!("{limit} bytes")));
        }
        let padded = size.next_multiple_of(BLOCK as u64);
        let mut data = vec![0; usize::try_from(padded).unwrap_or_default()];
        read_exact(&mut self.inner, &mut data)?;
        data.truncate(usize::try_from(size).unwrap_or_default());
        Ok(data)
    }

    fn name(&mut self, size: u64) -> Result<Vec<u8>, ImageError> {
        let mut name = self.extension(size, limits::PATH as u64 + 1)?;
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
        Ok(name)
    }
}

fn read_data<R: Read>(inner: &mut R, left: &mut u64, buffer: &mut [u8]) -> Result<usize, ImageError> {
    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
    if most == 0 {
        return Ok(0);
    }
    let count = inner.read(buffer.get_mut(..most).unwrap_or_default());
    let count = count.map_err(|error| ImageError::read("the layer", error))?;
    if count == 0 {
        return Err(header::broken("it ends within a file"));
    }
    *left -= count as u64;
    Ok(count)
}

/// Reads until the buffer is full or the reader ends.
fn fill<R: Read>(inner: &mut R, buffer: &mut [u8]) -> Result<usize, ImageError> {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match inner.read(rest).map_err(|error| ImageError::read("the layer", error))? {
            0 => break,
            read => count += read,
        }
    }
    Ok(count)
}

fn read_exact<R: Read>(inner: &mut R, buffer: &mut [u8]) -> Result<(), ImageError> {
    if fill(inner, buffer)? == buffer.len() { Ok(()) } else { Err(header::broken("it ends within a header")) }
}

#[cfg(test)]
mod tests;
