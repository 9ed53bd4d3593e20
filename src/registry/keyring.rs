//! Credentials in the form of Docker's `config.json`, which pull secrets have too (`kubernetes.io/dockerconfigjson`).

use super::credentials::Credential;
use super::host_pattern::covers;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Registries and the credentials for them.
#[derive(Clone, Default)]
pub struct Keyring {
    /// Patterns with the longest first, so that the most exact one is tried first.
    entries: Vec<(String, Credential)>,
    /// Registries whose credentials a program of this name knows.
    helpers: BTreeMap<String, String>,
    /// The program that knows all others.
    default_helper: Option<String>,
    /// The file that they were read from, for messages.
    file: Option<PathBuf>,
}

/// Why credentials cannot be read. The text has no part of the file: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error("this is no JSON with `auths`, as `docker login` writes it (line {line}, column {column})")]
    NoJson { line: usize, column: usize },
    #[error("`auths` of {registry}: `auth` is no base64 of USER:PASSWORD")]
    Auth { registry: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    identitytoken: Option<String>,
}

/// Some tools write base64 without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Keyring {
    /// Reads `{"auths": {"registry.example.com": {"auth": ".."}}}`. Of Docker's own file, `credHelpers` and `credsStore` too.
    ///
    /// # Errors
    /// When this is no such JSON.
    pub fn read(json: &[u8]) -> Result<Self, KeyringError> {
        let document: Document = parse(json)?;
        let default_helper = document.creds_store.filter(|name| !name.is_empty());
        Ok(Self { entries: entries(document.auths)?, helpers: document.cred_helpers, default_helper, file: None })
    }

    /// Reads Docker's older form, the map `auths` alone (`kubernetes.io/dockercfg`).
    ///
    /// # Errors
    /// When this is no such JSON.
    pub fn read_dockercfg(json: &[u8]) -> Result<Self, KeyringError> {
        Ok(Self { entries: entries(parse(json)?)?, ..Self::default() })
    }

    /// The same with the name of its file, for messages.
    #[must_use]
    pub fn of_file(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// ", which FILE names", if a file named the helper.
    #[must_use]
    pub fn names_it(&self) -> String {
        self.file.as_ref().map(|file| format!(", which {} names,", file.display())).unwrap_or_default()
    }

    /// The credentials for `image`, a reference without tag and digest, the most exact first.
    pub fn find(&self, image: &str) -> impl Iterator<Item = &Credential> {
        // Docker's own key for its registry has another host than the references.
        let hub = image.strip_prefix("docker.io/").map(|rest| format!("index.docker.io/{rest}"));
        self.entries
            .iter()
            .filter(move |(pattern, _)| covers(pattern, image) || hub.as_ref().is_some_and(|hub| covers(pattern, hub)))
            .map(|(_, credential)| credential)
    }

    /// Whether it has something for this host or path, or for a part of it.
    #[must_use]
    pub fn has_any_for(&self, place: &str) -> bool {
        let hub =
            (place.split('/').next() == Some("docker.io")).then(|| place.replacen("docker.io", "index.docker.io", 1));
        let about = |place: &str| self.entries.iter().any(|(key, _)| covers(key, place) || covers(place, key));
        about(place) || hub.as_deref().is_some_and(about)
    }

    /// The name of the program that knows the credentials of this registry: `docker-credential-NAME`.
    #[must_use]
    pub fn helper(&self, registry: &str) -> Option<&str> {
        self.helpers.get(registry).or(self.default_helper.as_ref()).map(String::as_str)
    }
}

fn parse<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, KeyringError> {
    serde_json::from_slice(json).map_err(|error| KeyringError::NoJson { line: error.line(), column: error.column() })
}

fn entries(auths: BTreeMap<String, Entry>) -> Result<Vec<(String, Credential)>, KeyringError> {
    let mut entries = Vec::new();
    for (registry, entry) in auths {
        if let Some(credential) = entry.credential(&registry)? {
            entries.push((registry, credential));
        }
    }
    entries.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    Ok(entries)
}

impl Entry {
    fn credential(self, registry: &str) -> Result<Option<Credential>, KeyringError> {
        if let Some(token) = self.identitytoken.filter(|token| !token.is_empty()) {
            return Ok(Some(Credential::identity_token(token)));
        }
        if let (Some(user), Some(password)) = (self.username, self.password) {
            return Ok(Some(Credential::basic(user, password)));
        }
        let Some(auth) = self.auth.filter(|auth| !auth.is_empty()) else { return Ok(None) };
        let wrong = || KeyringError::Auth { registry: registry.to_owned() };
        let decoded = BASE64.decode(auth.trim()).map_err(|_| wrong())?;
        let text = String::from_utf8(decoded).map_err(|_| wrong())?;
        let (user, password) = text.split_once(':').ok_or_else(wrong)?;
        Ok(Some(Credential::basic(user.to_owned(), password.trim_end_matches('\0').to_owned())))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|(pattern, _)| pattern)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_credentials_come_first() {
        let keyring = Keyring::read(
            br#"{"auths": {"registry.example.com": {"auth": "YTpi"},
                           "registry.example.com/shop": {"username": "shop", "password": "p"},
                           "other.example.com": {}, "https://index.docker.io/v1/": {"identitytoken": "t"}},
                 "credHelpers": {"cloud.example.com": "cloud"}}"#,
        )
        .unwrap();
        let users = |image: &str| keyring.find(image).map(|found| found.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(users("registry.example.com/shop/web"), ["shop", "a"]);
        assert_eq!(users("registry.example.com/other"), ["a"]);
        assert_eq!(users("docker.io/library/nginx"), ["an identity token"]);
        assert!(users("other.example.com/x").is_empty());
        assert_eq!(keyring.helper("cloud.example.com"), Some("cloud"));
        assert_eq!(keyring.helper("registry.example.com"), None);
    }

    #[test]
    fn the_older_form_is_the_map_alone() {
        let keyring = Keyring::read_dockercfg(br#"{"registry.example.com": {"auth": "YTpi"}}"#).unwrap();
        assert_eq!(keyring.find("registry.example.com/shop/web").map(Credential::name).collect::<Vec<_>>(), ["a"]);
        assert!(Keyring::read_dockercfg(br#"["registry.example.com"]"#).is_err());
    }

    #[test]
    fn errors_and_debug_hold_no_secret() {
        let error = Keyring::read(br#"{"auths": {"r.example.com": {"auth": "hunter2!"}}}"#).unwrap_err();
        assert!(error.to_string().contains("r.example.com") && !error.to_string().contains("hunter2"));
        let error = Keyring::read(br#"{"auths": hunter2}"#).unwrap_err();
        assert_eq!(error, KeyringError::NoJson { line: 1, column: 11 });
        let keyring = Keyring::read(br#"{"auths": {"r": {"username": "u", "password": "hunter2"}}}"#).unwrap();
        assert!(!format!("{keyring:?} {:?}", keyring.entries).contains("hunter2"));
    }
}
