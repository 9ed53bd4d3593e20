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
use tokio::sync::oneshot;

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

/// Reads what the leader kept, and waits a while for the API server to answer. Until there is something that can be served, it tries again
/// in the background: another replica may lead, and keep it.
pub async fn find(access: Access, namespace: String, config_map: String, found: Arc<OnceLock<Kept>>) {
    let (answered, answer) = oneshot::channel();
    let reads = async move || read(&access, &namespace, &config_map).await;
    tokio::spawn(async move {
        until_kept(reads, &found, answered, RETRY).await;
    });
    let _ = tokio::time::timeout(PATIENCE, answer).await;
}

/// Reads again and again until something is found, and drops `answered` when the API server has answered.
async fn until_kept(
    mut reads: impl AsyncFnMut() -> Result<Kept, Failed>,
    found: &OnceLock<Kept>,
    answered: oneshot::Sender<()>,
    retry: Duration,
) {
    let (mut log, mut answered) = (LogOnce::default(), Some(answered));
    loop {
        let (error, what) = match reads().await {
            Ok(kept) => {
                let _ = found.set(kept);
                return;
            }
            Err(Failed::Unread(error)) => (error, "what the leader kept of the settings of images cannot be read"),
            Err(Failed::Nothing(error)) => {
                drop(answered.take());
                (error, "not all settings of images can be used, and there are no last good ones to serve")
            }
        };
        if log.failed(&error) {
            tracing::warn!(error, "{what}; it is tried again");
        }
        tokio::time::sleep(retry).await;
    }
}

/// Why there is nothing that can be served.
enum Failed {
    /// It may be there all the same.
    Unread(String),
    Nothing(String),
}

async fn read(access: &Access, namespace: &str, config_map: &str) -> Result<Kept, Failed> {
    let reading = async {
        let client = access.client().await.map_err(|error| Failed::Unread(error.to_string()))?;
        last_good::read(&client, namespace, config_map, &last_good::IMAGES).await.map_err(|error| match error {
            KeptError::Unread(..) => Failed::Unread(error.to_string()),
            error => Failed::Nothing(error.to_string()),
        })
    };
    let answer = tokio::time::timeout(PATIENCE, reading).await;
    let kept = answer.map_err(|_| Failed::Unread(format!("the API server did not answer within {PATIENCE:?}")))??;
    Kept::read(kept).map_err(|why| Failed::Nothing(format!("ConfigMap {config_map}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_that_is_made_later_is_found() {
        let kept = Kept { document: Vec::new(), config_maps: BTreeMap::new(), at: String::new() };
        let nothing = || Err(Failed::Nothing("it is empty".to_owned()));
        let mut answers = [Err(Failed::Unread("no route".to_owned())), nothing(), nothing(), Ok(kept)].into_iter();
        let (answered, mut answer) = oneshot::channel();
        let (found, mut was_open) = (OnceLock::new(), Vec::new());
        let reads = async || {
            was_open.push(answer.try_recv() == Err(oneshot::error::TryRecvError::Empty));
            answers.next().expect("it ends with what is found")
        };
        until_kept(reads, &found, answered, Duration::ZERO).await;
        assert!(found.get().is_some());
        // A replica waits no longer than for the first answer.
        assert_eq!(was_open, [true, true, false, false]);
    }
}
