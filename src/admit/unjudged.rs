//! The answer to a request that could not be judged. Mode deny denies it, because it may be anything. The milder modes promise
//! that nothing is denied, so they let it in.

use crate::outcome::{Outcome, Verdict};
use crate::policy::{Cap, Ceiling};
use jiff::civil::Date;

/// The outcome as far as the mode allows it. Violations have been softened before.
pub(super) fn within(ceiling: Ceiling, today: Date, outcome: Outcome) -> Outcome {
    let is_unjudged = outcome.problem.is_some();
    let verdict = match (ceiling.cap_of_unjudged(today), outcome.verdict) {
        (Cap::Warn(_), _) if is_unjudged => Verdict::Warn,
        (Cap::Audit, _) if is_unjudged => Verdict::Allow,
        // In mode audit no user is warned.
        (Cap::Audit, Verdict::Warn) => Verdict::Allow,
        (Cap::Deny | Cap::Warn(_) | Cap::Audit, verdict) => verdict,
    };
    Outcome { verdict, mode: ceiling.mode, ..outcome }
}
