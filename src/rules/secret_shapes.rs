//! What passwords, tokens and keys look like, by the name of a variable and by its value.

/// Whether a variable of this name holds a secret: its last words say so. `more` are further such words, in capitals.
pub fn is_secret_name(name: &str, more: &[String]) -> bool {
    let mut words = words(name);
    while words.len() > 1 && words.last().is_some_and(|word| is_suffix(word)) {
        words.pop();
    }
    let Some((last, before)) = words.split_last() else { return false };
    if more.iter().any(|word| word == last) || ENDINGS.iter().any(|ending| last.ends_with(ending)) {
        return true;
    }
    match (last.as_str(), before.last().map(String::as_str)) {
        ("PASS" | "CREDENTIAL" | "CREDENTIALS" | "CREDS", _) => true,
        // PWD alone is the shell's directory.
        ("PWD" | "PW", before) => before.is_some(),
        ("KEY", what) => what.is_none_or(|what| KEYS.contains(&what)),
        _ => false,
    }
}

/// Words that end with one of these are secrets whatever stands before: `PGPASSWORD`, `apiKey`.
const ENDINGS: [&str; 8] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "PRIVATEKEY", "SECRETKEY"];

/// What a key is of when it is secret; `PUBLIC_KEY`, `SORT_KEY` and `CACHE_KEY` are not.
#[rustfmt::skip]
const KEYS: [&str; 30] = [
    "ACCESS", "ACCOUNT", "ADMIN", "AES", "API", "APP", "AUTH", "CLIENT", "COOKIE", "DECRYPTION", "DEPLOY", "ENCRYPTION",
    "HMAC", "JWT", "LICENSE", "MASTER", "PRIVATE", "ROOT", "RSA", "SECRET", "SERVICE", "SESSION", "SHARED", "SIGNING",
    "SSH", "SSL", "STORAGE", "TLS", "WEBHOOK", "WRITE",
];

/// Words that only tell which or how: `PASSWORD_2`, `TOKEN_BASE64`.
fn is_suffix(word: &str) -> bool {
    matches!(word, "VALUE" | "BASE64" | "B64" | "OLD" | "NEW" | "CURRENT" | "PREVIOUS")
        || word.bytes().all(|b| b.is_ascii_digit())
}

/// `dbPassword`, `DB_PASSWORD` and `db.password` as DB, PASSWORD.
fn words(name: &str) -> Vec<String> {
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

/// What kind of secret this value is, by its own shape.
pub fn secret_value(value: &str) -> Option<&'static str> {
    if value.len() < SHORTEST {
        return None;
    }
    if value.len() >= 22 && value.contains("-----BEGIN ") && value.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    PREFIXES
        .iter()
        // Most values are short; searching them costs more than counting.
        .find(|(prefix, length, _)| value.len() >= prefix.len() + length && has_token(value, prefix, *length))
        .map(|(_, _, what)| *what)
        .or_else(|| has_web_token(value).then_some("a JSON web token"))
        .or_else(|| has_url_password(value).then_some("a URL with a password"))
        .or_else(|| has_assignment(value).then_some("a connection string with a password"))
}

/// No shape below is shorter: `://:x@`, `pwd=x`.
const SHORTEST: usize = 5;

/// How tokens of well-known services begin, how long the rest is at least, and what they are.
const PREFIXES: [(&str, usize, &str); 22] = [
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("AIza", 35, "a Google API key"),
    ("ya29.", 20, "a Google access token"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghu_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("ghr_", 36, "a GitHub token"),
    ("github_pat_", 22, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 10, "a Slack token"),
    ("xoxp-", 10, "a Slack token"),
    ("xapp-", 10, "a Slack token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("sk-", 32, "an API key"),
    ("npm_", 36, "an npm token"),
    ("hvs.", 24, "a Vault token"),
    ("dop_v1_", 64, "a DigitalOcean token"),
    ("shpat_", 32, "a Shopify token"),
    ("AGE-SECRET-KEY-1", 50, "an age key"),
];

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn has_token(value: &str, prefix: &str, length: usize) -> bool {
    value.match_indices(prefix).any(|(at, _)| {
        let begins = value.get(..at).and_then(|head| head.chars().next_back()).is_none_or(|c| !is_token_char(c));
        let rest = value.get(at + prefix.len()..).unwrap_or_default();
        begins && rest.chars().take(length).filter(|c| is_token_char(*c)).count() == length
    })
}

/// Three parts of base64, of which the first is a JSON object. Each part is looked at once.
fn has_web_token(value: &str) -> bool {
    const PART: usize = 16;
    let long = |part: &str| part.len() >= PART;
    let mut before = ["", ""];
    value.len() >= 3 * PART
        && value.split_inclusive(|c| !is_token_char(c)).any(|part| {
            let own = part.strip_suffix(|c| !is_token_char(c)).unwrap_or(part);
            let [first, second] = before.map(|part| part.strip_suffix('.').unwrap_or_default());
            // Of several beginnings the earliest has the longest part.
            let object = || first.find("eyJ").and_then(|at| first.get(at..));
            let found = long(own) && long(second) && object().is_some_and(long);
            before = [before[1], part];
            found
        })
}

/// `scheme://user:password@host`, where the password is no reference to another variable.
fn has_url_password(value: &str) -> bool {
    value.contains('@')
        && value.match_indices("://").any(|(at, found)| {
            let rest = value.get(at + found.len()..).unwrap_or_default();
            let authority =
                rest.split(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace()).next().unwrap_or_default();
            let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
            password.is_some_and(|(_, password)| is_literal(password))
        })
}

/// `Password=...;` in a connection string or a query.
fn has_assignment(value: &str) -> bool {
    if !value.contains('=') {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    ["password=", "pwd=", "accountkey=", "sharedaccesskey="].iter().any(|key| {
        lower.match_indices(key).any(|(at, _)| {
            let rest = value.get(at + key.len()..).unwrap_or_default();
            is_literal(rest.split([';', '&', ' ', ',']).next().unwrap_or_default())
        })
    })
}

/// Whether this is a value of its own: not empty, not a switch, not `$(OTHER)`.
pub fn is_literal(value: &str) -> bool {
    let value = value.trim();
    let is_switch = ["true", "false", "yes", "no", "on", "off"].iter().any(|word| value.eq_ignore_ascii_case(word));
    let is_reference = value
        .strip_prefix("$(")
        .and_then(|rest| rest.strip_suffix(')'))
        .is_some_and(|name| !name.is_empty() && !name.contains(['(', ')']));
    !(value.is_empty() || is_switch || is_reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "PGPASSWORD",
            "dbPassword",
            "smtp.pass",
            "DB_PWD",
            "GITHUB_TOKEN",
            "CLIENT_SECRET",
            "API_KEY",
            "apiKey",
            "X-Api-Key",
            "AWS_SECRET_ACCESS_KEY",
            "ENCRYPTION_KEY",
            "GOOGLE_CREDENTIALS",
            "PASSWORD_2",
            "TOKEN_BASE64",
            "KEY",
            "PASS",
        ] {
            assert!(is_secret_name(name, &[]), "{name}");
        }
        for name in [
            "",
            "_",
            "PWD",
            "OLDPWD",
            "PASSWORD_FILE",
            "TOKEN_URL",
            "TOKEN_TTL",
            "SECRET_NAME",
            "MAX_TOKENS",
            "PUBLIC_KEY",
            "CACHE_KEY",
            "KEYBOARD",
            "BYPASS",
            "AWS_ACCESS_KEY_ID",
            "PASSWORD_MIN_LENGTH",
            "2",
        ] {
            assert!(!is_secret_name(name, &[]), "{name}");
        }
        assert!(is_secret_name("STRIPE_PIN", &["PIN".to_owned()]));
        // Alone it is the whole name, and tells of nothing else.
        assert!(is_secret_name("NEW", &["NEW".to_owned()]));
    }

    #[test]
    fn shapes_of_secrets() {
        for (value, what) in [
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
            ("{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIE\"}", "a private key"),
            (concat!("AK", "IAIOSFODNN7EXAMPLE"), "an AWS access key"),
            (concat!("token gh", "p_0123456789abcdefghijABCDEFGHIJ012345"), "a GitHub token"),
            (concat!("ey", "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4fw"), "a JSON web token"),
            ("postgres://app:hunter2@db:5432/app", "a URL with a password"),
            ("Server=db;User=sa;Password=hunter2;", "a connection string with a password"),
            ("://:x@", "a URL with a password"),
            ("pwd=x", "a connection string with a password"),
        ] {
            assert_eq!(secret_value(value), Some(what), "{value}");
        }
        for value in [
            "",
            "-----BEGIN CERTIFICATE-----",
            "AKIA",
            "postgres://app@db/app",
            "postgres://app:$(PW)@db/app",
            "https://example.com/a:b@c",
            "Server=db;Password=$(PW);",
            "eyJ.eyJ.x",
            "task-sk-short",
            "how we keep a PRIVATE KEY",
            concat!("xAK", "IAIOSFODNN7EXAMPLE"),
            concat!("AK", "IA and then other words of any length"),
            "a value that is as long as a web token and is nothing of the sort",
            // A part is too short, or something else than a dot stands between them.
            "eyJhbGciOi.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4fw.and.more",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.SflKxwRJSMeKKF2QT4fw.and.more",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSM and more",
            "eyJhbGciOiJIUzI1NiJ9 eyJzdWIiOiIxMjM0NTY3 SflKxwRJSMeKKF2QT4fw",
            "password=true",
        ] {
            assert_eq!(secret_value(value), None, "{value}");
        }
    }

    #[test]
    fn references_are_no_literals() {
        assert!(is_literal("hunter2") && is_literal("$(A)$(B)") && is_literal("$()"));
        assert!(!is_literal("$(DB_PASSWORD)") && !is_literal(" ") && !is_literal("False"));
    }

    /// Were a shape looked for from each place anew, this would not end.
    #[test]
    fn no_value_takes_more_than_a_few_looks() {
        const SIZE: usize = 1 << 20;
        let beginnings = PREFIXES.iter().map(|(prefix, ..)| *prefix);
        for part in beginnings.chain([
            "eyJ",
            "eyJ.",
            "eyJ-",
            "://",
            "://a:@",
            "a:@",
            "password=;",
            "password=$(",
            "-----BEGIN ",
        ]) {
            let value = part.repeat(SIZE / part.len());
            std::hint::black_box(secret_value(&value));
        }
    }

    #[test]
    fn a_web_token_is_found_wherever_it_stands() {
        let part = "JhbGciOiJIUzI1NiJ9";
        for before in ["", "Bearer ", "x.y.", "token-", "eyJ.", "a.eyJ"] {
            for after in ["", " more", ".x"] {
                let value = format!("{before}eyJ{part}.{part}.{part}{after}");
                assert_eq!(secret_value(&value), Some("a JSON web token"), "{value}");
            }
        }
        // The last part is no shorter than the others may be, and what ends it is none of it.
        let last = |last: &str| secret_value(&format!("eyJ{part}.{part}.{last}"));
        assert_eq!(last("0123456789abcdef"), Some("a JSON web token"));
        assert_eq!([last("0123456789abcde"), last("0123456789abcde ")], [None, None]);
        for value in [
            format!("eyJ{part}.{part}"),
            format!("eyJ{part}.short.{part}"),
            format!("eyJ{part} {part}.{part}"),
            format!("eyJ.{part}.{part}.{part}"),
        ] {
            assert_eq!(secret_value(&value), None, "{value}");
        }
    }
}
