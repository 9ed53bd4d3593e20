//! What real images bring to the pods that run them: each image is a folder with layers, which `image --facts` reads and `check` uses.

use super::binary::Dir;
use super::built::{Image, Tar, layout, write};
use serde_json::{Value, json};

const POLICY: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: own}
spec:
  rules:
    ssh-server: {action: deny}
    privileged-ports: {action: deny}
    undeclared-ports: {action: deny}
    health-probes: {action: deny}
";

/// An image with the root of a distribution, and perhaps an SSH server in it.
fn image(architecture: &str, run: &Value, server: &str) -> Image {
    let base = Tar::default()
        .folder("usr")
        .folder("usr/sbin")
        .symlink("sbin", "usr/sbin")
        .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
        .program("usr/bin/app");
    let mut run = run.clone();
    run["Env"] = json!(["PATH=/usr/local/bin:/usr/bin:/sbin"]);
    let image = Image::new(architecture, &run).layer("ADD rootfs.tar /", base);
    if server.is_empty() { image } else { image.layer("RUN install", Tar::default().program(server)) }
}

/// A pod whose container has these fields.
fn pod(name: &str, image: &str, container: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{
        "name": "app", "image": format!("registry.example.com/{image}:1"),
        "livenessProbe": {"exec": {"command": ["true"]}}, "readinessProbe": {"exec": {"command": ["true"]}},
    }]}});
    json_patch::merge(&mut pod["spec"]["containers"][0], container);
    pod
}

/// The folder with the facts of these images, and the policy.
fn dir(name: &str, images: &[(&str, Vec<Image>)]) -> (Dir, Vec<String>) {
    let dir = Dir::new(name, &[("policy.yaml", POLICY)]);
    let facts = images.iter().map(|(image, platforms)| {
        write(&layout("1", platforms), &dir.0.join(image));
        let (name, facts) = (format!("registry.example.com/{image}:1"), format!("{image}.json"));
        let ran = dir.run(&["image", image, "--as", &name, "--facts", &facts, "--mode", "warn"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{image}: {ran:?}");
        facts
    });
    let facts = facts.collect();
    (dir, facts)
}

/// What is found in each pod, with its name.
fn found(dir: &Dir, facts: &[String], pods: &[Value]) -> Vec<String> {
    let pods: Vec<String> = pods.iter().map(Value::to_string).collect();
    dir.write("pods.yaml", pods.join("\n---\n"));
    let mut args = vec!["check", "pods.yaml", "--no-config", "--policy", "policy.yaml", "-o", "json"];
    args.extend(facts.iter().flat_map(|facts| ["--image-facts", facts]));
    let report = dir.run(&args).json();
    let of = |object: &Value| -> Vec<String> {
        let text = |violation: &Value, key: &str| violation[key].as_str().expect("text").to_owned();
        let violations = object["violations"].as_array().expect("a list").iter();
        let line = |one: &Value| ["effect", "rule", "field", "found"].map(|key| text(one, key)).join(" ");
        violations.map(|one| format!("{}: {}", object["name"].as_str().expect("a name"), line(one))).collect()
    };
    report["objects"].as_array().expect("objects").iter().flat_map(of).collect()
}

#[test]
fn an_ssh_server_of_the_image_is_found() {
    let sshd = json!({"Entrypoint": ["/usr/sbin/sshd", "-D"]});
    let (dir, facts) = dir(
        "image-ssh",
        &[
            ("runs", vec![image("amd64", &sshd, "usr/sbin/sshd")]),
            ("script", vec![image("amd64", &json!({"Cmd": ["/bin/sh", "-c", "exec /usr/sbin/sshd -D -e"]}), "")]),
            ("entry", vec![image("amd64", &json!({"Entrypoint": ["/docker-run"], "Cmd": ["sshd", "-D"]}), "")]),
            (
                "port",
                vec![image("amd64", &json!({"Cmd": ["app"], "ExposedPorts": {"22/tcp": {}, "8080/tcp": {}}}), "")],
            ),
            ("lies", vec![image("amd64", &json!({"Cmd": ["app"]}), "usr/sbin/dropbear")]),
            // The second platform is the worse one.
            ("both", vec![image("amd64", &json!({"Cmd": ["app"]}), ""), image("arm64", &sshd, "usr/sbin/sshd")]),
            ("good", vec![image("amd64", &json!({"Entrypoint": ["/usr/bin/app"], "Cmd": ["--ssh"]}), "")]),
        ],
    );
    let none = json!({});
    let pods = [
        pod("runs", "runs", &none),
        pod("script", "script", &none),
        pod("entry", "entry", &none),
        pod("port", "port", &json!({"ports": [{"containerPort": 8080}]})),
        pod("lies", "lies", &none),
        pod("both", "both", &none),
        pod("good", "good", &none),
        // The pod's own words replace those of the image. The server still lies in it.
        pod("command", "runs", &json!({"command": ["/usr/bin/app"]})),
        pod("args", "entry", &json!({"args": ["app"]})),
        pod("unknown", "nobody-knows", &none),
    ];
    let at = "spec.containers[0].image";
    assert_eq!(
        found(&dir, &facts, &pods),
        [
            format!("runs: deny ssh-server {at} sshd as the program of the image"),
            format!("script: deny ssh-server {at} sshd as the program of the image"),
            format!("entry: deny ssh-server {at} sshd as the program of the image"),
            format!("port: audit privileged-ports {at} EXPOSE 22 in the image"),
            format!("port: audit undeclared-ports {at} EXPOSE 22 in the image, and not in ports"),
            format!("port: deny ssh-server {at} EXPOSE 22 in the image"),
            format!("lies: audit ssh-server {at} /usr/sbin/dropbear in the image"),
            format!("both: deny ssh-server {at} sshd as the program of the image"),
            format!("command: audit ssh-server {at} /usr/sbin/sshd in the image"),
        ]
    );
}

#[test]
fn ports_and_checks_of_the_image_count() {
    let ports = json!({"Cmd": ["app"], "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "8080/tcp": {}}});
    let check = |test: Value| json!({"Cmd": ["app"], "Healthcheck": {"Test": test}});
    let shell = check(json!(["CMD-SHELL", "wget -q localhost:8080/healthy"]));
    let (dir, facts) = dir(
        "image-ports",
        &[
            ("ports", vec![image("amd64", &ports, "")]),
            ("shell", vec![image("amd64", &shell, ""), image("arm64", &shell, "")]),
            ("differs", vec![image("amd64", &shell, ""), image("arm64", &check(json!(["CMD", "app", "check"])), "")]),
            ("none", vec![image("amd64", &check(json!(["NONE"])), "")]),
        ],
    );
    let at = "spec.containers[0].image";
    let declared = json!({"ports": [{"containerPort": 8080}]});
    assert_eq!(
        found(&dir, &facts, &[pod("ports", "ports", &declared), pod("bare", "none", &json!({}))]),
        [
            format!("ports: audit privileged-ports {at} EXPOSE 53/udp, 80 in the image"),
            format!("ports: audit undeclared-ports {at} EXPOSE 53/udp, 80 in the image, and not in ports"),
        ]
    );
    let args = ["check", "pods.yaml", "--no-config", "--policy", "policy.yaml", "--diff", "--image-facts"];
    let edit = |image: &str| {
        dir.write("pods.yaml", pod("a", image, &json!({"livenessProbe": null, "readinessProbe": null})).to_string());
        dir.run(&[&args[..], &[&format!("{image}.json")]].concat()).out
    };
    let text = edit("shell");
    assert!(text.contains("wget -q localhost:8080/healthy") && text.contains("HEALTHCHECK of the image"), "{text}");
    for other in ["differs", "none"] {
        assert!(!edit(other).contains("HEALTHCHECK"), "{other}");
    }
}

#[test]
fn facts_count_for_each_spelling_of_a_name_and_what_has_none_is_said() {
    let sshd = json!({"Entrypoint": ["sshd"]});
    let (dir, _) = dir("image-spelling", &[("runs", vec![image("amd64", &sshd, "")])]);
    let check = |image: &str| {
        dir.write("pod.yaml", pod("a", "runs", &json!({"image": image})).to_string());
        dir.run(&["check", "pod.yaml", "--no-config", "--policy", "policy.yaml", "--image-facts", "runs.json"])
    };
    for image in ["registry.example.com/runs:1", "registry.example.com:443/runs:1", "Registry.example.com/runs:1"] {
        let ran = check(image);
        assert!(ran.code == Some(1) && ran.err.is_empty(), "{image}: {ran:?}");
    }
    let ran = check("registry.example.com/other");
    let said = "note: --image-facts has no facts of 1 image, so no rule judged what is in them: registry.example.com/other:latest; ";
    assert!(ran.code == Some(0) && ran.err.starts_with(said), "{ran:?}");
}

#[test]
fn the_settings_name_files_of_facts() {
    let sshd = json!({"Entrypoint": ["sshd"]});
    let (dir, _) = dir("image-settings", &[("runs", vec![image("amd64", &sshd, "")])]);
    dir.write(".podreeve.yaml", "policies: [policy.yaml]\nimageFacts: [runs.json]\n");
    dir.write("deploy/pod.yaml", pod("a", "runs", &json!({})).to_string());
    let ran = dir.run(&["check", "deploy/pod.yaml"]);
    assert!(ran.code == Some(1) && ran.out.contains("sshd as the program of the image"), "{ran:?}");
    assert_eq!(dir.run(&["check", "deploy/pod.yaml", "--no-config", "--policy", "policy.yaml"]).code, Some(0));
    // An argument replaces the setting.
    write(&layout("1", &[image("amd64", &json!({"Cmd": ["app"]}), "")]), &dir.0.join("good"));
    dir.run(&["image", "good", "--as", "registry.example.com/runs:1", "--facts", "good.json"]);
    assert_eq!(dir.run(&["check", "deploy/pod.yaml", "--image-facts", "good.json"]).code, Some(0));
    dir.write(".podreeve.yaml", "imageFacts: [nowhere.json]\n");
    let ran = dir.run(&["check", "deploy/pod.yaml"]);
    assert!(ran.code == Some(2) && ran.err.starts_with("error: nowhere.json: cannot be read"), "{ran:?}");
}
