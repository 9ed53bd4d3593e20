//! Judging with facts that are looked up on the way. `serve`, `review` and the scan share it.

use crate::facts::{FactAnswer, FactQuery};
use crate::outcome::Outcome;

/// How many facts one request or object can need.
const FACTS: usize = 3;

/// A request or an object, and a way to look up the facts that it needs.
pub trait Lookup {
    type Result: MayNeedFact + Send;

    /// Judges with the facts that were looked up so far.
    fn judge(&mut self, answers: &[FactAnswer]) -> impl Future<Output = Self::Result> + Send;
    /// Looks up a fact; [`FactAnswer::Nothing`] when no answer comes.
    fn look_up(&mut self, query: FactQuery) -> impl Future<Output = FactAnswer> + Send;
}

/// What a judgement brings: a result, or the fact that is missing.
pub trait MayNeedFact {
    fn take_missing_fact(&mut self) -> Option<FactQuery>;
}

impl MayNeedFact for Outcome {
    fn take_missing_fact(&mut self) -> Option<FactQuery> {
        self.missing_fact.take()
    }
}

/// Judges, looks up the fact that is missing, and judges again. This ends: no fact is looked up twice, and there are few.
pub async fn judge_with_lookups<L: Lookup>(mut subject: L) -> L::Result {
    let mut answers = Vec::new();
    loop {
        let mut result = subject.judge(&answers).await;
        match result.take_missing_fact() {
            Some(query) if answers.len() < FACTS => answers.push(subject.look_up(query).await),
            _ => return result,
        }
    }
}
