//! Kubernetes objects in documents; those of a List one by one.

use super::{Content, Document, ManifestError, Node, Position};

/// An object as somebody means to apply it.
#[derive(Debug, Clone, Copy)]
pub struct Object<'d> {
    /// The document's place in its file.
    pub document: usize,
    pub api_version: &'d str,
    pub kind: &'d str,
    /// The object itself; pointers and positions count from here.
    pub node: &'d Node,
}

impl Document {
    /// The objects of the document: itself, or the items of a `kind: List` or typed list.
    ///
    /// # Errors
    /// A document or an item that is no Kubernetes object.
    pub fn objects(&self) -> Result<Vec<Object<'_>>, ManifestError> {
        let mut objects = Vec::new();
        collect(self.index, &self.root, ("", ""), &mut objects)?;
        Ok(objects)
    }
}

/// `meant` are the apiVersion and kind that a typed list gives its items, which leave them out.
fn collect<'d>(
    document: usize,
    node: &'d Node,
    meant: (&'d str, &'d str),
    objects: &mut Vec<Object<'d>>,
) -> Result<(), ManifestError> {
    let Content::Map(_) = node.content else {
        let message = format!("this is {}, not a Kubernetes object; leave it out or repair it", node.noun());
        return Err(ManifestError::new(node.at, message));
    };
    let api_version = field(node, "apiVersion", meant.0)?;
    let kind = field(node, "kind", meant.1)?;
    match node.get("items") {
        Some(Node { content: Content::List(items), .. }) if kind.ends_with("List") => {
            let of_items = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
            let meant = of_items.map_or(("", ""), |kind| (api_version, kind));
            items.iter().try_for_each(|item| collect(document, item, meant, objects))
        }
        _ => {
            objects.push(Object { document, api_version, kind, node });
            Ok(())
        }
    }
}

fn field<'d>(node: &'d Node, key: &str, meant: &'d str) -> Result<&'d str, ManifestError> {
    let at = |pointer: &str| node.position(pointer);
    match node.get(key) {
        Some(value) => match value.as_str() {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(ManifestError::new(at(&format!("/{key}")), format!("`{key}` must be a text"))),
        },
        None if !meant.is_empty() => Ok(meant),
        None => Err(ManifestError::new(
            at(""),
            format!("no `{key}`; every Kubernetes object has one, such as `apiVersion: v1` and `kind: Pod`"),
        )),
    }
}

impl<'d> Object<'d> {
    /// The API group: `apps` of `apps/v1`, nothing of `v1`.
    #[must_use]
    pub fn group(&self) -> &'d str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    #[must_use]
    pub fn version(&self) -> &'d str {
        self.api_version.split_once('/').map_or(self.api_version, |(_, version)| version)
    }

    #[must_use]
    pub fn namespace(&self) -> Option<&'d str> {
        self.metadata("namespace")
    }

    /// The name, or the prefix that the API server makes one from with a `*` behind it; empty without either.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.metadata("name"), self.metadata("generateName")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(prefix)) => format!("{prefix}*"),
            (None, None) => String::new(),
        }
    }

    fn metadata(&self, key: &str) -> Option<&'d str> {
        self.node.get("metadata")?.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Where the field at a JSON pointer of the object stands in the file.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        self.node.position(pointer)
    }
}
