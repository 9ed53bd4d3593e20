//! `Exemption` objects among the checked files. They count in the namespaces that the operator of the cluster allows.

use crate::manifest::{ManifestError, Node, Object, Position};
use crate::policy::ObjectExemption;
use crate::policy::document::{API_VERSION, unknown_version};
use crate::text::clean;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest namespace and name that a message repeats, in bytes.
const NAME_MAX: usize = 512;

/// The exemptions that count, and the position of each.
#[derive(Default)]
pub struct Exemptions {
    pub found: Vec<Arc<ObjectExemption>>,
    /// By `namespace/name`.
    places: BTreeMap<String, (String, Position)>,
}

/// What decides whether an Exemption counts.
#[derive(Clone, Copy)]
pub struct Namespaces<'n> {
    /// The namespace of objects that name none.
    pub default: &'n str,
    pub allowed: &'n [String],
}

impl<'n> Namespaces<'n> {
    /// The namespace of an Exemption of any version, and whether it counts there. None for other objects.
    fn of(self, object: &Object<'n>) -> Option<(&'n str, bool)> {
        let namespace = object.namespace().unwrap_or(self.default);
        let is_exemption = object.group() == "podreeve.dev" && object.kind == "Exemption";
        is_exemption.then(|| (namespace, self.allowed.iter().any(|allowed| allowed.trim() == namespace)))
    }

    /// A note if the object is an Exemption that does not count.
    pub fn note_ignored(self, file: &str, object: &Object<'n>) -> Option<String> {
        let (namespace, false) = self.of(object)? else { return None };
        let (line, name) = (object.position("").line, object.name());
        Some(format!(
            "{file}:{line}: Exemption {namespace}/{name} does not count; if it counts in the cluster, add --exemption-namespaces {namespace}"
        ))
    }
}

impl Exemptions {
    /// Adds the object if it is an Exemption that counts.
    pub fn read<'n>(
        &mut self,
        file: &str,
        object: &Object<'n>,
        namespaces: Namespaces<'n>,
    ) -> Result<(), Vec<ManifestError>> {
        let Some((namespace, true)) = namespaces.of(object) else { return Ok(()) };
        let name = object.name();
        let full = format!("{namespace}/{name}");
        let error = |pointer: &str, message: String| {
            ManifestError::new(object.position(pointer), format!("Exemption {}: {message}", clean(&full, NAME_MAX)))
        };
        if object.api_version != API_VERSION {
            return Err(vec![error("/apiVersion", unknown_version(object.version()))]);
        }
        if let Some((first, at)) = self.places.get(&full) {
            let message = format!("it is also at {first}:{}; leave one out", at.line);
            return Err(vec![error("/metadata/name", message)]);
        }
        let spec = object.node.get("spec").map(Node::to_json);
        let exemption = ObjectExemption::new(namespace, &name, spec.as_deref()).map_err(|wrong| {
            wrong.0.iter().map(|wrong| error(&wrong.pointer, wrong.to_string())).collect::<Vec<_>>()
        })?;
        self.found.push(Arc::new(exemption));
        self.places.insert(full, (file.to_owned(), object.position("")));
        Ok(())
    }

    /// The position of the exemption with this name.
    pub fn place(&self, name: &str) -> (String, Position) {
        self.places.get(name).cloned().unwrap_or((String::new(), Position::START))
    }
}
