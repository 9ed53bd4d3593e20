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

fn id(rule: &Rule) -> &'static str {
    rule.id
}
