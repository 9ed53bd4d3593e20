use super::*;
use crate::node::config::{Config, Source};
use crate::node::unit::Unit;
use serde_json::json;

fn hidden(plain: &str) -> String {
    let mut hidden = plain.to_owned();
    text(&mut hidden, &mut Secrets::default());
    hidden
}

#[test]
fn texts_of_all_forms() {
    for (plain, wanted) in [
        ("--token=abcdef --icc=false", "--token=(hidden) --icc=false"),
        ("--token abcdef --icc=false", "--token (hidden) --icc=false"),
        ("--token 'ab cd' -H fd://", "--token (hidden) -H fd://"),
        ("--log-opt splunk-token=abc --log-opt tag=x", "--log-opt splunk-token=(hidden) --log-opt tag=x"),
        ("http://user:pa/ss@proxy:3128/x", "http://(hidden)@proxy:3128/(hidden)"),
        (
            "https://TOKEN@r.example.com, https://m.example.com:5000/a@b",
            "https://(hidden)@r.example.com, https://m.example.com:5000/(hidden)",
        ),
        ("postgres://host/db?user=a&password=b&sslmode=c", "postgres://host/(hidden)"),
        ("https://h/push?key=abcd#x, y", "https://h/(hidden), y"),
        ("'--token' 'K10::abcd' --icc", "'--token' (hidden) --icc"),
        ("u:p@abcd@proxy,v:p@h", "(hidden)@proxy,(hidden)@h"),
        ("r.io/a:1@sha256:abcd", "r.io/a:1@sha256:abcd"),
        ("--gelf-key abcd pw=\"abcd\"", "--gelf-key (hidden) pw=\"(hidden)\""),
        ("{\"auth\":\"dXNlcg==\",\"x\":1}", "{\"auth\":\"(hidden)\",\"x\":1}"),
        ("Authorization: Basic dXNlcg==, Host: x", "Authorization: (hidden), Host: x"),
        ("run --env A=secret -e B=secret", "run --env A=(hidden) -e B=(hidden)"),
        (
            "https://h/receiver/v1/abcd https://h/ https://h:1?a unix:///run/a.sock",
            "https://h/(hidden) https://h/ https://h:1?(hidden) unix:///run/a.sock",
        ),
        (
            "unix:///run/a.sock?b=c ssh://u@h:22/run/a.sock",
            "unix:///run/a.sock?(hidden) ssh://(hidden)@h:22/run/a.sock",
        ),
        (
            "dockerd --label a=b --label=c=d --label 'e=f g'",
            "dockerd --label a=(hidden) --label=c=(hidden) --label 'e=(hidden)",
        ),
        (
            "--exec-opt native.cgroupdriver=systemd --exec-opt=a=b",
            "--exec-opt native.cgroupdriver=systemd --exec-opt=a=(hidden)",
        ),
        (
            "--log-opt syslog-address=tcp://h:1 --log-opt dd-what=abcd",
            "--log-opt syslog-address=tcp://h:1 --log-opt dd-what=(hidden)",
        ),
        ("/usr/bin/sshpass -p abcd dockerd -p x", "/usr/bin/sshpass -p (hidden) dockerd -p (hidden)"),
        ("mysql -pabcd && dockerd -p /run/x", "mysql -p(hidden) && dockerd -p /run/x"),
        ("/bin/sh -c 'echo abcd | docker login --password-stdin'", "/bin/sh -c (hidden)"),
        ("api_key_id=abcd --decryption-keys abcd", "api_key_id=(hidden) --decryption-keys (hidden)"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "(hidden)"),
        ("--tlskey=/etc/docker/key.pem", "--tlskey=/etc/docker/key.pem"),
        ("--token-file=/etc/token --anonymous-auth=true", "--token-file=/etc/token --anonymous-auth=true"),
        ("a plain sentence: nothing to hide", "a plain sentence: nothing to hide"),
        ("", ""),
    ] {
        assert_eq!(hidden(plain), wanted, "{plain}");
        assert_eq!(hidden(wanted), wanted, "it stays so: {plain}");
    }
}

fn process(arguments: &str) -> Vec<String> {
    let arguments = arguments.split(' ').map(str::to_owned).collect();
    let mut process = Process { arguments, ..Process::default() };
    super::arguments(&mut process, &mut Secrets::default());
    process.arguments
}

#[test]
fn arguments_of_processes() {
    assert_eq!(
        process(
            "/usr/local/bin/k3s server --token=a --agent-token b --kubelet-arg=pod-max-pids=9 --node-name n1 --docker"
        )
        .join(" "),
        "/usr/local/bin/k3s server --token=(hidden) --agent-token (hidden) --kubelet-arg=pod-max-pids=9 --node-name (hidden) --docker"
    );
    assert_eq!(process("podman run -e PASSWORD=a image --b c"), ["podman", "run"]);
    assert_eq!(process("podman login -p abcd r.io service"), ["podman", "login"]);
    assert_eq!(process("k3s ctr run image abcd"), ["k3s", "ctr"]);
    assert_eq!(process("k3s abcd"), ["k3s", "(hidden)"]);
    assert_eq!(process("podman -pabcd x"), ["podman", "(hidden)"]);
    assert_eq!(process("podman --log-level info system service tcp:0.0.0.0:8080").len(), 6);
    assert_eq!(process("podman system service tcp:0.0.0.0:8080").len(), 4);
    assert_eq!(
        process("dockerd --log-opt splunk-token=abc -H tcp://0.0.0.0:2375").join(" "),
        "dockerd --log-opt splunk-token=(hidden) -H tcp://0.0.0.0:2375"
    );
}

#[test]
fn units_keep_what_rules_read() {
    let of = |line: &str| {
        let mut unit = Unit::default();
        unit.add("u", &format!("[Service]\n{line}"));
        units::hide(&mut unit, &mut Secrets::default());
        unit.assignments.remove(0).value
    };
    for (line, wanted) in [
        ("ExecStart=-/bin/k3s agent -s https://m:6443 -t K10aa::abcd", "-/bin/k3s agent -s (hidden) -t (hidden)"),
        (
            "ExecStart=/bin/k3s \\\n server \\\n '--token' \\\n 'K10' '--docker'",
            "/bin/k3s server --token (hidden) --docker",
        ),
        ("ExecStart=/bin/dockerd '--label' 'a b'", "/bin/dockerd '--label' 'a b'"),
        ("ExecStartPre=/bin/curl -u user:abcd https://x", "(hidden)"),
        ("X-Vendor=abcd", "(hidden)"),
        ("LimitNOFILE=1024:4096", "1024:4096"),
    ] {
        assert_eq!(of(line), wanted);
    }
}

#[test]
fn the_kernel_keeps_what_rules_read() {
    let mut line = "ro audit=0 rd.luks.key=abcd a.b=\"x y\" apparmor=1 -- abcd".to_owned();
    kernel::hide(&mut line, &mut Secrets::default());
    assert_eq!(line, "ro audit=0 rd.luks.key=(hidden) a.b=(hidden) apparmor=1 (hidden) (hidden)");
}

#[test]
fn settings_keep_what_rules_ask() {
    let mut config = Config::default();
    let source = || Source::File { path: "f".to_owned(), line: None };
    let all = [
        ("log-opts", json!({"splunk-token": "abcd", "tag": "x"}), json!({"splunk-token": "(hidden)", "tag": "x"})),
        ("proxies", json!({"http-proxy": "http://u:p@h:1"}), json!({"http-proxy": "http://(hidden)@h:1"})),
        ("p.registry.configs.\"token.example.com\".tls.insecure_skip_verify", json!(true), json!(true)),
        ("p.registry.mirrors.\"token.example.com\".endpoint", json!(["http://m"]), json!(["http://m"])),
        ("p.registry.configs.\"r\".auth.username", json!("user"), json!("(hidden)")),
        ("host.\"https://m\".header.x", json!(["abcd"]), json!(["(hidden)"])),
        ("containers.env", json!(["A=b"]), json!(["A=(hidden)"])),
        ("labels", json!(["k=abcd"]), json!(["k=(hidden)"])),
        ("exec-opts", json!(["native.cgroupdriver=abcd"]), json!(["native.cgroupdriver=(hidden)"])),
        ("exec-opts.x", json!("abcd"), json!("(hidden)")),
        ("engine.helper", json!("abcd"), json!("(hidden)")),
        ("plugins.\"x\".api_key_id", json!("abcd"), json!("(hidden)")),
        (
            "plugins.\"x\".options",
            json!({"a": ["b", "/c", 1], "SystemdCgroup": true}),
            json!({"a": ["b", "/c", 1], "SystemdCgroup": true}),
        ),
        (
            "stream_processors.d.args",
            json!(["--keys", "abcd", "-p", "efgh", "--x=abcd"]),
            json!(["--keys", "(hidden)", "-p", "(hidden)", "--x=(hidden)"]),
        ),
        (
            "runtimes",
            json!({"r": {"runtimeArgs": ["--token", "abcd"]}}),
            json!({"r": {"runtimeArgs": ["--token", "(hidden)"]}}),
        ),
        ("staticPodURLHeader.Authorization", json!(["Bearer abcd"]), json!(["(hidden)"])),
        ("authentication.webhook.cacheTTL", json!("2m"), json!("2m")),
        ("tlsPrivateKeyFile", json!("/k"), json!("/k")),
    ];
    for (key, value, _) in &all {
        config.set(*key, value.clone(), source());
    }
    configs::hide(&mut config, true, &mut Secrets::default());
    for (key, _, wanted) in &all {
        assert_eq!(config.get(key).map(|setting| &setting.value), Some(wanted), "{key}");
    }
}

/// Two settings that differ in a secret stay two.
#[test]
fn keys_with_users_in_them() {
    let mut config = Config::default();
    for user in ["a", "b"] {
        let source = Source::File { path: "f".to_owned(), line: None };
        config.set(format!("host.\"https://{user}:secret@m\".skip_verify"), user == "b", source);
    }
    configs::hide(&mut config, true, &mut Secrets::default());
    let keys: Vec<&String> = config.settings.keys().collect();
    assert_eq!(keys, ["host.\"https://(hidden)+@m\".skip_verify", "host.\"https://(hidden)@m\".skip_verify"]);
    assert_eq!(config.settings.values().filter(|setting| setting.is_true()).count(), 1);
}

#[test]
fn sentences_repeat_no_secret() {
    let mut secrets = Secrets::default();
    let mut word = "--token=abcdefgh".to_owned();
    Words::default().hide(&mut word, &mut secrets);
    let mut sentence = "label=abcdefgh is no list".to_owned();
    secrets.sentence(&mut sentence);
    assert_eq!(sentence, "label=(hidden) is no list");
}
