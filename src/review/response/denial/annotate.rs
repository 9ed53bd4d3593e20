//! The comment at the end of a line: the severity and the rules, each reason once, and the numbers of the notes.

use crate::repair::Offer;
use crate::rule::Severity;
use crate::text::cleaned;
use smallvec::SmallVec;
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
    rules: SmallVec<[(&'static str, Option<usize>); 16]>,
    pub notes: SmallVec<[&'o str; 8]>,
}

impl<'o> Annotator<'o> {
    pub fn new(offers: &'o [Offer], reasons: Reasons) -> Self {
        Self { offers, reasons, rules: SmallVec::new(), notes: SmallVec::new() }
    }

    /// Appends `critical runtime-socket, host-path: who reaches it ...`. A medium or low rule is named once, any other once for
    /// each container.
    pub fn annotate(&mut self, text: &mut String, by: &[usize], container: Option<usize>) {
        let (begin, mut why) = (text.len(), None);
        let mut on_line: SmallVec<[&str; 8]> = SmallVec::new();
        let offers = self.offers;
        let offered = || by.iter().filter_map(|by| offers.get(*by));
        for severity in Severity::WORST_FIRST {
            if !offered().any(|offer| offer.severity == severity) {
                continue;
            }
            let (mut named, mut numbers): (usize, SmallVec<[usize; 8]>) = (0, SmallVec::new());
            for offer in offered().filter(|offer| offer.severity == severity) {
                let known = self.rules.iter_mut().find(|(rule, _)| *rule == offer.rule.id);
                let is_known = known.is_some();
                let is_news = match known {
                    Some((_, last)) => std::mem::replace(last, container) != container && severity >= Severity::High,
                    None => true,
                };
                if is_news && !on_line.contains(&offer.rule.id) {
                    Self::name(text, begin, (severity, named), offer.rule.id);
                    named += 1;
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
            if named == 0 && !numbers.is_empty() && text.len() > begin {
                text.push(';');
            }
            for number in numbers {
                let _ = write!(text, "{}[{number}]", if text.ends_with(']') || text.len() == begin { "" } else { " " });
            }
        }
        if let Some(why) = why {
            let _ = write!(text, ": {}", cleaned(why, WHY_MAX));
        }
    }

    /// Appends a rule behind the severity, which the first rule of this severity begins with.
    fn name(text: &mut String, begin: usize, (severity, named): (Severity, usize), rule: &str) {
        if named > 0 {
            text.push_str(", ");
        } else {
            text.push_str(if text.len() > begin { "; " } else { "" });
            text.push_str(severity.as_str());
            text.push(' ');
        }
        text.push_str(rule);
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
