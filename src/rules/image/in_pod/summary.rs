//! All that one rule finds in an image, on all platforms, in one text.

use crate::image::{ImageFacts, Place};
use crate::rule::{AtMost, ImageCheck, Severity};
use crate::text::clean;
use jiff::civil::Date;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// How many findings are named. `podreeve image` shows all.
const MOST: usize = 3;
/// The longest text of one finding.
const TEXT: usize = 400;

/// What is found in an image, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub found: String,
    pub wanted: Cow<'static, str>,
    pub why: Option<Cow<'static, str>>,
    /// The worst; none for the rule's own.
    pub severity: Option<Severity>,
    /// The mildest limit of all findings: one that nothing holds back counts.
    pub most: Option<AtMost>,
}

/// One finding, and the platforms that have it.
struct One {
    text: String,
    wanted: Cow<'static, str>,
    why: Option<Cow<'static, str>>,
    severity: Option<Severity>,
    most: Option<AtMost>,
    platforms: BTreeSet<String>,
}

impl Summary {
    /// None if the rule finds nothing.
    pub fn of(check: &dyn ImageCheck, platforms: &[ImageFacts], today: Date) -> Option<Self> {
        let mut all: Vec<One> = Vec::new();
        // Of an index, a node of Linux takes no image of Windows. What has no index it runs whatever it is said to be for.
        let is_judged =
            |facts: &&ImageFacts| !(check.judges_user() && facts.platform.os == "windows" && platforms.len() > 1);
        for facts in platforms.iter().filter(is_judged) {
            let mut findings = Vec::new();
            check.check(facts, today, &mut findings);
            for finding in findings {
                let found = clean(&finding.found, TEXT);
                let text = match finding.at {
                    Place::Image => found,
                    place => format!("{place}: {found}"),
                };
                let platform = facts.platform.to_string();
                match all.iter_mut().find(|one| one.text == text) {
                    Some(one) => {
                        one.platforms.insert(platform);
                    }
                    None => all.push(One {
                        text,
                        wanted: finding.wanted,
                        why: finding.why,
                        severity: finding.severity,
                        most: finding.most,
                        platforms: BTreeSet::from([platform]),
                    }),
                }
            }
        }
        Self::together(all, platforms.len())
    }

    fn together(mut all: Vec<One>, platforms: usize) -> Option<Self> {
        // Those that count most come first. None is the rule's own severity, which a finding only changes for a reason.
        all.sort_by_key(|one| {
            (one.most.is_some(), std::cmp::Reverse(one.severity.map_or(2, |severity| severity as usize)))
        });
        let first = all.first()?;
        let (why, severity, most) = (first.why.clone(), first.severity, first.most);
        let mut texts: Vec<String> = all.iter().take(MOST).map(|one| one.text(platforms)).collect();
        let more = all.len().saturating_sub(MOST);
        texts.extend((more > 0).then(|| format!("and {more} more")));
        let wanted: BTreeSet<&str> = all.iter().take(MOST).map(|one| &*one.wanted).collect();
        let wanted = match wanted.len() {
            1 => first.wanted.clone(),
            _ => wanted.into_iter().collect::<Vec<_>>().join("; ").into(),
        };
        Some(Self { found: texts.join("; "), wanted, why, severity, most })
    }
}

impl One {
    /// With the platforms, if not all have it.
    fn text(&self, platforms: usize) -> String {
        if self.platforms.len() == platforms {
            return self.text.clone();
        }
        let names: Vec<&str> = self.platforms.iter().map(String::as_str).collect();
        format!("{} ({})", self.text, names.join(", "))
    }
}
