//! The `metav1.Status` of a denial. Its causes are written from the violations when the answer is serialised.

use super::denial::denial;
use super::id::with_id;
use super::text::{FAULT_MAX, FOUND_MAX, Owasp, denials};
use crate::outcome::{Outcome, Violation};
use crate::text::{Dotted, cleaned};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Without code 403 and reason Forbidden a denial reaches the user as 400.
#[derive(serde::Serialize)]
#[allow(clippy::struct_field_names, reason = "the API's own names")]
pub(super) struct Status<'o> {
    status: &'static str,
    message: String,
    reason: &'static str,
    code: u16,
    details: Details<'o>,
}

#[derive(serde::Serialize)]
struct Details<'o> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: Cow<'o, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: Cow<'o, str>,
    causes: Causes<'o>,
}

impl<'o> Status<'o> {
    pub fn of(outcome: &'o Outcome) -> Self {
        let is_invalid = !outcome.invalid.is_empty();
        Self {
            status: "Failure",
            message: with_id(denial(outcome), &outcome.about, usize::MAX),
            reason: if is_invalid { "Invalid" } else { "Forbidden" },
            code: if is_invalid { 422 } else { 403 },
            details: Details {
                name: cleaned(&outcome.about.name, 253),
                kind: cleaned(&outcome.about.kind, 63),
                causes: Causes(outcome),
            },
        }
    }

    /// How many bytes an answer with it takes, about.
    pub fn room(&self) -> usize {
        const FRAME: usize = 768;
        const CAUSE: usize = 416;
        // Each new line has an escape.
        FRAME + self.message.len() + self.message.len() / 32 + CAUSE * denials(self.details.causes.0).count()
    }
}

/// A list of `metav1.StatusCause`: one for each violation or fault.
struct Causes<'o>(&'o Outcome);

impl Serialize for Causes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut causes = serializer.serialize_seq(None)?;
        for violation in denials(self.0) {
            causes.serialize_element(&ViolationCause(violation))?;
        }
        for (field, message) in &self.0.invalid {
            causes.serialize_element(&FaultCause { field, message })?;
        }
        causes.end()
    }
}

/// Written as it is formatted, without a text in between.
struct Written<T>(T);

impl<T: fmt::Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn cause<S: Serializer, M: fmt::Display, F: fmt::Display>(
    serializer: S,
    reason: &'static str,
    message: M,
    field: F,
) -> Result<S::Ok, S::Error> {
    let mut cause = serializer.serialize_struct("StatusCause", 3)?;
    cause.serialize_field("reason", reason)?;
    cause.serialize_field("message", &Written(message))?;
    cause.serialize_field("field", &Written(field))?;
    cause.end()
}

struct FaultCause<'o> {
    field: &'o str,
    message: &'o str,
}

impl Serialize for FaultCause<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (message, field) = (cleaned(self.message, FAULT_MAX), cleaned(self.field, FAULT_MAX));
        cause(serializer, "FieldValueInvalid", message, field)
    }
}

struct ViolationCause<'o>(&'o Violation);

impl Serialize for ViolationCause<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exists = self.0.present == self.0.field.len();
        let reason = if exists { "FieldValueForbidden" } else { "FieldValueRequired" };
        cause(serializer, reason, Message(self.0), Dotted(&self.0.field))
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
