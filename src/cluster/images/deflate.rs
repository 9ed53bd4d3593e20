//! Packs and unpacks what is kept of images.
//!
//! The states of both are large. Each thread keeps its own: memory that is taken and given back between thousands of small records would
//! stay in pieces, several times as large as the records.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::cell::RefCell;

/// The most bytes, unpacked.
const UNPACKED: usize = 8 << 20;

thread_local! {
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(6), false));
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// The part of the input that was not read yet.
fn rest(bytes: &[u8], read: u64) -> &[u8] {
    usize::try_from(read).ok().and_then(|read| bytes.get(read..)).unwrap_or_default()
}

pub fn pack(bytes: &[u8]) -> Vec<u8> {
    COMPRESS.with_borrow_mut(|state| {
        state.reset();
        let mut packed = Vec::with_capacity(bytes.len() / 2 + 64);
        loop {
            match state.compress_vec(rest(bytes, state.total_in()), &mut packed, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return packed,
                Ok(Status::Ok | Status::BufError) => packed.reserve(packed.len() + 64),
                // Writing into memory does not fail.
                Err(_) => return Vec::new(),
            }
        }
    })
}

/// # Errors
/// These bytes were not packed here, or would be too many.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    DECOMPRESS.with_borrow_mut(|state| {
        state.reset(false);
        let mut bytes = Vec::with_capacity(packed.len().saturating_mul(4).clamp(64, UNPACKED));
        loop {
            let read = state.decompress_vec(rest(packed, state.total_in()), &mut bytes, FlushDecompress::None);
            let is_full = bytes.len() == bytes.capacity();
            match read.map_err(|error| format!("it cannot be unpacked: {error}"))? {
                Status::StreamEnd => return Ok(bytes),
                Status::Ok | Status::BufError if is_full && bytes.len() < UNPACKED => bytes.reserve(bytes.len()),
                Status::Ok | Status::BufError if is_full => {
                    return Err("it cannot be unpacked: it is too large".to_owned());
                }
                Status::Ok | Status::BufError => return Err("it cannot be unpacked: it was cut off".to_owned()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_nothing_else() {
        for size in [0, 1, 63, 64, 5_000, 300_000] {
            let text: Vec<u8> = (0..size).map(|at: u32| (at.wrapping_mul(at) >> 3).to_le_bytes()[0]).collect();
            let packed = pack(&text);
            assert_eq!(unpack(&packed).as_ref(), Ok(&text));
            if size > 0 {
                assert!(unpack(&packed[..packed.len() - 1]).is_err(), "{size}");
            }
        }
        assert!(unpack(b"").is_err() && unpack(b"garbage").is_err());
        let bomb = pack(&vec![0; UNPACKED * 3]);
        assert!(bomb.len() < 100_000 && unpack(&bomb).unwrap_err().contains("too large"));
    }
}
