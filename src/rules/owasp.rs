//! The OWASP Developer Guide's list "Container security", numbered in its order.
//!
//! Rules cite these numbers. The rules of an item are computed from the table of rules, so podreeve claims no coverage that no
//! rule and no test proves.

mod items;

use super::{RULES, Rule};
use crate::rule::Judges;
pub use items::ITEMS;

/// An item of the list.
#[derive(Debug)]
pub struct Item {
    pub number: u8,
    /// The item in a few words.
    pub title: &'static str,
    /// Where a check can cover it.
    pub at: &'static [Where],
}

/// The part of a cluster where a check can cover an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Admission of pods and pod templates.
    Pod,
    /// Admission of exec, attach, port-forward and debug containers.
    Exec,
    /// The image that a pod runs.
    Image,
    /// A Dockerfile.
    File,
    /// The node: daemon, files, kernel.
    Node,
    /// Objects around the pod.
    Cluster,
    /// The operation of podreeve itself.
    Ops,
}

impl Where {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Exec => "exec",
            Self::Image => "image",
            Self::File => "file",
            Self::Node => "node",
            Self::Cluster => "cluster",
            Self::Ops => "ops",
        }
    }
}

impl Item {
    /// The rules that cite it.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        RULES.iter().copied().filter(|rule| rule.owasp.contains(&self.number))
    }

    /// What no rule of podreeve sees of it, as a sentence.
    #[must_use]
    pub fn limit(&self) -> &'static str {
        let number = self.number.to_string();
        let mut lines = LIMITS.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(numbers, _)| numbers.split(' ').any(|one| one == number)).map_or("", |(_, limit)| limit)
    }

    /// What podreeve itself does for it, apart from rules, and the command or option that shows it.
    #[must_use]
    pub const fn operation(&self) -> Option<(&'static str, &'static str)> {
        match self.number {
            16 => Some(("the scan judges what runs, again and again", "podreeve scan")),
            45 => {
                Some(("each decision goes to a log, and to a receiver of syslog over TLS", "podreeve serve --syslog"))
            }
            _ => None,
        }
    }
}

/// The items whose numbers stand before the colon, and what no rule sees of them.
const LIMITS: &str = include_str!("owasp/limits.txt");

impl Rule {
    /// Where the rule runs: the place on the list, and the commands. The first one is the most usual.
    #[must_use]
    pub const fn runs(&self) -> (Where, &'static [&'static str]) {
        match &self.judges {
            Judges::Pod(_) => (Where::Pod, &["podreeve serve", "podreeve scan", "podreeve check"]),
            Judges::Exec(_) => (Where::Exec, &["podreeve serve"]),
            Judges::Dockerfile(_) => (Where::File, &["podreeve check"]),
            Judges::Image(_) => (Where::Image, &["podreeve image"]),
            Judges::Node(_) => (Where::Node, &["podreeve node", "podreeve node-agent"]),
        }
    }

    /// The harness that replays the examples of the rule, and how many there are.
    #[must_use]
    pub fn test(&self) -> (&'static str, usize) {
        match &self.judges {
            Judges::Pod(pod) => ("tests/rules/cases.rs", pod.examples.len()),
            Judges::Exec(exec) => ("tests/rules/connections.rs", exec.pod.examples.len() + exec.entered.len()),
            Judges::Dockerfile(file) => ("tests/rules/dockerfiles.rs", file.examples.len()),
            Judges::Image(image) => ("tests/rules/images.rs", image.examples.len()),
            Judges::Node(node) => ("tests/rules/nodes.rs", node.examples.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Where::{Cluster, Exec, File, Image, Node, Ops, Pod};

    #[test]
    fn the_items_are_numbered_in_order() {
        for (index, item) in ITEMS.iter().enumerate() {
            assert_eq!(usize::from(item.number), index + 1);
            assert!(!item.at.is_empty() && !item.title.is_empty());
        }
    }

    #[test]
    fn the_parts_of_a_cluster_are_named() {
        let parts = [Pod, Exec, Image, File, Node, Cluster, Ops].map(Where::as_str);
        assert_eq!(parts, ["pod", "exec", "image", "file", "node", "cluster", "ops"]);
    }

    #[test]
    fn the_rules_of_an_item_are_those_that_cite_it() {
        let citations: usize = ITEMS.iter().map(|item| item.rules().count()).sum();
        assert_eq!(citations, RULES.iter().map(|rule| rule.owasp.len()).sum::<usize>());
        assert!(ITEMS.iter().all(|item| item.rules().all(|rule| rule.owasp.contains(&item.number))));
    }

    #[test]
    fn each_item_has_its_limit_once() {
        let mut numbers: Vec<u8> = Vec::new();
        for line in LIMITS.lines() {
            let (items, limit) = line.split_once(": ").unwrap();
            numbers.extend(items.split(' ').map(|number| number.parse::<u8>().unwrap()));
            assert!(limit.ends_with('.') && limit.starts_with(char::is_uppercase), "{line}");
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=93).collect::<Vec<u8>>());
        assert!(ITEMS.iter().all(|item| !item.limit().is_empty()));
        let with_operation: Vec<u8> =
            ITEMS.iter().filter(|item| item.operation().is_some()).map(|item| item.number).collect();
        let of_operation: Vec<u8> =
            ITEMS.iter().filter(|item| item.at.contains(&Ops)).map(|item| item.number).collect();
        assert_eq!(with_operation, of_operation);
    }

    #[test]
    fn no_item_is_without_an_answer() {
        for item in &ITEMS {
            assert!(item.rules().next().is_some(), "no rule cites item {}", item.number);
        }
    }

    #[test]
    fn a_rule_cites_only_items_of_its_place() {
        for item in &ITEMS {
            for rule in item.rules() {
                let (place, _) = rule.runs();
                assert!(
                    // The daemon's access control is the node's; that pods have no token for the API is a rule's.
                    (rule.id, item.number) == ("service-account-token", 32)
                        || item.at.contains(&place)
                        // A Dockerfile shows what the image will be.
                        || (place == File && item.at.contains(&Image))
                        || (place == Pod && item.at.iter().any(|at| matches!(at, Pod | Exec | Cluster | Image))),
                    "{} cites {}",
                    rule.id,
                    item.number
                );
            }
        }
    }
}
