//! Where a setting of containerd, cri-o or podman is changed, in words.

use crate::node::config::Source;

/// The place of a setting. Some distributions write the file again, from another one.
pub fn place(source: &Source) -> String {
    match source {
        Source::File { path, .. } => match template(path) {
            Some(template) => format!("{template}, from which {path} is made"),
            None => source.to_string(),
        },
        Source::Flag { .. } | Source::Default { .. } | Source::Unknown(_) => source.to_string(),
    }
}

/// What a file is made from.
pub fn template(path: &str) -> Option<String> {
    if path.starts_with("/var/lib/rancher/") {
        // From the third format on the template has another name.
        return Some(format!("{path}.tmpl (or config-v3.toml.tmpl beside it)"));
    }
    path.starts_with("/var/snap/microk8s/")
        .then(|| "/var/snap/microk8s/current/args/containerd-template.toml".to_owned())
}
