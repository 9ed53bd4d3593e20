//! What scanners say of an image: in attestations that an authority signed, and in reports that stand in the cluster, unsigned.

use super::attested::Facts;
use super::document::Age;
use super::judge::{Problem, day};
use super::predicate::Predicate;
use super::time::is_ahead;
use super::verify::Verdict;
use super::vex::{Said, Statement};
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
        let required = self.require.iter().any(|one| one.predicate == Predicate::Vulnerabilities);
        let mut problems: Vec<(Option<&Scan>, Problem)> = Vec::new();
        if required && !self.has_scan() {
            let missing = Problem {
                found: self.unattested(&Predicate::Vulnerabilities),
                wanted: "a signed vulnerability report (`cosign attest --type vuln`)".to_owned(),
            };
            problems.push((None, missing));
        }
        for manifest in self.manifests() {
            let [own, of_index] = self.newest_scans(manifest, now);
            let newest =
                of_index.or(own).and_then(|scan| limits.age_problem(scan.finished, now).map(|one| (scan, one)));
            let counts = [own, of_index]
                .into_iter()
                .flatten()
                .filter_map(|scan| limits.count_problem(&self.left(manifest, scan), 0).map(|problem| (scan, problem)));
            for (scan, problem) in newest.into_iter().chain(counts) {
                // What one scan of the index says of several platforms is said once, and so is what both scans of one say.
                let is_same = |(of, known): &(Option<&Scan>, Problem)| {
                    *known == problem
                        && of.is_some_and(|of| std::ptr::eq(of, scan) || own.is_some_and(|own| std::ptr::eq(of, own)))
                };
                if !problems.iter().any(is_same) {
                    problems.push((Some(scan), problem));
                }
            }
        }
        problems.into_iter().map(|(_, problem)| problem).collect()
    }

    /// What a node runs: the manifests of the platforms, or the only one.
    fn manifests(&self) -> &[String] {
        if self.leaves.is_empty() { std::slice::from_ref(&self.digest) } else { &self.leaves }
    }

    /// The newest scan that is attested for a manifest, and that of the index that holds it, where it is not older. The manifest never changes,
    /// so what its own scan found is mended by no scan of the index. Of two of the same time, the one that found more counts.
    fn newest_scans(&self, manifest: &str, now: Timestamp) -> [Option<&Scan>; 2] {
        let newest = |digest: &str| {
            let about = self.readable(&Predicate::Vulnerabilities).filter(|one| one.digest == digest);
            let scans = about.filter_map(|one| if let Facts::Scan(scan) = &one.facts { Some(scan) } else { None });
            scans.max_by_key(|scan| (finished(scan.finished, now), scan.critical.len()))
        };
        let at = |scan: &Scan| finished(scan.finished, now);
        let own = newest(manifest);
        let of_index = newest(&self.digest).filter(|_| manifest != self.digest);
        [own, of_index.filter(|scan| own.is_none_or(|own| at(own) <= at(scan)))]
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
        let said = Said::new(documents, &scan.critical);
        let mut left: Vec<&Vulnerability> =
            scan.critical.iter().filter(|one| !said.excludes(one, &manifests)).collect();
        // Several versions of one package are one finding.
        left.sort_by(|one, other| finding(one).cmp(&finding(other)));
        left.dedup_by(|one, other| finding(one) == finding(other));
        left
    }

    fn has_scan(&self) -> bool {
        self.has(&Predicate::Vulnerabilities, |_| true)
    }
}

impl ScanLimits {
    fn age_problem(self, finished: Option<Timestamp>, now: Timestamp) -> Option<Problem> {
        let most = self.max_age?;
        let found = match finished {
            Some(at) if is_ahead(at, now) => format!("a scan of {}, which is still to come", day(at)),
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
        let newest = reports.iter().map(|(_, report)| *report).max_by_key(|report| finished(report.scan.finished, now));
        if let Some(report) = newest.filter(|_| !trust.is_some_and(Verdict::has_scan)) {
            problems.extend(limits.age_problem(report.scan.finished, now).map(|problem| named(report, problem)));
        }
        problems
    }
}

/// When a scan ended; none if that is still to come.
fn finished(at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    at.filter(|at| !is_ahead(*at, now))
}

/// What messages say of a vulnerability.
fn finding(one: &Vulnerability) -> [&str; 3] {
    [&one.id, &one.package, &one.fixed_in]
}
