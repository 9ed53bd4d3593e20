//! A document and what it names, as settings that can be served.
//!
//! What one entry of `registries` names and cannot be used is a fault of that entry alone: its images are unknown, for podreeve sends no request
//! without its credentials or by other authorities. Where the entry could be used before, it counts as it was.
//!
//! An entry of `trust` has no such way. Without its keys no image below its prefix is signed: with the prefix `*` that denies the whole
//! cluster. Without the entry a shorter prefix decides. So the content that a ConfigMap had before counts, and without that the document
//! does not load.

use super::document::ImagesDocument;
use super::files::Files;
use crate::cluster::images::{Setup, TrustInForce};
use crate::image::Digest;
use crate::image::known::ImageSettings;
use crate::image::trust::{PRIVATE_KEY, Source, Trust, TrustDocument, TrustError, has_private_key};
use crate::manifest::{self, Content, Member, Node};
use crate::registry::{
    CaSource, Client, Credentials, Fault, FaultOf, Keyring, Limits, Providers, RegistrySettings, Settings,
    SettingsError,
};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Raise it when signatures and attestations are judged in another way: verdicts that were kept are made again.
const JUDGE: u32 = 3;
/// The key of a Secret with credentials.
const CREDENTIALS: &str = ".dockerconfigjson";

/// The keys of a Secret or ConfigMap.
pub type Keys = BTreeMap<String, Vec<u8>>;

/// What could be used before. It counts where it cannot be used now.
#[derive(Clone, Default)]
pub struct Held {
    /// By prefix.
    registries: BTreeMap<String, Usable>,
    providers: Option<Providers>,
    pub config_maps: BTreeMap<String, Keys>,
}

/// An entry of `registries`, with its certificates and credentials.
#[derive(Clone)]
struct Usable {
    settings: RegistrySettings,
    keyring: Option<Keyring>,
}

/// Settings that can be served.
pub struct Compiled {
    pub setup: Setup,
    /// What cannot be used, and what that means.
    pub faults: Vec<String>,
    pub held: Held,
}

struct Compiler<'c> {
    /// How messages name the document.
    shown: &'c str,
    document: ImagesDocument,
    node: Node,
    files: &'c Files,
    before: &'c Held,
    faults: RefCell<Vec<String>>,
}

/// The settings of this document.
///
/// # Errors
/// Where and why it does not load.
pub fn compile(document: &[u8], shown: &str, files: &Files, before: &Held) -> Result<Compiled, String> {
    let has_key = has_private_key(document);
    let (document, node) = parse(document, shown)?;
    if has_key && !document.trust.is_empty() {
        let line = node.position(&pointer("trust")).line;
        return Err(format!("{shown}:{line}: trust: the file holds {PRIVATE_KEY}"));
    }
    let compiler = Compiler { shown, document, node, files, before, faults: RefCell::default() };
    compiler.compile()
}

/// The files elsewhere that a document names.
pub fn files_of(document: &[u8]) -> Vec<PathBuf> {
    let Ok((document, _)) = parse(document, "") else { return Vec::new() };
    let providers = document.credential_providers.iter().map(|providers| providers.config.clone());
    let authorities = document.registries.iter().filter_map(|registry| match &registry.ca {
        Some(CaSource::File(path)) => Some(path.clone()),
        _ => None,
    });
    authorities.chain(providers).collect()
}

fn parse(document: &[u8], shown: &str) -> Result<(ImagesDocument, Node), String> {
    let documents = manifest::parse(document).map_err(|error| format!("{shown}: {error}"))?;
    let [document] = documents.as_slice() else {
        return Err(format!("{shown}: has {} documents; write one, with `registries` and `trust`", documents.len()));
    };
    if let Some(beside) = beside_images(&document.root) {
        let key = crate::text::clean(&beside.key, 60);
        return Err(format!(
            "{shown}:{}: {key}: it stands beside `images`, where nothing counts; indent it below `images`",
            beside.at.line
        ));
    }
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

/// A key that is not below `images`, though this key is there.
fn beside_images(root: &Node) -> Option<&Member> {
    let Content::Map(members) = &root.content else { return None };
    root.get("images").and_then(|_| members.iter().find(|member| member.key != "images"))
}

/// `trust[0].anyOf` as a JSON pointer.
fn pointer(path: &str) -> String {
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.map(|part| format!("/{part}")).collect()
}

impl Compiler<'_> {
    fn compile(self) -> Result<Compiled, String> {
        let document = &self.document;
        let checked = Settings { registries: document.registries.clone(), any_host: false }.check();
        checked.map_err(|error| self.settings_error(&error))?;
        let mut held = Held::default();
        let (trust, config_maps) = self.trust()?;
        held.config_maps = config_maps;
        let mut credentials = Credentials::default();
        let (mut registries, mut refused) = (Vec::new(), Vec::new());
        let no_providers = self.providers(&mut held);
        for (index, entry) in document.registries.iter().enumerate() {
            let read = match (self.registry(index, entry, &mut held.config_maps), &no_providers) {
                (Ok(Usable { settings, keyring: None }), Some(fault)) => Err((fault.clone(), Box::new(settings))),
                (read, _) => read,
            };
            let usable = match (read, self.before.registries.get(&entry.prefix)) {
                (Ok(usable), _) => usable,
                (Err((fault, _)), Some(before)) => {
                    self.fault(&fault.at, &fault.why, &format!("the settings of before count for {}", entry.prefix));
                    before.clone()
                }
                (Err((fault, settings)), None) => {
                    self.fault(&fault.at, &fault.why, &format!("images below {} are unknown", entry.prefix));
                    refused.push((index, fault));
                    registries.push(*settings);
                    continue;
                }
            };
            held.registries.insert(entry.prefix.clone(), usable.clone());
            credentials = usable.keyring.into_iter().fold(credentials, Credentials::keyring);
            registries.push(usable.settings);
        }
        credentials = held.providers.clone().into_iter().fold(credentials, Credentials::providers);
        let count = registries.len();
        let settings = Settings { registries, any_host: false };
        let client = Client::new(&settings, credentials, Limits::default());
        let client = client.map_err(|error| self.settings_error(&error))?;
        let setup = Setup {
            client: refused.into_iter().fold(client, |client, (index, fault)| client.refusing(index, fault)),
            trust,
            unknown: ImageSettings { on_unknown: document.on_unknown, on_unavailable: document.on_unavailable },
            pull_secrets: document.pull_secrets.scope().map(Arc::new),
            layers: document.layers,
            vulnerability_reports: document.vulnerability_reports,
            registries: count,
        };
        Ok(Compiled { setup, faults: self.faults.into_inner(), held })
    }

    /// The place of a key: `images.yaml:3: registries[0].ca`.
    fn place(&self, at: &str) -> String {
        format!("{}:{}: {at}", self.shown, self.node.position(&pointer(at)).line)
    }

    fn fault(&self, at: &str, why: &str, so: &str) {
        self.faults.borrow_mut().push(format!("{}: {why}; {so}", self.place(at)));
    }

    fn settings_error(&self, error: &SettingsError) -> String {
        match error {
            SettingsError::Field { index, field, why } => {
                format!("{}: {why}", self.place(&format!("registries[{index}].{field}")))
            }
            SettingsError::Tls(_) => format!("{}: {error}", self.shown),
        }
    }

    /// An entry with what it names; or what of that cannot be used, and the entry without it.
    fn registry(
        &self,
        index: usize,
        entry: &RegistrySettings,
        config_maps: &mut BTreeMap<String, Keys>,
    ) -> Result<Usable, (Fault, Box<RegistrySettings>)> {
        let fault = |of, field: &str, why| Fault { of, at: format!("registries[{index}].{field}"), why };
        let mut settings = RegistrySettings { ca: None, ..entry.clone() };
        // First the certificates: no pull secret of a pod may go where they do not lead.
        let at = format!("registries[{index}].ca");
        match entry.ca.as_ref().map(|source| self.authorities(&at, source, config_maps)).transpose() {
            Ok(pem) => settings.ca = pem.map(CaSource::Pem),
            Err(why) => return Err((fault(FaultOf::Authorities, "ca", why), Box::new(settings))),
        }
        let place = entry.mirror.as_deref().unwrap_or(&entry.prefix);
        match entry.pull_secret.as_ref().map(|name| self.pull_secret(name, place)).transpose() {
            Ok(keyring) => Ok(Usable { settings, keyring }),
            Err(why) => Err((fault(FaultOf::Credentials, "pullSecret", why), Box::new(settings))),
        }
    }

    /// Puts the credential providers where they are held. If they cannot be used, that is a fault of each registry without a Secret, since
    /// any of them may need their credentials.
    fn providers(&self, held: &mut Held) -> Option<Fault> {
        let named = self.document.credential_providers.as_ref()?;
        let at = "credentialProviders.config";
        let read = self.files.named(&named.config);
        let read = read.and_then(|text| Providers::read(&text, &named.bin_dir).map_err(|error| error.to_string()));
        match read {
            Ok(providers) => {
                held.providers = Some(providers);
                None
            }
            Err(why) => {
                held.providers.clone_from(&self.before.providers);
                Some(Fault { of: FaultOf::Credentials, at: at.to_owned(), why })
            }
        }
    }

    /// The PEM text of authorities.
    fn authorities(
        &self,
        at: &str,
        source: &CaSource,
        config_maps: &mut BTreeMap<String, Keys>,
    ) -> Result<String, String> {
        let checked = |text: String| {
            let entry = RegistrySettings { ca: Some(CaSource::Pem(text.clone())), ..RegistrySettings::default() };
            entry.unusable_ca().map_or(Ok(text), Err)
        };
        match source {
            CaSource::Pem(text) => checked(text.clone()),
            CaSource::File(path) => {
                let text = self.files.named(path)?;
                checked(text).map_err(|why| format!("{}: {why}", path.display()))
            }
            CaSource::ConfigMap(name) => {
                let usable = |keys: &Keys| {
                    let only = |why: String| {
                        why.replace("name one with `key`", "put the certificates into one with a single key")
                    };
                    let (_, text) = text_of(name, keys, None).map_err(only)?;
                    checked(text).map_err(|why| format!("the ConfigMap `{name}`: {why}"))
                };
                let now = self.files.object("configmaps", "ConfigMap", name);
                let found = now.and_then(|keys| Ok((keys, usable(keys)?)));
                let (keys, text) = found.or_else(|why| {
                    let keys = self.before.config_maps.get(name).ok_or_else(|| why.clone())?;
                    let text = usable(keys).map_err(|_| why.clone())?;
                    self.fault(at, &why, "its content of before counts");
                    Ok::<_, String>((keys, text))
                })?;
                config_maps.entry(name.clone()).or_insert_with(|| keys.clone());
                Ok(text)
            }
        }
    }

    fn pull_secret(&self, name: &str, place: &str) -> Result<Keyring, String> {
        let keys = self.files.object("secrets", "Secret", name)?;
        let json = keys.get(CREDENTIALS).ok_or_else(|| {
            format!(
                "the Secret `{name}` has no key `{CREDENTIALS}`; make it with `kubectl create secret docker-registry`"
            )
        })?;
        let keyring = Keyring::read(json).map_err(|error| format!("the Secret `{name}`: {error}"))?;
        if keyring.has_any_for(place) {
            return Ok(keyring);
        }
        Err(format!("the Secret `{name}` has no credentials for {place}"))
    }

    /// The trust document, and the ConfigMaps that it names: those by which it does not load, with their content of before.
    fn trust(&self) -> Result<(TrustInForce, BTreeMap<String, Keys>), String> {
        let errors = match self.trust_by(&BTreeSet::new()) {
            Ok(trust) => return Ok(trust),
            Err(errors) => errors,
        };
        let line = |at: &str| self.node.position(&pointer(at)).line;
        let shown = errors.iter().map(|error| format!("{}:{}: {error}", self.shown, line(&error.at)));
        let error = shown.collect::<Vec<_>>().join("\n");
        let document = serde_json::json!({"trust": self.document.trust});
        let broken: BTreeSet<String> =
            errors.iter().filter_map(|error| document.pointer(&pointer(&error.at))).flat_map(config_maps_in).collect();
        let trust = self.trust_by(&broken).map_err(|_| error.clone())?;
        self.faults.borrow_mut().push(format!("{error}; that ConfigMap counts with its content of before"));
        Ok(trust)
    }

    /// With the content of before of these. The digest is that of the document and of all that it names.
    fn trust_by(&self, before: &BTreeSet<String>) -> Result<(TrustInForce, BTreeMap<String, Keys>), Vec<TrustError>> {
        let text = serde_json::to_string(&self.document.trust).unwrap_or_default();
        let used = RefCell::new((format!("{JUDGE}{text}"), BTreeMap::new()));
        let resolve = |source: &Source| {
            let Some(name) = &source.config_map else {
                return Err("a file is not read here; name a ConfigMap with `configMap`, or write `pem`".to_owned());
            };
            let before = before.get(name).and_then(|name| self.before.config_maps.get(name));
            let keys = before.map_or_else(|| self.files.object("configmaps", "ConfigMap", name), Ok)?;
            let (key, text) = text_of(name, keys, source.key.as_deref())?;
            // All who may read one key of it may read the others.
            if let Some((private, _)) = keys.iter().find(|(_, text)| has_private_key(text)) {
                return Err(format!("the ConfigMap `{name}` holds, under `{private}`, {PRIVATE_KEY}"));
            }
            let (texts, config_maps): &mut (String, BTreeMap<String, Keys>) = &mut used.borrow_mut();
            texts.push_str(&text);
            // No other key is kept: a large one would leave no room for these.
            config_maps.entry(name.clone()).or_default().insert(key.to_owned(), text.clone().into_bytes());
            Ok(text)
        };
        let entries = TrustDocument { trust: self.document.trust.clone() };
        let trust = Trust::compile(&entries, &resolve)?;
        let (texts, config_maps) = used.into_inner();
        let id = Digest::sha256(texts.as_bytes());
        Ok((TrustInForce { trust: Arc::new(trust), id }, config_maps))
    }
}

/// The names of ConfigMaps in a part of the document.
fn config_maps_in(part: &Value) -> Vec<String> {
    match part {
        Value::Object(keys) => {
            let named = keys.get("configMap").and_then(Value::as_str).map(str::to_owned);
            named.into_iter().chain(keys.values().flat_map(config_maps_in)).collect()
        }
        Value::Array(values) => values.iter().flat_map(config_maps_in).collect(),
        _ => Vec::new(),
    }
}

/// A key with its text, or the only one.
fn text_of<'k>(name: &str, keys: &'k Keys, key: Option<&str>) -> Result<(&'k str, String), String> {
    let mut values = keys.iter().filter(|(found, _)| key.is_none_or(|key| key == *found));
    match (values.next(), values.next()) {
        (Some((key, bytes)), None) => match String::from_utf8(bytes.clone()) {
            Ok(text) => Ok((key, text)),
            Err(_) => Err(format!("the ConfigMap `{name}` has a key that is no text")),
        },
        (None, _) => Err(format!("the ConfigMap `{name}` has no key `{}`", key.unwrap_or_default())),
        _ => Err(format!("the ConfigMap `{name}` has several keys; name one with `key`")),
    }
}
