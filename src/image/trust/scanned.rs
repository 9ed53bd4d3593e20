//! What scanners say of an image: in attestations that an authority signed, and in reports that stand in the cluster, unsigned.

use super::attested::{Attested, Facts};
use super::document::Age;
use super::judge::{Problem, day};
use super::predicate::Predicate;
use super::verify::Verdict;
use super::vex::{self, Statement};
use super::vulnerabilities::{Scan, Vulnerability};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// What reports in the cluster say, by the digests of manifests.
pub type ReportedByDigest = HashMap<Box<str>, Reported>;

/// How many vulnerabilities a message names.
const MAX_NAMED: usize = 5;

/// What a rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// The longest time since the scan. None: any.
    pub max_age: Option<Age>,
    /// How many critical vulnerabilities with a fix there may be.
    pub max_critical: u32,
}

/// What reports in the cluster say of one manifest, all together: a vulnerability counts that any of them names.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// The report that names most, such as `VulnerabilityReport shop/web`.
    pub source: Box<str>,
    /// How many more reports there are.
    pub others: usize,
    /// The newest time of a scan, and the critical vulnerabilities that have a fix.
    pub scan: Arc<Scan>,
    /// How many more there are, of which the names are not kept.
    pub unnamed: usize,
}

impl Verdict {
    /// For `image-vulnerabilities`: a missing or old scan, and too many critical vulnerabilities that have a fix. The limits hold
    /// where the entry has none. A report is missed only where the entry requires one.
    #[must_use]
    pub fn vulnerability_problems(&self, now: Timestamp, limits: ScanLimits) -> Vec<Problem> {
        let limits = self.limits(limits);
        let reports = self.attested_as(&Predicate::Vulnerabilities);
        if reports.is_empty() {
            let required = self.require.iter().any(|one| one.predicate == Predicate::Vulnerabilities);
            let missing = required.then(|| Problem {
                found: self.unattested(&Predicate::Vulnerabilities),
                wanted: "a signed vulnerability report (`cosign attest --type vuln`)".to_owned(),
            });
            return missing.into_iter().collect();
        }
        let mut problems = Vec::new();
        for digest in digests(&reports) {
            let scans = reports.iter().filter(|one| one.digest == digest).filter_map(|one| match &one.facts {
                Facts::Scan(scan) => Some(scan),
                _ => None,
            });
            // The newest scan of a manifest replaces the others.
            let Some(scan) = scans.max_by_key(|scan| scan.finished) else { continue };
            problems.extend(limits.age_problem(scan.finished, now));
            problems.extend(limits.count_problem(&self.left(digest, scan), 0));
        }
        problems
    }

    /// The limits of the entry, or these.
    fn limits(&self, default: ScanLimits) -> ScanLimits {
        let required = self.require.iter().find(|one| one.predicate == Predicate::Vulnerabilities);
        ScanLimits {
            max_age: required.and_then(|one| one.max_age).or(default.max_age),
            max_critical: required.and_then(|one| one.max_critical).unwrap_or(default.max_critical),
        }
    }

    /// The vulnerabilities of a manifest that no VEX document excludes. The documents of the same manifest count, and those of the index
    /// that holds it.
    fn left<'s>(&self, digest: &str, scan: &'s Scan) -> Vec<&'s Vulnerability> {
        let manifests = [digest, self.digest.as_str()];
        let documents: Vec<&[Statement]> = self
            .attested
            .iter()
            .filter(|one| manifests.contains(&one.digest.as_str()))
            .filter_map(|one| if let Facts::OpenVex(list) = &one.facts { Some(list.as_slice()) } else { None })
            .collect();
        let excluded =
            |one: &Vulnerability| vex::excludes(documents.iter().copied(), &one.id, &one.package, &manifests);
        scan.critical.iter().filter(|one| !excluded(one)).collect()
    }

    fn has_scan(&self) -> bool {
        !self.attested_as(&Predicate::Vulnerabilities).is_empty()
    }
}

impl ScanLimits {
    fn age_problem(self, finished: Option<Timestamp>, now: Timestamp) -> Option<Problem> {
        let most = self.max_age?;
        let found = match finished {
            Some(at) if !most.is_passed(at, now) => return None,
            Some(at) => format!("a scan of {}", day(at)),
            None => "a scan without a time".to_owned(),
        };
        Some(Problem { found, wanted: format!("a scan of the last {most}") })
    }

    fn count_problem(self, left: &[&Vulnerability], unnamed: usize) -> Option<Problem> {
        let count = left.len().saturating_add(unnamed);
        if count <= usize::try_from(self.max_critical).unwrap_or(usize::MAX) {
            return None;
        }
        let name = |one: &&Vulnerability| {
            crate::text::clean(&format!("{} in {} (fixed in {})", one.id, one.package, one.fixed_in), 120)
        };
        let named: Vec<String> = left.iter().take(MAX_NAMED).map(name).collect();
        let more = count.saturating_sub(named.len());
        let list = match (named.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(": {}", named.join(", ")),
            (false, more) => format!(": {} and {more} more", named.join(", ")),
        };
        let (s, max) = (if count == 1 { "y" } else { "ies" }, self.max_critical);
        let found = format!("{count} critical vulnerabilit{s} with a fix{list}");
        Some(Problem { found, wanted: format!("at most {max}; update the packages, or attest a VEX document") })
    }

    /// For `image-vulnerabilities`: what reports in the cluster say of the manifests of an image, each with its digest. They only add to
    /// what is signed: the worst of them counts. Their age is judged where no scan is signed.
    #[must_use]
    pub fn reported_problems(
        self,
        reports: &[(&str, &Reported)],
        trust: Option<&Verdict>,
        now: Timestamp,
    ) -> Vec<Problem> {
        let limits = trust.map_or(self, |trust| trust.limits(self));
        let worst = reports
            .iter()
            .map(|(digest, report)| {
                let left = match trust {
                    Some(trust) => trust.left(digest, &report.scan),
                    None => report.scan.critical.iter().collect(),
                };
                (left, *report)
            })
            .max_by_key(|(left, report)| left.len().saturating_add(report.unnamed));
        let named = |report: &Reported, problem: Problem| {
            let more = match report.others {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            Problem { found: format!("{}{more}: {}", report.source, problem.found), ..problem }
        };
        let mut problems = Vec::new();
        if let Some((left, report)) = worst {
            problems.extend(limits.count_problem(&left, report.unnamed).map(|problem| named(report, problem)));
        }
        let newest = reports.iter().map(|(_, report)| *report).max_by_key(|report| report.scan.finished);
        if let Some(report) = newest.filter(|_| !trust.is_some_and(Verdict::has_scan)) {
            problems.extend(limits.age_problem(report.scan.finished, now).map(|problem| named(report, problem)));
        }
        problems
    }
}

fn digests<'a>(reports: &[&'a Attested]) -> Vec<&'a str> {
    let mut digests: Vec<&str> = reports.iter().map(|one| one.digest.as_str()).collect();
    digests.sort_unstable();
    digests.dedup();
    digests
}
