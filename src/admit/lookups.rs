//! Judging with facts that are looked up on the way: `serve` and `review` share it.

use crate::facts::{FactAnswer, FactQuery};
use crate::outcome::Outcome;

/// How many facts one request can need.
const FACTS: usize = 3;

/// A request, and a way to look up the facts that it needs.
pub trait Lookup {
    /// Judges the request with the facts that were looked up so far.
    fn judge(&self, answers: &[FactAnswer]) -> impl Future<Output = Outcome> + Send;
    /// Looks up a fact; [`FactAnswer::Nothing`] when no answer comes.
    fn look_up(&self, query: FactQuery) -> impl Future<Output = FactAnswer> + Send;
}

/// Judges the request, looks up the fact that is missing, and judges it again. This ends: no fact is looked up twice, and
/// there are few.
pub async fn judge_with_lookups(request: &impl Lookup) -> Outcome {
    let mut answers = Vec::new();
    loop {
        let mut outcome = request.judge(&answers).await;
        match outcome.missing_fact.take() {
            Some(query) if answers.len() < FACTS => answers.push(request.look_up(query).await),
            _ => return outcome,
        }
    }
}
