//! The property of `--fix`: each object becomes what its repair says, a second run changes nothing, and no line changes that the
//! repair has nothing to do with.

use super::fix;
use super::styles::Style;
use crate::binary::Dir;
use crate::common::snapshot;
use crate::merged_edit::workload;
use podreeve::admit::Snapshot;
use podreeve::manifest::{Content, Document, Node, Object, read};
use podreeve::report::Judge;
use podreeve::review::response::MAX_REPORTED;
use podreeve::rule::{Applicability, Severity};
use podreeve::sources::Sources;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Checks a file before and after. `fixed` is whether the report says that nothing was left.
fn check(name: &str, before: &str, after: &str, judge: &Judge<'_>, whole: bool) {
    let (old, new) = (read(before.as_bytes()), read(after.as_bytes()));
    assert_eq!(old.errors.len(), new.errors.len(), "{name}: {:?}\n{after}", new.errors);
    assert_eq!(old.documents.len(), new.documents.len(), "{name}\n{after}");
    let mut changed = Vec::new();
    for (old, new) in old.documents.iter().zip(&new.documents) {
        let mut expected: Value = serde_json::from_str(&old.root.to_json()).expect("JSON");
        for object in old.objects().into_iter().flatten() {
            let Some(repair) = judge.repair(&object, Applicability::Suggested) else { continue };
            let pointer = old.pointer(&object);
            let place = expected.pointer_mut(&pointer).expect("the object");
            json_patch::patch(place, &repair.operations).expect("it applies");
            changed.extend(
                repair
                    .operations
                    .iter()
                    .flat_map(|operation| lines(before, old, &object, &format!("{pointer}{}", operation.path()))),
            );
        }
        let actual: Value = serde_json::from_str(&new.root.to_json()).expect("JSON");
        if whole {
            assert_eq!(actual, expected, "{name}\n{before}\n----\n{after}");
        }
    }
    let changed = with_comments_between(before, changed.into_iter().collect());
    let mut rest = after.split_inclusive('\n');
    for (index, line) in before.split_inclusive('\n').enumerate() {
        let is_last = !line.ends_with('\n');
        let same = |other: &str| other == line || (is_last && other.trim_end() == line);
        assert!(
            changed.contains(&(index + 1)) || rest.any(same),
            "{name}: line {} is gone: {line:?}\n{before}\n----\n{after}",
            index + 1
        );
    }
}

/// With the comments between two lines that change: they are about what goes.
fn with_comments_between(text: &str, mut changed: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut run = Vec::new();
    let mut before = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            run.push(number);
            continue;
        }
        let here = changed.contains(&number);
        if before && here {
            changed.append(&mut run.drain(..).collect());
        }
        run.clear();
        before = here;
    }
    changed
}

/// The lines that a change at this pointer of the document may touch.
fn lines(text: &str, document: &Document, object: &Object<'_>, pointer: &str) -> Vec<usize> {
    let (known, at) = document.root.resolve(pointer);
    let mut places = Vec::new();
    starts(&document.root, "", &mut places);
    let all: Vec<&str> = text.lines().collect();
    let line = |number: usize| all.get(number - 1).copied().unwrap_or_default();
    // The first line of what follows it, and what stands before that.
    let end = |pointer: &str| {
        let inside = |place: &&(String, usize)| place.0 == pointer || place.0.starts_with(&format!("{pointer}/"));
        let last = places.iter().filter(inside).map(|(_, line)| *line).max().unwrap_or(object.position("").line);
        let next =
            places.iter().filter(|place| !inside(place)).map(|(_, line)| *line).filter(|line| *line >= last).min();
        let mut end = next.unwrap_or(all.len() + 1).max(last + 1) - 1;
        while end > last
            && (line(end).trim().is_empty()
                || line(end).trim_start().starts_with(['#', '-'])
                || line(end).starts_with("..."))
        {
            end -= 1;
        }
        (end, next)
    };
    if known == pointer {
        let (end, next) = end(known);
        // The comments above the first member or element may go with it: they may be about it alone.
        let parent = known.rsplit_once('/').map_or("", |(parent, _)| parent);
        let first = document.root.at_pointer(parent).and_then(|above| match &above.content {
            Content::Map(members) => members.first().map(|member| member.at.line),
            Content::List(items) => items.first().map(|item| item.at.line),
            _ => None,
        });
        let is_first = first == Some(at.line);
        let is_comment =
            |number: &usize| line(*number).trim_start().starts_with('#') || line(*number).trim().is_empty();
        let comments: Vec<usize> =
            (1..at.line).rev().take_while(is_comment).take(if is_first { at.line } else { 0 }).collect();
        // Behind a dash the next key moves up.
        let moves = line(at.line).trim_start().starts_with('-').then_some(next).flatten();
        return comments.into_iter().chain(at.line..=end).chain(moves).collect();
    }
    // A new member of something in brackets, or of something empty, is on its lines.
    let value = document.root.at_pointer(known).expect("a value");
    let in_brackets = line(value.at.line).chars().nth(value.at.column - 1).is_some_and(|c| c == '{' || c == '[');
    if in_brackets || is_empty(value) { (at.line..=end(known).0.max(value.at.line)).collect() } else { Vec::new() }
}

fn is_empty(node: &Node) -> bool {
    match &node.content {
        Content::Null => true,
        Content::List(items) => items.is_empty(),
        Content::Map(members) => members.is_empty(),
        _ => false,
    }
}

/// The line of every member and element.
fn starts(node: &Node, pointer: &str, found: &mut Vec<(String, usize)>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match &node.content {
        Content::Map(members) => {
            for member in members {
                let pointer = format!("{pointer}/{}", escaped(&member.key));
                found.push((pointer.clone(), member.at.line));
                starts(&member.value, &pointer, found);
            }
        }
        Content::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                found.push((pointer.clone(), item.at.line));
                starts(item, &pointer, found);
            }
        }
        // A text may have several lines.
        _ => found.push((pointer.to_owned(), node.at.line)),
    }
}

fn judge(snapshot: &Snapshot) -> Judge<'_> {
    Judge {
        snapshot,
        namespace: "default",
        today: crate::common::TODAY,
        severity: Severity::Low,
        diffs: false,
        images: false,
    }
}

/// Fixes all files of a folder, and checks each. Returns how many were changed, and how many violations are left to repair.
fn fixed(dir: &Dir, policy: &[&str], snapshot: &mut Snapshot) -> (usize, usize) {
    // `check` knows all ServiceAccounts of its files.
    snapshot.facts.manifest_accounts = Some(Arc::default());
    let texts = |dir: &Dir| -> Vec<(String, String)> {
        let mut files: Vec<_> =
            fs::read_dir(dir.0.join("f")).expect("a folder").map(|entry| entry.expect("one").path()).collect();
        files.sort();
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned();
        files
            .iter()
            .map(|path| (format!("f/{}", path.file_name().expect("a name").to_string_lossy()), text(path)))
            .collect()
    };
    let before = texts(dir);
    let args = [policy, &["--unsafe-fixes", "-o", "json", "f"]].concat();
    let report = fix(dir, &args).json();
    let after = texts(dir);
    let judge = judge(snapshot);
    let mut changed = 0;
    let reports = report["fixes"].as_array().expect("fixes");
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        let report = reports.iter().find(|report| report["file"] == **name);
        let whole = report.is_none_or(|report| report["left"].as_array().is_some_and(Vec::is_empty));
        assert_eq!(report.is_some_and(|report| report["written"] == true), before != after, "{name}: {report:?}");
        changed += usize::from(before != after);
        check(name, before, after, &judge, whole);
    }
    let again = fix(dir, &args).json();
    assert_eq!(texts(dir), after, "a second run changes something: {:#}", again["fixes"]);
    let left = again["fixes"].as_array().expect("fixes").iter().filter_map(|fix| fix["left"].as_array()).map(Vec::len);
    (changed, left.sum())
}

#[test]
fn the_corpus_is_edited_as_its_repairs_say() {
    let dir = Dir::new("corpus", &[]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["tests/manifests", "tests/addons", "policies", "examples"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "yaml" || extension == "json")
                && name != "kubectl.json"
            {
                dir.write(&format!("f/{}-{name}", folder.replace('/', "-")), fs::read(&path).expect("a file"));
            }
        }
    }
    for entry in fs::read_dir(root.join("tests/reviews")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let review: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        let mut object = review["request"]["object"].clone();
        let kind = &review["request"]["kind"];
        let group = kind["group"].as_str().filter(|group| !group.is_empty()).map(|group| format!("{group}/"));
        object["apiVersion"] =
            json!(format!("{}{}", group.unwrap_or_default(), kind["version"].as_str().unwrap_or_default()));
        object["kind"] = kind["kind"].clone();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        dir.write(&format!("f/review-{name}.json"), serde_json::to_string_pretty(&object).expect("JSON"));
    }
    let mut owasp = Sources::new(&[]).load(1, MAX_REPORTED).expect("the built-in policy loads");
    let (changed, left) = fixed(&dir, &[], &mut owasp);
    println!("{changed} files changed, {left} edits left");
    assert!(changed > 50, "{changed}");
}

#[test]
fn generated_files_of_all_styles_are_edited_as_their_repairs_say() {
    let dir = Dir::new("styles", &[]);
    for seed in 0..400 {
        let mut object = workload(seed);
        object["metadata"]["annotations"] = json!({"example.com/text": "two words: and more", "b": "#1"});
        let extension = if seed % 5 == 0 { "yml" } else { "yaml" };
        dir.write(&format!("f/{seed:03}.{extension}"), Style::of(seed).file(&object));
    }
    let strict: serde_json::Map<String, Value> = podreeve::rules::RULES
        .iter()
        .filter(|rule| rule.id != "image-registries" && !rule.judges_exec())
        .map(|rule| (rule.id.to_owned(), json!({"action": "deny"})))
        .collect();
    let policy = json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p0"}, "spec": {"rules": strict}});
    dir.write("policy.yaml", policy.to_string());
    let (changed, left) = fixed(&dir, &["--policy", "policy.yaml"], &mut snapshot(Value::Object(strict)));
    println!("{changed} files changed, {left} edits left");
    assert!(changed > 380 && left == 0, "{changed} changed, {left} left");
}
