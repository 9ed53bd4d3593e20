//! Extended headers of PAX: records of a length, a key and a value.

use super::header::broken;
use super::sparse::Sparse;
use crate::image::ImageError;

/// What is read of the records.
#[derive(Debug, Default)]
pub struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub capability: Option<Vec<u8>>,
    pub sparse: Option<Sparse>,
}

/// The attribute as Go writes and runtimes read it.
const CAPABILITY: &[u8] = b"SCHILY.xattr.security.capability";

impl Pax {
    pub fn parse(mut data: &[u8]) -> Result<Self, ImageError> {
        let mut pax = Self::default();
        let mut gnu = Gnu::default();
        while !data.is_empty() {
            let (key, value, rest) = record(data).ok_or_else(|| broken("an extended header cannot be read"))?;
            data = rest;
            let text =
                || std::str::from_utf8(value).map_err(|_| broken("an extended header has a number that is none"));
            let number = || text()?.parse().map_err(|_| broken("an extended header has a number that is none"));
            match key {
                b"path" => pax.path = Some(value.to_vec()),
                b"linkpath" => pax.link = Some(value.to_vec()),
                b"size" => pax.size = Some(number()?),
                CAPABILITY => pax.capability = Some(value.to_vec()),
                b"GNU.sparse.name" => gnu.name = Some(value.to_vec()),
                b"GNU.sparse.major" => gnu.major = number()?,
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => gnu.size = Some(number()?),
                b"GNU.sparse.map" => gnu.numbers(text()?.split(','))?,
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => gnu.numbers(std::iter::once(text()?))?,
                _ => {}
            }
        }
        if let Some(size) = gnu.size {
            pax.sparse = Some(if gnu.major == 1 { Sparse::in_data(size) } else { Sparse::new(size, &gnu.map)? });
        }
        if gnu.name.is_some() {
            pax.path = gnu.name;
        }
        Ok(pax)
    }
}

/// GNU's records of a sparse file.
#[derive(Default)]
struct Gnu {
    name: Option<Vec<u8>>,
    major: u64,
    size: Option<u64>,
    /// Offset, length, offset, length.
    map: Vec<u64>,
}

impl Gnu {
    fn numbers<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> Result<(), ImageError> {
        for text in texts {
            self.map.push(text.parse().map_err(|_| broken("the map of a sparse file cannot be read"))?);
        }
        Ok(())
    }
}

/// The key and the value of the first record, and what follows it.
fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = data.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(data.get(..space)?).ok()?.parse().ok()?;
    let record = data.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((record.get(..equals)?, record.get(equals + 1..)?, data.get(length..)?))
}
