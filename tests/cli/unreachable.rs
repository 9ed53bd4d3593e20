//! Commands that cannot reach an API server say so in plain words.

use super::binary::Dir;
use std::net::TcpListener;

/// A port at which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn kubeconfig(port: u16) -> String {
    format!(
        "{{apiVersion: v1, kind: Config, current-context: a, clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], \
         users: [{{name: u, user: {{}}}}], contexts: [{{name: a, context: {{cluster: c, user: u}}}}]}}"
    )
}

const REFUSED: &str = "error: the API server does not answer: it refuses the connection; check that it runs";

/// `KUBECONFIG`, then `~/.kube/config`, as for kubectl.
#[test]
fn the_kubeconfig_is_found_where_kubectl_finds_it() {
    let config = kubeconfig(closed_port());
    let dir = Dir::new("kubeconfig", &[("named", &config), ("home/.kube/config", &config), ("empty/x", "")]);
    let scan = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = dir.command(&[&["scan", "-A"], args].concat());
        command.env_remove("KUBECONFIG").env("HOME", dir.0.join("empty")).envs(variables.iter().copied());
        let output = command.output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let home = dir.0.join("home");
    for (variables, args) in [
        (&[][..], &["--kubeconfig", "named"][..]),
        (&[("KUBECONFIG", "named")], &[]),
        (&[("KUBECONFIG", "named"), ("HOME", "/nowhere")], &["--context", "a"]),
        (&[("HOME", home.to_str().expect("UTF-8"))], &[]),
    ] {
        let said = scan(variables, args);
        assert!(said.starts_with(REFUSED), "{variables:?} {args:?}: {said}");
        assert!(!said.contains("ServiceError") && !said.contains("os error"), "{said}");
    }
    let said = scan(&[], &[]);
    assert!(said.contains("there is no kubeconfig and no service account of a pod"), "{said}");
}

/// Every command that calls an API server says it in the same words.
#[test]
fn no_command_prints_the_errors_of_libraries() {
    let dir = Dir::new("unreachable", &[("config", &kubeconfig(closed_port()))]);
    for command in [
        &["scan", "-A"][..],
        &["exempt", "--reason", "a test", "--until", "never"],
        &["selftest"],
        &["uninstall"],
        &["uninstall", "--deployment", "podreeve"],
    ] {
        let ran = dir.run(&[command, &["--kubeconfig", "config"]].concat());
        assert_eq!(ran.code, Some(2), "{command:?}: {ran:?}");
        assert!(
            ran.err.contains("the API server does not answer: it refuses the connection"),
            "{command:?}: {}",
            ran.err
        );
        assert!(!ran.err.contains("ServiceError") && !ran.err.contains("os error"), "{command:?}: {}", ran.err);
    }
}
