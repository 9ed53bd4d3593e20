//! An image that violates a rule, with what the rule finds in it.

use crate::rule::{ImageExample, ImageRule};

/// A bad example of a rule about images.
pub struct BadImage {
    pub example: &'static ImageExample,
    /// `config.User: found not set, wanted ...`
    pub findings: Vec<String>,
}

/// The first bad example with the default parameters, or else the first one.
pub fn best(rule: &ImageRule) -> Option<BadImage> {
    let bad = || rule.examples.iter().filter(|example| example.is_bad());
    let example = bad().find(|example| example.params.is_empty()).or_else(|| bad().next())?;
    let check = (rule.compile)(example.params_value()).ok()?;
    let facts = example.image().ok()?;
    let mut findings = Vec::new();
    check.check(&facts, ImageExample::TODAY, &mut findings);
    let finding = |at: String, found: &str, wanted: &str| format!("{at}: found {found}, wanted {wanted}");
    let findings = findings.iter().map(|one| finding(one.at.to_string(), &one.found, &one.wanted)).collect();
    Some(BadImage { example, findings })
}
