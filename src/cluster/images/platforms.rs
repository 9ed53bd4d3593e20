//! The platforms of the cluster's nodes: what no node runs is not judged.

use crate::cluster::item::Item;
use crate::cluster::watch::Sink;
use crate::facts::Labels;
use crate::image::{ImageFacts, Platform};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// An operating system and a processor, as the labels of a node name them.
type OfNode = (String, String);

/// The platforms of all nodes; nothing while they are not known, and then every platform of an image counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platforms(Option<BTreeSet<OfNode>>);

impl Platforms {
    /// The platforms that a node may run. Where none is left, all are judged.
    pub fn of_nodes(&self, platforms: &[ImageFacts]) -> Vec<ImageFacts> {
        let kept: Vec<ImageFacts> = platforms.iter().filter(|facts| self.may_run(&facts.platform)).cloned().collect();
        if kept.is_empty() { platforms.to_vec() } else { kept }
    }

    /// Whether a node may run it. Many nodes run what is for their older processors, too.
    pub fn may_run(&self, named: &Platform) -> bool {
        let Some(nodes) = &self.0 else { return true };
        if named.os.is_empty() || named.architecture.is_empty() || named.is_unknown() {
            return true;
        }
        nodes.iter().any(|(os, architecture)| {
            let older = match architecture.as_str() {
                "amd64" => "386",
                "arm64" => "arm",
                _ => "",
            };
            named.os == *os && (named.architecture == *architecture || named.architecture == older)
        })
    }
}

fn platform_of(labels: &Labels) -> Option<OfNode> {
    let label = |name: &str| labels.get(name).filter(|value| !value.is_empty()).cloned();
    Some((label("kubernetes.io/os")?, label("kubernetes.io/arch")?))
}

/// What the watch of nodes fills.
pub struct NodeSink<'n> {
    /// By name; none for a node whose labels do not say.
    nodes: BTreeMap<String, Option<OfNode>>,
    listed: Option<HashSet<String>>,
    /// A change may be missing.
    lost: bool,
    on_change: &'n (dyn Fn(Platforms) + Sync),
    published: Platforms,
}

impl<'n> NodeSink<'n> {
    /// `on_change` is called when nodes have other platforms than before.
    pub fn new(on_change: &'n (dyn Fn(Platforms) + Sync)) -> Self {
        let published = Platforms::default();
        Self { nodes: BTreeMap::new(), listed: None, lost: true, on_change, published }
    }

    fn platforms(&self) -> Platforms {
        let all: Option<BTreeSet<OfNode>> = self.nodes.values().cloned().collect();
        Platforms(all.filter(|all| !self.lost && !all.is_empty()))
    }

    fn publish(&mut self) {
        let now = self.platforms();
        if now != self.published {
            self.published = now.clone();
            (self.on_change)(now);
        }
    }
}

impl Sink for NodeSink<'_> {
    fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        if let Some(listed) = &mut self.listed {
            listed.insert(item.name().to_owned());
        }
        let platform = platform_of(item.metadata.labels.as_ref().unwrap_or(&Labels::new()));
        self.nodes.insert(item.name().to_owned(), platform);
    }

    fn delete(&mut self, item: &Item) {
        self.nodes.remove(item.name());
    }

    fn list_ends(&mut self) {
        if let Some(listed) = self.listed.take() {
            self.nodes.retain(|name, _| listed.contains(name));
            self.lost = false;
        }
    }

    async fn flush(&mut self) {
        if self.listed.is_none() {
            self.publish();
        }
    }

    fn on_forbidden(&mut self) {
        self.lost = true;
        self.publish();
    }

    fn interrupted(&mut self, lost: bool) {
        self.lost |= lost;
        if lost {
            self.publish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, os: &str, architecture: &str) -> Item {
        let labels = serde_json::json!({"kubernetes.io/os": os, "kubernetes.io/arch": architecture});
        let node = serde_json::json!({"metadata": {"name": name, "labels": labels}});
        serde_json::from_str(&node.to_string()).unwrap()
    }

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    fn facts(text: &str) -> ImageFacts {
        ImageFacts { platform: platform(text), ..ImageFacts::default() }
    }

    /// The platforms of nodes with these labels, as the watch brings them.
    async fn platforms(nodes: &[(&str, &str)]) -> Platforms {
        let last = std::sync::Mutex::new(Platforms::default());
        let on_change = |now| *last.lock().unwrap() = now;
        let mut sink = NodeSink::new(&on_change);
        sink.list_begins();
        for (number, (os, architecture)) in nodes.iter().enumerate() {
            sink.apply(&node(&number.to_string(), os, architecture));
            sink.flush().await;
        }
        sink.list_ends();
        sink.flush().await;
        drop(sink);
        last.into_inner().unwrap()
    }

    #[tokio::test]
    async fn only_platforms_that_a_node_has_are_judged() {
        let all = ["linux/amd64", "linux/arm64", "linux/386", "linux/arm/v7", "windows/amd64", "linux/s390x"];
        let kept = |nodes: &Platforms| {
            let kept = nodes.of_nodes(&all.map(facts));
            kept.iter().map(|facts| facts.platform.to_string()).collect::<Vec<_>>().join(" ")
        };
        for (nodes, wanted) in [
            (vec![("linux", "amd64")], "linux/amd64 linux/386"),
            (vec![("linux", "arm64")], "linux/arm64 linux/arm/v7"),
            (vec![("linux", "s390x"), ("windows", "amd64")], "windows/amd64 linux/s390x"),
            // Nothing is known: all count.
            (vec![], &*all.join(" ")),
            (vec![("linux", "amd64"), ("", "")], &*all.join(" ")),
            (vec![("linux", "riscv64")], &*all.join(" ")),
        ] {
            assert_eq!(kept(&platforms(&nodes).await), wanted, "{nodes:?}");
        }
    }

    #[tokio::test]
    async fn what_no_index_names_may_run_anywhere() {
        let nodes = platforms(&[("linux", "amd64")]).await;
        for odd in [Platform::default(), Platform { os: "linux".to_owned(), ..Platform::default() }] {
            assert!(nodes.may_run(&odd), "{odd:?}");
        }
        assert!(!nodes.may_run(&platform("linux/s390x")));
    }

    #[tokio::test]
    async fn a_lost_change_makes_every_platform_count_until_the_next_list() {
        let seen = std::sync::Mutex::new(Vec::new());
        let on_change = |now: Platforms| seen.lock().unwrap().push(now.0.map(|all| all.len()));
        let mut sink = NodeSink::new(&on_change);
        for _ in 0..2 {
            sink.list_begins();
            sink.apply(&node("a", "linux", "amd64"));
            sink.list_ends();
            sink.flush().await;
            sink.interrupted(true);
        }
        sink.list_begins();
        sink.apply(&node("a", "linux", "amd64"));
        sink.list_ends();
        sink.flush().await;
        sink.apply(&node("b", "linux", "arm64"));
        sink.flush().await;
        sink.delete(&node("b", "linux", "arm64"));
        sink.flush().await;
        assert_eq!(*seen.lock().unwrap(), [Some(1), None, Some(1), None, Some(1), Some(2), Some(1)]);
    }
}
