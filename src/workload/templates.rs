//! The pods of an object: the place of each, and the paths of a policy without a pod.

use super::kinds::Kind;
use super::pod::Pod;
use super::read::{Unreadable, read_at};
use super::template_path::{MAX_TEMPLATES, TemplatePath};
use crate::json::Raw;
use crate::text::dotted;
use serde::{Deserialize, de::IgnoredAny};

/// A pod and its place in an object.
#[derive(Debug)]
pub struct Placed<'a> {
    /// JSON pointer from the object to the pod: empty for a Pod, `/spec/template` for a Deployment.
    pub at: String,
    pub pod: Box<Pod<'a>>,
    /// Its text, in an object of a kind that a policy adds.
    pub raw: Option<Raw<'a>>,
}

/// The pods of an object, in the order of the kind's paths and of the lists in the object.
#[derive(Debug, Default)]
pub struct Templates<'a> {
    pub pods: Vec<Placed<'a>>,
    pub unmet: Vec<Unmet>,
}

/// A path of a policy that leads to no pod with containers, so that no rule about containers judged anything there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The path in the policy.
    pub path: String,
    pub why: Why,
    /// A longer path that leads to a template.
    pub meant: Option<String>,
}

/// The closed set of reasons, for metric labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The object has nothing there.
    Absent,
    /// The template has no containers.
    NoContainers,
}

impl Why {
    pub const ALL: [Self; 2] = [Self::Absent, Self::NoContainers];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::NoContainers => "no-containers",
        }
    }
}

impl Unmet {
    /// A sentence that fits into a warning.
    #[must_use]
    pub fn text(&self) -> String {
        let path = crate::text::clean(&self.path, 120);
        let meant = self.meant.as_ref().map(|meant| format!("; the path should be {}", crate::text::clean(meant, 120)));
        let meant = meant.unwrap_or_default();
        match self.why {
            Why::Absent => format!("no pod template at {path}, so nothing was judged there{meant}"),
            Why::NoContainers => {
                format!("the pod template at {path} has no containers, so none were judged there{meant}")
            }
        }
    }
}

impl Kind {
    /// Every pod of the object.
    ///
    /// # Errors
    /// The field that could not be read, or that is not the pod template that the policy expects.
    pub fn pods<'a>(&self, object: Raw<'a>) -> Result<Templates<'a>, Unreadable> {
        if self.paths.is_empty() {
            return Ok(self.placed(self.built_in_pod(object)?));
        }
        let mut templates = Templates::default();
        for path in self.paths.iter() {
            self.pods_at(path, object, &mut templates)?;
        }
        Ok(templates)
    }

    /// The only pod of an object of a built-in kind, or none.
    pub(crate) fn placed<'a>(&self, pod: Option<Box<Pod<'a>>>) -> Templates<'a> {
        let pods = pod.map(|pod| Placed { at: self.prefix(), pod, raw: None }).into_iter().collect();
        Templates { pods, unmet: Vec::new() }
    }

    fn pods_at<'a>(&self, path: &TemplatePath, object: Raw<'a>, into: &mut Templates<'a>) -> Result<(), Unreadable> {
        let unmet = |why, meant| Unmet { path: path.to_string(), why, meant };
        let located = path.locate(object)?;
        if located.is_empty() {
            into.unmet.push(unmet(Why::Absent, None));
        }
        if into.pods.len() + located.len() > MAX_TEMPLATES {
            let message = format!("there are more than {MAX_TEMPLATES} pod templates in one object");
            return Err(Unreadable { field: String::new(), pointer: String::new(), message });
        }
        let mut empty = None;
        for (at, raw) in located {
            let pod = read_at::<Box<Pod<'_>>>(raw, &[]).map_err(|error| within(&at, error))?;
            let mut pod = pod.unwrap_or_default();
            if pod.all_containers().next().is_none() {
                let shape = Shape::of(raw);
                if shape.is_pod_spec() {
                    let message = format!(
                        "this is the spec of a pod, and the policy's path `{path}` has to lead to the template that holds it"
                    );
                    return Err(Unreadable { field: dotted(&at), pointer: at, message });
                }
                let meant = shape.holds_template().then(|| format!("{path}.spec.template"));
                empty = empty.or_else(|| Some(unmet(Why::NoContainers, meant)));
            }
            pod.kind.clone_from(&self.kind);
            into.pods.push(Placed { at, pod, raw: Some(raw) });
        }
        into.unmet.extend(empty);
        Ok(())
    }
}

fn within(at: &str, error: Unreadable) -> Unreadable {
    let pointer = at.to_owned() + &error.pointer;
    Unreadable { field: dotted(&pointer), pointer, message: error.message }
}

/// The fields that show what a value is when it is a template without containers.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    spec: Option<Spec>,
    containers: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    template: Option<IgnoredAny>,
}

impl Shape {
    fn of(raw: Raw<'_>) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }

    fn is_pod_spec(&self) -> bool {
        self.spec.is_none() && self.containers.is_some()
    }

    fn holds_template(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.template.is_some())
    }
}
