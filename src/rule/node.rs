//! Rules about nodes: how one judges a host, and its examples.

mod verdict;

pub use verdict::{About, Evidence, Failure, NodeResult, Results, Verdict, VerdictKind};

use super::params::{self, BadParams, NoParams};
use crate::node::Node;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How a rule judges a host.
pub struct NodeRule {
    /// Reads the parameters of a policy into the type that checks: [`compile_node`] or [`node_without_params`].
    pub compile: fn(Value) -> Result<Box<dyn NodeCheck>, BadParams>,
    /// What to do, in general, as a clause of a sentence. Each failure has a command of its own.
    pub instead: &'static str,
    /// The only fixtures: tests and help replay them.
    pub examples: &'static [NodeExample],
}

/// The parameters of a rule, ready to judge hosts.
pub trait NodeCheck: Send + Sync {
    /// Adds a result for everything that the rule is about, at least one.
    fn check(&self, node: &Node, results: &mut Results);
}

/// A host as `crate::host::fake` reads it, and what the rule must say.
#[derive(Debug)]
pub struct NodeExample {
    /// A phrase that names the case, unique in its rule.
    pub name: &'static str,
    /// Parameters as JSON; empty for the defaults.
    pub params: &'static str,
    pub host: &'static str,
    /// `pass`, `fail`, `notApplicable` or `unknown` of each result, and its subject: `fail /etc/docker`. All others may be anything
    /// but `fail`.
    pub results: &'static [&'static str],
}

impl NodeExample {
    /// The moment at which examples are judged, in seconds since 1970: 2026-11-27.
    pub const NOW: i64 = 1_795_737_600;

    /// Whether the rule fails on this host.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.results.iter().any(|result| result.starts_with("fail "))
    }

    /// The parameters as a value; null for the defaults.
    #[must_use]
    pub fn params_value(&self) -> Value {
        serde_json::from_str(self.params).unwrap_or_default()
    }
}

/// For [`NodeRule::compile`]: absent parameters are the defaults, unknown keys are refused.
///
/// # Errors
/// The field that does not fit, and why.
pub fn compile_node<P: NodeCheck + DeserializeOwned + 'static>(params: Value) -> Result<Box<dyn NodeCheck>, BadParams> {
    params::read::<P>(params).map(|check| Box::new(check) as Box<dyn NodeCheck>)
}

/// For [`NodeRule::compile`] of a rule without parameters.
///
/// # Errors
/// The first parameter that the policy gives it.
pub fn node_without_params<C: NodeCheck + Default + 'static>(params: Value) -> Result<Box<dyn NodeCheck>, BadParams> {
    params::read::<NoParams>(params).map(|_| Box::new(C::default()) as Box<dyn NodeCheck>)
}
