//! What a rule says about a host.

use crate::node::config::{Config, Setting, Source};
use crate::rule::Severity;
use crate::text::clean;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

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

impl Verdict {
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Pass(_) => VerdictKind::Pass,
            Self::Fail(_) => VerdictKind::Fail,
            Self::NotApplicable(_) => VerdictKind::NotApplicable,
            Self::Unknown(_) => VerdictKind::Unknown,
        }
    }
}

/// A verdict without its evidence, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum VerdictKind {
    NotApplicable,
    Pass,
    Unknown,
    Fail,
}

impl VerdictKind {
    pub const ALL: [Self; 4] = [Self::NotApplicable, Self::Pass, Self::Unknown, Self::Fail];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "notApplicable",
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was found, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    found: String,
    source: String,
    /// Why it is no evidence: what the product does without a setting is not known.
    #[serde(skip)]
    unknown: Option<String>,
}

impl Evidence {
    #[must_use]
    pub fn new(found: impl Into<String>, source: impl ToString) -> Self {
        Self { found: line(&found.into()), source: line(&source.to_string()), unknown: None }
    }

    #[must_use]
    pub fn of(key: &str, setting: &Setting) -> Self {
        Self::by(format!("{key}={}", setting.display()), &setting.source)
    }

    /// What follows from a setting. By one whose value is not known, every verdict is unknown.
    #[must_use]
    pub fn by(found: impl Into<String>, source: &Source) -> Self {
        let unknown = if let Source::Unknown(why) = source { Some(why.clone()) } else { None };
        Self { unknown, ..Self::new(found, source) }
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
    pub fn pass(&mut self, about: About<'_>, evidence: Evidence) {
        if let Some(why) = evidence.unknown {
            return self.unknown(about, why);
        }
        self.add(about, Verdict::Pass(evidence));
    }

    /// A violation: `wanted` would pass, and `fix` is one command that repairs it.
    pub fn fail(
        &mut self,
        about: About<'_>,
        severity: Severity,
        evidence: Evidence,
        wanted: impl Into<String>,
        fix: impl Into<String>,
    ) {
        if let Some(why) = evidence.unknown {
            return self.unknown(about, why);
        }
        let (wanted, fix) = (line(&wanted.into()), whole_line(&fix.into()));
        self.add(about, Verdict::Fail(Failure { evidence, wanted, fix, severity }));
    }

    pub fn not_applicable(&mut self, about: About<'_>, why: impl Into<String>) {
        self.add(about, Verdict::NotApplicable(line(&why.into())));
    }

    pub fn unknown(&mut self, about: About<'_>, why: impl Into<String>) {
        self.add(about, Verdict::Unknown(line(&why.into())));
    }

    fn add(&mut self, about: About<'_>, verdict: Verdict) {
        let About { subject, owasp, cis } = about;
        let cis = cis.iter().map(|id| (*id).to_owned()).collect();
        self.all.push(NodeResult { subject: subject.to_owned(), verdict, owasp: owasp.to_vec(), cis });
    }

    /// Says `unknown` for a daemon whose settings may not be those on disk. Returns whether it did.
    pub fn doubtful(&mut self, about: About<'_>, config: &Config) -> bool {
        match config.doubts.first() {
            Some(why) => {
                self.unknown(about, why.clone());
                true
            }
            None => false,
        }
    }
}

/// What a result is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// A file, or a daemon.
    pub subject: &'a str,
    /// Items of the OWASP list, where they are not all of the rule's.
    pub owasp: &'a [u8],
    /// Items of the CIS benchmarks.
    pub cis: &'a [&'a str],
}

impl<'a> About<'a> {
    /// A result about all OWASP items of its rule.
    #[must_use]
    pub const fn new(subject: &'a str, cis: &'a [&'a str]) -> Self {
        Self { subject, owasp: &[], cis }
    }
}

/// The longest text of a result.
const LONGEST: usize = 1000;

/// The longest command that repairs. A part of a command would do something else.
const LONGEST_FIX: usize = 4000;

/// A command in one line, or a sentence where it is too long.
fn whole_line(fix: &str) -> String {
    match clean(fix, LONGEST_FIX) {
        fix if fix.ends_with('…') => "repair it by hand: the command is longer than podreeve prints".to_owned(),
        fix => line_of(fix),
    }
}

/// A text in one line, which says something: files of a host may hold anything, or nothing.
fn line(text: &str) -> String {
    line_of(clean(text, LONGEST))
}

fn line_of(text: String) -> String {
    if text.trim().is_empty() { "nothing".to_owned() } else { text }
}
