//! The report as JUnit XML: a suite for each rule, a case for each subject. What is denied is a failure; what is not applicable or
//! unknown is skipped.

use super::{NodeReport, NodeResultReport};
use crate::decide::Effect;
use crate::report::format::junit_escape as escape;
use crate::rule::VerdictKind;
use std::fmt::Write;

/// The report. With `strict`, what is unknown is an error.
#[must_use]
pub fn junit(report: &NodeReport, strict: bool) -> String {
    let mut suites = String::new();
    let mut totals = Counts::default();
    for rule in report.by_rule() {
        let (mut cases, mut counts) = (String::new(), Counts::default());
        for result in &rule {
            case(&mut cases, &report.node, result, strict, &mut counts);
        }
        let name = rule.first().map_or("", |first| first.rule);
        let Counts { tests, failures, errors, skipped } = counts;
        let _ = writeln!(
            suites,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\">\n{cases}  </testsuite>"
        );
        totals.tests += tests;
        totals.failures += failures;
        totals.errors += errors;
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"podreeve\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"0\">\n{suites}</testsuites>\n",
        totals.tests, totals.failures, totals.errors
    )
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

fn case(text: &mut String, node: &str, result: &NodeResultReport, strict: bool, counts: &mut Counts) {
    counts.tests += 1;
    let found = escape(&result.found);
    let inner = match (result.verdict, result.effect) {
        (VerdictKind::Fail, Some(Effect::Deny)) => {
            counts.failures += 1;
            let fix = result.fix.as_deref().unwrap_or_default();
            let wanted = result.wanted.as_deref().unwrap_or_default();
            let body = format!("found {}, wanted {wanted}; {}. To repair it: {fix}", result.found, result.why);
            format!(
                "\n      <failure message=\"found {found}\" type=\"{}\">{}</failure>\n    ",
                result.severity,
                escape(&body)
            )
        }
        (VerdictKind::Unknown, _) if strict => {
            counts.errors += 1;
            format!("\n      <error message=\"{found}\" type=\"unknown\"></error>\n    ")
        }
        (VerdictKind::Unknown | VerdictKind::NotApplicable, _) => {
            counts.skipped += 1;
            format!("\n      <skipped message=\"{found}\" type=\"{}\"></skipped>\n    ", result.verdict)
        }
        (VerdictKind::Fail, _) => format!("\n      <system-out>{}: found {found}</system-out>\n    ", result.severity),
        (VerdictKind::Pass, _) => String::new(),
    };
    let _ = writeln!(
        text,
        "    <testcase name=\"{}\" classname=\"{}.{}\" time=\"0\">{inner}</testcase>",
        escape(&result.subject),
        escape(node),
        result.rule
    );
}
