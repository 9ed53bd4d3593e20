//! The commands that repair docker are run on an image of a disk, one after the other, and then the rules pass.

use super::node_disk::Disk;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

const UNIT: &str = "usr/lib/systemd/system/docker.service";

/// What fails with these flags, or with the same in the file.
const FLAGS: &str = "--icc=true --userland-proxy --iptables=false --experimental --cgroup-parent /x --log-level=error \
                     --default-cgroupns-mode=host --allow-direct-routing=true";
const SUBJECTS: &[&str] = &[
    "dockerd: icc",
    "dockerd: userland-proxy",
    "dockerd: iptables",
    "dockerd: experimental",
    "dockerd: cgroup-parent",
    "dockerd: log-level",
    "dockerd: default-cgroupns-mode",
];

#[test]
fn flags_of_docker_are_changed_where_they_are() {
    let start = format!("[Service]\nExecStart=/usr/bin/dockerd -H fd:// {FLAGS} --label 'a b'\n");
    let lines = format!("[Service]\nExecStart=/usr/bin/dockerd -H fd:// \\\n  {}\n", FLAGS.replace(" --", " \\\n  --"));
    let with = |files: &[(&str, &str)], name: &str| {
        let disk = Disk::new(&format!("repairs-{name}"), files);
        disk.repair(SUBJECTS);
        assert!(disk.verdict("dockerd: allow-direct-routing").iter().all(|verdict| verdict == "fail"));
        disk.run(&disk.fix("dockerd: allow-direct-routing"));
        assert_eq!(disk.verdict("dockerd: allow-direct-routing"), [""; 0], "{name}");
        // No key came into the file: dockerd does not start with both.
        assert!(!disk.0.0.join("root/etc/docker/daemon.json").exists(), "{name}");
        assert!(disk.calls().contains("systemctl daemon-reload"), "{name}");
        disk
    };
    let disk = with(&[(UNIT, &start)], "unit");
    assert_eq!(disk.read(UNIT), start, "the package's file stays");
    let own = disk.read("etc/systemd/system/docker.service.d/zz-podreeve-command.conf");
    assert!(
        own.contains("--label 'a b'") && own.starts_with("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd"),
        "{own}"
    );
    with(&[(UNIT, &lines)], "lines");
    with(
        &[
            (UNIT, "[Service]\nExecStart=/bin/x\n"),
            ("etc/systemd/system/docker.service.d/o.conf", &start.replace("Service]\n", "Service]\nExecStart=\n")),
        ],
        "drop-in",
    );
    let variable = format!("[Service]\nEnvironment=\"OPTS={FLAGS}\"\nExecStart=/usr/bin/dockerd $OPTS\n");
    with(&[(UNIT, &variable)], "variable");
    let file = "[Service]\nEnvironmentFile=-/etc/default/docker\nEnvironmentFile=-/etc/none\nExecStart=/usr/bin/dockerd $OPTS\n";
    let disk = with(&[(UNIT, file), ("etc/default/docker", &format!("# x\nOPTS=\"{FLAGS}\"\n"))], "file");
    assert!(disk.read("etc/default/docker").starts_with("# x\nOPTS=\"--icc=false "));
}

#[test]
fn a_command_with_a_secret_is_not_copied() {
    let start = "[Service]\nExecStart=/usr/bin/dockerd --icc=true --log-opt splunk-token=abcdefgh\n";
    let disk = Disk::new("repairs-secret", &[("etc/systemd/system/docker.service", start)]);
    disk.repair(&["dockerd: icc"]);
    assert!(disk.read("etc/systemd/system/docker.service").contains("--icc=false --log-opt splunk-token=abcdefgh"));
    let disk = Disk::new("repairs-secret-of-package", &[(UNIT, start)]);
    assert_eq!(
        disk.fix("dockerd: icc"),
        "replace --icc=true with --icc=false where docker.service has it (systemctl cat docker.service), and start dockerd again"
    );
}

#[test]
fn the_file_of_docker_is_changed_or_made() {
    let unit = "[Service]\nExecStart=/usr/bin/dockerd --ipv6\n";
    let version = "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24\n";
    let files = [(UNIT, unit), ("var/lib/dpkg/status", version)];
    let disk = Disk::new("repairs-absent", &files);
    disk.repair(&["dockerd: icc", "dockerd: userland-proxy", "dockerd: userns-remap"]);
    // Up to 26 dockerd does not start with it.
    assert!(disk.fix("dockerd: ip6tables").starts_with("upgrade docker to 27"), "{}", disk.fix("dockerd: ip6tables"));
    let experimental = Disk::new("repairs-ipv6", &files);
    experimental.0.write(&format!("root/{UNIT}"), "[Service]\nExecStart=/usr/bin/dockerd --ipv6 --experimental\n");
    experimental.repair(&["dockerd: ip6tables"]);
    assert!(experimental.fix("dockerd: experimental").starts_with("upgrade docker to 27 first"));
    let whole = "{\"icc\": true, \"userland-proxy\": true, \"iptables\": false, \"experimental\": true, \"cgroup-parent\": \"/x\", \"log-level\": \"debug\",\n\
                 \"default-cgroupns-mode\": \"host\", \"seccomp-profile\": \"unconfined\", \"metrics-addr\": \"0.0.0.0:9000\", \"debug\": true, \"mtu\": 1400}\n";
    let disk = Disk::new("repairs-daemon-json", &[files[0], files[1], ("etc/docker/daemon.json", whole)]);
    disk.repair(&["dockerd: icc", "dockerd: userland-proxy", "dockerd: iptables", "dockerd: experimental"]);
    disk.repair(&["dockerd: cgroup-parent", "dockerd: default-cgroupns-mode"]);
    for gone in ["dockerd: seccomp-profile", "dockerd: metrics-addr", "dockerd: log-level"] {
        disk.run(&disk.fix(gone));
    }
    assert_eq!(disk.fix("dockerd: log-level").matches("log-level").count(), 1, "debug first");
    disk.repair(&["dockerd: log-level"]);
    assert!(disk.verdict("dockerd: seccomp-profile").is_empty() && disk.verdict("dockerd: metrics-addr").is_empty());
    let file: Value = serde_json::from_str(&disk.read("etc/docker/daemon.json")).expect("JSON");
    assert_eq!((&file["mtu"], &file["metrics-addr"]), (&1400.into(), &"127.0.0.1:9000".into()));
    assert!(file.get("seccomp-profile").is_none() && file.get("cgroup-parent").is_none(), "{file}");
}

#[test]
fn what_no_command_can_do_is_said_in_words() {
    let group = "docker:x:101:bob,eve\nops:x:101:bob\neve:x:1001:\n";
    let passwd = "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\neve:x:1001:101::/home/eve:/bin/sh\n";
    let unit = "[Service]\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 --tlsverify --tlscacert=/home/bob/ca.pem\n";
    let disk = Disk::new("repairs-words", &[(UNIT, unit), ("etc/group", group), ("etc/passwd", passwd)]);
    disk.0.write("root/home/bob/ca.pem", "x");
    std::os::unix::fs::chown(disk.0.0.join("root/home/bob"), Some(1000), Some(1000)).ok();
    let fix = disk.fix("group docker");
    assert!(
        fix.contains("usermod -g eve eve && gpasswd -d eve docker") && fix.contains("gpasswd -d bob docker"),
        "{fix}"
    );
    let plugin = disk.fix("dockerd: authorization-plugins");
    assert!(plugin.starts_with("install an authorization plugin"), "{plugin}");
    let home = disk.results().into_iter().find(|result| result["subject"] == "/home/bob/ca.pem").expect("judged");
    if home["verdict"] == "fail" {
        let fix = home["fix"].as_str().expect("a text");
        assert!(fix.starts_with("move /home/bob/ca.pem to a folder of root"), "{fix}");
    }
}

#[test]
fn each_distribution_has_its_own_commands() {
    for (os, audit, upgrade) in [
        (
            "ID=ubuntu\nID_LIKE=debian\n",
            "apt-get install -y auditd && ",
            "apt-get install --only-upgrade \"$(dpkg -S /usr/sbin/dockerd | cut -d: -f1)\"",
        ),
        ("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n", "dnf install -y audit && ", "dnf upgrade "),
        ("ID=sles\nID_LIKE=suse\n", "zypper --non-interactive install audit && ", "zypper update "),
        ("ID=alpine\n", "apk add audit && rc-update", "apk upgrade docker"),
        ("ID=other\n", "install auditd, and start it", "upgrade the package of docker"),
        ("ID=flatcar\n", "the host is an image without auditd", "update the image of the host"),
    ] {
        let version = "Package: docker-ce\nStatus: install ok installed\nVersion: 5:20.10.24~3-0~x\n";
        let unit = "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n";
        let policy = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: p}\nspec:\n  extends: owasp\n  rules:\n    node-versions: {action: deny, params: {minimum: {docker: \"28\"}}}\n";
        let files = [
            ("etc/os-release", os),
            ("var/lib/dpkg/status", version),
            (UNIT, unit),
            ("proc/1/status", "Name:\tinit\n"),
        ];
        let disk = Disk::new("repairs-distribution", &files);
        disk.0.write("p.yaml", policy);
        let report = disk.0.run(&["node", "--root", "root", "--policy", "p.yaml", "-o", "json"]).json();
        let fix = |subject: &str, rule: &str| {
            let all = report["results"].as_array().expect("a list");
            let found =
                all.iter().find(|one| one["subject"] == subject && one["rule"] == rule && one["verdict"] == "fail");
            found.unwrap_or_else(|| panic!("{os}: {all:#?}"))["fix"].as_str().expect("a text").to_owned()
        };
        assert!(fix("auditd", "node-audit-rules").starts_with(audit), "{os} {}", fix("auditd", "node-audit-rules"));
        assert!(fix("dockerd", "node-versions").starts_with(upgrade), "{os} {}", fix("dockerd", "node-versions"));
        let modules = fix("AppArmor or SELinux", "node-lsm");
        assert_eq!(modules.contains("apt-get"), os.contains("ubuntu"), "{modules}");
    }
}

#[test]
fn the_socket_is_given_to_the_group_that_is_meant() {
    for (unit, socket, wanted) in [
        ("-G ops", "", "chmod 0660 /run/docker.sock"),
        (
            "-H fd://",
            "[Socket]\nListenStream=/run/docker.sock\nSocketGroup=ops\n",
            "SocketMode=0660 SocketUser=root SocketGroup=ops >",
        ),
        ("-H fd://", "[Socket]\nListenStream=%t/docker.sock\n", "SocketMode=0660 SocketUser=root SocketGroup=docker >"),
    ] {
        let start = format!("[Service]\nExecStart=/usr/bin/dockerd {unit}\n");
        let disk = Disk::new(
            "repairs-socket",
            &[
                (UNIT, &start),
                ("etc/group", "docker:x:101:\nops:x:102:\n"),
                ("etc/passwd", "root:x:0:0::/:/\n"),
                ("run/x", ""),
            ],
        );
        if !socket.is_empty() {
            disk.0.write("root/usr/lib/systemd/system/docker.socket", socket);
        }
        let path = disk.0.0.join("root/run/docker.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("a mode");
        std::os::unix::fs::symlink("/run", disk.0.0.join("root/var/run"))
            .or_else(|_| {
                std::fs::create_dir_all(disk.0.0.join("root/var"))?;
                std::os::unix::fs::symlink("/run", disk.0.0.join("root/var/run"))
            })
            .expect("a link");
        let all = disk.results();
        let found =
            all.iter().find(|one| one["rule"] == "node-tls" && one["cis"][0] == "D3.16" && one["verdict"] == "fail");
        let fix = found.unwrap_or_else(|| panic!("{all:#?}"))["fix"].as_str().expect("a text");
        assert!(fix.contains(wanted), "{fix}");
        assert_eq!(fix.contains("docker.socket.d"), !socket.is_empty(), "{fix}");
    }
}

/// A docker that runs, with these rows of `/proc` and files.
fn running(name: &str, files: &[(&str, &str)]) -> Disk {
    let status = ("proc/7/status", "Name:\tdockerd\nUid:\t0\t0\t0\t0\n");
    let cmdline = ("proc/7/cmdline", "/usr/bin/dockerd\0--icc=true\0");
    let passwd = ("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n");
    Disk::new(name, &[&[status, cmdline, passwd], files].concat())
}

#[test]
fn what_started_a_docker_starts_it_again() {
    let cgroup = ("proc/7/cgroup", "0::/system.slice/docker.service\n");
    let unit = (UNIT, "[Service]\nExecStart=/usr/bin/dockerd --icc=true\n");
    let by_unit = running("repairs-by-unit", &[cgroup, unit]);
    assert!(by_unit.fix("dockerd: icc").ends_with(" && systemctl daemon-reload && systemctl restart docker"));
    assert!(by_unit.fix("dockerd: userland-proxy").ends_with("> /etc/docker/daemon.json && systemctl restart docker"));
    let alone = running("repairs-alone", &[]);
    assert_eq!(
        alone.fix("dockerd: icc"),
        "replace --icc=true with --icc=false in the arguments of dockerd, and start dockerd again"
    );
    assert!(
        alone.fix("dockerd: userland-proxy").ends_with(" # then start docker again: no unit of systemd has started it")
    );
    let openrc = running("repairs-openrc", &[("etc/os-release", "ID=alpine\n")]);
    assert!(openrc.fix("dockerd: userland-proxy").ends_with(" && rc-service docker restart"));
    assert!(openrc.fix("dockerd: icc").contains(" in /etc/conf.d/docker, "), "{}", openrc.fix("dockerd: icc"));
    let snap = running("repairs-snap", &[("proc/7/cgroup", "0::/system.slice/snap.docker.dockerd.service\n")]);
    let fix = snap.fix("dockerd: userland-proxy");
    assert!(
        fix.contains("/var/snap/docker/current/config/daemon.json") && fix.ends_with(" && snap restart docker"),
        "{fix}"
    );
    let rootless = running(
        "repairs-rootless",
        &[
            ("proc/6/status", "Name:\trootlesskit\nUid:\t1000\t1000\t1000\t1000\n"),
            ("proc/7/status", "Name:\tdockerd\nUid:\t1000\t1000\t1000\t1000\n"),
            ("proc/7/stat", "7 (dockerd) S 6 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n"),
            ("proc/7/uid_map", "0 1000 1\n"),
            ("proc/7/cmdline", "dockerd\0--experimental\0"),
            ("proc/7/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/docker.service\n"),
        ],
    );
    let fix = rootless.fix("dockerd: icc");
    assert!(fix.starts_with("runuser -u ann -- env XDG_RUNTIME_DIR=/run/user/1000 sh -c '"), "{fix}");
    assert!(
        fix.contains("/home/ann/.config/docker/daemon.json") && fix.ends_with(" && systemctl --user restart docker'"),
        "{fix}"
    );
    assert!(rootless.fix("dockerd: experimental").contains("systemctl --user edit --full docker"));
    let read_only = running("repairs-read-only", &[("proc/1/mountinfo", "1 0 8:1 / / ro - ext4 /dev/sda1 ro\n")]);
    assert!(
        read_only.fix("dockerd: userland-proxy").contains("in the image of the host, whose file system is read-only")
    );
}
