//! Endpoints that lead to the node, and endpoints that do not.

use super::*;
use crate::workload::Text;
use crate::workload::pod::{FieldRef, ValueFrom};

fn variable<'p>(name: &'p str, value: &'p str) -> EnvVar<'p> {
    let text = |text: &'p str| Some(Text(text.into()));
    match value.strip_prefix("field:") {
        Some(path) => {
            let field = FieldRef { field_path: text(path) };
            let from = ValueFrom { field_ref: Some(Box::new(field)) };
            EnvVar { name: Text(name.into()), value: None, value_from: Some(from) }
        }
        None => EnvVar { name: Text(name.into()), value: text(value), value_from: None },
    }
}

/// Whether the last variable leads to the node: without hostNetwork, and with it.
fn leads(variables: &[(&str, &str)]) -> [bool; 2] {
    let variables: Vec<_> = variables.iter().map(|(name, value)| variable(name, value)).collect();
    [false, true].map(|host_network| {
        let mut environment = Environment::new(host_network, Some("worker-1"));
        let (last, before) = variables.split_last().expect("a variable");
        for variable in before {
            environment.add(variable);
        }
        environment.leads_to_node(last)
    })
}

#[test]
fn addresses_and_names_of_nodes_are_recognised() {
    let (node, loopback, neither) = ([true, true], [false, true], [false, false]);
    for (value, wanted) in [
        ("tcp://10.0.0.1:2375", node),
        ("10.0.0.1:2375", node),
        ("TCP://172.17.0.1", node),
        ("http://jane:secret@[fd00::1]:8888/x", node),
        ("tcp://[fe80::1%eth0]:2375", node),
        ("tcp://host.docker.internal:2375", node),
        ("tcp://HOST.containers.internal.:2375", node),
        ("tcp://gateway.docker.internal", node),
        ("tcp://ip-10-0-0-1.eu-west-1.compute.internal:2375", node),
        ("tcp://ip-10-0-0-1:2375", node),
        ("tcp://node-1.c.my-project.internal:2375", node),
        ("tcp://worker-1:2375", node),
        ("vsock://2:1234", node),
        ("field:status.hostIP", node),
        ("field:spec.nodeName", node),
        ("tcp://localhost:2375", loopback),
        ("tcp://127.0.0.2:2375", loopback),
        ("tcp://[::1]:2375", loopback),
        ("tcp://[::ffff:127.0.0.1]:2375", loopback),
        ("tcp://0.0.0.0:2375", loopback),
        ("tcp://:2375", loopback),
        (":2375", loopback),
        ("tcp://docker.localhost:2375", loopback),
        ("unix://@/containerd-shim/x.sock", loopback),
        ("tcp://dind:2375", neither),
        ("tcp://dind.ci.svc:2375", neither),
        ("tcp://dind.ci.svc.cluster.local:2376", neither),
        ("tcp://docker.build.corp.internal:2376", neither),
        ("tcp://docker.example.com:2376", neither),
        ("tcp://ip-10-0-0-999:2376", neither),
        ("unix:///var/run/docker.sock", neither),
        ("/run/containerd/containerd.sock", neither),
        ("npipe:////./pipe/docker_engine", neither),
        (r"\\.\pipe\docker_engine", neither),
        ("ssh://builder@10.0.0.1", neither),
        ("docker-container://buildkitd", neither),
        ("fd://", neither),
        ("field:metadata.name", neither),
        ("", neither),
    ] {
        assert_eq!(leads(&[("DOCKER_HOST", value)]), wanted, "{value}");
    }
}

#[test]
fn references_to_other_variables_are_followed() {
    let (node, loopback, neither) = ([true, true], [false, true], [false, false]);
    for (variables, wanted) in [
        (&[("IP", "field:status.hostIP"), ("H", "tcp://$(IP):2375")][..], node),
        (&[("IP", "field:status.hostIP"), ("B", "$(IP)"), ("H", "tcp://$(B):$(PORT)")], node),
        (&[("IP", "10.0.0.1"), ("H", "tcp://$(IP):2375")], node),
        (&[("IP", "127.0.0.1"), ("H", "tcp://$(IP):2375")], loopback),
        (&[("IP", "field:status.podIP"), ("H", "tcp://$(IP):2375")], loopback),
        (&[("E", "tcp://10.0.0.1:2375"), ("H", "$(E)")], node),
        (&[("E", "tcp://dind:2375"), ("H", "$(E)")], neither),
        (&[("N", "dind"), ("H", "tcp://$(N):2375")], neither),
        (&[("NS", "field:metadata.namespace"), ("H", "tcp://dind.$(NS).svc:2375")], neither),
        (&[("N", "dind"), ("H", "tcp://$(N).ci:2375")], neither),
        (&[("H", "tcp://$(DIND_SERVICE_HOST):$(DIND_SERVICE_PORT)")], neither),
        // Unknown variables count as the node.
        (&[("H", "tcp://$(NODE):2375")], node),
        (&[("H", "$(ENDPOINT)")], node),
    ] {
        assert_eq!(leads(variables), wanted, "{variables:?}");
    }
}

#[test]
fn credentials_are_never_shown() {
    assert_eq!(without_credentials("tcp://jane:secret@10.0.0.1:1?token=x"), "tcp://(not repeated)@10.0.0.1:1");
    assert_eq!(without_credentials("jane:secret@10.0.0.1:1"), "(not repeated)@10.0.0.1:1");
    assert_eq!(without_credentials("tcp://10.0.0.1:1"), "tcp://10.0.0.1:1");
    assert_eq!(without_credentials("tcp://10.0.0.1:1/hidden;a=b"), "tcp://10.0.0.1:1");
    assert_eq!(without_credentials("jane:secret/x@10.0.0.1:1/hidden"), "(not repeated)@10.0.0.1:1");
    assert_eq!(without_credentials("unix:///run/docker.sock?token=x"), "unix:///run/docker.sock");
    assert_eq!(without_credentials("/run/docker.sock"), "/run/docker.sock");
    assert_eq!(without_credentials("10.0.0.1:1;Password=x"), "10.0.0.1:1");
    assert_eq!(without_credentials("tcp://10.0.0.1:hunter2"), "tcp://10.0.0.1");
    assert_eq!(without_credentials("tcp://$(NODE):2375"), "tcp://$(NODE):2375");
    assert_eq!(without_credentials("tcp://[fd00::1]:8888"), "tcp://[fd00::1]:8888");
    assert_eq!(without_credentials("tcp://[fd00::abcd]"), "tcp://[fd00::abcd]");
    assert_eq!(without_credentials(&format!("unix:///run/{}_{}", "ghp", "a".repeat(36))), "unix://(not repeated)");
}
