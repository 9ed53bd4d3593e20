//! Commands that repair a host, one line each.

use crate::node::mode::shell;

/// Sets a key of `daemon.json`, and restarts docker. `value` is JSON.
pub fn docker_set(file: &str, key: &str, value: &str) -> String {
    let file = shell(file);
    format!("jq '.\"{key}\"={value}' {file} > {file}.new && mv {file}.new {file} && systemctl restart docker")
}

/// Adds a field to the kubelet's file, and restarts it. `yaml` has `\n` for line breaks.
pub fn kubelet_set(file: Option<&str>, yaml: &str) -> String {
    match file {
        Some(file) => format!(
            "set `{}` in {}, and: systemctl restart kubelet",
            yaml.replace("\\n", " ").replace("  ", " "),
            shell(file)
        ),
        None => "start the kubelet with --config=/var/lib/kubelet/config.yaml, whose defaults are closed".to_owned(),
    }
}
