//! The header block of an entry.

use crate::image::ImageError;

pub const BLOCK: usize = 512;

/// 512 bytes.
#[derive(Debug, Clone)]
pub struct Block([u8; BLOCK]);

impl Default for Block {
    fn default() -> Self {
        Self([0; BLOCK])
    }
}

pub fn broken(why: &str) -> ImageError {
    ImageError::malformed("the archive", why)
}

impl Block {
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub fn field(&self, from: usize, length: usize) -> &[u8] {
        self.0.get(from..from + length).unwrap_or_default()
    }

    pub fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Compares the checksum. Some writers added signed bytes.
    pub fn verify(&self) -> Result<(), ImageError> {
        let wanted = number(self.field(148, 8))?;
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (at, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&at) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        let wanted = i64::try_from(wanted).unwrap_or(-1);
        if wanted == unsigned || wanted == signed { Ok(()) } else { Err(broken("a header has a wrong checksum")) }
    }

    pub fn type_flag(&self) -> u8 {
        self.byte(156)
    }

    pub fn mode(&self) -> u32 {
        number(self.field(100, 8)).ok().and_then(|mode| u32::try_from(mode).ok()).unwrap_or_default()
    }

    pub fn size(&self) -> Result<u64, ImageError> {
        number(self.field(124, 12))
    }

    pub fn path(&self) -> Vec<u8> {
        let name = text(self.field(0, 100));
        // GNU's header has other fields where ustar has the prefix.
        let is_ustar = self.field(257, 6) == b"ustar\0";
        let prefix = if is_ustar { text(self.field(345, 155)) } else { &[] };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub fn link(&self) -> Vec<u8> {
        text(self.field(157, 100)).to_vec()
    }
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in octal digits, or in binary where the first bit is set.
pub fn number(field: &[u8]) -> Result<u64, ImageError> {
    let wrong = || broken("a header has a number that cannot be read");
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let negative = field.first().is_some_and(|first| first & 0x40 != 0);
        let mut value = 0_u64;
        for (at, byte) in field.iter().enumerate() {
            let byte = if at == 0 { byte & 0x3f } else { *byte };
            value = value.checked_mul(256).and_then(|value| value.checked_add(byte.into())).ok_or_else(wrong)?;
        }
        return if negative { Err(wrong()) } else { Ok(value) };
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => {
            value.checked_mul(8).and_then(|value| value.checked_add((digit - b'0').into())).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    })
}
