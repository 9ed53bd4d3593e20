//! Files that contain secrets, by their names.

use crate::rule::Severity;

/// Names of private keys and credentials.
const KEYS: [&str; 20] = [
    ".dockercfg",
    ".dockerconfigjson",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".netrc",
    ".pgpass",
    ".pypirc",
    ".vault-token",
    "_netrc",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "secring.gpg",
    "service-account.json",
    "service_account.json",
    "terraform.tfstate",
    "credentials.json",
];
/// Ends of paths.
const PATHS: [&str; 5] =
    [".aws/credentials", ".docker/config.json", ".kube/config", ".azure/accessTokens.json", ".ssh"];
/// Files of settings that often contain a token, and often none.
const SETTINGS: [&str; 5] = [".env", ".npmrc", ".yarnrc", ".env.production", ".env.local"];
const KEY_EXTENSIONS: [&str; 6] = ["jks", "key", "keystore", "p12", "pfx", "ppk"];

/// What kind of secret the file contains. `is_shipped` is whether the image keeps it.
pub fn secret(path: &str, is_shipped: bool) -> Option<(&'static str, Severity)> {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    if PATHS.iter().any(|end| path == *end || path.strip_suffix(end).is_some_and(|before| before.ends_with('/')))
        || KEYS.contains(&name)
    {
        return Some(("a file with credentials", Severity::Critical));
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let stem = name.to_ascii_lowercase();
    let is_public = stem.contains("pub") || stem.contains("cert") || stem.contains("ca.");
    let is_key = KEY_EXTENSIONS.contains(&extension.as_str())
        || (extension == "pem" && (stem.contains("key") || stem.contains("priv")));
    if is_key && !is_public && !name.contains('*') {
        return Some(("a private key", Severity::High));
    }
    (is_shipped && SETTINGS.contains(&name)).then_some(("settings that may have a token", Severity::Medium))
}
