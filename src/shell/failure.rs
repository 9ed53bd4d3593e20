//! What the failure of a command does to the script that it is in.

use super::program::{SHELLS, name};
use super::{Command, Script};

/// What follows from the failure of a command. Of two that hold at once, the greater one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The commands behind it do not run, or the script ends with it.
    #[default]
    Counts,
    /// The commands of its list do not run, and those behind the list do: `a && b; c`.
    Guards,
    /// Those behind it run: `a; b`, without `set -e`.
    PassedOver,
    /// The command that reads its output decides: `a | tee log`, without `pipefail`.
    Piped,
    /// `$(a || echo bad)`: what is printed may say that it failed.
    Printed,
    /// `a || true`.
    Ignored,
}

/// Options of a shell that decide about failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// `-e`: the script ends at a command that fails.
    pub ends_at_failures: bool,
    /// `-o pipefail`: a pipe fails with each of its commands.
    pub pipefail: bool,
}

impl Options {
    /// Those that the words behind the name of a shell, or behind `set`, change.
    #[must_use]
    pub fn with<'w>(mut self, words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix(['-', '+']).filter(|letters| !matches!(*letters, "" | "-")) else {
                break;
            };
            if letters.starts_with('-') {
                if matches!(word, "--init-file" | "--rcfile") {
                    words.next();
                }
                continue;
            }
            let is_on = word.starts_with('-');
            if letters.contains('e') {
                self.ends_at_failures = is_on;
            }
            if letters.contains('O') {
                words.next();
            }
            if letters.contains('o') {
                match words.next() {
                    Some("errexit") => self.ends_at_failures = is_on,
                    Some("pipefail") => self.pipefail = is_on,
                    _ => {}
                }
            }
        }
        self
    }

    /// Those of the first line of a file: `#!/bin/sh -e`.
    pub(super) fn of_file(text: &str) -> Self {
        let line = text.strip_prefix("#!").and_then(|rest| rest.lines().next()).unwrap_or_default();
        Self::of_command(line.split_whitespace()).unwrap_or_default()
    }

    /// Those of the shell that these words start: `env -S bash -e`. None if they start no shell.
    pub fn of_command<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut words = words.into_iter();
        words.find(|word| SHELLS.contains(&name(word).as_str()))?;
        Some(Self::default().with(words))
    }
}

impl Script {
    /// The script as a shell with these options runs it.
    #[must_use]
    pub fn run_with(mut self, options: Options) -> Self {
        for Command { failure, .. } in &mut self.commands {
            if matches!(
                (*failure, options.ends_at_failures, options.pipefail),
                (Failure::PassedOver, true, _) | (Failure::Piped, _, true)
            ) {
                *failure = Failure::Counts;
            }
        }
        self
    }
}
