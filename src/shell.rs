//! Shell scripts as commands: their words, what they read from pipes, and the scripts inside them. It is no shell: it does not see
//! what a script computes while it runs.
//!
//! Reading takes linear time for each level of scripts in scripts, and there are few levels.

mod arguments;
mod cursor;
mod failure;
mod functions;
mod heredoc;
mod lexer;
mod listed;
pub mod powershell;
mod program;
#[cfg(test)]
mod tests;
pub mod wrappers;

pub use failure::{Failure, Options};
pub use program::{Call, SHELLS, calls, calls_and_settings, calls_in_order, calls_of, name as program_name};

use std::ops::Range;
use std::sync::OnceLock;

/// How many commands of a chain of pipes are looked at.
const MAX_SOURCES: usize = 64;

/// How many commands of one group in such a chain are looked at.
pub const MAX_GROUP: usize = 256;

/// How deep scripts in scripts are read. Each level costs as much as its text.
const MAX_DEPTH: usize = 6;

/// A script.
#[derive(Debug, Default, Clone)]
pub struct Script {
    pub commands: Vec<Command>,
    pub functions: Vec<Function>,
}

/// A function of a script.
#[derive(Debug, Clone)]
pub struct Function {
    pub name: String,
    /// The commands of the script that it runs.
    pub commands: Range<usize>,
    /// Those of them whose failure is that of the function.
    pub last: Vec<usize>,
}

/// A command, without the words of the shell itself that group commands.
#[derive(Debug, Default, Clone)]
pub struct Command {
    pub words: Vec<Word>,
    /// The commands of the script whose output it reads from a pipe.
    pub reads: Range<usize>,
    /// The here-document that it reads.
    pub input: Option<Piece>,
    /// What follows from its failure.
    pub failure: Failure,
    /// Whether what [`Failure::Guards`] said counts no more from here on.
    pub begins_list: bool,
    /// How many parentheses it is in, and which ones: in each a shell of its own runs.
    pub within: (usize, usize),
    /// Whether it may download something, once a rule has looked: many commands may read from the same one.
    pub may_load: OnceLock<bool>,
    /// Whether its output goes to a file, so that no group around it prints it.
    pub is_kept: bool,
    /// Files that it reads or writes: the operator and the name.
    pub redirections: Vec<(String, Word)>,
}

/// A word, without quotes.
#[derive(Debug, Default, Clone)]
pub struct Word {
    /// `$(...)` is `$()`, and `<(...)` is `<()`.
    pub text: String,
    /// Bytes of the outermost script.
    pub span: Range<usize>,
    /// Where the text begins, if it stands there as it is.
    pub start: Option<usize>,
    /// The parts that stand there as they are, if not the whole from the beginning of the word on: where each begins in the text, and in the
    /// outermost script.
    pub parts: Vec<(usize, usize)>,
    /// The scripts whose output is a part of the word.
    pub inner: Vec<Script>,
}

impl Word {
    /// A word that is written in the place of another one.
    fn instead(text: String, of: &Self) -> Self {
        Self { text, span: of.span.clone(), ..Self::default() }
    }

    /// Where a part of the text is in the outermost script. Of a text that another one was made of, only the whole has a place.
    fn part(&self, part: &Range<usize>) -> Range<usize> {
        if self.parts.is_empty() {
            return self.span.clone();
        }
        self.offset(part.start)..self.offset(part.end.saturating_sub(1).max(part.start)) + 1
    }

    /// The same word, with its places in the script that `outer` is in.
    fn below(&self, outer: Option<&Self>) -> Self {
        let Some(outer) = outer else {
            return Self { span: self.span.clone(), parts: self.parts.clone(), ..Self::default() };
        };
        let mut parts = Vec::new();
        let first = (0, self.span.start);
        let mut own = std::iter::once(&first).chain(&self.parts).peekable();
        while let Some((begin, start)) = own.next().filter(|_| !outer.parts.is_empty()) {
            let end = start + own.peek().map_or(self.text.len(), |(next, _)| *next) - begin;
            parts.push((*begin, outer.offset(*start)));
            let first = outer.parts.partition_point(|(at, _)| at <= start);
            let within = outer.parts.get(first..).unwrap_or_default().iter().take_while(|(at, _)| *at < end);
            parts.extend(within.map(|(at, place)| (begin + at - start, *place)));
        }
        Self { span: outer.part(&self.span), parts, ..Self::default() }
    }

    /// Where a place of the text is in the outermost script.
    fn offset(&self, at: usize) -> usize {
        let before = self.parts.partition_point(|(begin, _)| *begin <= at).checked_sub(1);
        let (begin, start) = before.and_then(|part| self.parts.get(part)).map_or((0, self.span.start), |part| *part);
        (start + at.saturating_sub(begin)).min(self.span.end)
    }
}

/// A part of a script.
#[derive(Debug, Clone)]
pub struct Piece {
    pub text: String,
    /// Where it begins in the outermost script.
    pub start: usize,
}

/// Whether a file with this text is a script of such a shell.
#[must_use]
pub fn is_for_shell(text: &str) -> bool {
    let first = text.strip_prefix("#!").map(|rest| rest.lines().next().unwrap_or_default());
    first.is_none_or(|line| line.split(['/', ' ']).any(|word| SHELLS.contains(&word)))
}

impl Script {
    /// Reads a script of sh or bash.
    #[must_use]
    pub fn new(text: &str) -> Self {
        lexer::read(text, 0, 0)
    }

    /// The commands of a group, the last ones if they are many. What a group within it wrote to a file is no output of its own.
    fn members(&self, range: &Range<usize>) -> Vec<&Command> {
        let (mut members, mut end) = (Vec::new(), range.end);
        while end > range.start && members.len() < MAX_GROUP {
            let Some(command) = self.commands.get(end - 1) else { break };
            members.push(command);
            end -= 1;
            if command.is_kept && !command.reads.is_empty() {
                end = command.reads.start.clamp(range.start, end);
            }
        }
        members.reverse();
        members
    }

    /// The commands that the command reads from, through all pipes before it.
    #[must_use]
    pub fn sources(&self, command: &Command) -> Vec<&Command> {
        let mut sources = Vec::new();
        let mut range = command.reads.clone();
        // Each range ends before the command that reads it.
        while let Some(part) = self.commands.get(range.clone()).filter(|part| !part.is_empty()) {
            sources.extend(self.members(&range));
            if sources.len() > MAX_SOURCES {
                break;
            }
            range = part.first().map_or(0..0, |first| first.reads.clone());
        }
        sources
    }
}
