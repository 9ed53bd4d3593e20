//! Control groups: the runtime and the kubelet make them in the same way.

use super::places::{place, template};
use super::services::{is_read_only, of, with_restart};
use crate::node::config::{Setting, Source};
use crate::node::mode::shell;
use crate::node::{Daemon, Node};

/// Has containerd ask systemd for its control groups, as Kubernetes wants it on hosts that systemd starts.
pub fn systemd_groups(node: &Node, daemon: &Daemon, setting: &Setting) -> String {
    let file = match &setting.source {
        Source::File { path, .. } if template(path).is_none() && !is_read_only(node, path) => shell(path),
        other => return format!("set SystemdCgroup = true in {}, and restart containerd", place(other)),
    };
    let commands =
        [format!(r"sed -i -E 's/^([[:space:]]*SystemdCgroup[[:space:]]*=[[:space:]]*)false/\1true/' {file}")];
    let service = of(node, daemon.pid, "containerd.service", "containerd");
    let fix = with_restart(&commands, &service, "containerd", daemon.pid.is_some());
    format!("{fix} # drain the node before, and restart it")
}
