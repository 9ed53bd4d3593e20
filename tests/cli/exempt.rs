//! `podreeve exempt`: what it writes lets in what was found, and nothing else.

use crate::binary::Dir;
use std::fs;

const TERMS: [&str; 4] = ["--reason", "a test", "--until", "never"];

fn exempt(dir: &Dir, more: &[&str]) -> crate::binary::Ran {
    dir.run(&[&["exempt"], more, &TERMS].concat())
}

fn addons() -> Vec<String> {
    let folder = fs::read_dir("tests/addons").expect("the folder");
    let mut files: Vec<_> =
        folder.map(|entry| std::path::absolute(entry.expect("an entry").path()).expect("a path")).collect();
    files.sort();
    files.into_iter().map(|path| path.display().to_string()).collect()
}

/// The namespaces of all Exemption objects in the text, as one argument.
fn namespaces(text: &str) -> String {
    let names = text.lines().filter_map(|line| line.strip_prefix("  namespace: "));
    names.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",")
}

#[test]
fn with_its_exemptions_every_addon_is_admitted() {
    let dir = Dir::new("exempt-addons", &[]);
    let files = addons();
    let all: Vec<&str> = files.iter().map(String::as_str).collect();
    let ran = exempt(&dir, &all);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    dir.write("exemptions.yaml", &ran.out);
    let names = namespaces(&ran.out);
    let checked =
        dir.run(&[&["check", "--exemption-namespaces", &names, "--waivers", "exemptions.yaml"], &*all].concat());
    assert_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("Every exemption is needed"), "{}", checked.out);
    assert!(ran.out.contains("# DaemonSet storage/block-csi-node: "), "{}", ran.out);
}

#[test]
fn a_report_gives_the_same_exemptions_as_the_manifests() {
    let dir = Dir::new("exempt-report", &[]);
    for file in addons() {
        let report = dir.run(&["check", "-o", "json", &file]);
        dir.write("report.json", &report.out);
        assert_eq!(exempt(&dir, &["report.json"]).out, exempt(&dir, &[&file]).out, "{file}");
    }
}

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: ops}
spec:
  hostPID: true
  containers:
    - name: agent
      image: registry.example.com/agent:1
      securityContext: {runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      resources: {limits: {memory: 64Mi}}
";

#[test]
fn nothing_else_is_let_in() {
    let dir = Dir::new("exempt-narrow", &[("pod.yaml", POD)]);
    let ran = exempt(&dir, &["pod.yaml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    dir.write("exemptions.yaml", &ran.out);
    let check = |pod: &str| {
        dir.write("other.yaml", pod);
        dir.run(&["check", "--exemption-namespaces", "ops,shop", "exemptions.yaml", "other.yaml"]).code
    };
    assert_eq!(check(POD), Some(0));
    assert_eq!(check(&POD.replace("agent:1", "agent:2")), Some(0), "a new version");
    for (what, other) in [
        ("another namespace", POD.replace("ops", "shop")),
        ("another image", POD.replace("agent:1", "other:1")),
        ("another container", POD.replace("- name: agent", "- name: other")),
        ("another rule", POD.replace("hostPID", "hostIPC")),
        ("one violation more", POD.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")),
    ] {
        assert_eq!(check(&other), Some(1), "{what}");
    }
}

#[test]
fn values_are_for_the_chart() {
    let dir = Dir::new("exempt-values", &[("pod.yaml", POD)]);
    let ran = exempt(&dir, &["pod.yaml", "-o", "values"]);
    let want = "exemptions:
  # Pod ops/agent: host-pid (pod)
  - rules:
    - host-pid
    namespaces:
    - ops
    containers:
    - agent
    images:
    - registry.example.com/agent
    reason: a test
";
    assert_eq!(ran.out, want);
}

#[test]
fn a_ratchet_only_tightens() {
    let second = POD.replace("name: agent, ", "name: second, ").replace("agent:1", "second:1");
    let dir = Dir::new("exempt-ratchet", &[("pod.yaml", POD), ("second.yaml", &second)]);
    let first = exempt(&dir, &["--ratchet", "kept.yaml", "pod.yaml", "second.yaml"]);
    assert_eq!((first.code, &*first.out), (Some(0), ""), "{}", first.err);
    let count = || fs::read_to_string(dir.0.join("kept.yaml")).expect("the file").matches("kind: Exemption").count();
    assert_eq!(count(), 2);
    let again = dir.run(&["exempt", "--ratchet", "kept.yaml", "pod.yaml", "second.yaml"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert_eq!(count(), 2);
    dir.write("second.yaml", second.replace("hostPID: true", "hostIPC: true"));
    let new = dir.run(&["exempt", "--ratchet", "kept.yaml", "pod.yaml", "second.yaml"]);
    assert_eq!(new.code, Some(1), "{}", new.err);
    assert!(new.err.contains("Pod ops/second would still be denied by host-ipc"), "{}", new.err);
    assert_eq!(count(), 1, "what nothing needs is removed, and nothing new is added");
}

#[test]
fn a_reason_and_an_end_are_required() {
    let dir = Dir::new("exempt-terms", &[("pod.yaml", POD)]);
    for (args, says) in [
        (&["exempt", "pod.yaml"][..], "--reason is missing"),
        (&["exempt", "pod.yaml", "--reason", "x"], "--until is missing"),
        (&["exempt", "pod.yaml", "--reason", " ", "--until", "never"], "--reason is empty"),
        (&["exempt", "pod.yaml", "--reason", "x", "--until", "2020-01-01"], "is in the past"),
        (&["exempt", "pod.yaml", "--reason", "x", "--until", "never", "--rule", "privilegd"], "did you mean"),
    ] {
        let ran = dir.run(args);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}

#[test]
fn an_exemption_in_force_needs_no_other_one() {
    let dir = Dir::new("exempt-in-force", &[("agent.yaml", POD)]);
    let written = exempt(&dir, &["agent.yaml"]);
    assert_eq!(written.code, Some(0), "{}", written.err);
    dir.write("exemptions.yaml", &written.out);
    let again = exempt(&dir, &["agent.yaml", "exemptions.yaml", "--exemption-namespaces", "ops"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "{}", again.err);
    assert!(again.err.contains("nothing would be denied"), "{}", again.err);
    // In a namespace that is not named, the object does not count.
    for namespaces in [&[][..], &["--exemption-namespaces", "shop"]] {
        let other = exempt(&dir, &[&["agent.yaml", "exemptions.yaml"], namespaces].concat());
        assert_eq!(other.out, written.out, "{}", other.err);
    }
    dir.write("report.json", dir.run(&["check", "-o", "json", "agent.yaml"]).out);
    let refused = exempt(&dir, &["report.json", "--exemption-namespaces", "ops"]);
    assert_eq!(refused.code, Some(2), "{}", refused.out);
    assert!(refused.err.contains("give the flag to `podreeve scan`"), "{}", refused.err);
}
