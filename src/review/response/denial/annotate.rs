//! The comment at the end of a line: the severity and the rules, each reason once, and the numbers of the notes.

use crate::repair::Offer;
use crate::rule::Severity;
use crate::text::clean;
use std::fmt::Write;

/// Whose reasons a denial gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reasons {
    /// Of critical and high violations.
    Serious,
    Critical,
    None,
}

/// The longest reason, in characters.
const WHY_MAX: usize = 240;

/// What the denial already has.
pub(super) struct Annotator<'o> {
    offers: &'o [Offer],
    reasons: Reasons,
    /// Each rule, with the last container for which it was named.
    rules: Vec<(&'static str, Option<usize>)>,
    pub notes: Vec<&'o str>,
}

impl<'o> Annotator<'o> {
    pub const fn new(offers: &'o [Offer], reasons: Reasons) -> Self {
        Self { offers, reasons, rules: Vec::new(), notes: Vec::new() }
    }

    /// `critical runtime-socket, host-path: who reaches it ...`. A medium or low rule is named once, any other once for each
    /// container.
    pub fn annotation(&mut self, by: &[usize], container: Option<usize>) -> String {
        let (mut text, mut why, mut on_line) = (String::new(), None, Vec::new());
        for severity in Severity::WORST_FIRST {
            let offers = by.iter().filter_map(|by| self.offers.get(*by)).filter(|offer| offer.severity == severity);
            let (mut named, mut numbers): (Vec<&str>, Vec<usize>) = (Vec::new(), Vec::new());
            for offer in offers.collect::<Vec<_>>() {
                let known = self.rules.iter_mut().find(|(rule, _)| *rule == offer.rule.id);
                let is_known = known.is_some();
                let is_news = match known {
                    Some((_, last)) => std::mem::replace(last, container) != container && severity >= Severity::High,
                    None => true,
                };
                if is_news && !on_line.contains(&offer.rule.id) {
                    named.push(offer.rule.id);
                }
                on_line.push(offer.rule.id);
                if !is_known {
                    self.rules.push((offer.rule.id, container));
                    let gives_why = match self.reasons {
                        Reasons::Serious => severity >= Severity::High,
                        Reasons::Critical => severity == Severity::Critical,
                        Reasons::None => false,
                    };
                    why = why.or(gives_why.then(|| offer.why.as_deref().unwrap_or(offer.rule.why)));
                }
                if let Some(remark) = offer.remark.as_deref() {
                    numbers.extend(self.note(remark));
                }
            }
            if named.is_empty() && numbers.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push_str("; ");
            }
            if !named.is_empty() {
                let _ = write!(text, "{severity} {}", named.join(", "));
            }
            for number in numbers {
                let _ = write!(text, "{}[{number}]", if text.ends_with(']') || text.is_empty() { "" } else { " " });
            }
        }
        if let Some(why) = why {
            let _ = write!(text, ": {}", clean(why, WHY_MAX));
        }
        text
    }

    /// The number of a note that is new.
    fn note(&mut self, remark: &'o str) -> Option<usize> {
        if self.notes.contains(&remark) {
            return None;
        }
        self.notes.push(remark);
        Some(self.notes.len())
    }
}
