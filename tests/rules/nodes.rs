//! Every example of a rule about nodes.

use super::cases::chosen;
use podreeve::host::fake::Fake;
use podreeve::host::snapshot;
use podreeve::node::Node;
use podreeve::rule::{Judges, NodeExample, NodeResult, NodeRule, Results, Rule, Verdict};

const NOW: i64 = NodeExample::NOW;

fn each(mut test: impl FnMut(&'static NodeRule, &'static NodeExample, &str)) {
    for rule in chosen() {
        if let Judges::Node(node) = &rule.judges {
            for example in node.examples {
                test(node, example, &format!("{} / {}", rule.id, example.name));
            }
        }
    }
}

fn judge(rule: &NodeRule, example: &NodeExample, node: &Node) -> Vec<NodeResult> {
    let check = (rule.compile)(example.params_value()).expect("params of an example");
    let mut results = Results::default();
    check.check(node, &mut results);
    results.all
}

fn line(result: &NodeResult) -> String {
    format!("{} {}", result.verdict.kind(), result.subject)
}

#[test]
fn every_example_of_a_host_has_its_results() {
    let mut faults = Vec::new();
    each(|rule, example, case| {
        let results = judge(rule, example, &snapshot(&Fake::read(example.host), NOW));
        let lines: Vec<String> = results.iter().map(line).collect();
        let mut left = lines.clone();
        for expected in example.results {
            match left.iter().position(|line| line == expected) {
                Some(at) => _ = left.remove(at),
                None => faults.push(format!("{case}: no `{expected}` in {lines:?}")),
            }
        }
        let more: Vec<&String> = left.iter().filter(|line| line.starts_with("fail ")).collect();
        if !more.is_empty() {
            faults.push(format!("{case}: it fails where the example says nothing: {more:?}"));
        }
        assert!(!results.is_empty(), "{case}: a rule says something about every host");
        for result in &results {
            check_texts(result, case);
        }
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn check_texts(result: &NodeResult, case: &str) {
    let texts: Vec<&str> = match &result.verdict {
        Verdict::Pass(evidence) => vec![evidence.found(), evidence.source()],
        Verdict::Fail(failure) => {
            vec![failure.evidence.found(), failure.evidence.source(), &failure.wanted, &failure.fix]
        }
        Verdict::NotApplicable(why) | Verdict::Unknown(why) => vec![why],
    };
    for text in texts {
        assert!(!text.trim().is_empty() && !text.contains('\n'), "{case}: {result:?}");
    }
}

/// A dump that is read again gives the same results.
#[test]
fn a_snapshot_survives_json() {
    each(|rule, example, case| {
        let node = snapshot(&Fake::read(example.host), NOW);
        let json = serde_json::to_string(&node).expect("JSON");
        let again: Node = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(node, again, "{case}");
        assert_eq!(judge(rule, example, &node), judge(rule, example, &again), "{case}");
    });
}

/// Whatever stands in a file, each rule says something, and says it in one line.
#[test]
fn garbage_in_any_file_is_no_trouble() {
    let deep = "[".repeat(5_000);
    let wide = "a=".repeat(50_000);
    let garbage = ["", "\u{fffd}\0\u{1}", "[[", "{\"a\":", "a: &a [*a]", "999999999999999999999", "%s\\", &deep, &wide];
    let broken = |host: &str, file: usize, with: &str| -> String {
        let mut parts: Vec<String> = host.split("=== ").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        if let Some(part) = parts.get_mut(file) {
            let header = part.lines().next().unwrap_or_default();
            *part = format!("{header}\n{with}\n");
        }
        parts.iter().map(|part| format!("=== {part}")).collect()
    };
    // Each file gets another kind of garbage, so that all examples together try all kinds in all kinds of files.
    let mut kinds = garbage.into_iter().cycle();
    each(|rule, example, case| {
        for file in 0..example.host.matches("=== ").count() {
            let host = broken(example.host, file, kinds.next().unwrap_or_default());
            let results = judge(rule, example, &snapshot(&Fake::read(&host), NOW));
            assert!(!results.is_empty(), "{case}");
            for result in &results {
                check_texts(result, case);
            }
        }
    });
}

/// What podreeve may not read hides a fault at most: nothing passes because of it.
#[test]
fn a_file_that_cannot_be_read_adds_no_pass() {
    let mut faults = Vec::new();
    each(|rule, example, case| {
        let passes = |host: &str| -> Vec<String> {
            let results = judge(rule, example, &snapshot(&Fake::read(host), NOW));
            results.iter().map(line).filter(|line| line.starts_with("pass ")).collect()
        };
        let before = passes(example.host);
        let parts: Vec<&str> = example.host.split("=== ").filter(|part| !part.is_empty()).collect();
        for (at, part) in parts.iter().enumerate() {
            let header = part.lines().next().unwrap_or_default();
            let path = header.split(' ').next().unwrap_or_default();
            // A process whose files cannot be read has ended, and what is no file has no text.
            let is_process =
                path.strip_prefix("/proc/").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if is_process || ["folder", "socket", "link", "denied"].iter().any(|kind| header.contains(kind)) {
                continue;
            }
            let with = |(other, part): (usize, &&str)| {
                if other == at { format!("=== {header} denied\n") } else { format!("=== {part}") }
            };
            let host: String = parts.iter().enumerate().map(with).collect();
            let added: Vec<String> = passes(&host).into_iter().filter(|pass| !before.contains(pass)).collect();
            if !added.is_empty() {
                faults.push(format!("{case}: without {path}: {added:?}"));
            }
        }
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A host on which nothing can be read passes nothing.
#[test]
fn what_cannot_be_read_never_passes() {
    let hosts = [
        "=== /proc denied\n=== /etc denied\n=== /usr denied\n=== /run denied\n=== /lib denied\n=== /var denied\n",
        "=== /etc/docker/daemon.json denied\n=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd\n",
    ];
    for rule in chosen() {
        let Judges::Node(node) = &rule.judges else { continue };
        for host in hosts {
            let snapshot = snapshot(&Fake::read(host), NOW);
            let example = NodeExample { name: "", params: "", host, results: &[] };
            let passes: Vec<String> = judge(node, &example, &snapshot)
                .iter()
                .map(line)
                .filter(|line| line.starts_with("pass dockerd"))
                .collect();
            assert!(passes.is_empty(), "{}: {passes:?}", id(rule));
        }
    }
}

/// A node as kubeadm makes it, and as an operator keeps it: `podreeve node --strict` exits with 0 on it.
const WELL_KEPT: &str = "=== /etc/os-release\nID=ubuntu\nVERSION_ID=\"24.04\"\nPRETTY_NAME=Ubuntu\nSUPPORT_END=2999-01-01\n=== /etc/hostname\nn1\n\
=== /etc/passwd\nroot:x:0:0::/root:/bin/sh\n=== /etc/group\nroot:x:0:\n=== /etc/nsswitch.conf\npasswd: files\ngroup: files\n=== /lib link usr/lib\n\
=== /proc/stat\nbtime 100\n=== /proc/cmdline\nro quiet\n=== /proc/sys/kernel/osrelease\n6.1.0-28\n=== /lib/modules/6.1.0-28/x\n=== /proc/sys/user/max_user_namespaces\n60000\n\
=== /usr/lib/modules/6.1.0-28/x\n=== /sys/fs/cgroup/cgroup.controllers\ncpuset cpu io memory pids\n=== /sys/kernel/security/lsm\nyama,apparmor\n\
=== /sys/module/apparmor/parameters/enabled\nY\n=== /proc/1/status\nName: systemd\nUid: 0 0 0 0\n=== /proc/1/mountinfo\n21 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
22 21 8:2 / /var/lib/containerd rw - ext4 /dev/sda2 rw\n23 21 8:3 / /var/log/audit rw - ext4 /dev/sda3 rw\n24 21 8:4 / /var/lib/kubelet rw - ext4 /dev/sda4 rw\n\
=== /proc/1/net/tcp\nh\n=== /proc/1/net/tcp6\nh\n=== /proc/1/net/udp\nh\n=== /proc/1/net/udp6\nh\n=== /proc/1/net/unix\nh\n=== /proc/1/net/dev\nh\nh\n lo: 0 0\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=1024:4096\nLimitNPROC=4096\n=== /usr/bin/containerd 0755\n\
=== /etc/containerd/config.toml\nversion = 3\n[plugins.\"io.containerd.image-verifier.v1.bindir\"]\nbin_dir = \"/opt/verifier\"\n\
[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runc.options]\nSystemdCgroup = true\n=== /opt/verifier/cosign 0755\n\
=== /var/lib/dpkg/status\nPackage: containerd\nStatus: install ok installed\nVersion: 2.1.4\n\
=== /proc/7/status\nName: containerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/bin/containerd\n=== /proc/7/cgroup\n0::/system.slice/containerd.service\n=== /proc/7/uid_map\n0 0 4294967295\n\
=== /proc/7/stat\n7 (containerd) S 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n=== /proc/7/limits\nLimit Soft Limit Hard Limit Units\nMax processes             4096 4096 processes\nMax open files            1024 4096 files\n\
=== /usr/lib/systemd/system/kubelet.service 0600\n[Service]\nExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf\n=== /usr/bin/kubelet 0755\n\
=== /var/lib/kubelet/config.yaml 0600\nkind: KubeletConfiguration\nauthentication:\n  anonymous: {enabled: false}\n  webhook: {enabled: true}\n  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}\n\
authorization: {mode: Webhook}\npodPidsLimit: 4096\nrotateCertificates: true\nserverTLSBootstrap: true\nreadOnlyPort: 0\n=== /etc/kubernetes/kubelet.conf 0600\n\
=== /proc/8/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/8/cmdline\n/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf\n\
=== /proc/8/cgroup\n0::/system.slice/kubelet.service\n=== /proc/8/uid_map\n0 0 4294967295\n=== /proc/8/stat\n8 (kubelet) S 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n\
=== /proc/9/status\nName: fluent-bit\nUid: 0 0 0 0\n=== /proc/9/uid_map\n0 0 4294967295\n=== /proc/9/cgroup\n0::/system.slice/fluent-bit.service\n\
=== /proc/10/status\nName: auditd\nUid: 0 0 0 0\n=== /proc/10/uid_map\n0 0 4294967295\n=== /proc/10/cgroup\n0::/system.slice/auditd.service\n\
=== /etc/audit/rules.d/a.rules\n-w /usr/bin -p wa\n-w /etc/containerd -p wa\n-w /usr/lib/systemd/system -p wa\n-w /var/lib/kubelet -p wa\n-w /var/lib/containerd -p wa\n";

#[test]
fn a_well_kept_node_has_nothing_unknown() {
    let node = snapshot(&Fake::read(WELL_KEPT), NOW);
    let example = NodeExample { name: "", params: "", host: WELL_KEPT, results: &[] };
    let mut found = Vec::new();
    for rule in chosen() {
        let Judges::Node(check) = &rule.judges else { continue };
        let results = judge(check, &example, &node);
        assert!(!results.is_empty(), "{}", id(rule));
        let is_open = |result: &&NodeResult| matches!(result.verdict, Verdict::Fail(_) | Verdict::Unknown(_));
        found.extend(results.iter().filter(is_open).map(|result| format!("{}: {result:?}", id(rule))));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn id(rule: &Rule) -> &'static str {
    rule.id
}
