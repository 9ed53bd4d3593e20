//! Credentials that a command writes to a file in which a program keeps them: `echo "machine ..." > ~/.netrc`.

use super::{Found, lines};
use crate::image::secrets::named;
use crate::shell::{Call, Command, Word};
use std::ops::Range;

/// The credentials in a text that becomes this file, and the line that has them.
pub fn in_file(path: &str, text: &str, start: usize) -> Option<Found> {
    let file = named(path.trim_end_matches('/'))?;
    let what = file.find(text.as_bytes())?;
    let (mut first, mut span): (Option<Range<usize>>, _) = (None, None);
    lines(text, start, |line, at| {
        if span.is_none() && file.find(line.as_bytes()).is_some() {
            span = Some(at.clone());
        }
        first.get_or_insert(at);
    });
    Some((span.or(first)?, what))
}

/// The same of what a call writes.
pub fn in_call(call: &Call<'_>) -> Option<Found> {
    let writes = |operator: &str| matches!(operator, ">" | ">>" | ">|" | "&>" | "&>>");
    let redirections = call.command.redirections.iter().filter(|(operator, _)| writes(operator));
    let redirected = redirections.map(|(_, word)| word.text.as_str());
    let operands = call.args().filter(|arg| call.name == "tee" && !arg.starts_with('-'));
    redirected.chain(operands).filter(|path| named(path).is_some()).find_map(|path| written(call, path))
}

fn written(call: &Call<'_>, path: &str) -> Option<Found> {
    let sources = call.script.sources(call.command).into_iter().chain([call.command]);
    sources.into_iter().find_map(|command| {
        if let Some((span, what)) = command.input.as_ref().and_then(|input| in_file(path, &input.text, input.start)) {
            return Some((call.part(span), what));
        }
        let words = printed(command);
        let what = named(path)?.find(text(&words).as_bytes())?;
        let has = |word: &&&Word| named(path).is_some_and(|file| file.find(word.text.as_bytes()).is_some());
        let word = words.iter().find(has).or(words.first())?;
        Some((call.span(word), what))
    })
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
