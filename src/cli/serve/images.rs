//! `serve --images`: the settings of images, with the keys, certificates and credentials that they name.
//!
//! They are files, so that podreeve needs no right to read Secrets: `secrets/NAME/` has the keys of a Secret and `configmaps/NAME/`
//! those of a ConfigMap, as Kubernetes mounts them.

pub mod document;

use crate::cluster::images::{ImageSharing, Setup, TrustInForce};
use crate::image::Digest;
use crate::image::known::ImageSettings;
use crate::image::trust::{PRIVATE_KEY, Source, Trust, TrustDocument, TrustError, has_private_key};
use crate::manifest::{self, Node};
use crate::registry::{
    CaSource, Client, Credentials, Keyring, Limits, Providers, RegistrySettings, Settings, SettingsError,
};
use crate::server::LoadImages;
use document::ImagesDocument;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Images")]
pub struct ImageArgs {
    /// Judge what is behind images, by this document: registries, who must have signed, credentials
    ///
    /// It is read again when it changes, with all that it names. The log and /readyz say what does not load; it changes nothing. A replica
    /// that never loaded any settings is not ready.
    #[arg(long, value_name = "FILE", requires = "cluster", value_hint = clap::ValueHint::FilePath)]
    images: Option<PathBuf>,

    /// The folder with the Secrets and ConfigMaps that the document names, as secrets/NAME and configmaps/NAME [default: that of the
    /// document]
    #[arg(long, value_name = "DIR", requires = "images", value_hint = clap::ValueHint::DirPath)]
    images_files: Option<PathBuf>,

    /// The Secret with the key that seals facts of images, which replicas share as imagefacts.podreeve.dev
    ///
    /// The leader makes the key. Without this option each replica reads images for itself.
    #[arg(long, value_name = "NAME", requires = "images")]
    images_secret: Option<String>,
}

impl ImageArgs {
    /// None where podreeve does not look behind images.
    #[must_use]
    pub fn loader(&self) -> Option<LoadImages> {
        let path = self.images.clone()?;
        let folder = self.images_files.clone().or_else(|| path.parent().map(Path::to_owned)).unwrap_or_default();
        let mut seen = None;
        Some(Box::new(move || {
            let files = Files::read(&path, &folder).inspect_err(|_| seen = None)?;
            if seen.as_ref() == Some(&files) {
                return Ok(None);
            }
            let setup = files.setup(&path);
            // What does not load is reported at each look, until it loads.
            seen = setup.is_ok().then_some(files);
            setup.map(Some)
        }))
    }

    #[must_use]
    pub fn sharing(&self) -> Option<ImageSharing> {
        self.images_secret.clone().map(|secret| ImageSharing { secret })
    }
}

/// The largest file.
const LARGEST: u64 = 4 << 20;
/// Raise it when signatures and attestations are judged in another way: verdicts that were kept are made again.
const JUDGE: u32 = 2;
/// The key of a Secret with credentials.
const CREDENTIALS: &str = ".dockerconfigjson";

/// All files that the settings can name, so that a change of any of them is seen.
#[derive(PartialEq)]
struct Files {
    document: Vec<u8>,
    /// By kind, name and key: `configmaps`, `trusted-root`, `trusted_root.json`.
    parts: BTreeMap<(&'static str, String), BTreeMap<String, Vec<u8>>>,
    /// Files elsewhere that the document names, and why one cannot be read.
    named: BTreeMap<PathBuf, Result<Vec<u8>, String>>,
}

impl Files {
    fn read(path: &Path, folder: &Path) -> Result<Self, String> {
        let mut parts = BTreeMap::new();
        for kind in ["secrets", "configmaps"] {
            for (name, folder) in folders(&folder.join(kind))? {
                parts.insert((kind, name), keys(&folder)?);
            }
        }
        let document = read(path)?;
        let mut files = Self { document, parts, named: BTreeMap::new() };
        if let Ok((document, _)) = files.document(path) {
            let providers = document.credential_providers.iter().map(|providers| providers.config.clone());
            for file in document.registries.iter().filter_map(ca_file).chain(providers) {
                files.named.insert(file.clone(), read(&file));
            }
        }
        Ok(files)
    }

    fn document(&self, path: &Path) -> Result<(ImagesDocument, Node), String> {
        let shown = path.display();
        let documents = manifest::parse(&self.document).map_err(|error| format!("{shown}: {error}"))?;
        let [document] = documents.as_slice() else {
            return Err(format!(
                "{shown}: has {} documents; write one, with `registries` and `trust`",
                documents.len()
            ));
        };
        let node = document.root.get("images").unwrap_or(&document.root).clone();
        let json = node.to_json();
        let mut deserializer = serde_json::Deserializer::from_str(&json);
        let read = serde_path_to_error::deserialize(crate::json::Objects(&mut deserializer));
        let read = read.map_err(|error| {
            let at = error.path().to_string();
            let line = node.position(&pointer(&at)).line;
            let message = error.into_inner().to_string();
            let message = crate::text::without_value(crate::text::without_position(&message));
            if at == "." { format!("{shown}:{line}: {message}") } else { format!("{shown}:{line}: {at}: {message}") }
        })?;
        Ok((read, node))
    }

    fn setup(&self, path: &Path) -> Result<Setup, String> {
        let (document, node) = self.document(path)?;
        let shown = path.display();
        let line = |at: &str| node.position(&pointer(at)).line;
        let limits = Limits::default();
        let mut credentials = Credentials::default();
        let mut registries = document.registries.clone();
        for (index, registry) in registries.iter_mut().enumerate() {
            let wrong = |field: &str, why: String| {
                let at = format!("registries[{index}].{field}");
                format!("{shown}:{}: {at}: {why}", line(&at))
            };
            if let Some(name) = &registry.pull_secret {
                let keyring = self.pull_secret(name).map_err(|why| wrong("pullSecret", why))?;
                let place = registry.mirror.as_deref().unwrap_or(&registry.prefix);
                if !keyring.has_any_for(place) {
                    let why = format!("the Secret `{name}` has no credentials for {place}");
                    return Err(wrong("pullSecret", why));
                }
                credentials = credentials.keyring(keyring);
            }
            if let Some(CaSource::ConfigMap(name)) = &registry.ca {
                let only =
                    |why: String| why.replace("name one with `key`", "put the certificates into one with a single key");
                let text = self.config_map(name, None).map_err(|why| wrong("ca", only(why)))?;
                registry.ca = Some(CaSource::Pem(text));
            }
            if let Some(path) = ca_file(registry) {
                registry.ca = Some(CaSource::Pem(self.named_file(&path).map_err(|why| wrong("ca", why))?));
            }
        }
        if let Some(providers) = &document.credential_providers {
            let at = "credentialProviders.config";
            let wrong = |why: String| format!("{shown}:{}: {at}: {why}", line(at));
            let text = self.named_file(&providers.config).map_err(wrong)?;
            let providers = Providers::read(&text, &providers.bin_dir);
            credentials = credentials.providers(providers.map_err(|error| wrong(error.to_string()))?);
        }
        let count = registries.len();
        let settings = Settings { registries, any_host: false };
        let client = Client::new(&settings, credentials, limits).map_err(|error| match &error {
            SettingsError::Field { index, field, why } => {
                let at = format!("registries[{index}].{field}");
                let named = document.registries.get(*index).filter(|_| *field == "ca");
                let whose = match named.and_then(|registry| registry.ca.as_ref()) {
                    Some(CaSource::ConfigMap(name)) => format!("the ConfigMap `{name}`: "),
                    Some(CaSource::File(path)) => format!("{}: ", path.display()),
                    _ => String::new(),
                };
                format!("{shown}:{}: {at}: {whose}{why}", line(&at))
            }
            SettingsError::Tls(_) => format!("{shown}: {error}"),
        })?;
        Ok(Setup {
            client,
            trust: self.trust(&document, &|error| format!("{shown}:{}: {error}", line(&error.at)))?,
            unknown: ImageSettings { on_unknown: document.on_unknown, on_unavailable: document.on_unavailable },
            pull_secrets: document.pull_secrets.scope().map(Arc::new),
            layers: document.layers,
            vulnerability_reports: document.vulnerability_reports,
            registries: count,
        })
    }

    /// The trust document, and the digest of it and of all that it names.
    fn trust(&self, document: &ImagesDocument, show: &dyn Fn(&TrustError) -> String) -> Result<TrustInForce, String> {
        let texts = serde_json::to_string(&document.trust).unwrap_or_default();
        let texts = std::cell::RefCell::new(format!("{JUDGE}{texts}"));
        let resolve = |source: &Source| {
            let Some(name) = &source.config_map else {
                return Err("a file is not read here; name a ConfigMap with `configMap`, or write `pem`".to_owned());
            };
            let text = self.config_map(name, source.key.as_deref())?;
            // All who may read one key of it may read the others.
            let mut all = self.object("configmaps", "ConfigMap", name)?.iter();
            if let Some((key, _)) = all.find(|(_, text)| has_private_key(text)) {
                return Err(format!("the ConfigMap `{name}` holds, under `{key}`, {PRIVATE_KEY}"));
            }
            texts.borrow_mut().push_str(&text);
            Ok(text)
        };
        let entries = TrustDocument { trust: document.trust.clone() };
        let trust = Trust::compile(&entries, &resolve)
            .map_err(|errors| errors.iter().map(show).collect::<Vec<_>>().join("\n"))?;
        if !document.trust.is_empty() && has_private_key(&self.document) {
            return Err(show(&TrustError { at: "trust".to_owned(), message: format!("the file holds {PRIVATE_KEY}") }));
        }
        let id = Digest::sha256(texts.borrow().as_bytes());
        Ok(TrustInForce { trust: Arc::new(trust), id })
    }

    /// A file elsewhere.
    fn named_file(&self, path: &Path) -> Result<String, String> {
        let found = self.named.get(path).cloned().unwrap_or_else(|| read(path))?;
        String::from_utf8(found).map_err(|_| format!("{} is no text", path.display()))
    }

    /// The keys of a Secret or ConfigMap. One that does not exist is an empty folder: its volume is optional.
    fn object(&self, folder: &'static str, kind: &str, name: &str) -> Result<&BTreeMap<String, Vec<u8>>, String> {
        let keys = self.parts.get(&(folder, name.to_owned())).filter(|keys| !keys.is_empty());
        keys.ok_or_else(|| {
            format!("there is no {kind} `{name}` in podreeve's namespace, or it is empty or not mounted yet")
        })
    }

    fn pull_secret(&self, name: &str) -> Result<Keyring, String> {
        let keys = self.object("secrets", "Secret", name)?;
        let json = keys.get(CREDENTIALS).ok_or_else(|| {
            format!(
                "the Secret `{name}` has no key `{CREDENTIALS}`; make it with `kubectl create secret docker-registry`"
            )
        })?;
        Keyring::read(json).map_err(|error| format!("the Secret `{name}`: {error}"))
    }

    fn config_map(&self, name: &str, key: Option<&str>) -> Result<String, String> {
        let keys = self.object("configmaps", "ConfigMap", name)?;
        let mut values = keys.iter().filter(|(found, _)| key.is_none_or(|key| key == *found));
        match (values.next(), values.next()) {
            (Some((_, bytes)), None) => String::from_utf8(bytes.clone())
                .map_err(|_| format!("the ConfigMap `{name}` has a key that is no text")),
            (None, _) => Err(format!("the ConfigMap `{name}` has no key `{}`", key.unwrap_or_default())),
            _ => Err(format!("the ConfigMap `{name}` has several keys; name one with `key`")),
        }
    }
}

fn ca_file(registry: &RegistrySettings) -> Option<PathBuf> {
    match &registry.ca {
        Some(CaSource::File(path)) => Some(path.clone()),
        _ => None,
    }
}

/// `trust[0].anyOf` as a JSON pointer.
fn pointer(path: &str) -> String {
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.map(|part| format!("/{part}")).collect()
}

/// The folders in a folder, by name; none if it is not there.
fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let found = entries(folder)?.into_iter().filter(|(_, path)| path.is_dir());
    Ok(found.collect())
}

/// The keys of a Secret or ConfigMap that is mounted.
fn keys(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let files = entries(folder)?.into_iter().filter(|(_, path)| path.is_file());
    files.map(|(name, path)| Ok((name, read(&path)?))).collect()
}

/// Kubernetes keeps the content in folders whose names begin with two dots, behind links.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut entries = Vec::new();
    for entry in found {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("..") {
            entries.push((name, entry.path()));
        }
    }
    Ok(entries)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    let size = fs::metadata(path).map_err(wrong)?.len();
    if size > LARGEST {
        return Err(format!("{}: has {size} bytes, more than the {LARGEST} that are read", path.display()));
    }
    fs::read(path).map_err(wrong)
}

#[cfg(test)]
mod tests;
