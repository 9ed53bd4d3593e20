use super::*;
use crate::host::fake::Fake;

fn of(text: &str) -> Node {
    snapshot(&Fake::read(text), 0)
}

#[test]
fn ids_of_a_user_namespace_are_not_those_of_the_host() {
    let whole = "0 0 4294967295\n";
    let has = |text: &str| of(text).host_ids;
    assert!(has("=== /etc/x\n"), "the kernel has no user namespaces");
    assert!(has(&format!("=== /proc/self/uid_map\n{whole}=== /proc/self/gid_map\n{whole}")));
    assert!(!has("=== /proc/self/uid_map\n0 1000 1\n"));
    assert!(!has(&format!("=== /proc/self/uid_map\n{whole}=== /proc/self/gid_map\n0 1000 1\n")));
    assert!(!has("=== /proc/self/uid_map denied\n"));
    // What podreeve sees there as a user may be root.
    let docker = "=== /proc/7/status\nName: dockerd\nUid: 65534 65534 65534 65534\n=== /proc/7/cmdline\ndockerd\n=== /proc/7/uid_map\n0 4294967295 1\n";
    let found = of(&format!("{docker}=== /proc/self/uid_map\n0 1000 1\n"));
    assert!(found.docker.len() == 1 && !found.docker[0].rootless, "{:?}", found.docker);
}

#[test]
fn a_list_of_sources_that_cannot_be_read_may_name_another() {
    let elsewhere = |text: &str| {
        let node = of(&format!("=== /etc/passwd\nroot:x:0:0::/root:/bin/sh\n{text}"));
        node.accounts.is().unwrap().elsewhere
    };
    assert!(!elsewhere("") && !elsewhere("=== /etc/nsswitch.conf\ngroup: files\n"));
    assert!(elsewhere("=== /etc/nsswitch.conf denied\n") && elsewhere("=== /etc/nsswitch.conf link nsswitch.conf\n"));
}

/// The mode and the source of the socket that systemd will make.
fn planned(unit: &str, socket: &str, more: &str) -> Option<(u32, String)> {
    let node = of(&format!(
        "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd {unit}\n=== /etc/group\ndocker:x:101:\n\
=== /etc/passwd\nroot:x:0:0::/root:/bin/sh\n=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=%t/docker.sock\n{socket}\n{more}"
    ));
    let found = node.planned_sockets.get("/run/docker.sock")?;
    Some((found.facts.access.mode, found.source.clone()))
}

#[test]
fn sockets_that_do_not_exist_yet() {
    let file = "/usr/lib/systemd/system/docker.socket";
    assert_eq!(planned("-H fd://", "SocketMode=0666", ""), Some((0o666, format!("{file}:3"))));
    assert_eq!(planned("-H fd://", "SocketMode=0660\nSocketGroup=docker", ""), Some((0o660, format!("{file}:3"))));
    assert_eq!(planned("-H fd://", "", ""), Some((0o666, file.to_owned())), "the default of systemd");
    assert_eq!(planned("-H unix:///run/docker.sock", "SocketMode=0666", ""), None, "dockerd makes its own");
    assert_eq!(planned("-H fd://", "SocketMode=0666", "=== /run/docker.sock socket 0660\n"), None, "it exists");
    assert_eq!(planned("-H fd://", "SocketMode=0660\nSocketGroup=none", ""), None, "systemd does not make it");
    assert!(planned("-H fd://", "SocketGroup=none", "").is_some(), "everybody may connect");
    assert_eq!(
        planned("-H fd://", "", "=== /etc/systemd/system/docker.socket.d/a.conf denied\n"),
        None,
        "it may say more"
    );
}

#[test]
fn sockets_that_systemd_may_pass_and_that_are_not_known() {
    let docker = |command: &str| {
        let mut node = of(&format!(
            "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd {command}\n\
=== /etc/systemd/system/sockets.target.wants denied folder\n"
        ));
        node.docker.remove(0).config.doubts
    };
    let why = "/etc/systemd/system/sockets.target.wants cannot be read: permission denied, and it may have or start sockets of docker";
    assert_eq!(docker("-H fd://"), [why]);
    assert_eq!(docker("-H unix:///run/docker.sock"), [""; 0]);
}
