//! Secrets in the files of a layer: private keys in any file, and files that hold credentials by their name.
//!
//! Only the path and the kind are kept, never the secret.

mod env;
mod keys;
mod programs;
mod public;

pub use keys::KeySearch;
pub use public::is_public_key;

use super::paths;
use super::text_file::{is_placeholder, settings};

/// A secret in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecret {
    pub path: String,
    /// The place of the file in the archive.
    pub order: u32,
    /// What it is: `a private key`.
    pub kind: String,
}

/// A file that programs keep credentials in.
#[derive(Debug, Clone, Copy)]
pub struct SecretFile(fn(&str) -> Option<&'static str>);

/// Folders in which a file is one that holds credentials by its name, and these names.
pub const FOLDERS: [(&str, &[&str]); 23] = [
    (".aws", &["config", "credentials"]),
    (".bundle", &["config"]),
    (".cargo", &["credentials", "credentials.toml"]),
    (".composer", &["auth.json"]),
    (".docker", &["config.json"]),
    (".gem", &["credentials"]),
    (".git", &["config"]),
    (".gradle", &["gradle.properties"]),
    (".kube", &["config"]),
    (".m2", &["settings.xml"]),
    (".pip", &["pip.conf"]),
    (".terraform.d", &["credentials.tfrc.json"]),
    ("apt", &["auth.conf"]),
    ("cargo", &["credentials", "credentials.toml"]),
    ("containers", &["auth.json"]),
    ("docker", &["config.json"]),
    ("gcloud", &["application_default_credentials.json"]),
    ("gh", &["hosts.yml"]),
    ("git", &["credentials"]),
    ("kubernetes", &["admin.conf", "kubelet.conf", "super-admin.conf"]),
    ("pip", &["pip.conf"]),
    ("rclone", &["rclone.conf"]),
    ("serviceaccount", &["token"]),
];

impl SecretFile {
    /// Whether both look for the same credentials.
    #[must_use]
    pub fn is_same(self, other: Self) -> bool {
        // Functions with one address do the same. That two of the same may have different addresses costs a second reading.
        std::ptr::fn_addr_eq(self.0, other.0)
    }

    /// The kind of credentials in the text of the file.
    #[must_use]
    pub fn find(self, text: &[u8]) -> Option<&'static str> {
        self.0(&String::from_utf8_lossy(text))
    }
}

/// The file as one that holds credentials, if its name is that of one.
#[must_use]
pub fn named(path: &str) -> Option<SecretFile> {
    let (folder, name) = paths::split(path);
    let parent = paths::split(folder).1;
    let find: fn(&str) -> Option<&'static str> = match (parent, name) {
        (_, ".npmrc" | "npmrc") => npm,
        (".docker" | "docker", "config.json")
        | (_, ".dockercfg" | ".dockerconfigjson")
        | ("containers", "auth.json") => docker,
        (_, ".git-credentials") | ("git", "credentials") => git,
        (".kube", "config")
        | (_, "kubeconfig" | "kubeconfig.yaml" | "kubeconfig.yml")
        | ("kubernetes", "admin.conf" | "super-admin.conf" | "kubelet.conf") => kubeconfig,
        (_, ".netrc" | "_netrc") => netrc,
        (_, ".pypirc") => python,
        (".aws", "credentials" | "config") => aws,
        (_, ".pgpass") => postgres,
        (".m2", "settings.xml") => maven,
        (".cargo" | "cargo", "credentials" | "credentials.toml") => cargo,
        (".gem", "credentials") => gem,
        ("gh", "hosts.yml") => github,
        (_, ".terraformrc" | "terraform.rc") | (".terraform.d", "credentials.tfrc.json") => terraform,
        (_, ".vault-token") => vault,
        ("serviceaccount", "token") => service_account,
        _ if env::is_env(path) => env::variables,
        _ => programs::named(path, parent, name)?,
    };
    Some(SecretFile(find))
}

/// Whether one of the settings has a value that is a literal.
fn is_set(text: &str, keys: &[&str]) -> bool {
    settings(text).any(|(_, key, value)| keys.contains(&key) && !is_placeholder(value))
}

fn npm(text: &str) -> Option<&'static str> {
    let is_login =
        |key: &str| ["_authToken", "_auth", "_password"].iter().any(|end| key.rsplit(':').next() == Some(end));
    settings(text)
        .any(|(_, key, value)| is_login(key) && !is_placeholder(value))
        .then_some("a login to a package registry of npm")
}

fn docker(text: &str) -> Option<&'static str> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    // The oldest format has the registries at the top.
    let auths = json.get("auths").unwrap_or(&json).as_object()?;
    let has = |entry: &serde_json::Value| {
        ["auth", "identitytoken", "registrytoken", "password"]
            .iter()
            .any(|key| entry.get(key).and_then(serde_json::Value::as_str).is_some_and(|value| !is_placeholder(value)))
    };
    auths.values().any(has).then_some("a login to an image registry")
}

fn git(text: &str) -> Option<&'static str> {
    let has_password = |line: &str| {
        let login = line.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        login.and_then(|(login, _)| login.split_once(':')).is_some_and(|(_, password)| !is_placeholder(password))
    };
    text.lines().any(has_password).then_some("a login to a Git server")
}

fn kubeconfig(text: &str) -> Option<&'static str> {
    is_set(text, &["token", "client-key-data", "password", "id-token", "refresh-token"])
        .then_some("a login to a Kubernetes cluster")
}

fn netrc(text: &str) -> Option<&'static str> {
    let mut words = text.split_whitespace();
    std::iter::from_fn(|| words.by_ref().find(|word| *word == "password").and_then(|_| words.next()))
        .any(|value| !is_placeholder(value))
        .then_some("a password in .netrc")
}

fn python(text: &str) -> Option<&'static str> {
    is_set(text, &["password"]).then_some("a login to a package registry of Python")
}

fn aws(text: &str) -> Option<&'static str> {
    is_set(text, &["aws_secret_access_key", "aws_session_token"]).then_some("an access key of AWS")
}

fn postgres(text: &str) -> Option<&'static str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut passwords = lines.filter_map(|line| line.splitn(5, ':').nth(4));
    passwords.any(|password| !is_placeholder(password)).then_some("a password of PostgreSQL")
}

fn maven(text: &str) -> Option<&'static str> {
    let elements = programs::uncommented(text).flat_map(|part| part.split("<password>").skip(1));
    let values = elements.filter_map(|rest| rest.split_once("</password>"));
    // A value in braces is encrypted by a master password, which is another file.
    values
        .map(|(value, _)| value.trim())
        .any(|value| !value.starts_with('{') && !is_placeholder(value))
        .then_some("a password of Maven")
}

fn cargo(text: &str) -> Option<&'static str> {
    is_set(text, &["token", "secret-key"]).then_some("a login to a package registry of Rust")
}

fn gem(text: &str) -> Option<&'static str> {
    settings(text)
        .any(|(_, key, value)| key.ends_with("api_key") && !is_placeholder(value))
        .then_some("a login to a package registry of Ruby")
}

fn github(text: &str) -> Option<&'static str> {
    is_set(text, &["oauth_token"]).then_some("a token of GitHub")
}

fn terraform(text: &str) -> Option<&'static str> {
    // A block may be in one line: `credentials "app.terraform.io" { token = "..." }`.
    let lines = text.replace(['{', '}'], "\n");
    is_set(&lines, &["token"]).then_some("a token of Terraform")
}

fn vault(text: &str) -> Option<&'static str> {
    (!is_placeholder(text.trim())).then_some("a token of Vault")
}

fn service_account(text: &str) -> Option<&'static str> {
    text.trim().starts_with("eyJ").then_some("a token of a ServiceAccount")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Option<&'static str> {
        named(path)?.find(text.as_bytes())
    }

    #[test]
    fn credentials_are_found_in_the_files_of_programs() {
        for (path, text) in [
            ("root/.npmrc", "registry=https://a\n//registry.example.com/:_authToken=abc\n"),
            ("root/.docker/config.json", r#"{"auths":{"r.example.com":{"auth":"YTpi"}}}"#),
            ("home/app/.dockercfg", r#"{"r.example.com":{"auth":"YTpi"}}"#),
            ("root/.git-credentials", "https://jane:hunter2@git.example.com\n"),
            ("root/.kube/config", "users:\n- name: a\n  user:\n    token: abc\n"),
            ("etc/kubernetes/admin.conf", "    client-key-data: abc\n"),
            ("root/.netrc", "machine a login b password hunter2\n"),
            ("root/.pypirc", "[pypi]\nusername = a\npassword = b\n"),
            ("root/.aws/credentials", "[default]\naws_access_key_id=A\naws_secret_access_key=b\n"),
            ("root/.pgpass", "# a\ndb:5432:*:app:hunter2\n"),
            ("root/.m2/settings.xml", "<server><password>hunter2</password></server>"),
            ("usr/local/cargo/credentials.toml", "[registry]\ntoken = \"abc\"\n"),
            ("root/.gem/credentials", "---\n:rubygems_api_key: abc\n"),
            ("root/.config/gh/hosts.yml", "github.com:\n    oauth_token: gho_a\n"),
            ("root/.terraform.d/credentials.tfrc.json", "{\"credentials\":{\"a\":{\n\"token\": \"b\"}}}"),
            ("root/.vault-token", "hvs.abc"),
            ("run/secrets/kubernetes.io/serviceaccount/token", "eyJhbGciOi.x.y"),
        ] {
            assert!(found(path, text).is_some(), "{path}");
        }
    }

    #[test]
    fn what_holds_no_literal_is_no_secret() {
        for (path, text) in [
            ("root/.npmrc", "//registry.example.com/:_authToken=${NPM_TOKEN}\n"),
            ("root/.npmrc", "# _authToken=abc\nsave-exact=true\n"),
            ("root/.docker/config.json", r#"{"auths":{"r.example.com":{}},"credsStore":"desktop"}"#),
            ("root/.docker/config.json", "no json"),
            ("root/.git-credentials", "https://git.example.com\n"),
            ("root/.kube/config", "clusters:\n- cluster:\n    server: https://a\n"),
            ("root/.netrc", "machine a login b password\n"),
            ("root/.aws/config", "[default]\nregion = eu-central-1\n"),
            ("root/.m2/settings.xml", "<password>{abc=}</password><password>${env.P}</password>"),
            ("root/.vault-token", "\n"),
            ("run/secrets/kubernetes.io/serviceaccount/token", "none"),
            ("etc/token", "eyJ"),
        ] {
            assert_eq!(found(path, text), None, "{path}: {text}");
        }
    }
}
