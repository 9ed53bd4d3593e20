//! The vocabulary of rules: what a rule is, what it finds, how it repairs, and how it is shown by example.
//!
//! The table of all rules is [`crate::rules`]. A rule knows nothing of policies, requests or text formats.

use crate::facts::FactKinds;
use crate::json::Objects;
use crate::workload::{ContainerKind, Pod, PodFeatures};
mod example;
mod finding;
mod findings;
mod fix;
mod implied;
pub mod pss;

pub use example::{Example, Expect, GOOD_POD, Kinds};
pub use finding::{Finding, Location, NOT_SET, Severity, display_flag, display_value};
pub use findings::{Findings, RepairSplit};
pub use fix::{Fix, Scope};
pub use implied::{Cause, Same, Spot};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::fmt;

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
    pub severity: Severity,
    /// JSON schema of the parameters.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// What it judges, and how.
    pub judges: Judges,
}

/// What a rule judges. Closed: a policy compiles each of them, and the tests have a harness for each.
pub enum Judges {
    /// Pods and pod templates.
    Pod(PodRule),
    /// Who enters a pod that runs already, by what that pod is.
    Exec(PodRule),
}

/// How a rule judges a pod.
pub struct PodRule {
    /// The Pod Security Standards level whose check this rule agrees with.
    pub pss: Option<Pss>,
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
    /// The only fixtures: unit tests, end-to-end tests and help replay them.
    pub examples: &'static [Example],
}

/// [`PodRule::lists`] where debug containers cannot have the field.
pub const NOT_EPHEMERAL: &[ContainerKind] = &[ContainerKind::Init, ContainerKind::Container];

impl PodRule {
    /// What most rules have in common.
    pub const DEFAULT: Self = Self {
        pss: None,
        linux_only: false,
        lists: &ContainerKind::ALL,
        fixes: false,
        implied_by: &[],
        compile: |_| Err(BadParams { field: String::new(), message: String::new() }),
        examples: &[],
    };
}

impl Rule {
    /// How it judges a pod, be it one that comes or one that somebody enters.
    #[must_use]
    pub const fn pod(&self) -> &PodRule {
        match &self.judges {
            Judges::Pod(pod) | Judges::Exec(pod) => pod,
        }
    }
}

impl Rule {
    /// Whether it judges who enters a pod, and not the pod.
    #[must_use]
    pub const fn judges_exec(&self) -> bool {
        matches!(self.judges, Judges::Exec(_))
    }
}

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

    /// PodFeatures of which a pod must have one for anything to be found in it. Most rules mind what is missing, too.
    fn requires(&self) -> PodFeatures {
        PodFeatures::SPEC
    }

    /// Whether it keeps out who connects to a pod of which nothing is known.
    fn denies_unknown(&self) -> bool {
        false
    }

    /// What it needs to know of the cluster.
    fn facts(&self) -> FactKinds {
        FactKinds::empty()
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

/// For [`PodRule::compile`]: absent parameters are the defaults, unknown keys are refused.
///
/// # Errors
/// The field that does not fit, and why.
pub fn compile<P: Check + DeserializeOwned + 'static>(params: Value) -> Result<Box<dyn Check>, BadParams> {
    read_params::<P>(params).map(|check| Box::new(check) as Box<dyn Check>)
}

fn read_params<P: DeserializeOwned>(params: Value) -> Result<P, BadParams> {
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    serde_path_to_error::deserialize::<_, P>(Objects(params)).map_err(|error| BadParams {
        field: match error.path().to_string() {
            root if root == "." => String::new(),
            path => path,
        },
        message: error.into_inner().to_string(),
    })
}

/// The parameters of a rule that has none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// For [`PodRule::compile`] of a rule without parameters.
///
/// # Errors
/// The first parameter that somebody gives it.
pub fn without_params<C: Check + Default + 'static>(params: Value) -> Result<Box<dyn Check>, BadParams> {
    read_params::<NoParams>(params).map(|_| Box::new(C::default()) as Box<dyn Check>)
}

/// For [`Rule::params`].
pub fn params<P: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    P::json_schema(generator)
}

/// For errors: of several names the one that was probably meant, which differs in a quarter of its letters and one at most.
#[must_use]
pub fn nearest_name<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distances = names.map(|name| (strsim::levenshtein(name, given), name));
    distances
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + given.len() / 4)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As most rules are.
    struct Plain;

    impl Check for Plain {
        fn check<'p>(&self, _: &'p Pod<'p>, _: &mut Findings<'p>) {}
    }

    #[test]
    fn a_rule_asks_for_nothing_and_repairs_nothing_unless_it_says_so() {
        let finding = Finding::new(Location::spec(), "a", "b");
        assert!(!Plain.fix(&Pod::default(), &finding, &mut Fix::new(Scope::Pod)));
        assert_eq!(Plain.requires(), PodFeatures::SPEC);
        assert!(!Plain.denies_unknown() && Plain.facts().is_empty());
    }

    #[test]
    fn words_that_programs_read_stay_what_they_are() {
        let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        assert_eq!(severities.map(Severity::as_str), ["low", "medium", "high", "critical"]);
        let levels = [Pss::Baseline, Pss::Restricted, Pss::Both];
        assert_eq!(levels.map(Pss::as_str), ["baseline", "restricted", "baseline, restricted"]);
    }
}
