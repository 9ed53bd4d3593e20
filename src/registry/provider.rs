//! The kubelet's credential providers (`credentialprovider.kubelet.k8s.io/v1`): programs that clouds ship for their registries.

use super::credentials::Credential;
use super::go_duration;
use super::helper::{LONGEST, ProgramError, run};
use super::host_pattern::covers;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const API: &str = "credentialprovider.kubelet.k8s.io/v1";

/// One provider, as in the kubelet's `CredentialProviderConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// The name of the program in the folder of all providers.
    pub name: String,
    /// Patterns of the images that it knows credentials for.
    pub match_images: Vec<String>,
    /// How long an answer without a time holds, such as `12h`.
    #[serde(deserialize_with = "go_duration::required")]
    pub default_cache_duration: Duration,
    pub api_version: String,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: Vec<EnvVar>,
}

/// A variable for the program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvVar {
    pub name: String,
    pub value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    api_version: String,
    kind: String,
    providers: Vec<Provider>,
}

/// Why a provider gives no credentials, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("{0}")]
    Config(String),
    #[error("credential provider {name}: {error}")]
    Program { name: String, error: ProgramError },
    #[error("credential provider {name}: its answer is no CredentialProviderResponse of {API}")]
    Answer { name: String },
}

/// All providers of one configuration, and their answers so far.
#[derive(Clone)]
pub struct Providers {
    folder: PathBuf,
    programs: Arc<[Provider]>,
    answers: Arc<Mutex<HashMap<(usize, String), Cached>>>,
}

#[derive(Clone)]
struct Cached {
    auth: BTreeMap<String, Credential>,
    until: Instant,
}

/// An attacker can name any number of images. Above this the old answers go.
const MOST_ANSWERS: usize = 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    api_version: &'r str,
    kind: &'static str,
    image: &'r str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    api_version: String,
    kind: String,
    #[serde(default)]
    cache_key_type: String,
    #[serde(default, deserialize_with = "go_duration::optional")]
    cache_duration: Option<Duration>,
    #[serde(default)]
    auth: Option<BTreeMap<String, Auth>>,
}

#[derive(Deserialize)]
struct Auth {
    username: String,
    password: String,
}

impl Providers {
    /// Reads the file of the kubelet's `--image-credential-provider-config`, YAML or JSON. `folder` has the programs.
    ///
    /// # Errors
    /// When the file is no such configuration. An unknown key is an error.
    pub fn read(text: &str, folder: &Path) -> Result<Self, ProviderError> {
        let config: Config = serde_saphyr::from_str(text).map_err(|error| ProviderError::Config(error.to_string()))?;
        let wrong = |why: String| Err(ProviderError::Config(why));
        if config.kind != "CredentialProviderConfig" || !config.api_version.starts_with("kubelet.config.k8s.io/v1") {
            return wrong(format!(
                "{} {} is no CredentialProviderConfig of kubelet.config.k8s.io",
                config.api_version, config.kind
            ));
        }
        for provider in &config.providers {
            if provider.api_version != API {
                return wrong(format!(
                    "provider {}: apiVersion is {}, and must be {API}",
                    provider.name, provider.api_version
                ));
            }
            if provider.name.is_empty() || provider.name.starts_with('.') || provider.name.contains(['/', '\\']) {
                return wrong(format!("provider {:?}: its name is no name of a program", provider.name));
            }
        }
        Ok(Self { folder: folder.to_owned(), programs: config.providers.into(), answers: Arc::default() })
    }

    /// The credentials for an image, a reference without tag and digest, the most exact first.
    ///
    /// # Errors
    /// When a provider that knows such images fails.
    pub async fn find(&self, image: &str) -> Result<Vec<Credential>, ProviderError> {
        let mut found = Vec::new();
        for (index, provider) in self.programs.iter().enumerate() {
            if provider.match_images.iter().any(|pattern| covers(pattern, image)) {
                found.extend(self.ask(index, provider, image).await?);
            }
        }
        Ok(found)
    }

    async fn ask(&self, index: usize, provider: &Provider, image: &str) -> Result<Vec<Credential>, ProviderError> {
        let registry = image.split('/').next().unwrap_or(image);
        // By `cacheKeyType` an answer holds for one image, for its registry, or for all.
        for key in [image, registry, ""] {
            if let Some(cached) = self.cached(index, key) {
                return Ok(select(&cached.auth, image));
            }
        }
        let name = || provider.name.clone();
        let request = Request { api_version: API, kind: "CredentialProviderRequest", image };
        let input = serde_json::to_vec(&request).map_err(|_| ProviderError::Answer { name: name() })?;
        let env: Vec<_> = provider.env.iter().map(|var| (var.name.clone(), var.value.clone())).collect();
        let program = self.folder.join(&provider.name);
        let output = run(program.as_os_str(), &provider.args, &env, &input, LONGEST)
            .await
            .map_err(|error| ProviderError::Program { name: name(), error })?;
        let answer: Response = serde_json::from_slice(&output).map_err(|_| ProviderError::Answer { name: name() })?;
        if answer.kind != "CredentialProviderResponse" || answer.api_version != API {
            return Err(ProviderError::Answer { name: name() });
        }
        let auth: BTreeMap<String, Credential> = answer
            .auth
            .unwrap_or_default()
            .into_iter()
            .map(|(pattern, auth)| (pattern, Credential::basic(auth.username, auth.password)))
            .collect();
        let key = match answer.cache_key_type.as_str() {
            "Image" => image,
            "Registry" => registry,
            "Global" => "",
            _ => return Err(ProviderError::Answer { name: name() }),
        };
        let credentials = select(&auth, image);
        let lasts = answer.cache_duration.unwrap_or(provider.default_cache_duration);
        self.keep((index, key.to_owned()), Cached { auth, until: Instant::now() + lasts.min(DAY) });
        Ok(credentials)
    }

    fn cached(&self, index: usize, key: &str) -> Option<Cached> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&(index, key.to_owned())).filter(|cached| cached.until > Instant::now()).cloned()
    }

    fn keep(&self, key: (usize, String), cached: Cached) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST_ANSWERS {
            answers.clear();
        }
        answers.insert(key, cached);
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn select(auth: &BTreeMap<String, Credential>, image: &str) -> Vec<Credential> {
    let mut found: Vec<_> = auth.iter().filter(|(pattern, _)| covers(pattern, image)).collect();
    found.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
    found.into_iter().map(|(_, credential)| credential.clone()).collect()
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.programs.iter().map(|provider| &provider.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const CONFIG: &str = "
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: cloud
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  matchImages: ['*.cloud.example.com']
  defaultCacheDuration: 12h
  args: [get]
  env: [{name: WHO, value: robot}]
";

    fn providers(dir: &Path, script: &str) -> Providers {
        let program = dir.join("cloud");
        fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Providers::read(CONFIG, dir).unwrap()
    }

    #[tokio::test]
    async fn a_provider_is_asked_once_for_its_registry() {
        let dir = tempfile::tempdir().unwrap();
        let script = r#"grep -q '"image":"eu.cloud.example.com/shop/web"' || exit 1
echo asked >> "$(dirname "$0")/asked"
printf '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1",
"cacheKeyType":"Registry","cacheDuration":"1h30m","auth":{"*.cloud.example.com":{"username":"'$WHO'","password":"'$1'"}}}'"#;
        let providers = providers(dir.path(), script);
        let found = providers.find("eu.cloud.example.com/shop/web").await.unwrap();
        assert_eq!(found, [Credential::basic("robot".to_owned(), "get".to_owned())]);
        // The script would fail for this image.
        assert_eq!(providers.find("eu.cloud.example.com/other").await.unwrap(), found);
        assert_eq!(fs::read_to_string(dir.path().join("asked")).unwrap(), "asked\n");
        assert!(providers.find("registry.example.com/shop/web").await.unwrap().is_empty());
        let error = providers.find("us.cloud.example.com/shop/web").await.unwrap_err();
        assert!(error.to_string().starts_with("credential provider cloud: it ended with"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_of_another_kind_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let providers = providers(dir.path(), "echo '{\"kind\":\"Status\",\"apiVersion\":\"v1\"}'");
        let error = providers.find("eu.cloud.example.com/x").await.unwrap_err();
        assert!(error.to_string().contains("no CredentialProviderResponse"), "{error}");
    }

    #[test]
    fn a_configuration_is_read_strictly() {
        let read = |from: &str, to: &str| {
            Providers::read(&CONFIG.replacen(from, to, 1), Path::new("/")).unwrap_err().to_string()
        };
        assert!(read("args:", "arguments:").contains("arguments"));
        assert!(read("name: cloud", "name: ../cloud").contains("no name of a program"));
        assert!(read("12h", "soon").contains("no duration"));
        assert!(
            read("credentialprovider.kubelet.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v1alpha1")
                .contains("v1alpha1")
        );
        assert!(read("kind: Cred", "kind: Bread").contains("no CredentialProviderConfig"));
    }
}
