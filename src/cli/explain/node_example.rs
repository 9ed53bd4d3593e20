//! A host that violates a rule, with what the rule says about it.

use crate::host::{fake::Fake, snapshot};
use crate::rule::{NodeExample, NodeRule, Results, Verdict};

/// A bad example of a rule about nodes.
pub struct BadNode {
    pub example: &'static NodeExample,
    /// `/etc/docker: found mode 0777, wanted mode 0755 or less; chmod 0755 /etc/docker`
    pub failures: Vec<String>,
}

/// The first bad example with the default parameters, or else the first one.
pub fn best(rule: &NodeRule) -> Option<BadNode> {
    let bad = || rule.examples.iter().filter(|example| example.is_bad());
    let example = bad().find(|example| example.params.is_empty()).or_else(|| bad().next())?;
    let check = (rule.compile)(example.params_value()).ok()?;
    let mut results = Results::default();
    check.check(&snapshot(&Fake::read(example.host), NodeExample::NOW), &mut results);
    let failures = results.all.iter().filter_map(|result| match &result.verdict {
        Verdict::Fail(failure) => Some(format!(
            "{}: found {} ({}), wanted {}; `{}`",
            result.subject,
            failure.evidence.found(),
            failure.evidence.source(),
            failure.wanted,
            failure.fix
        )),
        Verdict::Pass(_) | Verdict::NotApplicable(_) | Verdict::Unknown(_) => None,
    });
    Some(BadNode { example, failures: failures.collect() })
}
