//! The end of the queue: it frames messages and sends them, and goes on where it stopped when a connection ends.

use super::address::Address;
use super::connection::{ConnectError, Connection, Tls};
use crate::observe::LogOnce;
use crate::text::{clean, with_causes};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Bytes that are sent at one time: a record of TLS. What an ended connection may have lost or doubled is one of these.
const CHUNK: usize = 16 * 1024;
/// The first and the longest wait between two tries.
const WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(15));

/// Writes queued messages to the receiver, one a line.
pub struct Sender {
    to: Address,
    tls: Tls,
    connection: Option<Connection>,
    failing: Arc<AtomicBool>,
    log: LogOnce,
    chunk: Vec<u8>,
}

impl Sender {
    pub fn new(to: Address, tls: Tls, failing: Arc<AtomicBool>) -> Self {
        Self { to, tls, connection: None, failing, log: LogOnce::default(), chunk: Vec::new() }
    }

    /// Sends the chunk until a receiver has taken it. It waits as long as that takes: meanwhile the queue fills.
    fn send(&mut self) {
        let mut wait = WAIT.0;
        while let Err(error) = self.try_send() {
            self.connection = None;
            self.failing.store(true, Ordering::Relaxed);
            let error = clean(&with_causes(&error), 500);
            if self.log.failed(&error) {
                tracing::warn!(error, "syslog: decisions cannot be sent; they wait, and are sent again");
            }
            thread::sleep(wait);
            wait = (wait * 2).min(WAIT.1);
        }
        self.failing.store(false, Ordering::Relaxed);
        if self.log.recovered() {
            tracing::info!(receiver = %self.to, "syslog: decisions are sent again");
        }
        self.chunk.clear();
    }

    fn try_send(&mut self) -> Result<(), ConnectError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // The files are read again, because certificates are renewed.
            None => Connection::open(&self.to, self.tls.config()?)?,
        };
        connection.send(&self.chunk).map_err(|error| ConnectError::Ended { to: self.to.clone(), error })?;
        self.connection = Some(connection);
        Ok(())
    }
}

impl Write for Sender {
    /// Takes whole lines.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if !self.chunk.is_empty() && self.chunk.len() + line.len() > CHUNK {
                self.send();
            }
            frame(&mut self.chunk, line);
        }
        if !self.chunk.is_empty() {
            self.send();
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RFC 5425: the length of the message, a blank, the message.
fn frame(out: &mut Vec<u8>, message: &[u8]) {
    out.extend_from_slice(message.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_begins_with_the_length_in_bytes() {
        let mut out = Vec::new();
        frame(&mut out, "<132>1 é".as_bytes());
        frame(&mut out, b"x");
        assert_eq!(out, "9 <132>1 é1 x".as_bytes());
    }
}
