//! One host of each distribution, with the files and arguments that its release has.

use crate::host::fake::Fake;
use crate::host::snapshot;
use crate::node::Node;
use crate::node::kubelet::Kubelet;

fn node(host: &str) -> Node {
    snapshot(&Fake::read(host), 0)
}

fn kubelet(host: &str) -> Kubelet {
    let found = node(host).kubelet.remove(0);
    assert_eq!(found.config.doubts, [""; 0]);
    found
}

fn is_closed(kubelet: &Kubelet) -> bool {
    kubelet.setting("authentication.anonymous.enabled").value == false
        && kubelet.setting("authorization.mode").value == "Webhook"
}

#[test]
fn docker_of_the_snap() {
    let config = "{\"icc\": false, \"log-level\": \"error\"}";
    let running = node(&format!(
        "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cgroup\n0::/system.slice/snap.docker.dockerd.service\n\
=== /proc/7/cmdline\ndockerd --group docker --exec-root=/run/snap.docker --data-root=/var/snap/docker/common/var-lib-docker \
--pidfile=/run/snap.docker/docker.pid --config-file=/var/snap/docker/2963/config/daemon.json\n\
=== /var/snap/docker/2963/config/daemon.json\n{config}\n"
    ));
    let disk = node(&format!(
        "=== /etc/systemd/system/snap.docker.dockerd.service\n[Service]\nEnvironmentFile=-/etc/environment\nExecStart=/usr/bin/snap run docker.dockerd\n\
=== /var/snap/docker/current link 2963\n=== /var/snap/docker/2963/config/daemon.json\n{config}\n\
=== /var/snap/docker/2963/etc/docker/certs.d/r.example.com/client.key\nx\n"
    ));
    for (node, file) in
        [(&running, "/var/snap/docker/2963/config/daemon.json"), (&disk, "/var/snap/docker/current/config/daemon.json")]
    {
        let docker = &node.docker[0];
        assert_eq!(docker.config.doubts, [""; 0]);
        assert_eq!(
            (docker.config_file.as_str(), docker.data_root().as_str()),
            (file, "/var/snap/docker/common/var-lib-docker")
        );
        assert_eq!(
            (docker.config.get("icc").unwrap().value.clone(), docker.group().as_str()),
            (false.into(), "docker")
        );
    }
    assert!(disk.file("/var/snap/docker/current/etc/docker/certs.d/r.example.com/client.key").is_some());
}

#[test]
fn rke2() {
    let defaults = "=== /var/lib/rancher/rke2/agent/etc/kubelet.conf.d/00-rke2-defaults.conf\napiVersion: kubelet.config.k8s.io/v1beta1\n\
kind: KubeletConfiguration\nauthentication: {anonymous: {enabled: false}}\nauthorization: {mode: Webhook}\nreadOnlyPort: 0\n\
=== /var/lib/rancher/rke2/agent/kubelet.kubeconfig 0600\n=== /etc/rancher/rke2/config.yaml\nkubelet-arg: [pod-max-pids=4096]\n\
=== /var/lib/rancher/rke2/agent/etc/containerd/config.toml\nversion = 3\n[plugins.'io.containerd.cri.v1.runtime']\nenable_selinux = true\n";
    let running = kubelet(&format!(
        "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cgroup\n0::/system.slice/rke2-agent.service\n=== /proc/9/cmdline\nkubelet \
--config-dir=/var/lib/rancher/rke2/agent/etc/kubelet.conf.d --kubeconfig=/var/lib/rancher/rke2/agent/kubelet.kubeconfig --pod-max-pids=4096\n{defaults}"
    ));
    let disk = kubelet(defaults);
    for found in [&running, &disk] {
        assert!(is_closed(found));
        assert_eq!(found.setting("podPidsLimit").value, 4096);
        assert_eq!(found.kubeconfig.as_deref(), Some("/var/lib/rancher/rke2/agent/kubelet.kubeconfig"));
    }
    let containerd = node(defaults).containerd.remove(0);
    assert!(containerd.config.get("plugins.\"io.containerd.cri.v1.runtime\".enable_selinux").unwrap().is_true());
}

#[test]
fn bottlerocket() {
    // Its /usr is a link into the image that was started, and the unit is there.
    let found = kubelet(
        "=== /usr link x86_64-bottlerocket-linux-gnu/sys-root/usr\n\
=== /x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/systemd/system/kubelet.service\n[Service]\nEnvironmentFile=/etc/kubernetes/kubelet/env\n\
ExecStart=/usr/bin/kubelet \\\n    --cloud-provider ${CLOUD_PROVIDER} \\\n    --kubeconfig /etc/kubernetes/kubelet/kubeconfig \\\n    --config /etc/kubernetes/kubelet/config\n\
=== /etc/kubernetes/kubelet/env\nCLOUD_PROVIDER=external\n=== /etc/kubernetes/kubelet/kubeconfig 0600\n\
=== /etc/kubernetes/kubelet/config\n---\nkind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\npodPidsLimit: 1048576\n",
    );
    assert!(is_closed(&found));
    assert_eq!(
        (found.setting("podPidsLimit").value, found.kubeconfig.as_deref()),
        (1_048_576.into(), Some("/etc/kubernetes/kubelet/kubeconfig"))
    );
    let without_unit = kubelet(
        "=== /etc/kubernetes/kubelet/config\nkind: KubeletConfiguration\n=== /etc/kubernetes/kubelet/kubeconfig\n",
    );
    assert!(is_closed(&without_unit) && without_unit.kubeconfig.is_some());
}

#[test]
fn talos() {
    let host = "=== /etc/cri/containerd.toml\nversion = 3\ndisabled_plugins = [\"io.containerd.nri.v1.nri\"]\nimports = [\"/etc/cri/conf.d/cri.toml\"]\n\
=== /etc/cri/conf.d/00-base.part\nversion = 3\n=== /etc/cri/conf.d/20-customization.part\n[metrics]\naddress = \"0.0.0.0:1\"\n\
=== /etc/cri/conf.d/cri.toml\nversion = 3\n[plugins.\"io.containerd.cri.v1.images\".registry]\nconfig_path = \"/etc/cri/conf.d/hosts\"\n[metrics]\naddress = \"0.0.0.0:11234\"\n\
=== /etc/cri/conf.d/hosts/r.example.com/hosts.toml\n[host.\"https://m.example.com\"]\nskip_verify = true\n\
=== /etc/kubernetes/kubelet.yaml\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nseccompDefault: true\n=== /etc/kubernetes/kubeconfig-kubelet 0600\n";
    let found = node(host);
    let containerd = &found.containerd[0];
    assert_eq!(
        containerd.config.get("metrics.address").unwrap().display(),
        "0.0.0.0:11234",
        "the parts are in cri.toml already"
    );
    assert!(containerd.registries.settings.keys().any(|key| key.ends_with("skip_verify")));
    assert!(is_closed(&found.kubelet[0]));
    assert_eq!(found.kubelet[0].kubeconfig.as_deref(), Some("/etc/kubernetes/kubeconfig-kubelet"));
    // The kubelet of Talos runs next to the pods, in a container without an id.
    let running = kubelet(&format!(
        "{host}=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cgroup\n0::/podruntime/kubelet\n=== /proc/9/cmdline\n/usr/local/bin/kubelet --config=/etc/kubernetes/kubelet.yaml \
--kubeconfig=/etc/kubernetes/kubeconfig-kubelet\n"
    ));
    assert!(is_closed(&running));
}

#[test]
fn container_optimized_os() {
    let config = "=== /home/kubernetes/kubelet-config.yaml\nkind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n\
readOnlyPort: 10255\n=== /var/lib/kubelet/kubeconfig 0600\n";
    let unit = "=== /etc/systemd/system/kubelet.service\n[Service]\nEnvironmentFile=/etc/default/kubelet\nExecStart=/home/kubernetes/bin/kubelet $KUBELET_OPTS\n\
=== /etc/default/kubelet\nKUBELET_OPTS=\"--v=2 --cloud-provider=external --kubeconfig=/var/lib/kubelet/kubeconfig --config /home/kubernetes/kubelet-config.yaml\"\n";
    for host in [config.to_owned(), format!("{config}{unit}")] {
        let found = kubelet(&host);
        assert!(is_closed(&found));
        assert_eq!(
            (found.setting("readOnlyPort").value, found.kubeconfig.as_deref()),
            (10_255.into(), Some("/var/lib/kubelet/kubeconfig"))
        );
    }
}

#[test]
fn eks() {
    let found = kubelet(
        "=== /etc/systemd/system/kubelet.service\n[Service]\nEnvironmentFile=/etc/eks/kubelet/environment\nExecStart=/usr/bin/kubelet \\\n    --config /etc/kubernetes/kubelet/config.json \\\n\
    --kubeconfig /var/lib/kubelet/kubeconfig \\\n    $NODEADM_KUBELET_ARGS\\\n    $KUBELET_EXTRA_ARGS\n\
=== /etc/eks/kubelet/environment\nNODEADM_KUBELET_ARGS=\"--config-dir=/etc/kubernetes/kubelet/config.json.d --node-ip=10.0.0.1\"\n\
=== /etc/kubernetes/kubelet/config.json\n{\"kind\": \"KubeletConfiguration\", \"apiVersion\": \"kubelet.config.k8s.io/v1beta1\", \"readOnlyPort\": 0}\n\
=== /etc/kubernetes/kubelet/config.json.d/40-nodeadm.conf\n{\"kind\": \"KubeletConfiguration\", \"podPidsLimit\": 7}\n",
    );
    assert!(is_closed(&found));
    assert_eq!(found.setting("podPidsLimit").value, 7);
}
