//! Images that no container uses are removed.

use crate::node::{Node, Read};
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "node-image-gc",
    title: "Images that no container uses are removed",
    docs: "The kubelet removes unused images when the disk is fuller than `imageGCHighThresholdPercent`, down to \
`imageGCLowThresholdPercent`. 100 switches that off, and so does a low threshold that is not below the high one. A docker that runs no \
pods needs an enabled timer or a cron job with `docker image prune --force` or `docker system prune --force`, unless no more than `max` of its images are unused. The same holds for podman.",
    why: "old images hold old faults, and every user who may start a container can start them",
    owasp: &[10],
    severity: Severity::Low,
    params: params::<NodeImageGc>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeImageGc>,
        instead: "let the kubelet or a timer remove unused images",
        examples: &[
            NodeExample {
                name: "switched off",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --config=/c --image-gc-high-threshold=100\n\
=== /c\nkind: KubeletConfiguration\n",
                results: &["fail kubelet: imageGCHighThresholdPercent"],
            },
            NodeExample {
                name: "low is not below high",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --config=/c\n=== /c\nimageGCHighThresholdPercent: 80\n",
                results: &["fail kubelet: imageGCHighThresholdPercent"],
            },
            NodeExample {
                name: "the kubelet's defaults",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --config=/c\n=== /c\nkind: KubeletConfiguration\n",
                results: &["pass kubelet: imageGCHighThresholdPercent"],
            },
            NodeExample {
                name: "docker with more unused images than allowed, and no timer",
                params: r#"{"max":0}"#,
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /var/lib/docker/image/overlay2/repositories.json\n{\"Repositories\":{\"a\":{\"a:1\":\"sha256:aa\"},\"b\":{\"b:1\":\"sha256:bb\"}}}\n\
=== /var/lib/docker/containers/c1/config.v2.json\n{\"Image\":\"sha256:aa\"}\n",
                results: &["fail dockerd: unused images"],
            },
            NodeExample {
                name: "podman with more unused images than allowed",
                params: r#"{"max":0}"#,
                host: "=== /usr/bin/podman\n=== /var/lib/containers/storage/overlay-images/images.json\n[{\"id\": \"a\"}]\n",
                results: &["fail podman: unused images"],
            },
            NodeExample {
                name: "podman with a timer, and with a command that is only said",
                params: r#"{"max":0}"#,
                host: "=== /usr/bin/podman\n=== /var/lib/containers/storage/overlay-images/images.json\n[{\"id\": \"a\"}]\n\
=== /etc/systemd/system/timers.target.wants/prune.timer link /etc/systemd/system/prune.timer\n=== /etc/systemd/system/prune.timer\n[Timer]\nOnCalendar=daily\n\
=== /etc/systemd/system/prune.service\n[Service]\nExecStart=/usr/bin/podman image prune -af\n\
=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /var/lib/docker/image/overlay2/repositories.json\n{\"Repositories\":{\"a\":{\"a:1\":\"sha256:aa\"}}}\n\
=== /etc/cron.d/prune\n0 3 * * * root echo docker image prune -f\n0 3 * * * root true # docker image prune -f\n",
                results: &["pass podman: unused images", "fail dockerd: unused images"],
            },
            NodeExample {
                name: "a disk without the folders of images, which may be on another one",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /usr/bin/podman\n",
                results: &["unknown dockerd: unused images", "unknown podman: unused images"],
            },
            NodeExample {
                name: "a docker that runs, and that has no images",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd\n",
                results: &["pass dockerd: unused images"],
            },
            NodeExample {
                name: "docker with a timer",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /etc/cron.d/prune\n0 3 * * * root docker system prune -f\n",
                results: &["pass dockerd: unused images"],
            },
            NodeExample {
                name: "no daemon that keeps images by itself",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable kubelet, docker and podman"],
            },
        ],
    }),
};

/// Parameters of `node-image-gc`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeImageGc {
    /// Unused images that a docker or a podman without a timer may have. Default: 20.
    max: u64,
}

impl Default for NodeImageGc {
    fn default() -> Self {
        Self { max: 20 }
    }
}

impl NodeCheck for NodeImageGc {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.kubelet.is_empty() && node.docker.is_empty() && node.podman.is_empty() {
            results.not_applicable(About::new("kubelet, docker and podman", &[]), "none of them is there");
        }
        // With a kubelet, cri-o's images are in podman's folder, and the kubelet removes them.
        if !node.podman.is_empty() && node.kubelet.is_empty() {
            self.podman(node, results);
        }
        for kubelet in &node.kubelet {
            if results.doubtful(About::new(&kubelet.name, &[]), &kubelet.config) {
                continue;
            }
            let subject = format!("{}: imageGCHighThresholdPercent", kubelet.name);
            let high = kubelet.setting("imageGCHighThresholdPercent");
            let low = kubelet.setting("imageGCLowThresholdPercent");
            let number = |setting: &crate::node::config::Setting| setting.value.as_i64().unwrap_or(0);
            let found =
                format!("imageGCHighThresholdPercent={}, imageGCLowThresholdPercent={}", high.display(), low.display());
            let source = if kubelet.config.get("imageGCLowThresholdPercent").is_some() && number(&low) >= number(&high)
            {
                &low.source
            } else {
                &high.source
            };
            let evidence = Evidence::by(found, source);
            if number(&high) >= 100 || number(&low) >= number(&high) {
                let both = [("imageGCHighThresholdPercent", 85.into()), ("imageGCLowThresholdPercent", 80.into())];
                let fix = super::repairs::kubelet_set(node, kubelet, &both);
                results.fail(
                    About::new(&subject, &[]),
                    Severity::Low,
                    evidence,
                    "a high threshold below 100 and above the low one",
                    fix,
                );
            } else {
                results.pass(About::new(&subject, &[]), evidence);
            }
        }
        for docker in &node.docker {
            let subject = format!("{}: unused images", docker.name);
            let about = About::new(&subject, &["D6.1"]);
            if results.doubtful(about, &docker.config) {
                continue;
            }
            let Some(images) = node.docker_images.get(&docker.name) else {
                results.unknown(about, "its folder of images was not read");
                continue;
            };
            if let Some(timer) = &images.prune {
                results.pass(about, Evidence::new("images are pruned", timer));
                continue;
            }
            match images.unused.is() {
                Some(unused) if *unused > self.max => {
                    let evidence = Evidence::new(format!("{unused} unused images, and no timer"), &images.folder);
                    let wanted = format!("a timer with `docker image prune`, or {} unused images at most", self.max);
                    results.fail(about, Severity::Low, evidence, wanted, "docker image prune --all --force");
                }
                Some(unused) => results.pass(about, Evidence::new(format!("{unused} unused images"), &images.folder)),
                None if images.unused.is_absent() && node.offline => results.unknown(about, not_there(&images.folder)),
                None if images.unused.is_absent() => results.pass(about, Evidence::new("no images", &images.folder)),
                None => {
                    results
                        .unknown(about, format!("{} {}", images.folder, images.unused.unknown().unwrap_or_default()));
                }
            }
        }
    }
}

/// Why nothing is known of the images of an image of a disk.
fn not_there(folder: &str) -> String {
    format!("{folder} is not on this disk, and it may be on another one that is not mounted here")
}

impl NodeImageGc {
    fn podman(&self, node: &Node, results: &mut Results) {
        let about = About::new("podman: unused images", &[]);
        let folder = "/var/lib/containers/storage";
        if let Some(timer) = &node.podman_prune {
            return results.pass(about, Evidence::new("images are pruned", timer));
        }
        match &node.podman_unused {
            Read::Is(unused) if *unused > self.max => {
                let evidence = Evidence::new(format!("{unused} unused images, and no timer"), folder);
                let wanted = format!("a timer with `podman image prune`, or {} unused images at most", self.max);
                results.fail(about, Severity::Low, evidence, wanted, "podman image prune --all --force");
            }
            Read::Is(unused) => results.pass(about, Evidence::new(format!("{unused} unused images"), folder)),
            Read::Absent if node.offline => results.unknown(about, not_there(folder)),
            Read::Absent => results.pass(about, Evidence::new("no images", folder)),
            other => results.unknown(about, format!("{folder} {}", other.unknown().unwrap_or_default())),
        }
    }
}
