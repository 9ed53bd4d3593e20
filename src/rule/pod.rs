//! Rules about pods: how one judges, what it finds, and what it repairs.

pub mod check;
pub mod edit;
pub mod example;
mod finding;
pub mod fix;
pub mod implied;
pub mod location;
pub mod pss;

use super::params::{self, BadParams, NoParams};
use crate::workload::ContainerKind;
use check::Check;
use example::Example;
use implied::Cause;
use pss::Pss;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How a rule judges a pod.
pub struct PodRule {
    /// The Pod Security Standards level whose check this rule agrees with.
    pub pss: Option<Pss>,
    /// The rule skips pods with `spec.os.name: windows`, because the API has no such field there.
    pub linux_only: bool,
    /// The container lists in which the API has the fields that the rule judges. A debug container, for one, can have no
    /// resources, ports or probes. A rule about fields of the pod itself has all lists.
    pub lists: &'static [ContainerKind],
    /// Whether [`Check::fix`] can repair anything; help says so.
    pub fixes: bool,
    /// What to do where no edit repairs a violation, as a clause of a sentence; empty where the edits always do.
    pub instead: &'static str,
    /// Where the image of a container is known, the rule judges what it brings, too.
    pub judges_image: bool,
    /// Whether help shows an edit. False where most API servers refuse the field that it sets.
    pub shows_edit: bool,
    /// Rules whose violation at the same place says all that this one would say: this one is then not reported, and an
    /// exemption from the cause covers it. They come earlier in [`crate::rules::RULES`].
    pub implied_by: &'static [Cause],
    /// Reads the parameters of a policy into the type that checks: [`compile`] or [`without_params`].
    pub compile: fn(Value) -> Result<Box<dyn Check>, BadParams>,
    /// A parameter without which the rule makes no sense unless it is off, and what would be without it.
    pub needs: Option<(&'static str, &'static str)>,
    /// The only fixtures: unit tests, end-to-end tests and help replay them.
    pub examples: &'static [Example],
}

/// [`PodRule::lists`] where debug containers cannot have the field.
pub const NOT_EPHEMERAL: &[ContainerKind] = &[ContainerKind::Init, ContainerKind::Container];

impl PodRule {
    /// What most rules have in common. Each rule sets `compile` itself; a test compiles the defaults of all rules.
    pub const DEFAULT: Self = Self {
        pss: None,
        linux_only: false,
        lists: &ContainerKind::ALL,
        fixes: false,
        instead: "",
        judges_image: false,
        shows_edit: true,
        implied_by: &[],
        compile: |_| {
            let message =
                "the rule has no `compile`; set it in the rule's file, to compile::<...> or without_params::<...>";
            Err(BadParams { field: String::new(), message: message.to_owned() })
        },
        needs: None,
        examples: &[],
    };

    /// The lists in which the example's container can be: one list is enough for an example of the pod.
    #[must_use]
    pub const fn lists_of(&self, example: &Example) -> &'static [ContainerKind] {
        match (example.is_container(), example.no_debug) {
            (false, _) => &[ContainerKind::Container],
            (true, true) => NOT_EPHEMERAL,
            (true, false) => self.lists,
        }
    }

    /// Whether the example can be replayed as a pod alone, with its container in `containers`.
    #[must_use]
    pub fn is_plain(&self, example: &Example) -> bool {
        example.is_plain() && (!example.is_container() || self.lists.contains(&ContainerKind::Container))
    }
}

/// For [`PodRule::compile`]: absent parameters are the defaults, unknown keys are refused.
///
/// # Errors
/// The field that does not fit, and why.
pub fn compile<P: Check + DeserializeOwned + 'static>(params: Value) -> Result<Box<dyn Check>, BadParams> {
    params::read::<P>(params).map(|check| Box::new(check) as Box<dyn Check>)
}

/// For [`PodRule::compile`] of a rule without parameters.
///
/// # Errors
/// The first parameter that the policy gives it.
pub fn without_params<C: Check + Default + 'static>(params: Value) -> Result<Box<dyn Check>, BadParams> {
    params::read::<NoParams>(params).map(|_| Box::new(C::default()) as Box<dyn Check>)
}
