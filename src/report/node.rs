//! The report of `podreeve node`. Its JSON schema, `docs/node-report.schema.json`, is generated from these types. Fields are added but
//! never changed.

pub mod html;
mod judge;
pub mod junit;
mod object;
pub mod text;

use crate::decide::Effect;
use crate::policy::Action;
use crate::rule::{Severity, VerdictKind};
use jiff::civil::Date;
pub use judge::judge;
use schemars::JsonSchema;
use serde::Serialize;

/// What `podreeve node -o json` prints.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve node report")]
pub struct NodeReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "NodeReport"))]
    pub kind: &'static str,
    /// The name of the node.
    pub node: String,
    /// When it was read.
    pub taken: String,
    /// Its operating system and kernel, as far as they are known.
    pub system: String,
    /// In the order of the table of rules, and then of what each rule looks at.
    pub results: Vec<NodeResultReport>,
    pub summary: NodeSummary,
}

/// What one rule says about one file, daemon or setting.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeResultReport {
    pub rule: &'static str,
    pub verdict: VerdictKind,
    pub severity: Severity,
    /// What it is about: `/etc/docker/daemon.json`, `dockerd: icc`. It stays when the daemon restarts.
    pub subject: String,
    /// What was found; the reason, where the verdict is `notApplicable` or `unknown`.
    pub found: String,
    /// What would pass; null unless it fails.
    pub wanted: Option<String>,
    /// Where it was found: a file with its line, an argument of a process, or the default of a product.
    pub source: Option<String>,
    /// A command, or what to do, that repairs it; null unless it fails.
    pub fix: Option<String>,
    /// What an attacker or a fault does with the violation.
    pub why: &'static str,
    /// The policy that is strictest about it, and its action.
    pub policy: String,
    #[schemars(with = "String", extend("enum" = ["audit", "warn", "deny"]))]
    pub action: Action,
    /// The effect of a failure: an exemption, a rollout or the mode may soften the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Why a failure is not denied, though the action is `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The exemption that covers a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<NodeExemptionReport>,
    /// Items of the OWASP list.
    pub owasp: Vec<u8>,
    /// Items of the CIS benchmarks: `D2.2` of Docker's, `K4.2.1` of Kubernetes'.
    pub cis: Vec<String>,
    /// The same for this result in every report of the node: 32 hexadecimal digits.
    pub fingerprint: String,
}

/// An exemption of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeExemptionReport {
    pub reason: String,
    /// The last day on which it holds.
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
}

/// The totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeSummary {
    pub pass: usize,
    /// All failures. The four after it are those by their effect.
    pub fail: usize,
    pub denied: usize,
    pub warned: usize,
    pub audited: usize,
    pub exempt: usize,
    pub not_applicable: usize,
    pub unknown: usize,
}

impl NodeSummary {
    fn of(results: &[NodeResultReport]) -> Self {
        let verdict = |kind: VerdictKind| results.iter().filter(|result| result.verdict == kind).count();
        let effect = |effect: Effect| results.iter().filter(|result| result.effect == Some(effect)).count();
        Self {
            pass: verdict(VerdictKind::Pass),
            fail: verdict(VerdictKind::Fail),
            denied: effect(Effect::Deny),
            warned: effect(Effect::Warn),
            audited: effect(Effect::Audit),
            exempt: effect(Effect::Exempt),
            not_applicable: verdict(VerdictKind::NotApplicable),
            unknown: verdict(VerdictKind::Unknown),
        }
    }
}

impl NodeReport {
    /// The results of each rule that has one, rules with the worst failure first, and in a rule the worst result first.
    #[must_use]
    pub fn by_rule(&self) -> Vec<Vec<&NodeResultReport>> {
        let mut rules: Vec<Vec<&NodeResultReport>> = Vec::new();
        for result in &self.results {
            match rules.last_mut().filter(|rule| rule.first().is_some_and(|first| first.rule == result.rule)) {
                Some(rule) => rule.push(result),
                None => rules.push(vec![result]),
            }
        }
        // These sorts keep the order of equal ones.
        for rule in &mut rules {
            rule.sort_by_key(|result| std::cmp::Reverse(result.rank()));
        }
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.first().map(|worst| worst.rank())));
        rules
    }

    /// Whether something is unknown because podreeve may not read it.
    #[must_use]
    pub fn lacks_rights(&self) -> bool {
        let denied = |result: &NodeResultReport| result.found.contains("permission denied");
        self.results.iter().any(|result| result.verdict == VerdictKind::Unknown && denied(result))
    }
}

impl NodeResultReport {
    /// How bad it is: the verdict, the effect of a failure, its severity.
    #[must_use]
    pub fn rank(&self) -> (VerdictKind, Option<Effect>, Option<Severity>) {
        (self.verdict, self.effect, self.effect.map(|_| self.severity))
    }

    /// One that an operator must act on: a failure that is denied or warned of.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.effect.is_some_and(|effect| effect >= Effect::Warn)
    }
}
