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
    PUBLISHED.iter().any(|begin| name.starts_with(begin))
        && !["PASS", "PRIVATE", "SECRET"].iter().any(|word| name.contains(word))
}

/// Whether a known token is one that pages contain: the keys of Google's maps, and those of Supabase's visitors.
pub fn is_of_pages(token: &str) -> bool {
    matches!(token, "a Google API key" | "a JSON web token")
}

/// Whether everybody knows the value: Java's documents say `changeit` for trust stores, which hold certificates alone.
pub fn is_documented(name: &str, value: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    // `-storepass` is the option of keytool. `keyStorePassword` protects a private key.
    let is_of_certificates = name == "storepass" || name.contains("truststore") || name.contains("cacerts");
    is_of_certificates && value.trim_matches(['"', '\'']).eq_ignore_ascii_case("changeit")
}

/// Texts that are no password but mark the place of one, where they are the whole value. `password`, `secret` and `admin` are passwords
/// that people use.
pub fn is_placeholder(value: &str) -> bool {
    #[rustfmt::skip]
    const WHOLE: [&str; 22] = [
        "CHANGEME", "CHANGE_ME", "CHANGE-ME", "CHANGETHIS", "CHANGE_THIS", "CHANGE-THIS", "DUMMY", "EXAMPLE", "FILL_ME", "FIXME", "N/A",
        "NOTSET", "NOT_SET", "PLACEHOLDER", "REDACTED", "REPLACEME", "REPLACE_ME", "REPLACE-ME", "TBD", "TODO", "TO_BE_SET", "UNSET",
    ];
    const BEGINNINGS: [&str; 14] = [
        "CHANGE_ME_",
        "CHANGE-ME-",
        "CHANGEME_",
        "CHANGEME-",
        "ENTER_YOUR_",
        "ENTER-YOUR-",
        "INSERT_",
        "INSERT-",
        "PUT_YOUR_",
        "PUT-YOUR-",
        "REPLACE_",
        "REPLACE-",
        "YOUR_",
        "YOUR-",
    ];
    let begins =
        |beginning: &str| value.get(..beginning.len()).is_some_and(|head| head.eq_ignore_ascii_case(beginning));
    is_one_of(value, &WHOLE)
        || (BEGINNINGS.iter().any(|beginning| begins(beginning)) && !super::values::looks_random(value))
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
