//! Log lines on their way out: a few bounded pages and one thread, so that no request waits for a slow reader.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Lines that wait. Writers of lines begin at different pages, and go on to the next one rather than wait.
const PAGES: usize = 4;
/// Bytes that fit on a page: all together some tenths of a second at full load.
const ROOM: usize = 256 * 1024;
/// The thread gathers lines for this long, so that it is woken at most a hundred times a second.
const GATHER: Duration = Duration::from_millis(10);
/// So much of a page is kept for the next lines.
const KEPT: usize = 64 * 1024;

/// Takes lines and never waits: what the reader is too slow for is counted and told.
#[derive(Clone, Debug)]
pub struct Lines {
    waiting: Arc<Waiting>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Waiting {
    pages: [Mutex<Vec<u8>>; PAGES],
    /// Set by the first line that the thread does not know of; the others need not wake it.
    called: AtomicBool,
    lost: AtomicU64,
    /// How many have asked that everything be written, and how many of them have been served.
    asked: AtomicU64,
    served: (Mutex<u64>, Condvar),
}

impl Lines {
    /// Starts the thread that writes to `out`. `tell_lost` makes the line about lines that were lost.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(out: impl Write + Send + 'static, tell_lost: fn(u64) -> String) -> io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let writer = Writer { out, waiting: Arc::clone(&waiting), told: 0, tell_lost, page: Vec::new() };
        let thread =
            thread::Builder::new().name("log".to_owned()).stack_size(256 * 1024).spawn(move || writer.run())?;
        Ok(Self { waiting, thread: thread.thread().clone() })
    }

    /// Takes one line with its newline.
    pub fn write(&self, line: &[u8]) {
        if !self.waiting.put(line) {
            self.waiting.lost.fetch_add(1, Ordering::Relaxed);
        }
        if !self.waiting.called.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }

    /// How many lines were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.waiting.lost.load(Ordering::Relaxed)
    }

    /// Waits until what was there has been written, at most for `patience`.
    pub fn flush(&self, patience: Duration) {
        let turn = self.waiting.asked.fetch_add(1, Ordering::AcqRel) + 1;
        self.waiting.called.store(true, Ordering::Release);
        self.thread.unpark();
        let until = Instant::now() + patience;
        let mut served = held(&self.waiting.served.0);
        while *served < turn {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            served = self.waiting.served.1.wait_timeout(served, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Waiting {
    /// Whether there was room on a page that nobody holds.
    fn put(&self, line: &[u8]) -> bool {
        let first = page_of_this_thread();
        (first..first + PAGES).any(|n| {
            // Never waits: who holds it only copies a line, or takes the page away.
            let Some(Ok(mut page)) = self.pages.get(n % PAGES).map(Mutex::try_lock) else { return false };
            let fits = page.len() + line.len() <= ROOM;
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

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer<W> {
    out: W,
    waiting: Arc<Waiting>,
    told: u64,
    tell_lost: fn(u64) -> String,
    /// The page that is being written; empty in between.
    page: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        loop {
            // Asleep while nothing happens; the first line of a burst wakes the thread, the others do not.
            while !self.waiting.called.load(Ordering::Acquire) {
                thread::park();
            }
            let until = Instant::now() + GATHER;
            while !self.is_hurried() && Instant::now() < until {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
            self.waiting.called.store(false, Ordering::Release);
            let turn = self.waiting.asked.load(Ordering::Acquire);
            for n in 0..PAGES {
                self.take(n);
            }
            self.tell_lost();
            *held(&self.waiting.served.0) = turn;
            self.waiting.served.1.notify_all();
        }
    }

    /// Whether somebody waits for it.
    fn is_hurried(&self) -> bool {
        self.waiting.asked.load(Ordering::Acquire) > *held(&self.waiting.served.0)
    }

    /// Swaps an empty page for what is there, and writes that.
    fn take(&mut self, n: usize) {
        let Some(page) = self.waiting.pages.get(n) else { return };
        std::mem::swap(&mut *held(page), &mut self.page);
        self.write();
    }

    fn tell_lost(&mut self) {
        let lost = self.waiting.lost.load(Ordering::Relaxed);
        if lost > self.told {
            self.page.extend_from_slice((self.tell_lost)(lost - self.told).as_bytes());
            self.told = lost;
            self.write();
        }
    }

    fn write(&mut self) {
        if self.page.is_empty() {
            return;
        }
        // On a full disk, say. The metric tells, and the log once it can be written again.
        if self.out.write_all(&self.page).and_then(|()| self.out.flush()).is_err() {
            let lines: u64 = self.page.iter().map(|byte| u64::from(*byte == b'\n')).sum();
            self.waiting.lost.fetch_add(lines, Ordering::Relaxed);
        }
        self.page.clear();
        self.page.shrink_to(KEPT);
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
            lines.write(line.as_bytes());
        }
        lines.flush(Duration::from_secs(60));
        assert_eq!(String::from_utf8(page.0.lock().unwrap().clone()).unwrap(), wanted.concat());
    }

    #[test]
    fn lines_that_were_lost_are_told() {
        let (gate, page) = (Arc::new(Barrier::new(2)), Page::default());
        let lines = Lines::new(Stuck(Arc::clone(&gate), page.clone(), false), tell).unwrap();
        lines.write(b"first\n");
        gate.wait();
        let full = ROOM * PAGES / 2;
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
