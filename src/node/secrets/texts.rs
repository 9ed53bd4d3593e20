//! Secrets in texts: command lines, pairs of a name and a value, URLs, and private keys.

use super::Secrets;
use super::names::{HIDDEN, Pairs, is_open_value, is_secret};

/// Words of one command line, which may stand apart: a flag and then its value.
#[derive(Default)]
pub struct Words {
    /// The word before is a flag whose value is a secret, with its name.
    secret: Option<String>,
    /// The word before is a flag whose value is a pair, such as a variable.
    pair: Option<Pairs>,
    /// Flags of the program before whose value is a secret, though their name does not say so.
    flags: &'static [&'static str],
    /// The word before is one of them.
    bare: bool,
}

/// Programs with such flags: those that take passwords, and shells, whose script may have any.
const PROGRAMS: &[(&[&str], &[&str])] = &[
    (&["mysql", "mysqladmin", "mysqldump", "mariadb", "sshpass"], &["-p"]),
    (&["docker", "podman", "nerdctl", "buildah", "skopeo", "crane", "oras", "helm"], &["-p"]),
    (&["redis-cli", "valkey-cli"], &["-a"]),
    (&["curl"], &["-u", "-U", "-H"]),
    (&["ldapsearch", "ldapmodify", "ldapadd"], &["-w"]),
    (&["smbclient", "rpcclient"], &["-U"]),
    (&["sh", "bash", "dash", "ash", "zsh", "ksh"], &["-c", "-ec", "-lc", "-euc", "-exc"]),
];

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
        if std::mem::take(&mut self.bare) {
            secrets.add(unquoted(word));
            return HIDDEN.clone_into(word);
        }
        if let Some(pairs) = self.pair.take().filter(|_| !is_flag) {
            return pair(pairs, word, secrets);
        }
        if let Some(flag) = self.flags.iter().find(|flag| plain.starts_with(**flag)) {
            self.bare = plain == *flag;
            if !self.bare {
                secrets.add(plain.get(flag.len()..).unwrap_or_default());
                *word = format!("{flag}{HIDDEN}");
            }
            return;
        }
        let name = plain.trim_start_matches('-');
        if is_flag && !plain.contains('=') && name.bytes().all(is_of_name) {
            self.secret = is_secret(name).then(|| name.to_owned());
            self.pair = Pairs::of(plain);
            return;
        }
        if let Some((flag, rest)) = word.split_once('=')
            && let Some(pairs) = Pairs::of(unquoted(flag)).filter(|_| is_flag)
        {
            let (flag, mut rest) = (flag.to_owned(), rest.to_owned());
            pair(pairs, &mut rest, secrets);
            *word = format!("{flag}={rest}");
            return;
        }
        let program = plain.rsplit('/').next().unwrap_or_default();
        if matches!(plain, ";" | "&&" | "||" | "|") {
            self.flags = &[];
        } else if let Some((_, flags)) = PROGRAMS.iter().find(|(names, _)| names.contains(&program)) {
            self.flags = flags;
        }
        inside(word, secrets);
    }
}

/// Hides the value of `NAME=VALUE`, or what is secret in it.
pub fn pair(pairs: Pairs, pair: &mut String, secrets: &mut Secrets) {
    let Some((name, value)) = pair.split_once('=') else { return inside(pair, secrets) };
    if pairs.keep(unquoted(name), unquoted(value)) {
        return inside(pair, secrets);
    }
    secrets.add(unquoted(value));
    *pair = format!("{name}={HIDDEN}");
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

/// Schemes whose path is a file, or a name of this host.
const FILES: &[&str] = &["unix", "fd", "file", "npipe", "vsock", "ssh"];

/// A part of a path that is shorter is a word, which other texts may have.
const SHORTEST_OF_PATH: usize = 16;

/// Hides the users of URLs, their passwords, their paths and their queries: a user may be a token, and so may any part of a path.
fn urls(text: &mut String, secrets: &mut Secrets) {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+').next().unwrap_or_default();
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',')).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        rest = behind;
        let (host, path) = without_user(url);
        if let Some(user) =
            url.strip_suffix(path).and_then(|own| own.strip_suffix(host)).filter(|user| !user.is_empty())
        {
            let user = user.trim_end_matches('@');
            if user != HIDDEN {
                secrets.add(user);
                secrets.add(user.split_once(':').map_or("", |(_, password)| password));
            }
            out.extend([HIDDEN, "@"]);
        }
        out.push_str(host);
        let is_file = FILES.iter().any(|file| file.eq_ignore_ascii_case(scheme));
        let kept = match path.find('?') {
            Some(at) if is_file => at + 1,
            None if is_file => path.len(),
            // The first character says what follows.
            _ => path.len().min(1),
        };
        let (kept, hidden) = path.split_at_checked(kept).unwrap_or((path, ""));
        out.push_str(kept);
        if !hidden.is_empty() {
            hidden
                .split(['/', '?', '&', '=', '#'])
                .filter(|part| part.len() >= SHORTEST_OF_PATH)
                .for_each(|part| secrets.add(part));
            out.push_str(HIDDEN);
        }
    }
    out.push_str(rest);
    *text = out;
}

/// The host with its port, and what follows, of a URL without its scheme.
fn without_user(url: &str) -> (&str, &str) {
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    // A password may have a slash that is not escaped: then what looks like a port is none.
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let is_port = port.bytes().all(|b| b.is_ascii_digit() || matches!(b, b']' | b'*'));
    let before_query = url.split('?').next().unwrap_or_default();
    let at = authority.rfind('@').or_else(|| before_query.rfind('@').filter(|_| !is_port));
    let rest = at.and_then(|at| url.get(at + 1..)).unwrap_or(url);
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
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
