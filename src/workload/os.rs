//! The operating system of the nodes that a pod can run on.

use super::pod::{Pod, PodSpec};
use crate::effort;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Labels that every kubelet sets on its node, and resets when they are changed.
const SYSTEM: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
/// A label that only Windows nodes have.
const WINDOWS_BUILD: &str = "node.kubernetes.io/windows-build";

/// The part of `spec.affinity` that can require an operating system.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Affinity {
    node_affinity: Option<NodeAffinity>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Option<NodeSelector>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeSelector {
    node_selector_terms: Option<Vec<Term>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Term {
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Expression {
    key: Option<String>,
    operator: Option<String>,
    values: Option<Vec<String>>,
}

impl Pod<'_> {
    /// Whether `spec.os.name` is `windows`. For the API server this makes it a Windows pod.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        self.spec.os.as_ref().and_then(|os| os.name.as_deref()) == Some("windows")
    }

    /// Whether its `nodeSelector`, its affinity or its node allows only Windows nodes while `spec.os.name` is not set. The
    /// API server and the Pod Security Standards treat such a pod as a Linux pod.
    #[must_use]
    pub fn chooses_windows(&self) -> bool {
        *self.of_windows.get_or_init(|| {
            let named = self.spec.os.as_ref().and_then(|os| os.name.as_deref()).is_some_and(|name| !name.is_empty());
            !named && (self.context.windows_node || self.spec.selects_windows() || self.spec.requires_windows())
        })
    }
}

impl PodSpec<'_> {
    fn selects_windows(&self) -> bool {
        is_windows(&self.node_selector())
    }

    /// Terms are alternatives, so each of them must require Windows.
    fn requires_windows(&self) -> bool {
        // Each of the shortest elements becomes two strings and two lists.
        let affinity = self
            .affinity
            .filter(|raw| effort::hold(raw.get().len() * 24))
            .and_then(|raw| serde_json::from_str::<Affinity>(raw.get()).ok());
        let terms = affinity.and_then(|affinity| affinity.node_affinity?.required?.node_selector_terms);
        terms.is_some_and(|terms| !terms.is_empty() && terms.iter().all(Term::requires_windows))
    }
}

impl Term {
    fn requires_windows(&self) -> bool {
        self.match_expressions.iter().flatten().any(Expression::requires_windows)
    }
}

impl Expression {
    fn requires_windows(&self) -> bool {
        let (key, operator) = (self.key.as_deref().unwrap_or_default(), self.operator.as_deref().unwrap_or_default());
        match operator {
            "In" if SYSTEM.contains(&key) => self
                .values
                .as_ref()
                .is_some_and(|values| !values.is_empty() && values.iter().all(|value| value == "windows")),
            "In" | "Exists" | "Gt" => key == WINDOWS_BUILD,
            _ => false,
        }
    }
}

/// Whether these are labels of a Windows node.
#[must_use]
pub fn is_windows(labels: &BTreeMap<String, String>) -> bool {
    SYSTEM.iter().any(|key| labels.get(*key).is_some_and(|system| system == "windows"))
        || labels.contains_key(WINDOWS_BUILD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chooses(spec: &str) -> bool {
        serde_json::from_str::<Pod<'_>>(&format!(r#"{{"spec":{spec}}}"#)).expect("a pod").chooses_windows()
    }

    #[test]
    fn a_pod_chooses_windows_by_label_and_by_affinity() {
        let affinity = |terms: &str| {
            format!(
                r#"{{"affinity":{{"nodeAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":{{"nodeSelectorTerms":{terms}}}}}}}}}"#
            )
        };
        let term = |key: &str, operator: &str, values: &str| {
            format!(
                r#"{{"matchExpressions":[{{"key":"zone","operator":"Exists"}},{{"key":"{key}","operator":"{operator}","values":{values}}}]}}"#
            )
        };
        let windows = term("kubernetes.io/os", "In", r#"["windows"]"#);
        for spec in [
            r#"{"nodeSelector":{"zone":"a","kubernetes.io/os":"windows"}}"#.to_owned(),
            r#"{"nodeSelector":{"beta.kubernetes.io/os":"windows"},"os":{"name":""}}"#.to_owned(),
            r#"{"nodeSelector":{"node.kubernetes.io/windows-build":"10.0.20348"}}"#.to_owned(),
            affinity(&format!("[{windows}]")),
            affinity(&format!("[{windows},{}]", term("node.kubernetes.io/windows-build", "Exists", "null"))),
        ] {
            assert!(chooses(&spec), "{spec}");
        }
        for spec in [
            "{}".to_owned(),
            r#"{"nodeSelector":{"kubernetes.io/os":"linux"}}"#.to_owned(),
            r#"{"nodeSelector":{"kubernetes.io/os":"windows"},"os":{"name":"windows"}}"#.to_owned(),
            r#"{"nodeSelector":{"kubernetes.io/os":"windows"},"os":{"name":"linux"}}"#.to_owned(),
            r#"{"nodeSelector":{"example.com/os":"windows"},"affinity":{}}"#.to_owned(),
            r#"{"nodeSelector":null,"affinity":null}"#.to_owned(),
            r#"{"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[]}}}"#.to_owned(),
            affinity("[]"),
            affinity("null"),
            affinity("[{}]"),
            affinity(&format!("[{windows},{}]", term("zone", "In", r#"["a"]"#))),
            affinity(&format!("[{}]", term("kubernetes.io/os", "In", r#"["windows","linux"]"#))),
            affinity(&format!("[{}]", term("kubernetes.io/os", "In", "[]"))),
            affinity(&format!("[{}]", term("kubernetes.io/os", "NotIn", r#"["windows"]"#))),
            affinity(&format!("[{}]", term("node.kubernetes.io/windows-build", "DoesNotExist", "[]"))),
        ] {
            assert!(!chooses(&spec), "{spec}");
        }
    }
}
