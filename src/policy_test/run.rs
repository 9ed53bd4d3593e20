//! Runs the cases of a policy test.

use super::circumstances::Circumstances;
use super::compare::{Mismatch, mismatches};
use super::document::Case;
use super::judge::{Found, judge};
use super::objects::Files;
use super::read::Suite;
use crate::admit::Snapshot;
use crate::facts::FactKinds;
use crate::sources::{SourceErrors, Sources};
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::path::Path;

/// The facts that a case can have. A rule that needs another one finds nothing in a test.
const GIVEN: FactKinds =
    FactKinds::NAMESPACES.union(FactKinds::PODS).union(FactKinds::NETWORK_POLICIES).union(FactKinds::OF_NODES);

/// A policy and one of its rules.
pub type RuleOf = (String, &'static str);

/// What came of a policy test.
#[derive(Debug)]
pub struct SuiteResult<'s> {
    pub suite: &'s Suite,
    pub cases: Vec<CaseResult<'s>>,
    /// The rules that are on, and those of them that a case violates.
    pub rules: BTreeSet<RuleOf>,
    pub violated: BTreeSet<RuleOf>,
}

/// What came of a case.
#[derive(Debug)]
pub struct CaseResult<'s> {
    pub case: &'s Case,
    /// Its index in the test.
    pub index: usize,
    pub line: usize,
    /// What was found, and where it is not what was expected; or why the case could not be judged.
    pub outcome: Result<(Found, Vec<Mismatch>), String>,
}

impl CaseResult<'_> {
    /// Whether all is as expected. A case that expects nothing does not pass.
    #[must_use]
    pub fn passed(&self) -> bool {
        let is_as_expected = self.outcome.as_ref().is_ok_and(|(_, mismatches)| mismatches.is_empty());
        is_as_expected && self.case.expect.is_some()
    }
}

/// Runs the cases whose name is selected.
///
/// # Errors
/// Policies that do not load.
pub fn run<'s>(
    suite: &'s Suite,
    today: Date,
    is_selected: impl Fn(&str) -> bool,
) -> Result<SuiteResult<'s>, SourceErrors> {
    let directory = Path::new(&suite.file).parent().unwrap_or(Path::new(""));
    let policies = policies(suite, directory)?;
    let mut files = Files::new(directory);
    let selected = suite.spec.cases.iter().enumerate().filter(|(_, case)| is_selected(&case.name));
    let cases: Vec<CaseResult<'s>> = selected
        .map(|(index, case)| {
            let circumstances = Circumstances::new(&suite.spec.given, &case.given);
            let found = judge(case, &circumstances, &mut files, &policies, today);
            let outcome = found.map(|found| {
                let mismatches = case.expect.as_ref().map(|expect| mismatches(expect, &found));
                (found, mismatches.unwrap_or_default())
            });
            CaseResult { case, index, line: suite.places.get(index).map_or(1, |at| at.line), outcome }
        })
        .collect();
    let compiled = policies.policies.policies.iter();
    let rules = compiled.flat_map(|policy| {
        let testable = policy.rules.iter().filter(|rule| GIVEN.contains(rule.check.facts()));
        testable.map(|rule| (policy.name.to_string(), rule.rule.id))
    });
    let found = cases.iter().filter_map(|case| case.outcome.as_ref().ok());
    let violations = found.flat_map(|(found, _)| &found.violations);
    let violated = violations.map(|violation| (violation.policy.to_string(), violation.rule.id)).collect();
    Ok(SuiteResult { suite, rules: rules.collect(), violated, cases })
}

fn policies(suite: &Suite, directory: &Path) -> Result<Snapshot, SourceErrors> {
    let named = |value: &String| match crate::policy::builtin(value) {
        Ok(None) => directory.join(value).display().to_string(),
        _ => value.clone(),
    };
    let values: Vec<String> = suite.spec.policies.iter().map(named).collect();
    Sources::new(&values).in_cluster().load(1, usize::MAX)
}
