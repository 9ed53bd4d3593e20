//! The last lines of a report: the commands that show the repair.

use crate::outcome::Verdict;
use crate::report::CheckResults;
use crate::text::clean;

/// The most files that a command names.
const NAMED: usize = 3;
/// Whether it can be read again. The pipes of `<(...)` have their names below these folders.
fn is_file(name: &str) -> bool {
    name != "-" && !["/dev/", "/proc/"].iter().any(|folder| name.starts_with(folder))
}

/// The files with an object that is denied and has an edit.
#[derive(Debug, Default)]
pub struct FilesWithEdits {
    named: Vec<String>,
    others: usize,
    /// Something that is denied has no edit that a command can show.
    without: bool,
}

impl FilesWithEdits {
    pub fn add(&mut self, results: &CheckResults) {
        let denied = || results.objects.iter().filter(|object| object.verdict == Verdict::Deny);
        let Some(edited) = denied().find(|object| !object.patch.is_empty() && is_file(&object.file)) else {
            self.without |= denied().next().is_some();
            return;
        };
        self.without |= denied().any(|object| object.patch.is_empty());
        if self.named.contains(&edited.file) {
            return;
        }
        if self.named.len() < NAMED { self.named.push(edited.file.clone()) } else { self.others += 1 }
    }

    /// `podreeve explain -f FILE` where there is an edit of the reader's own object, and `podreeve explain RULE` where there is none.
    pub fn hints(&self, explain: Option<&str>, rules: &[&str]) -> Vec<String> {
        let mut hints = Vec::new();
        if let Some(explain) = explain.filter(|_| !self.named.is_empty()) {
            let files: Vec<String> = self.named.iter().map(|file| format!(" -f {}", quoted(file))).collect();
            let others = if self.others > 0 { format!(" (and {} more)", self.others) } else { String::new() };
            hints.push(format!("To see the edit: {explain}{}{others}", files.concat()));
        }
        if self.without && !rules.is_empty() {
            hints.push(format!("To see the repair: podreeve explain {}", rules.join(" ")));
        }
        hints
    }
}

/// A word of a command, in quotes where a shell would split it or read it otherwise.
#[must_use]
pub fn quoted(word: &str) -> String {
    let word = clean(word, 4096);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '=' | ',' | ':' | '@');
    if !word.is_empty() && word.chars().all(is_plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
