//! What a rule says about a host.

use super::config::{Config, Setting};
use crate::rule::Severity;
use serde::{Deserialize, Serialize};

/// What a rule says about one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// With the evidence: there is no way to pass without it.
    Pass(Evidence),
    Fail(Failure),
    /// The evidence that the rule is about nothing here.
    NotApplicable(String),
    /// The reason.
    Unknown(String),
}

/// What was found, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    found: String,
    source: String,
}

impl Evidence {
    #[must_use]
    pub fn new(found: impl Into<String>, source: impl ToString) -> Self {
        Self { found: found.into(), source: source.to_string() }
    }

    #[must_use]
    pub fn of(key: &str, setting: &Setting) -> Self {
        Self::new(format!("{key}={}", setting.display()), &setting.source)
    }

    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A violation: what was found, what would pass, where, and one command that repairs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub evidence: Evidence,
    pub wanted: String,
    pub fix: String,
    pub severity: Severity,
}

/// One result of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeResult {
    /// What it is about: a file, or a daemon.
    pub subject: String,
    pub verdict: Verdict,
    /// Items of the OWASP list that this result is about, where they are not all of the rule's.
    pub owasp: Vec<u8>,
    /// Items of the CIS benchmarks: `D2.2` of Docker's, `K4.2.1` of Kubernetes'.
    pub cis: Vec<String>,
}

/// The results of one rule, in the order in which it found them.
#[derive(Debug, Default)]
pub struct Results {
    pub all: Vec<NodeResult>,
}

impl Results {
    pub fn pass(&mut self, subject: impl Into<String>, evidence: Evidence) -> &mut NodeResult {
        self.add(subject, Verdict::Pass(evidence))
    }

    pub fn fail(
        &mut self,
        subject: impl Into<String>,
        severity: Severity,
        evidence: Evidence,
        wanted: impl Into<String>,
        fix: impl Into<String>,
    ) -> &mut NodeResult {
        self.add(subject, Verdict::Fail(Failure { evidence, wanted: wanted.into(), fix: fix.into(), severity }))
    }

    pub fn not_applicable(&mut self, subject: impl Into<String>, why: impl Into<String>) -> &mut NodeResult {
        self.add(subject, Verdict::NotApplicable(why.into()))
    }

    pub fn unknown(&mut self, subject: impl Into<String>, why: impl Into<String>) -> &mut NodeResult {
        self.add(subject, Verdict::Unknown(why.into()))
    }

    fn add(&mut self, subject: impl Into<String>, verdict: Verdict) -> &mut NodeResult {
        let result = NodeResult { subject: subject.into(), verdict, owasp: Vec::new(), cis: Vec::new() };
        self.all.push_mut(result)
    }

    /// Says `unknown` for a daemon whose settings may not be those on disk. Returns whether it did.
    pub fn doubtful(&mut self, subject: &str, config: &Config) -> bool {
        match config.doubts.first() {
            Some(why) => {
                self.unknown(subject, why.clone());
                true
            }
            None => false,
        }
    }
}

impl NodeResult {
    /// Says which items of the lists it is about.
    pub fn about(&mut self, owasp: &[u8], cis: &[&str]) {
        self.owasp = owasp.to_vec();
        self.cis = cis.iter().map(|id| (*id).to_owned()).collect();
    }
}
