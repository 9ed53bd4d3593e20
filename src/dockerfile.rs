//! Dockerfiles as BuildKit reads them: instructions, stages, here-documents, and variables whose value the file itself has.
//!
//! Reading takes linear time. A fault in one instruction does not hide the others.

mod expand;
mod instruction;
mod keyword;
mod lines;
mod parse;
mod run;
mod stages;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use instruction::{Arguments, Command, Flag, Heredoc, Instruction, Pair, Word};
pub use keyword::Keyword;
pub use run::{Run, Shells};
pub use stages::{Mount, Started};
pub use text::Text;

use std::ops::Range;

/// How many bytes one count of characters is for.
const PART: usize = 64;

/// How many characters begin in these bytes.
fn characters_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// A Dockerfile. A Containerfile is the same.
#[derive(Debug)]
pub struct Dockerfile<'t> {
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// How many characters begin before each part of [`PART`] bytes.
    characters: Vec<usize>,
    pub instructions: Vec<Instruction<'t>>,
    pub stages: Vec<Stage>,
    /// What cannot be read.
    pub errors: Vec<SyntaxError>,
}

/// A stage: a `FROM` and the instructions up to the next one.
#[derive(Debug)]
pub struct Stage {
    /// The name after `AS`, in lower case.
    pub name: Option<String>,
    pub base: Base,
    /// The instructions, by their place in [`Dockerfile::instructions`]. The first one is `FROM`.
    pub instructions: Range<usize>,
}

/// What a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// An earlier stage, by its place in [`Dockerfile::stages`].
    Stage(usize),
    /// The empty image.
    Scratch,
    /// An image; none if its name depends on a variable without a value in the file.
    Image(Option<String>),
}

/// An instruction that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub at: Place,
    pub message: String,
}

/// A part of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Bytes of the file.
    pub span: Range<usize>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl<'t> Dockerfile<'t> {
    /// Reads a Dockerfile.
    #[must_use]
    pub fn parse(text: &'t str) -> Self {
        parse::parse(text)
    }

    /// The text that was read, without its byte order mark.
    #[must_use]
    pub const fn text(&self) -> &'t str {
        self.text
    }

    /// The position of a part of the text.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        let line = self.line_of(span.start);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.characters_before(span.start).saturating_sub(self.characters_before(start)) + 1;
        Place { span, line, column }
    }

    /// A line may be very long and have many places, so only the rest of a part is counted.
    fn characters_before(&self, at: usize) -> usize {
        let part = at / PART;
        let rest = self.text.as_bytes().get(part * PART..at).unwrap_or_default();
        self.characters.get(part).copied().unwrap_or_default() + characters_in(rest)
    }

    /// The line that this byte of the file is in, from 1.
    #[must_use]
    pub fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    /// The instruction that this byte of the file is in, or the last one before it, and its place among the instructions.
    #[must_use]
    pub fn instruction_at(&self, at: usize) -> Option<(usize, &Instruction<'t>)> {
        let index = self.instructions.partition_point(|instruction| instruction.span.start <= at).checked_sub(1)?;
        Some((index, self.instructions.get(index)?))
    }

    /// Whether the instruction is one of the stage.
    #[must_use]
    pub fn is_in(&self, stage: &Stage, instruction: &Instruction<'_>) -> bool {
        self.instruction_at(instruction.span.start).is_some_and(|(index, _)| stage.instructions.contains(&index))
    }

    /// The bytes of a line without its end.
    #[must_use]
    pub fn line(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(self.text.len());
        let end = self.lines.get(number).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    /// The instructions of a stage, without those after `ONBUILD`.
    #[must_use]
    pub fn of_stage(&self, stage: &Stage) -> impl DoubleEndedIterator<Item = &Instruction<'t>> {
        self.instructions.get(stage.instructions.clone()).unwrap_or_default().iter().filter(|i| !i.is_onbuild)
    }

    /// The stage that a build makes if none is named: the last one.
    #[must_use]
    pub fn last_stage(&self) -> Option<&Stage> {
        self.stages.last()
    }

    /// The stage and the stages below it, each the base of the one before.
    pub fn with_bases<'s>(&'s self, stage: &'s Stage) -> impl Iterator<Item = &'s Stage> {
        // A base is an earlier stage, so this ends.
        std::iter::successors(Some(stage), |stage| match stage.base {
            Base::Stage(below) => self.stages.get(below),
            Base::Scratch | Base::Image(_) => None,
        })
    }
}
