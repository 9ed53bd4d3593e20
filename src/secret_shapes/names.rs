//! Secrets by the name of a variable, a setting or an option.

use super::public::{is_documented, is_published};
use super::values::{is_literal, is_number, is_object_name, looks_random};
use super::vocabulary::{
    AUTHS, DESCRIPTIONS, KEYS, MARKS, OBJECTS, PATS, PUBLIC_KEYS, SECRETS, SWITCHES, is_qualifier,
};
use crate::text::name_words;

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameMeaning {
    /// Any value is a secret, even a number.
    Password,
    /// A secret, unless the value is the name of an object.
    Secret,
    /// A token or key: any value but a short number.
    Key,
    /// `user:password` or a password, unless the value is the name of a method.
    Auth,
    /// The name is ambiguous: a secret only if the value looks generated.
    Hint,
}

/// Whether a variable with this name and value contains a secret. `more` are further last words of names, in capitals.
pub fn is_named_secret(name: &str, value: &str, more: &[String]) -> bool {
    let may_be_named = may_name(name) || !more.is_empty();
    if !may_be_named || !is_literal(value) || is_published(name) || is_documented(name, value) {
        return false;
    }
    let words: Vec<&str> = name_words(name).collect();
    !is_public_key(&words, value) && named(&words, more).is_some_and(|named| named.holds(&words, value.trim()))
}

/// The same for a setting inside a value, or an option of a program, where `secret`, `token` and `key` have more meanings.
pub fn is_setting_secret(name: &str, value: &str) -> bool {
    if !may_name(name) || !is_literal(value) || is_published(name) || is_documented(name, value) {
        return false;
    }
    let words: Vec<&str> = name_words(name).collect();
    // In connection strings of ADO and ODBC, `pwd` is a password and no directory.
    let alone = || is_one_of(name, &["pwd", "pw"]).then_some(NameMeaning::Password);
    let Some(named) = named(&words, &[]).or_else(alone).filter(|_| !is_public_key(&words, value)) else { return false };
    let value = value.trim();
    if words.last().is_some_and(|last| last.eq_ignore_ascii_case("AUTH")) {
        return super::encoded::is_basic(value);
    }
    match named {
        NameMeaning::Password | NameMeaning::Auth => named.holds(&words, value),
        // `secretKey` is mostly a key in a Secret.
        NameMeaning::Secret | NameMeaning::Key if is_compound(&words) && name != "secretKey" => {
            named.holds(&words, value)
        }
        NameMeaning::Secret | NameMeaning::Key => looks_random(value),
        // A single word may be a key of a map.
        NameMeaning::Hint => words.len() > 1 && NameMeaning::Hint.holds(&words, value),
    }
}

/// Whether it is the name of a public key of PGP, with the fingerprints of keys: `GPG_KEY`, `RABBITMQ_PGP_KEY_ID`.
fn is_public_key(words: &[&str], value: &str) -> bool {
    let is_of_pgp = |word: &&str| is_one_of(word, &["GPG", "PGP", "OPENPGP", "FINGERPRINT"]);
    // What releases are signed with: `GHC_RELEASE_KEY`, and with more care `SWIFT_SIGNING_KEY`.
    let is_after = |of: &str| matches!(words, [.., what, _] if what.eq_ignore_ascii_case(of));
    let is_own = |word: &&str| is_one_of(word, &["AUTH", "COOKIE", "HMAC", "JWT", "SECRET", "SESSION", "TOKEN"]);
    let is_key: fn(&str) -> bool = if words.iter().any(is_of_pgp) {
        is_fingerprint
    } else if is_after("RELEASE") {
        |part: &str| part.len() >= 40 && is_fingerprint(part)
    } else if is_after("SIGNING") && !words.iter().any(is_own) {
        is_printed_fingerprint
    } else {
        return false;
    };
    words.last().is_some_and(|last| is_one_of(last, &["KEY", "KEYS", "FINGERPRINT", "FINGERPRINTS"]))
        && value.split([' ', ',']).filter(|part| !part.is_empty()).all(is_key)
}

/// Whether it is the fingerprint of a public key, or its end: 8, 16, 40 or 64 hexadecimal digits.
pub fn is_fingerprint(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    matches!(digits.len(), 8 | 16 | 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether it is a fingerprint as gpg prints it. Generated secrets of this length are in small letters.
fn is_printed_fingerprint(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    digits.len() == 40 && is_fingerprint(digits) && !digits.contains(char::is_lowercase)
}

/// Whether two words of the name make it unambiguous: `client_secret`, `api_key`, `accessToken`.
fn is_compound(words: &[&str]) -> bool {
    #[rustfmt::skip]
    const OF_KEYS: [&str; 11] = [
        "ACCOUNT", "API", "AUTH", "ENCRYPTION", "HMAC", "JWT", "LICENSE", "MASTER", "SECRET", "SHARED", "SIGNING",
    ];
    const OF_TOKENS: [&str; 7] = ["ACCESS", "API", "AUTH", "BEARER", "REFRESH", "BOT", "SECRET"];
    let of = |last: &str| -> &[&str] {
        match last {
            _ if last.eq_ignore_ascii_case("SECRET") => &SECRETS,
            _ if last.eq_ignore_ascii_case("TOKEN") => &OF_TOKENS,
            _ if last.eq_ignore_ascii_case("KEY") => &OF_KEYS,
            _ => &[],
        }
    };
    words.iter().zip(words.iter().skip(1)).any(|(what, last)| is_one_of(what, of(last)))
        || words.iter().any(|word| is_one_of(word, &["APIKEY", "SECRETKEY", "CLIENTSECRET", "ACCESSTOKEN"]))
}

impl NameMeaning {
    fn holds(self, words: &[&str], value: &str) -> bool {
        if is_own_name(words, value) {
            return false;
        }
        let is_switch = words.iter().any(|word| is_one_of(word, &SWITCHES));
        let digits = if is_number(value) { value.len() } else { usize::MAX };
        match self {
            Self::Password => digits > if is_switch { 12 } else { 1 },
            Self::Secret => digits >= 4 && !is_switch_number(is_switch, digits) && !is_object_name(value),
            Self::Key => digits > 8 && !is_example(value),
            Self::Auth => digits >= 4 && !is_method(value),
            Self::Hint => looks_random(value) && !is_printed_fingerprint(value),
        }
    }
}

fn is_switch_number(is_switch: bool, digits: usize) -> bool {
    is_switch && digits != usize::MAX
}

/// Whether the value repeats the name in capitals, as a placeholder: `HF_TOKEN=HF_TOKEN`, `GOOGLE_API_KEY=GOOGLE_API_KEY_VAL`.
fn is_own_name(name: &[&str], value: &str) -> bool {
    if value.len() > 100 || value.chars().any(char::is_lowercase) || !value.contains(['_', ' ', '-']) {
        return false;
    }
    let value: Vec<&str> = name_words(value).collect();
    let is_same = |one: &[&str], other: &[&str]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    let end = name.len().checked_sub(value.len()).and_then(|at| name.get(at..));
    let begin = value.get(..name.len()).filter(|_| name.len() >= 2);
    value.len() >= 2 && (end.is_some_and(|end| is_same(end, &value)) || begin.is_some_and(|begin| is_same(begin, name)))
}

/// Whether the value is a placeholder for a token or key: `dummyApiKey`. As a password it would work.
fn is_example(value: &str) -> bool {
    ["enter-", "my-own-", "dummy", "example"].iter().any(|start| {
        value.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start)) && !looks_random(value)
    })
}

/// Whether the value is the name of a method of authentication.
fn is_method(value: &str) -> bool {
    #[rustfmt::skip]
    const METHODS: [&str; 50] = [
        "_auth", "anonymous", "approle", "auth", "aws", "azure", "basic", "basic-auth", "bearer", "cert", "certificate", "cookie", "cram-md5", "custom",
        "database", "default", "dex", "digest", "gcp", "github", "google", "gssapi", "header", "htpasswd", "iam", "internal",
        "jwt", "kerberos", "key", "keycloak", "kubernetes", "ldap", "local", "login", "md5", "mtls", "native", "ntlm",
        "oauth", "oauth2", "oidc", "password", "peer", "plain", "saml", "session", "tls", "token", "trust", "x509",
    ];
    value.len() <= 100
        && value.split([',', ' ', '|', '+']).all(|part| {
            let part = part.trim().to_ascii_lowercase();
            METHODS.contains(&part.as_str()) || part.starts_with("scram") || part.is_empty()
        })
}

/// Whether the name contains the stem of a word for secrets. A cheap check before the name is split into words.
pub fn may_name(name: &str) -> bool {
    const STEMS: [&str; 10] = ["pass", "pat", "pw", "secret", "token", "key", "cred", "auth", "salt", "pepper"];
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        matches!(rest.first(), Some(b'p' | b's' | b't' | b'k' | b'c' | b'a' | b'P' | b'S' | b'T' | b'K' | b'C' | b'A'))
            && STEMS
                .iter()
                .any(|stem| rest.get(..stem.len()).is_some_and(|part| part.eq_ignore_ascii_case(stem.as_bytes())))
    })
}

fn named(words: &[&str], more: &[String]) -> Option<NameMeaning> {
    // The first word is no qualifier: it has nothing to qualify.
    let qualifiers = words.iter().skip(1).rev().take_while(|word| is_qualifier(word)).count();
    let core = words.get(..words.len() - qualifiers).unwrap_or_default();
    let (last, before) = core.split_last()?;
    if more.iter().any(|word| word.eq_ignore_ascii_case(last)) {
        return Some(NameMeaning::Password);
    }
    if let Some(named) = by_last_word(last.trim_end_matches(|c: char| c.is_ascii_digit()), before) {
        return Some(named);
    }
    let is_root_token = |before: &[&str]| matches!(before, [.., root, token] if root.eq_ignore_ascii_case("ROOT") && token.eq_ignore_ascii_case("TOKEN"));
    if last.eq_ignore_ascii_case("ID") && is_root_token(before) {
        return Some(NameMeaning::Key);
    }
    // More words follow the word for a secret. They say what it is for, or that this is not the secret itself.
    if is_one_of(last, &DESCRIPTIONS) || words.last().is_some_and(|last| is_one_of(last, &DESCRIPTIONS)) {
        return None;
    }
    let is = |named: fn(NameMeaning) -> bool| {
        (1..core.len()).any(|end| match core.get(..end).and_then(<[&str]>::split_last) {
            Some((last, before)) => by_last_word(last, before).is_some_and(named),
            None => false,
        })
    };
    if is(|named| named == NameMeaning::Password) && !last.eq_ignore_ascii_case("KEY") {
        return Some(NameMeaning::Password);
    }
    is(|_| true).then_some(NameMeaning::Hint)
}

fn by_last_word(last: &str, before: &[&str]) -> Option<NameMeaning> {
    let what = before.last().copied();
    let is_after = |list: &[&str]| what.is_some_and(|what| is_one_of(what, list));
    let is = |word: &str| last.eq_ignore_ascii_case(word);
    let ends = |ending: &str| without(last, ending).is_some();
    let of_pass = ["DB", "USER", "SMTP", "MAIL", "MYSQL", "ROOT", "ADMIN", "LDAP", "KEY", "STORE", "PG", ""];
    if ["PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "REQUIREPASS", "MASTERAUTH"].into_iter().any(ends)
        || without(last, "PASS").is_some_and(|of| is_one_of(of, &of_pass))
    {
        return Some(NameMeaning::Password);
    }
    // PWD alone is the directory of a shell.
    if is("PWD") || is("PW") {
        return (what.is_some() && !is_after(&["OLD"])).then_some(NameMeaning::Password);
    }
    if is_one_of(last, &["CREDENTIAL", "CREDENTIALS", "CREDS"]) {
        return Some(NameMeaning::Secret);
    }
    if is_one_of(last, &["SECRETS", "TOKENS", "KEYS", "APIKEYS"]) {
        return Some(NameMeaning::Hint);
    }
    // A personal access token. Elsewhere it may be a pattern.
    if is("PAT") {
        return what.map(|_| if is_after(&PATS) { NameMeaning::Key } else { NameMeaning::Hint });
    }
    if is("SALT") || is("PEPPER") || is("AUTHORIZATION") {
        return Some(if is("AUTHORIZATION") { NameMeaning::Auth } else { NameMeaning::Key });
    }
    if is("KEY") {
        return key(before);
    }
    if is("AUTH") {
        return Some(if is_after(&AUTHS) { NameMeaning::Auth } else { NameMeaning::Hint });
    }
    if ends("SECRET") {
        return Some(if is_after(&OBJECTS) { NameMeaning::Hint } else { NameMeaning::Secret });
    }
    if ends("TOKEN") {
        // The cluster token of etcd is a name.
        let meaning = if is_after(&["CLUSTER", "MAX", "MIN"]) { NameMeaning::Hint } else { NameMeaning::Key };
        return (!is_after(&MARKS)).then_some(meaning);
    }
    if ends("ACCESSKEY") {
        return Some(NameMeaning::Hint);
    }
    let of_keys = ["API", "PRIVATE", "SECRET", "ACCOUNT", "ENCRYPTION", "SIGNING", "LICENSE", "MASTER", "AUTH"];
    let is_key = without(last, "KEY").is_some_and(|of| of_keys.into_iter().any(|ending| without(of, ending).is_some()));
    is_key.then_some(NameMeaning::Key)
}

fn key(before: &[&str]) -> Option<NameMeaning> {
    match before.last() {
        // Without SECRET, an access key is the name of a key. Only the nearest words count: a name may have thousands.
        Some(what) if what.eq_ignore_ascii_case("ACCESS") => {
            let is_secret = before.iter().rev().take(4).any(|word| word.eq_ignore_ascii_case("SECRET"));
            Some(if is_secret { NameMeaning::Key } else { NameMeaning::Hint })
        }
        Some(what) if is_one_of(what, &PUBLIC_KEYS) => None,
        Some(what) if is_one_of(what, &KEYS) => Some(NameMeaning::Key),
        _ => Some(NameMeaning::Hint),
    }
}

/// Whether a word is one of a list in capitals, whatever its own letters.
pub fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(word))
}

/// What stands before an ending in capitals.
fn without<'w>(word: &'w str, ending: &str) -> Option<&'w str> {
    let (before, end) = word.split_at_checked(word.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(before)
}
