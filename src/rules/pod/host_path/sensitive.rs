//! Directories of a node that give the node away.

use crate::workload::path;

/// With one of these directories, or one that contains it, a pod can take over the node or its other pods.
static SENSITIVE: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/opt/cni",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/rancher",
    // The kubelet follows links in this directory, so a pod can make it show any file of the node as a log.
    "/var/log",
    "/var/run",
    "/var/spool/cron",
];

/// Whether the path is in such a directory, or contains one.
pub fn is_sensitive(path: &str) -> bool {
    SENSITIVE.iter().any(|directory| path::is_under(path, directory) || path::is_under(directory, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_sensitive_with_what_it_contains_and_what_contains_it() {
        for (path, sensitive) in [("/", true), ("/var", true), ("/etc/ssl", true), ("/srv", false), ("/etcd", false)] {
            assert_eq!(is_sensitive(path), sensitive, "{path}");
        }
    }
}
