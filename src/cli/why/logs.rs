//! Reads logs line by line, and keeps the decisions that are wanted.

use super::report::ReadReport;
use super::wanted::Wanted;
use crate::cli::exit::Failure;
use crate::observe::decisions::read::{LogLine, read};
use crate::observe::decisions::record::DecisionLine;
use crate::text::clean;
use jiff::Timestamp;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Prints the logs of all replicas.
pub const COMMAND: &str =
    "kubectl logs -n podreeve -l app.kubernetes.io/component=webhook --tail=-1 --prefix --ignore-errors";
/// The longest line that is read; the rest of a longer one is skipped.
const LINE_MAX: u64 = 1 << 20;
/// How many decisions are kept: the newest.
const KEPT: usize = 200;

/// A decision, and the place of its line.
#[derive(Debug)]
pub struct Found {
    /// `stdin:17`, `podreeve.log:17`.
    pub place: String,
    pub line: DecisionLine,
}

/// What is found so far.
pub struct Logs<'w> {
    wanted: &'w Wanted,
    /// Decisions that are found already: a log may be given twice.
    known: HashSet<(String, Timestamp)>,
    /// An unreadable line has the wanted id.
    unreadable_has_it: Option<String>,
    seen: Seen,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Seen {
    pub read: ReadReport,
    /// The oldest first.
    pub found: Vec<Found>,
    /// A decision that is wanted and cannot be read.
    unreadable: Option<String>,
}

impl<'w> Logs<'w> {
    #[must_use]
    pub fn new(wanted: &'w Wanted) -> Self {
        Self { wanted, known: HashSet::new(), unreadable_has_it: None, seen: Seen::default() }
    }

    /// Reads a file, or stdin for `-`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&mut self, name: &str) -> Result<(), Failure> {
        let failed = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::input(format!("{name}: there is no such file")),
            _ => Failure::input(format!("{name}: cannot be read: {error}")),
        };
        if name == "-" {
            return self.lines("stdin", io::stdin().lock()).map_err(|error| failed(&error));
        }
        let file = File::open(name).map_err(|error| failed(&error))?;
        self.lines(name, BufReader::new(file)).map_err(|error| failed(&error))
    }

    fn lines(&mut self, name: &str, mut from: impl BufRead) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut number = 0;
        loop {
            bytes.clear();
            if from.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(());
            }
            number += 1;
            if !bytes.ends_with(b"\n") {
                from.skip_until(b'\n')?;
            }
            self.line(name, number, &String::from_utf8_lossy(&bytes));
        }
    }

    fn line(&mut self, name: &str, number: usize, text: &str) {
        let place = || format!("{}:{number}", clean(name, 4096));
        let count = &mut self.seen.read;
        count.lines += 1;
        match read(text) {
            LogLine::Other => {}
            LogLine::Unreadable => {
                count.unreadable += 1;
                if let Wanted::Id(id) = self.wanted
                    && text.to_ascii_lowercase().contains(id)
                {
                    self.unreadable_has_it.get_or_insert_with(place);
                }
            }
            LogLine::Decision(line) => {
                count.add(line.timestamp);
                if self.wanted.is(&line) && self.known.insert((line.uid.clone(), line.timestamp)) {
                    count.matching += 1;
                    self.seen.found.push(Found { place: place(), line: *line });
                    if self.seen.found.len() > 2 * KEPT {
                        self.seen.keep_newest();
                    }
                }
            }
        }
    }

    #[must_use]
    pub fn finish(mut self) -> Seen {
        self.seen.keep_newest();
        self.seen.unreadable = self.unreadable_has_it;
        self.seen
    }
}

impl Seen {
    fn keep_newest(&mut self) {
        self.found.sort_by_key(|found| found.line.timestamp);
        let old = self.found.len().saturating_sub(KEPT);
        self.found.drain(..old);
    }

    /// Why nothing was found, and what to do.
    #[must_use]
    pub fn missing(&self, wanted: &Wanted) -> String {
        let ReadReport { lines, decisions, unreadable, .. } = self.read;
        if let Some(place) = &self.unreadable {
            return format!(
                "{place}: the line of decision {wanted} is cut off, or a newer podreeve wrote it; \
                 read it from the replica itself: {COMMAND} | podreeve why {wanted}"
            );
        }
        let Some((first, last)) = self.read.first.zip(self.read.last) else {
            return format!(
                "there is no decision of podreeve among {lines} line{s}{unreadable}; decisions are lines with \
                 \"podreeve::decision\", which `serve --log-level info` or a finer level writes; read the log \
                 from the replicas: {COMMAND} | podreeve why {wanted}",
                s = if lines == 1 { "" } else { "s" },
                unreadable = if unreadable == 0 { String::new() } else { format!(" ({unreadable} of them cut off)") },
            );
        };
        let what = match wanted {
            Wanted::Id(id) => format!("no decision has the id {}", clean(id, 60)),
            Wanted::Object { .. } => format!("no decision is about {}", clean(&wanted.to_string(), 400)),
        };
        let s = if decisions == 1 { "" } else { "s" };
        format!(
            "{what}: {decisions} decision{s} read, from {first} to {last}; \
             it may be in the log of another replica, or in an older one (kubectl logs --previous, or the log collector): \
             {COMMAND} | podreeve why {wanted}"
        )
    }
}
