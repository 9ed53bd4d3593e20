use super::*;
use crate::host::fake::Fake;
use crate::host::{layouts::layout, processes::processes, units};
use crate::node::config::Source;

fn found(text: &str) -> Vec<Kubelet> {
    let host = Fake::read(text);
    let (processes, units) = (processes(&host), units::daemons(&host, &units::enabled(&host).names));
    kubelets(&host, &processes, &units, layout(&host, &units))
}

#[test]
fn the_kubelet_in_another_program() {
    let k3s = found(
        "=== /proc/7/status\nName: k3s-agent\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/local/bin/k3s agent\n\
=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-defaults.conf\npodPidsLimit: 7\n",
    );
    assert_eq!(k3s[0].setting("podPidsLimit").value, 7);
    assert_eq!(k3s[0].pid, Some(7));
    let microk8s = found(
        "=== /proc/7/status\nName: kubelite\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/snap/microk8s/1/kubelite --x\n\
=== /var/snap/microk8s/current/args/kubelet\n--anonymous-auth=false\n--pod-max-pids=9\n--root-dir=${SNAP_COMMON}/var/lib/kubelet\n",
    );
    assert_eq!(microk8s[0].setting("podPidsLimit").value, 9);
    assert_eq!(microk8s[0].root, "/var/snap/microk8s/common/var/lib/kubelet");
    let none = found("=== /proc/7/status\nName: sh\n=== /var/lib/rancher/k3s/data/x\n");
    assert!(none.is_empty(), "it is installed, and it does not run");
}

#[test]
fn images_of_disks() {
    let eks =
        found("=== /etc/kubernetes/kubelet/config.json\n{\"kind\": \"KubeletConfiguration\", \"readOnlyPort\": 0}\n");
    assert_eq!(eks[0].config_file.as_deref(), Some("/etc/kubernetes/kubelet/config.json"));
    let kubeadm = found(
        "=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet\n\
=== /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf\n[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS\n\
=== /var/lib/kubelet/kubeadm-flags.env\nKUBELET_KUBEADM_ARGS=\"--pod-max-pids=5\"\n=== /var/lib/kubelet/config.yaml\nkind: KubeletConfiguration\n",
    );
    assert_eq!(kubeadm[0].setting("podPidsLimit").value, 5);
    assert!(kubeadm[0].config.doubts.is_empty(), "{:?}", kubeadm[0].config.doubts);
}

#[test]
fn what_k3s_passes_on() {
    let of = |text: &str| {
        found(&format!(
            "=== /proc/7/status\nName: k3s-server\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/local/bin/k3s server --kubelet-arg=anonymous-auth=true\n\
=== /var/lib/rancher/k3s/x\n{text}"
        ))
        .remove(0)
    };
    let defaults = "=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf\nauthentication: {anonymous: {enabled: false}}\n";
    let kubelet = of(defaults);
    assert!(kubelet.setting("authentication.anonymous.enabled").is_true(), "the argument is over the file");
    let file = "=== /etc/rancher/k3s/config.yaml\nkubelet-arg: [pod-max-pids=7]\n=== /etc/rancher/k3s/config.yaml.d/a.yaml\nkubelet-arg+: read-only-port=1\n";
    let kubelet = of(&format!("{defaults}{file}"));
    assert_eq!(
        (&kubelet.setting("podPidsLimit").value, &kubelet.setting("readOnlyPort").value),
        (&7.into(), &1.into())
    );
    assert!(kubelet.config.doubts.is_empty(), "{:?}", kubelet.config.doubts);
    let bare = of("");
    assert!(bare.setting("authentication.anonymous.enabled").is_true());
    assert!(matches!(bare.setting("authorization.mode").source, Source::Unknown(_)), "k3s has defaults of its own");
    let replaced = "=== /etc/rancher/k3s/config.yaml\nkubelet-arg: [pod-max-pids=7, read-only-port=1]\n=== /etc/rancher/k3s/config.yaml.d/a.yaml\n\
kubelet-arg: [read-only-port=2]\n=== /etc/rancher/k3s/config.yaml.d/b.yml\nkubelet-arg+: [port=3]\n";
    let kubelet = of(replaced);
    assert!(kubelet.config.get("podPidsLimit").is_none(), "the second file replaces the list of the first");
    assert_eq!((kubelet.setting("readOnlyPort").value, kubelet.setting("port").value), (2.into(), 3.into()));
}

const UNIT: &str = "=== /etc/systemd/system/k3s.service\n[Service]\nEnvironmentFile=-/etc/systemd/system/k3s.service.env\n\
ExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--kubelet-arg=anonymous-auth=true' \\\n\t'--kubelet-arg' \\\n\t'authorization-mode=AlwaysAllow' $MORE\n\
=== /etc/systemd/system/k3s.service.env\nMORE=--kubelet-arg=read-only-port=10255\n";

const DEFAULTS: &str = "=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf\nkind: KubeletConfiguration\n\
authentication: {anonymous: {enabled: false}}\nauthorization: {mode: Webhook}\n";

#[test]
fn arguments_in_the_unit_of_k3s() {
    let silent = "=== /proc/7/status\nName: k3s-server\nUid: 0 0 0 0\n=== /proc/7/cgroup\n0::/system.slice/k3s.service\n\
=== /proc/7/cmdline\n/usr/local/bin/k3s server\n=== /proc/9/status\nName: k3s\nUid: 0 0 0 0\n=== /proc/9/cmdline\nk3s kubectl get\n";
    let (rke2, agent) =
        (UNIT.replace("k3s", "rke2").replace("rke2.service", "rke2-server.service"), UNIT.replace("server", "agent"));
    let agent = agent.replace("k3s.service", "k3s-agent.service");
    let named = UNIT.replace("k3s.service", "k3s-blue.service");
    let named =
        format!("{named}=== /etc/systemd/system/multi-user.target.wants/k3s-blue.service link ../k3s-blue.service\n");
    for host in [UNIT.to_owned(), format!("{UNIT}{DEFAULTS}"), format!("{UNIT}{DEFAULTS}{silent}"), rke2, agent, named]
    {
        let kubelet = found(&host).remove(0);
        assert_eq!(kubelet.config.doubts, [""; 0], "{host}");
        assert!(kubelet.setting("authentication.anonymous.enabled").is_true(), "{host}");
        assert_eq!(kubelet.setting("readOnlyPort").value, 10255, "{host}");
        let mode = kubelet.setting("authorization.mode");
        assert_eq!(mode.display(), "AlwaysAllow", "{host}");
        assert_eq!(mode.source.to_string(), "--kubelet-arg=authorization-mode=AlwaysAllow in the unit");
    }
    let doubt = |host: &str| found(host).remove(0).config.doubts.remove(0);
    let (newer, started) = (
        UNIT.replace("k3s.service\n", "k3s.service modified 900\n"),
        "=== /proc/stat\nbtime 100\n=== /proc/7/stat\n7 (k3s) S 1",
    );
    let started = format!("{started}{}\n", " 0".repeat(18));
    assert!(doubt(&format!("{newer}{DEFAULTS}{silent}{started}")).contains("k3s.service changed after k3s started"));
    let hidden = "k3s hides the arguments of its process 7, and no unit of systemd has them";
    assert_eq!(doubt(&format!("{DEFAULTS}{silent}")), hidden);
    assert!(
        doubt(&format!("{DEFAULTS}=== /etc/rancher/k3s/config.yaml\ndata-dir: /data\n"))
            .contains("keeps its data in /data")
    );
}

#[test]
fn what_no_file_has_is_not_known() {
    let source = |host: &str, key: &str| found(host).remove(0).setting(key).source;
    let file = "=== /etc/rancher/k3s/config.yaml\nkubelet-arg:\n- anonymous-auth=true\n=== /var/lib/rancher/k3s/x\n";
    assert_eq!(source(file, "authentication.anonymous.enabled").to_string(), "/etc/rancher/k3s/config.yaml:2");
    for (host, key, is_unknown) in [
        (file, "authorization.mode", true),
        (file, "podPidsLimit", true),
        (DEFAULTS, "readOnlyPort", true),
        (DEFAULTS, "authorization.mode", false),
        (DEFAULTS, "podPidsLimit", false),
    ] {
        assert_eq!(matches!(source(host, key), Source::Unknown(_)), is_unknown, "{host} {key}");
    }
}

/// A kubelet whose main file is open, and which has a folder over it.
fn over(folder: &str) -> Kubelet {
    found(&format!(
        "=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet --config=/config.yaml --config-dir=/etc/kubelet.d\n\
=== /config.yaml\nkind: KubeletConfiguration\nreadOnlyPort: 10255\n{folder}"
    ))
    .remove(0)
}

const CLOSED: &str = "kind: KubeletConfiguration\nreadOnlyPort: 0\n";

/// It walks through folders as Go does: a link to a folder is none, and a link to a file is read.
#[test]
fn the_kubelet_follows_no_linked_folder() {
    let port = |folder: &str| {
        let found = over(folder);
        assert_eq!(found.config.doubts, [""; 0], "{folder}");
        found.setting("readOnlyPort").value
    };
    assert_eq!(port(&format!("=== /etc/kubelet.d/a/10.conf\n{CLOSED}")), 0);
    assert_eq!(port(&format!("=== /etc/kubelet.d/hard link /data\n=== /data/10.conf\n{CLOSED}")), 10255);
    assert_eq!(port(&format!("=== /etc/kubelet.d link /data\n=== /data/10.conf\n{CLOSED}")), 10255);
    assert_eq!(port(&format!("=== /etc/kubelet.d/10.conf link /data/10.conf\n=== /data/10.conf\n{CLOSED}")), 0);
}

#[test]
fn settings_that_cannot_be_read_are_not_known() {
    for (folder, why) in [
        ("=== /etc/kubelet.d denied folder\n", "/etc/kubelet.d cannot be read: permission denied"),
        ("=== /etc/kubelet.d/a denied folder\n", "/etc/kubelet.d/a cannot be read: permission denied"),
        (
            "=== /etc/kubelet.d/1/2/3/4/5/6/7/8/9/a.conf\n",
            "/etc/kubelet.d/1/2/3/4/5/6/7/8/9 is deeper than podreeve reads",
        ),
        ("=== /etc/kubelet.d/a.conf link a.conf\n", "/etc/kubelet.d/a.conf is a circle of links"),
        ("=== /etc/kubelet.d/a.conf link /etc\n", "/etc/kubelet.d/a.conf cannot be read: it is no regular file"),
        ("", "/etc/kubelet.d does not exist, without which the kubelet does not start"),
    ] {
        assert_eq!(over(folder).config.doubts, [why], "{folder}");
    }
    let relative = found(
        "=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet --config=a\n=== /a\nreadOnlyPort: 0\n",
    );
    assert_eq!(relative[0].config.doubts, ["a is relative to the folder of kubelet, which podreeve does not know"]);
    let k3s = found(
        "=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/a.conf\nkind: KubeletConfiguration\n=== /etc/rancher/k3s/config.yaml.d denied folder\n",
    );
    assert_eq!(k3s[0].config.doubts, ["/etc/rancher/k3s/config.yaml.d cannot be read: permission denied"]);
}
