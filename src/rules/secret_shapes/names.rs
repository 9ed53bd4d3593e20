//! Secrets by the name of a variable, a setting or an option.

use super::values::{is_literal, is_number, is_object_name, looks_random};
use super::vocabulary::{AUTHS, DESCRIPTIONS, KEYS, MARKS, OBJECTS, PUBLIC_KEYS, SECRETS, SWITCHES, is_qualifier};

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
    if !may_be_named || !is_literal(value) {
        return false;
    }
    let words = words(name);
    !is_public_key(&words, value) && named(&words, more).is_some_and(|named| named.holds(&words, value.trim()))
}

/// The same for a setting inside a value, or an option of a program, where `secret`, `token` and `key` have more meanings.
pub fn is_setting_secret(name: &str, value: &str) -> bool {
    if !may_name(name) || !is_literal(value) {
        return false;
    }
    let words = words(name);
    // In connection strings of ADO and ODBC, `pwd` is a password and no directory.
    let alone = || name.eq_ignore_ascii_case("pwd").then_some(NameMeaning::Password);
    let Some(named) = named(&words, &[]).or_else(alone).filter(|_| !is_public_key(&words, value)) else { return false };
    let value = value.trim();
    if words.last().is_some_and(|last| last == "AUTH") {
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
fn is_public_key(words: &[String], value: &str) -> bool {
    let is_of_pgp = |word: &String| ["GPG", "PGP", "OPENPGP", "FINGERPRINT"].contains(&word.as_str());
    words.last().is_some_and(|last| ["KEY", "KEYS", "FINGERPRINT", "FINGERPRINTS"].contains(&last.as_str()))
        && words.iter().any(is_of_pgp)
        && value.split([' ', ',']).filter(|part| !part.is_empty()).all(is_fingerprint)
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
fn is_compound(words: &[String]) -> bool {
    let mut pairs = words.iter().zip(words.iter().skip(1));
    pairs.any(|(what, last)| match last.as_str() {
        "SECRET" => SECRETS.contains(&what.as_str()),
        "TOKEN" => ["ACCESS", "API", "AUTH", "BEARER", "REFRESH", "BOT", "SECRET"].contains(&what.as_str()),
        "KEY" => {
            ["ACCOUNT", "API", "AUTH", "ENCRYPTION", "HMAC", "JWT", "LICENSE", "MASTER", "SECRET", "SHARED", "SIGNING"]
                .contains(&what.as_str())
        }
        _ => false,
    }) || words.iter().any(|word| ["APIKEY", "SECRETKEY", "CLIENTSECRET", "ACCESSTOKEN"].contains(&word.as_str()))
}

impl NameMeaning {
    fn holds(self, words: &[String], value: &str) -> bool {
        if is_own_name(words, value) {
            return false;
        }
        let is_switch = words.iter().any(|word| SWITCHES.contains(&word.as_str()));
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
fn is_own_name(name: &[String], value: &str) -> bool {
    if value.len() > 100 || value.chars().any(char::is_lowercase) || !value.contains(['_', ' ', '-']) {
        return false;
    }
    let value = words(value);
    value.len() >= 2 && (name.ends_with(&value) || (name.len() >= 2 && value.starts_with(name)))
}

/// Whether the value is a placeholder for a token or key: `your-api-key`. As a password it would work.
fn is_example(value: &str) -> bool {
    ["your-", "your_", "insert-", "insert_", "replace-", "replace_", "enter-", "my-own-", "dummy", "example"]
        .iter()
        .any(|start| {
            value.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
                && !looks_random(value)
        })
}

/// Whether the value is the name of a method of authentication.
fn is_method(value: &str) -> bool {
    #[rustfmt::skip]
    const METHODS: [&str; 48] = [
        "anonymous", "approle", "aws", "azure", "basic", "basic-auth", "bearer", "cert", "certificate", "cookie", "cram-md5", "custom",
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
    const STEMS: [&str; 9] = ["pass", "pw", "secret", "token", "key", "cred", "auth", "salt", "pepper"];
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        matches!(rest.first(), Some(b'p' | b's' | b't' | b'k' | b'c' | b'a' | b'P' | b'S' | b'T' | b'K' | b'C' | b'A'))
            && STEMS
                .iter()
                .any(|stem| rest.get(..stem.len()).is_some_and(|part| part.eq_ignore_ascii_case(stem.as_bytes())))
    })
}

fn named(words: &[String], more: &[String]) -> Option<NameMeaning> {
    // The first word is no qualifier: it has nothing to qualify.
    let qualifiers = words.iter().skip(1).rev().take_while(|word| is_qualifier(word)).count();
    let core = words.get(..words.len() - qualifiers).unwrap_or_default();
    let (last, before) = core.split_last()?;
    if more.iter().any(|word| word == last) {
        return Some(NameMeaning::Password);
    }
    if let Some(named) = by_last_word(last.trim_end_matches(|c: char| c.is_ascii_digit()), before) {
        return Some(named);
    }
    if before.ends_with(&["ROOT".to_owned(), "TOKEN".to_owned()]) && last == "ID" {
        return Some(NameMeaning::Key);
    }
    // More words follow the word for a secret. They say what it is for, or that this is not the secret itself.
    if DESCRIPTIONS.contains(&last.as_str()) || words.last().is_some_and(|last| DESCRIPTIONS.contains(&last.as_str())) {
        return None;
    }
    let is = |named: fn(NameMeaning) -> bool| {
        (1..core.len()).any(|end| match core.get(..end).and_then(<[String]>::split_last) {
            Some((last, before)) => by_last_word(last, before).is_some_and(named),
            None => false,
        })
    };
    if is(|named| named == NameMeaning::Password) && last != "KEY" {
        return Some(NameMeaning::Password);
    }
    is(|_| true).then_some(NameMeaning::Hint)
}

fn by_last_word(last: &str, before: &[String]) -> Option<NameMeaning> {
    let what = before.last().map(String::as_str);
    let ends = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    if ends(&["PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "REQUIREPASS", "MASTERAUTH"])
        || last == "PASS"
        || ["DB", "USER", "SMTP", "MAIL", "MYSQL", "ROOT", "ADMIN", "LDAP", "KEY", "STORE", "PG"]
            .iter()
            .any(|of| last.strip_suffix("PASS") == Some(of))
    {
        return Some(NameMeaning::Password);
    }
    match last {
        // PWD alone is the directory of a shell.
        "PWD" | "PW" => before.last().is_some_and(|what| what != "OLD").then_some(NameMeaning::Password),
        "CREDENTIAL" | "CREDENTIALS" | "CREDS" => Some(NameMeaning::Secret),
        "SECRETS" | "TOKENS" | "KEYS" | "APIKEYS" => Some(NameMeaning::Hint),
        "SALT" | "PEPPER" => Some(NameMeaning::Key),
        "KEY" => key(what, before),
        "AUTH" => {
            Some(if what.is_some_and(|what| AUTHS.contains(&what)) { NameMeaning::Auth } else { NameMeaning::Hint })
        }
        "AUTHORIZATION" => Some(NameMeaning::Auth),
        _ if last.ends_with("SECRET") => Some(match what {
            Some(what) if OBJECTS.contains(&what) => NameMeaning::Hint,
            _ => NameMeaning::Secret,
        }),
        _ if last.ends_with("TOKEN") => match what {
            Some(what) if MARKS.contains(&what) => None,
            // The cluster token of etcd is a name.
            Some("CLUSTER" | "MAX" | "MIN") => Some(NameMeaning::Hint),
            _ => Some(NameMeaning::Key),
        },
        _ if last.ends_with("ACCESSKEY") => Some(NameMeaning::Hint),
        _ => ["API", "PRIVATE", "SECRET", "ACCOUNT", "ENCRYPTION", "SIGNING", "LICENSE", "MASTER", "AUTH"]
            .iter()
            .any(|of| last.strip_suffix("KEY").is_some_and(|what| what.ends_with(of)))
            .then_some(NameMeaning::Key),
    }
}

fn key(what: Option<&str>, before: &[String]) -> Option<NameMeaning> {
    match what {
        // Without SECRET, an access key is the name of a key. Only the nearest words count: a name may have thousands.
        Some("ACCESS") if before.iter().rev().take(4).any(|word| word == "SECRET") => Some(NameMeaning::Key),
        Some(what) if PUBLIC_KEYS.contains(&what) => None,
        Some(what) if KEYS.contains(&what) => Some(NameMeaning::Key),
        _ => Some(NameMeaning::Hint),
    }
}

/// The words of a name, in capitals: DB and PASSWORD of `dbPassword`, `DB_PASSWORD` and `db.password`.
pub fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let ends = !c.is_alphanumeric() || (was_lower && c.is_uppercase());
        if ends && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_uppercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
