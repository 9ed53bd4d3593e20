//! The results as JUnit XML: a test suite for each policy test, a test case for each of its cases.

use super::super::run::{CaseResult, SuiteResult};
use super::Results;
use super::text::failure_text;
use crate::report::format::junit_escape as escape;
use std::fmt::Write;

/// The whole document.
#[must_use]
pub fn junit(results: &Results<'_>) -> String {
    let mut suites: String = results.suites.iter().map(suite).collect();
    for error in &results.errors {
        let (file, text) = (escape(&error.file), escape(&error.to_string()));
        let _ = writeln!(
            suites,
            "  <testsuite name=\"{file}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0\">\n    \
             <testcase name=\"unreadable\" classname=\"{file}\" time=\"0\">\n      \
             <error message=\"{}\" type=\"unreadable\">{text}</error>\n    </testcase>\n  </testsuite>",
            escape(&error.message)
        );
    }
    let summary = results.summary();
    let tests = summary.cases + results.errors.len();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"podreeve test\" tests=\"{tests}\" failures=\"{}\" \
         errors=\"{}\" time=\"0\">\n{suites}</testsuites>\n",
        summary.failed, summary.errors
    )
}

fn suite(result: &SuiteResult<'_>) -> String {
    let errors = result.cases.iter().filter(|case| case.outcome.is_err()).count();
    let failures = result.cases.iter().filter(|case| !case.passed()).count() - errors;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "  <testsuite name=\"{} ({})\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"0\">",
        escape(&result.suite.file),
        escape(&result.suite.name),
        result.cases.len(),
    );
    result.cases.iter().for_each(|case| self::case(&mut text, result, case));
    text.push_str("  </testsuite>\n");
    text
}

fn case(text: &mut String, result: &SuiteResult<'_>, case: &CaseResult<'_>) {
    let open = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"0\"",
        escape(&case.case.name),
        escape(&result.suite.file)
    );
    if case.passed() {
        let _ = writeln!(text, "{open}/>");
        return;
    }
    let element = if case.outcome.is_err() { "error" } else { "failure" };
    let _ = writeln!(
        text,
        "{open}>\n      <{element} message=\"{}\" type=\"{element}\">{}</{element}>\n    </testcase>",
        escape(&message(case)),
        escape(&failure_text(result, case)),
    );
}

/// What is wrong, in one line.
fn message(case: &CaseResult<'_>) -> String {
    match &case.outcome {
        Err(error) => error.clone(),
        Ok(_) if case.case.expect.is_none() => "it has no `expect`".to_owned(),
        Ok((_, mismatches)) => {
            let mut keys: Vec<&str> =
                mismatches.iter().filter_map(|mismatch| mismatch.pointer.split('/').nth(1)).collect();
            keys.dedup();
            format!("not as expected: {}", keys.join(", "))
        }
    }
}
