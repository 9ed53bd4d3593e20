//! A bad example of a rule, and the edit that makes it pass.

use crate::json::Raw;
use crate::patch::absolute;
use crate::repair::{Line, Tree, diff};
use crate::rule::{Example, Findings, Fix, Kinds, Rule, Scope};
use crate::workload::kinds::KINDS;
use crate::workload::{Connect, Kind, PodContext, Written};
use serde_json::{Value, json};

/// An edit may uncover what another violation implied.
const ROUNDS: usize = 4;

/// A bad example and its edit.
pub struct Repaired {
    pub example: &'static Example,
    /// JSON pointer to what the lines show.
    pub at: String,
    /// YAML lines that begin with `-`, `+` or a space.
    pub lines: String,
}

/// The first bad example that the rule's own edits repair. Examples with the rule's default parameters come first.
pub fn best(rule: &Rule) -> Option<Repaired> {
    if !rule.pod()?.shows_edit {
        return None;
    }
    let bad = || rule.examples().filter(|example| example.is_bad());
    bad().filter(|e| e.params.is_empty()).chain(bad()).find_map(|example| repaired(rule, example))
}

fn repaired(rule: &Rule, example: &'static Example) -> Option<Repaired> {
    let check = (rule.pod()?.compile)(example.params_value()).ok()?;
    let (kind, object) = object(example)?;
    let sent = object.to_string();
    let mut tree = Tree::new(Raw::new(&sent));
    let mut json = sent.clone();
    for _ in 0..ROUNDS {
        let text = std::mem::take(&mut json);
        let mut pod = kind.pod(Raw::new(&text)).ok()??;
        pod.context = context(example);
        let mut findings = Findings::default();
        check.check(&pod, &mut findings);
        let (findings, mut fix) = (findings.into_vec(), Fix::edits(Scope::Pod));
        if findings.is_empty() {
            let (diff, at) = diff(&tree, &(kind.prefix() + "/spec"));
            let line = |line: &Line| format!("{} {}\n", line.sign.as_char(), diff.text(line));
            let lines: String = diff.lines.iter().map(line).collect();
            return (!lines.is_empty()).then_some(Repaired { example, at, lines });
        }
        for finding in &findings {
            if !check.offer(&pod, finding, &mut fix) {
                return None;
            }
        }
        fix.take_edits(|at, edit| {
            tree.apply(&absolute(&kind.prefix(), at), edit, 0);
        });
        tree.settle();
        json = tree.to_json();
    }
    None
}

/// The example as an object: a Pod, or the Job around it.
fn object(example: &Example) -> Option<(&'static Kind, Value)> {
    let (name, object) = match example.kinds {
        Kinds::Job(job) => {
            let mut object = json!({"spec": {"template": example.pod()}});
            json_patch::merge(object.get_mut("spec")?, &serde_json::from_str(job).ok()?);
            ("Job", object)
        }
        _ => ("Pod", example.pod()),
    };
    Some((KINDS.iter().find(|kind| kind.kind == name)?, object))
}

fn context(example: &Example) -> PodContext<'static> {
    PodContext {
        // Rules about connections judge a pod only if one enters it.
        connect: (example.kinds == Kinds::Entered).then(Connect::default),
        written: (example.kinds == Kinds::Written).then(Written::default),
        ..PodContext::default()
    }
}
