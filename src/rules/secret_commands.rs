//! Secrets in the commands of a build: in variables, options, and in what programs read.

mod printed;
mod reads;
mod written;

pub use written::in_file;

use crate::secret_shapes::{is_fingerprint, is_named_secret, secret_value, secrets_in_words};
use crate::shell::{self, Call, SHELLS, Script, Word};
use std::ops::Range;

/// What a policy says of names.
#[derive(Debug, Default, Clone, Copy)]
pub struct Names<'n> {
    /// Further words with which the name of a secret ends, in capitals.
    pub more: &'n [String],
    /// Exact names that are named like a secret and are none.
    pub allow: &'n [String],
}

/// A secret: the part of the outermost script, and the kind.
pub type Found = (Range<usize>, &'static str);

impl Names<'_> {
    pub fn is_allowed(&self, name: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == name)
    }

    /// What kind of secret a variable has.
    pub fn secret(&self, name: &str, value: &str) -> Option<&'static str> {
        secret_value(value).or_else(|| {
            (!self.is_allowed(name) && is_named_secret(name, value, self.more)).then_some("a literal value")
        })
    }

    /// The secrets in a call, and in what it reads.
    pub fn in_call(&self, call: &Call<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let first = call.words.first().map_or(usize::MAX, |word| word.span.start);
        let before = call.command.words.iter().filter(|word| word.span.start < first);
        let declares = matches!(call.name.as_str(), "export" | "declare" | "local" | "readonly" | "typeset");
        let is_setting = |text: &str| declares || is_in_capitals(text) || is_generated_option(text);
        let arguments = call.words.iter().skip(1).filter(|word| is_setting(&word.text));
        for word in before.chain(arguments) {
            if let Some(what) = self.assigned(&word.text).or_else(|| self.substituted(word)) {
                found.push((call.span(word), what));
            }
        }
        for (index, what) in secrets_in_words(call.words.iter().map(|word| word.text.as_str()), self.allow) {
            let is_public = |word: &&Word| PGP.contains(&call.name.as_str()) && is_fingerprint(&word.text);
            // The script of a shell is walked by itself.
            let option = index.checked_sub(1).and_then(|before| call.words.get(before));
            let is_script = |_: &&Word| SHELLS.contains(&call.name.as_str()) && option.is_some_and(is_script_option);
            if let Some(word) = call.words.get(index).filter(|word| !is_public(word) && !is_script(word)) {
                found.push((call.span(word), what));
            }
        }
        found.extend(reads::passwords(call));
        found.extend(reads::plain_text(call));
        found.extend(reads::variable(call, *self));
        // What a program other than a shell reads.
        if let Some(piece) = call.command.input.as_ref().filter(|_| !SHELLS.contains(&call.name.as_str())) {
            lines(&piece.text, piece.start, |line, span| {
                found.extend(self.in_line(line).map(|what| (call.part(span), what)));
            });
        }
        // What is written may have more secrets than one of its words.
        if let Some(written) = written::in_call(call, *self) {
            written.add_to(&mut found);
        }
        found
    }

    /// The secret of `NAME=value`. What a command prints is none: `TOKEN=$(cat /run/secrets/token)`.
    fn assigned(&self, word: &str) -> Option<&'static str> {
        let (name, value) = word.split_once('=')?;
        self.secret(name.trim_start_matches('-'), value).filter(|_| !value.starts_with(['$', '`']))
    }

    /// The secret of `NAME=$(echo value)`, which is written as a script, and is a literal all the same.
    fn substituted(&self, word: &Word) -> Option<&'static str> {
        let (name, _) = word.text.split_once('=').filter(|(_, value)| *value == "$()")?;
        let [script] = word.inner.as_slice() else { return None };
        let [command] = script.commands.as_slice() else { return None };
        let input = || command.input.as_ref().map(|input| input.text.clone());
        let text = Some(printed::printed(command).text).filter(|text| !text.is_empty()).or_else(input)?;
        self.assigned(&format!("{name}={}", text.trim()))
    }

    /// The secret in a line of a file.
    pub fn in_line(&self, line: &str) -> Option<&'static str> {
        let name = line.split(['=', ':']).next().unwrap_or_default().trim();
        if self.is_allowed(name) {
            return None;
        }
        // The rest of a key is in other lines.
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
            Some("a private key")
        } else {
            secret_value(line)
        }
    }
}

/// `-c`, or `-euxc`.
fn is_script_option(word: &Word) -> bool {
    word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('c')
}

/// Programs whose arguments are public keys.
const PGP: [&str; 7] = ["apt-key", "gpg", "gpg1", "gpg2", "pacman-key", "rpmkeys", "sq"];

/// `NAME=value` as programs take variables from arguments: `make NPM_TOKEN=...`.
fn is_in_capitals(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// `--token=...`, where the value is no word of a language, such as the name of a method.
fn is_generated_option(word: &str) -> bool {
    word.strip_prefix("--").and_then(|option| option.split_once('=')).is_some_and(|(_, value)| {
        let has = |is: fn(char) -> bool| value.contains(is);
        value.len() >= 8
            && has(|c| c.is_ascii_digit())
            && has(|c| c.is_ascii_alphabetic())
            && !value.contains(['=', ',', '/', '.'])
    })
}

/// Calls `each` with every line and where it is.
pub fn lines(text: &str, start: usize, mut each: impl FnMut(&str, Range<usize>)) {
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let begin = at + line.len() - line.trim_start().len();
        if !bare.is_empty() {
            each(bare, begin..begin + bare.len());
        }
        at += line.len();
    }
}

/// The first secret of a script.
pub fn in_script(script: &Script, names: &Names<'_>) -> Option<&'static str> {
    let mut first = None;
    shell::calls_and_settings(script, &mut |call| {
        if first.is_none() {
            first = names.in_call(call).first().map(|(_, what)| *what);
        }
    });
    first
}

/// The words of a command without a shell that hold a secret, by their index, and the kind.
pub fn in_words(words: &[&str]) -> Vec<(usize, &'static str)> {
    let word =
        |(index, text): (usize, &&str)| Word { text: (*text).to_owned(), span: index..index + 1, ..Word::default() };
    let command = shell::Command { words: words.iter().enumerate().map(word).collect(), ..shell::Command::default() };
    let mut found = Vec::new();
    let names = Names::default();
    shell::calls_and_settings(&Script { commands: vec![command], ..Script::default() }, &mut |call| {
        found.extend(names.in_call(call).into_iter().flat_map(|(span, what)| span.map(move |index| (index, what))));
    });
    found.sort_unstable();
    found.dedup_by_key(|(index, _)| *index);
    found
}
