//! `podreeve image --trust`: the trust document, with the files and ConfigMaps that it names, and what it says of the image.

use super::layout::Folder;
use super::registry::Repository;
use crate::cli::exit::Failure;
use crate::image::OpenedImage;
pub use crate::image::trust::Verdict;
use crate::image::trust::{
    Evidence, PRIVATE_KEY, Source, Target, Trust, TrustDocument, TrustError, has_private_key, layout, verify as judge,
};
use crate::manifest::{self, Content, Node};
use crate::policy::{Cluster, CompiledPolicy};
use crate::report::format::PAGES;
use crate::workload::image::ImageRef;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file with a key, a certificate or a trusted root.
const MAX_SOURCE: u64 = 4 * 1024 * 1024;

/// Where the signatures lie: next to the image.
pub enum Place<'p> {
    Folder(&'p Path),
    Registry(&'p Repository),
}

impl Place<'_> {
    /// What is attached to the image and to its platforms.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(&self, image: &OpenedImage) -> Result<Vec<Evidence>, Failure> {
        self.evidence(image.digest.as_str(), &image.leaves())
    }

    fn evidence(&self, digest: &str, leaves: &[String]) -> Result<Vec<Evidence>, Failure> {
        let folder = match self {
            Self::Registry(repository) => {
                let digests: Vec<&str> = std::iter::once(digest).chain(leaves.iter().map(String::as_str)).collect();
                return repository.evidence(&digests);
            }
            Self::Folder(folder) => folder,
        };
        if folder.is_dir() {
            return Ok(layout::find(&Folder::new(*folder), digest, leaves));
        }
        let shown = folder.display();
        Err(Failure::input(format!(
            "{shown}: --trust finds signatures in the folder of an OCI layout, and this is a file; unpack it (`mkdir web && tar -xf {shown} \
             -C web`), or save the image with its signatures: `cosign save --dir web IMAGE`"
        )))
    }
}

/// Who signed the image.
///
/// # Errors
/// The document or the signatures cannot be read, or no entry of the document covers the image.
pub fn verify(file: &Path, place: &Place<'_>, name: &str, image: &OpenedImage) -> Result<Verdict, Failure> {
    let trust = load(file)?;
    let reference = ImageRef::parse(name);
    let digest = image.digest.to_string();
    let leaves = image.leaves();
    let evidence = place.evidence(&digest, &leaves)?;
    let target = Target { image: &reference, digest: &digest, leaves: &leaves };
    judge(&trust, target, &evidence, jiff::Timestamp::now()).ok_or_else(|| {
        Failure::input(format!(
            "{}: no entry covers `{}`, so no signature would be needed; name the image as it is pulled (--as), or add an entry",
            file.display(),
            crate::text::clean(name, 200)
        ))
    })
}

/// A policy that denies what the trust document refuses.
const POLICY: &str = r#"{"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "trust"},
    "spec": {"rules": {"image-signature": {"action": "deny"}}}}"#;

/// What `--trust` asks for, whatever the policies say.
///
/// # Errors
/// A fault of podreeve.
pub fn policy() -> Result<CompiledPolicy, Failure> {
    CompiledPolicy::from_json(POLICY, Cluster::Without).map_err(|errors| Failure::internal(errors.to_string()))
}

/// Reads a trust document. It is the list `trust`, alone or below `images`, as in the values of the chart. ConfigMaps that it names
/// are further documents of the same file.
///
/// # Errors
/// The file cannot be read, or it has errors; all of them are reported.
fn load(path: &Path) -> Result<Trust, Failure> {
    let shown = path.display();
    let bytes = read(path).map_err(|why| Failure::input(format!("{shown}: {why}")))?;
    let documents = manifest::parse(&bytes).map_err(|error| Failure::input(format!("{shown}: {error}")))?;
    let mut config_maps = BTreeMap::new();
    let mut found = None;
    for document in &documents {
        let root = &document.root;
        if root.get("kind").and_then(Node::as_str) == Some("ConfigMap") {
            config_maps.extend(config_map(root));
        } else if let Some(misplaced) = misplaced(root) {
            return Err(Failure::input(format!("{shown}: {misplaced}")));
        } else if found.replace(root.get("images").unwrap_or(root)).is_some() {
            return Err(Failure::input(format!(
                "{shown}: has several trust documents; write all entries into one list `trust`"
            )));
        }
    }
    let Some(node) = found else {
        return Err(Failure::input(format!(
            "{shown}: has no trust document; it needs a list `trust`, see {PAGES}/signatures.md"
        )));
    };
    let trusted = trusted(node)
        .map_err(|(pointer, message)| Failure::input(format!("{shown}:{}: {message}", node.position(&pointer).line)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let trust =
        Trust::compile(&trusted, &|source: &Source| resolve(source, folder, &config_maps)).map_err(|errors| {
            let line = |error: &TrustError| node.position(&pointer(&error.at)).line;
            let lines: Vec<String> = errors.iter().map(|error| format!("{shown}:{}: {error}", line(error))).collect();
            Failure::input(lines.join("\n"))
        })?;
    // Another key of a ConfigMap, or a comment: all who may read the document may read it, too.
    let written = bytes.split(|byte| *byte == b'\n').position(has_private_key).map(|line| line + 1);
    match written.or_else(|| documents.iter().find_map(|document| private_key_in(&document.root))) {
        Some(line) => Err(Failure::input(format!("{shown}:{line}: the file holds {PRIVATE_KEY}"))),
        None => Ok(trust),
    }
}

/// The line of a value or a key that is a private key, whatever its spelling is in the file.
fn private_key_in(root: &Node) -> Option<usize> {
    let mut nodes = vec![root];
    let mut found: Option<usize> = None;
    while let Some(node) = nodes.pop() {
        let is_key = match &node.content {
            Content::Text(text) => has_private_key(text.as_bytes()),
            Content::Map(members) => {
                nodes.extend(members.iter().map(|member| &member.value));
                let named = members.iter().find(|member| has_private_key(member.key.as_bytes()));
                found = found.into_iter().chain(named.map(|member| member.at.line)).min();
                node.get("kty").is_some() && ["d", "k"].iter().any(|part| node.get(part).is_some())
            }
            Content::List(items) => {
                nodes.extend(items);
                false
            }
            Content::Null | Content::Bool(_) | Content::Number(_) => false,
        };
        if is_key {
            found = found.into_iter().chain([node.at.line]).min();
        }
    }
    found
}

/// What is wrong with a document in which the entries do not stand below `trust`.
fn misplaced(root: &Node) -> Option<String> {
    if let Some(kind) = root.get("kind").and_then(Node::as_str).filter(|_| root.get("apiVersion").is_some()) {
        let kind = crate::text::clean(kind, 60);
        return Some(format!("has a {kind} as a further document; only a ConfigMap can hold keys and roots here"));
    }
    let root = root.get("images").unwrap_or(root);
    if matches!(root.content, Content::List(_)) {
        return Some("is a list; put it under the key `trust`: write `trust:` as the first line".to_owned());
    }
    if root.get("trust").is_some() {
        return None;
    }
    let is_entry = ["prefix", "anyOf"].iter().any(|key| root.get(key).is_some());
    Some(if is_entry {
        "has an entry without a list; put it under the key `trust`, as an item that begins with `- `".to_owned()
    } else {
        format!("has no list `trust`; put the entries under this key, see {PAGES}/signatures.md")
    })
}

/// The list `trust` of a document. In the values of a chart there are other keys next to it.
fn trusted(node: &Node) -> Result<TrustDocument, (String, String)> {
    let json = if node.get("registries").is_some() {
        let trust = node.get("trust").map_or_else(|| "null".to_owned(), Node::to_json);
        format!("{{\"trust\":{trust}}}")
    } else {
        node.to_json()
    };
    let mut deserializer = serde_json::Deserializer::from_str(&json);
    serde_path_to_error::deserialize(crate::json::Objects(&mut deserializer)).map_err(|error| {
        let at = error.path().to_string();
        let message = error.into_inner().to_string();
        let message = crate::text::without_value(crate::text::without_position(&message));
        let place = if at == "." { String::new() } else { format!("{at}: ") };
        (pointer(&at), format!("{place}{message}"))
    })
}

/// `trust[0].anyOf` as a JSON pointer.
fn pointer(path: &str) -> String {
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.map(|part| format!("/{part}")).collect()
}

/// The name and the data of a ConfigMap.
fn config_map(root: &Node) -> Option<(String, BTreeMap<String, String>)> {
    let object: serde_json::Value = serde_json::from_str(&root.to_json()).ok()?;
    let data = object.get("data")?.as_object()?.iter();
    let data = data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    Some((object.pointer("/metadata/name")?.as_str()?.to_owned(), data))
}

type ConfigMaps = BTreeMap<String, BTreeMap<String, String>>;

fn resolve(source: &Source, folder: &Path, config_maps: &ConfigMaps) -> Result<String, String> {
    if let Some(file) = &source.file {
        let path = folder.join(file);
        let bytes = read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        return String::from_utf8(bytes).map_err(|_| format!("{} is no text", path.display()));
    }
    let name = source.config_map.as_deref().unwrap_or_default();
    let data = config_maps.get(name).ok_or_else(|| {
        format!("the ConfigMap `{name}` is not in this file; add it as a further document (`kubectl get configmap {name} -n podreeve -o yaml`)")
    })?;
    let mut values = data.iter().filter(|(key, _)| source.key.as_ref().is_none_or(|wanted| wanted == *key));
    match (values.next(), values.next()) {
        (Some((_, text)), None) => Ok(text.clone()),
        (None, _) => Err(format!("the ConfigMap `{name}` has no key `{}`", source.key.as_deref().unwrap_or("(any)"))),
        _ => Err(format!("the ConfigMap `{name}` has several keys; name one with `key`")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SOURCE + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_SOURCE {
        return Err(format!("is larger than the {MAX_SOURCE} bytes that are read"));
    }
    Ok(bytes)
}
