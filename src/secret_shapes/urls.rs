//! Logins in URLs, and in connection strings that look like URLs.

use super::values::{floor, is_literal};

/// The longest login that is read, in bytes.
const LOGIN: usize = 512;

/// Whether the value contains a login with a literal password: `scheme://user:password@host`, or the forms of Go's MySQL driver
/// and of Oracle.
pub fn has_password(value: &str) -> bool {
    value.contains('@')
        && (value.match_indices("://").any(|(at, found)| is_login(after(value, at + found.len())))
            // npm names the registry of a setting so.
            || value.strip_prefix("//").is_some_and(|rest| !is_example(rest) && is_login(after(rest, 0)))
            || ["@tcp(", "@unix(", "@("]
                .iter()
                .any(|host| value.match_indices(host).any(|(at, _)| ends_with_login(value, at)))
            || value.match_indices("jdbc:oracle:").any(|(at, found)| is_oracle(after(value, at + found.len())))
            || (!value.contains("://") && value.split_once("@//").is_some_and(|(login, _)| slashed(login))))
}

/// Whether the text shows what a login is: `user:password@host`.
fn is_example(rest: &str) -> bool {
    ["user:pass@", "user:password@", "username:password@"].iter().any(|login| rest.starts_with(login))
}

fn after(value: &str, at: usize) -> &str {
    let rest = value.get(at..).unwrap_or_default();
    rest.get(..floor(rest, LOGIN)).unwrap_or_default()
}

fn is_login(rest: &str) -> bool {
    let token =
        rest.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\')).next().unwrap_or_default();
    let end = references_skipped(token, |c| matches!(c, '/' | '?' | '#'));
    let authority = token.get(..end).unwrap_or_default();
    let password = |authority: &str| {
        let (login, host) = authority.rsplit_once('@')?;
        // This is an image with a digest.
        login.split_once(':').filter(|_| !host.starts_with("sha256:")).map(|(_, password)| is_literal(password))
    };
    if let Some(found) = password(authority) {
        return found;
    }
    // A password may contain a slash that should have been escaped: then the text after the colon is no port.
    let port = authority.split_once(':').map(|(_, port)| port);
    let is_cut =
        port.is_some_and(|port| !port.is_empty() && port.bytes().any(|b| !b.is_ascii_digit()) && is_plain(port));
    is_cut && password(token).unwrap_or_default()
}

fn is_plain(text: &str) -> bool {
    !text.contains(['$', '{', '<', '[', ':'])
}

/// The position of the first such character outside `<...>`, `{...}` and `(...)`, or the end.
fn references_skipped(text: &str, stop: impl Fn(char) -> bool) -> usize {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' | '<' => open += 1,
            ')' | '}' | '>' => open = open.saturating_sub(1),
            c if open == 0 && stop(c) => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether `user:password` ends at this position.
fn ends_with_login(value: &str, at: usize) -> bool {
    let from = (at.saturating_sub(LOGIN)..=at).find(|from| value.is_char_boundary(*from)).unwrap_or(at);
    let before = value.get(from..at).unwrap_or_default();
    let login = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=')).next().unwrap_or_default();
    login.split_once(':').is_some_and(|(user, password)| !user.is_empty() && is_literal(password))
}

/// Whether the text is a login of Oracle: `thin:user/password@host`.
fn is_oracle(rest: &str) -> bool {
    let login = rest.split_once('@').map(|(login, _)| login.rsplit(':').next().unwrap_or(login));
    login.is_some_and(slashed)
}

/// Whether the login is `user/password`.
fn slashed(login: &str) -> bool {
    login.len() <= LOGIN
        && login.split_once('/').is_some_and(|(user, password)| {
            !user.is_empty() && !login.contains(char::is_whitespace) && !password.contains('/') && is_literal(password)
        })
}
