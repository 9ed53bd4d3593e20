//! An instruction and its arguments.

use super::{Keyword, Text};
use std::ops::Range;

/// One instruction.
#[derive(Debug)]
pub struct Instruction<'t> {
    pub keyword: Keyword,
    /// Whether it runs in the builds of other files: it stands after `ONBUILD`.
    pub is_onbuild: bool,
    /// The bytes of the file from the keyword to the last argument, without here-documents.
    pub span: Range<usize>,
    pub keyword_span: Range<usize>,
    pub flags: Vec<Flag>,
    pub arguments: Arguments,
    pub heredocs: Vec<Heredoc<'t>>,
    /// The name after `AS` in `FROM`, in lower case.
    pub stage_name: Option<String>,
}

/// An option: `--chown=app`.
#[derive(Debug)]
pub struct Flag {
    /// Without the hyphens.
    pub name: String,
    pub value: Option<String>,
    pub span: Range<usize>,
}

/// What follows the name and the options of an instruction.
#[derive(Debug)]
pub enum Arguments {
    /// `FROM`
    From(Word),
    /// `ADD` and `COPY`; here-documents are no sources here.
    Copy { sources: Vec<Word>, target: Word },
    /// `ARG`, `ENV` and `LABEL`
    Pairs(Vec<Pair>),
    /// `RUN`, `CMD`, `ENTRYPOINT`, and the command of `HEALTHCHECK`
    Command(Command),
    /// `EXPOSE`, `USER` and the others
    Words(Vec<Word>),
}

/// A name, and its value if it has one.
#[derive(Debug)]
pub struct Pair {
    pub name: String,
    pub value: Option<Word>,
    pub span: Range<usize>,
}

/// A word of an instruction.
#[derive(Debug, Clone)]
pub struct Word {
    /// As it is written.
    pub raw: String,
    /// Without quotes, and with the values of variables; none if it depends on a variable that has no value in the file.
    pub value: Option<String>,
    pub span: Range<usize>,
}

impl Word {
    /// The value, or the word as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or(&self.raw)
    }
}

/// What a container or a build runs.
#[derive(Debug)]
pub enum Command {
    /// `["a", "b"]`, without a shell.
    Exec(Vec<Word>),
    /// A line for a shell.
    Shell(Text),
}

/// A here-document.
#[derive(Debug)]
pub struct Heredoc<'t> {
    pub text: &'t str,
    /// The word that ends it, and the name of the file where it is copied to a folder.
    pub name: String,
    /// Where it begins in the file.
    pub start: usize,
    /// Whether the command reads it as its input. It may have another file descriptor.
    pub is_stdin: bool,
    /// Whether variables in it are replaced.
    pub is_expanded: bool,
}

impl Instruction<'_> {
    /// The value of an option; empty for an option without one.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        let flag = self.flags.iter().find(|flag| flag.name == name)?;
        Some(flag.value.as_deref().unwrap_or_default())
    }

    /// The words of `EXPOSE`, `USER` and the like.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        match &self.arguments {
            Arguments::Words(words) => words,
            _ => &[],
        }
    }

    /// The pairs of `ARG`, `ENV` and `LABEL`.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        match &self.arguments {
            Arguments::Pairs(pairs) => pairs,
            _ => &[],
        }
    }
}
