//! Folders that the kernel, the runtime and the kubelet fill for each container.

use super::paths;

/// A runtime refuses a volume in some of them, and an emptyDir would hide what is in the others.
const FOLDERS: [&str; 5] = ["proc", "sys", "dev", "run/secrets", "var/run/secrets"];

/// Whether the path is such a folder, or is in one.
pub fn is_one(path: &str) -> bool {
    let path = path.trim_matches('/');
    FOLDERS.iter().any(|folder| path == *folder || paths::is_below(path, folder))
}
