//! The report of `podreeve test -o json`. Its JSON schema, `docs/test-report.schema.json`, is generated from these types. Fields are added
//! but never changed.

mod junit;
mod text;

pub use junit::junit;
pub use text::{TextOptions, text};

use super::compare::{Mismatch, expectation};
use super::document::Expect;
use super::run::{CaseResult, RuleOf, SuiteResult};
use crate::decide::Effect;
use crate::report::FileError;
use crate::rule::Severity;
use crate::text::dotted;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What `podreeve test -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve test report")]
pub struct TestReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "TestReport"))]
    pub kind: &'static str,
    /// Each case that ran, in the order of the files.
    pub cases: Vec<CaseReport>,
    /// What could not be read: files, and policies that do not load.
    pub errors: Vec<FileError>,
    /// With `--coverage`: the rules of the tested policies that no case violates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncovered: Option<Vec<Uncovered>>,
    pub summary: TestSummary,
}

/// A case, what was expected, and what was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseReport {
    pub file: String,
    /// Where the case begins in the file, from 1.
    pub line: usize,
    /// The name of the policy test.
    pub test: String,
    /// The name of the case.
    pub name: String,
    pub passed: bool,
    /// Why the case could not be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Null where the case expects nothing, so that it does not pass.
    pub expected: Option<Expect>,
    /// Null where the case could not be judged.
    pub found: Option<Expect>,
    /// Why the object could not be judged, which is a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The message of the denial, and the warnings.
    pub messages: Vec<String>,
    /// Keys of the object that have no meaning at their place.
    pub hints: Vec<String>,
    /// The places below `expect` where something else was found.
    pub mismatches: Vec<MismatchReport>,
    pub violations: Vec<TestViolation>,
}

/// A place below `expect` where something else was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MismatchReport {
    /// JSON pointer below `expect`.
    pub pointer: String,
    pub expected: Value,
    /// Null for a text that no message has.
    pub found: Value,
}

/// A violation that was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestViolation {
    pub rule: &'static str,
    pub policy: String,
    pub effect: Effect,
    pub severity: Severity,
    /// What violates it: `container "app"`, or `pod`.
    pub subject: String,
    /// The field, with dots.
    pub field: String,
    pub found: String,
    pub wanted: String,
    /// The exemption that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
}

/// A rule that no case violates.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uncovered {
    pub policy: String,
    pub rule: String,
}

/// How many cases there were.
#[derive(Debug, Default, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestSummary {
    pub cases: usize,
    pub passed: usize,
    pub failed: usize,
    /// Cases that could not be judged, and files that could not be read.
    pub errors: usize,
}

/// All results of a run.
#[derive(Debug, Default)]
pub struct Results<'s> {
    pub suites: Vec<SuiteResult<'s>>,
    pub errors: Vec<FileError>,
    /// Only with `--coverage`.
    pub uncovered: Option<Vec<RuleOf>>,
}

impl Results<'_> {
    #[must_use]
    pub fn summary(&self) -> TestSummary {
        let mut summary = TestSummary { errors: self.errors.len(), ..TestSummary::default() };
        for case in self.suites.iter().flat_map(|suite| &suite.cases) {
            summary.cases += 1;
            match (&case.outcome, case.passed()) {
                (Err(_), _) => summary.errors += 1,
                (Ok(_), true) => summary.passed += 1,
                (Ok(_), false) => summary.failed += 1,
            }
        }
        summary
    }

    #[must_use]
    pub fn report(self) -> TestReport {
        let summary = self.summary();
        let of_suite =
            |suite: &SuiteResult<'_>| suite.cases.iter().map(|case| of_case(suite, case)).collect::<Vec<_>>();
        let uncovered = self.uncovered.map(|uncovered| {
            let rule = |(policy, rule): RuleOf| Uncovered { policy, rule: rule.to_owned() };
            uncovered.into_iter().map(rule).collect()
        });
        TestReport {
            api_version: crate::policy::document::API_VERSION,
            kind: "TestReport",
            cases: self.suites.iter().flat_map(of_suite).collect(),
            errors: self.errors,
            uncovered,
            summary,
        }
    }
}

fn of_case(result: &SuiteResult<'_>, case: &CaseResult<'_>) -> CaseReport {
    let (found, error) = match &case.outcome {
        Ok(found) => (Some(found), None),
        Err(error) => (None, Some(error.clone())),
    };
    let mismatches = found.map(|(_, mismatches)| mismatches.iter()).into_iter().flatten();
    let mismatch = |mismatch: &Mismatch| MismatchReport {
        pointer: mismatch.pointer.clone(),
        expected: mismatch.expected.clone(),
        found: mismatch.found.clone(),
    };
    let violations = found.map(|(found, _)| found.violations.iter()).into_iter().flatten();
    let violation = |violation: &crate::outcome::Violation| TestViolation {
        rule: violation.rule.id,
        policy: violation.policy.to_string(),
        effect: violation.effect,
        severity: violation.severity,
        subject: violation.subject.to_string(),
        field: dotted(&violation.field),
        found: violation.found.to_string(),
        wanted: violation.wanted.to_string(),
        exemption: violation.exemption.as_ref().map(|exemption| exemption.name.clone()),
    };
    CaseReport {
        file: result.suite.file.clone(),
        line: case.line,
        test: result.suite.name.clone(),
        name: case.case.name.clone(),
        passed: case.passed(),
        error,
        expected: case.case.expect.clone(),
        found: found.map(|(found, _)| expectation(found)),
        problem: found.and_then(|(found, _)| found.problem.clone()),
        messages: found.map(|(found, _)| found.messages.clone()).unwrap_or_default(),
        hints: found.map(|(found, _)| found.hints.clone()).unwrap_or_default(),
        mismatches: mismatches.map(mismatch).collect(),
        violations: violations.map(violation).collect(),
    }
}
