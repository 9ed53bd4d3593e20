//! Credentials, and where they come from.

use super::error::RegistryError;
use super::helper;
use super::keyring::Keyring;
use super::provider::Providers;
use std::fmt;
use std::time::Duration;

/// Credentials for one registry. `Debug` shows the user and hides the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    user: String,
    secret: String,
}

/// The user with which Docker marks a secret that is a token for OAuth2.
const IDENTITY_TOKEN: &str = "<token>";

impl Credential {
    #[must_use]
    pub fn basic(user: String, password: String) -> Self {
        Self { user, secret: password }
    }

    /// A refresh token, which the token service changes for an access token.
    #[must_use]
    pub fn identity_token(token: String) -> Self {
        Self { user: IDENTITY_TOKEN.to_owned(), secret: token }
    }

    pub(super) fn refresh_token(&self) -> Option<&str> {
        (self.user == IDENTITY_TOKEN).then_some(self.secret.as_str())
    }

    pub(super) fn user_and_password(&self) -> Option<(&str, &str)> {
        (self.user != IDENTITY_TOKEN).then_some((self.user.as_str(), self.secret.as_str()))
    }

    /// For messages: whose credentials these are.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.user == IDENTITY_TOKEN { "an identity token" } else { &self.user }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.name())
    }
}

/// All sources of credentials.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    keyrings: Vec<Keyring>,
    providers: Option<Providers>,
    /// The longest time for a program that a `config.json` names; none where such programs are not allowed.
    helpers: Option<Duration>,
}

impl Credentials {
    /// Adds the credentials of a pull secret or a `config.json`.
    #[must_use]
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyrings.push(keyring);
        self
    }

    /// Adds the kubelet's credential providers: programs that know the credentials of a cloud's registry.
    #[must_use]
    pub fn providers(mut self, providers: Providers) -> Self {
        self.providers = Some(providers);
        self
    }

    /// Allows the programs that a `config.json` names (`credHelpers`, `credsStore`). Only the command line does this.
    #[must_use]
    pub fn with_helpers(mut self, longest: Duration) -> Self {
        self.helpers = Some(longest.min(helper::LONGEST));
        self
    }

    /// Whether a keyring has credentials for `image`, a reference without tag and digest.
    pub(super) fn has(&self, image: &str) -> bool {
        self.keyrings.iter().any(|keyring| keyring.find(image).next().is_some())
    }

    /// The credentials to try for `image`, a reference without tag and digest, in this order. Empty means anonymous.
    ///
    /// # Errors
    /// When there are none because a program failed.
    pub(super) async fn find(&self, image: &str) -> Result<Vec<Credential>, RegistryError> {
        let mut found: Vec<Credential> =
            self.keyrings.iter().flat_map(|keyring| keyring.find(image)).cloned().collect();
        let mut failed = None;
        if let Some(longest) = self.helpers {
            let registry = image.split('/').next().unwrap_or(image);
            for keyring in &self.keyrings {
                let Some(name) = keyring.helper(registry) else { continue };
                match helper::ask(name, registry, longest).await {
                    Ok(credential) => found.extend(credential),
                    Err(why) => failed = Some(format!("docker-credential-{name}{} {why}", keyring.names_it())),
                }
            }
        }
        if let Some(providers) = &self.providers {
            match providers.find(image).await {
                Ok(credentials) => found.extend(credentials),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        match failed {
            Some(why) if found.is_empty() => Err(RegistryError::Credentials { image: image.to_owned(), why }),
            _ => Ok(found),
        }
    }
}
