use super::*;
use crate::host::fake::Fake;
use crate::host::{layouts::layout, processes::processes, units};

fn found(text: &str) -> Vec<Kubelet> {
    let host = Fake::read(text);
    let (processes, units) = (processes(&host), units::daemons(&host, &[]));
    kubelets(&host, &processes, &units, layout(&host))
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
    let doubts = of("").config.doubts;
    assert_eq!(
        doubts,
        ["it is a part of another program, and no file has its settings"],
        "the defaults are not those of k3s"
    );
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
