//! `check --baseline`: the violations that are known, so that only new ones are reported.

use super::entry::{Level, entries};
use super::types::{CheckResults, ObjectReport};
use crate::decide::Effect;
use crate::policy::document::API_VERSION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

const KIND: &str = "CheckBaseline";

/// The file of `--write-baseline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "podreeve check baseline")]
pub struct Baseline {
    pub api_version: String,
    pub kind: String,
    /// By fingerprint.
    pub findings: Vec<KnownFinding>,
}

/// A violation that is known. Only the fingerprint and the count decide; the rest is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownFinding {
    pub fingerprint: String,
    /// How often it occurs. Each occurrence above this number is new.
    pub count: usize,
    pub rule: String,
    /// The object, and the container if it is one of a container.
    pub subject: String,
    pub file: String,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { api_version: API_VERSION.to_owned(), kind: KIND.to_owned(), findings: Vec::new() }
    }
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// What is wrong with it, and how to make one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let remedy = "write it again with --write-baseline";
        let baseline: Self = serde_json::from_str(text).map_err(|error| {
            format!(
                "this is no baseline: {}; {remedy}",
                crate::text::clean(&crate::text::without_value(&error.to_string()), 200)
            )
        })?;
        if baseline.kind != KIND || baseline.api_version != API_VERSION {
            return Err(format!("this is no {API_VERSION} {KIND}; {remedy}"));
        }
        Ok(baseline)
    }

    /// The file's content.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Whether a violation counts against the verdict, and so belongs into a baseline.
fn counts(effect: Effect) -> bool {
    matches!(effect, Effect::Deny | Effect::Warn)
}

/// Collects the findings for `--write-baseline`.
#[derive(Debug, Default)]
pub struct BaselineWriter(BTreeMap<String, KnownFinding>);

impl BaselineWriter {
    pub fn add(&mut self, results: &CheckResults) {
        for entry in entries(results, false) {
            if entry.fingerprint.is_empty() || !matches!(entry.level, Level::Denied | Level::Warning) {
                continue;
            }
            let known = self.0.entry(entry.fingerprint.to_owned()).or_insert_with(|| KnownFinding {
                fingerprint: entry.fingerprint.to_owned(),
                count: 0,
                rule: entry.rule.to_owned(),
                subject: entry.subject.clone(),
                file: entry.file.clone(),
            });
            known.count += 1;
        }
    }

    /// The baseline, ordered by file, subject and rule, so that a change of it reads well.
    #[must_use]
    pub fn baseline(self) -> Baseline {
        let mut findings: Vec<KnownFinding> = self.0.into_values().collect();
        findings.sort_by(|a, b| {
            let key = |known: &KnownFinding| {
                (known.file.clone(), known.subject.clone(), known.rule.clone(), known.fingerprint.clone())
            };
            key(a).cmp(&key(b))
        });
        Baseline { findings, ..Baseline::default() }
    }
}

/// What is left of a baseline while files are judged.
#[derive(Debug, Default)]
pub struct KnownFindings {
    left: HashMap<String, usize>,
    /// How many violations were in the baseline.
    pub matched: usize,
}

impl KnownFindings {
    #[must_use]
    pub fn new(baseline: Baseline) -> Self {
        let mut left = HashMap::new();
        for known in baseline.findings {
            *left.entry(known.fingerprint).or_insert(0) += known.count;
        }
        Self { left, matched: 0 }
    }

    /// Takes the known violations out of the object. Returns whether there was one.
    pub fn remove_from(&mut self, object: &mut ObjectReport) -> bool {
        let before = object.violations.len();
        object.violations.retain(|violation| {
            let left = self.left.get_mut(&violation.fingerprint).filter(|left| counts(violation.effect) && **left > 0);
            match left {
                Some(left) => {
                    *left -= 1;
                    self.matched += 1;
                    false
                }
                None => true,
            }
        });
        before != object.violations.len()
    }
}
