//! Settings of the kubelet, where its distribution keeps them.

use super::flags::{self, Flag, escaped};
use super::services::{Service, is_read_only, of, process, with_restart};
use crate::node::Node;
use crate::node::config::Source;
use crate::node::kubelet::{self, Kubelet};
use crate::node::mode::shell;
use crate::node::process::program;
use serde_json::Value;

/// Fields that are set together.
pub type Fields<'f> = [(&'f str, Value)];

/// The first lines of a file of the kubelet.
const HEAD: &str = "'apiVersion: kubelet.config.k8s.io/v1beta1' 'kind: KubeletConfiguration'";

/// What to know before a field is set.
const NOTES: &[(&str, &str)] = &[
    ("serverTLSBootstrap", "approve its request with kubectl certificate approve: logs and exec fail until then"),
    ("cgroupDriver", "drain the node before, and restart it"),
];

/// Who writes the settings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Itself,
    /// k3s or RKE2, by its name.
    Rancher(&'static str),
    MicroK8s,
    K0s,
    /// A host whose file is made again, and where it is set instead.
    Made(&'static str),
}

fn place(node: &Node, kubelet: &Kubelet) -> Place {
    let named = kubelet.kubeconfig.iter().chain(&kubelet.config_dir).chain(&kubelet.config_file);
    let files: Vec<&String> = named.chain(&kubelet.config_files).collect();
    let below = |folder: &str| files.iter().any(|file| file.starts_with(folder));
    let runs = process(node, kubelet.pid).map_or("", |process| program(&process.arguments));
    let is_os = |id: &str| node.os.is().is_some_and(|os| os.id == id);
    match () {
        () if kubelet.program.as_deref() == Some("k3s")
            || runs.starts_with("k3s")
            || below("/var/lib/rancher/k3s/") =>
        {
            Place::Rancher("k3s")
        }
        () if kubelet.program.as_deref() == Some("RKE2") || runs == "rke2" || below("/var/lib/rancher/rke2/") => {
            Place::Rancher("rke2")
        }
        () if runs == "kubelite" || below("/var/snap/microk8s/") => Place::MicroK8s,
        () if runs == "k0s" || below("/var/lib/k0s/") => Place::K0s,
        () if is_os("talos") => {
            Place::Made("machine.kubelet.extraConfig of Talos' machine configuration (talosctl patch machineconfig)")
        }
        () if is_os("bottlerocket") => {
            Place::Made("[settings.kubernetes] of Bottlerocket (apiclient set, or the user data)")
        }
        () if below("/home/kubernetes/kubelet-config.yaml") => Place::Made(
            "the node pool's system configuration of GKE (gcloud container node-pools update --system-config-from-file)",
        ),
        () if below("/etc/kubernetes/kubelet/config.json") => {
            Place::Made("spec.kubelet.config of the NodeConfig in the user data of EKS")
        }
        () => Place::Itself,
    }
}

/// The distribution that gives the kubelet its certificate, and a new one at its start.
pub fn renewer(node: &Node, kubelet: &Kubelet) -> Option<&'static str> {
    match place(node, kubelet) {
        Place::Rancher(name) => Some(name),
        _ => None,
    }
}

/// Sets fields of the kubelet where their value comes from, and restarts it.
pub fn kubelet_set(node: &Node, kubelet: &Kubelet, fields: &Fields<'_>) -> String {
    let place = place(node, kubelet);
    let mut fields = fields.to_vec();
    for (key, value) in &mut fields {
        if *key == "authentication.x509.clientCAFile" {
            *value = Value::from(authority(place));
        }
    }
    let mut fix = match place {
        Place::Made(where_to) => {
            format!("set {} in {where_to}: the kubelet's file is made again from it", all(&fields))
        }
        Place::K0s => format!("set {} in the worker profile of k0s, and restart k0s", all(&fields)),
        Place::MicroK8s => microk8s(&fields).unwrap_or_else(|| format!("set {} in microk8s", all(&fields))),
        Place::Rancher(name) => rancher(node, kubelet, name, &fields),
        Place::Itself => itself(node, kubelet, &fields),
    };
    let notes = fields.iter().filter_map(|(key, _)| NOTES.iter().find(|(name, _)| name == key));
    for (_, more) in notes {
        fix = format!("{fix} # {more}");
    }
    fix
}

/// The usual file of the CA of the cluster.
const fn authority(place: Place) -> &'static str {
    match place {
        Place::Rancher(name) if name.len() == 3 => "/var/lib/rancher/k3s/agent/client-ca.crt",
        Place::Rancher(_) => "/var/lib/rancher/rke2/agent/client-ca.crt",
        Place::MicroK8s => "/var/snap/microk8s/current/certs/ca.crt",
        Place::K0s => "/var/lib/k0s/pki/ca.crt",
        Place::Itself | Place::Made(_) => "/etc/kubernetes/pki/ca.crt",
    }
}

/// A kubelet with a file that does not exist does not start.
fn guards(fields: &Fields<'_>) -> Vec<String> {
    let files = fields.iter().filter(|(key, _)| key.ends_with("CAFile")).filter_map(|(_, value)| value.as_str());
    files.map(|file| format!("test -s {}", shell(file))).collect()
}

/// A field as YAML in one line: `authentication: {anonymous: {enabled: false}}`.
pub(super) fn yaml((key, value): &(&str, Value)) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value = match value {
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        value => plain(value),
    };
    let mut parts = key.rsplit('.');
    let inner = format!("{}: {value}", parts.next().unwrap_or_default());
    parts.fold(inner, |inner, outer| format!("{outer}: {{{inner}}}"))
}

fn all(fields: &Fields<'_>) -> String {
    fields.iter().map(|field| format!("`{}`", yaml(field))).collect::<Vec<_>>().join(" and ")
}

/// A field as an argument without dashes: its name, and its value.
fn argument((key, value): &(&str, Value)) -> Option<(String, String)> {
    let value = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(gate) = key.strip_prefix("featureGates.") {
        return Some(("feature-gates".to_owned(), format!("{gate}={value}")));
    }
    Some((kubelet::flag_of(key)?.to_owned(), value))
}

fn microk8s(fields: &Fields<'_>) -> Option<String> {
    let file = "/var/snap/microk8s/current/args/kubelet";
    let mut commands = guards(fields);
    for field in fields {
        let (name, value) = argument(field)?;
        // Flags of gates add up.
        if name != "feature-gates" {
            commands.push(format!("sed -i '/^--{name}[= ]/d' {file}"));
        }
        commands.push(format!("echo {} >> {file}", shell(&format!("--{name}={value}"))));
    }
    commands.push("snap restart microk8s.daemon-kubelite".to_owned());
    Some(commands.join(" && "))
}

/// k3s and RKE2 pass `kubelet-arg` on, those of their arguments after those of their files.
fn rancher(node: &Node, kubelet: &Kubelet, name: &'static str, fields: &Fields<'_>) -> String {
    let own = process(node, kubelet.pid).and_then(|process| process.unit());
    let of_files = node.units.keys().map(String::as_str);
    let unit = own.into_iter().chain(of_files).find(|unit| unit.starts_with(name) && unit.ends_with(".service"));
    let arguments: Option<Vec<(String, String)>> = fields.iter().map(argument).collect();
    let (Some(arguments), Some(unit)) = (arguments, unit) else {
        return format!("set {} in kubelet-arg of /etc/rancher/{name}/config.yaml, and restart {name}", all(fields));
    };
    let in_unit = fields.iter().any(|(key, _)| {
        let source = kubelet.config.get(key).map(|setting| &setting.source);
        matches!(source, Some(Source::Flag { pid: None, .. }))
    });
    if in_unit {
        return by_passed_flag(node, kubelet, name, unit, fields);
    }
    let passed = node.processes.iter().flat_map(|process| &process.arguments);
    let passed: Vec<&String> = passed.filter(|passed| passed.contains("kubelet-arg")).collect();
    if let Some((flag, value)) =
        arguments.iter().find(|(flag, _)| passed.iter().any(|passed| passed.contains(flag.as_str())))
    {
        return format!(
            "set --kubelet-arg={flag}={value} in the command of {unit} (systemctl edit --full {unit}), and restart {name}"
        );
    }
    let folder = format!("/etc/rancher/{name}/config.yaml.d");
    let mut commands = guards(fields);
    commands.push(format!("mkdir -p {folder}"));
    let lines: Vec<String> = arguments.iter().map(|(flag, value)| shell(&format!("- {flag}={value}"))).collect();
    let key = fields.first().map_or("kubelet", |(key, _)| key);
    let file = format!("{folder}/zz-podreeve-{key}.yaml");
    commands.push(format!("printf '%s\\n' kubelet-arg+: {} > {file}", lines.join(" ")));
    with_restart(&commands, &Service::Unit(unit), name, true)
}

/// Changes what the command of the unit passes on.
fn by_passed_flag(node: &Node, kubelet: &Kubelet, name: &str, unit: &str, fields: &Fields<'_>) -> String {
    let changed = || {
        let unit = node.units.get(unit).filter(|_| !is_read_only(node, "/etc"))?;
        let [field] = fields else { return None };
        let Some(Source::Flag { argument: found, .. }) = kubelet.config.get(field.0).map(|setting| &setting.source)
        else {
            return None;
        };
        let old = found.strip_prefix("--kubelet-arg=")?;
        let (flag, value) = argument(field)?;
        if field.0.starts_with("featureGates.") {
            return None;
        }
        let is_in = |command: &[String]| {
            let mut passed = kubelet::flags(command).filter(|(name, _)| name == "kubelet-arg");
            passed.any(|(_, value)| value.trim_start_matches('-') == old)
        };
        let mut commands = guards(fields);
        let flag = Flag { pattern: escaped(old), new: format!("{flag}={value}"), is_in: &is_in };
        commands.extend(flags::change(unit, &flag)?);
        Some(commands)
    };
    if let Some(commands) = changed() {
        return with_restart(&commands, &Service::Unit(unit), name, true);
    }
    let arguments = fields.iter().filter_map(argument).map(|(flag, value)| format!("--kubelet-arg={flag}={value}"));
    let arguments = arguments.collect::<Vec<_>>().join(" and ");
    format!("set {arguments} in the command of {unit} (systemctl edit --full {unit}), and restart {name}")
}

fn itself(node: &Node, kubelet: &Kubelet, fields: &Fields<'_>) -> String {
    let service = of(node, kubelet.pid, "kubelet.service", "kubelet");
    let source = fields.first().map(|(key, _)| kubelet.setting(key).source);
    let written = match &source {
        Some(Source::Flag { argument, .. }) => by_flag(node, &service, fields, argument),
        _ if kubelet.config_dir.is_some() => in_folder(node, kubelet, fields, source.as_ref()),
        _ if kubelet.config_file.is_some() => in_file(node, kubelet, fields),
        _ => by_new_flag(node, &service, fields),
    };
    let words = || match (&source, &kubelet.config_file) {
        (Some(Source::Flag { argument, .. }), _) => {
            let gate = fields.first().and_then(|(key, value)| Some((key.strip_prefix("featureGates.")?, value)));
            if let Some((gate, value)) = gate {
                return format!("set {gate}={value} in {argument} of the kubelet's arguments, and start it again");
            }
            let new = flags_of(fields).join(" and ");
            format!("replace {argument} with {new} in the kubelet's arguments, and start it again")
        }
        (Some(Source::File { path, .. }), _) | (_, Some(path)) => {
            format!(
                "set {} in {}, without a second entry of the same name, and restart the kubelet",
                all(fields),
                shell(path)
            )
        }
        _ => format!("add {} to the kubelet's arguments, and start it again", flags_of(fields).join(" and ")),
    };
    match written.filter(|_| !is_read_only(node, "/etc")) {
        Some(commands) => {
            let commands: Vec<String> = guards(fields).into_iter().chain(commands).collect();
            with_restart(&commands, &service, "the kubelet", kubelet.pid.is_some())
        }
        None => words(),
    }
}

fn flags_of(fields: &Fields<'_>) -> Vec<String> {
    let flags = fields.iter().filter_map(argument);
    flags.map(|(name, value)| format!("--{name}={value}")).collect()
}

/// Changes a flag in the unit.
fn by_flag(node: &Node, service: &Service<'_>, fields: &Fields<'_>, found: &str) -> Option<Vec<String>> {
    let Service::Unit(unit) = service else { return None };
    let unit = node.units.get(*unit)?;
    // A pair of thresholds has two flags or one.
    let [field] = fields else { return None };
    let (name, value) = argument(field)?;
    let (own, old) = found.strip_prefix("--")?.split_once('=')?;
    if own != name {
        return None;
    }
    if let Some(gate) = field.0.strip_prefix("featureGates.") {
        let is_in = |command: &[String]| {
            kubelet::flags(command).any(|(flag, gates)| flag == name && gates.contains(&format!("{gate}=")))
        };
        let pattern = format!("{}=[[:alnum:]]+", escaped(gate));
        return flags::change(unit, &Flag { pattern, new: value, is_in: &is_in });
    }
    let is_in = |command: &[String]| kubelet::flags(command).any(|(flag, own)| flag == name && own == old);
    let switch = if old == "true" { "?" } else { "" };
    let pattern = format!("--?{}([=[:space:]]+{}){switch}", name.replace('-', "[-_]"), escaped(old));
    flags::change(unit, &Flag { pattern, new: format!("--{name}={value}"), is_in: &is_in })
}

fn by_new_flag(node: &Node, service: &Service<'_>, fields: &Fields<'_>) -> Option<Vec<String>> {
    let Service::Unit(unit) = service else { return None };
    flags::add(node.units.get(*unit)?, "kubelet", &flags_of(fields).join(" "))
}

/// Writes a file that the kubelet reads after the others.
fn in_folder(node: &Node, kubelet: &Kubelet, fields: &Fields<'_>, source: Option<&Source>) -> Option<Vec<String>> {
    let folder = kubelet.config_dir.as_deref()?.trim_end_matches('/');
    let (key, _) = fields.first()?;
    let file = format!("{folder}/zz-podreeve-{key}.conf");
    let is_later = matches!(source, Some(Source::File { path, .. }) if path.starts_with(folder) && *path > file);
    if is_later || is_read_only(node, folder) {
        return None;
    }
    let lines: Vec<String> = fields.iter().map(|field| shell(&yaml(field))).collect();
    Some(vec![
        format!("mkdir -p {}", shell(folder)),
        format!("printf '%s\\n' {HEAD} {} > {}", lines.join(" "), shell(&file)),
    ])
}

/// Changes the file: a JSON by jq, and fields of the first level with one value by a line of their own. Others have neighbours, which no
/// short command keeps.
fn in_file(node: &Node, kubelet: &Kubelet, fields: &Fields<'_>) -> Option<Vec<String>> {
    let path = kubelet.config_file.as_deref().filter(|path| !is_read_only(node, path))?;
    let file = shell(path);
    if crate::node::has_extension(path, &["json"]) {
        let set = |(key, value): &(&str, Value)| format!(".\"{}\" = {value}", key.replace('.', "\".\""));
        let program = fields.iter().map(set).collect::<Vec<_>>().join(" | ");
        return Some(vec![
            format!("new=$(jq {} {file})", shell(&program)),
            format!("printf '%s\\n' \"$new\" > {file}"),
        ]);
    }
    if fields.iter().any(|(key, value)| key.contains('.') || value.is_array() || value.is_object()) {
        return None;
    }
    let kind = "^kind: *KubeletConfiguration";
    let edits = fields.iter().map(|field| {
        let (remove, add) = (format!("/^.?{}.?[[:space:]]*:/d", field.0), format!("/{kind}/i {}", yaml(field)));
        format!("-e {} -e {}", shell(&remove), shell(&add))
    });
    let edits = edits.collect::<Vec<_>>().join(" ");
    Some(vec![format!("grep -q '{kind}' {file}"), format!("sed -i -E {edits} {file}")])
}
