//! The sources of policies: built-in names, files, directories. If one of them has an error, none is used, because a part of
//! a policy does not do what its author wants. All errors of all files are reported together.

mod error;
mod files;
mod read;

pub use error::{SourceError, SourceErrors};
pub use files::{PolicyFiles, sha256};

use crate::admit::Snapshot;
use crate::manifest::{self, Object, Position};
use crate::policy::document::{API_VERSION, unknown_version};
use crate::policy::{Cluster, CompiledPolicy, PolicyError, PolicySet};
use read::File;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// The policy that applies when none is named.
pub const DEFAULT: &str = "owasp";

/// The value for no policy from files. Only the policies of the cluster apply.
pub const NONE: &str = "none";

/// The values of `--policy`.
#[derive(Debug, Clone)]
pub struct Sources {
    values: Vec<String>,
    cluster: Cluster,
    /// Read in place of all files and directories.
    instead: Option<PolicyFiles>,
    /// For policies that name no contact of their own.
    contact: Option<String>,
    /// For policies that name no pages of their own.
    docs: Option<String>,
}

/// Changes when anything that [`Sources::load`] reads changes. Take it before the load, so that
/// the next comparison sees a change during the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

/// The file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub file: String,
    /// The positions of its exemptions, in order.
    pub exemptions: Vec<Position>,
}

impl Sources {
    /// A value is the name of a built-in policy, a file, or a directory of `*.yaml`, `*.yml` and
    /// `*.json` files (`./owasp` for a file with the name of a built-in policy). No value means [`DEFAULT`].
    #[must_use]
    pub fn new(values: &[String]) -> Self {
        let values = if values.is_empty() { vec![DEFAULT.to_owned()] } else { values.to_vec() };
        Self { values, ..Self::none() }
    }

    /// No policies.
    #[must_use]
    pub const fn none() -> Self {
        Self { values: Vec::new(), cluster: Cluster::Without, instead: None, contact: None, docs: None }
    }

    /// Allows policies that need a cluster.
    #[must_use]
    pub fn in_cluster(self) -> Self {
        Self { cluster: Cluster::With, ..self }
    }

    /// The same built-in policies, and these files in place of all others.
    #[must_use]
    pub fn with_files(self, files: PolicyFiles) -> Self {
        Self { instead: Some(files), ..self }
    }

    /// The files among the sources, as they are now. None if there are none, if one is no text or cannot be read, or if two
    /// have the same name.
    #[must_use]
    pub fn policy_files(&self) -> Option<PolicyFiles> {
        let mut files = PolicyFiles::default();
        for file in self.read() {
            let file = file.ok()?;
            if file.is_builtin {
                continue;
            }
            let name = Path::new(&file.name).file_name()?.to_str()?.to_owned();
            if files.0.insert(name, String::from_utf8(file.bytes).ok()?).is_some() {
                return None;
            }
        }
        Some(files).filter(|files| !files.0.is_empty())
    }

    fn read(&self) -> Vec<Result<File, SourceError>> {
        let Some(files) = &self.instead else { return read::files(&self.values) };
        let named: Vec<String> = self.values.iter().filter(|value| read::is_builtin(value)).cloned().collect();
        let texts = files
            .0
            .iter()
            .map(|(name, text)| Ok(File { name: name.clone(), bytes: text.as_bytes().to_vec(), is_builtin: false }));
        read::files(&named).into_iter().chain(texts).collect()
    }

    /// Whom denials name, and where each rule has a page, for policies that do not say it themselves.
    #[must_use]
    pub fn with_help(self, contact: Option<String>, docs: Option<String>) -> Self {
        Self { contact, docs, ..self }
    }

    /// Reads every source. An error of reading counts as content.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        for file in self.read() {
            match file {
                Ok(File { name, bytes, .. }) => (name, bytes).hash(&mut hasher),
                Err(SourceError { file, message, .. }) => (file, message).hash(&mut hasher),
            }
        }
        Fingerprint(hasher.finish())
    }

    /// Reads and compiles the policies.
    ///
    /// # Errors
    /// All errors, in the order of the sources.
    pub fn load(&self, generation: u64, report_limit: usize) -> Result<Snapshot, SourceErrors> {
        self.load_with_origins(generation, report_limit).map(|(snapshot, _)| snapshot)
    }

    /// As [`Sources::load`], and the origin of each policy of the snapshot.
    ///
    /// # Errors
    /// The same.
    pub fn load_with_origins(
        &self,
        generation: u64,
        report_limit: usize,
    ) -> Result<(Snapshot, Vec<Origin>), SourceErrors> {
        let mut loader = Loader::new(self.cluster);
        for file in self.read() {
            match file {
                Ok(file) => loader.file(&file),
                Err(error) => loader.errors.push(error),
            }
        }
        for policy in &mut loader.policies {
            policy.contact = policy.contact.take().or_else(|| self.contact.clone());
            policy.docs = policy.docs.take().or_else(|| self.docs.clone());
        }
        if loader.errors.is_empty() {
            let policies = PolicySet::new(loader.policies, generation);
            Ok((Snapshot::new(policies, report_limit), loader.origins))
        } else {
            Err(SourceErrors(loader.errors))
        }
    }
}

struct Loader {
    cluster: Cluster,
    policies: Vec<CompiledPolicy>,
    /// One for each policy.
    origins: Vec<Origin>,
    /// The first place of each name.
    names: HashMap<String, String>,
    errors: Vec<SourceError>,
}

impl Loader {
    fn new(cluster: Cluster) -> Self {
        Self { cluster, policies: Vec::new(), origins: Vec::new(), names: HashMap::new(), errors: Vec::new() }
    }

    fn file(&mut self, file: &File) {
        let manifest::Reading { documents, errors } = manifest::read(&file.bytes);
        let mut found = errors.len();
        self.errors.extend(errors.into_iter().map(|error| SourceError::unreadable(&file.name, error)));
        for object in documents.iter().flat_map(manifest::Document::objects) {
            found += 1;
            match object {
                Ok(object) => self.policy(&file.name, &object),
                Err(error) => self.errors.push(SourceError::unreadable(&file.name, error)),
            }
        }
        if found == 0 {
            let message = "holds no policy, and nothing is enforced by it; write one, or leave the file out";
            self.errors.push(SourceError::whole(&file.name, message));
        }
    }

    fn policy(&mut self, file: &str, object: &Object<'_>) {
        // First, because with another version all fields would be unknown too.
        if object.kind == "Policy" && object.group() == "podreeve.dev" && object.api_version != API_VERSION {
            let message = unknown_version(object.version());
            self.errors.push(SourceError::at(file, object.position("/apiVersion"), "apiVersion", message));
            return;
        }
        if (object.api_version, object.kind) != (API_VERSION, "Policy") {
            let is_test = object.group() == "podreeve.dev" && object.kind == "PolicyTest";
            let remedy = if is_test { "keep tests in a directory below" } else { "keep other objects in other files" };
            let message = format!(
                "this is a {} {}, and policies are {API_VERSION} Policy; {remedy}",
                crate::text::clean(object.api_version, 60),
                crate::text::clean(object.kind, 60)
            );
            self.errors.push(SourceError::at(file, object.position("/kind"), "kind", message));
            return;
        }
        match CompiledPolicy::from_json(&object.node.to_json(), self.cluster) {
            Ok(policy) => {
                let at = object.position("/metadata/name");
                if let Some(first) = self.names.get(&*policy.name) {
                    let message = format!("`{}` is also the name of the policy at {first}; rename one", policy.name);
                    self.errors.push(SourceError::at(file, at, "metadata.name", message));
                } else {
                    self.names.insert(policy.name.to_string(), format!("{file}:{}", at.line));
                    let exemptions = (0..policy.exemptions.len())
                        .map(|index| object.position(&format!("/spec/exemptions/{index}")))
                        .collect();
                    self.origins.push(Origin { file: file.to_owned(), exemptions });
                    self.policies.push(policy);
                }
            }
            Err(wrong) => {
                let error = |error: PolicyError| {
                    SourceError::at(file, object.position(&error.pointer), error.key, error.message)
                };
                let mut errors: Vec<SourceError> = wrong.0.into_iter().map(error).collect();
                errors.sort_by_key(|error| error.at);
                self.errors.extend(errors);
            }
        }
    }
}
