//! Secrets that a program or a variable reads: from a pipe, a here-document, or a word that PowerShell makes a secure string of.

use super::printed::printed;
use super::written::span;
use super::{Found, Names, lines};
use crate::secret_shapes::{Secret, is_crypt, is_literal};
use crate::shell::{Call, Piece};

/// Passwords that `chpasswd`, `passwd --stdin` and `docker login --password-stdin` read: `echo 'root:hunter2' | chpasswd`.
pub fn passwords(call: &Call<'_>, names: Names<'_>) -> Vec<Found> {
    let Some(reads) = PasswordReader::of(call) else { return Vec::new() };
    let name = call.args().find(|arg| is_from_input(arg)).unwrap_or_default();
    if !name.is_empty() && names.is_allowed(name) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for command in call.script.sources(call.command).into_iter().chain([call.command]) {
        let printed = printed(command);
        let before = found.len();
        let words = printed.words.iter().filter(|word| reads.has_password(&word.text));
        found.extend(words.map(|word| call.span(word)));
        // Several words may be one password: `printf '%s:%s' root hunter2`.
        if found.len() == before && reads.has_password(&printed.text) {
            found.extend(span(call, &printed.words));
        }
        if let Some(Piece { text, start }) = &command.input {
            lines(text, *start, |line, span| found.extend(reads.has_password(line).then_some(call.part(span))));
        }
    }
    found.into_iter().map(|span| Found::named(span, Secret { what: reads.what(), name })).collect()
}

/// Where openssl reads a password that is piped.
const READ: &[&str] = &["stdin", "fd:0"];

/// Whether the option takes a password from what is piped: `--password-stdin`, `--password-from-stdin`, `--with-token`.
fn is_from_input(option: &str) -> bool {
    let is_secret = |name: &str| ["password", "passphrase", "secret", "token"].iter().any(|word| name.contains(word));
    option == "--with-token"
        || option.strip_prefix("--").and_then(|name| name.strip_suffix("-stdin")).is_some_and(is_secret)
}

/// A program that reads passwords.
enum PasswordReader {
    /// One line is one password.
    Lines,
    /// The same, of a login.
    Piped,
    /// `user:password`.
    Pairs,
    /// `user:hash`.
    Hashes,
}

impl PasswordReader {
    fn of(call: &Call<'_>) -> Option<Self> {
        let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
        // `vault login -` reads a token.
        let is_login = || call.args().any(|arg| arg == "login") && call.args().last() == Some("-");
        let is_before = |option: &str, of: &[&str]| {
            call.args().zip(call.args().skip(1)).any(|(one, next)| one == option && of.contains(&next))
        };
        match call.name.as_str() {
            "chpasswd" if has(&["-e", "--encrypted"]) => Some(Self::Hashes),
            "chpasswd" => Some(Self::Pairs),
            // Without a terminal it reads the password from its input, too.
            "passwd" | "smbpasswd" => Some(Self::Lines),
            "gpg" | "gpg2" if is_before("--passphrase-fd", &["0"]) => Some(Self::Piped),
            "openssl" if is_before("-passin", READ) || is_before("-passout", READ) => Some(Self::Piped),
            _ => (call.args().any(is_from_input) || is_login()).then_some(Self::Piped),
        }
    }

    const fn what(&self) -> &'static str {
        if matches!(self, Self::Piped) { "a password or token that a program reads" } else { "the password of a user" }
    }

    fn has_password(&self, text: &str) -> bool {
        let is_password = |text: &str| is_literal(text) && !text.starts_with(['$', '`', '*', '!']);
        // `echo` and `printf` write `\n` for the end of a line.
        let of_user = |line: &str, is: &dyn Fn(&str) -> bool| {
            line.split_once(':').is_some_and(|(user, password)| !user.is_empty() && is(password))
        };
        text.split('\n').flat_map(|line| line.split("\\n")).map(str::trim).any(|line| match self {
            Self::Lines | Self::Piped => is_password(line),
            Self::Pairs => of_user(line, &is_password),
            Self::Hashes => of_user(line, &is_crypt),
        })
    }
}

/// What a variable gets without a sign between them: `printf -v DB_PASSWORD '%s' hunter2`, `read DB_PASSWORD <<< hunter2`,
/// `setx DB_PASSWORD hunter2`.
pub fn variable(call: &Call<'_>, names: Names<'_>) -> Option<Found> {
    let printed = printed(call.command);
    let (name, value, at) = match call.name.as_str() {
        "printf" => {
            let name = call.args().next().filter(|option| *option == "-v").and_then(|_| call.args().nth(1))?;
            (name, printed.text, span(call, &printed.words))
        }
        "setx" => {
            let mut operands = call.words.iter().skip(1).filter(|word| !word.text.starts_with(['/', '-']));
            let (name, value) = (operands.next()?, operands.next()?);
            return found(names, &name.text, &value.text, Some(call.span(value)));
        }
        "read" => {
            let name = call.args().last()?;
            let Some(Piece { text, start }) = &call.command.input else {
                let at = span(call, &printed.words);
                return found(names, name, &printed.text, at);
            };
            let line = text.lines().next().unwrap_or_default();
            (name, line.to_owned(), Some(call.part(*start..start + line.len())))
        }
        _ => return None,
    };
    found(names, name, &value, at)
}

fn found(names: Names<'_>, name: &str, value: &str, at: Option<std::ops::Range<usize>>) -> Option<Found> {
    let value = value.trim();
    let secret = names.secret(name, value).filter(|_| !value.starts_with(['$', '`']))?;
    Some(Found::named(at?, Secret { name, ..secret }))
}

/// The text that PowerShell makes a secure string of: `ConvertTo-SecureString 'hunter2' -AsPlainText -Force`.
pub fn plain_text(call: &Call<'_>) -> Vec<Found> {
    let is_plain = |arg: &str| arg.len() > 2 && "-asplaintext".starts_with(&arg.to_ascii_lowercase());
    if call.name != "convertto-securestring" || !call.args().any(is_plain) {
        return Vec::new();
    }
    let mut words: Vec<_> = call.words.iter().skip(1).collect();
    for source in call.script.sources(call.command) {
        words.extend(Some(&source.words).filter(|words| words.len() == 1).into_iter().flatten());
    }
    let is_text = |text: &str| is_literal(text) && !text.starts_with(['-', '$', '`', '(']);
    let found = words.into_iter().filter(|word| is_text(&word.text) && word.inner.is_empty());
    found.map(|word| Found::new(call.span(word), "the text of a secure string")).collect()
}
