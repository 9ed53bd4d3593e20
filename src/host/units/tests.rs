use super::*;
use crate::host::fake::Fake;

#[test]
fn the_first_folder_and_all_drop_ins() {
    let fake = Fake::read(
        "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\nA=1\n\
=== /lib link usr/lib\n\
=== /etc/systemd/system/docker.service.d/10.conf\n[Service]\nA=2\n=== /usr/lib/systemd/system/docker.service.d/10.conf\n[Service]\nA=9\n\
=== /etc/systemd/system/service.d/05.conf\n[Service]\nA=3\n=== /etc/systemd/system/podman.service link /dev/null\n\
=== /etc/systemd/system/multi-user.target.wants/docker.service link /lib/systemd/system/docker.service\n",
    );
    let found = unit(&fake, "docker.service").unwrap();
    let values: Vec<_> = found.all("Service", "A").map(|assignment| assignment.value.as_str()).collect();
    assert_eq!(values, ["1", "3", "2"]);
    assert!(unit(&fake, "podman.service").unwrap().masked && found.doubts.is_empty());
    assert!(unit(&fake, "crio.service").is_none());
    assert_eq!(enabled(&fake).names, ["docker.service"]);
    assert_eq!(daemons(&fake, &[]).len(), 2);
}

#[test]
fn what_cannot_be_read_hides_the_folders_below() {
    let below = "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n";
    let of = |text: &str| unit(&Fake::read(&format!("{below}{text}")), "docker.service").unwrap();
    let unread = of("=== /etc/systemd/system/docker.service denied\n");
    assert!(unread.command().is_none(), "that of the other folder does not count");
    assert_eq!(unread.doubts, ["/etc/systemd/system/docker.service cannot be read: permission denied"]);
    assert!(of("=== /etc/systemd/system/docker.service\n").masked, "an empty file");
    let drop_in = of("=== /etc/systemd/system/docker.service.d/a.conf denied\n");
    assert_eq!(drop_in.doubts, ["/etc/systemd/system/docker.service.d/a.conf cannot be read: permission denied"]);
    let folder = of("=== /etc/systemd/system/docker.service.d denied\n");
    assert_eq!(folder.doubts, ["/etc/systemd/system/docker.service.d cannot be read: permission denied"]);
    let masked = "=== /etc/systemd/system/docker.service.d/a.conf link /dev/null\n=== /usr/lib/systemd/system/docker.service.d/a.conf\n[Service]\nA=1\n";
    let masked = of(masked);
    assert!(masked.doubts.is_empty() && masked.last("Service", "A").is_none(), "{masked:?}");
}

#[test]
fn sockets_that_systemd_passes_to_a_service() {
    let fake = Fake::read(
        "=== /lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /etc/systemd/system/docker-tcp.socket\n[Socket]\nListenStream=2375\nService=docker.service\n\
=== /etc/systemd/system/sockets.target.wants/docker-tcp.socket link /etc/systemd/system/docker-tcp.socket\n\
=== /etc/systemd/system/sockets.target.wants/other.socket link /x\n=== /etc/systemd/system/other.socket\n[Socket]\nService=x.service\n",
    );
    let enabled = enabled(&fake).names;
    assert_eq!(sockets(&fake, &enabled), ["docker-tcp.socket"]);
}

/// The sockets that docker has by their names in the list of all units, those that nothing starts with a mark.
fn sockets(host: &Fake, enabled: &[String]) -> Vec<String> {
    let units = daemons(host, enabled);
    let name = |unit: &Unit| format!("{}{}", unit.name, if unit.is_idle { " idle" } else { "" });
    crate::node::docker::sockets(&units).map(name).collect()
}

#[test]
fn sockets_that_a_service_names_or_starts() {
    let of = |service: &str, socket: &str| {
        let host = format!(
            "=== /lib/systemd/system/docker.service\n{service}[Service]\nExecStart=/usr/bin/dockerd -H fd://\n\
=== /etc/systemd/system/docker-tcp.socket\n[Socket]\nListenStream=2375\n{socket}"
        );
        sockets(&Fake::read(&host), &[])
    };
    let none: [&str; 0] = [];
    assert_eq!(of("", "Service=docker.service\n"), ["docker-tcp.socket idle"], "nothing starts it");
    assert_eq!(of("[Service]\nSockets=x.socket %N-tcp.socket\n", ""), ["docker-tcp.socket"], "whatever it says itself");
    assert_eq!(of("[Unit]\nRequires=docker-tcp.socket\n", "Service=docker.service\n"), ["docker-tcp.socket"]);
    assert_eq!(of("[Unit]\nWants=docker-tcp.socket\n", "Service=other.service\n"), none, "it is for another");
}

#[test]
fn sockets_that_other_units_start() {
    let of = |files: &str| {
        let host = Fake::read(&format!(
            "=== /lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H fd://\n\
=== /lib/systemd/system/x.socket\n[Socket]\nListenStream=2375\nService=%p-y.service\n=== /etc/systemd/system/x-y.service link docker.service\n{files}"
        ));
        sockets(&host, &enabled(&host).names)
    };
    assert_eq!(of(""), ["x.socket idle"]);
    for files in [
        "=== /etc/systemd/system/ssh.service\n[Unit]\nWants=%N.socket x.socket\n",
        "=== /etc/systemd/system/multi-user.target.d/a.conf\n[Unit]\nUpholds=x.socket\nUpholds=\n",
        "=== /etc/systemd/system/a.timer\n[Timer]\nUnit=x.socket\n",
        "=== /etc/systemd/system/a.service\n[Service]\nSockets=alias.socket\n=== /etc/systemd/system/alias.socket link x.socket\n",
        "=== /etc/systemd/system/sockets.target.wants/x.socket link ../x.socket\n",
    ] {
        assert_eq!(of(files), ["x.socket"], "{files}");
    }
    assert_eq!(
        of("=== /etc/systemd/system/a.service\n[Unit]\nAfter=x.socket\nConflicts=x.socket\n"),
        ["x.socket idle"]
    );
    assert_eq!(of("=== /etc/systemd/system/x.socket link /dev/null\n"), [""; 0]);
    let template = "=== /etc/systemd/system/x.socket link /dev/null\n=== /etc/systemd/system/t@.socket\n[Socket]\nListenStream=%i\nService=docker.service\n";
    assert_eq!(of(template), ["t@.socket idle"]);
    assert_eq!(
        of(&format!("{template}=== /etc/systemd/system/a.target\n[Unit]\nWants=t@2375.socket\n")),
        ["t@.socket"]
    );
    let link = "=== /etc/systemd/system/a.target.wants/t@2375.socket link ../t@.socket\n";
    assert_eq!(of(&format!("{template}{link}")), ["t@2375.socket"]);
    let unread = "=== /etc/systemd/system/u.socket denied\n=== /etc/systemd/system/gone.socket link /opt/gone.socket\n";
    assert_eq!(of(unread), ["u.socket idle", "x.socket idle"]);
}

/// The rules are those of `unit_file_find_dropin_paths` of systemd: a unit has all its names' drop-ins.
#[test]
fn drop_ins_of_all_names() {
    let host = Fake::read(
        "=== /lib/systemd/system/moby.service\n[Service]\nExecStart=/usr/bin/dockerd\nA=file\n\
=== /etc/systemd/system/docker.service link /lib/systemd/system/moby.service\n\
=== /etc/systemd/system/engine.service link docker.service\n\
=== /etc/systemd/system/moby.service.d/1.conf\n[Service]\nA=moby\n=== /run/systemd/system/docker.service.d/2.conf\n[Service]\nA=docker\n\
=== /lib/systemd/system/engine.service.d/3.conf\n[Service]\nA=engine\n=== /etc/systemd/system/other.service.d/4.conf\n[Service]\nA=other\n\
=== /etc/systemd/system/service.d/1.conf\n[Service]\nA=all\n=== /lib/systemd/system/service.d/5.conf\n[Service]\nA=all\n\
=== /etc/systemd/system.control/docker.service.d/6.conf\n[Service]\nA=control\n",
    );
    let unit = daemons(&host, &[]).remove("docker.service").unwrap();
    let values: Vec<_> = unit.all("Service", "A").map(|found| found.value.as_str()).collect();
    assert_eq!(values, ["file", "moby", "docker", "engine", "all", "control"]);
    assert_eq!(unit.id(), "moby.service");
    assert_eq!(unit.files[..2], ["/etc/systemd/system/docker.service", "/lib/systemd/system/moby.service"]);
    assert!(unit.is_called("docker.service") && unit.is_called("engine.service") && !unit.is_called("other.service"));
}

#[test]
fn a_link_stands_for_a_name_and_not_for_a_file() {
    let host = Fake::read(
        "=== /usr/lib/systemd/system/docker.service link moby.service\n=== /usr/lib/systemd/system/moby.service\n[Service]\nA=1\n\
=== /etc/systemd/system/moby.service\n[Service]\nA=2\n=== /opt/crio.service\n[Service]\nA=3\n\
=== /etc/systemd/system/crio.service link /opt/crio.service\n=== /etc/systemd/system/podman.service link none.service\n\
=== /etc/systemd/system/a.service link b.service\n=== /etc/systemd/system/b.service link a.service\n",
    );
    let value = |name: &str| unit(&host, name).unwrap().last("Service", "A").map(|found| found.value.clone());
    assert_eq!(value("docker.service").as_deref(), Some("2"), "the first folder has another file of that name");
    assert_eq!(unit(&host, "crio.service").unwrap().id(), "crio.service", "its file is in another place");
    assert_eq!(value("crio.service").as_deref(), Some("3"));
    assert_eq!(unit(&host, "podman.service").unwrap().doubts.len(), 1, "the link leads nowhere");
    assert_eq!(unit(&host, "a.service").unwrap().doubts.len(), 1, "a circle");
    assert!(unit(&host, "../../opt/crio.service").is_none(), "no name of a unit");
}

#[test]
fn names_that_begin_alike_share_drop_ins() {
    assert_eq!(with_prefixes("a-b-c.service"), ["a-b-c.service", "a-b-.service", "a-.service"]);
    assert_eq!(with_prefixes("a-b@x-y.socket"), ["a-b@x-y.socket", "a-b@.socket", "a-.socket"]);
    assert_eq!(with_prefixes("-a-.service"), ["-a-.service"]);
    let host = Fake::read(
        "=== /lib/systemd/system/k3s-agent.service\n[Service]\nExecStart=k3s\n\
=== /etc/systemd/system/k3s-.service.d/a.conf\n[Service]\nA=all\n=== /lib/systemd/system/k3s-agent.service.d/a.conf\n[Service]\nA=own\n",
    );
    // systemd looks through one folder after the other.
    assert_eq!(unit(&host, "k3s-agent.service").unwrap().last("Service", "A").unwrap().value, "all");
}

#[test]
fn folders_of_links_that_cannot_be_read() {
    let found = enabled(&Fake::read(
        "=== /etc/systemd/system/sockets.target.wants denied\n=== /run/systemd/system/a.target.upholds/b.socket\n",
    ));
    assert_eq!(found.names, ["b.socket"]);
    assert_eq!(found.unread, ["/etc/systemd/system/sockets.target.wants cannot be read: permission denied"]);
}
