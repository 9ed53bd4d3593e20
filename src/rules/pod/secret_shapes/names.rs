//! Names of variables, settings and options that hold a secret.

use super::values::{is_literal, is_number, is_object_name, looks_random};

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// Whatever stands there is one, a number too.
    Password,
    /// A secret that is no name of an object.
    Secret,
    /// A token or key: no short number.
    Key,
    /// `user:password` or a password; no name of a method.
    Auth,
    /// A secret only if the value looks like one: the name may mean something else.
    Hint,
}

/// Whether a variable with this name and value holds a secret. `more` are further last words of names, in capitals.
pub fn is_named_secret(name: &str, value: &str, more: &[String]) -> bool {
    let may_be_named = may_name(name) || !more.is_empty();
    if !may_be_named || !is_literal(value) {
        return false;
    }
    let words = words(name);
    named(&words, more).is_some_and(|named| named.holds(&words, value.trim()))
}

/// The same for a setting inside a value, or an option of a program, where `secret`, `token` and `key` mean many things.
pub fn is_setting_secret(name: &str, value: &str) -> bool {
    if !may_name(name) || !is_literal(value) {
        return false;
    }
    let words = words(name);
    // In ADO's and ODBC's strings it is no directory.
    let alone = || name.eq_ignore_ascii_case("pwd").then_some(Named::Password);
    let Some(named) = named(&words, &[]).or_else(alone) else { return false };
    let value = value.trim();
    if words.last().is_some_and(|last| last == "AUTH") {
        return super::encoded::is_basic(value);
    }
    match named {
        Named::Password | Named::Auth => named.holds(&words, value),
        // `secretKey` is mostly a key of a Secret.
        Named::Secret | Named::Key if is_compound(&words) && name != "secretKey" => named.holds(&words, value),
        Named::Secret | Named::Key => looks_random(value),
        // Alone it may be a key of a map.
        Named::Hint => words.len() > 1 && looks_random(value),
    }
}

/// `client_secret`, `api_key`, `accessToken`: of two words that leave no doubt.
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

impl Named {
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
            Self::Hint => looks_random(value),
        }
    }
}

fn is_switch_number(is_switch: bool, digits: usize) -> bool {
    is_switch && digits != usize::MAX
}

/// `HF_TOKEN=HF_TOKEN`, `GOOGLE_API_KEY=GOOGLE_API_KEY_VAL`: in capitals, what is to be put there.
fn is_own_name(name: &[String], value: &str) -> bool {
    if value.len() > 100 || value.chars().any(char::is_lowercase) || !value.contains(['_', ' ', '-']) {
        return false;
    }
    let value = words(value);
    value.len() >= 2 && (name.ends_with(&value) || (name.len() >= 2 && value.starts_with(name)))
}

/// `your-api-key` is no key; as a password it would work.
fn is_example(value: &str) -> bool {
    ["your-", "your_", "insert-", "insert_", "replace-", "replace_", "enter-", "my-own-", "dummy", "example"]
        .iter()
        .any(|start| {
            value.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
                && !looks_random(value)
        })
}

/// How somebody is to prove who he is, or that nobody has to.
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

/// Cheap, before the name is taken apart: whether any of the stems is in it.
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

fn named(words: &[String], more: &[String]) -> Option<Named> {
    // Alone it is the whole name, and qualifies nothing else.
    let qualifiers = words.iter().skip(1).rev().take_while(|word| is_qualifier(word)).count();
    let core = words.get(..words.len() - qualifiers).unwrap_or_default();
    let (last, before) = core.split_last()?;
    if more.iter().any(|word| word == last) {
        return Some(Named::Password);
    }
    if let Some(named) = by_last_word(last.trim_end_matches(|c: char| c.is_ascii_digit()), before) {
        return Some(named);
    }
    if before.ends_with(&["ROOT".to_owned(), "TOKEN".to_owned()]) && last == "ID" {
        return Some(Named::Key);
    }
    // What follows says more about the secret: whose it is, or that this is not it.
    if DESCRIPTIONS.contains(&last.as_str()) || words.last().is_some_and(|last| DESCRIPTIONS.contains(&last.as_str())) {
        return None;
    }
    let is = |named: fn(Named) -> bool| {
        (1..core.len()).any(|end| match core.get(..end).and_then(<[String]>::split_last) {
            Some((last, before)) => by_last_word(last, before).is_some_and(named),
            None => false,
        })
    };
    if is(|named| named == Named::Password) && last != "KEY" {
        return Some(Named::Password);
    }
    is(|_| true).then_some(Named::Hint)
}

fn by_last_word(last: &str, before: &[String]) -> Option<Named> {
    let what = before.last().map(String::as_str);
    let ends = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    if ends(&["PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "REQUIREPASS", "MASTERAUTH"])
        || last == "PASS"
        || ["DB", "USER", "SMTP", "MAIL", "MYSQL", "ROOT", "ADMIN", "LDAP", "KEY", "STORE", "PG"]
            .iter()
            .any(|of| last.strip_suffix("PASS") == Some(of))
    {
        return Some(Named::Password);
    }
    match last {
        // PWD alone is the shell's directory.
        "PWD" | "PW" => before.last().is_some_and(|what| what != "OLD").then_some(Named::Password),
        "CREDENTIAL" | "CREDENTIALS" | "CREDS" => Some(Named::Secret),
        "SECRETS" | "TOKENS" | "KEYS" | "APIKEYS" => Some(Named::Hint),
        "SALT" | "PEPPER" => Some(Named::Key),
        "KEY" => key(what, before),
        "AUTH" => Some(if what.is_some_and(|what| AUTHS.contains(&what)) { Named::Auth } else { Named::Hint }),
        "AUTHORIZATION" => Some(Named::Auth),
        _ if last.ends_with("SECRET") => Some(match what {
            Some(what) if OBJECTS.contains(&what) => Named::Hint,
            _ => Named::Secret,
        }),
        _ if last.ends_with("TOKEN") => match what {
            Some(what) if MARKS.contains(&what) => None,
            // The one of an etcd cluster is its name.
            Some("CLUSTER" | "MAX" | "MIN") => Some(Named::Hint),
            _ => Some(Named::Key),
        },
        _ if last.ends_with("ACCESSKEY") => Some(Named::Hint),
        _ => ["API", "PRIVATE", "SECRET", "ACCOUNT", "ENCRYPTION", "SIGNING", "LICENSE", "MASTER", "AUTH"]
            .iter()
            .any(|of| last.strip_suffix("KEY").is_some_and(|what| what.ends_with(of)))
            .then_some(Named::Key),
    }
}

fn key(what: Option<&str>, before: &[String]) -> Option<Named> {
    match what {
        // Beside it, an access key is a name.
        // The words next to it are enough: a name may have thousands.
        Some("ACCESS") if before.iter().rev().take(4).any(|word| word == "SECRET") => Some(Named::Key),
        Some(what) if PUBLIC_KEYS.contains(&what) => None,
        Some(what) if KEYS.contains(&what) => Some(Named::Key),
        _ => Some(Named::Hint),
    }
}

/// What a key is of when it is secret. One of SSH or TLS is a long text, or else the name of one.
#[rustfmt::skip]
const KEYS: [&str; 26] = [
    "ACCOUNT", "ADMIN", "AES", "API", "APP", "AUTH", "COOKIE", "CRYPT", "DB", "DECRYPTION", "ENC", "ENCRYPTION", "FERNET",
    "HMAC", "JWT", "LICENSE", "MASTER", "NONCE", "OTP", "PRIVATE", "SECRET", "SESSION", "SHARED", "SIGNING", "STORAGE",
    "WEBHOOK",
];

/// Keys that are no secrets, however they look.
#[rustfmt::skip]
const PUBLIC_KEYS: [&str; 24] = [
    "ANNOTATION", "CACHE", "CONFIG", "FOREIGN", "GROUP", "HASH", "IDEMPOTENCY", "INDEX", "LABEL", "MAP", "OBJECT", "PARTITION",
    "PRIMARY", "PUB", "PUBLIC", "PUBLISHABLE", "ROUTING", "ROW", "S3", "SITE", "SORT", "TAG", "TAINT", "TOPOLOGY",
];

/// What a secret is of when it is the secret itself and no object's name.
#[rustfmt::skip]
const SECRETS: [&str; 22] = [
    "ACCESS", "API", "APP", "AUTH", "CLIENT", "CONSUMER", "COOKIE", "CSRF", "HMAC", "HTTP", "JWT", "MASTER",
    "OAUTH", "OAUTH2", "OIDC", "REFRESH", "RPC", "SESSION", "SHARED", "SIGNING", "TOKEN", "WEBHOOK",
];

/// What a secret is of when it is an object of the cluster.
#[rustfmt::skip]
const OBJECTS: [&str; 14] = [
    "CA", "CERT", "CERTIFICATE", "CERTS", "IMAGE", "INGRESS", "K8S", "KUBE", "KUBERNETES", "PULL", "REGISTRY", "SERVING", "SSL", "TLS",
];

/// Tokens of language models and parsers.
#[rustfmt::skip]
const MARKS: [&str; 14] =
    ["BEGIN", "BOS", "CLS", "END", "EOS", "MASK", "PAD", "SEP", "SPECIAL", "START", "STOP", "THINK", "UNK", "VIDEO"];

/// What a password for is called `AUTH`.
#[rustfmt::skip]
const AUTHS: [&str; 14] = [
    "BASIC", "CASSANDRA", "DB", "DOCKER", "ELASTIC", "ELASTICSEARCH", "KAFKA", "MEMCACHED", "MONGO", "MONGODB", "NATS", "NEO4J",
    "REDIS", "VALKEY",
];

/// Words that make a switch or a limit of a name: `ALLOW_EMPTY_PASSWORD`, `MAX_TOKEN`.
#[rustfmt::skip]
const SWITCHES: [&str; 26] = [
    "ALLOW", "ALLOWED", "CREATE", "DISABLE", "DISABLED", "EMPTY", "ENABLE", "ENABLED", "FORCE", "GENERATE", "HAS", "HIDE",
    "IGNORE", "IS", "MASK", "MAX", "MIN", "NO", "NUM", "RANDOM", "REQUIRE", "REQUIRED", "SHOW", "SKIP", "USE", "WITHOUT",
];

/// Words that only tell which or how: `PASSWORD_2`, `TOKEN_BASE64`, `DB_PASSWORD_PROD`.
fn is_qualifier(word: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: [&str; 56] = [
        "ADMIN", "ALT", "B64", "BACKUP", "BASE", "BASE64", "BLUE", "CURRENT", "DATABASE", "DB", "DEFAULT", "DEV",
        "DEVELOPMENT", "ENV", "EXTERNAL", "GREEN", "HEX", "INTERNAL", "LIVE", "LOCAL", "MAIN", "MASTER", "MONGO", "MONGODB",
        "MYSQL", "NEW", "NEXT", "OLD", "ORIG", "PG", "PLAIN", "PLAINTEXT", "POSTGRES", "PREPROD", "PREVIOUS", "PRIMARY",
        "PROD", "PRODUCTION", "QA", "RAW", "READONLY", "REDIS", "REPLICA", "RO", "ROOT", "RW", "SANDBOX", "SECONDARY",
        "SMTP", "STAGE", "STAGING", "STRING", "TEST", "TEXT", "UAT", "VALUE",
    ];
    let is_version = || word.strip_prefix('V').unwrap_or(word).bytes().all(|b| b.is_ascii_digit());
    WORDS.contains(&word) || is_version()
}

/// Last words that say that this is not the secret, but where it is, what it is called or how it is used.
#[rustfmt::skip]
const DESCRIPTIONS: [&str; 134] = [
    "ADDR", "ADDRESS", "AGE", "ALG", "ALGO", "ALGORITHM", "ALIAS", "ALLOWED", "ANNOTATION", "ATTRIBUTE", "AUDIENCE", "AUTHENTICATION",
    "BACKEND", "BUNDLE", "CA", "CERT", "CERTIFICATE", "CHECK", "CLAIM", "CLASS", "CMD", "COLUMN", "COMMAND", "COMPLEXITY",
    "CONFIG", "CONFIGMAP", "COOKIE", "COST", "COUNT", "DAYS", "DIR", "DIRECTORY", "DISABLED", "DOMAIN", "DURATION", "EMAIL",
    "ENABLED", "ENCODER", "ENCODING", "ENDPOINT", "ENGINE", "EXPIRATION", "EXPIRE", "EXPIRES", "EXPIRY", "FIELD", "FILE", "FILENAME",
    "FILES", "FINGERPRINT", "FOLDER", "FORMAT", "GROUP", "HANDLER", "HASH", "HASHER", "HEADER", "HEADERS", "HINT", "HOST",
    "HOSTNAME", "HOURS", "ID", "IDS", "IMAGE", "INDEX", "INTERVAL", "ISSUER", "ITERATIONS", "KIND", "LABEL", "LABELS",
    "LEN", "LENGTH", "LIFESPAN", "LIFETIME", "LIMIT", "LOCATION", "MANAGER", "MAX", "MECHANISM", "MESSAGE", "METHOD", "MIN",
    "MINUTES", "MODE", "MOUNT", "NAME", "NAMES", "NAMESPACE", "PARAM", "PARAMETER", "PATH", "PATHS", "PATTERN", "PERIOD",
    "PLUGIN", "POLICY", "PORT", "PREFIX", "PROMPT", "PROVIDER", "PUB", "REALM", "REF", "REFERENCE", "REFRESH", "REGEX",
    "REQUIRED", "RESET", "ROLE", "ROTATION", "ROUNDS", "RULES", "SCOPE", "SCOPES", "SECONDS", "SELECTOR", "SHARES", "SIZE",
    "SOURCE", "STORE", "STRENGTH", "SUFFIX", "TEMPLATE", "THRESHOLD", "TIMEOUT", "TTL", "TYPE", "URI", "URL", "USER",
    "USERNAME", "VERSION",
];

/// `dbPassword`, `DB_PASSWORD` and `db.password` as DB, PASSWORD.
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
