//! The rules. [`RULES`] is the product: help, docs, schema, metric labels and tests iterate it.
//!
//! A rule is one file in the folder of what it judges, a line in the list of that folder, and one line here.

pub mod exec;
pub mod owasp;
pub mod pod;

use crate::rule::{Rule, nearest_name};

/// Every rule, in the order in which violations of one container are told.
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
];

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

/// For errors: the id that was probably meant.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    nearest_name(id, RULES.iter().map(|rule| rule.id))
}

/// Whether images can lie under this pattern, as parameters and exemptions name them.
///
/// # Errors
/// What such a pattern would have to be.
pub fn image_pattern(text: &str) -> Result<(), String> {
    pod::image_pattern::Pattern::try_from(text.to_owned()).map(|_| ())
}
