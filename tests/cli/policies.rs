//! Policies from files: which load, and the errors that their authors get.

use super::binary::{Dir, Ran};
use podreeve::sources::Sources;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true}\n";
const HEAD: &str = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata:\n  name: ours\n";

fn policy(name: &str, spec: &str) -> String {
    HEAD.replace("ours", name) + "spec:\n" + spec
}

fn check(dir: &Dir, policies: &[&str]) -> Ran {
    let flags = policies.iter().flat_map(|policy| ["--policy", policy]);
    let args: Vec<&str> = ["check", "pod.yaml"].into_iter().chain(flags).collect();
    dir.run(&args)
}

/// The policy below `metadata`, and the text of stderr after `error: policy.yaml:`.
const BROKEN: &[(&str, &str)] = &[
    ("speck: {}\n", "5:1: speck: there is no key `speck`; did you mean `spec`? Known here: "),
    (
        "spec:\n  rules: {}\n  mtch: {}\n",
        "7:3: spec.mtch: there is no key `mtch`; did you mean `match`? Known here: `extends`, `match`, `rules`",
    ),
    ("spec:\n  match:\n    namespace: [x]\n  rules: {}\n", "7:5: spec.match.namespace: there is no key `namespace`"),
    (
        "spec:\n  rules:\n    host-network: {action: deny}\n    privilegd: {action: deny}\n",
        "8:5: spec.rules.privilegd: there is no rule `privilegd`; did you mean `privileged`?",
    ),
    (
        "spec:\n  rules:\n    privileged:\n      action: deny\n      parms: {}\n",
        "9:7: spec.rules.privileged.parms: there is no key `parms`",
    ),
    (
        "spec:\n  rules:\n    privileged:\n      action: block\n",
        "8:7: spec.rules.privileged.action: `block` is no action; use one of off, audit, warn, patch, deny",
    ),
    (
        "spec:\n  match:\n    users: []\n  rules: {}\n",
        "7:5: spec.match.users: is an empty list, which could mean all or none; name what it is about, or leave the key out",
    ),
    (
        "spec:\n  rules:\n    image-registries:\n      action: deny\n      params:\n        allow: []\n",
        "10:9: spec.rules.image-registries.params.allow: is an empty list, so every image would be denied",
    ),
    (
        "spec:\n  rules:\n    image-registries: {action: deny}\n",
        "7:5: spec.rules.image-registries.params: `allow` is missing, and without it every image would be denied",
    ),
    (
        "spec:\n  rules:\n    volume-types: {action: deny, params: {only: []}}\n",
        "7:43: spec.rules.volume-types.params.only: is an empty list, so the rule would find nothing",
    ),
    (
        "spec:\n  match:\n    excludeNamespaces: [\"kube-*\"]\n  rules: {}\n",
        "7:25: spec.match.excludeNamespaces[0]: `kube-*` is not the name of a namespace",
    ),
    (
        "spec:\n  rules:\n    privileged:\n      action: on\n",
        "8:7: spec.rules.privileged.action: is a boolean and must be one of off, audit",
    ),
    ("spec:\n  rules:\n    privileged: {}\n", "7:5: spec.rules.privileged.action: is missing"),
    (
        "spec:\n  rules:\n    privileged:\n      action: patch\n",
        "8:7: spec.rules.privileged.action: `privileged` has no repair",
    ),
    (
        "spec:\n  rules:\n    host-ports:\n      action: deny\n      params:\n        allow: [80, x]\n",
        "10:21: spec.rules.host-ports.params.allow[1]: ",
    ),
    (
        "spec:\n  rules:\n    host-ports:\n      action: deny\n      params:\n        alow: []\n",
        "10:9: spec.rules.host-ports.params.alow: there is no key `alow`",
    ),
    (
        "spec:\n  rules:\n    host-path:\n      action: off\n      params:\n        allow:\n        - prefx: /x\n",
        "11:11: spec.rules.host-path.params.allow[0].prefx: there is no key `prefx`",
    ),
    (
        "spec:\n  rules:\n    host-path:\n      action: deny\n      params:\n        allow:\n        - {}\n",
        "11:11: spec.rules.host-path.params.allow[0].prefix: is missing",
    ),
    (
        "spec:\n  rules:\n    read-only-root-filesystem:\n      action: patch\n      params: {sizeLimit: 64MB}\n",
        "9:16: spec.rules.read-only-root-filesystem.params.sizeLimit: `64MB` is not a quantity",
    ),
    ("spec:\n  rules:\n  - privileged\n", "6:3: spec.rules: is a list and must be rules by their id"),
    ("", "1:1: spec: is missing"),
    ("spec:\n", "5:1: spec: is null and must be an object"),
    ("spec:\n  match: {}\n", "5:1: spec.rules: is missing"),
    (
        "spec:\n  match:\n    namespaces: shop\n  rules: {}\n",
        "7:5: spec.match.namespaces: is a string and must be a list",
    ),
    (
        "spec:\n  match:\n    namespaces: [1]\n  rules: {}\n",
        "7:18: spec.match.namespaces[0]: is an integer and must be a string; put it in quotes",
    ),
    (
        "spec:\n  match:\n    kinds: [Pod, Deploymet]\n  rules: {}\n",
        "7:18: spec.match.kinds[1]: `Deploymet` carries no pod",
    ),
    ("spec:\n  match:\n    namespaceSelector: {}\n  rules: {}\n", "7:5: spec.match.namespaceSelector: needs a cluster"),
    (
        "spec:\n  rules: {}\n  exemptions:\n  - rules: [privileged]\n    namespaces: [x]\n",
        "8:5: spec.exemptions[0].reason: is missing",
    ),
    (
        "spec:\n  rules: {}\n  exemptions:\n  - rules: [privileged]\n    namespaces: [x]\n    reason: \" \"\n",
        "10:5: spec.exemptions[0].reason: say why",
    ),
    (
        "spec:\n  rules: {}\n  exemptions:\n  - rules: [privileged, hostnetwork]\n    namespaces: [x]\n    reason: because\n",
        "8:25: spec.exemptions[0].rules[1]: there is no rule `hostnetwork`; did you mean `host-network`?",
    ),
    (
        "spec:\n  rules: {}\n  exemptions:\n  - rules: [privileged]\n    namespaces: [x]\n    reason: because\n    until: 2026-13-01\n",
        "11:5: spec.exemptions[0].until: is not a date, which is written as YYYY-MM-DD",
    ),
    ("spec:\n  rules: {}\n  rollout:\n    warnUntil: tomorrow\n", "8:5: spec.rollout.warnUntil: is not a date"),
    (
        "spec:\n  rules: {}\n  workloads:\n  - {apiVersion: v1, kind: Foo, path: spec}\n",
        "8:6: spec.workloads[0].apiVersion: ",
    ),
    (
        "spec:\n  rules:\n    privileged: {action: deny}\n    privileged: {action: off}\n",
        "8:5: the key `privileged` is here twice, first on line 7",
    ),
    ("spec:\n  rules: [\n", "6:10: this `[` has no `]`"),
];

#[test]
fn errors_name_file_line_and_key() {
    let dir = Dir::new("broken", &[("pod.yaml", POD)]);
    for (rest, expected) in BROKEN {
        dir.write("policy.yaml", format!("{HEAD}{rest}"));
        let ran = check(&dir, &["policy.yaml"]);
        assert_eq!(ran.code, Some(2), "{rest}\n{ran:?}");
        assert_eq!(ran.out, "", "{rest}");
        let expected = format!("error: policy.yaml:{expected}");
        let found = ran.err.lines().any(|line| line.starts_with(&expected));
        assert!(found, "{rest}\nwanted {expected}\nfound  {}", ran.err);
        // One mistake is one error, except that a misspelt key is also missing.
        let faults = match rest {
            _ if rest.contains("speck") || rest.contains("prefx") => 2,
            _ => 1,
        };
        assert_eq!(ran.err.lines().count(), faults, "{}", ran.err);
    }
}

#[test]
fn every_error_of_every_file_is_reported() {
    let dir = Dir::new("all-errors", &[("pod.yaml", POD)]);
    let one = policy("one", "  rules: {privilegd: {action: deny}}\n");
    let two = policy("two", "  rules: {privileged: {action: maybe}}\n");
    dir.write("p/one.yaml", format!("{one}---\n{two}"));
    dir.write("p/three.yml", "kind: ConfigMap\napiVersion: v1\n");
    dir.write("p/four.json", "{\"apiVersion\": \"podreeve.dev/v2\",\n \"kind\": \"Policy\"}");
    dir.write("p/five.yaml", "# nothing yet\n");
    let ran = check(&dir, &["p", "nowhere", "./nowhere.yaml"]);
    assert_eq!(ran.code, Some(2));
    insta::assert_snapshot!(ran.err);
}

#[test]
fn files_directories_and_built_ins_load_together() {
    let dir = Dir::new("together", &[("pod.yaml", POD)]);
    dir.write("mount/..2026_11_22/a.yaml", policy("a", "  rules: {host-network: {action: warn}}\n"));
    dir.write("mount/..data/a.yaml", "not: read");
    dir.write("mount/.a.yaml.swp", "not: read");
    dir.write("mount/readme.md", "not read");
    std::os::unix::fs::symlink("..2026_11_22/a.yaml", dir.0.join("mount/a.yaml")).expect("a link");
    let ran = check(&dir, &["mount"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains(" host-network high warning"), "{}", ran.out);
    let ran = check(&dir, &["mount", "owasp"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains(" host-network high denied"), "{}", ran.out);
    // A list, as `kubectl get policies -o json` prints it.
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy",
        "metadata": {"name": "l", "uid": "u", "generation": 1, "managedFields": []},
        "spec": {"rules": {"host-network": {"action": "warn"}}}, "status": {"x": 1},
    }]});
    dir.write("list.json", list.to_string());
    assert_eq!(check(&dir, &["list.json"]).code, Some(0));
}

#[test]
fn without_policies_the_owasp_list_holds() {
    let dir = Dir::new("default", &[("pod.yaml", POD)]);
    assert_eq!(check(&dir, &[]).out, check(&dir, &["owasp"]).out);
}

#[test]
fn nothing_is_never_enforced_silently() {
    let dir = Dir::new(
        "nothing",
        &[
            ("pod.yaml", POD),
            ("empty.yaml", ""),
            ("empty-list.yaml", "apiVersion: v1\nkind: List\nitems: []\n"),
            ("dir/notes.txt", ""),
        ],
    );
    for source in ["empty.yaml", "empty-list.yaml", "dir"] {
        let ran = check(&dir, &[source]);
        assert_eq!(ran.code, Some(2), "{source}: {ran:?}");
        assert!(ran.err.contains("nothing"), "{}", ran.err);
    }
}

#[test]
fn one_name_is_one_policy() {
    let dir = Dir::new("names", &[("pod.yaml", POD)]);
    dir.write("a.yaml", policy("same", "  rules: {}\n"));
    dir.write("b.yaml", policy("same", "  rules: {}\n"));
    let ran = check(&dir, &["a.yaml", "b.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("b.yaml:4:3: metadata.name: `same` is also the name of the policy at a.yaml:4"),
        "{}",
        ran.err
    );
}

#[test]
fn off_needs_no_quotes() {
    let dir = Dir::new("off", &[("pod.yaml", POD)]);
    dir.write("p.yaml", policy("p", "  rules: {host-network: {action: off}, host-pid: {action: deny}}\n"));
    let ran = check(&dir, &["p.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("admitted"), "{}", ran.out);
}

#[test]
fn a_change_is_seen_by_content() {
    let dir = Dir::new("fingerprint", &[]);
    dir.write("p/a.yaml", policy("a", "  rules: {}\n"));
    let sources = Sources::new(&[dir.0.join("p").display().to_string()]);
    let first = sources.fingerprint();
    dir.write("p/a.yaml", policy("a", "  rules: {}\n"));
    assert_eq!(sources.fingerprint(), first);
    dir.write("p/notes.txt", "x");
    assert_eq!(sources.fingerprint(), first);
    dir.write("p/b.yaml", policy("b", "  rules: {}\n"));
    let second = sources.fingerprint();
    assert_ne!(second, first);
    std::fs::remove_file(dir.0.join("p/b.yaml")).expect("removed");
    assert_eq!(sources.fingerprint(), first);
    std::fs::remove_dir_all(dir.0.join("p")).expect("removed");
    assert_ne!(sources.fingerprint(), first);
    assert!(sources.load(1, 0).is_err());
}
