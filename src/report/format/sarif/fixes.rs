//! The fix of a result: the edit of its object in the text of its file, which `check --fix` makes, too; of a Dockerfile, the edit
//! of one finding.

use super::types::{ArtifactChange, ArtifactLocation, Message, SarifFix, SarifReplacement, Span};
use crate::report::entry::{Entry, object_name};
use crate::report::fix::{Replacement, TextFix};

/// The mildest edit that repairs the violation: one that a person need not look at, if there is one.
pub fn of(entry: &Entry<'_>, uri: &str) -> Vec<SarifFix> {
    let (Some(object), Some(violation)) = (entry.object, entry.violation) else { return Vec::new() };
    if let Some(edit) = &violation.edit {
        let replacement = SarifReplacement {
            deleted_region: Span {
                start_line: edit.line,
                start_column: edit.column,
                end_line: edit.end_line,
                end_column: edit.end_column,
            },
            inserted_content: Some(Message::new(edit.text.clone())),
        };
        return vec![sarif(format!("Write `{}` there", edit.text), uri, vec![replacement])];
    }
    let Some(fix) = object.fixes.iter().find(|fix| fix.repairs(violation)) else { return Vec::new() };
    let TextFix { needs_person, replacements, .. } = fix;
    let name = object_name(object);
    let description = if *needs_person {
        format!("Repair {name}. Look at it first, it needs a person who knows the program (check --fix --unsafe-fixes)")
    } else {
        format!("Repair {name} as far as the program does not notice it (check --fix)")
    };
    vec![sarif(description, uri, replacements.iter().map(replacement).collect())]
}

fn sarif(description: String, uri: &str, replacements: Vec<SarifReplacement>) -> SarifFix {
    let change = ArtifactChange { artifact_location: ArtifactLocation { uri: uri.to_owned() }, replacements };
    SarifFix { description: Message::new(description), artifact_changes: vec![change] }
}

fn replacement(replacement: &Replacement) -> SarifReplacement {
    let Replacement { from, to, text } = replacement;
    SarifReplacement {
        deleted_region: Span {
            start_line: from.line,
            start_column: from.column,
            end_line: to.line,
            end_column: to.column,
        },
        inserted_content: (!text.is_empty()).then(|| Message::new(text.clone())),
    }
}
