//! Secrets in the commands of a build: in variables, options, and in what programs read.

mod printed;
mod reads;
mod written;

pub use written::in_file;

pub use crate::secret_shapes::Names;
use crate::secret_shapes::{NAMED, Secret, is_fingerprint, is_setting_secret, secret_value, secrets_in_words};
use crate::shell::{self, Call, SHELLS, Script, Word};
use std::ops::Range;

/// A secret: the part of the outermost script, the kind, and the name of what has it; empty if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub span: Range<usize>,
    pub what: &'static str,
    pub name: String,
}

impl Found {
    fn new(span: Range<usize>, what: &'static str) -> Self {
        Self { span, what, name: String::new() }
    }

    fn named(span: Range<usize>, Secret { what, name }: Secret<'_>) -> Self {
        // A name with other signs may be a URL with a login.
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        Self { span, what, name: if is_name { name.to_owned() } else { String::new() } }
    }
}

impl Names<'_> {
    /// The secrets in a call, and in what it reads.
    pub fn in_call(&self, call: &Call<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let first = call.words.first().map_or(usize::MAX, |word| word.span.start);
        let before = call.command.words.iter().filter(|word| word.span.start < first);
        let declares = matches!(call.name.as_str(), "export" | "declare" | "local" | "readonly" | "typeset");
        let is_setting = |text: &str| declares || is_in_capitals(text) || is_generated_option(text);
        let arguments = call.words.iter().skip(1).filter(|word| is_setting(&word.text));
        for word in before.chain(arguments) {
            let text = substituted(word);
            if let Some(secret) = self.assigned(text.as_deref().unwrap_or(&word.text)) {
                found.push(Found::named(call.span(word), secret));
            }
        }
        for (index, secret) in secrets_in_words(call.words.iter().map(|word| word.text.as_str()), self.allow) {
            let is_public = |word: &&Word| PGP.contains(&call.name.as_str()) && is_fingerprint(&word.text);
            // The script of a shell is walked by itself.
            let option = index.checked_sub(1).and_then(|before| call.words.get(before));
            let is_script = |_: &&Word| SHELLS.contains(&call.name.as_str()) && option.is_some_and(is_script_option);
            let is_known = |word: &&Word| word.text.eq_ignore_ascii_case("changeit") && is_of_certificates(call);
            if let Some(word) =
                call.words.get(index).filter(|word| !is_public(word) && !is_script(word) && !is_known(word))
            {
                found.push(Found::named(call.span(word), secret));
            }
        }
        found.extend(reads::passwords(call, *self));
        found.extend(reads::plain_text(call));
        found.extend(reads::variable(call, *self));
        // What a program other than a shell reads.
        if let Some(piece) = call.command.input.as_ref().filter(|_| !SHELLS.contains(&call.name.as_str())) {
            lines(&piece.text, piece.start, |line, span| {
                found.extend(self.in_line(line).map(|what| Found::new(call.part(span), what)));
            });
        }
        // What is written may have more secrets than one of its words.
        if let Some(written) = written::in_call(call, *self) {
            written.add_to(&mut found);
        }
        found
    }

    /// The secret of `NAME=value`, with the name. What a command prints is none: `TOKEN=$(cat /run/secrets/token)`.
    fn assigned<'w>(&self, word: &'w str) -> Option<Secret<'w>> {
        let (name, value) = word.split_once('=')?;
        let name = name.trim_start_matches('-');
        let secret = self.secret_of_command(name, value).filter(|_| !value.starts_with(['$', '`']))?;
        Some(Secret { name, ..secret })
    }

    /// The secret in a line of a file.
    pub fn in_line(&self, line: &str) -> Option<&'static str> {
        // What a service or a program issued is a secret in an allowed variable, too.
        let name = line.split(['=', ':']).next().unwrap_or_default().trim();
        if self.is_allowed(name) {
            return secret_value(line);
        }
        // The rest of a key is in other lines.
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
            Some("a private key")
        } else {
            self.in_text(line).map(|secret| secret.what)
        }
    }
}

/// `NAME=value` for `NAME=$(echo value)`, which is written as a script, and is a literal all the same.
fn substituted(word: &Word) -> Option<String> {
    let (name, _) = word.text.split_once('=').filter(|(_, value)| *value == "$()")?;
    let [script] = word.inner.as_slice() else { return None };
    let [command] = script.commands.as_slice() else { return None };
    let input = || command.input.as_ref().map(|input| input.text.clone());
    let text = Some(printed::printed(command).text).filter(|text| !text.is_empty()).or_else(input)?;
    Some(format!("{name}={}", text.trim()))
}

/// The secret that a label has. Words in names of labels have more meanings than in those of variables.
pub fn of_label<'v>(names: &Names<'_>, name: &str, value: &'v str) -> Option<Secret<'v>> {
    let of_name = || is_setting_secret(name, value).then_some(Secret::new(NAMED));
    names.in_text(value).or_else(of_name).filter(|_| !names.is_allowed(name))
}

/// Whether `keytool` works on certificates alone, for which Java documents the password `changeit`.
fn is_of_certificates(call: &Call<'_>) -> bool {
    let is_of_keys = |arg: &str| {
        arg.starts_with("-gen") || arg.starts_with("-importk") || arg.starts_with("-importp") || arg == "-keypass"
    };
    call.name == "keytool" && !call.args().any(is_of_keys)
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

/// The secrets of a script.
pub fn in_script(script: &Script, names: &Names<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    shell::calls_and_settings(script, &mut |call| found.extend(names.in_call(call)));
    found
}

/// The words of a command without a shell that hold a secret. Their spans are their indexes.
pub fn in_words(words: &[&str], names: Names<'_>) -> Vec<Found> {
    let word =
        |(index, text): (usize, &&str)| Word { text: (*text).to_owned(), span: index..index + 1, ..Word::default() };
    let command = shell::Command { words: words.iter().enumerate().map(word).collect(), ..shell::Command::default() };
    let mut found = Vec::new();
    shell::calls_and_settings(&Script { commands: vec![command], ..Script::default() }, &mut |call| {
        let parts =
            |found: Found| found.span.clone().map(move |index| Found { span: index..index + 1, ..found.clone() });
        found.extend(names.in_call(call).into_iter().flat_map(parts));
    });
    found.sort_by_key(|found| found.span.start);
    found.dedup_by_key(|found| found.span.start);
    found
}
