//! Reads policy tests from a file, with the position of each fault.

use super::document::{Case, Expect, Given, KIND, PolicyTestDocument, PolicyTestSpec};
use crate::manifest::{self, ManifestError, Object, Position};
use crate::policy::document::{API_VERSION, read_all, unknown_version};
use crate::report::FileError;
use crate::rules;
use crate::text::clean;

/// The policy test of one document.
#[derive(Debug)]
pub struct Suite {
    /// The file as it was named.
    pub file: String,
    /// The index of the document in the file.
    pub document: usize,
    pub name: String,
    pub spec: PolicyTestSpec,
    /// The position of each case.
    pub places: Vec<Position>,
}

/// Whether a file may hold a policy test, which is cheaper to find out than reading it.
#[must_use]
pub fn is_mentioned(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, KIND.as_bytes()).is_some()
}

/// The policy tests of a file, and the faults in them. Other objects are left alone.
#[must_use]
pub fn read(file: &str, bytes: &[u8]) -> (Vec<Suite>, Vec<FileError>) {
    let reading = manifest::read(bytes);
    let mut errors: Vec<FileError> = reading.errors.iter().map(|error| FileError::at(file, error)).collect();
    let mut suites = Vec::new();
    for object in reading.documents.iter().flat_map(manifest::Document::objects) {
        match object {
            Err(error) => errors.push(FileError::at(file, &error)),
            Ok(object) if object.group() == "podreeve.dev" && object.kind == KIND => match suite(file, &object) {
                Ok(suite) => suites.push(suite),
                Err(faults) => errors.extend(faults.iter().map(|fault| FileError::at(file, fault))),
            },
            Ok(_) => {}
        }
    }
    (suites, errors)
}

fn suite(file: &str, object: &Object<'_>) -> Result<Suite, Vec<ManifestError>> {
    let fault = |pointer: &str, message: String| ManifestError::new(object.position(pointer), message);
    // First, because with another version all fields would be unknown too.
    if object.api_version != API_VERSION {
        return Err(vec![fault("/apiVersion", format!("apiVersion: {}", unknown_version(object.version())))]);
    }
    let (document, errors, _) = read_all::<PolicyTestDocument>(&object.node.to_json(), &[]);
    let mut faults: Vec<ManifestError> = errors.iter().map(|error| fault(&error.pointer, error.to_string())).collect();
    let Some(document) = document.filter(|_| faults.is_empty()) else { return Err(sorted(faults)) };
    for (pointer, message) in meaningless(&document) {
        let key = crate::text::dotted(&pointer);
        faults.push(fault(&pointer, format!("{key}: {message}")));
    }
    if !faults.is_empty() {
        return Err(sorted(faults));
    }
    let PolicyTestDocument { metadata, spec, .. } = document;
    let place = |index: usize| object.position(&format!("/spec/cases/{index}/name"));
    let places = (0..spec.cases.len()).map(place).collect();
    Ok(Suite { file: file.to_owned(), document: object.document, name: metadata.name, spec, places })
}

fn sorted(mut faults: Vec<ManifestError>) -> Vec<ManifestError> {
    faults.sort_by_key(|fault| fault.at);
    faults
}

/// What has the right type and no meaning: its pointer, and why.
fn meaningless(document: &PolicyTestDocument) -> Vec<(String, String)> {
    let PolicyTestDocument { metadata, spec, .. } = document;
    let mut found = Vec::new();
    let mut add = |pointer: String, message: &str| found.push((pointer, message.to_owned()));
    if metadata.name.is_empty() {
        add("/metadata/name".to_owned(), "a policy test needs a name; reports show it");
    }
    if spec.policies.is_empty() {
        add("/spec/policies".to_owned(), "name at least one policy, such as owasp, or a file");
    }
    if spec.cases.is_empty() {
        add("/spec/cases".to_owned(), "write at least one case");
    }
    given("/spec/given", &spec.given, &mut found);
    for (index, case) in spec.cases.iter().enumerate() {
        let at = format!("/spec/cases/{index}");
        given(&format!("{at}/given"), &case.given, &mut found);
        self::case(&at, case, &mut found);
        let same = |other: &&Case| other.name == case.name;
        if spec.cases.iter().take(index).any(|other| same(&other)) {
            let message = format!("`{}` is also the name of a case before it; rename one", clean(&case.name, 100));
            found.push((format!("{at}/name"), message));
        }
    }
    found
}

fn given(at: &str, given: &Given, found: &mut Vec<(String, String)>) {
    let is_softened = given.deny_from.is_some() || given.deny_after.is_some();
    if is_softened && given.mode.is_some_and(|mode| mode != crate::policy::Mode::Deny) {
        let message = "denyFrom and denyAfter soften the mode deny; take them out, or the mode";
        found.push((format!("{at}/mode"), message.to_owned()));
    }
}

fn case(at: &str, case: &Case, found: &mut Vec<(String, String)>) {
    if case.name.trim().is_empty() {
        found.push((format!("{at}/name"), "say what is tested".to_owned()));
    }
    if case.container.is_some() && !matches!(case.sub_resource.as_deref(), Some("exec" | "attach")) {
        let message = "only `subResource: exec` and `attach` enter a container; take it out, or add the sub-resource";
        found.push((format!("{at}/container"), message.to_owned()));
    }
    if let Some(Err(error)) = case.patch.as_ref().map(json_patch_of) {
        found.push((format!("{at}/patch"), format!("is no JSON Patch: {error}")));
    }
    let Some(expect) = &case.expect else { return };
    if expect.is_empty() {
        let message = "compares nothing; name the verdict, or take it out and run with --bless";
        found.push((format!("{at}/expect"), message.to_owned()));
    }
    for (key, ids) in rule_lists(expect) {
        for (index, id) in ids.iter().flat_map(|ids| ids.iter()).enumerate() {
            if rules::find(id).is_none() {
                found.push((format!("{at}/expect/{key}/{index}"), crate::policy::unknown_rule(id)));
            }
        }
    }
}

/// The lists of rules, by their keys.
pub(super) const fn rule_lists(expect: &Expect) -> [(&'static str, Option<&Vec<String>>); 5] {
    let Expect { denied, warned, patched, audited, exempt, .. } = expect;
    [
        ("denied", denied.as_ref()),
        ("warned", warned.as_ref()),
        ("patched", patched.as_ref()),
        ("audited", audited.as_ref()),
        ("exempt", exempt.as_ref()),
    ]
}

pub(super) fn json_patch_of(patch: &serde_json::Value) -> Result<json_patch::Patch, String> {
    serde_json::from_value(patch.clone()).map_err(|error| error.to_string())
}
