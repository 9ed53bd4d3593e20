//! The bytes of a body, compared with their digest at the end.

use super::error::RegistryError;
use super::limits::Limits;
use crate::image::{Digest, Hasher};
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::time::{Duration, Instant};

/// A body that arrives. What was read counts only after [`Blob::next`] returned `None`.
pub struct Blob {
    body: Incoming,
    /// `None` once the end was compared.
    hasher: Option<Hasher>,
    expected: Digest,
    left: u64,
    limit: u64,
    idle: Duration,
    pace: Pace,
    host: String,
    what: String,
}

impl Blob {
    pub(super) fn new(
        body: Incoming,
        expected: Digest,
        limit: u64,
        limits: &Limits,
        host: String,
        what: String,
    ) -> Self {
        let (idle, pace) = (limits.idle, Pace::new(limits));
        Self { body, hasher: Some(expected.hasher()), expected, left: limit, limit, idle, pace, host, what }
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When the connection ends early or falls silent, when there is more than allowed, or when the digest is another one.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let Some(hasher) = self.hasher.as_mut() else { return Ok(None) };
            let start = Instant::now();
            let arrived = tokio::time::timeout(self.idle, self.body.frame()).await;
            let waited = start.elapsed();
            let frame = match arrived {
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
            if !self.pace.keeps_up(waited, length) {
                return Err(RegistryError::TooSlow { host: self.host.clone(), what: self.what.clone() });
            }
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
    pub fn blocking(self, runtime: tokio::runtime::Handle) -> impl io::Read {
        self.read_by(move |blob| runtime.block_on(blob.next()).map_err(io::Error::other))
    }

    /// The same, where the caller waits for each part in a way of its own.
    #[must_use]
    pub fn read_by<F: FnMut(&mut Self) -> io::Result<Option<Bytes>>>(self, next: F) -> impl io::Read {
        BlockingBlob { blob: self, part: Bytes::new(), next }
    }
}

/// How fast a body arrives. The time of the reader itself does not count.
struct Pace {
    window: Duration,
    least: u64,
    waited: Duration,
    came: u64,
}

impl Pace {
    const fn new(limits: &Limits) -> Self {
        Self { window: limits.window, least: limits.least, waited: Duration::ZERO, came: 0 }
    }

    /// Whether it is fast enough, after so many bytes came in this time.
    fn keeps_up(&mut self, waited: Duration, came: u64) -> bool {
        self.waited += waited;
        self.came = self.came.saturating_add(came);
        if self.waited < self.window {
            return true;
        }
        let is_enough = self.came >= self.least;
        (self.waited, self.came) = (Duration::ZERO, 0);
        is_enough
    }
}

/// A [`Blob`] as [`io::Read`]. A [`RegistryError`] is inside the [`io::Error`].
struct BlockingBlob<F> {
    blob: Blob,
    part: Bytes,
    next: F,
}

impl<F: FnMut(&mut Blob) -> io::Result<Option<Bytes>>> io::Read for BlockingBlob<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            match (self.next)(&mut self.blob)? {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
        let length = self.part.len().min(buffer.len());
        if let Some(buffer) = buffer.get_mut(..length) {
            self.part.copy_to_slice(buffer);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_must_bring_something() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(&Limits { window: 4 * second, least: 100, ..Limits::default() });
        let mut keeps_up = |came: u64| (0..4).all(|_| pace.keeps_up(second, came));
        // What came before does not help.
        assert!(keeps_up(1 << 30) && keeps_up(25) && !keeps_up(24) && keeps_up(25));
    }
}
