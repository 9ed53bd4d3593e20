//! Collects judged findings. A pod may have thousands of violations, of which the answer describes a few and counts the
//! others.

use super::{Effect, Judged};
use crate::effort;
use crate::rule::Severity;

/// Room for the violations of most pods that have some.
const MOST: usize = 24;

/// Takes the judged findings rule by rule. Of each class it keeps the first ones, and counts the others.
pub(super) struct Collector<'p> {
    /// How many of each class are kept.
    limit: usize,
    judged: Vec<Judged<'p>>,
    /// The classes of the current rule. There are few.
    classes: Vec<Class>,
}

/// The violations of one rule with the same effect and the same severity, of which the mode holds back the same. Either all of them are in a part of the pod that
/// users can change, or none is.
struct Class {
    key: (Effect, Option<Effect>, Severity, bool),
    kept: usize,
    /// The index of the first one.
    first: usize,
}

impl<'p> Collector<'p> {
    pub const fn new(limit: usize) -> Self {
        Self { limit, judged: Vec::new(), classes: Vec::new() }
    }

    /// The next findings are of another rule.
    pub fn start_rule(&mut self) {
        self.classes.clear();
    }

    pub fn add(&mut self, judged: Judged<'p>) {
        let key = (judged.effect, judged.held_back(), judged.severity(), judged.fixed);
        match self.classes.iter_mut().find(|class| class.key == key) {
            None => self.classes.push(Class { key, kept: 1, first: self.judged.len() }),
            // Every repair is made, so none is only counted.
            Some(class) if class.kept < self.limit || judged.effect == Effect::Patch => class.kept += 1,
            Some(class) => {
                if let Some(first) = self.judged.get_mut(class.first) {
                    first.count += judged.count;
                }
                effort::release(effort::FINDING);
                return;
            }
        }
        if self.judged.is_empty() {
            self.judged.reserve(MOST);
        }
        self.judged.push(judged);
    }

    pub fn into_judged(self) -> Vec<Judged<'p>> {
        self.judged
    }
}
