//! A unified diff of a file and the same file after edits, as `patch` and `git apply` read it.
//!
//! It ends before a line with a secret that does not change. A change of such a line is shown without the secret, and then the diff is
//! for readers alone.

use super::hidden::Hidden;
use crate::manifest::{TextEdit, apply};
use std::fmt::Write;

/// The lines around a change.
const CONTEXT: usize = 3;

/// Some lines of the old text, and those in their place.
struct Change {
    /// Indices of old lines.
    start: usize,
    end: usize,
    text: String,
}

/// The diff that the edits make, which are in the order of the text.
#[must_use]
pub fn unified(file: &str, before: &str, edits: &[TextEdit], hidden: &Hidden) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let changes = changes(&old, before, edits);
    let mut text = format!("--- {file}\n+++ {file}\n");
    let mut index = 0;
    let mut shift = 0_isize;
    while let Some(first) = changes.get(index) {
        let mut last = index;
        while let (Some(this), Some(next)) = (changes.get(last), changes.get(last + 1))
            && next.start <= this.end + 2 * CONTEXT
            && !(this.end..next.start).any(|line| hidden.has(line))
        {
            last += 1;
        }
        let hunk = changes.get(index..=last).unwrap_or_default();
        let start =
            (first.start.saturating_sub(CONTEXT)..first.start).rev().take_while(|line| !hidden.has(*line)).last();
        let after = hunk.last().map_or(0, |last| last.end);
        let end = (after..(after + CONTEXT).min(old.len())).take_while(|line| !hidden.has(*line)).last();
        let lines = (start.unwrap_or(first.start), end.map_or(after, |line| line + 1));
        shift = write_hunk(&mut text, &old, hunk, lines, shift, hidden);
        index = last + 1;
    }
    text
}

/// Writes a hunk. `shift` is how many lines were added before it; returns it with those of the hunk.
fn write_hunk(
    text: &mut String,
    old: &[&str],
    hunk: &[Change],
    (start, end): (usize, usize),
    shift: isize,
    hidden: &Hidden,
) -> isize {
    let signed = |count: usize| isize::try_from(count).unwrap_or_default();
    let grown: isize = hunk
        .iter()
        .map(|change| signed(change.text.split_inclusive('\n').count()) - signed(change.end - change.start))
        .sum();
    let (count, new) = (signed(end - start), signed(end - start) + grown);
    // Of no lines, the position is that of the line before.
    let first = |count: isize, start: isize| if count == 0 { start } else { start + 1 };
    let (from, to) = (first(count, signed(start)), first(new, signed(start) + shift));
    let _ = writeln!(text, "@@ -{from},{count} +{to},{new} @@");
    let mut at = start;
    let mut write = |sign: char, line: &str| {
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    };
    for change in hunk {
        old.get(at..change.start).unwrap_or_default().iter().for_each(|line| write(' ', line));
        let lines = (change.start..change.end).filter_map(|index| Some((index, *old.get(index)?)));
        let secret: Vec<&str> = lines.clone().filter(|(index, _)| hidden.has(*index)).map(|(_, line)| line).collect();
        for (index, line) in lines {
            if hidden.has(index) { write('-', &Hidden::shown(line)) } else { write('-', line) }
        }
        for line in change.text.split_inclusive('\n') {
            let repeats = secret.iter().any(|old| Hidden::is_repeated(old, line));
            if repeats { write('+', &Hidden::shown(line)) } else { write('+', line) }
        }
        at = change.end;
    }
    old.get(at..end).unwrap_or_default().iter().for_each(|line| write(' ', line));
    shift + grown
}

/// The edits as changes of whole lines.
fn changes(old: &[&str], before: &str, edits: &[TextEdit]) -> Vec<Change> {
    let mut starts = vec![0];
    for line in old {
        starts.push(starts.last().copied().unwrap_or_default() + line.len());
    }
    let line_of = |byte: usize| starts.partition_point(|start| *start <= byte).saturating_sub(1);
    let mut groups: Vec<(usize, usize, Vec<TextEdit>)> = Vec::new();
    for edit in edits {
        let (first, last) = (line_of(edit.range.start), line_of(edit.range.end));
        let is_whole = starts.get(first) == Some(&edit.range.start)
            && starts.get(last) == Some(&edit.range.end)
            && (edit.text.is_empty() || edit.text.ends_with('\n'));
        let (start, end) =
            if is_whole { (first, last) } else { (first.min(old.len().saturating_sub(1)), (last + 1).min(old.len())) };
        match groups.last_mut() {
            Some(group) if start <= group.1 => {
                group.1 = group.1.max(end);
                group.2.push(edit.clone());
            }
            _ => groups.push((start, end, vec![edit.clone()])),
        }
    }
    let change = |(start, end, mut edits): (usize, usize, Vec<TextEdit>)| {
        let byte = |line: usize| starts.get(line).copied().unwrap_or(before.len());
        let from = byte(start);
        for edit in &mut edits {
            edit.range = edit.range.start.saturating_sub(from)..edit.range.end.saturating_sub(from);
        }
        Change { start, end, text: apply(before.get(from..byte(end)).unwrap_or_default(), &edits) }
    };
    groups.into_iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: std::ops::Range<usize>, text: &str) -> TextEdit {
        TextEdit { range, text: text.to_owned() }
    }

    #[test]
    fn no_line_shows_a_secret() {
        let before = "FROM debian:12\nENV A_TOKEN=hunter2\nADD a /b\nRUN curl -u jane:hunter2 https://a\nADD c /d\nRUN a\nLABEL x=1\n";
        let edits = [edit(35..38, "COPY"), edit(79..82, "COPY")];
        assert_eq!(
            unified("f", before, &edits, &Hidden::of_dockerfile(before)),
            "--- f\n+++ f\n@@ -3,1 +3,1 @@\n-ADD a /b\n+COPY a /b\n@@ -5,3 +5,3 @@\n-ADD c /d\n+COPY c /d\n RUN a\n LABEL x=1\n"
        );
        let manifest = "a: 1\n- name: X\n  value: postgres://app:hunter2@db/app\nb: 2\n";
        let edits = [edit(17..54, "valueFrom: x\n")];
        let shown = unified("f", manifest, &edits, &Hidden::of_manifest(manifest, &[]));
        assert!(
            !shown.contains("hunter2") && shown.contains("\n-  value: (not repeated)\n-b: 2\n+  valueFrom: x\n+b: 2\n"),
            "{shown}"
        );
        let same = unified("f", manifest, &[edit(17..17, "x")], &Hidden::of_manifest(manifest, &[]));
        assert!(!same.contains("hunter2") && same.contains("\n+  xvalue: (not repeated)\n"), "{same}");
    }

    #[test]
    fn changes_that_are_near_are_one_hunk() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\na\nb\nc\nd\ne\nf";
        let edits = [edit(2..4, ""), edit(4..4, "x\n"), edit(7..7, "y"), edit(29..29, "\nz")];
        assert_eq!(
            unified("f", before, &edits, &Hidden::default()),
            "--- f\n+++ f\n@@ -1,7 +1,7 @@\n 1\n-2\n+x\n 3\n-4\n+4y\n 5\n 6\n 7\n@@ -12,4 +12,5 @@\n c\n d\n e\n-f\n\\ No newline at end of file\n+f\n+z\n\\ No newline at end of file\n"
        );
    }
}
