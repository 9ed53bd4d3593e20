//! What a violation is about.

use crate::rule::Finding;
use crate::text::cleaned;
use crate::workload::ContainerKind;
use std::fmt;
use std::sync::Arc;

/// The longest name of a container that Kubernetes accepts.
const NAME_MAX: usize = 63;

/// The object that violates a rule. Its text is made here and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectRef {
    /// The pod itself.
    Pod,
    /// One container of the pod. The name is as it was sent.
    Container { kind: ContainerKind, name: Arc<str> },
}

impl SubjectRef {
    /// `known` is the subject of another violation: most violations of a container follow each other.
    pub(super) fn of(finding: &Finding<'_>, known: Option<&Self>) -> Self {
        let Some(container) = finding.container() else { return Self::Pod };
        let name = match known {
            Some(Self::Container { name, .. }) if **name == *container.container.name.0 => Arc::clone(name),
            _ => (&*container.container.name.0).into(),
        };
        Self::Container { kind: container.kind, name }
    }

    /// The container's list and name; none for any other subject.
    #[must_use]
    pub fn container(&self) -> Option<(ContainerKind, &str)> {
        match self {
            Self::Container { kind, name } => Some((*kind, name)),
            Self::Pod => None,
        }
    }

    /// `container "app"`, safe to print and without the container's list; none for any other subject.
    #[must_use]
    pub fn container_text(&self) -> Option<String> {
        self.container().map(|(_, name)| format!("container \"{}\"", cleaned(name, NAME_MAX)))
    }
}

impl fmt::Display for SubjectRef {
    /// `init container "setup"` or `pod`, safe to print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod => f.write_str("pod"),
            Self::Container { kind, name } => write!(f, "{} \"{}\"", kind.noun(), cleaned(name, NAME_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_printed_with_the_noun_of_its_list() {
        let name = "a\u{1b}".into();
        let subject = SubjectRef::Container { kind: ContainerKind::Init, name };
        assert_eq!(subject.to_string(), "init container \"a\\u{1b}\"");
        assert_eq!(subject.container_text().as_deref(), Some("container \"a\\u{1b}\""));
        assert_eq!((SubjectRef::Pod.to_string().as_str(), SubjectRef::Pod.container_text()), ("pod", None));
        // Violations of the pod come before those of its containers.
        assert!(SubjectRef::Pod < subject);
    }
}
