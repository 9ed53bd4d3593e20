//! Values that are no secrets, because everybody knows them or is meant to read them.

use super::names::is_one_of;

/// How names begin whose values a bundler writes into the pages, where every visitor reads them.
const PUBLISHED: [&str; 9] = [
    "EXPO_PUBLIC_",
    "GATSBY_",
    "NEXT_PUBLIC_",
    "NUXT_PUBLIC_",
    "PUBLIC_",
    "REACT_APP_",
    "STORYBOOK_",
    "VITE_",
    "VUE_APP_",
];

/// Whether visitors of a page read the value of the variable. A password stays a mistake there.
pub fn is_published(name: &str) -> bool {
    PUBLISHED.iter().any(|begin| name.starts_with(begin)) && !NEVER_PUBLISHED.iter().any(|word| name.contains(word))
}

/// Parts of names that no page needs.
#[rustfmt::skip]
const NEVER_PUBLISHED: [&str; 16] = [
    "ADMIN", "AUTH", "CREDENTIAL", "DB_", "MANAGEMENT", "MYSQL", "PASS", "PAT", "PRIVATE", "PWD", "ROLE", "ROOT", "SECRET", "SERVICE", "SIGN",
    "WRITE",
];

/// Whether a known token is one that pages contain: the keys of Google's maps.
pub fn is_of_pages(token: &str) -> bool {
    token == "a Google API key"
}

/// Whether everybody knows the value: Java's documents say `changeit` for trust stores, which hold certificates alone.
pub fn is_documented(name: &str, value: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    // `keyStorePassword` protects a private key.
    let is_of_certificates = (name.contains("truststore") && !name.contains("key")) || name.contains("cacerts");
    is_of_certificates && value.trim_matches(['"', '\'']).eq_ignore_ascii_case("changeit")
}

/// Texts that are no password but mark the place of one, where they are the whole value. `changeme`, `password` and `secret` work as
/// passwords, so they count as such.
pub fn is_placeholder(value: &str) -> bool {
    #[rustfmt::skip]
    const WHOLE: [&str; 12] = [
        "FILL_ME", "FIXME", "N/A", "NOTSET", "NOT_SET", "PLACEHOLDER", "REDACTED", "REPLACEME", "TBD", "TODO", "TO_BE_SET", "UNSET",
    ];
    #[rustfmt::skip]
    const BEGINNINGS: [&str; 8] =
        ["ENTER_YOUR_", "ENTER-YOUR-", "INSERT_", "INSERT-", "REPLACE_", "REPLACE-", "YOUR_", "YOUR-"];
    let begins =
        |beginning: &str| value.get(..beginning.len()).is_some_and(|head| head.eq_ignore_ascii_case(beginning));
    // Words of one case: digits and mixed letters are what people put into a password.
    let is_words = value.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'))
        && (!value.contains(|c: char| c.is_ascii_lowercase()) || !value.contains(|c: char| c.is_ascii_uppercase()));
    is_one_of(value, &WHOLE) || (is_words && BEGINNINGS.iter().any(|beginning| begins(beginning)))
}

/// Whether a URL leads to the machine itself, with a login that is of no use elsewhere: `postgres://u:u@localhost/db`.
pub fn is_throw_away(value: &str) -> bool {
    const WORDS: [&str; 12] =
        ["admin", "dummy", "fake", "pass", "password", "postgres", "root", "secret", "test", "testing", "user", "x"];
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((login, host)) = authority.rsplit_once('@') else { return false };
    let host = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or(host, |(host, _)| host);
    let is_own = matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[::1]");
    let Some((user, password)) = login.split_once(':') else { return false };
    is_own && (password == user || password.len() <= 2 || is_one_of(password, &WORDS))
}
