//! The report of `why -o json`. Its JSON schema, `docs/why-report.schema.json`, is generated from these types. Fields are added
//! but never changed.

use super::changes::changes;
use super::logs::Found;
use crate::decide::Effect;
use crate::observe::decisions::record::DecisionLine;
use crate::policy::document::API_VERSION;
use crate::rules;
use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What `podreeve why -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve why report")]
pub struct WhyReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "WhyReport"))]
    pub kind: &'static str,
    /// The id or the object of the command line.
    pub wanted: String,
    pub read: ReadReport,
    /// The oldest first, and the newest 200 at most.
    pub decisions: Vec<ExplainedDecision>,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadReport {
    pub lines: usize,
    pub decisions: usize,
    /// Decisions that are cut off, or that a newer podreeve wrote.
    pub unreadable: usize,
    /// Decisions that were looked for and found.
    pub matching: usize,
    /// The time of the first decision and of the last one.
    #[schemars(with = "Option<String>")]
    pub first: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
}

impl ReadReport {
    pub fn add(&mut self, at: Timestamp) {
        self.decisions += 1;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }
}

/// A decision, and what would change it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedDecision {
    /// File and line of the log.
    pub place: String,
    /// The line, as `docs/decision-line.schema.json` describes it.
    pub decision: DecisionLine,
    /// The rules that found something.
    pub rules: Vec<RuleReport>,
    /// What would change the decision.
    pub changes: Vec<Change>,
}

/// A rule in words.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    pub rule: String,
    pub effect: Effect,
    pub count: usize,
    /// What must hold. Empty for a rule that this podreeve does not know.
    pub title: &'static str,
    /// What an attacker or a fault does with a violation.
    pub why: &'static str,
    /// Items of the OWASP list.
    pub owasp: &'static [u8],
}

/// One way to another decision.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub how: How,
    pub text: String,
    /// A command to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Exemption objects to apply.
    pub objects: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum How {
    /// Change the object.
    Repair,
    /// Exempt the violations.
    Exempt,
    /// Change the namespace's labels `pod-security.kubernetes.io/*`.
    Labels,
    /// Change the policy.
    Policy,
    /// Change the mode of podreeve.
    Mode,
    /// The decision changes by itself on a day.
    Wait,
}

impl Change {
    #[must_use]
    pub const fn new(how: How, text: String) -> Self {
        Self { how, text, command: None, objects: Vec::new() }
    }
}

impl WhyReport {
    #[must_use]
    pub fn new(wanted: String, read: ReadReport, decisions: Vec<ExplainedDecision>) -> Self {
        Self { api_version: API_VERSION, kind: "WhyReport", wanted, read, decisions }
    }
}

impl ExplainedDecision {
    #[must_use]
    pub fn new(found: Found, today: Date) -> Self {
        let Found { place, line } = found;
        let rules = line.rules.iter().map(|count| {
            let known = rules::find(&count.rule);
            RuleReport {
                rule: count.rule.clone(),
                effect: count.effect,
                count: count.count,
                title: known.map_or("", |rule| rule.title),
                why: known.map_or("", |rule| rule.why),
                owasp: known.map_or(&[], |rule| rule.owasp),
            }
        });
        let (rules, changes) = (rules.collect(), changes(&line, today));
        Self { place, decision: line, rules, changes }
    }
}
