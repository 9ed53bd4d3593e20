//! gzip, zstd, or no compression, by the first bytes: media types are often wrong.

use crate::image::{ImageError, limits};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError, ReadFrameHeaderError};
use std::io::{BufRead, Error, Read};

/// How something is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
    /// One that no container runtime reads, by its program.
    Other(&'static str),
}

impl Compression {
    /// By the first bytes.
    #[must_use]
    pub const fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one to pass over, with which some writers begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', ..] => Self::Other("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Self::Other("xz"),
            _ => Self::None,
        }
    }
}

/// The archive in a stored layer.
///
/// # Errors
/// The reader fails.
pub fn decompress<'r>(mut stored: impl BufRead + 'r) -> Result<Box<dyn Read + 'r>, ImageError> {
    let first = stored.fill_buf().map_err(|error| ImageError::read("the layer", error))?;
    Ok(match Compression::of(first) {
        Compression::Gzip => Box::new(MultiGzDecoder::new(stored)),
        Compression::Zstd => Box::new(Zstd::new(stored)),
        Compression::Other(program) => {
            let why = format!("it is compressed by {program}, which container runtimes do not read");
            return Err(ImageError::Unsupported { what: "the layer".to_owned(), why });
        }
        Compression::None => Box::new(stored),
    })
}

/// Any number of frames.
struct Zstd<R> {
    stored: R,
    decoder: FrameDecoder,
    is_within: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(stored: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(limits::ZSTD_WINDOW);
        Self { stored, decoder, is_within: false }
    }

    /// Begins the next frame. False at the end.
    fn begin(&mut self) -> Result<bool, Error> {
        while !self.stored.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.stored) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    std::io::copy(&mut (&mut self.stored).take(length.into()), &mut std::io::sink())?;
                }
                Err(
                    FrameDecoderError::WindowSizeTooBig { .. }
                    | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. })
                    | FrameDecoderError::FailedToInitialize(FrameHeaderError::WindowTooBig { .. }),
                ) => {
                    let limit = format!("{} MiB", limits::ZSTD_WINDOW >> 20);
                    return Err(ImageError::too_large("the window of the layer's compression by zstd", limit).into());
                }
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(false)
    }
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    ImageError::malformed("the layer", format!("its compression by zstd is broken: {error}")).into()
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBlocks;
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_within {
                self.is_within = self.begin()?;
                if !self.is_within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder.decode_blocks(&mut self.stored, UptoBlocks(1)).map_err(|error| broken(&error))?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.is_within = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_window_of_zstd_is_a_limit_and_no_damage() {
        // A frame without the size of its content, and a window of 2 GiB; one of 1 KiB with a block that is broken.
        let error = |frame: &[u8]| {
            let mut reader = decompress(frame).unwrap();
            ImageError::read("the layer", reader.read(&mut [0; 8]).unwrap_err()).to_string()
        };
        let large = error(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00]);
        assert_eq!(large, "the window of the layer's compression by zstd is over the limit of 64 MiB");
        assert!(error(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x07, 0x00, 0x00]).contains("is broken"));
    }
}
