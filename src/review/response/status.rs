//! The `metav1.Status` of a denial. Its causes are written from the violations when the answer is serialised.

use super::denial::denial;
use super::id::with_id;
use super::text::{FAULT_MAX, FOUND_MAX, Owasp, denials};
use crate::json::write::Object;
use crate::outcome::{Outcome, Violation};
use crate::text::{Dotted, cleaned};
use std::fmt;

pub(super) struct Status<'o> {
    outcome: &'o Outcome,
    message: String,
}

impl<'o> Status<'o> {
    pub fn of(outcome: &'o Outcome) -> Self {
        Self { outcome, message: with_id(denial(outcome), &outcome.about, usize::MAX) }
    }

    /// How many bytes an answer with it takes, about.
    pub fn room(&self) -> usize {
        const FRAME: usize = 768;
        const CAUSE: usize = 416;
        // Each new line has an escape.
        FRAME + self.message.len() + self.message.len() / 32 + CAUSE * denials(self.outcome).count()
    }

    /// Without code 403 and reason Forbidden a denial reaches the user as 400.
    pub fn write(&self, mut status: Object<'_>) {
        let Self { outcome, message } = self;
        let (reason, code) = if outcome.invalid.is_empty() { ("Forbidden", "403") } else { ("Invalid", "422") };
        status.string("status", "Failure");
        status.string("message", message);
        status.string("reason", reason);
        status.literal("code", code);
        let mut details = status.object("details");
        for (key, text, max) in [("name", &outcome.about.name, 253), ("kind", &outcome.about.kind, 63)] {
            if !text.is_empty() {
                details.string(key, &cleaned(text, max));
            }
        }
        let violations = denials(outcome).map(Cause::Violation);
        let faults = outcome.invalid.iter().map(|(field, message)| Cause::Fault { field, message });
        details.list("causes", violations.chain(faults), Cause::write);
    }
}

/// A `metav1.StatusCause`: one for each violation or fault.
enum Cause<'o> {
    Violation(&'o Violation),
    Fault { field: &'o str, message: &'o str },
}

impl Cause<'_> {
    fn write(out: &mut Vec<u8>, cause: Self) {
        let mut object = Object::new(out);
        match cause {
            Self::Violation(violation) => {
                let exists = violation.present == violation.field.len();
                object.string("reason", if exists { "FieldValueForbidden" } else { "FieldValueRequired" });
                object.text("message", format_args!("{}", Message(violation)));
                object.text("field", format_args!("{}", Dotted(&violation.field)));
            }
            Self::Fault { field, message } => {
                object.string("reason", "FieldValueInvalid");
                object.string("message", &cleaned(message, FAULT_MAX));
                object.string("field", &cleaned(field, FAULT_MAX));
            }
        }
    }
}

/// `privileged: container "web": found true, wanted false: why (OWASP item 49)`.
struct Message<'o>(&'o Violation);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { rule, subject, found, wanted, why, .. } = self.0;
        write!(f, "{}: ", rule.id)?;
        if let Some((_, name)) = subject.container() {
            write!(f, "container \"{}\": ", cleaned(name, 63))?;
        }
        let (found, wanted) = (cleaned(found, FOUND_MAX), cleaned(wanted, FOUND_MAX));
        let why = cleaned(why, FOUND_MAX * 2);
        write!(f, "found {found}, wanted {wanted}: {why} ({})", Owasp(rule.owasp))
    }
}
