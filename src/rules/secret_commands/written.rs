//! Credentials that a command writes to a file in which a program keeps them: `echo "machine ..." > ~/.netrc`.

use super::{Found, Names, lines};
use crate::image::secrets::{SecretFile, named};
use crate::shell::{Call, Command, Word};
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

    fn of_call(&self, call: &Call<'_>) -> Option<Found> {
        let sources = call.script.sources(call.command).into_iter().chain([call.command]);
        sources.into_iter().find_map(|command| {
            let input = command.input.as_ref().and_then(|input| self.in_text(&input.text, input.start));
            if let Some((span, what)) = input {
                return Some((call.part(span), what));
            }
            let words = printed(command);
            let what = self.find(&text(&words))?;
            // Each of the words may be a secret, or a part of one: `printf 'token = %s' hunter2`.
            let spans = words.iter().map(|word| call.span(word));
            Some((spans.reduce(|all, next| all.start.min(next.start)..all.end.max(next.end))?, what))
        })
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
        Some((found.or(all)?, what))
    }
}

/// The credentials in a text that becomes this file, and the lines that have them.
pub fn in_file(path: &str, text: &str, start: usize, names: Names<'_>) -> Option<Found> {
    Written::to(path, names)?.in_text(text, start)
}

/// The same of what a call writes.
pub fn in_call(call: &Call<'_>, names: Names<'_>) -> Option<Found> {
    let writes = |operator: &str| matches!(operator, ">" | ">>" | ">|" | "&>" | "&>>");
    let redirections = call.command.redirections.iter().filter(|(operator, _)| writes(operator));
    let redirected = redirections.map(|(_, word)| word.text.as_str());
    let operands = call.args().filter(|arg| call.name == "tee" && !arg.starts_with('-'));
    let files = redirected.chain(operands).filter_map(|path| Written::to(path, names));
    files.take(FILES).find_map(|file| file.of_call(call))
}

/// What the words print. `printf` writes them in the places of `%s`, and both programs write `\n` for the end of a line.
fn text(words: &[&Word]) -> String {
    let mut rest = words.iter().map(|word| word.text.as_str());
    let mut text = String::new();
    for part in rest.next().unwrap_or_default().split_inclusive("%s") {
        match part.strip_suffix("%s") {
            Some(before) => {
                text.push_str(before);
                text.push_str(rest.next().unwrap_or_default());
            }
            None => text.push_str(part),
        }
    }
    for word in rest {
        text.push(' ');
        text.push_str(word);
    }
    text.replace("\\n", "\n")
}

/// The words that `echo` or `printf` prints, and those that `<<< text` gives.
fn printed(command: &Command) -> Vec<&Word> {
    let prints = command.words.iter().position(|word| matches!(word.text.as_str(), "echo" | "printf"));
    let words = prints.and_then(|at| command.words.get(at + 1..)).unwrap_or_default();
    let strings = command.redirections.iter().filter(|(operator, _)| operator == "<<<").map(|(_, word)| word);
    words.iter().skip_while(|word| word.text.starts_with('-')).chain(strings).collect()
}
