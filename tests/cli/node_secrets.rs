//! No secret of a host is in anything that `podreeve node` writes.

use super::binary::Dir;
use serde_json::Value;
use std::fmt::Write;

/// Files of a host. Each `MARK` becomes one of its own, so that a failure says which place it is from.
const PLACES: &[(&str, &str)] = &[
    ("etc/hostname", "web-1\n"),
    ("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"),
    ("etc/os-release", "ID=debian\n"),
    ("proc/1/status", "Name:\tinit\nUid:\t0\t0\t0\t0\n"),
    ("proc/cmdline", "root=/dev/sda1 ds=nocloud;s=http://user:MARK@seed/ rd.password=MARK audit=0\n"),
    (
        "usr/lib/systemd/system/docker.service",
        "[Service]\nEnvironment=HTTP_PROXY=http://user:MARK@proxy:3128 AWS_SECRET_ACCESS_KEY=MARK\n\
         Environment=\"PLAIN=MARK\" \"DOCKER_OPTS=--log-opt gelf-token=MARK --label a=b\"\nSetCredential=id:MARK\n\
         EnvironmentFile=-/etc/default/docker\nExecStartPre=/bin/login --password MARK\n\
         ExecStart=/usr/bin/dockerd -H fd:// --log-opt splunk-token=MARK --icc=true $DOCKER_OPTS $MORE --label=a=MARK --exec-opt b=MARK\n",
    ),
    ("etc/systemd/system/docker.service.d/proxy.conf", "[Service]\nEnvironment='HTTPS_PROXY=https://MARK@proxy'\n"),
    ("etc/default/docker", "MORE=--registry-mirror=https://user:MARK@mirror.example.com\n"),
    (
        "etc/docker/daemon.json",
        "{\"log-opts\": {\"splunk-token\": \"MARK\"}, \"icc\": true, \"insecure-registries\": {\"a\": \"https://u:MARK@r\"},\n\
         \"log-level\": [\"MARK\"], \"registry-token\": \"MARK\",
         \"exec-opts\": [\"native.cgroupdriver=MARK\"], \"registry-mirrors\": [\"https://m.example.com/MARK?a=MARK\"]}\n",
    ),
    (
        "home/ann/.config/docker/daemon.json",
        "{\"proxies\": {\"http-proxy\": \"http://user:MARK@p\"}, \"log-driver\": \"splunk\",\n\
         \"log-opts\": {\"splunk-token\": \"MARK\", \"splunk-url\": \"https://MARK@logs.example.com/MARK\", \"x-what\": \"MARK\", \"env\": \"a\"},\n\
         \"runtimes\": {\"r\": {\"runtimeArgs\": [\"--token\", \"MARK\", \"-p\", \"MARK\"]}}, \"labels\": [\"k=MARK\"], \"what\": \"MARK\",
         \"experimental\": true}\n",
    ),
    ("proc/70/status", "Name:\trootlesskit\nUid:\t1000\t1000\t1000\t1000\n"),
    ("proc/70/cmdline", "rootlesskit\0--net=host\0--env\0TOKEN=MARK\0dockerd\0"),
    ("proc/71/status", "Name:\tdockerd\nUid:\t1000\t1000\t1000\t1000\n"),
    ("proc/71/stat", "71 (dockerd) S 70 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n"),
    ("proc/71/uid_map", "0 1000 1\n"),
    ("proc/71/cmdline", "dockerd\0--registry-mirror\0http://user:MARK@m\0--label=password=MARK\0"),
    ("usr/lib/systemd/system/containerd.service", "[Service]\nExecStart=/usr/bin/containerd\n"),
    (
        "etc/containerd/config.toml",
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"r.example.com\".auth]\nusername = \"MARK\"\npassword = \"MARK\"\n\
         auth = \"MARK\"\nidentitytoken = \"MARK\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"r.example.com\"]\nendpoint = [\"http://user:MARK@m.example.com\"]\n\
         [stream_processors.\"x\"]\nargs = [\"--decryption-token\", \"MARK\", \"--keys\", \"MARK\", \"-p\", \"MARK\"]\nenv = [\"A=MARK\"]\n\
         [plugins.\"x.y\"]\napi_key_id = \"MARK\"\nservice = \"MARK\"\nendpoint = \"https://h.example.com/v1/MARK\"\n",
    ),
    (
        "etc/containerd/certs.d/r.example.com/hosts.toml",
        "[host.\"https://user:MARK@m.example.com\"]\nskip_verify = true\n\
         [host.\"https://user:MARK@m.example.com\".header]\nauthorization = \"Basic MARK\"\nx-custom = [\"MARK\"]\n",
    ),
    ("usr/bin/podman", ""),
    ("proc/72/status", "Name:\tpodman\nUid:\t0\t0\t0\t0\n"),
    ("proc/72/cmdline", "podman\0run\0-e\0PASSWORD=MARK\0image\0MARK\0"),
    (
        "etc/containers/containers.conf",
        "[containers]\nenv = [\"A=MARK\"]\npids_limit = 0\n[engine.service_destinations.x]\nuri = \"ssh://MARK@h\"\n[engine]\nhelper = \"MARK\"\n",
    ),
    (
        "etc/containers/registries.conf",
        "[[registry]]\nlocation = \"user:MARK@r\"\nprefix = \"http://user:MARK@r\"\ninsecure = true\n",
    ),
    ("etc/containers/policy.json", "{\"default\": [{\"type\": \"insecureAcceptAnything\", \"token\": \"MARK\"}]}\n"),
    ("usr/lib/systemd/system/crio.service", "[Service]\nExecStart=/usr/bin/crio\n"),
    (
        "etc/crio/crio.conf",
        "[crio.runtime]\ndefault_env = [\"A=MARK\"]\n[crio.api]\nstream_address = \"0.0.0.0\"\napi_token = \"MARK\"\n",
    ),
    (
        "var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s.conf",
        "kind: KubeletConfiguration\nreadOnlyPort: 10255\nstaticPodURLHeader:\n  Authorization: [\"Bearer MARK\"]\nstaticPodURL: https://u:MARK@h\n",
    ),
    ("proc/74/status", "Name:\tk3s\nUid:\t0\t0\t0\t0\n"),
    ("proc/74/cmdline", "k3s\0MARK\0MARK\0"),
    ("proc/75/status", "Name:\tpodman\nUid:\t0\t0\t0\t0\n"),
    ("proc/75/cmdline", "podman\0-pMARK\0x\0"),
    ("usr/lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/sshpass -p MARK /usr/bin/kubelet\n"),
    ("proc/73/status", "Name:\tk3s-server\nUid:\t0\t0\t0\t0\n"),
    (
        "proc/73/cmdline",
        "/usr/local/bin/k3s\0server\0--token=MARK\0--agent-token\0MARK\0--datastore-endpoint=postgres://u:MARK@h/db\0--vpn-auth\0MARK\0\
         --etcd-s3-secret-key=MARK\0--kubelet-arg=manifest-url-header=Authorization:MARK\0",
    ),
    (
        "usr/lib/systemd/system/k3s.service",
        "[Service]\nExecStart=/usr/local/bin/k3s server --token MARK '--datastore-endpoint=mysql://u:MARK@tcp(h:1)/d'\n",
    ),
];

#[test]
fn nothing_that_is_written_has_a_secret() {
    let dir = Dir::new("node-secrets", &[]);
    let mut places = Vec::new();
    for (path, text) in PLACES {
        let mut parts = text.split("MARK");
        let mut content = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let marker = format!("S3cr3tN{:03}x", places.len());
            write!(content, "{marker}{part}").expect("a text");
            places.push((marker, *path));
        }
        dir.write(&format!("root/{path}"), content);
    }
    assert!(places.len() > 65, "{}", places.len());
    let formats = [
        "sarif=o.sarif",
        "junit=o.xml",
        "html=o.html",
        "gitlab=o.gl",
        "markdown=o.md",
        "github=o.gh",
        "json=o.json",
        "text=o.txt",
    ];
    let mut arguments = vec!["node", "--root", "root", "--all"];
    for format in &formats {
        arguments.extend(["-o", format]);
    }
    let ran = dir.run(&arguments);
    assert!(ran.code == Some(1) && ran.err.starts_with("note: node ") && ran.err.lines().count() == 1, "{ran:?}");
    let dumped = dir.run(&["node", "--root", "root", "--dump", "o.dump"]);
    assert_eq!(dumped.code, Some(0), "{dumped:?}");
    let files = formats.iter().filter_map(|format| format.split_once('=')).map(|(_, file)| file).chain(["o.dump"]);
    for file in files {
        let text = std::fs::read_to_string(dir.0.join(file)).expect("written");
        assert!(text.len() > 1000, "{file}");
        let seen: Vec<_> = places.iter().filter(|(marker, _)| text.contains(marker.as_str())).collect();
        assert!(seen.is_empty(), "{file}: {seen:?}");
    }
    let dump = std::fs::read_to_string(dir.0.join("o.dump")).expect("written");
    for kept in
        ["splunk-token", "--agent-token", "HTTP_PROXY", "icc=true", "fd://", "manifest-url-header", "identitytoken"]
    {
        assert!(dump.contains(kept), "a bug report needs it: {kept}");
    }
    let of = |args: &[&str]| {
        let mut report: Value = dir.run(&[&["node", "-o", "json"], args].concat()).json();
        report["taken"].take();
        report
    };
    assert_eq!(of(&["--from", "o.dump"]), of(&["--root", "root"]));
}
