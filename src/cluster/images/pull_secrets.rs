//! The pull secrets that pods name, read from the API server where the settings allow it, and kept for a moment.

use super::access::Login;
use super::documents::ReadError;
use super::service::lock;
use crate::cluster::api_error::ApiError;
use crate::observe::LogOnce;
use crate::registry::{Keyring, KeyringError};
use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::{Api, Client};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long what was read counts.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(30);
/// The most secrets and accounts that are kept. A pod can name any.
const MOST: usize = 1000;
/// The most secrets of one image, of pods and accounts together.
const OF_ONE: usize = 64;
/// Longest time for one call.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Secret,
    Account,
}

/// A kind, a namespace and a name.
type Key = (What, String, String);

#[derive(Debug, Clone)]
enum Read {
    /// None: it is no pull secret, or there is none of that name.
    Secret(Option<Arc<Keyring>>),
    /// The names of `imagePullSecrets`.
    Account(Vec<String>),
}

/// Why a secret brings no credentials. No text has a part of the secret.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("there is none of this name")]
    Absent,
    #[error("its name is none that an object can have")]
    Name,
    #[error(
        "it has the type `{0}`; pull secrets have the type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg"
    )]
    Type(String),
    #[error("it has no key `{0}`")]
    Key(&'static str),
    #[error("its key `{0}` {1}")]
    Content(&'static str, &'static str),
}

struct Connected(Client);

/// The secrets that were read last.
#[derive(Default)]
pub struct PullSecrets {
    client: ArcSwapOption<Connected>,
    read: Mutex<HashMap<Key, (Read, Timestamp)>>,
    log: Mutex<LogOnce>,
}

impl PullSecrets {
    pub fn connected(&self, client: Client) {
        self.client.store(Some(Arc::new(Connected(client))));
    }

    /// The secrets with credentials, by name: those that the pods name, and those of their accounts.
    ///
    /// # Errors
    /// The API server gives none of them now.
    pub async fn read(&self, login: &Login, now: Timestamp) -> Result<Vec<(String, Arc<Keyring>)>, ReadError> {
        let (mut names, mut failed) = (login.secrets.clone(), false);
        for account in &login.accounts {
            match self.one((What::Account, login.namespace.clone(), account.clone()), now).await {
                Ok(Read::Account(of_account)) => names.extend(of_account),
                Ok(Read::Secret(_)) => {}
                Err(()) => failed = true,
            }
        }
        names.sort_unstable();
        names.dedup();
        let mut found = Vec::new();
        for name in names.into_iter().take(OF_ONE) {
            match self.one((What::Secret, login.namespace.clone(), name.clone()), now).await {
                Ok(Read::Secret(Some(keyring))) => found.push((name, keyring)),
                Ok(_) => {}
                Err(()) => failed = true,
            }
        }
        if failed && found.is_empty() { Err(ReadError::Secrets) } else { Ok(found) }
    }

    /// An error: the API server has not said.
    async fn one(&self, key: Key, now: Timestamp) -> Result<Read, ()> {
        // They become parts of an address, and the API server has not looked at the pod yet.
        if !is_label(&key.1) || !is_name(&key.2) {
            log(&key.1, &key.2, &Unusable::Name);
            return Ok(Read::Account(Vec::new()));
        }
        if let Some((read, _)) = lock(&self.read).get(&key).filter(|(_, until)| *until > now) {
            return Ok(read.clone());
        }
        let Some(client) = self.client.load_full() else { return Err(()) };
        let read = tokio::time::timeout(PATIENCE, fetch(&client.0, &key)).await;
        let read = match read.map_err(|_| ApiError::Timeout).flatten() {
            Ok(read) => {
                let _ = lock(&self.log).recovered();
                read
            }
            Err(error) => {
                // It may be one call for each pod, and all fail alike: a right is missing, or the API server is down.
                if lock(&self.log).failed(&error.to_string()) {
                    let error = error.to_string();
                    tracing::warn!(
                        error,
                        "pull secrets of pods cannot be read; images that need them are unknown. podreeve needs `get` on secrets and serviceaccounts (images.pullSecrets)"
                    );
                }
                return Err(());
            }
        };
        let mut kept = lock(&self.read);
        if kept.len() >= MOST {
            kept.retain(|_, (_, until)| *until > now);
            if kept.len() >= MOST {
                kept.clear();
            }
        }
        kept.insert(key, (read.clone(), now + GOOD_FOR));
        Ok(read)
    }
}

async fn fetch(client: &Client, (what, namespace, name): &Key) -> Result<Read, ApiError> {
    match what {
        What::Secret => {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
            let secret = secrets.get_opt(name).await?;
            let keyring = secret.ok_or(Unusable::Absent).and_then(|secret| keyring(&secret));
            Ok(Read::Secret(keyring.map(Arc::new).map_err(|why| log(namespace, name, &why)).ok()))
        }
        What::Account => {
            let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
            let account = accounts.get_opt(name).await?;
            let secrets = account.and_then(|account| account.image_pull_secrets).unwrap_or_default();
            Ok(Read::Account(secrets.into_iter().map(|secret| secret.name).collect()))
        }
    }
}

fn keyring(secret: &Secret) -> Result<Keyring, Unusable> {
    let content = |key| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        bytes.map(|bytes| bytes.0.as_slice()).ok_or(Unusable::Key(key))
    };
    match secret.type_.as_deref() {
        Some("kubernetes.io/dockerconfigjson") => {
            let key = ".dockerconfigjson";
            Keyring::read(content(key)?).map_err(|error| content_fault(key, &error))
        }
        Some("kubernetes.io/dockercfg") => {
            let key = ".dockercfg";
            Keyring::read_dockercfg(content(key)?).map_err(|error| content_fault(key, &error))
        }
        other => Err(Unusable::Type(crate::text::clean(other.unwrap_or("Opaque"), 100))),
    }
}

fn content_fault(key: &'static str, error: &KeyringError) -> Unusable {
    Unusable::Content(
        key,
        match error {
            KeyringError::NoJson { .. } => "is no JSON as `docker login` writes it",
            KeyringError::Auth { .. } => "has an `auth` that is no base64 of USER:PASSWORD",
        },
    )
}

fn log(namespace: &str, secret: &str, why: &Unusable) {
    let (namespace, secret) = (crate::text::clean(namespace, 63), crate::text::clean(secret, 253));
    tracing::warn!(namespace, secret, error = why.to_string(), "a pull secret of a pod is not used");
}

/// A name of a namespace: letters, digits and hyphens.
pub fn is_label(name: &str) -> bool {
    is_name(name) && name.len() <= 63 && !name.contains('.')
}

/// A name of an object: such labels, with dots between them.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && label.starts_with(|c: char| c != '-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
