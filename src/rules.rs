//! The rules. [`RULES`] is the product: help, docs, schema, metric labels and tests iterate it.
//!
//! A rule is one file in the folder of its subject, and two lines here: its module and its entry in the table.

pub use image::in_pod;
use secret_commands::Names;
pub use secret_values::SecretValues;

pub mod owasp;
mod secret_commands;
mod secret_values;
mod unverified;

/// Rules that judge pods and pod templates.
mod pod {
    pub mod allow_privilege_escalation;
    pub mod apparmor_profile;
    pub mod capabilities;
    pub mod cpu_request;
    pub mod env_secrets;
    pub mod ephemeral_storage_limit;
    pub mod health_probes;
    pub mod host_devices;
    pub mod host_ipc;
    pub mod host_network;
    pub mod host_path;
    pub mod host_pid;
    pub mod host_ports;
    pub mod host_probes;
    pub mod host_process;
    pub mod host_users;
    pub mod image_digest;
    pub mod image_pattern;
    pub mod image_ports;
    pub mod image_pull_policy;
    pub mod image_registries;
    pub mod image_tag;
    pub mod image_used;
    pub mod limits;
    pub mod memory_limit;
    pub mod network_policy;
    pub mod pids_limit;
    pub mod privileged;
    pub mod privileged_ports;
    pub mod proc_mount;
    pub mod read_only_root_filesystem;
    pub mod removal;
    pub mod restart_limit;
    pub mod run_as_non_root;
    pub mod runtime_socket;
    pub mod seccomp_profile;
    pub mod selinux_options;
    pub mod service_account_token;
    pub mod ssh_server;
    pub mod sysctls;
    pub mod undeclared_ports;
    pub mod volume_types;
}

/// Rules that judge connections to a pod: exec, attach, port-forward and proxy.
mod exec {
    pub mod exec_privileged;
    pub mod exec_root;
    pub mod unknown_pod;
}

/// Rules that judge Dockerfiles.
mod dockerfile {
    pub mod dockerfile_add;
    pub mod dockerfile_expose;
    pub mod dockerfile_multi_stage;
    pub mod dockerfile_pin;
    pub mod dockerfile_secrets;
    pub mod dockerfile_setuid;
    pub mod dockerfile_unverified_packages;
    pub mod dockerfile_user;
    pub mod packages;
}

/// Rules that judge nodes.
mod node {
    pub mod node_audit_rules;
    pub mod node_authorization;
    pub mod node_cgroups;
    pub mod node_content_trust;
    pub mod node_experimental;
    pub mod node_files;
    pub mod node_image_gc;
    pub mod node_logging;
    pub mod node_lsm;
    pub mod node_network;
    pub mod node_partitions;
    pub mod node_pids;
    pub mod node_rootless;
    pub mod node_services;
    pub mod node_tls;
    pub mod node_ulimits;
    pub mod node_user_namespaces;
    pub mod node_versions;
    pub mod repairs;
}

/// Rules that judge images.
mod image {
    mod allowed_base;
    pub mod image_add;
    pub mod image_age;
    pub mod image_base;
    pub mod image_build_tools;
    pub mod image_freshness;
    pub mod image_packages;
    pub mod image_sbom;
    pub mod image_secrets;
    pub mod image_setuid;
    pub mod image_signature;
    pub mod image_size;
    pub mod image_unverified_packages;
    pub mod image_user;
    pub mod image_vulnerabilities;
    pub mod in_pod;
    pub mod step;
}

use crate::image::config::RunConfig;
use crate::rule::{PodRule, Rule, nearest_name};

/// Every rule, in the order in which the violations of one container are reported.
pub static RULES: &[&Rule] = &[
    &pod::privileged::RULE,
    &pod::host_network::RULE,
    &pod::host_pid::RULE,
    &pod::host_ipc::RULE,
    &pod::host_users::RULE,
    &pod::host_process::RULE,
    &pod::runtime_socket::RULE,
    &pod::host_path::RULE,
    &pod::host_devices::RULE,
    &pod::host_ports::RULE,
    &pod::host_probes::RULE,
    &pod::privileged_ports::RULE,
    &pod::undeclared_ports::RULE,
    &pod::ssh_server::RULE,
    &pod::capabilities::RULE,
    &pod::allow_privilege_escalation::RULE,
    &pod::seccomp_profile::RULE,
    &pod::apparmor_profile::RULE,
    &pod::selinux_options::RULE,
    &pod::proc_mount::RULE,
    &pod::sysctls::RULE,
    &pod::volume_types::RULE,
    &pod::read_only_root_filesystem::RULE,
    &pod::run_as_non_root::RULE,
    &pod::memory_limit::RULE,
    &pod::cpu_request::RULE,
    &pod::ephemeral_storage_limit::RULE,
    &pod::pids_limit::RULE,
    &pod::restart_limit::RULE,
    &pod::health_probes::RULE,
    &pod::env_secrets::RULE,
    &pod::service_account_token::RULE,
    &pod::image_registries::RULE,
    &pod::image_digest::RULE,
    &pod::image_tag::RULE,
    &pod::image_pull_policy::RULE,
    &exec::exec_privileged::RULE,
    &exec::exec_root::RULE,
    &pod::network_policy::RULE,
    &dockerfile::dockerfile_secrets::RULE,
    &dockerfile::dockerfile_unverified_packages::RULE,
    &dockerfile::dockerfile_user::RULE,
    &dockerfile::dockerfile_setuid::RULE,
    &dockerfile::dockerfile_pin::RULE,
    &dockerfile::dockerfile_add::RULE,
    &dockerfile::dockerfile_expose::RULE,
    &dockerfile::dockerfile_multi_stage::RULE,
    &image::image_signature::RULE,
    &image::image_secrets::RULE,
    &image::image_user::RULE,
    &image::image_setuid::RULE,
    &image::image_unverified_packages::RULE,
    &image::image_base::RULE,
    &image::image_packages::RULE,
    &image::image_build_tools::RULE,
    &image::image_size::RULE,
    &image::image_age::RULE,
    &image::image_add::RULE,
    &image::image_freshness::RULE,
    &image::image_sbom::RULE,
    &image::image_vulnerabilities::RULE,
    &node::node_files::RULE,
    &node::node_authorization::RULE,
    &node::node_tls::RULE,
    &node::node_network::RULE,
    &node::node_user_namespaces::RULE,
    &node::node_rootless::RULE,
    &node::node_lsm::RULE,
    &node::node_cgroups::RULE,
    &node::node_pids::RULE,
    &node::node_ulimits::RULE,
    &node::node_partitions::RULE,
    &node::node_image_gc::RULE,
    &node::node_content_trust::RULE,
    &node::node_experimental::RULE,
    &node::node_logging::RULE,
    &node::node_audit_rules::RULE,
    &node::node_services::RULE,
    &node::node_versions::RULE,
];

/// The rules that a request to the API server can violate.
pub fn of_requests() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().filter(|rule| rule.judges_requests())
}

/// The rules that judge a pod, and how.
pub fn of_pods() -> impl Iterator<Item = (&'static Rule, &'static PodRule)> {
    RULES.iter().filter_map(|rule| Some((*rule, rule.pod()?)))
}

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

/// The position of a rule in the table; behind all rules for another id.
#[must_use]
pub fn order(id: &str) -> usize {
    RULES.iter().position(|rule| rule.id == id).unwrap_or(RULES.len())
}

/// For errors: the id that was probably meant, in whatever case it is written and with whichever separators.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    let id = spelt_as_an_id(id);
    // Half of a name, such as `seccomp`, means the rule that begins with it, if there is only one.
    let begins = || {
        let mut rules = RULES.iter().filter(|rule| id.len() >= 4 && rule.id.starts_with(&id));
        rules.next().filter(|_| rules.next().is_none())
    };
    nearest_name(&id, RULES.iter().map(|rule| rule.id)).or_else(|| begins().map(|rule| rule.id))
}

/// `hostPID`, `HOST_PID` and `Host Pid` as `host-pid`.
fn spelt_as_an_id(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    let mut after_lower = false;
    for c in name.trim().chars() {
        if c.is_ascii_uppercase() && after_lower {
            id.push('-');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        id.push(if matches!(c, '_' | ' ' | '.') { '-' } else { c.to_ascii_lowercase() });
    }
    id
}

/// The words of a command of an image that hold a secret, by their index.
#[must_use]
pub fn secrets_in_command(words: &[&str]) -> Vec<usize> {
    image::image_secrets::in_command(words, Names::default()).into_iter().map(|found| found.span.start).collect()
}

/// Whether a step of the history of an image has a secret.
#[must_use]
pub fn has_secret(step: &str) -> bool {
    !image::image_secrets::of_step(step, &RunConfig::default(), Names::default()).is_empty()
}

/// Checks a pattern of images, as parameters and exemptions name them: whether any image can be under it.
///
/// # Errors
/// What such a pattern must be.
pub fn image_pattern(text: &str) -> Result<(), String> {
    pod::image_pattern::Pattern::try_from(text.to_owned()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Example, Judges, Kinds};
    use crate::workload::ContainerKind;
    use serde_json::Value;

    #[test]
    fn an_id_is_meant_if_a_quarter_of_its_letters_and_one_differ() {
        assert_eq!(nearest("privileged"), Some("privileged"));
        assert_eq!(nearest("hst-ports"), Some("host-ports"));
        assert_eq!(nearest("privilexyz"), Some("privileged"));
        assert_eq!(nearest("privilwxyz"), None);
        assert_eq!(nearest("memory-lxxxx"), Some("memory-limit"));
        assert_eq!(nearest(""), None);
    }

    #[test]
    fn an_id_is_meant_in_any_case_and_with_any_separator() {
        for (written, meant) in [
            ("CAPABILITIES", "capabilities"),
            ("Privileged", "privileged"),
            ("hostPID", "host-pid"),
            ("HOST_PID", "host-pid"),
            ("runAsNonRoot", "run-as-non-root"),
            ("readOnlyRootFilesystem", "read-only-root-filesystem"),
            ("memory limit", "memory-limit"),
            ("seccomp", "seccomp-profile"),
        ] {
            assert_eq!(nearest(written), Some(meant), "{written}");
        }
        // Several rules begin with it.
        assert_eq!(nearest("image"), None);
    }

    #[test]
    fn every_rule_compiles_its_defaults() {
        for rule in RULES {
            let error = match &rule.judges {
                Judges::Pod(pod) => (pod.compile)(Value::Null).err(),
                Judges::Exec(exec) => (exec.pod.compile)(Value::Null).err(),
                Judges::Dockerfile(file) => (file.compile)(Value::Null).err(),
                Judges::Image(image) => (image.compile)(Value::Null).err(),
                Judges::Node(node) => (node.compile)(Value::Null).err(),
            };
            assert_eq!(error, None, "{}", rule.id);
        }
    }

    #[test]
    fn a_rule_that_forgets_to_compile_says_so() {
        let error = (PodRule::DEFAULT.compile)(Value::Null).err().unwrap();
        assert!(error.message.contains("set it in the rule's file"), "{}", error.message);
    }

    #[test]
    fn a_fault_of_all_parameters_has_no_path() {
        let fault = (pod::privileged::RULE.pod().unwrap().compile)(Value::from("text")).err();
        assert_eq!(fault.map(|fault| fault.field), Some(String::new()));
    }

    #[test]
    fn a_plain_example_is_a_pod_alone_with_its_container_among_the_containers() {
        let rule = find("memory-limit").unwrap().pod().unwrap();
        let of = Example::bad("a container", r#"{"resources":null}"#, &["resources.limits.memory"]);
        let (container, pod) = (|| Example { ..of }, || Example { container: "", ..of });
        assert!([container(), container().not_job(), container().written(), pod()].iter().all(|e| rule.is_plain(e)));
        let entered = Example { kinds: Kinds::Entered, ..container() };
        assert!(![container().job("{}"), entered].iter().any(|e| rule.is_plain(e)));
        assert!(![container(), pod()].into_iter().any(|e| rule.is_plain(&e.network_policies("[]"))));
        let debug = PodRule { lists: &[ContainerKind::Ephemeral], ..PodRule::DEFAULT };
        assert!(!debug.is_plain(&container()) && debug.is_plain(&pod()));
    }

    #[test]
    fn a_cause_comes_first_and_is_as_severe() {
        let order = |id: &str| RULES.iter().position(|rule| rule.id == id);
        for rule in RULES {
            for cause in rule.implied_by() {
                assert!(order(cause.rule) < order(rule.id), "{} is implied by {}", rule.id, cause.rule);
                let severe = find(cause.rule).is_some_and(|cause| cause.severity >= rule.severity);
                assert!(severe, "{} is implied by {}, which is milder", rule.id, cause.rule);
            }
        }
    }
}
