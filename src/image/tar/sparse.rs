//! Sparse files: the archive has the parts with data, and a map says where they belong.

use super::header::{BLOCK, Block, broken, number};
use crate::image::ImageError;

/// The most parts of a file.
const PARTS: usize = 20_000;

/// The map of a file.
#[derive(Debug, Default)]
pub struct Sparse {
    size: u64,
    /// Where data is, and how long, in order.
    parts: Vec<(u64, u64)>,
    /// The map is at the beginning of the data.
    in_data: bool,
    /// How far the file is read, and in which part.
    at: u64,
    part: usize,
}

impl Sparse {
    /// `numbers` are offsets, each followed by a length.
    pub fn new(size: u64, numbers: &[u64]) -> Result<Self, ImageError> {
        let mut sparse = Self { size, ..Self::default() };
        for pair in numbers.chunks(2) {
            let [offset, length] = *pair else { return Err(broken("the map of a sparse file has no end")) };
            sparse.add(offset, length)?;
        }
        Ok(sparse)
    }

    pub fn in_data(size: u64) -> Self {
        Self { size, in_data: true, ..Self::default() }
    }

    pub const fn is_in_data(&self) -> bool {
        self.in_data
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    fn add(&mut self, offset: u64, length: u64) -> Result<(), ImageError> {
        let wrong = || broken("the map of a sparse file cannot be right");
        let end = offset.checked_add(length).ok_or_else(wrong)?;
        let before = self.parts.last().map_or(0, |(offset, length)| offset + length);
        if offset < before || end > self.size || self.parts.len() >= PARTS {
            return Err(wrong());
        }
        if length > 0 {
            self.parts.push((offset, length));
        }
        Ok(())
    }

    /// The map of GNU's old header, and whether it goes on.
    pub fn old(block: &Block) -> Result<(Self, bool), ImageError> {
        let mut sparse = Self { size: number(block.field(483, 12))?, ..Self::default() };
        sparse.entries(block, 386, 4)?;
        Ok((sparse, block.byte(482) != 0))
    }

    /// A block behind GNU's old header.
    pub fn extend_old(&mut self, block: &Block) -> Result<bool, ImageError> {
        self.entries(block, 0, 21)?;
        Ok(block.byte(504) != 0)
    }

    fn entries(&mut self, block: &Block, from: usize, count: usize) -> Result<(), ImageError> {
        for at in (0..count).map(|index| from + 24 * index) {
            if block.byte(at) == 0 {
                break;
            }
            self.add(number(block.field(at, 12))?, number(block.field(at + 12, 12))?)?;
        }
        Ok(())
    }

    /// Reads the map from the data of the file: decimal numbers in lines, in whole blocks. Returns how long it is.
    pub fn read_from(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> Result<usize, ImageError>,
    ) -> Result<u64, ImageError> {
        let (mut numbers, mut digits, mut length) = (Vec::new(), String::new(), 0);
        let mut wanted = 1;
        while numbers.len() < wanted {
            let mut block = [0; BLOCK];
            let mut filled = 0;
            while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match read(rest)? {
                    0 => return Err(broken("the map of a sparse file has no end")),
                    count => filled += count,
                }
            }
            length += BLOCK as u64;
            for byte in block {
                match byte {
                    b'0'..=b'9' if digits.len() < 20 => digits.push(char::from(byte)),
                    b'\n' if numbers.len() < wanted => {
                        let number: u64 =
                            digits.parse().map_err(|_| broken("the map of a sparse file cannot be read"))?;
                        if numbers.is_empty() {
                            let count = usize::try_from(number).ok().filter(|count| *count <= PARTS);
                            wanted = 1 + 2 * count.ok_or_else(|| broken("the map of a sparse file is too long"))?;
                        }
                        numbers.push(number);
                        digits.clear();
                    }
                    _ if numbers.len() >= wanted => {}
                    _ => return Err(broken("the map of a sparse file cannot be read")),
                }
            }
        }
        *self = Self::new(self.size, numbers.get(1..).unwrap_or_default())?;
        Ok(length)
    }

    /// The zeros that are not in the archive. The archive must have the data of all parts.
    pub fn zeros(&self, left: u64) -> Result<u64, ImageError> {
        let data: u64 = self.parts.iter().map(|(_, length)| length).sum();
        if data > left {
            return Err(broken("a sparse file has less data than its map says"));
        }
        Ok(self.size - data)
    }

    /// How many bytes follow that are all data or all a hole, at most `most`, and whether they are a hole.
    pub fn next(&self, most: usize) -> (usize, bool) {
        let (until, is_hole) = match self.parts.get(self.part) {
            Some((offset, _)) if self.at < *offset => (*offset, true),
            Some((offset, length)) => (offset + length, false),
            None => (self.size, true),
        };
        (usize::try_from(until - self.at).unwrap_or(usize::MAX).min(most), is_hole)
    }

    /// That many of them are read.
    pub fn advance(&mut self, count: usize) {
        self.at += count as u64;
        while self.parts.get(self.part).is_some_and(|(offset, length)| offset + length <= self.at) {
            self.part += 1;
        }
    }
}
