//! Separates literal values from references, placeholders, paths and other values that cannot be a secret.

use super::public;

/// Whether the value itself may be a secret: it is not empty, and no switch, reference, placeholder, path or address.
pub fn is_literal(value: &str) -> bool {
    let value = unquoted(value.trim());
    !(value.is_empty()
        || is_switch(value)
        || is_placeholder(value)
        || is_stored_elsewhere(value)
        || is_path(value)
        || is_address(value)
        || is_template(value))
}

/// Whether it is the hash of a password, as `/etc/shadow` has it: `$6$salt$...`.
pub fn is_crypt(value: &str) -> bool {
    let rest = value.strip_prefix('$').unwrap_or_default();
    let is_of_hash = |b: u8| b.is_ascii_alphanumeric() || b"./$=,+".contains(&b);
    let is_kind =
        |kind: &str| (1..=8).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    rest.len() >= 20
        && rest.split_once('$').is_some_and(|(kind, hash)| is_kind(kind) && hash.contains(['$', '.', '/']))
        && rest.bytes().all(|b| is_of_hash(b) || b == b'-')
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

/// Words that switch something on or off, or mean that there is no value.
fn is_switch(value: &str) -> bool {
    const WORDS: [&str; 18] = [
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "enabled",
        "disabled",
        "enable",
        "disable",
        "none",
        "null",
        "nil",
        "undefined",
        "required",
        "optional",
    ];
    value.len() <= 9 && WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

pub fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit())
}

/// What stands around a name that a template replaces by a value.
const MARKS: [(&str, &str); 4] = [("__", "__"), ("@@", "@@"), ("((", "))"), ("[[", "]]")];

/// Texts that are no password but mark the place of one.
fn is_placeholder(value: &str) -> bool {
    let first = value.chars().next().unwrap_or_default();
    let same =
        ("*?!_-".contains(first) || "xX.#".contains(first) && value.len() > 2) && value.chars().all(|c| c == first);
    let zeros = value.len() >= 8 && value.bytes().all(|b| b == b'0' || b == b'-');
    let marked = MARKS.iter().any(|(open, close)| {
        let inner = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).unwrap_or_default();
        inner.contains(|c: char| c != '_') && inner.split_whitespace().all(is_identifier)
    });
    // `@db.password@` of Maven, and `@DB_PASSWORD@` of autoconf and CMake.
    let filtered = value
        .strip_prefix('@')
        .and_then(|rest| rest.strip_suffix('@'))
        .is_some_and(|name| is_identifier(name) && (name.contains('.') || !name.contains(char::is_lowercase)));
    let bracketed = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(is_identifier);
    same || zeros
        || matches!(value, "{}" | "[]")
        || marked
        || filtered
        || bracketed
        || is_place(value)
        || value.starts_with(".Values.")
        || public::is_placeholder(value)
}

/// Whether `printf` writes another text here: `%s`, `%-20s`.
fn is_place(value: &str) -> bool {
    let Some(behind) = value.strip_prefix('%') else { return false };
    let kind = behind.trim_start_matches(|c: char| c.is_ascii_digit() || " #*+-.".contains(c));
    let rest = kind.strip_prefix(['b', 'c', 'd', 'i', 'q', 's', 'u', 'x']);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['\\', '|']))
}

/// Letters, digits, `_`, `.` and `-`.
fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// The longest reference that is recognised, in bytes: `{{ .Values.database.password | quote }}`.
const REFERENCE: usize = 160;

/// Values longer than this count as literal.
const TEMPLATE: usize = 16 * 1024;

/// Whether the value consists of references, and of other text that is no secret by itself: `$(A)-$(B)`.
fn is_template(value: &str) -> bool {
    if value.len() > TEMPLATE {
        return false;
    }
    let mut rest = value;
    let mut found = false;
    let mut random = false;
    while let Some(at) = rest.find(['$', '{', '<', '%']) {
        let (before, from) = rest.split_at(at);
        random |= looks_random(before);
        let length = match reference(from).or_else(|| shell_variable(from).filter(|_| from.len() == value.len())) {
            Some((_, Some(default))) if is_plain_default(default) => return false,
            Some((length, _)) => {
                found = true;
                length
            }
            // The character begins no reference.
            None => 1,
        };
        rest = from.get(length..).unwrap_or_default();
    }
    found && !random && !looks_random(rest)
}

/// Whether the default of a reference is a literal value: `${PASSWORD:-hunter2}`.
fn is_plain_default(default: &str) -> bool {
    !default.contains(['$', '{', '<', '%']) && is_literal(default)
}

/// The reference at the beginning of a text: its length, and its default value.
fn reference(text: &str) -> Option<(usize, Option<&str>)> {
    let near = text.get(..floor(text, REFERENCE)).unwrap_or(text);
    let closed = |open: &str, close: &str| {
        let inner = near.strip_prefix(open)?;
        let end = inner.find(close)?;
        let inner = inner.get(..end).filter(|inner| !inner.trim().is_empty())?;
        Some((open.len() + end + close.len(), inner))
    };
    let whole = |(length, _)| (length, None);
    let named = |(_, inner): &(usize, &str)| is_identifier(inner);
    None.or_else(|| closed("${{", "}}").map(whole))
        .or_else(|| closed("{{", "}}").map(whole))
        .or_else(|| closed("$(", ")").map(whole))
        .or_else(|| closed("${", "}").map(|(length, inner)| (length, default_of(inner))))
        .or_else(|| closed("<", ">").filter(|(_, inner)| !inner.contains(['<', '\n'])).map(whole))
        .or_else(|| closed("{", "}").filter(named).map(whole))
        .or_else(|| closed("%(", ")s").filter(named).map(whole))
        .or_else(|| closed("%", "%").filter(named).map(whole))
}

/// A shell variable at the beginning of a text: `$1`, `$DB_PASSWORD`. With small letters it must be the whole text, because
/// `$word` can be part of a password.
fn shell_variable(text: &str) -> Option<(usize, Option<&str>)> {
    let name = text.strip_prefix('$')?;
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    let name = name.get(..end).filter(|name| !name.is_empty())?;
    let is_variable = is_number(name) || !name.contains(char::is_lowercase) || text.len() == end + 1;
    is_variable.then_some((end + 1, None))
}

/// The default value in a reference: `b` in `A:-b` of a shell, `c` in `a.b:c` of Spring.
fn default_of(inner: &str) -> Option<&str> {
    let (_, default) = inner.split_once(':')?;
    let default = default.strip_prefix(['-', '=']).unwrap_or(default);
    let is_other =
        default.starts_with(['?', '+', ' ', '/']) || default.bytes().all(|b| b.is_ascii_digit() || b == b':');
    (!is_other).then_some(default)
}

/// The last boundary between characters at or before `at`.
pub fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// Whether the value refers to a store of secrets, or is encrypted.
fn is_stored_elsewhere(value: &str) -> bool {
    #[rustfmt::skip]
    const BEGINNINGS: [&str; 42] = [
        "vault:", "vault://", "op://", "arn:", "ref+", "secretref", "secret://", "secrets://", "ssm:", "ssm://", "awssm:",
        "aws-sm:", "aws-ssm:", "awsssm:", "asm:", "secretsmanager:", "aws-secretsmanager:", "sm://", "sm@", "gsm:", "gsm://", "gcpsm:",
        "gcp-sm:", "gcpsecretmanager:", "akv:", "akv://", "azurekeyvault:", "azurekv://", "keyvault:", "kv://", "@microsoft.keyvault(", "hcvault:",
        "hashivault:", "berglas://", "doppler:", "infisical:", "bitwarden:", "conjur:", "k8s:", "kubernetes:", "env:", "file:",
    ];
    // Encrypted: Jasypt, Datadog, sops, Spring Cloud Config, KMS, age, sealed.
    const ENCRYPTED: [&str; 5] = ["ENC(", "ENC[", "{cipher}", "AQICAH", "age-encryption.org/"];
    let near = value.get(..floor(value, 24)).unwrap_or(value).to_ascii_lowercase();
    BEGINNINGS.iter().any(|beginning| near.starts_with(beginning))
        || ENCRYPTED.iter().any(|beginning| value.starts_with(beginning))
        || value.strip_prefix("encrypted:").is_some_and(is_ciphertext)
        || value.rsplit_once('@').is_some_and(|(_, store)| store.eq_ignore_ascii_case("azurekeyvault"))
        || (value.starts_with("projects/") && value.contains("/secrets/"))
}

/// Whether it is what dotenvx writes: a public key with a ciphertext, in base64.
fn is_ciphertext(text: &str) -> bool {
    text.len() >= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

/// Whether the value is the path of a file.
fn is_path(value: &str) -> bool {
    #[rustfmt::skip]
    const FILES: [&str; 27] = [
        "cer", "cert", "cfg", "conf", "crt", "env", "ini", "jks", "js", "json", "jwt", "key", "keystore", "keytab", "p12", "pem",
        "pfx", "properties", "pub", "py", "sh", "sql", "toml", "txt", "xml", "yaml", "yml",
    ];
    let is_windows = || value.get(1..3).is_some_and(|rest| matches!(rest, ":\\" | ":/"));
    let plain =
        value.bytes().all(|b| b.is_ascii_alphanumeric() || b"/\\._-:+@~ ".contains(&b)) && !looks_like_base64(value);
    let is_absolute =
        || value.starts_with(['/', '~']) || value.starts_with("./") || value.starts_with("../") || is_windows();
    let names_a_file = || {
        value.rsplit_once('.').is_some_and(|(name, end)| is_identifier(&name.replace('/', "")) && FILES.contains(&end))
    };
    // `auth/kubernetes`: words in small letters between slashes.
    let is_relative = || {
        value.contains('/')
            && value
                .split('/')
                .all(|part| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase() || b"_.-".contains(&b)))
    };
    (plain && is_absolute()) || names_a_file() || is_relative()
}

/// Base64 contains slashes as well, but no words between them.
fn looks_like_base64(value: &str) -> bool {
    value.len() >= 20 && (value.ends_with('=') || value.contains('+') || value.split('/').any(is_mixed))
}

/// Whether the value is a URL. A password in a URL is recognised by its shape, in `urls`.
fn is_address(value: &str) -> bool {
    let scheme = value.split_once("://").map(|(scheme, _)| scheme.strip_prefix("jdbc:").unwrap_or(scheme));
    scheme.is_some_and(|scheme| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
    })
}

/// Whether the value looks generated: a part with digits and letters that is longer than a word, or that mixes digits, capitals
/// and small letters.
pub fn looks_random(value: &str) -> bool {
    const LONG: usize = 16;
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-.~".contains(&b);
    if value.len() < 12 || !value.bytes().all(alphabet) {
        return false;
    }
    let long = |part: &str| {
        let has = |is: fn(&u8) -> bool| part.bytes().any(|b| is(&b));
        part.len() >= LONG && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    value.split(['-', '_', '.', '/', '+', '=', '~']).any(|part| is_mixed(part) || long(part)) || is_uuid(value)
}

/// Whether the part has digits, capitals and small letters.
fn is_mixed(part: &str) -> bool {
    let has = |is: fn(&u8) -> bool| part.bytes().any(|b| is(&b));
    part.len() >= 12 && has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// Whether the value has the five groups of a UUID, of hexadecimal digits or of other letters and digits.
fn is_uuid(value: &str) -> bool {
    let groups = || value.split('-');
    groups().count() == 5
        && value.len() >= 30
        && groups().all(|group| group.len() >= 4 && group.bytes().all(|b| b.is_ascii_alphanumeric()))
        && groups().filter(|group| group.bytes().any(|b| b.is_ascii_digit())).count() >= 3
}

/// Whether the value looks like the name of an object in the cluster: `webhook-server-cert`, `regcred`.
pub fn is_object_name(value: &str) -> bool {
    #[rustfmt::skip]
    const ENDINGS: [&str; 12] =
        ["ca", "cert", "certs", "config", "credentials", "creds", "crt", "pull", "regcred", "secrets", "tls", "memberlist"];
    let is_name =
        value.len() <= 253 && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    is_name && value.rsplit(['-', '.']).next().is_some_and(|last| ENDINGS.contains(&last)) && !looks_random(value)
}
