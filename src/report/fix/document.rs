//! The edits of the objects of one document. An edit that cannot be made surely is left, with those that belong to it.

use super::types::LeftReport;
use crate::manifest::{Document, Editor, Object, TextEdit};
use crate::outcome::Repair;
use crate::repair::Offer;
use crate::report::judge::Judge;
use crate::rule::Applicability;
use crate::text::clean;
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use std::collections::HashSet;

/// The edits of one object.
#[derive(Debug, Default)]
pub struct ObjectEdits {
    /// In the order of the text.
    pub edits: Vec<TextEdit>,
    /// What is left as it is, and why.
    pub left: Vec<LeftReport>,
    /// The violations that the edit leaves: rule, container, and what was found.
    pub leaves: Vec<(&'static str, Option<String>, String)>,
}

/// The edits for each object of a document, in the order of [`Document::objects`]. None for an object that needs none. `barred`
/// says why no object of the document may be edited.
#[must_use]
pub fn edits(
    judge: &Judge<'_>,
    bytes: &[u8],
    document: &Document,
    most: Applicability,
    barred: impl Fn(&Object<'_>) -> Option<String>,
) -> Vec<Option<ObjectEdits>> {
    let objects = document.objects();
    let repairs: Vec<Option<Repair>> = objects.iter().map(|object| judge.repair(object.as_ref().ok()?, most)).collect();
    if repairs.iter().all(Option::is_none) {
        return Vec::new();
    }
    let editor = Editor::new(bytes, document);
    let mut all: Vec<(Option<ObjectEdits>, Vec<PatchOperation>)> = Vec::new();
    for (object, repair) in objects.iter().zip(&repairs) {
        let made = match (object, repair) {
            (Ok(object), Some(repair)) => one(judge, editor.as_ref(), document, object, repair, &barred),
            _ => (None, Vec::new()),
        };
        all.push(made);
    }
    if let Some(editor) = &editor {
        verify(judge, editor, &objects.iter().map(|object| object.as_ref().ok()).collect::<Vec<_>>(), &mut all);
    }
    all.into_iter().map(|(edits, _)| edits).collect()
}

fn left(judge: &Judge<'_>, object: &Object<'_>, line: usize, reason: &str) -> LeftReport {
    let namespace = object.namespace().unwrap_or(judge.namespace);
    let name = format!("{} {}/{}", clean(object.kind, 63), clean(namespace, 63), clean(&object.name(), 253));
    LeftReport { line: Some(line), object: name, reason: reason.to_owned() }
}

fn one(
    judge: &Judge<'_>,
    editor: Option<&Editor<'_>>,
    document: &Document,
    object: &Object<'_>,
    repair: &Repair,
    barred: &impl Fn(&Object<'_>) -> Option<String>,
) -> (Option<ObjectEdits>, Vec<PatchOperation>) {
    let mut edits = ObjectEdits::default();
    edits.leaves.extend(repair.left.iter().map(|violation| {
        let container = violation.subject.container().map(|(_, name)| name.to_owned());
        (violation.rule.id, container, violation.found.to_string())
    }));
    let line = object.position("").line;
    let (Some(editor), None) = (editor, barred(object)) else {
        let reason = barred(object).unwrap_or_else(|| FORM.to_owned());
        edits.left.push(left(judge, object, line, &reason));
        return (Some(edits), Vec::new());
    };
    let prefix = document.pointer(object);
    let groups = |by: &[usize]| -> Vec<usize> { by.iter().map(|offer| group(&repair.offers, *offer)).collect() };
    let mut operations: Vec<(PatchOperation, Vec<usize>)> = repair
        .operations
        .iter()
        .zip(&repair.operations_for)
        .filter_map(|(operation, by)| Some((below(&prefix, operation)?, groups(by))))
        .collect();
    while !operations.is_empty() {
        let patch: Vec<PatchOperation> = operations.iter().map(|(operation, _)| operation.clone()).collect();
        match editor.edits(&patch) {
            Ok(made) => {
                edits.edits = made;
                return (Some(edits), patch);
            }
            Err(unsure) => {
                let line = editor.position(unsure.at).line;
                let reason = format!("{}; edit it by hand", unsure.reason);
                let left = left(judge, object, line, &reason);
                if !edits.left.contains(&left) {
                    edits.left.push(left);
                }
                leave(&mut operations, unsure.operation);
            }
        }
    }
    (Some(edits), Vec::new())
}

const FORM: &str = "podreeve does not edit YAML of this form; edit it by hand";

/// What the program needs because of an edit is an offer of its own, behind that of the edit, and belongs to it.
fn group(offers: &[Offer], index: usize) -> usize {
    let before = index.checked_sub(1).filter(|before| {
        let pair = offers.get(*before).zip(offers.get(index));
        pair.is_some_and(|(needed, offer)| offer.optional && !needed.optional && needed.rule.id == offer.rule.id)
    });
    before.unwrap_or(index)
}

/// Takes out an operation, and those that are for the same offers.
fn leave(operations: &mut Vec<(PatchOperation, Vec<usize>)>, index: usize) {
    let Some((_, by)) = operations.get(index) else { return operations.clear() };
    let mut offers: HashSet<usize> = by.iter().copied().collect();
    operations.remove(index);
    loop {
        let before = operations.len();
        operations.retain(|(_, by)| {
            let goes = by.iter().any(|offer| offers.contains(offer));
            if goes {
                offers.extend(by.iter().copied());
            }
            !goes
        });
        if operations.len() == before {
            return;
        }
    }
}

/// Reads the edited document again. Where it is not what it should be, no object is edited whose edit is wrong by itself.
fn verify(
    judge: &Judge<'_>,
    editor: &Editor<'_>,
    objects: &[Option<&Object<'_>>],
    all: &mut [(Option<ObjectEdits>, Vec<PatchOperation>)],
) {
    for by_itself in [false, true] {
        let edits: Vec<TextEdit> =
            all.iter().filter_map(|(made, _)| Some(&made.as_ref()?.edits)).flatten().cloned().collect();
        let operations: Vec<PatchOperation> = all.iter().flat_map(|(_, operations)| operations).cloned().collect();
        if edits.is_empty() || editor.makes(&edits, &operations) {
            return;
        }
        for ((made, operations), object) in all.iter_mut().zip(objects) {
            let (Some(made), Some(object)) = (made, object) else { continue };
            if by_itself || !editor.makes(&made.edits, operations) {
                made.edits.clear();
                operations.clear();
                made.left.push(left(judge, object, object.position("").line, FORM));
            }
        }
    }
}

/// The operation, whose path leads into the object at `prefix`.
fn below(prefix: &str, operation: &PatchOperation) -> Option<PatchOperation> {
    let path = PointerBuf::parse(format!("{prefix}{}", operation.path())).ok()?;
    Some(match operation {
        PatchOperation::Add(add) => PatchOperation::Add(AddOperation { path, value: add.value.clone() }),
        PatchOperation::Replace(replace) => {
            PatchOperation::Replace(ReplaceOperation { path, value: replace.value.clone() })
        }
        PatchOperation::Remove(_) => PatchOperation::Remove(RemoveOperation { path }),
        _ => return None,
    })
}
