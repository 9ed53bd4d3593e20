//! The arguments of a script, or of a function, in its commands: `$1`, `$@`, and variables that have one of them.

use super::{Command, Script, Word};
use std::sync::OnceLock;

/// The longest text that is put in the place of another one.
const LONGEST: usize = 256;
/// How many words and names are put in at most.
const MOST: usize = 64;

pub struct Arguments<'a> {
    words: &'a [Word],
    /// Variables that have an argument as their value.
    names: Vec<(String, String)>,
    /// How many bytes may still be written: more texts than the script has grow no further.
    left: &'a mut usize,
}

impl<'a> Arguments<'a> {
    pub fn new(words: &'a [Word], left: &'a mut usize) -> Self {
        Self { words: words.get(..MOST).unwrap_or(words), names: Vec::new(), left }
    }

    /// Takes the names that the commands give their arguments: `local file="$1"`.
    pub fn name(&mut self, commands: &[Command]) {
        for word in commands.iter().flat_map(|command| &command.words) {
            if self.pay(0).is_none() {
                return;
            }
            if let Some((name, value)) = word.text.split_once("=$")
                && let Some(argument) = self.value(value.trim_start_matches('{').trim_end_matches('}'))
                && self.names.len() < MOST
            {
                self.names.push((name.to_owned(), argument.to_owned()));
            }
        }
    }

    /// None once too much was written.
    pub fn in_command(&mut self, command: &Command) -> Option<Command> {
        let mut words = Vec::new();
        for word in &command.words {
            if matches!(word.text.as_str(), "$@" | "$*" | "${@}") {
                for argument in self.words {
                    self.pay(argument.text.len())?;
                    words.push(Word { inner: argument.inner.clone(), ..Word::instead(argument.text.clone(), word) });
                }
            } else {
                words.push(self.in_word(word)?);
            }
        }
        let redirections = command.redirections.iter().map(|(operator, word)| {
            let word = self.in_word(word)?;
            Some((operator.clone(), word))
        });
        let redirections = redirections.collect::<Option<_>>()?;
        self.pay(command.input.as_ref().map_or(0, |input| input.text.len()))?;
        let (reads, input) = (command.reads.clone(), command.input.clone());
        let Command { failure, begins_list, is_kept, within, .. } = *command;
        let may_load = OnceLock::new();
        Some(Command { words, reads, input, failure, begins_list, within, may_load, is_kept, redirections })
    }

    pub fn in_script(&mut self, script: &Script) -> Option<Script> {
        let commands = script.commands.iter().map(|command| self.in_command(command)).collect::<Option<_>>()?;
        Some(Script { commands, functions: script.functions.clone() })
    }

    fn in_word(&mut self, word: &Word) -> Option<Word> {
        self.pay(word.text.len())?;
        let text = self.in_text(&word.text)?;
        let inner = word.inner.iter().map(|script| self.in_script(script)).collect::<Option<_>>()?;
        let same = (text == word.text).then(|| (word.start, word.parts.clone()));
        let (start, parts) = same.unwrap_or_default();
        Some(Word { text, span: word.span.clone(), start, parts, inner })
    }

    fn in_text(&mut self, text: &str) -> Option<String> {
        let mut parts = text.split('$');
        let mut written = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = named(part);
            let value = self.value(name).map(str::to_owned);
            self.pay(value.as_ref().map_or(0, String::len))?;
            if let Some(value) = value {
                written.push_str(&value);
                written.push_str(rest);
            } else {
                written.push('$');
                written.push_str(part);
            }
        }
        Some(written)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let by_number = name.parse::<usize>().ok().and_then(|number| self.words.get(number.checked_sub(1)?));
        let by_name = || self.names.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = by_number.map(|word| word.text.as_str()).or_else(by_name)?;
        (value.len() <= LONGEST).then_some(value)
    }

    fn pay(&mut self, bytes: usize) -> Option<()> {
        let left = self.left.checked_sub(bytes + 1);
        *self.left = left.unwrap_or_default();
        left.map(|_| ())
    }
}

/// The name behind `$`, and the rest.
fn named(part: &str) -> (&str, &str) {
    if let Some(inner) = part.strip_prefix('{') {
        return inner.split_once('}').unwrap_or(("", part));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = if part.starts_with(|c: char| c.is_ascii_digit()) {
        1
    } else {
        part.find(|c| !is_name(c)).unwrap_or(part.len())
    };
    part.split_at_checked(end).unwrap_or(("", part))
}
