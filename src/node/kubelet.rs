//! The kubelet: its configuration file, the files over it, and its flags.

use super::config::{Config, Source};
use super::lines;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// One kubelet: a running one, or one that is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kubelet {
    pub pid: Option<u32>,
    pub version: Option<String>,
    pub config: Config,
    /// The file of `--config`, if it has one. Without it, some defaults are open.
    pub config_file: Option<String>,
    pub config_dir: Option<String>,
    /// Both together: all files that it reads, in their order.
    pub config_files: Vec<String>,
    pub kubeconfig: Option<String>,
    /// The folders of its data, and of its certificates and keys.
    pub root: String,
    pub pki: String,
    /// Its name on this host: `kubelet`.
    pub name: String,
    /// The program that has it inside and gives it arguments of its own, which no file and no process shows: k3s or RKE2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

/// The port at which every client may read, without a name.
pub const READ_ONLY_PORT: &str = "readOnlyPort";

/// Flags and the fields of the configuration that they set.
const FLAGS: &[(&str, &str)] = &[
    ("anonymous-auth", "authentication.anonymous.enabled"),
    ("authentication-token-webhook", "authentication.webhook.enabled"),
    ("authorization-mode", "authorization.mode"),
    ("client-ca-file", "authentication.x509.clientCAFile"),
    ("read-only-port", "readOnlyPort"),
    ("port", "port"),
    ("address", "address"),
    ("tls-cert-file", "tlsCertFile"),
    ("tls-private-key-file", "tlsPrivateKeyFile"),
    ("rotate-certificates", "rotateCertificates"),
    ("rotate-server-certificates", "serverTLSBootstrap"),
    ("cgroup-driver", "cgroupDriver"),
    ("cgroups-per-qos", "cgroupsPerQOS"),
    ("enforce-node-allocatable", "enforceNodeAllocatable"),
    ("image-gc-high-threshold", "imageGCHighThresholdPercent"),
    ("image-gc-low-threshold", "imageGCLowThresholdPercent"),
    ("pod-max-pids", "podPidsLimit"),
    ("event-qps", "eventRecordQPS"),
    ("protect-kernel-defaults", "protectKernelDefaults"),
    ("streaming-connection-idle-timeout", "streamingConnectionIdleTimeout"),
    ("container-runtime-endpoint", "containerRuntimeEndpoint"),
    ("healthz-bind-address", "healthzBindAddress"),
    ("tls-cipher-suites", "tlsCipherSuites"),
    ("tls-min-version", "tlsMinVersion"),
];

/// The flag that sets a field, if one does.
#[must_use]
pub fn flag_of(field: &str) -> Option<&'static str> {
    FLAGS.iter().find(|(_, own)| *own == field).map(|(flag, _)| *flag)
}

/// The value of a flag: the last one counts, `_` is `-`.
#[must_use]
pub fn flag(arguments: &[String], name: &str) -> Option<String> {
    flags(arguments).filter(|(found, _)| found == name).last().map(|(_, value)| value)
}

/// All flags with their values. A flag without a value is `true`.
pub fn flags(arguments: &[String]) -> impl Iterator<Item = (String, String)> {
    let mut at = 1;
    std::iter::from_fn(move || {
        loop {
            let argument = arguments.get(at)?;
            at += 1;
            let Some(long) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else { continue };
            let (name, joined) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            let value = joined.unwrap_or_else(|| match arguments.get(at).filter(|next| !next.starts_with('-')) {
                Some(next) => {
                    at += 1;
                    next.clone()
                }
                None => "true".to_owned(),
            });
            return Some((name.replace('_', "-"), value));
        }
    })
}

/// Puts the flags over the configuration.
pub fn add_flags(config: &mut Config, arguments: &[String], pid: Option<u32>) {
    for (name, value) in flags(arguments) {
        let source = Source::Flag { pid, argument: format!("--{name}={value}") };
        add_flag(config, &name, &value, &source);
    }
}

/// Puts one flag over the configuration.
pub fn add_flag(config: &mut Config, name: &str, value: &str, source: &Source) {
    if name == "feature-gates" {
        for (gate, value) in value.split(',').filter_map(|pair| pair.split_once('=')) {
            config.set(format!("featureGates.{}", gate.trim()), switch(value.trim()), source.clone());
        }
    } else if let Some((_, field)) = FLAGS.iter().find(|(flag, _)| *flag == name) {
        let value = match *field {
            "enforceNodeAllocatable" | "tlsCipherSuites" => {
                Value::Array(value.split(',').filter(|item| !item.is_empty()).map(|item| item.trim().into()).collect())
            }
            field if SWITCHES.contains(&field) => switch(value),
            _ => typed(value),
        };
        config.set(*field, value, source.clone());
    }
}

/// Fields that are true or false.
const SWITCHES: &[&str] = &[
    "authentication.anonymous.enabled",
    "authentication.webhook.enabled",
    "rotateCertificates",
    "serverTLSBootstrap",
    "cgroupsPerQOS",
    "protectKernelDefaults",
];

/// True or false in all the forms that Go reads in a flag.
fn switch(text: &str) -> Value {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
        other => Value::String(other.to_owned()),
    }
}

/// True or false in a file. The kubelet reads YAML 1.1, in which `yes` and `on` are true.
fn switch_in_file(value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "true" => Value::Bool(true),
        "n" | "no" | "off" | "false" => Value::Bool(false),
        _ => value.clone(),
    }
}

fn typed(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}

/// Puts a configuration file over what is there: `--config`, then each file of `--config-dir` as a JSON merge patch, where null
/// removes a field.
pub fn add_file(config: &mut Config, path: &str, text: &str) {
    let document: Value = match serde_saphyr::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            config.doubt(format!(
                "{path} is no YAML, so the kubelet does not start with it: {}",
                first_line(&error.to_string())
            ));
            return;
        }
    };
    if !document.is_object() {
        config.doubt(format!("{path} has no fields, so the kubelet does not start with it"));
        return;
    }
    let kind = document.get("kind").and_then(Value::as_str).unwrap_or("KubeletConfiguration").to_owned();
    if kind != "KubeletConfiguration" {
        config.doubt(format!("{path} has the kind {kind}, and not KubeletConfiguration"));
        return;
    }
    add(config, path, &lines::of_yaml_keys(text), "", &document);
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

fn add(config: &mut Config, path: &str, lines: &HashMap<&str, usize>, prefix: &str, value: &Value) {
    match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                let full = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                add(config, path, lines, &full, value);
            }
        }
        Value::Null => {
            let below = format!("{prefix}.");
            let after = config.settings.range(below.clone()..).map(|(key, _)| key);
            let gone: Vec<String> = after.take_while(|key| key.starts_with(&below)).cloned().collect();
            config.settings.remove(prefix);
            for key in gone {
                config.settings.remove(&key);
            }
        }
        value => {
            let key = prefix.rsplit('.').next().unwrap_or(prefix);
            let line = lines.get(key).copied();
            let is_switch = SWITCHES.contains(&prefix) || prefix.starts_with("featureGates.");
            let value = if is_switch { switch_in_file(value) } else { value.clone() };
            config.set(prefix, value, Source::File { path: path.to_owned(), line });
        }
    }
}

impl Kubelet {
    /// A setting, or what the kubelet does without it. Without `--config` three defaults are open.
    #[must_use]
    pub fn setting(&self, key: &str) -> super::config::Setting {
        let has_file = self.config_file.is_some();
        let default: Value = match key {
            "authentication.anonymous.enabled" => Value::Bool(!has_file),
            "authentication.webhook.enabled" => Value::Bool(has_file),
            "authorization.mode" => if has_file { "Webhook" } else { "AlwaysAllow" }.into(),
            "readOnlyPort" => if has_file { 0 } else { 10255 }.into(),
            "podPidsLimit" => (-1).into(),
            "imageGCHighThresholdPercent" => 85.into(),
            "imageGCLowThresholdPercent" => 80.into(),
            "cgroupsPerQOS" => Value::Bool(true),
            "enforceNodeAllocatable" => Value::Array(vec!["pods".into()]),
            "cgroupDriver" => "cgroupfs".into(),
            "rotateCertificates" | "serverTLSBootstrap" => Value::Bool(false),
            _ => Value::Null,
        };
        match self.hidden(key).filter(|_| self.config.get(key).is_none()) {
            Some(why) => super::config::Setting::new(default, Source::Unknown(why)),
            None => self.config.or_default(key, default, "the kubelet", self.version.as_deref()),
        }
    }

    /// Why the default of a setting is not known: the program that has the kubelet inside gives it arguments, which stand in no file. From
    /// 1.32 on it writes most of them to files, and it gave the port from 1.32.4 on again.
    fn hidden(&self, key: &str) -> Option<String> {
        let name = self.program.as_deref()?;
        if self.config_files.is_empty() {
            return Some(format!("{name} gives its kubelet arguments of its own, and no file here has them"));
        }
        (key == READ_ONLY_PORT).then(|| {
            format!(
                "{name} closes it by an argument that no file has, but 1.32.0 to 1.32.3 do not: upgrade, or set read-only-port=0 in kubelet-arg"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn files_then_patches_then_flags() {
        let mut config = Config::default();
        add_file(
            &mut config,
            "/var/lib/kubelet/config.yaml",
            "kind: KubeletConfiguration\nauthentication:\n  anonymous:\n    enabled: true\nreadOnlyPort: 10255\npodPidsLimit: 100\n",
        );
        add_file(&mut config, "/etc/kubelet.d/10.conf", "readOnlyPort: 0\nauthentication: null\n");
        add_flags(
            &mut config,
            &arguments("kubelet --pod-max-pids=200 --pod_max_pids 300 --feature-gates=AllAlpha=true,X=false"),
            Some(9),
        );
        assert_eq!(config.get("podPidsLimit").unwrap().value, 300);
        assert_eq!(config.get("podPidsLimit").unwrap().source.to_string(), "--pod-max-pids=300 of process 9");
        assert_eq!(config.get("readOnlyPort").unwrap().source.to_string(), "/etc/kubelet.d/10.conf:1");
        assert!(config.get("authentication.anonymous.enabled").is_none());
        assert_eq!(config.get("featureGates.AllAlpha").unwrap().value, true);
    }

    #[test]
    fn defaults_depend_on_a_file() {
        let open = Kubelet::default();
        assert_eq!(open.setting("authentication.anonymous.enabled").value, true);
        assert_eq!(open.setting("authorization.mode").display(), "AlwaysAllow");
        let with = Kubelet { config_file: Some("/c".to_owned()), ..Kubelet::default() };
        assert_eq!(with.setting("readOnlyPort").value, 0);
        assert_eq!(with.setting("authorization.mode").source.to_string(), "the default of the kubelet");
    }

    #[test]
    fn true_in_all_its_forms() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            let mut config = Config::default();
            add_flags(
                &mut config,
                &[String::new(), format!("--anonymous-auth={text}"), format!("--feature-gates=AllAlpha={text}")],
                None,
            );
            for key in ["authentication.anonymous.enabled", "featureGates.AllAlpha"] {
                assert!(config.get(key).unwrap().is_true(), "{key} {text}");
            }
        }
        for text in ["yes", "on", "Y", "true", "\"true\""] {
            let mut config = Config::default();
            add_file(&mut config, "c", &format!("authentication:\n  anonymous:\n    enabled: {text}\n"));
            assert!(config.get("authentication.anonymous.enabled").unwrap().is_true(), "{text}");
        }
    }

    #[test]
    fn bad_files_are_doubts() {
        let mut config = Config::default();
        add_file(&mut config, "c", "a: [");
        add_file(&mut config, "d", "kind: Config\n");
        add_file(&mut config, "e", "");
        add_file(&mut config, "f", "a text");
        add_file(&mut config, "g", "- readOnlyPort: 0\n");
        assert_eq!(config.doubts.len(), 5, "{:?}", config.doubts);
        assert_eq!(flag(&arguments("kubelet --config a --config=b"), "config"), Some("b".to_owned()));
    }
}
