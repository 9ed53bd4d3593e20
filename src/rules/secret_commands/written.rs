//! Credentials that a command writes to a file in which a program keeps them: `echo "machine ..." > ~/.netrc`.

use super::printed::{Printed, printed};
use super::{Found, Names, lines};
use crate::image::secrets::{SecretFile, named};
use crate::shell::{Call, Word, powershell};
use std::ops::Range;

/// The most files of one command that are judged. Each costs as much as the text.
const FILES: usize = 16;

/// A file that a command writes, and what a policy says of names.
struct Written<'n> {
    file: SecretFile,
    names: Names<'n>,
}

impl<'n> Written<'n> {
    fn to(path: &str, names: Names<'n>) -> Option<Self> {
        let path = path.trim_end_matches('/');
        let name = path.rsplit('/').next().unwrap_or_default();
        let file = named(path).filter(|_| !names.is_allowed(path) && !names.is_allowed(name))?;
        Some(Self { file, names })
    }

    /// The credentials in a text, without the lines of names that the policy allows.
    fn find(&self, text: &str) -> Option<&'static str> {
        if self.names.allow.is_empty() {
            return self.file.find(text.as_bytes());
        }
        let name = |line: &str| {
            line.split(['=', ':']).next().unwrap_or_default().trim().trim_start_matches("export ").to_owned()
        };
        let kept = text.split_inclusive('\n').filter(|line| !self.names.is_allowed(&name(line)));
        self.file.find(kept.collect::<String>().as_bytes())
    }

    fn of_call(&self, call: &Call<'_>) -> Option<Output> {
        let sources = call.script.sources(call.command).into_iter().chain([call.command]);
        let mut all = Printed::default();
        let found = sources.into_iter().find_map(|command| {
            let input = command.input.as_ref().and_then(|input| self.in_text(&input.text, input.start));
            if let Some(found) = input {
                return Some(Output {
                    found: Found { span: call.part(found.span.clone()), ..found },
                    is_printed: false,
                });
            }
            let mut printed = printed(command);
            let what = self.find(&printed.text);
            all.text.push_str(&printed.text);
            // Each text of PowerShell is a line of its own.
            let is_alone = |word: &&&Word| powershell::writes_content(&call.name) && self.find(&word.text).is_some();
            let alone = printed.words.iter().find(is_alone).map(|word| call.span(word));
            let span = alone.or_else(|| span(call, &printed.words));
            all.words.append(&mut printed.words);
            Output::printed(span, what)
        });
        // Several commands may write one line: `{ printf 'password '; printf hunter2; } > ~/.netrc`.
        found.or_else(|| Output::printed(span(call, &all.words), self.find(&all.text)))
    }

    fn in_text(&self, text: &str, start: usize) -> Option<Found> {
        let what = self.find(text)?;
        let (mut all, mut found): (Option<Range<usize>>, Option<Range<usize>>) = (None, None);
        lines(text, start, |line, at| {
            let begin = |range: &Option<Range<usize>>| range.as_ref().map_or(at.start, |range| range.start);
            if self.find(line).is_some() {
                found = Some(begin(&found)..at.end);
            }
            all = Some(begin(&all)..at.end);
        });
        Some(Found::new(found.or(all)?, what))
    }
}

/// A secret in what a command writes.
pub struct Output {
    found: Found,
    /// Whether it is in words that a program prints, and not in a here-document.
    is_printed: bool,
}

impl Output {
    fn printed(span: Option<Range<usize>>, what: Option<&'static str>) -> Option<Self> {
        Some(Self { found: Found::new(span?, what?), is_printed: true })
    }

    /// Adds it to what is found in single words and lines. Words that are printed together are one secret.
    pub fn add_to(self, all: &mut Vec<Found>) {
        let Self { mut found, is_printed } = self;
        let is_same = |part: &Range<usize>| {
            part.start == found.span.start
                || (is_printed && part.start >= found.span.start && part.end <= found.span.end)
        };
        let same: Vec<Found> = all.extract_if(.., |part| is_same(&part.span)).collect();
        found.span.end = same.iter().fold(found.span.end, |end, part| end.max(part.span.end));
        if let Some(first) = same.into_iter().next() {
            (found.what, found.name) = (first.what, first.name);
        }
        all.push(found);
    }
}

/// The credentials in a text that becomes this file, and the lines that have them.
pub fn in_file(path: &str, text: &str, start: usize, names: Names<'_>) -> Option<Found> {
    Written::to(path, names)?.in_text(text, start)
}

/// The same of what a call writes.
pub fn in_call(call: &Call<'_>, names: Names<'_>) -> Option<Output> {
    let writes = |operator: &str| matches!(operator, ">" | ">>" | ">|" | "&>" | "&>>");
    let redirections = call.command.redirections.iter().filter(|(operator, _)| writes(operator));
    let redirected: Vec<&str> = redirections.map(|(_, word)| word.text.as_str()).collect();
    let files = redirected.iter().copied().chain(operands(call)).filter_map(|path| Written::to(path, names));
    files.take(FILES).find_map(|file| file.of_call(call)).or_else(|| in_lines(call, names, !redirected.is_empty()))
}

/// The files that a program writes what it reads to.
fn operands<'c>(call: &'c Call<'_>) -> Vec<&'c str> {
    let plain = || call.args().filter(|arg| !arg.starts_with('-'));
    match call.name.as_str() {
        "tee" | "sponge" => plain().collect(),
        name if powershell::writes_content(name) => {
            powershell::target_and_values(call.words).0.map(|word| word.text.as_str()).into_iter().collect()
        }
        "dd" => call.args().filter_map(|arg| arg.strip_prefix("of=")).collect(),
        "cp" | "install" if plain().any(|arg| arg == "/dev/stdin") => plain().last().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Secrets that the name in front of them says, in the lines that a call prints: `printf 'password=%s' hunter2`. The words of `echo` alone
/// are mostly for people.
fn in_lines(call: &Call<'_>, names: Names<'_>, is_written: bool) -> Option<Output> {
    if call.name != "printf" && !(call.name == "echo" && is_written) && !powershell::writes_content(&call.name) {
        return None;
    }
    let printed = printed(call.command);
    let what = printed.text.lines().find_map(|line| names.in_line(line.trim()));
    Output::printed(span(call, &printed.words), what)
}

/// Where the words are, from the first to the last.
pub fn span(call: &Call<'_>, words: &[&Word]) -> Option<Range<usize>> {
    let spans = words.iter().map(|word| call.span(word));
    spans.reduce(|all, next| all.start.min(next.start)..all.end.max(next.end))
}
