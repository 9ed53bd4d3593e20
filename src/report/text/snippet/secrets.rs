//! What may be a secret in a manifest. A snippet hides it, whichever rule the snippet is about.

use crate::manifest::{self, Content, Member, Node, Position};
use crate::text::HIDDEN;

/// Where keys and values begin, in the order of the file, and whether what begins there may be a secret.
pub struct Secrets(Vec<(Position, bool)>);

/// The part of a manifest that a value is in.
#[derive(Clone, Copy)]
struct Place<'k> {
    /// The key of the value, or of the list that it is in.
    key: &'k str,
    /// The key of the map that has the key.
    above: &'k str,
    /// Below `env`, where only the keys of the API and the names are shown.
    in_env: bool,
}

/// Keys below `env` whose values are names.
const NAMES: [&str; 6] = ["name", "key", "optional", "fieldPath", "apiVersion", "resource"];
/// The other keys below `env`.
const KEYS: [&str; 8] = [
    "value",
    "valueFrom",
    "secretKeyRef",
    "configMapKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "containerName",
    "divisor",
];
/// Keys whose texts are shown. All other texts are hidden, because any of them may be a secret: a command, a header, an
/// annotation.
const SHOWN: [&str; 33] = [
    "apiVersion",
    "kind",
    "name",
    "namespace",
    "image",
    "imagePullPolicy",
    "mountPath",
    "mountPropagation",
    "type",
    "drop",
    "add",
    "level",
    "role",
    "user",
    "cpu",
    "memory",
    "ephemeral-storage",
    "sizeLimit",
    "medium",
    "runtimeClassName",
    "serviceAccountName",
    "serviceAccount",
    "hostIP",
    "claimName",
    "restartPolicy",
    "procMount",
    "localhostProfile",
    "protocol",
    "operator",
    "effect",
    "nodeName",
    "driver",
    "devicePath",
];

impl Secrets {
    pub fn new(text: &str) -> Self {
        let mut marks = Vec::new();
        for document in manifest::read(text.as_bytes()).documents {
            visit(&document.root, Place { key: "", above: "", in_env: false }, &mut marks);
        }
        // An alias is where its anchor is.
        marks.sort_unstable_by_key(|(at, is_secret)| (*at, !is_secret));
        marks.dedup_by_key(|(at, _)| *at);
        Self(marks)
    }

    /// The line without secrets. A secret ends where the next key or value begins.
    pub fn hide(&self, number: usize, line: &str) -> String {
        let first = self.0.partition_point(|(at, _)| at.line < number);
        let mut hidden = first.checked_sub(1).and_then(|before| self.0.get(before)).is_some_and(|(_, secret)| *secret);
        let mut marks = self.0.iter().skip(first).take_while(|(at, _)| at.line == number).peekable();
        let mut out = String::with_capacity(line.len());
        // Whether nothing stands yet for what is hidden from here on.
        let mut is_new = false;
        if hidden {
            // What is left of the next list item or key is no part of a secret.
            let end = marks.peek().map_or(usize::MAX, |(at, _)| at.column - 1);
            let before: String = line.chars().take(end).collect();
            let is_indent = end != usize::MAX && before.chars().all(|c| c == ' ' || c == '-');
            out.push_str(if is_indent { &before } else { HIDDEN });
            is_new = is_indent;
        }
        for (column, c) in line.chars().enumerate() {
            while let Some((_, is_secret)) = marks.next_if(|(at, _)| at.column == column + 1) {
                if *is_secret && (!hidden || is_new) {
                    out.push_str(HIDDEN);
                }
                is_new = false;
                hidden = *is_secret;
            }
            if !hidden {
                out.push(c);
            }
        }
        out
    }
}

fn visit<'n>(node: &'n Node, place: Place<'n>, marks: &mut Vec<(Position, bool)>) {
    marks.push((node.at, is_secret(node, place)));
    match &node.content {
        Content::List(items) => {
            for item in items {
                visit(item, place, marks);
            }
        }
        Content::Map(members) => {
            for Member { key, at, value, .. } in members {
                let is_known = NAMES.contains(&key.as_str()) || KEYS.contains(&key.as_str());
                marks.push((*at, place.in_env && !is_known));
                let in_env = place.in_env || key == "env";
                visit(value, Place { key, above: place.key, in_env }, marks);
            }
        }
        _ => {}
    }
}

fn is_secret(node: &Node, place: Place<'_>) -> bool {
    match &node.content {
        Content::List(_) | Content::Map(_) => false,
        _ if place.in_env => !NAMES.contains(&place.key),
        Content::Text(_) => !(SHOWN.contains(&place.key) || (place.key, place.above) == ("path", "hostPath")),
        Content::Null | Content::Bool(_) | Content::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str, line: usize) -> String {
        Secrets::new(text).hide(line, text.lines().nth(line - 1).expect("a line"))
    }

    #[test]
    fn values_are_hidden_and_names_are_not() {
        let text = "env:\n- name: A\n  value: hunter2\n- {name: B, value: 'hunter2'}\ncommand: [app, --password=hunter2]\nimage: x\n";
        assert_eq!(hidden(text, 2), "- name: A");
        assert_eq!(hidden(text, 3), "  value: (not repeated)");
        assert_eq!(hidden(text, 4), "- {name: B, value: (not repeated)");
        assert_eq!(hidden(text, 5), "command: [(not repeated)");
        assert_eq!(hidden(text, 6), "image: x");
    }

    #[test]
    fn a_secret_over_several_lines_ends_at_the_next_key() {
        let text = "env:\n- name: A\n  value: |\n    hunter2\n    hunter3\n  x: 1\nports: []\n";
        assert_eq!(hidden(text, 4), "    (not repeated)");
        assert_eq!(hidden(text, 5), "(not repeated)");
        // An unknown key of `env` may be one, too.
        assert_eq!(hidden(text, 6), "  (not repeated)");
        assert_eq!(hidden(text, 7), "ports: []");
    }

    #[test]
    fn a_text_is_hidden_unless_its_key_has_none() {
        let text = "httpHeaders: [{name: a, value: hunter2}]\nhostPath: {path: /run}\nhttpGet: {path: /?t=hunter2}\nprivileged: true\n";
        assert_eq!(hidden(text, 1), "httpHeaders: [{name: a, value: (not repeated)");
        assert_eq!(hidden(text, 2), "hostPath: {path: /run}");
        assert_eq!(hidden(text, 3), "httpGet: {path: (not repeated)");
        assert_eq!(hidden(text, 4), "privileged: true");
    }

    #[test]
    fn an_alias_hides_its_anchor() {
        let text = "x: &x {value: hunter2}\nenv: [*x]\n";
        assert_eq!(hidden(text, 1), "x: &x {value: (not repeated)");
    }
}
