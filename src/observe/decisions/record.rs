//! The fields of a decision's log line, for programs that read the log. `docs/decision-line.schema.json` is generated from
//! these types. Fields are added but never changed.

use crate::admit::Hook;
use crate::decide::Effect;
use crate::outcome::Verdict;
use crate::policy::{Action, Mode};
use crate::rule::Severity;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The target of every decision line, which no other line has.
pub const TARGET: &str = "podreeve::decision";
/// The longest line in bytes, its end included. containerd splits longer ones.
pub const LINE_MAX: usize = 16 * 1024;

/// A line of the decision log, as `serve --log-format json` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "podreeve decision line")]
pub struct DecisionLine {
    /// When the line was written (UTC).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub timestamp: Timestamp,
    #[schemars(extend("const" = "INFO"))]
    pub level: String,
    /// No other line of the log has this target.
    #[schemars(extend("const" = "podreeve::decision"))]
    pub target: String,
    #[schemars(extend("const" = "decided"))]
    pub message: String,
    /// Which webhook was called: `mutate` for repairs, then `validate` for the verdict.
    pub hook: Hook,
    /// The id of the request. A denial ends with its first 8 characters.
    pub uid: String,
    /// The user who sent the request, as the API server knows them.
    pub user: String,
    /// The caller showed no certificate, so that all names in the line are the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["unauthenticated"]))]
    pub caller: Option<String>,
    /// CREATE, UPDATE, DELETE or CONNECT.
    pub operation: String,
    pub kind: String,
    /// `exec` and so on, where the request is for a part of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_resource: Option<String>,
    pub namespace: String,
    /// The object's name. A pod that the API server names later has its prefix and a `*`.
    pub name: String,
    /// Whether the API server stores nothing of the request.
    #[serde(default)]
    pub dry_run: bool,
    /// The mode of podreeve: the most that it does.
    #[serde(default)]
    pub mode: Mode,
    pub verdict: Verdict,
    /// Why the request could not be judged, which mode deny denies, or why the object is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What the answer left out for a caller without a certificate, or the reason of a warning that is of no rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The labels `pod-security.kubernetes.io/*` of the namespace count in the verdict, in the policies `pss-*`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pod_security_labels: bool,
    /// Every rule that found something, with its effects.
    pub rules: Vec<RuleCount>,
    /// How long the answer took, in microseconds.
    pub micros: u64,
    /// The violations, by container, then rule: the worst, as many as fit into 16 KiB.
    #[serde(default)]
    pub violations: Vec<ViolationRecord>,
    /// How many violations are not in the list. `rules` counts all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// How often a rule was violated with one effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleCount {
    pub rule: String,
    pub effect: Effect,
    pub count: usize,
    /// How many of them mode deny would deny, where the running mode or its settings do not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub would_deny: usize,
    /// How many of them mode deny would repair.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub would_patch: usize,
}

/// One violation of one rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViolationRecord {
    pub rule: String,
    /// What happened with it.
    pub effect: Effect,
    pub severity: Severity,
    /// The policy that is strictest about it.
    pub policy: String,
    /// The action of that policy. An exemption, a rollout, or an update that brings nothing new makes the effect milder.
    #[schemars(with = "String", extend("enum" = ["audit", "warn", "patch", "deny"]))]
    pub action: Action,
    /// The container's name; absent for a violation of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The list of the pod that has the container; absent for a violation of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["initContainers", "containers", "ephemeralContainers"]))]
    pub container_kind: Option<String>,
    /// The judged field as people write it, in the object that was sent.
    pub field: String,
    /// The value that was found. It is never a secret.
    pub found: String,
    /// What would pass.
    pub wanted: String,
    /// The exemption that covers it: `Exemption namespace/name`, or `spec.exemptions[0]` of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
    /// Why it was not denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<NoteWord>,
    /// With the note `would-be-denied`: what holds the denial back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<HeldByWord>,
    /// The last day (UTC) of the exemption, of the policy's rollout, or of `denyAfter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Why a violation was not denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum NoteWord {
    /// The object had the violation before the update.
    Preexisting,
    /// Its pods are repaired when they are created.
    WillBePatched,
    /// The policy only warns up to the day `until`.
    WarnedUntil,
    /// The exemption ends on the day `until`, which is near.
    ExemptUntil,
    /// Mode deny would deny it.
    WouldBeDenied,
    /// Mode deny would repair it.
    WouldBePatched,
}

/// What holds a denial back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum HeldByWord {
    /// The mode.
    Mode,
    /// `denyFrom`: the violation is milder.
    Severity,
    /// `denyAfter`: up to the day `until`.
    Date,
}

impl ViolationRecord {
    /// Whether it was denied, or would be in mode deny.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.effect == Effect::Deny || self.note == Some(NoteWord::WouldBeDenied)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
