//! Log lines on their way out: a bounded queue and one thread, so that no request waits for a slow reader.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// What may wait: some tenths of a second at full load.
const QUEUE: usize = 4096;
/// The thread gathers lines for this long, so that it is woken at most a hundred times a second.
const GATHER: Duration = Duration::from_millis(10);
/// One write to the outside.
const BATCH: usize = 64 * 1024;

enum Message {
    Line(String),
    /// Answered once everything before it has been written.
    Flush(SyncSender<()>),
}

/// Takes lines and never waits: what the reader is too slow for is counted and told.
#[derive(Clone, Debug)]
pub struct Lines {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl Lines {
    /// Starts the thread that writes to `out`. `tell_lost` makes the line about lines that were lost.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(out: impl Write + Send + 'static, tell_lost: fn(u64) -> String) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { out, lost: Arc::clone(&lost), told: 0, tell_lost, batch: Vec::new() };
        thread::Builder::new().name("log".to_owned()).stack_size(256 * 1024).spawn(move || writer.run(&messages))?;
        Ok(Self { queue, lost })
    }

    /// Queues one line with its newline.
    pub fn write(&self, line: String) {
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until what was queued has been written, at most for `patience`.
    pub fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let (done, written) = sync_channel(1);
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(message) {
            if Instant::now() >= until {
                return;
            }
            message = back;
            thread::sleep(GATHER);
        }
        let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

struct Writer<W> {
    out: W,
    lost: Arc<AtomicU64>,
    told: u64,
    tell_lost: fn(u64) -> String,
    batch: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn run(mut self, messages: &Receiver<Message>) {
        // Asleep while nothing happens; the first line of a burst wakes the thread, the others do not.
        while let Ok(first) = messages.recv() {
            let hurry = matches!(first, Message::Flush(_));
            self.take(first);
            if !hurry {
                thread::sleep(GATHER);
            }
            while let Ok(message) = messages.try_recv() {
                self.take(message);
            }
            self.tell_lost();
            self.write();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(line) => {
                self.batch.extend_from_slice(line.as_bytes());
                if self.batch.len() >= BATCH {
                    self.write();
                }
            }
            Message::Flush(done) => {
                self.tell_lost();
                self.write();
                let _ = done.send(());
            }
        }
    }

    fn tell_lost(&mut self) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.told {
            self.batch.extend_from_slice((self.tell_lost)(lost - self.told).as_bytes());
            self.told = lost;
        }
    }

    fn write(&mut self) {
        // On a full disk, say. The metric tells, and the log once it can be written again.
        if self.out.write_all(&self.batch).and_then(|()| self.out.flush()).is_err() {
            let lines = String::from_utf8_lossy(&self.batch).lines().count();
            self.lost.fetch_add(u64::try_from(lines).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.batch.clear();
        self.batch.shrink_to(BATCH * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Barrier, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader that does not read until it is told to.
    struct Stuck(Arc<Barrier>, Page, bool);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut self.2, true) {
                self.0.wait();
                self.0.wait();
            }
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tell(lost: u64) -> String {
        format!("lost {lost}\n")
    }

    #[test]
    fn lines_come_out_in_order() {
        let page = Page::default();
        let lines = Lines::new(page.clone(), tell).unwrap();
        let wanted: Vec<String> = (0..1000).map(|n| format!("line {n}\n")).collect();
        for line in &wanted {
            lines.write(line.clone());
        }
        lines.flush(Duration::from_secs(60));
        assert_eq!(String::from_utf8(page.0.lock().unwrap().clone()).unwrap(), wanted.concat());
    }

    #[test]
    fn lines_that_were_lost_are_told() {
        let (gate, page) = (Arc::new(Barrier::new(2)), Page::default());
        let lines = Lines::new(Stuck(Arc::clone(&gate), page.clone(), false), tell).unwrap();
        lines.write("first\n".to_owned());
        gate.wait();
        for _ in 0..QUEUE + 7 {
            lines.write("x\n".to_owned());
        }
        assert_eq!(lines.lost(), 7);
        gate.wait();
        lines.flush(Duration::from_secs(60));
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("first\nx\n") && text.ends_with("lost 7\n"), "{text}");
        assert_eq!(text.matches("x\n").count(), QUEUE);
    }
}
