use super::*;
use crate::host::{fake::Fake, processes::processes, units};

fn names(text: &str) -> Vec<String> {
    let host = Fake::read(text);
    let processes = processes(&host);
    let units = units::daemons(&host, &[]);
    instances(&host, "dockerd", &["docker.service"], &processes, &units).into_iter().map(|one| one.name).collect()
}

const ONE: &str = "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/bin/dockerd\n\
=== /proc/7/cgroup\n0::/system.slice/docker.service\n";

#[test]
fn what_a_daemon_is_and_its_name() {
    assert_eq!(names(ONE), ["dockerd"]);
    let second = "=== /proc/8/status\nName: dockerd\nUid: 1000 1000 1000 1000\n=== /proc/8/cmdline\ndockerd\n\
=== /proc/8/stat\n8 (dockerd) S 6 1\n";
    assert_eq!(names(&format!("{ONE}{second}")), ["dockerd"], "any user may call a program so");
    let rest = (5..=22).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let second = second.replace("S 6 1", &format!("S 6 {rest}"));
    let kit = "=== /proc/6/status\nName: rootlesskit\nUid: 1000 1000 1000 1000\n=== /proc/6/cmdline\nrootlesskit\n";
    assert_eq!(names(&format!("{ONE}{second}{kit}")), ["dockerd (docker.service)", "dockerd (user 1000)"]);
    let viewer = "=== /proc/9/status\nName: less\nUid: 0 0 0 0\n=== /proc/9/cmdline\nless dockerd.log --icc=false\n";
    assert!(names(viewer).is_empty());
}

#[test]
fn a_unit_with_variables() {
    let host = Fake::read(
        "=== /usr/lib/systemd/system/docker.service\n[Service]\nEnvironment=\"A=--icc=false -D\" B=x\nEnvironmentFile=-/etc/default/docker\n\
EnvironmentFile=/etc/none\nExecStart=/usr/bin/dockerd $A --label=${B}y $NONE $OPTS\n=== /etc/default/docker\nOPTS='-H fd://'\n#X=1\n",
    );
    let units = units::daemons(&host, &[]);
    let found = instances(&host, "dockerd", &["docker.service"], &[], &units);
    assert_eq!(found[0].arguments, ["/usr/bin/dockerd", "--icc=false", "-D", "--label=xy", "-H", "fd://"]);
    assert!(found[0].config.doubts[0].starts_with("/etc/none does not exist"));
}

fn one(unit: &str) -> (Vec<String>, Vec<String>) {
    let host = Fake::read(&format!("=== /usr/lib/systemd/system/docker.service\n[Service]\n{unit}"));
    let found = instances(&host, "dockerd", &["docker.service"], &[], &units::daemons(&host, &[])).remove(0);
    (found.arguments, found.config.doubts)
}

#[test]
fn processes_that_are_hidden_or_have_too_many_arguments() {
    let doubts = |more: &str| one(&format!("ExecStart=/usr/bin/dockerd\n{more}")).1.len();
    let own = "=== /proc/9/status\nName: podreeve\n=== /proc/self link 9\n";
    assert_eq!((doubts(own), doubts(&format!("{own}=== /proc/1/status\nName: init\n"))), (1, 0));
    assert_eq!(doubts(&format!("{own}=== /proc/1/status denied\n")), 1);
    let arguments = "dockerd".to_owned() + &" -D".repeat(5000);
    let many = format!("=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\n{arguments}\n");
    let host = Fake::read(&many);
    let processes = processes(&host);
    let found = instances(&host, "dockerd", &[], &processes, &BTreeMap::new()).remove(0);
    assert_eq!((found.arguments.len(), found.config.doubts.len()), (4096, 1));
}

#[test]
fn what_a_unit_starts_by_another_program_is_unknown() {
    let (_, doubts) = one("ExecStart=/bin/sh -c 'exec dockerd -H tcp://0.0.0.0:2375'\n");
    assert_eq!(
        doubts,
        ["docker.service starts sh, and podreeve does not know with which arguments that starts dockerd"]
    );
    let (arguments, doubts) = one("ExecStart=/usr/bin/nice -n 5 /usr/bin/dockerd --icc=false\n");
    assert!(doubts.is_empty() && arguments == ["/usr/bin/dockerd", "--icc=false"]);
    let (arguments, doubts) = one("ExecStart=/usr/bin/snap run docker.dockerd\n");
    assert!(doubts.is_empty() && arguments.iter().any(|one| one.starts_with("--config-file=/var/snap/docker/")));
    let (arguments, doubts) = one("ExecStart=/usr/bin/dockerd $A $B\nEnvironmentFile=-/etc/sysconfig/docker*\n\
=== /etc/sysconfig/docker\nA=--icc=false\n=== /etc/sysconfig/docker-network\nB=-D\n");
    assert!(doubts.is_empty());
    assert_eq!(arguments, ["/usr/bin/dockerd", "--icc=false", "-D"]);
    assert_eq!(one("ExecStart=/usr/bin/dockerd\n=== /etc/systemd/system/docker.service.d/a.conf denied\n").1.len(), 1);
    assert_eq!(one("garbage\n").1, ["docker.service has no command that podreeve can read"]);
}

#[test]
fn variables_that_go_on_and_specifiers() {
    let file = "=== /etc/sysconfig/docker\nOPTS=\"-H unix:///run/docker.sock \\\n -H tcp://0.0.0.0:2375\"\n";
    let open = ["/usr/bin/dockerd", "-H", "unix:///run/docker.sock", "-H", "tcp://0.0.0.0:2375"];
    let of = |unit: &str| one(&format!("{unit}{file}"));
    assert_eq!(
        of("EnvironmentFile=-/etc/sysconfig/%N\nExecStart=/usr/bin/dockerd $OPTS\n"),
        (open.map(str::to_owned).into(), Vec::new())
    );
    let (arguments, doubts) = of("ExecStart=/usr/bin/dockerd -H unix://%t/docker.sock --label a=100%%\n");
    assert_eq!((arguments[2].as_str(), arguments[4].as_str()), ("unix:///run/docker.sock", "a=100%"));
    assert!(doubts.is_empty(), "{doubts:?}");
    let unknown = "has %H, and podreeve does not know its value";
    for unit in [
        "EnvironmentFile=-/etc/%H\nExecStart=/usr/bin/dockerd\n",
        "ExecStart=/usr/bin/dockerd --label a=%H\n",
        "Environment=A=%H\nExecStart=/usr/bin/dockerd $A\n",
    ] {
        let doubts = of(unit).1;
        assert!(doubts.len() == 1 && doubts[0].ends_with(unknown), "{unit} {doubts:?}");
    }
    assert!(of("Environment=PROXY=%H\nExecStart=/usr/bin/dockerd\n").1.is_empty(), "the command does not name it");
    let unset =
        of("EnvironmentFile=-/etc/sysconfig/docker\nUnsetEnvironment=OPTS\nExecStart=\\x2fusr/bin/dockerd $OPTS\n");
    assert_eq!(unset.0, ["/usr/bin/dockerd"]);
    assert_eq!(of("Environment=A=x\nExecStart=:/usr/bin/dockerd --label a=$A ${A}\n").0[2..], ["a=$A", "${A}"]);
    let unread =
        one("EnvironmentFile=-/etc/sysconfig/*\nExecStart=/usr/bin/dockerd\n=== /etc/sysconfig denied folder\n").1;
    assert_eq!(unread, ["/etc/sysconfig cannot be read: permission denied"]);
}

#[test]
fn the_home_of_a_rootless_daemon() {
    let rest = (5..=22).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let host = |passwd: &str| {
        let host = Fake::read(&format!(
            "=== /proc/8/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/8/cmdline\ndockerd\n=== /proc/8/uid_map\n0 1000 1\n\
=== /proc/8/stat\n8 (dockerd) S 6 {rest}\n=== /proc/6/status\nName: rootlesskit\nUid: 1000 1000 1000 1000\n=== /proc/6/cmdline\nrootlesskit\n{passwd}"
        ));
        let processes = processes(&host);
        let mut config = Config::default();
        let found = instances(&host, "dockerd", &[], &processes, &BTreeMap::new()).remove(0);
        (found.home(&host, &processes, &mut config), config.doubts)
    };
    let known = host("=== /etc/passwd\nann:x:1000:1000::/home/ann:/bin/sh\n");
    assert_eq!(known, ((1000, "/home/ann".to_owned()), Vec::new()));
    for passwd in ["", "=== /etc/passwd denied\n", "=== /etc/passwd\nroot:x:0:0::/root:\n"] {
        assert_eq!(host(passwd).1.len(), 1, "{passwd}");
    }
}
