//! The rules. [`RULES`] is the product: help, docs, schema, metric labels and tests iterate it.
//!
//! A rule is one file under `rules/` and one line here. Its parameters are a type; that type
//! checks pods ([`Check`]). A rule knows nothing of policies, requests or text formats.

mod entered;
mod example;
mod finding;
mod findings;
mod fix;
mod implied;
pub mod owasp;
pub mod pss;

mod allow_privilege_escalation;
mod apparmor_profile;
mod capabilities;
mod cpu_request;
mod env_secrets;
mod ephemeral_storage_limit;
mod exec_privileged;
mod exec_root;
mod health_probes;
mod host_devices;
mod host_ipc;
mod host_network;
mod host_path;
mod host_pid;
mod host_ports;
mod host_probes;
mod host_process;
mod host_users;
mod image_digest;
mod image_pattern;
mod image_pull_policy;
mod image_registries;
mod image_tag;
mod image_used;
mod limits;
mod memory_limit;
mod network_policy;
mod pids_limit;
mod privileged;
mod privileged_ports;
mod proc_mount;
mod read_only_root_filesystem;
mod restart_limit;
mod run_as_non_root;
mod runtime_socket;
mod seccomp_profile;
mod secret_shapes;
mod selinux_options;
mod service_account_token;
mod ssh_server;
mod sysctls;
mod undeclared_ports;
mod volume_types;

use crate::json::Objects;
use crate::workload::{ContainerKind, Parts, Pod};
pub use example::{Example, Expect, GOOD_POD, Kinds};
pub use finding::{Finding, Location, Severity};
pub use findings::{Findings, Sorting};
pub use fix::{Fix, Scope};
pub use implied::{Cause, Same, Spot};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// Every rule, in the order in which violations of one container are told.
pub static RULES: &[&Rule] = &[
    &privileged::RULE,
    &host_network::RULE,
    &host_pid::RULE,
    &host_ipc::RULE,
    &host_users::RULE,
    &host_process::RULE,
    &runtime_socket::RULE,
    &host_path::RULE,
    &host_devices::RULE,
    &host_ports::RULE,
    &host_probes::RULE,
    &privileged_ports::RULE,
    &undeclared_ports::RULE,
    &ssh_server::RULE,
    &capabilities::RULE,
    &allow_privilege_escalation::RULE,
    &seccomp_profile::RULE,
    &apparmor_profile::RULE,
    &selinux_options::RULE,
    &proc_mount::RULE,
    &sysctls::RULE,
    &volume_types::RULE,
    &read_only_root_filesystem::RULE,
    &run_as_non_root::RULE,
    &memory_limit::RULE,
    &cpu_request::RULE,
    &ephemeral_storage_limit::RULE,
    &pids_limit::RULE,
    &restart_limit::RULE,
    &health_probes::RULE,
    &env_secrets::RULE,
    &service_account_token::RULE,
    &image_registries::RULE,
    &image_digest::RULE,
    &image_tag::RULE,
    &image_pull_policy::RULE,
    &exec_privileged::RULE,
    &exec_root::RULE,
    &network_policy::RULE,
];

/// A rule as data.
pub struct Rule {
    /// The id that policies, denials, metrics and reports name. It never changes.
    pub id: &'static str,
    /// A line of help: what must hold.
    pub title: &'static str,
    /// A paragraph or two of Markdown: what is judged, what the parameters mean, what to do instead.
    pub docs: &'static str,
    /// One sentence for the denial: what an attacker or a fault does with this.
    pub why: &'static str,
    /// Items of the OWASP list, numbered as in `docs/owasp.md`.
    pub owasp: &'static [u8],
    /// The Pod Security Standards level whose check this rule agrees with.
    pub pss: Option<Pss>,
    pub severity: Severity,
    /// Skipped for pods with `spec.os.name: windows`, where the API has no such field.
    pub linux_only: bool,
    /// The container lists in which the API has the fields that the rule judges: a debug container,
    /// for one, can have no resources, ports or probes. Every list for a rule of the pod.
    pub lists: &'static [ContainerKind],
    /// Whether [`Check::fix`] can repair anything; help says so.
    pub fixes: bool,
    /// Rules whose violation at the same place says all that this one's would: it is then not reported, and what exempts from
    /// the cause exempts from this. They stand above in [`RULES`].
    pub implied_by: &'static [Cause],
    /// Reads the parameters of a policy into the type that checks.
    pub compile: fn(Value) -> Result<Box<dyn Check>, BadParams>,
    /// JSON schema of the parameters.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The only fixtures: unit tests, end-to-end tests and help replay them.
    pub examples: &'static [Example],
}

/// [`Rule::lists`] where debug containers cannot have the field.
pub const NOT_EPHEMERAL: &[ContainerKind] = &[ContainerKind::Init, ContainerKind::Container];

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// A level of the Pod Security Standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pss {
    Baseline,
    Restricted,
    /// Checked at baseline, stricter at restricted.
    Both,
}

impl Pss {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
            Self::Both => "baseline, restricted",
        }
    }
}

/// The parameters of a rule, ready to judge pods.
pub trait Check: Send + Sync {
    /// Adds a finding for every place of the pod that violates the rule.
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>);

    /// Parts of which a pod must have one for anything to be found in it. Most rules mind what is missing, too.
    fn needs(&self) -> Parts {
        Parts::SPEC
    }

    /// Whether it judges who connects to a pod.
    fn judges_connects(&self) -> bool {
        false
    }

    /// Whether it keeps out who connects to a pod of which nothing is known.
    fn denies_unknown(&self) -> bool {
        false
    }

    /// Whether it needs to know what NetworkPolicies make of the pod.
    fn asks_for_network_policies(&self) -> bool {
        false
    }

    /// Whether it needs to know the limits of the nodes.
    fn asks_for_nodes(&self) -> bool {
        false
    }

    /// Repairs one finding of this rule by adding to `fix`; false when it cannot, with nothing added.
    fn fix(&self, _pod: &Pod<'_>, _finding: &Finding<'_>, _fix: &mut Fix) -> bool {
        false
    }
}

impl dyn Check + '_ {
    /// As [`Check::fix`], but leaves what no repair fits, and a pod without containers, as it is: the API server refuses
    /// that, and it may lack even the `spec` that a patch would be in.
    pub fn repair(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        pod.all_containers().next().is_some() && !finding.is_final() && self.fix(pod, finding, fix)
    }
}

/// Parameters that do not fit their rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParams {
    /// Dotted path below `params`, empty for `params` itself.
    pub field: String,
    pub message: String,
}

/// For [`Rule::compile`]: absent parameters are the defaults, unknown keys are refused.
///
/// # Errors
/// The field that does not fit, and why.
pub fn compile<P: Check + DeserializeOwned + 'static>(params: Value) -> Result<Box<dyn Check>, BadParams> {
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    match serde_path_to_error::deserialize::<_, P>(Objects(params)) {
        Ok(check) => Ok(Box::new(check)),
        Err(error) => Err(BadParams {
            field: match error.path().to_string() {
                root if root == "." => String::new(),
                path => path,
            },
            message: error.into_inner().to_string(),
        }),
    }
}

/// For [`Rule::params`].
pub fn params<P: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    P::json_schema(generator)
}

/// Whether images can lie under this pattern, as parameters and exemptions name them.
///
/// # Errors
/// What such a pattern would have to be.
pub fn image_pattern(text: &str) -> Result<(), String> {
    image_pattern::Pattern::try_from(text.to_owned()).map(|_| ())
}

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

/// For errors: the id that was probably meant.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    let distance = |rule: &&&Rule| crate::text::edit_distance(rule.id, id);
    RULES.iter().min_by_key(distance).filter(|rule| distance(rule) <= 1 + id.len() / 4).map(|rule| rule.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_meant_when_a_quarter_of_it_and_one_letter_differ() {
        assert_eq!(nearest("privileged"), Some("privileged"));
        assert_eq!(nearest("hst-ports"), Some("host-ports"));
        assert_eq!(nearest("privilexyz"), Some("privileged"));
        assert_eq!(nearest("privilwxyz"), None);
        assert_eq!(nearest("memory-lxxxx"), Some("memory-limit"));
        assert_eq!(nearest(""), None);
    }

    #[test]
    fn a_fault_of_all_parameters_has_no_path() {
        let fault = (privileged::RULE.compile)(Value::from("text")).err();
        assert_eq!(fault.map(|fault| fault.field), Some(String::new()));
    }

    /// As most rules are.
    struct Plain;

    impl Check for Plain {
        fn check<'p>(&self, _: &'p Pod<'p>, _: &mut Findings<'p>) {}
    }

    #[test]
    fn a_rule_asks_for_nothing_and_repairs_nothing_unless_it_says_so() {
        let finding = Finding::new(Location::spec(), "a", "b");
        assert!(!Plain.fix(&Pod::default(), &finding, &mut Fix::new(Scope::Pod)));
        assert_eq!(Plain.needs(), Parts::SPEC);
        assert!(!Plain.judges_connects() && !Plain.denies_unknown());
        assert!(!Plain.asks_for_network_policies() && !Plain.asks_for_nodes());
    }

    #[test]
    fn words_that_programs_read_stay_what_they_are() {
        let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        assert_eq!(severities.map(Severity::as_str), ["low", "medium", "high", "critical"]);
        let levels = [Pss::Baseline, Pss::Restricted, Pss::Both];
        assert_eq!(levels.map(Pss::as_str), ["baseline", "restricted", "baseline, restricted"]);
    }
}
