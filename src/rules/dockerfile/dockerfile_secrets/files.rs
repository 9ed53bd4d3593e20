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
/// Ends of paths, some of them of folders in which programs keep credentials.
const PATHS: [&str; 11] = [
    ".aws",
    ".aws/credentials",
    ".azure",
    ".azure/accessTokens.json",
    ".config/gcloud",
    ".docker/config.json",
    ".gnupg",
    ".kube",
    ".kube/config",
    ".ssh",
    "application_default_credentials.json",
];
/// Folders of secrets, next to the Dockerfile. Elsewhere it is mostly source code about them.
const FOLDERS: [&str; 2] = ["secrets", ".secrets"];
/// Files of settings that often contain a token, and often none.
const SETTINGS: [&str; 8] =
    [".env", ".env.local", ".env.prod", ".env.production", ".env_prod", ".env_production", ".npmrc", ".yarnrc"];
const KEY_EXTENSIONS: [&str; 6] = ["jks", "key", "keystore", "p12", "pfx", "ppk"];

/// Extensions of public keys and certificates.
const PUBLIC: [&str; 7] = ["asc", "cer", "cert", "crt", "gpg", "p7b", "pub"];
/// Folders in which programs look for public keys and certificates alone.
const KEYRINGS: [&str; 7] = [
    "/etc/apk/keys",
    "/etc/apt/keyrings",
    "/etc/apt/trusted.gpg.d",
    "/etc/pki/rpm-gpg",
    "/etc/pki/ca-trust/source/anchors",
    "/usr/local/share/ca-certificates",
    "/usr/share/keyrings",
];

/// Whether programs take a file at this path for a public key or a certificate.
fn is_public_target(target: &str) -> bool {
    let target = target.trim_end_matches('/');
    let (folder, name) = target.rsplit_once('/').unwrap_or(("", target));
    let name = name.to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    // A name that says both, such as `cert-key.pem`, is that of a private key.
    let is_public = match extension {
        "pem" => is_public_name(&name) && !has(&["key", "priv"]),
        "gpg" => !has(&["secr", "priv"]),
        other => PUBLIC.contains(&other),
    };
    is_public || KEYRINGS.iter().any(|keyring| target == *keyring || folder == *keyring)
}

/// Whether a file name, in lower case, is that of a public key, a certificate, or a store of certificates. Repositories of packages publish
/// their keys as `NAME.gpg.key`.
fn is_public_name(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let has = |words: &[&str]| words.iter().any(|word| stem.contains(word));
    let is_store = has(&["truststore", "trust-store", "trust_store"]) && !has(&["key", "priv", "secr"]);
    let is_release = [".gpg.key", ".asc.key", ".pgp.key"].iter().any(|end| name.ends_with(end));
    let is_own = has(&["priv", "secr", "sign"]);
    is_store || name.contains("pub") || name.contains("cert") || name.contains("ca.") || (is_release && !is_own)
}

/// What kind of secret the file contains. `is_shipped` is whether the image keeps it, and `target` is where.
pub fn secret(path: &str, target: &str, is_shipped: bool) -> Option<(&'static str, Severity)> {
    let path = path.trim_end_matches('/').trim_end_matches("/*").trim_end_matches("/.");
    let name = path.rsplit('/').next().unwrap_or_default();
    if PATHS.iter().any(|end| path == *end || path.strip_suffix(end).is_some_and(|before| before.ends_with('/')))
        || KEYS.contains(&name)
    {
        return Some(("a file with credentials", Severity::Critical));
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let stem = name.to_ascii_lowercase();
    // A store of keys stays one, whatever its new name.
    let is_renamed = matches!(extension.as_str(), "key" | "pem") && is_public_target(target);
    let is_public = is_public_name(&stem) || is_renamed;
    let is_key = KEY_EXTENSIONS.contains(&extension.as_str())
        || (extension == "pem" && (stem.contains("key") || stem.contains("priv")));
    if is_key && !is_public && !name.contains('*') {
        return Some(("a private key", Severity::High));
    }
    if is_shipped && FOLDERS.contains(&path.trim_start_matches("./").trim_start_matches('/')) {
        return Some(("a folder of secrets", Severity::Medium));
    }
    (is_shipped && SETTINGS.contains(&name.trim_end_matches('~')))
        .then_some(("settings that may have a token", Severity::Medium))
}
