//! The queue of log lines: a few bounded pages and one thread that writes them, so that no request waits for a slow reader.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Pages of queued lines. Threads begin at different pages, and take the next page rather than wait for one.
const PAGES: usize = 4;
/// Bytes that fit on a page. All pages together hold some tenths of a second at full load.
const PAGE_BYTES: usize = 256 * 1024;
/// How long the thread gathers lines, so that it is woken at most a hundred times a second.
const GATHER: Duration = Duration::from_millis(10);
/// Capacity that is kept for the next lines, in bytes.
const KEPT_CAPACITY: usize = 64 * 1024;

/// Takes lines and never waits. Lines that find no room are counted, and a line in the log says how many they were.
#[derive(Clone, Debug)]
pub struct Lines {
    queue: Arc<Queue>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Queue {
    pages: [Mutex<Vec<u8>>; PAGES],
    /// Set by the first line after the thread went to sleep. The lines after it need not wake the thread.
    woken: AtomicBool,
    lost: AtomicU64,
    /// Calls of [`Lines::flush`], and how many of them are done.
    flushes: AtomicU64,
    flushed: (Mutex<u64>, Condvar),
}

impl Lines {
    /// Starts the thread that writes to `out`. `lost_line` makes the line about lines that were lost.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn new(
        out: impl Write + Send + 'static,
        lost_line: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let lost_line = Box::new(lost_line);
        let writer = Writer { out, queue: Arc::clone(&queue), reported: 0, lost_line, page: Vec::new() };
        let thread =
            thread::Builder::new().name("log".to_owned()).stack_size(256 * 1024).spawn(move || writer.run())?;
        Ok(Self { queue, thread: thread.thread().clone() })
    }

    /// Queues one line, which ends with its newline.
    pub fn write(&self, line: &[u8]) {
        if !self.queue.put(line) {
            self.queue.lost.fetch_add(1, Ordering::Relaxed);
        }
        if !self.queue.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }

    /// How many lines were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.queue.lost.load(Ordering::Relaxed)
    }

    /// Waits until all lines that are queued now have been written, for at most `longest`.
    pub fn flush(&self, longest: Duration) {
        let own = self.queue.flushes.fetch_add(1, Ordering::AcqRel) + 1;
        self.queue.woken.store(true, Ordering::Release);
        self.thread.unpark();
        let until = Instant::now() + longest;
        let mut flushed = locked(&self.queue.flushed.0);
        while *flushed < own {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            flushed = self.queue.flushed.1.wait_timeout(flushed, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Queue {
    /// False if no page has room, or all pages are locked.
    fn put(&self, line: &[u8]) -> bool {
        let first = page_of_this_thread();
        (first..first + PAGES).any(|n| {
            // Never waits: a page is locked only while a line is copied or the page is swapped.
            let Some(Ok(mut page)) = self.pages.get(n % PAGES).map(Mutex::try_lock) else { return false };
            let fits = page.len() + line.len() <= PAGE_BYTES;
            if fits {
                page.extend_from_slice(line);
            }
            fits
        })
    }
}

fn page_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PAGE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % PAGES);
    }
    PAGE.get()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer<W> {
    out: W,
    queue: Arc<Queue>,
    /// Lost lines that the log has mentioned.
    reported: u64,
    lost_line: Box<dyn Fn(u64) -> String + Send>,
    /// The page that is being written; empty in between.
    page: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        loop {
            // The thread sleeps until the first line of a burst wakes it.
            while !self.queue.woken.load(Ordering::Acquire) {
                thread::park();
            }
            let until = Instant::now() + GATHER;
            while !self.is_hurried() && Instant::now() < until {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
            self.queue.woken.store(false, Ordering::Release);
            let flushes = self.queue.flushes.load(Ordering::Acquire);
            for n in 0..PAGES {
                self.take(n);
            }
            self.report_lost();
            *locked(&self.queue.flushed.0) = flushes;
            self.queue.flushed.1.notify_all();
        }
    }

    /// Whether a caller of [`Lines::flush`] waits.
    fn is_hurried(&self) -> bool {
        self.queue.flushes.load(Ordering::Acquire) > *locked(&self.queue.flushed.0)
    }

    /// Swaps an empty page in, and writes the full one.
    fn take(&mut self, n: usize) {
        let Some(page) = self.queue.pages.get(n) else { return };
        std::mem::swap(&mut *locked(page), &mut self.page);
        self.write();
    }

    fn report_lost(&mut self) {
        let lost = self.queue.lost.load(Ordering::Relaxed);
        if lost > self.reported {
            self.page.extend_from_slice((self.lost_line)(lost - self.reported).as_bytes());
            self.reported = lost;
            self.write();
        }
    }

    fn write(&mut self) {
        if self.page.is_empty() {
            return;
        }
        // It fails on a full disk, for example. The metric counts these lines, and the log names them once it can be written.
        if self.out.write_all(&self.page).and_then(|()| self.out.flush()).is_err() {
            let lines: u64 = self.page.iter().map(|byte| u64::from(*byte == b'\n')).sum();
            self.queue.lost.fetch_add(lines, Ordering::Relaxed);
        }
        self.page.clear();
        self.page.shrink_to(KEPT_CAPACITY);
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

    /// A reader that does not read before both sides have reached the barrier.
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

    fn lost_line(lost: u64) -> String {
        format!("lost {lost}\n")
    }

    #[test]
    fn lines_come_out_in_order() {
        let page = Page::default();
        let lines = Lines::new(page.clone(), lost_line).unwrap();
        let wanted: Vec<String> = (0..1000).map(|n| format!("line {n}\n")).collect();
        for line in &wanted {
            lines.write(line.as_bytes());
        }
        lines.flush(Duration::from_secs(60));
        assert_eq!(String::from_utf8(page.0.lock().unwrap().clone()).unwrap(), wanted.concat());
    }

    #[test]
    fn lost_lines_are_counted_in_the_log() {
        let (gate, page) = (Arc::new(Barrier::new(2)), Page::default());
        let lines = Lines::new(Stuck(Arc::clone(&gate), page.clone(), false), lost_line).unwrap();
        lines.write(b"first\n");
        gate.wait();
        let full = PAGE_BYTES * PAGES / 2;
        for _ in 0..full + 7 {
            lines.write(b"x\n");
        }
        assert_eq!(lines.lost(), 7);
        gate.wait();
        lines.flush(Duration::from_secs(60));
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("first\nx\n"));
        assert_eq!(text.matches("lost 7\n").count(), 1);
        assert_eq!(text.matches("x\n").count(), full);
    }
}
