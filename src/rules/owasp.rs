//! The OWASP Developer Guide's list "Container security", numbered in its order.
//!
//! Rules cite these numbers. The rules of an item are computed from the table of rules, so podreeve claims no coverage that no
//! rule and no test proves.

use super::{RULES, Rule};

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
}

const fn item(number: u8, title: &'static str, at: &'static [Where]) -> Item {
    Item { number, title, at }
}

use Where::{Cluster, Exec, File, Image, Node, Ops, Pod};

/// All 93 items.
pub static ITEMS: [Item; 93] = [
    item(1, "choose the right base image", &[Image]),
    item(2, "only required packages in the image", &[Image]),
    item(3, "multi-stage builds", &[File, Image]),
    item(4, "layer caching and multi-stage builds", &[File]),
    item(5, "separate build-time from runtime dependencies", &[Image]),
    item(6, "remove special permissions from images", &[Image]),
    item(7, "find / -perm /6000 lists nothing", &[Image]),
    item(8, "chmod a-s in the Dockerfile", &[File, Image]),
    item(9, "reduce image size", &[Image]),
    item(10, "remove unused images (prune)", &[Node]),
    item(11, "no secrets, keys, credentials in images", &[Image, Pod]),
    item(12, "read-only file system", &[Pod]),
    item(13, "sign images with cryptographic keys", &[Image]),
    item(14, "secure your code and its dependencies", &[Image]),
    item(15, "test images for vulnerabilities", &[Image]),
    item(16, "monitor container runtimes", &[Node, Ops]),
    item(17, "content trust is enabled on clients", &[Image, Node]),
    item(18, "check freshness with the timestamp key", &[Image]),
    item(19, "timestamp key is created and stored on the server", &[Image]),
    item(20, "tagging keys belong to a registry", &[Image]),
    item(21, "offline keys sign the tagging keys", &[Image]),
    item(22, "offline keys are kept out of band", &[Image]),
    item(23, "scan often, rebuild with patches", &[Image]),
    item(24, "remove setuid and setgid", &[Image]),
    item(25, "COPY instead of ADD", &[File, Image]),
    item(26, "verify authenticity of packages", &[File, Image]),
    item(27, "use namespaces and control groups", &[Pod]),
    item(28, "use bridge interfaces", &[Pod, Node]),
    item(29, "authenticity of packages is verified", &[File, Image]),
    item(30, "files on a separate partition", &[Node, Pod]),
    item(31, "private registries, only signed images", &[Pod, Image]),
    item(32, "authorization plugin for the daemon", &[Node]),
    item(33, "TLS authentication for the daemon", &[Node]),
    item(34, "namespaces are enabled", &[Pod, Node]),
    item(35, "cgroups at default", &[Node, Pod]),
    item(36, "no experimental features", &[Node]),
    item(37, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(38, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(39, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(40, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(41, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(42, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(43, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(44, "ownership and mode of docker.service, docker.socket, /etc/docker, registry certificates", &[Node]),
    item(45, "ship daemon logs to a SIEM", &[Ops, Node]),
    item(46, "inter-container traffic restricted, no packet capture", &[Cluster, Pod]),
    item(47, "userland proxy disabled with hairpin NAT", &[Node]),
    item(48, "daemon runs as non-root", &[Node]),
    item(49, "no_new_privs is set", &[Pod]),
    item(50, "default seccomp profile", &[Pod]),
    item(51, "TLS CA file ownership and mode", &[Node]),
    item(52, "TLS CA file ownership and mode", &[Node]),
    item(53, "containers run as non-root", &[Pod, Image]),
    item(54, "small footprint, no unneeded packages", &[Image]),
    item(55, "docker0 bridge not used", &[Node]),
    item(56, "AppArmor enabled", &[Pod, Node]),
    item(57, "SELinux enabled", &[Pod, Node]),
    item(58, "capabilities restricted", &[Pod]),
    item(59, "no privileged containers", &[Pod]),
    item(60, "sensitive host directories not mounted", &[Pod]),
    item(61, "no sshd in containers", &[Pod, Image]),
    item(62, "no privileged ports (< 1024)", &[Pod, Image]),
    item(63, "only needed ports open", &[Pod, Image]),
    item(64, "host network not shared", &[Pod]),
    item(65, "root filesystem read-only", &[Pod]),
    item(66, "no privileged exec", &[Exec]),
    item(67, "no exec as root", &[Exec]),
    item(68, "cgroup usage confirmed", &[Pod, Node]),
    item(69, "no_new_privs keeps LSMs", &[Pod]),
    item(70, "runtime socket not mounted", &[Pod]),
    item(71, "incoming traffic bound to a host interface", &[Pod]),
    item(72, "host PID namespace not shared", &[Pod]),
    item(73, "host IPC namespace not shared", &[Pod]),
    item(74, "host devices not exposed", &[Pod]),
    item(75, "host user namespace not shared", &[Pod]),
    item(76, "CPU priority set", &[Pod]),
    item(77, "memory limited", &[Pod]),
    item(78, "restart on failure at most 5 times", &[Pod]),
    item(79, "ulimits overwritten if needed", &[Node]),
    item(80, "container health checked", &[Pod, Image]),
    item(81, "PIDs cgroup limit", &[Pod, Node]),
    item(82, "host hardened, only container services", &[Node]),
    item(83, "daemon gives containers no host access", &[Pod, Node]),
    item(84, "runtime up to date", &[Node]),
    item(85, "host patched", &[Node]),
    item(86, "server certificate and key ownership and mode", &[Node]),
    item(87, "server certificate and key ownership and mode", &[Node]),
    item(88, "server certificate and key ownership and mode", &[Node]),
    item(89, "server certificate and key ownership and mode", &[Node]),
    item(90, "runtime socket owner and mode", &[Node]),
    item(91, "runtime socket owner and mode", &[Node]),
    item(92, "daemon.json owner and mode", &[Node]),
    item(93, "daemon.json owner and mode", &[Node]),
];

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_rule_cites_only_items_that_podreeve_can_judge() {
        for item in &ITEMS {
            for rule in item.rules() {
                assert!(
                    // The daemon's access control is the node's; that pods have no token for the API is a rule's.
                    (rule.id, item.number) == ("service-account-token", 32)
                        || item.at.iter().any(|at| matches!(at, Pod | Exec | Cluster | Image | File | Node)),
                    "{} cites {}",
                    rule.id,
                    item.number
                );
            }
        }
    }
}
