//! `Exemption` objects among the checked files: they count where the operator of the cluster lets them count.

use crate::cli::output;
use crate::manifest::{Node, Object, Position};
use crate::policy::ObjectExemption;
use crate::policy::document::API_VERSION;
use crate::report::FileError;
use crate::text::clean;
use std::collections::BTreeMap;
use std::sync::Arc;

/// No longer than any namespace and name.
const NAME_MAX: usize = 512;

/// Those that count, and where each stands.
#[derive(Default)]
pub struct Exemptions {
    pub found: Vec<Arc<ObjectExemption>>,
    /// By `namespace/name`.
    places: BTreeMap<String, (String, Position)>,
}

/// Whether the object is an Exemption of some version.
fn is_exemption(object: &Object<'_>) -> bool {
    object.group() == "podreeve.dev" && object.kind == "Exemption"
}

impl Exemptions {
    /// Takes the object in, if it is an Exemption that counts in its namespace.
    pub fn read(
        &mut self,
        file: &str,
        object: &Object<'_>,
        default: &str,
        allowed: &[String],
    ) -> Result<(), FileError> {
        let namespace = object.namespace().unwrap_or(default);
        if !is_exemption(object) || !allowed.iter().any(|allowed| allowed.trim() == namespace) {
            return Ok(());
        }
        let name = object.name();
        let full = clean(&format!("{namespace}/{name}"), NAME_MAX);
        let error = |at: Position, message: String| FileError {
            file: file.to_owned(),
            line: Some(at.line),
            column: Some(at.column),
            message: format!("Exemption {full}: {message}"),
        };
        if object.api_version != API_VERSION {
            let version = clean(object.version(), 60);
            let message = format!("the version `{version}` is not known; this podreeve reads {API_VERSION}");
            return Err(error(object.position("/apiVersion"), message));
        }
        if let Some((first, at)) = self.places.get(&full) {
            let message = format!("it is also at {first}:{}; leave one out", at.line);
            return Err(error(object.position("/metadata/name"), message));
        }
        let spec = object.node.get("spec").map(Node::to_json);
        let exemption = ObjectExemption::new(namespace, &name, spec.as_deref())
            .map_err(|wrong| error(object.position(&wrong.pointer), wrong.to_string()))?;
        self.found.push(Arc::new(exemption));
        self.places.insert(full, (file.to_owned(), object.position("")));
        Ok(())
    }

    /// Where the one of this name stands.
    pub fn place(&self, name: &str) -> (String, Position) {
        self.places.get(&clean(name, NAME_MAX)).cloned().unwrap_or((String::new(), Position::START))
    }
}

/// Says so when the object is an Exemption that does not count.
pub fn mention(file: &str, object: &Object<'_>, default: &str, allowed: &[String]) {
    let namespace = object.namespace().unwrap_or(default);
    if is_exemption(object) && !allowed.iter().any(|allowed| allowed.trim() == namespace) {
        let (line, name) = (object.position("").line, object.name());
        output::diagnose(
            "note",
            &format!(
                "{file}:{line}: Exemption {namespace}/{name} does not count; where the cluster lets it, add --exemption-namespaces {namespace}"
            ),
        );
    }
}
