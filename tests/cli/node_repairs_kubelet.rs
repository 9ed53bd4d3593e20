//! The commands that repair a kubelet are run on an image of a disk, one after the other, and then the rules pass.

use super::node_disk::Disk;

const UNIT: &str = "usr/lib/systemd/system/kubelet.service";

const ANONYMOUS: &str = "kubelet: authentication.anonymous.enabled";
const MODE: &str = "kubelet: authorization.mode";
const PORT: &str = "kubelet: readOnlyPort";
const PIDS: &str = "kubelet: podPidsLimit";
const ROTATE: &str = "kubelet: rotateCertificates";
const BOOTSTRAP: &str = "kubelet: serverTLSBootstrap";
const IMAGES: &str = "kubelet: imageGCHighThresholdPercent";
const QOS: &str = "kubelet: cgroupsPerQOS";
const CLASSES: &str = "kubelet: enforceNodeAllocatable";
const ALPHA: &str = "kubelet: featureGates.AllAlpha";
const AUTHORITY: &str = "kubelet: authentication.x509.clientCAFile";

const ALL: &[&str] = &[ANONYMOUS, MODE, PORT, PIDS, ROTATE, BOOTSTRAP, IMAGES, QOS, CLASSES, AUTHORITY];

/// A file that fails in all of them.
const OPEN: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthentication:\n  anonymous:\n    enabled: true\n  webhook:\n    enabled: true\n\
authorization:\n  mode: AlwaysAllow\nreadOnlyPort: 10255\nimageGCHighThresholdPercent: 100\ncgroupsPerQOS: false\nenforceNodeAllocatable: []\n\
featureGates:\n  AllAlpha: true\n  Other: true\nevictionHard:\n  memory.available: 100Mi\n";

const CA: (&str, &str) = ("etc/kubernetes/pki/ca.crt", "x");

fn unit(arguments: &str) -> String {
    format!("[Service]\nExecStart=/usr/bin/kubelet {arguments}\n")
}

/// What fails after repairs: the gate that was named first.
fn expect_gate(disk: &Disk) {
    disk.run(&disk.fix(ALPHA));
    assert!(disk.verdict(ALPHA).is_empty(), "{:?}", disk.verdict(ALPHA));
}

#[test]
fn files_in_a_folder_and_json() {
    let folder = unit("--config=/var/lib/kubelet/config.yaml --config-dir=/etc/kubernetes/kubelet.d");
    let disk = Disk::new(
        "kubelet-folder",
        &[(UNIT, &folder), ("var/lib/kubelet/config.yaml", OPEN), CA, ("etc/kubernetes/kubelet.d/README", "")],
    );
    disk.repair(ALL);
    expect_gate(&disk);
    assert_eq!(disk.read("var/lib/kubelet/config.yaml"), OPEN);

    let json = "{\"kind\":\"KubeletConfiguration\",\"authentication\":{\"anonymous\":{\"enabled\":true},\"x\":1},\"authorization\":{\"mode\":\"AlwaysAllow\"},\
                \"readOnlyPort\":1,\"imageGCHighThresholdPercent\":100,\"cgroupsPerQOS\":false,\"enforceNodeAllocatable\":[],\"featureGates\":{\"AllAlpha\":true}}\n";
    let disk =
        Disk::new("kubelet-json", &[(UNIT, &unit("--config=/etc/kubelet.json")), ("etc/kubelet.json", json), CA]);
    disk.repair(ALL);
    expect_gate(&disk);
    assert!(disk.read("etc/kubelet.json").contains("\"x\": 1"), "its neighbours stay");
}

/// Fields with one value are set by a command. Words name the others, and what they name passes when it is merged.
#[test]
fn a_file_of_yaml() {
    let files = [(UNIT, &*unit("--config=/var/lib/kubelet/config.yaml")), ("var/lib/kubelet/config.yaml", OPEN), CA];
    let disk = Disk::new("kubelet-yaml", &files);
    disk.repair(&[PORT, PIDS, ROTATE, BOOTSTRAP, IMAGES, QOS]);
    let file = disk.read("var/lib/kubelet/config.yaml");
    assert_eq!(file.matches("readOnlyPort").count(), 1, "{file}");
    assert!(file.contains("evictionHard:\n  memory.available: 100Mi\n"), "{file}");
    let nested = [ANONYMOUS, MODE, CLASSES, ALPHA, AUTHORITY];
    for (at, subject) in nested.into_iter().enumerate() {
        let fix = disk.fix(subject);
        let yaml = fix.split('`').nth(1).unwrap_or_else(|| panic!("{fix}"));
        assert!(fix.contains(" in /var/lib/kubelet/config.yaml"), "{fix}");
        disk.0.write(&format!("root/etc/d/{at}.conf"), format!("kind: KubeletConfiguration\n{yaml}\n"));
    }
    disk.0.write(&format!("root/{UNIT}"), unit("--config=/var/lib/kubelet/config.yaml --config-dir=/etc/d"));
    for subject in nested {
        assert!(disk.verdict(subject).iter().all(|verdict| verdict == "pass"), "{subject}");
    }
}

#[test]
fn flags_are_changed_where_they_are() {
    let flags = "--anonymous-auth --authorization_mode AlwaysAllow --read-only-port=10255 --pod-max-pids=-1 --rotate-certificates=false \
                 --rotate-server-certificates=false --cgroups-per-qos=false --feature-gates=Other=true,AllAlpha=true";
    let subjects = &[ANONYMOUS, MODE, PORT, PIDS, ROTATE, BOOTSTRAP, QOS];
    let config = "--config=/var/lib/kubelet/config.yaml";
    let file = ("var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
    let disk = Disk::new("kubelet-unit", &[(UNIT, &unit(&format!("{config} {flags}"))), file]);
    disk.repair(subjects);
    expect_gate(&disk);
    let kubeadm = "[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\n\
                   ExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n";
    let env = format!("KUBELET_KUBEADM_ARGS=\"{flags}\"\n");
    let disk = Disk::new("kubelet-kubeadm", &[(UNIT, kubeadm), ("var/lib/kubelet/kubeadm-flags.env", &env), file]);
    disk.repair(subjects);
    expect_gate(&disk);
    assert!(disk.read("var/lib/kubelet/kubeadm-flags.env").contains("--feature-gates=Other=true,AllAlpha=false\""));
}

#[test]
fn a_kubelet_without_a_file_gets_flags() {
    let disk = Disk::new("kubelet-bare", &[(UNIT, &unit("--hostname-override=n1")), CA]);
    disk.repair(&[ANONYMOUS, MODE, PORT, PIDS, ROTATE, BOOTSTRAP, AUTHORITY]);
    let own = disk.read("etc/systemd/system/kubelet.service.d/zz-podreeve-command.conf");
    assert!(own.contains("--read-only-port=0") && own.contains("--hostname-override=n1"), "{own}");
    let bootstrap = Disk::new("kubelet-bootstrap", &[(UNIT, &unit("--x"))]).fix(BOOTSTRAP);
    assert!(bootstrap.contains(" # approve its request"), "{bootstrap}");
}

#[test]
fn k3s_and_rke2_pass_arguments_on() {
    for (name, unit, authority) in [("k3s", "k3s-agent", "client-ca.crt"), ("rke2", "rke2-server", "client-ca.crt")] {
        let ca = format!("var/lib/rancher/{name}/agent/{authority}");
        let conf = format!("var/lib/rancher/{name}/agent/etc/kubelet.conf.d/00-defaults.conf");
        let service = format!("usr/lib/systemd/system/{unit}.service");
        let start = format!("[Service]\nExecStart=/usr/local/bin/{name} server\n");
        let files = [(&*conf, OPEN), (&*ca, "x"), (&*service, &*start)];
        let disk = Disk::new(&format!("kubelet-{name}"), &files);
        // They renew the certificate of the client themselves.
        let all: Vec<&str> = ALL.iter().copied().filter(|subject| *subject != ROTATE).collect();
        disk.repair(&all);
        assert!(!disk.verdict(ROTATE).contains(&"fail".to_owned()), "{:?}", disk.verdict(ROTATE));
        expect_gate(&disk);
        assert!(disk.calls().contains(&format!("systemctl restart {unit}\n")), "{}", disk.calls());
        assert_eq!(disk.read(&conf), OPEN);
    }
    let silent = [
        (
            "etc/systemd/system/k3s.service",
            "[Service]\nExecStart=/usr/local/bin/k3s \\\n  server \\\n  '--kubelet-arg=anonymous-auth=true' '--kubelet-arg' 'authorization-mode=AlwaysAllow'\n",
        ),
        (
            "var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf",
            "authentication: {anonymous: {enabled: false}}\nauthorization: {mode: Webhook}\n",
        ),
    ];
    Disk::new("kubelet-k3s-unit", &silent).repair(&[ANONYMOUS, MODE]);
    let conf = ("var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-defaults.conf", OPEN);
    let files = [
        conf,
        ("proc/7/status", "Name:\tk3s-server\nUid:\t0\t0\t0\t0\n"),
        ("proc/7/cgroup", "0::/system.slice/k3s.service\n"),
        ("proc/7/cmdline", "/usr/local/bin/k3s\0server\0--kubelet-arg=read-only-port=10255\0"),
    ];
    let fix = Disk::new("kubelet-k3s-argument", &files).fix(PORT);
    assert!(fix.starts_with("set --kubelet-arg=read-only-port=0 in the command of k3s.service"), "{fix}");
}

/// What the commands of a report write is no new failure.
#[test]
fn repairs_make_no_failures() {
    let units = "usr/lib/systemd/system";
    let limits = "LimitNOFILE=infinity\nLimitNPROC=infinity\n";
    let files = [
        (UNIT, &*unit("--config=/var/lib/kubelet/config.yaml --anonymous-auth=true --cgroup-driver=systemd")),
        ("var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\nreadOnlyPort: 10255\n"),
        (&*format!("{units}/containerd.service"), &*format!("[Service]\nExecStart=/usr/bin/containerd\n{limits}")),
        (
            &*format!("{units}/docker.service"),
            "[Service]\nExecStart=/usr/bin/dockerd --icc=true --userland-proxy=true\n",
        ),
        ("etc/docker/daemon.json", "{\"experimental\": true}"),
        (
            "etc/containerd/config.toml",
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n  SystemdCgroup = false\n",
        ),
        ("etc/systemd/system/README", ""),
    ];
    let disk = Disk::new("kubelet-all-repairs", &files);
    let failures = |disk: &Disk| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let all = disk.results();
        let fails = all.iter().filter(|one| one["verdict"] == "fail");
        fails.map(|one| (format!("{} {}", text(&one["rule"]), text(&one["subject"])), text(&one["fix"]))).collect()
    };
    let before = failures(&disk);
    let is_safe = |fix: &str| {
        let first = ["mkdir -p /etc/", "sed -i ", "grep -q ", "new=$(jq ", "chmod 0600 /etc/", "chmod 0600 /var/"];
        first.iter().any(|start| fix.starts_with(start))
    };
    let commands: Vec<&str> = before.iter().map(|(_, fix)| fix.as_str()).filter(|fix| is_safe(fix)).collect();
    for fix in &commands {
        disk.run(fix);
    }
    // The rules are to name paths of the host, and not of the folder in which this test runs.
    let rules = "root/etc/audit/rules.d/containers.rules";
    let root = disk.0.0.join("root").canonicalize().expect("a folder");
    let text = disk.read("etc/audit/rules.d/containers.rules").replace(root.to_str().expect("a text"), "");
    disk.0.write(rules, text);
    assert!(disk.read("etc/containerd/config.toml").contains("SystemdCgroup = true"), "{commands:#?}");
    let own = disk.read("etc/systemd/system/containerd.service.d/zz-podreeve-limits.conf");
    assert_eq!(own, "[Service]\nLimitNOFILE=1048576\nLimitNPROC=1048576\n");
    let after = failures(&disk);
    let is_new = |(subject, _): &&(String, String)| !before.iter().any(|(old, _)| old == subject);
    let new: Vec<&(String, String)> = after.iter().filter(is_new).collect();
    assert!(new.is_empty(), "{new:#?}\n{commands:#?}");
    for subject in
        ["node-ulimits containerd", "node-cgroups kubelet: cgroupDriver", "node-authorization kubelet: readOnlyPort"]
    {
        assert!(!after.iter().any(|(left, _)| left == subject), "{subject}");
    }
}

#[test]
fn microk8s_and_hosts_that_make_the_file_anew() {
    let arguments = "--anonymous-auth=true\n--authorization-mode=AlwaysAllow\n--read-only-port=10255\n--cgroups-per-qos=false\n--feature-gates=AllAlpha=true\n";
    let files = [
        ("var/snap/microk8s/current/args/kubelet", arguments),
        ("var/snap/microk8s/current/certs/ca.crt", "x"),
        ("var/snap/microk8s/current/credentials/kubelet.config", "x"),
    ];
    let disk = Disk::new("kubelet-microk8s", &files);
    disk.repair(&[ANONYMOUS, MODE, PORT, PIDS, ROTATE, BOOTSTRAP, QOS, AUTHORITY]);
    expect_gate(&disk);
    assert!(disk.calls().contains("snap restart microk8s.daemon-kubelite"), "{}", disk.calls());
    for (files, says) in [
        (
            [("etc/os-release", "ID=talos\n"), ("etc/cri/conf.d/x.part", ""), ("etc/kubernetes/kubelet.yaml", OPEN)],
            "machine.kubelet.extraConfig",
        ),
        (
            [("etc/os-release", "ID=bottlerocket\n"), ("etc/x", ""), ("etc/kubernetes/kubelet/config", OPEN)],
            "[settings.kubernetes]",
        ),
        (
            [("etc/os-release", "ID=cos\n"), ("etc/x", ""), ("home/kubernetes/kubelet-config.yaml", OPEN)],
            "gcloud container",
        ),
    ] {
        let disk = Disk::new("kubelet-made", &files);
        let fix = disk.fix(ANONYMOUS);
        assert!(
            fix.starts_with("set `authentication: {anonymous: {enabled: false}}` in ") && fix.contains(says),
            "{fix}"
        );
    }
}
