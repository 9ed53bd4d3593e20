//! `podreeve explain -f FILE`: the merged edit for the reader's own objects.

use crate::admit::{ReportedRepairs, Snapshot, admit_for_report};
use crate::cli::exit::{Exit, Failure};
use crate::cli::image::facts;
use crate::cli::{check, input, output};
use crate::manifest::{self, Object};
use crate::outcome::Outcome;
use crate::review::{Creation, response};
use crate::rule::Applicability;
use crate::sources::Sources;
use crate::text::clean;
use serde_json::value::RawValue;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Which objects are explained, and by what.
#[derive(Debug)]
pub struct Objects<'a> {
    pub files: &'a [String],
    pub policy: &'a [String],
    pub namespace: &'a str,
    pub image_facts: &'a [PathBuf],
}

/// The edit for every object of the files that a policy would deny, patch or warn of.
///
/// # Errors
/// Policies that do not load, files that cannot be read, and a stdout that cannot be written.
pub fn run(objects: &Objects<'_>) -> Result<Exit, Failure> {
    let mut snapshot = Sources::new(objects.policy).load(1, usize::MAX).map_err(check::unusable)?;
    snapshot.facts.images = facts::read(objects.image_facts)?;
    let (mut text, mut errors) = (String::new(), Vec::new());
    for file in objects.files {
        let read = input::read(Path::new(file));
        let bytes = match &read.bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                errors.push(format!("{}: {error}", clean(file, 4096)));
                continue;
            }
        };
        if input::is_dockerfile(Path::new(file)) {
            errors.push(format!("{0}: is a Dockerfile; `podreeve check {0} --diff` shows its edit", clean(file, 4096)));
            continue;
        }
        let reading = manifest::read(bytes);
        errors.extend(reading.errors.iter().map(|error| format!("{}: {error}", clean(file, 4096))));
        for document in &reading.documents {
            for object in document.objects() {
                match object {
                    Ok(object) => one(&mut text, &object, &snapshot, objects.namespace),
                    Err(error) => errors.push(format!("{}: {error}", clean(file, 4096))),
                }
            }
        }
    }
    if text.is_empty() && errors.is_empty() {
        text.push_str("There is nothing to edit: no policy denies, repairs or warns of these objects.\n");
    }
    output::print(&text)?;
    facts::note_missing(snapshot.facts.images.as_deref());
    if errors.is_empty() { Ok(Exit::Clean) } else { Err(Failure::input(errors.join("\n"))) }
}

fn one(text: &mut String, object: &Object<'_>, snapshot: &Snapshot, namespace: &str) {
    if snapshot.policies.kind(object.group(), object.kind).is_none() {
        return;
    }
    let json = object.node.to_json();
    let Ok(raw) = serde_json::from_str::<&RawValue>(&json) else { return };
    let creation = Creation {
        group: object.group(),
        version: object.version(),
        kind: object.kind,
        namespace: object.namespace().unwrap_or(namespace),
        name: object.own_name().unwrap_or_default(),
        user: "podreeve-check",
        groups: &["system:authenticated"],
    };
    let wanted = ReportedRepairs::all(Applicability::Suggested);
    let mut outcome: Outcome = admit_for_report(&creation.of(raw), snapshot, check::today(), wanted);
    // Which of the objects in the file it is.
    outcome.about.name = object.name();
    if let Some(problem) = &outcome.problem {
        let _ = writeln!(text, "{}: {}\n", response::object_name(&outcome), clean(problem, 1000));
    }
    let Some(edit) = response::edit(&outcome) else { return };
    for line in edit.lines() {
        let style = super::style_of(line);
        let _ = writeln!(text, "{style}{line}{style:#}");
    }
    text.push('\n');
}
