//! Commands that keep a repair: systemd or a daemon makes some files again.

use super::Expected;
use crate::node::PlannedSocket;
use crate::node::mode::{Maximum, shell};

/// The command with what makes it last.
#[must_use]
pub fn lasting(expected: &Expected, repair: &str) -> String {
    let path = shell(&expected.path);
    match expected.what {
        "docker's socket" => {
            format!("{repair}; set SocketMode=0660 and SocketGroup=docker in docker.socket, which makes {path} again")
        }
        "containerd's socket" | "containerd's socket for shims" => {
            format!(
                "{repair}; set uid = 0 and gid = 0 in the section [grpc] of containerd's settings, which makes {path} again"
            )
        }
        // The next upgrade of the package would undo it.
        _ if expected.path.starts_with("/usr/lib/") || expected.path.starts_with("/lib/") => {
            let mode = expected.max.mode;
            format!("{repair}; on Debian also: dpkg-statoverride --add root root {mode:04o} {path}")
        }
        _ => repair.to_owned(),
    }
}

/// The command for a socket that does not exist yet: its unit is to say who may connect.
#[must_use]
pub fn planned_repair(planned: &PlannedSocket, max: &Maximum) -> String {
    let group = max.groups.first().map_or("root", String::as_str);
    let unit = planned.source.rsplit_once(':').map_or(planned.source.as_str(), |(file, _)| file);
    format!(
        "set SocketMode={:04o}, SocketUser=root and SocketGroup={group} in {}, and: systemctl daemon-reload",
        max.mode,
        shell(unit)
    )
}
