//! Files of the kubelet.

use super::{About, Expected, add, add_key, add_place, add_unit, is_key_name, names, of};
use crate::node::Node;

/// The items name the owner first and the mode second, as those of docker; this benchmark counts them the other way round.
pub(super) fn files(node: &Node, all: &mut Vec<Expected>) {
    for kubelet in &node.kubelet {
        let unit = About { what: "the unit of the kubelet", owasp: &[37, 38], cis: &["K4.1.2", "K4.1.1"] };
        add_unit(node, all, "kubelet.service", 0o600, unit);
        if let Some(path) = &kubelet.kubeconfig {
            let about = About { what: "the kubelet's kubeconfig", owasp: &[88, 89], cis: &["K4.1.6", "K4.1.5"] };
            add_key(all, path.clone(), 0o600, about);
        }
        let settings = About { what: "the kubelet's settings", owasp: &[92, 93], cis: &["K4.1.10", "K4.1.9"] };
        for path in &kubelet.config_files {
            let mode = if kubelet.config_file.as_ref() == Some(path) { 0o600 } else { 0o644 };
            add(all, path.clone(), mode, settings);
        }
        if let Some(path) = &kubelet.config_dir {
            add(all, path.clone(), 0o755, About { what: "the folder of the kubelet's settings", ..settings });
        }
        // A pod that others put there runs as they say.
        if let Some(path) = of(kubelet.config.get("staticPodPath")) {
            add_place(all, path, settings);
        }
        if let Some(path) = of(kubelet.config.get("authentication.x509.clientCAFile")) {
            let about = About { what: "the CA of the kubelet's clients", owasp: &[51, 52], cis: &["K4.1.8", "K4.1.7"] };
            add(all, path, 0o644, about);
        }
        if let Some(path) = of(kubelet.config.get("tlsPrivateKeyFile")) {
            add_key(all, path, 0o600, About { what: "the kubelet's key", owasp: &[88, 89], cis: &[] });
        }
        for name in names(node, &kubelet.pki) {
            // Certificates that the kubelet rotates have the key in the same file.
            if is_key_name(name) || crate::node::has_extension(&name.to_ascii_lowercase(), &["pem"]) {
                let about = About { what: "a key of the kubelet", owasp: &[88, 89], cis: &[] };
                add_key(all, format!("{}/{name}", kubelet.pki), 0o600, about);
            }
        }
    }
}
