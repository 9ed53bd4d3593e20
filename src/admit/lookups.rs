//! Judging with facts that are asked for on the way: what `serve` and `review` do alike.

use super::{Hook, Snapshot, admit, deny_unread};
use crate::facts::{FactAnswer, FactQuery};
use crate::outcome::Outcome;
use jiff::civil::Date;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// As many facts can one request need.
const FACTS: usize = 3;

/// A request, and whoever may be asked about it.
pub trait Lookup {
    /// Judges it with the facts that were asked for.
    fn judge(&self, asked: &[FactAnswer]) -> impl Future<Output = Outcome> + Send;
    /// Asks for a fact; [`FactAnswer::Nothing`] when no answer comes.
    fn ask(&self, wanted: FactQuery) -> impl Future<Output = FactAnswer> + Send;
}

/// Judges, asks for the fact that is missing, and judges again. Each is asked for once, so this ends: there are few.
pub async fn judge_with_lookups(request: &impl Lookup) -> Outcome {
    let mut asked = Vec::new();
    loop {
        let mut outcome = request.judge(&asked).await;
        match outcome.missing_fact.take() {
            Some(wanted) if asked.len() < FACTS => asked.push(request.ask(wanted).await),
            _ => return outcome,
        }
    }
}

/// As [`admit`]; a panic in a rule denies this request, which is the error, and ends nothing else.
///
/// # Errors
/// The denial.
pub fn admit_guarded(body: &[u8], hook: Hook, snapshot: &Snapshot, today: Date) -> Result<Outcome, Box<Outcome>> {
    catch_unwind(AssertUnwindSafe(|| admit(body, hook, snapshot, today)))
        .map_err(|_| Box::new(deny_unread(body, "podreeve failed while judging it; its log tells where".to_owned())))
}
