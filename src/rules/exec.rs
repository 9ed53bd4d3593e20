//! The rules that judge who enters a pod: exec, attach, port-forward and proxy, a file each.

pub mod entered;
pub mod exec_privileged;
pub mod exec_root;
