//! Which document is in force: the newest one, or the one that loaded last.

use super::compile::{Compiled, Held, compile};
use super::files::Files;
use super::kept::Kept;
use crate::cluster::last_good::GoodFiles;
use crate::server::LoadedImages;
use crate::sources::{PolicyFiles, sha256};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Loads the settings again and again.
pub struct Loader {
    path: PathBuf,
    folder: PathBuf,
    /// The hash of the document that this replica was rolled out with.
    rolled_out: Option<String>,
    /// What the leader kept, once that was read.
    pub(super) found: Arc<OnceLock<Kept>>,
    is_adopted: bool,
    /// The files of the last look, if they loaded.
    seen: Option<Files>,
    held: Held,
    good: Option<Good>,
    /// What the leader is to keep.
    sender: watch::Sender<Option<Arc<PolicyFiles>>>,
}

/// The document that loaded last.
#[derive(Clone)]
struct Good {
    document: Vec<u8>,
    /// When the leader kept it; none if this replica loaded it itself.
    kept_at: Option<String>,
}

/// Why a replica does not serve what it could.
const STOPS: &str = "; this replica was rolled out with it, so it is not ready, and the rollout stops";
/// How messages name the document that loaded last.
const LAST_GOOD: &str = "the document that loaded last";

impl Loader {
    pub fn new(path: PathBuf, folder: PathBuf, rolled_out: Option<String>, found: Arc<OnceLock<Kept>>) -> Self {
        let (seen, held, good, sender) = (None, Held::default(), None, watch::Sender::default());
        Self { path, folder, rolled_out, found, is_adopted: false, seen, held, good, sender }
    }

    pub fn good(&self) -> GoodFiles {
        self.sender.subscribe()
    }

    /// Whether all files load as they are, so that nothing else is needed.
    pub fn is_whole(&self) -> bool {
        let files = Files::read(&self.path, &self.folder, None);
        let compiled = files.and_then(|files| compile(files.document.as_ref()?, "", &files, &Held::default()));
        compiled.is_ok_and(|compiled| compiled.faults.is_empty())
    }

    /// The settings; none if nothing has changed.
    ///
    /// # Errors
    /// Where and why they do not load, if none that loaded before can be served in their place.
    pub fn load(&mut self) -> Result<Option<LoadedImages>, String> {
        self.adopt();
        let other = self.good.as_ref().map(|good| good.document.as_slice());
        let files = Files::read(&self.path, &self.folder, other).inspect_err(|_| self.seen = None)?;
        if self.seen.as_ref() == Some(&files) {
            return Ok(None);
        }
        let loaded = self.loaded(&files);
        // What does not load is reported at each look, until it loads.
        self.seen = loaded.is_ok().then_some(files);
        loaded.map(Some)
    }

    /// Takes what the leader kept. Its ConfigMaps count where those of now cannot be used.
    fn adopt(&mut self) {
        if self.is_adopted {
            return;
        }
        if let Some(kept) = self.found.get() {
            self.is_adopted = true;
            self.seen = None;
            for (name, keys) in &kept.config_maps {
                self.held.config_maps.entry(name.clone()).or_insert_with(|| keys.clone());
            }
        }
    }

    fn loaded(&mut self, files: &Files) -> Result<LoadedImages, String> {
        let newest = files.document.clone();
        let newest = newest.and_then(|document| {
            let shown = self.path.display().to_string();
            Ok((compile(&document, &shown, files, &self.held)?, document))
        });
        let error = match newest {
            Ok((compiled, document)) => {
                if !compiled.faults.is_empty() && self.begins_rollout(&document) {
                    return Err(format!("{}{STOPS}", compiled.faults.join("\n")));
                }
                self.sender.send_replace(Kept::files(&document, &compiled.held.config_maps).map(Arc::new));
                self.good = Some(Good { document, kept_at: None });
                return Ok(self.take(compiled, None));
            }
            Err(error) => error,
        };
        let good = self.good_instead_of(files).map_err(|why| format!("{error}{why}"))?;
        let mut held = self.held.clone();
        if good.kept_at.is_some() {
            // A ConfigMap that is there may be newer than the copy: a key that it has no more was taken away.
            held.config_maps.retain(|name, _| files.object("configmaps", "ConfigMap", name).is_err());
        }
        let compiled = compile(&good.document, LAST_GOOD, files, &held);
        let compiled = compiled.map_err(|why| format!("{error}; {LAST_GOOD} does not load either: {why}"))?;
        self.good = Some(good);
        Ok(self.take(compiled, Some(error)))
    }

    fn take(&mut self, compiled: Compiled, error: Option<String>) -> LoadedImages {
        let Compiled { setup, faults, held } = compiled;
        self.held = held;
        let kept_at = self.good.as_ref().and_then(|good| good.kept_at.clone());
        LoadedImages { setup, faults, error, kept_at }
    }

    fn was_rolled_out_with(&self, document: &[u8]) -> bool {
        self.rolled_out.as_deref() == Some(&sha256(document))
    }

    /// Whether another document counted before this one, and this replica has served none.
    fn begins_rollout(&self, document: &[u8]) -> bool {
        let is_other = self.found.get().is_some_and(|kept| kept.document != document);
        is_other && self.good.is_none() && self.was_rolled_out_with(document)
    }

    /// The document that loaded last, or why there is none to serve.
    fn good_instead_of(&self, files: &Files) -> Result<Good, &'static str> {
        if let Some(good) = &self.good {
            return Ok(good.clone());
        }
        let kept = self.found.get().ok_or("")?;
        if files.document.as_ref().is_ok_and(|document| self.was_rolled_out_with(document)) {
            return Err(STOPS);
        }
        Ok(Good { document: kept.document.clone(), kept_at: Some(kept.at.clone()) })
    }
}
