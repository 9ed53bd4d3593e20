//! No secret of a host is in anything that `podreeve node` writes.

use super::binary::Dir;
use serde_json::Value;
use std::fmt::Write;

/// Files of a host. Each `SECRET` becomes one of its own, so that a failure says which place it is from.
const PLACES: &[(&str, &str)] = &[
    ("etc/hostname", "web-1\n"),
    ("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"),
    ("etc/os-release", "ID=debian\n"),
    ("proc/1/status", "Name:\tinit\nUid:\t0\t0\t0\t0\n"),
    ("proc/cmdline", "root=/dev/sda1 ds=nocloud;s=http://user:SECRET@seed/ rd.password=SECRET audit=0\n"),
    (
        "usr/lib/systemd/system/docker.service",
        "[Service]\nEnvironment=HTTP_PROXY=http://user:SECRET@proxy:3128 AWS_SECRET_ACCESS_KEY=SECRET\n\
         Environment=\"PLAIN=SECRET\" \"DOCKER_OPTS=--log-opt gelf-token=SECRET --label a=b\"\nSetCredential=id:SECRET\n\
         EnvironmentFile=-/etc/default/docker\nExecStartPre=/bin/login --password SECRET\n\
         ExecStart=/usr/bin/dockerd -H fd:// --log-opt splunk-token=SECRET --icc=true $DOCKER_OPTS $MORE\n",
    ),
    ("etc/systemd/system/docker.service.d/proxy.conf", "[Service]\nEnvironment='HTTPS_PROXY=https://SECRET@proxy'\n"),
    ("etc/default/docker", "MORE=--registry-mirror=https://user:SECRET@mirror.example.com\n"),
    (
        "etc/docker/daemon.json",
        "{\"log-opts\": {\"splunk-token\": \"SECRET\"}, \"icc\": true, \"insecure-registries\": {\"a\": \"https://u:SECRET@r\"},\n\
         \"log-level\": [\"SECRET\"], \"registry-token\": \"SECRET\"}\n",
    ),
    (
        "home/ann/.config/docker/daemon.json",
        "{\"proxies\": {\"http-proxy\": \"http://user:SECRET@p\"}, \"log-driver\": \"splunk\",\n\
         \"log-opts\": {\"splunk-token\": \"SECRET\", \"splunk-url\": \"https://SECRET@logs.example.com\", \"env\": \"a\"},\n\
         \"runtimes\": {\"r\": {\"runtimeArgs\": [\"--token\", \"SECRET\"]}}, \"experimental\": true}\n",
    ),
    ("proc/70/status", "Name:\trootlesskit\nUid:\t1000\t1000\t1000\t1000\n"),
    ("proc/70/cmdline", "rootlesskit\0--net=host\0--env\0TOKEN=SECRET\0dockerd\0"),
    ("proc/71/status", "Name:\tdockerd\nUid:\t1000\t1000\t1000\t1000\n"),
    ("proc/71/stat", "71 (dockerd) S 70 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n"),
    ("proc/71/uid_map", "0 1000 1\n"),
    ("proc/71/cmdline", "dockerd\0--registry-mirror\0http://user:SECRET@m\0--label=password=SECRET\0"),
    ("usr/lib/systemd/system/containerd.service", "[Service]\nExecStart=/usr/bin/containerd\n"),
    (
        "etc/containerd/config.toml",
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"r.example.com\".auth]\nusername = \"SECRET\"\npassword = \"SECRET\"\n\
         auth = \"SECRET\"\nidentitytoken = \"SECRET\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"r.example.com\"]\nendpoint = [\"http://user:SECRET@m.example.com\"]\n\
         [stream_processors.\"x\"]\nargs = [\"--decryption-token\", \"SECRET\"]\nenv = [\"A=SECRET\"]\n",
    ),
    (
        "etc/containerd/certs.d/r.example.com/hosts.toml",
        "[host.\"https://user:SECRET@m.example.com\"]\nskip_verify = true\n\
         [host.\"https://user:SECRET@m.example.com\".header]\nauthorization = \"Basic SECRET\"\nx-custom = [\"SECRET\"]\n",
    ),
    ("usr/bin/podman", ""),
    ("proc/72/status", "Name:\tpodman\nUid:\t0\t0\t0\t0\n"),
    ("proc/72/cmdline", "podman\0run\0-e\0PASSWORD=SECRET\0image\0SECRET\0"),
    (
        "etc/containers/containers.conf",
        "[containers]\nenv = [\"A=SECRET\"]\npids_limit = 0\n[engine.service_destinations.x]\nuri = \"ssh://SECRET@h\"\n",
    ),
    (
        "etc/containers/registries.conf",
        "[[registry]]\nlocation = \"user:SECRET@r\"\nprefix = \"http://user:SECRET@r\"\ninsecure = true\n",
    ),
    ("etc/containers/policy.json", "{\"default\": [{\"type\": \"insecureAcceptAnything\", \"token\": \"SECRET\"}]}\n"),
    ("usr/lib/systemd/system/crio.service", "[Service]\nExecStart=/usr/bin/crio\n"),
    (
        "etc/crio/crio.conf",
        "[crio.runtime]\ndefault_env = [\"A=SECRET\"]\n[crio.api]\nstream_address = \"0.0.0.0\"\napi_token = \"SECRET\"\n",
    ),
    (
        "var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s.conf",
        "kind: KubeletConfiguration\nreadOnlyPort: 10255\nstaticPodURLHeader:\n  Authorization: [\"Bearer SECRET\"]\nstaticPodURL: https://u:SECRET@h\n",
    ),
    ("proc/73/status", "Name:\tk3s-server\nUid:\t0\t0\t0\t0\n"),
    (
        "proc/73/cmdline",
        "/usr/local/bin/k3s\0server\0--token=SECRET\0--agent-token\0SECRET\0--datastore-endpoint=postgres://u:SECRET@h/db\0--vpn-auth\0SECRET\0\
         --etcd-s3-secret-key=SECRET\0--kubelet-arg=manifest-url-header=Authorization:SECRET\0",
    ),
    (
        "usr/lib/systemd/system/k3s.service",
        "[Service]\nExecStart=/usr/local/bin/k3s server --token SECRET '--datastore-endpoint=mysql://u:SECRET@tcp(h:1)/d'\n",
    ),
];

#[test]
fn nothing_that_is_written_has_a_secret() {
    let dir = Dir::new("node-secrets", &[]);
    let mut places = Vec::new();
    for (path, text) in PLACES {
        let mut parts = text.split("SECRET");
        let mut content = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let marker = format!("S3cr3tN{:03}x", places.len());
            write!(content, "{marker}{part}").expect("a text");
            places.push((marker, *path));
        }
        dir.write(&format!("root/{path}"), content);
    }
    assert!(places.len() > 45, "{}", places.len());
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
    assert!(ran.code == Some(1) && ran.err.is_empty(), "{ran:?}");
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
