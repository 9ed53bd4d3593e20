//! File systems of their own for images and logs.

use crate::node::mount;
use crate::node::{DataFolder, Node, Read};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-partitions",
    title: "Images and containers have a file system of their own",
    docs: "A container that writes, or an image that is large, fills the file system of `/var/lib/docker`, `/var/lib/containerd`, \
`/var/lib/containers/storage` or `/var/lib/kubelet`. If that is the one of `/`, the whole host stops. The device decides, since dockerd \
mounts its folder on itself.",
    why: "a full root file system stops every service of the node, and its logs",
    owasp: &[30],
    severity: Severity::Low,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodePartitions>,
        instead: "give images and containers a file system of their own",
        examples: &[
            NodeExample {
                name: "mounted on itself, on the device of the root",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /proc/1/mountinfo\n\
21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:1 /var/lib/docker /var/lib/docker rw - ext4 /dev/sda1 rw\n",
                results: &["fail /var/lib/docker"],
            },
            NodeExample {
                name: "a device of its own",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/docker/daemon.json\n{\"data-root\": \"/srv/docker\"}\n\
=== /proc/1/mountinfo\n21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:2 / /srv rw - ext4 /dev/sda2 rw\n",
                results: &["pass /srv/docker"],
            },
            NodeExample {
                name: "mounts that are unknown",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n",
                results: &["unknown /var/lib/docker"],
            },
            NodeExample {
                name: "no daemon",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable container daemons"],
            },
        ],
    }),
};

/// The check of `node-partitions`.
#[derive(Default)]
struct NodePartitions;

impl NodeCheck for NodePartitions {
    fn check(&self, node: &Node, results: &mut Results) {
        let folders = node.data_folders();
        let about = |subject| About::new(subject, &["D1.1.1"]);
        if folders.is_empty() {
            results
                .not_applicable(about("container daemons"), "no docker, containerd, cri-o, podman or kubelet is there");
        }
        for DataFolder { path: folder, doubt } in &folders {
            if let Some(doubt) = doubt {
                results.unknown(about(folder), format!("the daemon's settings are not known: {doubt}"));
                continue;
            }
            let mounts = match &node.mounts {
                Read::Is(mounts) => mounts,
                Read::Absent => {
                    results.unknown(about(folder), "the root has no /proc/1/mountinfo");
                    continue;
                }
                other => {
                    results
                        .unknown(about(folder), format!("/proc/1/mountinfo {}", other.unknown().unwrap_or_default()));
                    continue;
                }
            };
            // The folder may be a link to another device.
            let resolved =
                node.file(folder).and_then(Read::is).map_or_else(|| folder.clone(), |facts| facts.path.clone());
            let (Some(root), Some(own)) = (mount::of(mounts, "/"), mount::of(mounts, &resolved)) else {
                results.unknown(about(folder), "/proc/1/mountinfo has no mount for it");
                continue;
            };
            let evidence = Evidence::new(format!("device {} at {}", own.device, own.point), "/proc/1/mountinfo");
            if root.device == own.device {
                let fix = format!("make a file system for {folder}, and mount it in /etc/fstab");
                results.fail(
                    about(folder),
                    Severity::Low,
                    evidence,
                    format!("another device than {} of /", root.device),
                    fix,
                );
            } else {
                results.pass(about(folder), evidence);
            }
        }
    }
}
