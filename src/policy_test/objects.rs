//! The objects of a case: those in the test itself, and those in files next to it.

use super::document::Source;
use crate::manifest::{self, Document};
use crate::text::clean;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A Kubernetes object.
#[derive(Debug, Clone)]
pub struct Sent {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub json: Value,
}

impl Sent {
    fn new(json: Value) -> Result<Self, String> {
        let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            return Err("it needs an `apiVersion` and a `kind`".to_owned());
        };
        if json.get("items").is_some_and(Value::is_array) {
            return Err("it is a list, and the API server gets its items one by one; write one of them".to_owned());
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        Ok(Self { group: group.to_owned(), version: version.to_owned(), kind, json })
    }

    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.json.get("metadata")?.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// `Deployment/web`.
    pub fn title(&self) -> String {
        format!("{}/{}", clean(&self.kind, 63), clean(self.metadata("name").unwrap_or_default(), 63))
    }
}

/// The files of one suite. Each is read once.
pub struct Files {
    /// The directory of the test.
    directory: PathBuf,
    read: HashMap<String, Result<Rc<Vec<Sent>>, String>>,
}

impl Files {
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_path_buf(), read: HashMap::new() }
    }

    /// The one object of a source.
    ///
    /// # Errors
    /// The source has none, or several.
    pub fn one(&mut self, source: &Source) -> Result<Sent, String> {
        let path = match source {
            Source::Inline(map) => return Sent::new(Value::Object(map.clone())),
            Source::File(path) => path,
        };
        // A name may have a `#` in it.
        let (file, wanted) = match path.rsplit_once('#') {
            Some((file, wanted)) if !self.directory.join(path).exists() => (file, Some(wanted)),
            _ => (path.as_str(), None),
        };
        let objects = self.file(file)?;
        let titles = || objects.iter().map(Sent::title).collect::<Vec<_>>().join(", ");
        let found: Vec<&Sent> =
            objects.iter().filter(|object| wanted.is_none_or(|wanted| object.title() == wanted)).collect();
        match (found.as_slice(), wanted) {
            ([one], _) => Ok((*one).clone()),
            ([], None) => Err(format!("{file} has no object")),
            ([], Some(wanted)) => Err(format!("{file} has no {}; it has {}", clean(wanted, 130), titles())),
            (_, None) => {
                Err(format!("{file} has several objects; choose one as in `{file}#Deployment/web`: {}", titles()))
            }
            (_, Some(wanted)) => {
                Err(format!("{file} has several objects {}; give the test a file with one", clean(wanted, 130)))
            }
        }
    }

    /// All objects of a source.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn all(&mut self, source: &Source) -> Result<Vec<Sent>, String> {
        match source {
            Source::Inline(map) => Sent::new(Value::Object(map.clone())).map(|sent| vec![sent]),
            Source::File(path) => self.file(path).map(|objects| (*objects).clone()),
        }
    }

    fn file(&mut self, file: &str) -> Result<Rc<Vec<Sent>>, String> {
        let path = self.directory.join(file);
        self.read.entry(file.to_owned()).or_insert_with(|| objects(file, &path).map(Rc::new)).clone()
    }
}

fn objects(file: &str, path: &Path) -> Result<Vec<Sent>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let documents = manifest::parse(&bytes).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let mut found = Vec::new();
    for object in documents.iter().flat_map(Document::objects) {
        let object = object.map_err(|error| format!("{file} cannot be read: {error}"))?;
        let mut json: Value =
            serde_json::from_str(&object.node.to_json()).map_err(|error| format!("{file}: {error}"))?;
        // An item of a typed list has neither.
        if let Value::Object(map) = &mut json {
            map.entry("apiVersion").or_insert_with(|| object.api_version.into());
            map.entry("kind").or_insert_with(|| object.kind.into());
        }
        found.push(Sent::new(json).map_err(|message| format!("{file}: {message}"))?);
    }
    Ok(found)
}
