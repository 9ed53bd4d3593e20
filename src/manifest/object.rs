//! The Kubernetes objects in a document. A List holds several.

use super::{Content, Document, ManifestError, Node, Position};

/// A Kubernetes object in a file.
#[derive(Debug, Clone, Copy)]
pub struct Object<'d> {
    /// The index of the document in its file.
    pub document: usize,
    pub api_version: &'d str,
    pub kind: &'d str,
    /// The object itself. Pointers begin here.
    pub node: &'d Node,
}

impl Document {
    /// Whether it has an `apiVersion` and a `kind`.
    #[must_use]
    pub fn is_object(&self) -> bool {
        identity(&self.root, None).is_ok()
    }

    /// The objects of the document: the document itself, or its `items`. As kubectl does, this splits any object with
    /// `items`, of any kind. A value that is no Kubernetes object becomes an error.
    #[must_use]
    pub fn objects(&self) -> Vec<Result<Object<'_>, ManifestError>> {
        let mut objects = Vec::new();
        collect(self.index, &self.root, None, true, &mut objects);
        objects
    }
}

impl Document {
    /// The JSON pointer from the document to one of its objects.
    #[must_use]
    pub fn pointer(&self, object: &Object<'_>) -> String {
        let mut pointer = String::new();
        find(&self.root, object.node, &mut pointer);
        pointer
    }
}

/// Leads `pointer` to the object, through the `items` of lists.
fn find(node: &Node, object: &Node, pointer: &mut String) -> bool {
    if std::ptr::eq(node, object) {
        return true;
    }
    let Some(Content::List(items)) = node.get("items").map(|items| &items.content) else { return false };
    let length = pointer.len();
    items.iter().enumerate().any(|(index, item)| {
        pointer.push_str(&format!("/items/{index}"));
        let found = find(item, object, pointer);
        if !found {
            pointer.truncate(length);
        }
        found
    })
}

/// The apiVersion and kind that a typed list gives its items, which leave both out.
type Meant<'d> = Option<(&'d str, &'d str)>;

fn collect<'d>(
    document: usize,
    node: &'d Node,
    meant: Meant<'d>,
    is_root: bool,
    objects: &mut Vec<Result<Object<'d>, ManifestError>>,
) {
    let (api_version, kind) = match identity(node, meant) {
        Ok(identity) => identity,
        Err(error) => return objects.push(Err(error)),
    };
    match node.get("items").map(|items| (&items.content, items)) {
        Some((Content::List(items), _)) => {
            let of_items = kind.strip_suffix("List").unwrap_or(kind);
            let meant = (!of_items.is_empty()).then_some((api_version, of_items));
            for item in items {
                collect(document, item, meant, false, objects);
            }
        }
        Some((content, items)) if is_root && !matches!(content, Content::Null) => {
            let message = format!("`items` is {}, and kubectl takes a list alone; repair it", items.noun());
            objects.push(Err(ManifestError::new(node.position("/items"), message)));
        }
        // kubectl does not split an object whose `items` are no list.
        _ => objects.push(Ok(Object { document, api_version, kind, node })),
    }
}

fn identity<'d>(node: &'d Node, meant: Meant<'d>) -> Result<(&'d str, &'d str), ManifestError> {
    let Content::Map(_) = node.content else {
        let message = format!("this is {}, not a Kubernetes object; leave it out or repair it", node.noun());
        return Err(ManifestError::new(node.at, message));
    };
    match meant {
        Some(meant) if node.get("apiVersion").is_none() && node.get("kind").is_none() => Ok(meant),
        _ => Ok((field(node, "apiVersion")?, field(node, "kind")?)),
    }
}

fn field<'d>(node: &'d Node, key: &str) -> Result<&'d str, ManifestError> {
    let at = |pointer: &str| node.position(pointer);
    match node.get(key) {
        Some(value) => match value.as_str() {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(ManifestError::new(at(&format!("/{key}")), format!("`{key}` must be a string"))),
        },
        None => Err(ManifestError::new(
            at(""),
            format!("no `{key}`; every Kubernetes object has one, such as `apiVersion: v1` and `kind: Pod`"),
        )),
    }
}

impl<'d> Object<'d> {
    /// The API group: `apps` for `apps/v1`, empty for `v1`.
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

    /// The name, or `generateName` with a `*` behind it. Empty without both.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.metadata("name"), self.metadata("generateName")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(prefix)) => format!("{prefix}*"),
            (None, None) => String::new(),
        }
    }

    /// The name that the author gave; none where the API server makes it.
    #[must_use]
    pub fn own_name(&self) -> Option<&'d str> {
        self.metadata("name")
    }

    fn metadata(&self, key: &str) -> Option<&'d str> {
        self.node.get("metadata")?.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The position in the file of the field at a JSON pointer of the object.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        self.node.position(pointer)
    }
}
