//! The lines of `tests/podspec-fields.txt`, whose head explains them.

use std::collections::BTreeMap;

const FILE: &str = include_str!("../../podspec-fields.txt");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Judged,
    Presence,
    Harmless,
}

pub struct Line {
    pub number: usize,
    pub decision: Decision,
    /// The last version of the API that has the field is known.
    pub is_removed: bool,
}

/// The lines by their field, as `Type.field`.
pub fn lines() -> BTreeMap<&'static str, Line> {
    let mut lines = BTreeMap::new();
    for (number, line) in FILE.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut columns = line.split('\t');
        let (field, decision, version) = (columns.next().unwrap_or(""), columns.next(), columns.next());
        let decision = match decision.map(|decision| decision.split_once(':').unwrap_or((decision, ""))) {
            Some(("judged", "")) => Decision::Judged,
            Some(("presence", "")) => Decision::Presence,
            Some(("harmless", why)) if !why.trim().is_empty() => Decision::Harmless,
            _ => panic!(
                "tests/podspec-fields.txt:{number}: `{line}`\n\
                 Write `judged`, `presence` or `harmless:<why>` after the field and a tab."
            ),
        };
        assert!(
            version.is_none_or(|version| version.starts_with("since:v1.") || version.starts_with("until:v1.")),
            "tests/podspec-fields.txt:{number}: `{line}`\nWrite since:v1.NN or until:v1.NN in the third column."
        );
        let is_removed = version.is_some_and(|version| version.starts_with("until:"));
        assert!(
            lines.insert(field, Line { number, decision, is_removed }).is_none(),
            "tests/podspec-fields.txt:{number}: {field} is listed twice. Delete one of its lines."
        );
    }
    lines
}
