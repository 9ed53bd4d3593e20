//! Commands that keep a repair: systemd or a daemon makes some files again.

use super::Expected;
use crate::node::mode::{Maximum, shell};
use crate::node::unit::Unit;
use crate::node::{Node, PlannedSocket, docker};

/// The command with what makes it last.
#[must_use]
pub fn lasting(node: &Node, expected: &Expected, repair: &str) -> String {
    let path = shell(&expected.path);
    match expected.what {
        "docker's socket" => match docker::sockets(&node.units).find(|unit| makes(unit, &expected.path)) {
            Some(unit) => format!("{repair} && {}", socket_drop_in(&unit.name, &expected.max)),
            // dockerd itself makes it, with the mode 0660 and its group.
            None => repair.to_owned(),
        },
        "containerd's socket" | "containerd's socket for shims" => {
            format!(
                "{repair} # and set uid = 0 and gid = 0 in [grpc] of containerd's settings, which makes {path} again"
            )
        }
        // The next upgrade of the package would undo it.
        _ if expected.path.starts_with("/usr/lib/") || expected.path.starts_with("/lib/") => {
            let has_dpkg = node.os.is().is_some_and(|os| {
                let mut names = os.id_like.split_ascii_whitespace().chain([os.id.as_str()]);
                names.any(|name| matches!(name, "debian" | "ubuntu"))
            });
            if has_dpkg { format!("{repair} && {}", override_for_upgrades(expected)) } else { repair.to_owned() }
        }
        _ => repair.to_owned(),
    }
}

/// Has dpkg keep a mode. dpkg knows a file by the spelling in its package alone, which may be the other one where `/lib` is a link. A file of
/// no package needs nothing.
fn override_for_upgrades(expected: &Expected) -> String {
    let path = expected.path.as_str();
    let other = path.strip_prefix("/usr").map_or_else(|| format!("/usr{path}"), str::to_owned);
    format!(
        "for f in {} {}; do if dpkg -S \"$f\" > /dev/null 2>&1; then dpkg-statoverride --force-statoverride-add --add root root {:04o} \
\"$f\"; fi; done",
        shell(path),
        shell(&other),
        expected.max.mode
    )
}

/// Whether systemd makes a socket for this unit.
fn makes(unit: &Unit, path: &str) -> bool {
    let plain =
        |path: &str| path.trim_start_matches("%t").trim_start_matches("/var").trim_start_matches("/run").to_owned();
    !unit.masked && unit.all("Socket", "ListenStream").any(|stream| plain(&stream.value) == plain(path))
}

/// The command for a socket that does not exist yet: its unit is to say who may connect.
#[must_use]
pub fn planned_repair(planned: &PlannedSocket, max: &Maximum) -> String {
    let file = planned.source.rsplit_once(':').map_or(planned.source.as_str(), |(file, _)| file);
    let mut names = file.split('/').map(|part| part.trim_end_matches(".d"));
    let unit = names.rfind(|part| part.ends_with(".socket")).unwrap_or("docker.socket");
    socket_drop_in(unit, max)
}

/// A drop-in of a socket that says who may connect.
fn socket_drop_in(unit: &str, max: &Maximum) -> String {
    let folder = shell(&format!("/etc/systemd/system/{unit}.d"));
    // The group is the first of those that are meant.
    let group = shell(max.groups.first().map_or("root", String::as_str));
    format!(
        "mkdir -p {folder} && printf '%s\\n' '[Socket]' SocketMode={:04o} SocketUser=root SocketGroup={group} > \
{folder}/zz-podreeve.conf && systemctl daemon-reload",
        max.mode
    )
}
