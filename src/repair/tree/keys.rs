//! The keys that edits add.

use std::borrow::Cow;

/// The keys that most edits add. Any other is copied.
const KEYS: [&str; 24] = [
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "capabilities",
    "cpu",
    "drop",
    "emptyDir",
    "ephemeral-storage",
    "hostUsers",
    "imagePullPolicy",
    "limits",
    "memory",
    "pids",
    "readOnly",
    "readOnlyRootFilesystem",
    "requests",
    "resources",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "securityContext",
    "type",
    "valueFrom",
    "volumeMounts",
    "volumes",
];

pub(super) fn added_key<'a>(key: &str) -> Cow<'a, str> {
    let known = KEYS.iter().find(|known| **known == key);
    known.map_or_else(|| Cow::Owned(key.to_owned()), |known| Cow::Borrowed(*known))
}
