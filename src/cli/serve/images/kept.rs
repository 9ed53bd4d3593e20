//! What the leader keeps of the settings in the cluster: the document that loaded last, and the ConfigMaps that it names. No Secret is among
//! it: credentials are read again from where they are.

use super::compile::Keys;
use crate::cluster::Access;
use crate::cluster::last_good::{self, KeptError, KeptFiles};
use crate::observe::LogOnce;
use crate::sources::PolicyFiles;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The keys of the ConfigMap in the cluster.
const DOCUMENT: &str = "images.yaml";
const CONFIG_MAPS: &str = "configmaps.json";

/// Longest time for the API server to answer before podreeve serves without it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries after that.
const RETRY: Duration = Duration::from_secs(5);

/// What the leader kept.
pub struct Kept {
    pub document: Vec<u8>,
    pub config_maps: BTreeMap<String, Keys>,
    /// When.
    pub at: String,
}

/// By name and key.
type Texts = BTreeMap<String, BTreeMap<String, String>>;

impl Kept {
    /// The texts that the leader is to keep. None if the document is no text; what else is none is not used either.
    pub fn files(document: &[u8], config_maps: &BTreeMap<String, Keys>) -> Option<PolicyFiles> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let texts = |keys: &Keys| keys.iter().filter_map(|(key, bytes)| Some((key.clone(), text(bytes)?))).collect();
        let config_maps: Texts = config_maps.iter().map(|(name, keys)| (name.clone(), texts(keys))).collect();
        let config_maps = serde_json::to_string(&config_maps).ok()?;
        Some(PolicyFiles([(DOCUMENT.to_owned(), text(document)?), (CONFIG_MAPS.to_owned(), config_maps)].into()))
    }

    /// # Errors
    /// They are none that a leader keeps.
    pub fn read(mut kept: KeptFiles) -> Result<Self, String> {
        let document = kept.files.0.remove(DOCUMENT).ok_or_else(|| format!("it has no key {DOCUMENT}"))?;
        let config_maps = kept.files.0.remove(CONFIG_MAPS).unwrap_or_else(|| "{}".to_owned());
        let config_maps: Texts =
            serde_json::from_str(&config_maps).map_err(|error| format!("{CONFIG_MAPS}: {error}"))?;
        let bytes = |texts: BTreeMap<String, String>| texts.into_iter().map(|(key, text)| (key, text.into_bytes()));
        let config_maps = config_maps.into_iter().map(|(name, texts)| (name, bytes(texts).collect())).collect();
        Ok(Self { document: document.into_bytes(), config_maps, at: kept.at })
    }
}

/// Reads what the leader kept, and waits for it a while. Where the API server gives no answer, it tries again in the background.
pub async fn find(access: Access, namespace: String, config_map: String, found: Arc<OnceLock<Kept>>) {
    let reading = tokio::spawn(async move {
        let mut log = LogOnce::default();
        loop {
            match read(&access, &namespace, &config_map).await {
                Ok(kept) => {
                    let _ = found.set(kept);
                    return;
                }
                Err(Failed::Now(error)) if log.failed(&error) => {
                    tracing::warn!(
                        error,
                        "what the leader kept of the settings of images cannot be read; it is tried again"
                    );
                }
                Err(Failed::Now(_)) => {}
                Err(Failed::For(error)) => {
                    tracing::warn!(
                        error,
                        "not all settings of images can be used, and there are no last good ones to serve"
                    );
                    return;
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    });
    let _ = tokio::time::timeout(PATIENCE, reading).await;
}

/// Why there is nothing.
enum Failed {
    /// It may be there all the same.
    Now(String),
    For(String),
}

async fn read(access: &Access, namespace: &str, config_map: &str) -> Result<Kept, Failed> {
    let reading = async {
        let client = access.client().await.map_err(|error| Failed::Now(error.to_string()))?;
        last_good::read(&client, namespace, config_map, &last_good::IMAGES).await.map_err(|error| match error {
            KeptError::Unread(..) => Failed::Now(error.to_string()),
            error => Failed::For(error.to_string()),
        })
    };
    let answer = tokio::time::timeout(PATIENCE, reading).await;
    let kept = answer.map_err(|_| Failed::Now(format!("the API server did not answer within {PATIENCE:?}")))??;
    Kept::read(kept).map_err(|why| Failed::For(format!("ConfigMap {config_map}: {why}")))
}
