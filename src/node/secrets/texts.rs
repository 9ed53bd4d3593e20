//! Secrets in texts: command lines, pairs of a name and a value, URLs, and private keys.

use super::Secrets;
use super::names::{HIDDEN, is_open_value, is_secret};

/// Words of one command line, which may stand apart: a flag and then its value.
#[derive(Default)]
pub struct Words {
    /// The word before is a flag whose value is a secret, with its name.
    secret: Option<String>,
    /// The word before is a flag that sets a variable.
    variable: bool,
}

impl Words {
    pub fn hide(&mut self, word: &mut String, secrets: &mut Secrets) {
        // A flag may be in quotes, as k3s writes those of its unit.
        let plain = unquoted(word);
        let is_flag = plain.starts_with('-');
        if let Some(name) = self.secret.take().filter(|_| !is_flag) {
            let bare = unquoted(word);
            if !is_open_value(&name, bare) {
                secrets.add(bare);
                HIDDEN.clone_into(word);
            }
            return;
        }
        if std::mem::take(&mut self.variable) && !is_flag {
            return variable(word, secrets);
        }
        let name = plain.trim_start_matches('-');
        if is_flag && !plain.contains('=') && name.bytes().all(is_of_name) {
            self.secret = is_secret(name).then(|| name.to_owned());
            self.variable = matches!(plain, "-e" | "--env" | "--setenv");
            return;
        }
        if let Some((flag, pair)) =
            word.split_once('=').filter(|(flag, _)| matches!(*flag, "--env" | "--setenv" | "-e"))
        {
            let (flag, mut pair) = (flag.to_owned(), pair.to_owned());
            variable(&mut pair, secrets);
            *word = format!("{flag}={pair}");
            return;
        }
        inside(word, secrets);
    }
}

/// Hides the value of `NAME=VALUE`.
pub fn variable(pair: &mut String, secrets: &mut Secrets) {
    if let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !is_open_value("", unquoted(value))) {
        secrets.add(unquoted(value));
        *pair = format!("{name}={HIDDEN}");
    }
}

pub fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

/// Hides what is secret in a text that may be a command line, a sentence, or the text of a setting.
pub fn text(text: &mut String, secrets: &mut Secrets) {
    if !text.contains(['=', ':', '-', '@']) {
        return;
    }
    let mut words = Words::default();
    let mut out = String::with_capacity(text.len());
    for (space, word) in split(text) {
        let mut word = word.to_owned();
        words.hide(&mut word, secrets);
        out.push_str(space);
        out.push_str(&word);
    }
    // A name, a colon and a value are words of their own.
    inside(&mut out, secrets);
    *text = out;
}

/// Words with the spaces before them. Spaces in quotes do not end a word.
pub fn split(text: &str) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    let (mut begin, mut start, mut quote) = (0, None, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => {
                if let Some(word) = start.take() {
                    all.push((text.get(begin..word).unwrap_or_default(), text.get(word..at).unwrap_or_default()));
                    begin = at;
                }
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                start.get_or_insert(at);
            }
            (Some(open), c) if c == open => quote = None,
            _ => _ = start.get_or_insert(at),
        }
    }
    let word = start.unwrap_or(text.len());
    all.push((text.get(begin..word).unwrap_or_default(), text.get(word..).unwrap_or_default()));
    all
}

/// Hides pairs, URLs and keys in a text of any form.
fn inside(text: &mut String, secrets: &mut Secrets) {
    if text.contains("PRIVATE KEY") {
        secrets.add(text);
        HIDDEN.clone_into(text);
        return;
    }
    if text.contains("://") {
        urls(text, secrets);
    }
    if text.contains('@') {
        user(text, secrets);
    }
    if text.contains(['=', ':']) {
        pairs(text, secrets);
    }
}

/// Hides the users of URLs, their passwords, and their queries: a user may be a token, and so may any value of a query.
fn urls(text: &mut String, secrets: &mut Secrets) {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',')).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        let (url, query) = url.find('?').map_or((url, ""), |at| url.split_at(at + 1));
        let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
        // A password may have a slash that is not escaped: then what looks like a port is none.
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        let is_port = port.bytes().all(|b| b.is_ascii_digit() || matches!(b, b']' | b'*'));
        let at = authority.rfind('@').or_else(|| url.rfind('@').filter(|_| !is_port));
        match at.map(|at| url.split_at(at)) {
            Some((user, host)) => {
                if user != HIDDEN {
                    secrets.add(user);
                    secrets.add(user.split_once(':').map_or("", |(_, password)| password));
                }
                out.push_str(HIDDEN);
                out.push_str(host);
            }
            None => out.push_str(url),
        }
        if !query.is_empty() {
            secrets.add(query);
            out.push_str(HIDDEN);
        }
        rest = behind;
    }
    out.push_str(rest);
    *text = out;
}

/// Hides `user:password` before the last `@` of a word where no scheme says that it is a URL. The digest of an image is none.
fn user(text: &mut String, secrets: &mut Secrets) {
    let ends = |c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ',' | '`');
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(ends) {
        let both =
            word.rsplit_once('@').filter(|(_, host)| !host.starts_with("sha256:") && !host.starts_with("sha512:"));
        let named = both.and_then(|(both, host)| {
            let (_, password) = both.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains('/'))?;
            (!password.is_empty() && !password.starts_with("//")).then_some((both, password, host))
        });
        let Some((both, password, host)) = named else {
            out.push_str(word);
            continue;
        };
        secrets.add(both);
        secrets.add(password);
        out.extend([HIDDEN, "@", host]);
    }
    *text = out;
}

pub const fn is_of_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
}

/// Hides the values of pairs with a secret name: `NAME=VALUE`, `NAME: VALUE`, `"NAME":"VALUE"`.
fn pairs(text: &mut String, secrets: &mut Secrets) {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let left = before.get(..at).unwrap_or_default();
        let quoted = left.trim_end().ends_with(['"', '\'', '`']);
        let left = left.trim_end().trim_end_matches(['"', '\'', '`']);
        let begin = left.bytes().rposition(|b| !is_of_name(b)).map_or(0, |at| at + 1);
        let name = left.get(begin..).unwrap_or_default();
        let spaces = after.len() - after.trim_start().len();
        let is_pair = before.ends_with('=') || spaces > 0 || quoted || after.starts_with(['"', '\'']);
        rest = after;
        if name.is_empty() || !is_pair || !is_secret(name) {
            continue;
        }
        let (space, after) = after.split_at(spaces);
        let (value, behind) = value(after);
        let bare = unquoted(value);
        out.push_str(space);
        if is_open_value(name, bare) {
            out.push_str(value);
        } else {
            secrets.add(bare);
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            out.extend(quote);
            out.push_str(HIDDEN);
            out.extend(quote);
        }
        rest = behind;
    }
    out.push_str(rest);
    *text = out;
}

/// The value at the beginning of a text: what is in quotes or brackets, or one word, or two where the first says how to log in.
fn value(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(end) = quote.and_then(|quote| text.get(1..)?.find(quote)) {
        return text.split_at(end + 2);
    }
    if let Some(end) = text.starts_with('[').then(|| text.find(']')).flatten() {
        return text.split_at(end + 1);
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '`' | '}' | ']');
    let first = text.find(ends).unwrap_or(text.len());
    let scheme = text.get(..first).unwrap_or_default();
    let takes_more = ["bearer", "basic", "token", "digest"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let more =
        text.get(first + 1..).filter(|_| takes_more).map(|rest| first + 1 + rest.find(ends).unwrap_or(rest.len()));
    text.split_at(more.unwrap_or(first))
}
