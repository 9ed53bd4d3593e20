//! Reads the reports of `image`, `node`, `scan` and `check`, as far as the list needs them.

mod agent;

pub use agent::node_in_cluster;

use super::{Found, ItemVerdict, Place, Subject};
use crate::decide::Effect;
use crate::report::ObjectReport;
use crate::rules::RULES;
use crate::text::clean;
use serde::Deserialize;

/// A report of podreeve as JSON. Fields are added to reports, so unknown ones are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    kind: String,
    image: Option<String>,
    digest: Option<String>,
    trust: Option<serde::de::IgnoredAny>,
    node: Option<String>,
    #[serde(default)]
    violations: Vec<Violation>,
    #[serde(default)]
    results: Vec<NodeResult>,
    #[serde(default)]
    objects: Vec<Object>,
    #[serde(default)]
    owners: Vec<Object>,
    summary: Option<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    owners: usize,
    #[serde(default)]
    errors: usize,
}

/// An object of `check`, or an owner of `scan`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(default)]
    file: String,
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
    problem: Option<String>,
    #[serde(default)]
    problems: Vec<String>,
    violations: Vec<Violation>,
}

#[derive(Deserialize)]
struct Violation {
    rule: String,
    effect: Effect,
    #[serde(alias = "place")]
    field: String,
    found: String,
    wanted: String,
    note: Option<String>,
    /// Nothing was found, because the rule could not see it.
    #[serde(default)]
    unknown: bool,
    owasp: Vec<u8>,
}

#[derive(Deserialize)]
struct NodeResult {
    rule: String,
    verdict: String,
    subject: String,
    #[serde(default)]
    found: Option<String>,
    #[serde(default)]
    wanted: Option<String>,
    #[serde(default)]
    fix: Option<String>,
    #[serde(default)]
    source: Option<String>,
    effect: Option<Effect>,
    note: Option<String>,
    exemption: Option<Exemption>,
    owasp: Vec<u8>,
}

#[derive(Deserialize)]
struct Exemption {
    reason: String,
    until: Option<String>,
}

/// The subjects of a report.
///
/// # Errors
/// The text is no report, or one that the list cannot use.
pub fn subjects(text: &str) -> Result<Vec<Subject>, String> {
    let report: Report = serde_json::from_str(text)
        .map_err(|error| format!("is no report of podreeve as JSON: {error}; make it again with this version"))?;
    match report.kind.as_str() {
        "ImageReport" => Ok(vec![image(report)]),
        "NodeReport" => Ok(vec![node(report)]),
        "CheckReport" => Ok(report.objects.into_iter().map(object).collect()),
        "ScanReport" => Ok(scanned(report)),
        other => Err(format!(
            "is a {}; name what `podreeve image`, `node`, `scan` or `check` prints with -o json",
            clean(other, 60)
        )),
    }
}

/// Owners without findings are counted in the summary alone.
fn scanned(report: Report) -> Vec<Subject> {
    let Summary { owners, errors } = report.summary.unwrap_or(Summary { owners: 0, errors: 0 });
    let silent = owners.saturating_sub(report.owners.len());
    let mut subjects: Vec<Subject> = report.owners.into_iter().map(object).collect();
    let other =
        |problem| Subject { place: Place::Workload, name: "(a workload)".to_owned(), problem, found: Vec::new() };
    subjects.extend(std::iter::repeat_with(|| other(None)).take(silent));
    if errors > 0 {
        subjects.push(other(Some("the scan could not read all kinds".to_owned())));
    }
    subjects
}

fn image(report: Report) -> Subject {
    let name = report.image.unwrap_or_default();
    let digest = report.digest.map(|digest| format!(" ({digest})")).unwrap_or_default();
    Subject {
        place: Place::Image { trust: report.trust.is_some() },
        name: format!("image {}{}", clean(&name, 300), clean(&digest, 100)),
        problem: None,
        found: report.violations.into_iter().map(violation).collect(),
    }
}

fn node(report: Report) -> Subject {
    Subject {
        place: Place::Node,
        name: format!("node {}", clean(&report.node.unwrap_or_default(), 253)),
        problem: report.results.is_empty().then(|| "the report has no results".to_owned()),
        found: report.results.into_iter().map(of_node).collect(),
    }
}

/// The subject of an object that was judged in this process.
#[must_use]
pub fn of_object(object: ObjectReport) -> Subject {
    let is_dockerfile = object.is_dockerfile();
    let (place, name) = if is_dockerfile {
        (Place::Dockerfile, format!("Dockerfile {}", object.file))
    } else {
        (Place::Workload, workload(&object.kind, &object.namespace, &object.name))
    };
    let found = object.violations.into_iter().map(|violation| Found {
        rule: violation.rule.to_owned(),
        items: violation.owasp.to_vec(),
        verdict: verdict_of(violation.effect),
        place: clean(&format!("{}:{} {}", object.file, violation.line, violation.field), 500),
        found: clean(&violation.found, 300),
        wanted: clean(&violation.wanted, 300),
        note: violation.note,
    });
    Subject {
        place,
        name: clean(&name, 600),
        problem: object.problem.map(|text| clean(&text, 500)),
        found: found.collect(),
    }
}

fn object(object: Object) -> Subject {
    let problem = object.problem.or_else(|| object.problems.into_iter().next());
    let is_dockerfile = object.kind == crate::report::dockerfile::KIND && object.api_version.is_empty();
    let (place, name) = if is_dockerfile {
        (Place::Dockerfile, format!("Dockerfile {}", object.file))
    } else {
        (Place::Workload, workload(&object.kind, &object.namespace, &object.name))
    };
    let mut found: Vec<Found> = object.violations.into_iter().map(violation).collect();
    found.extend(left_out(&found));
    Subject { place, name: clean(&name, 600), problem: problem.map(|text| clean(&text, 500)), found }
}

/// `check` and `scan` name one violation for each cause, so what a violation implies may be violated, too.
fn left_out(found: &[Found]) -> Vec<Found> {
    let mut all = Vec::new();
    for cause in found {
        let implied = RULES.iter().filter(|rule| rule.implied_by().iter().any(|by| by.rule == cause.rule));
        all.extend(implied.map(|rule| Found {
            rule: rule.id.to_owned(),
            items: rule.owasp.to_vec(),
            verdict: ItemVerdict::Unknown,
            place: cause.place.clone(),
            found: String::new(),
            wanted: String::new(),
            note: Some(format!(
                "{} is violated there, and hides this rule; name the manifests, or --cluster",
                cause.rule
            )),
        }));
    }
    all
}

/// `Deployment shop/web`.
#[must_use]
pub fn workload(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind} {namespace}/{name}")
}

fn violation(violation: Violation) -> Found {
    Found {
        verdict: if violation.unknown { ItemVerdict::Unknown } else { verdict_of(violation.effect) },
        rule: violation.rule,
        items: violation.owasp,
        place: clean(&violation.field, 500),
        found: clean(&violation.found, 300),
        wanted: clean(&violation.wanted, 300),
        note: violation.note.map(|note| clean(&note, 300)),
    }
}

/// What a policy does about a violation changes nothing about it, except for an exemption.
#[must_use]
pub const fn verdict_of(effect: Effect) -> ItemVerdict {
    match effect {
        Effect::Exempt => ItemVerdict::Exempt,
        Effect::Audit | Effect::Warn | Effect::Patch | Effect::Deny => ItemVerdict::Fail,
    }
}

fn of_node(result: NodeResult) -> Found {
    let verdict = match (result.verdict.as_str(), result.effect) {
        ("pass", _) => ItemVerdict::Pass,
        ("fail", Some(Effect::Exempt)) => ItemVerdict::Exempt,
        ("fail", _) => ItemVerdict::Fail,
        ("notApplicable", _) => ItemVerdict::NotApplicable,
        _ => ItemVerdict::Unknown,
    };
    let exempt = result.exemption.map(|exemption| {
        let until = exemption.until.map(|until| format!(" (until {until})")).unwrap_or_default();
        format!("exempt: {}{until}", exemption.reason)
    });
    let note = exempt.or(result.note).or(result.fix);
    let source = result.source.filter(|source| !source.is_empty()).map(|source| format!(", {source}"));
    Found {
        rule: result.rule,
        items: result.owasp,
        verdict,
        place: clean(&format!("{}{}", result.subject, source.unwrap_or_default()), 500),
        found: clean(&result.found.unwrap_or_default(), 300),
        wanted: clean(&result.wanted.unwrap_or_default(), 300),
        note: note.map(|note| clean(&note, 500)),
    }
}
