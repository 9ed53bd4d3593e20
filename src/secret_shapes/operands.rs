//! Programs that take a secret as an operand: `aws configure set aws_secret_access_key ...`, `htpasswd -b file user ...`.

use super::names::is_setting_secret;
use super::values::is_literal;

/// What comes before the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One of these words, then the name of the setting.
    Name(&'static [&'static str]),
    /// One of these words, then so many operands.
    Count(&'static [&'static str], usize),
    /// The option `-b`, then a file and a user; with `-n` a user alone.
    User,
    /// One of these words, then a host and `user:password`.
    Login(&'static [&'static str]),
}

const SET: Form = Form::Name(&["config", "configure", "set"]);

/// Settings of composer, and how many operands come between them and the secret.
const COMPOSER: [(&str, usize); 7] = [
    ("bearer.", 0),
    ("bitbucket-oauth.", 1),
    ("forgejo-token.", 1),
    ("github-oauth.", 0),
    ("gitlab-oauth.", 0),
    ("gitlab-token.", 0),
    ("http-basic.", 1),
];

const PROGRAMS: [(&str, Form); 17] = [
    ("aws", SET),
    ("composer", SET),
    ("git", SET),
    ("gh", SET),
    ("npm", SET),
    ("pip", SET),
    ("pnpm", SET),
    ("poetry", SET),
    ("yarn", SET),
    ("mc", Form::Count(&["add", "set"], 3)),
    ("openssl", Form::Count(&["passwd"], 0)),
    ("htpasswd", Form::User),
    ("bundle", Form::Login(&["config"])),
    ("bundler", Form::Login(&["config"])),
    ("rabbitmqctl", Form::Count(&["add_user", "change_password"], 1)),
    // `net user NAME PASSWORD /add`
    ("net", Form::Count(&["user"], 1)),
    ("net1", Form::Count(&["user"], 1)),
];

/// Reads the operands of such a program.
#[derive(Debug)]
pub struct Operands<'a> {
    form: Form,
    /// The word that begins the form was read.
    has_begun: bool,
    /// The operand before.
    before: &'a str,
    /// How many operands come before the secret.
    left: usize,
    /// The setting of composer whose secret follows.
    login: Option<&'a str>,
}

impl<'a> Operands<'a> {
    pub fn of(program: &str) -> Option<Self> {
        // Windows makes no difference between small and capital letters.
        let is_program = |name: &str| {
            let end = program.get(name.len()..).filter(|end| end.is_empty() || end.eq_ignore_ascii_case(".exe"));
            end.is_some() && program.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        let (_, form) = PROGRAMS.iter().find(|(name, _)| is_program(name))?;
        let left = match form {
            Form::Name(_) | Form::Login(_) => 0,
            Form::Count(_, left) => *left,
            Form::User => 2,
        };
        Some(Self { form: *form, has_begun: false, before: "", left, login: None })
    }

    /// The name of the setting whose secret this operand is; empty if it has none. `option` is the option before it, which may take
    /// it as its value.
    pub fn secret(&mut self, word: &'a str, option: Option<&str>) -> Option<&'a str> {
        let value = word.trim_matches(['"', '\'']);
        let is_literal = |value: &str| is_literal(value) && !value.starts_with(['$', '`']);
        let is_secret = match self.form {
            Form::Name(begin) => {
                let before = std::mem::replace(&mut self.before, word);
                let has_begun = self.has_begun;
                self.has_begun |= begin.contains(&word);
                if let Some(name) = self.login {
                    self.left = self.left.checked_sub(1)?;
                    return (self.left == 0 && is_literal(value)).then_some(name);
                }
                if let Some((_, between)) = COMPOSER.iter().find(|(begin, _)| has_begun && word.starts_with(begin)) {
                    (self.login, self.left) = (Some(word), between + 1);
                }
                return (has_begun && is_name(before, value) && is_literal(value)).then_some(before);
            }
            Form::Login(begin) => {
                let before = std::mem::replace(&mut self.before, word);
                let has_begun = self.has_begun;
                self.has_begun |= begin.contains(&word);
                let password = value.split_once(':').filter(|(user, rest)| !user.is_empty() && !rest.starts_with("//"));
                let is_host = before.contains('.') && has_begun;
                return (is_host && password.is_some_and(|(_, password)| is_literal(password))).then_some(before);
            }
            Form::Count(begin, _) if !self.has_begun => {
                self.has_begun = begin.iter().any(|begin| begin.eq_ignore_ascii_case(word));
                false
            }
            Form::Count(..) if matches!(option, Some("-salt" | "-in" | "-rand")) => false,
            Form::User if !self.has_begun || option.is_some_and(|option| option.ends_with(['C', 'r'])) => false,
            Form::Count(..) | Form::User => {
                let is_last = self.left == 0;
                self.left = self.left.checked_sub(1).unwrap_or(usize::MAX);
                is_last && is_literal(value)
            }
        };
        is_secret.then_some("")
    }

    /// The next word is an option.
    pub fn option(&mut self, word: &str) {
        if self.form == Form::User && !word.starts_with("--") {
            self.has_begun |= word.contains('b');
            self.left = if word.contains('n') { 1 } else { self.left };
        }
    }
}

/// Whether the name is that of a secret: `//registry.example.com/:_authToken`, `pypi-token.pypi`.
fn is_name(name: &str, value: &str) -> bool {
    let name = name.trim_matches(['"', '\'']);
    let last = name.rsplit([':', '/']).next().unwrap_or_default();
    // git names by it which key signs.
    let end = last.len().saturating_sub("signingkey".len());
    if last.get(end..).is_some_and(|end| end.eq_ignore_ascii_case("signingkey")) {
        return false;
    }
    is_setting_secret(last, value) || last.split_once('.').is_some_and(|(first, _)| is_setting_secret(first, value))
}
