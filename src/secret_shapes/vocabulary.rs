//! The words in names of secrets, and what each says about the value.

/// Words before `KEY` that make it a secret. SSH and TLS are not among them: such a key is a long text, or else a name.
#[rustfmt::skip]
pub const KEYS: [&str; 28] = [
    "ACCOUNT", "ACTIVATION", "ADMIN", "AES", "API", "APP", "AUTH", "COOKIE", "CRYPT", "DB", "DECRYPTION", "ENC", "ENCRYPTION", "FERNET",
    "HMAC", "JWT", "LICENSE", "MASTER", "NONCE", "NUGET", "OTP", "PRIVATE", "SECRET", "SESSION", "SHARED", "SIGNING", "STORAGE",
    "WEBHOOK",
];

/// Words before `KEY` that make it no secret, whatever its value.
#[rustfmt::skip]
pub const PUBLIC_KEYS: [&str; 24] = [
    "ANNOTATION", "CACHE", "CONFIG", "FOREIGN", "GROUP", "HASH", "IDEMPOTENCY", "INDEX", "LABEL", "MAP", "OBJECT", "PARTITION",
    "PRIMARY", "PUB", "PUBLIC", "PUBLISHABLE", "ROUTING", "ROW", "S3", "SITE", "SORT", "TAG", "TAINT", "TOPOLOGY",
];

/// Words before `SECRET` that make it the secret itself, and not the name of an object.
#[rustfmt::skip]
pub const SECRETS: [&str; 22] = [
    "ACCESS", "API", "APP", "AUTH", "CLIENT", "CONSUMER", "COOKIE", "CSRF", "HMAC", "HTTP", "JWT", "MASTER",
    "OAUTH", "OAUTH2", "OIDC", "REFRESH", "RPC", "SESSION", "SHARED", "SIGNING", "TOKEN", "WEBHOOK",
];

/// Words before `SECRET` that make it an object in the cluster.
#[rustfmt::skip]
pub const OBJECTS: [&str; 14] = [
    "CA", "CERT", "CERTIFICATE", "CERTS", "IMAGE", "INGRESS", "K8S", "KUBE", "KUBERNETES", "PULL", "REGISTRY", "SERVING", "SSL", "TLS",
];

/// Words before `TOKEN` that make it a token of a language model or a parser.
#[rustfmt::skip]
pub const MARKS: [&str; 14] =
    ["BEGIN", "BOS", "CLS", "END", "EOS", "MASK", "PAD", "SEP", "SPECIAL", "START", "STOP", "THINK", "UNK", "VIDEO"];

/// Words before `PAT` that make it a personal access token.
#[rustfmt::skip]
pub const PATS: [&str; 22] = [
    "ADO", "ARTIFACTS", "AZ", "AZP", "AZURE", "BITBUCKET", "DEVOPS", "DOCKER", "DOCKERHUB", "FEED", "GH", "GHCR", "GIT", "GITHUB", "GITLAB",
    "GL", "JIRA", "NPM", "NUGET", "PACKAGES", "REGISTRY", "VSTS",
];

/// Words before `AUTH` that make it a password.
#[rustfmt::skip]
pub const AUTHS: [&str; 16] = [
    "BASIC", "CASSANDRA", "COMPOSER", "DB", "DOCKER", "ELASTIC", "ELASTICSEARCH", "KAFKA", "MEMCACHED", "MONGO", "MONGODB", "NATS", "NEO4J", "NPM",
    "REDIS", "VALKEY",
];

/// Words that make the name a switch or a limit: `ALLOW_EMPTY_PASSWORD`, `MAX_TOKEN`.
#[rustfmt::skip]
pub const SWITCHES: [&str; 26] = [
    "ALLOW", "ALLOWED", "CREATE", "DISABLE", "DISABLED", "EMPTY", "ENABLE", "ENABLED", "FORCE", "GENERATE", "HAS", "HIDE",
    "IGNORE", "IS", "MASK", "MAX", "MIN", "NO", "NUM", "RANDOM", "REQUIRE", "REQUIRED", "SHOW", "SKIP", "USE", "WITHOUT",
];

/// Last words that only qualify the secret: `PASSWORD_2`, `TOKEN_BASE64`, `DB_PASSWORD_PROD`.
pub fn is_qualifier(word: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: [&str; 56] = [
        "ADMIN", "ALT", "B64", "BACKUP", "BASE", "BASE64", "BLUE", "CURRENT", "DATABASE", "DB", "DEFAULT", "DEV",
        "DEVELOPMENT", "ENV", "EXTERNAL", "GREEN", "HEX", "INTERNAL", "LIVE", "LOCAL", "MAIN", "MASTER", "MONGO", "MONGODB",
        "MYSQL", "NEW", "NEXT", "OLD", "ORIG", "PG", "PLAIN", "PLAINTEXT", "POSTGRES", "PREPROD", "PREVIOUS", "PRIMARY",
        "PROD", "PRODUCTION", "QA", "RAW", "READONLY", "REDIS", "REPLICA", "RO", "ROOT", "RW", "SANDBOX", "SECONDARY",
        "SMTP", "STAGE", "STAGING", "STRING", "TEST", "TEXT", "UAT", "VALUE",
    ];
    let is_version = || word.strip_prefix(['V', 'v']).unwrap_or(word).bytes().all(|b| b.is_ascii_digit());
    super::names::is_one_of(word, &WORDS) || is_version()
}

/// Last words that make the name a description of the secret: where it is, what it is called, how it is used.
#[rustfmt::skip]
pub const DESCRIPTIONS: [&str; 146] = [
    "ADDR", "ADDRESS", "AGE", "ALG", "ALGO", "ALGORITHM", "ALIAS", "ALLOWED", "ANNOTATION", "ATTRIBUTE", "AUDIENCE", "AUTHENTICATION",
    "BACKEND", "BUNDLE", "CA", "CERT", "CERTIFICATE", "CHECK", "CHECKSUM", "CLAIM", "CLASS", "CMD", "COLUMN", "COMMAND", "COMPLEXITY",
    "CONFIG", "CONFIGMAP", "COOKIE", "COST", "COUNT", "DAYS", "DIR", "DIRECTORY", "DISABLED", "DOMAIN", "DURATION", "EMAIL",
    "ENABLED", "ENCODER", "ENCODING", "ENCRYPTION", "ENDPOINT", "ENGINE", "EXPIRATION", "EXPIRE", "EXPIRES", "EXPIRY", "FIELD", "FILE", "FILENAME",
    "FILES", "FINGERPRINT", "FOLDER", "FORMAT", "GROUP", "HANDLER", "HASH", "HASHER", "HASHERS", "HASHING", "HEADER", "HEADERS", "HINT", "HISTORY", "HOST",
    "HOSTNAME", "HOURS", "ID", "IDS", "IMAGE", "INDEX", "INTERVAL", "ISSUER", "ITERATIONS", "KIND", "LABEL", "LABELS",
    "LEN", "LENGTH", "LIFESPAN", "LIFETIME", "LIMIT", "LOCATION", "MANAGER", "MAX", "MD5", "MECHANISM", "MESSAGE", "METHOD", "MIN",
    "MINUTES", "MODE", "MOUNT", "NAME", "NAMES", "NAMESPACE", "PARAM", "PARAMETER", "PATH", "PATHS", "PATTERN", "PERIOD",
    "PLUGIN", "POLICY", "PORT", "PREFIX", "PROMPT", "PROVIDER", "PUB", "REALM", "REF", "REFERENCE", "REFRESH", "REGEX",
    "REQUIRED", "RESET", "ROLE", "ROTATION", "ROUNDS", "RULES", "SCOPE", "SCOPES", "SECONDS", "SELECTOR", "SHA", "SHA1", "SHA256", "SHA384", "SHA512", "SHARES", "SIZE",
    "SOURCE", "STORE", "STRENGTH", "SUFFIX", "SUM", "TEMPLATE", "THRESHOLD", "TIMEOUT", "TTL", "TYPE", "URI", "URL", "USER",
    "USERNAME", "VERSION",
];
