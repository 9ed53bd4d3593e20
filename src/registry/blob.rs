//! The bytes of a body, compared with their digest at the end.

use super::error::RegistryError;
use crate::image::{Digest, Hasher};
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::time::Duration;

/// A body that arrives. What was read counts only after [`Blob::next`] returned `None`.
pub struct Blob {
    body: Incoming,
    /// `None` once the end was compared.
    hasher: Option<Hasher>,
    expected: Digest,
    left: u64,
    limit: u64,
    idle: Duration,
    host: String,
    what: String,
}

impl Blob {
    pub(super) fn new(
        body: Incoming,
        expected: Digest,
        limit: u64,
        idle: Duration,
        host: String,
        what: String,
    ) -> Self {
        Self { body, hasher: Some(expected.hasher()), expected, left: limit, limit, idle, host, what }
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When the connection ends early or falls silent, when there is more than allowed, or when the digest is another one.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let Some(hasher) = self.hasher.as_mut() else { return Ok(None) };
            let frame = match tokio::time::timeout(self.idle, self.body.frame()).await {
                Err(_) => return Err(RegistryError::TimedOut { host: self.host.clone(), limit: self.idle }),
                Ok(None) => return self.end(),
                Ok(Some(Err(error))) => {
                    // Some servers close the connection without a word where nothing says how long a body is. If the
                    // digest is right, nothing is missing.
                    if hasher.so_far() == self.expected {
                        return self.end();
                    }
                    let cause = crate::text::with_causes(&error);
                    return Err(RegistryError::Interrupted { host: self.host.clone(), what: self.what.clone(), cause });
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let length = data.len() as u64;
            if length > self.left {
                return Err(RegistryError::TooBig { what: self.what.clone(), limit: self.limit });
            }
            self.left -= length;
            hasher.update(&data);
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    fn end(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let Some(found) = self.hasher.take().map(Hasher::finish) else { return Ok(None) };
        if found == self.expected {
            return Ok(None);
        }
        Err(RegistryError::WrongDigest { host: self.host.clone(), expected: self.expected.clone(), found })
    }

    /// All bytes.
    ///
    /// # Errors
    /// As [`Blob::next`].
    pub async fn read_all(mut self) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        while let Some(part) = self.next().await? {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }

    /// For readers that block, such as those of archives. Use it on a thread that may block.
    #[must_use]
    pub fn blocking(self, runtime: tokio::runtime::Handle) -> BlockingBlob {
        BlockingBlob { blob: self, part: Bytes::new(), runtime }
    }
}

/// A [`Blob`] as [`io::Read`]. A [`RegistryError`] is inside the [`io::Error`].
pub struct BlockingBlob {
    blob: Blob,
    part: Bytes,
    runtime: tokio::runtime::Handle,
}

impl io::Read for BlockingBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            match self.runtime.block_on(self.blob.next()) {
                Ok(Some(part)) => self.part = part,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let length = self.part.len().min(buffer.len());
        if let Some(buffer) = buffer.get_mut(..length) {
            self.part.copy_to_slice(buffer);
        }
        Ok(length)
    }
}
