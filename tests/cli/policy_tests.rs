//! `podreeve test`: tests of policies.

use crate::binary::{Dir, Ran};
use crate::xsd;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const POLICY: &str = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: team}\nspec:\n  rules:\n    privileged: {action: deny}\n    host-network: {action: warn}\n    host-pid: {action: audit}\n    allow-privilege-escalation: {action: patch}\n    exec-root: {action: deny}\n    network-policy: {action: warn}\n  match:\n    namespaceSelector: {matchLabels: {team: shop}}\n  exemptions:\n  - {rules: [privileged], namespaces: [drivers], reason: a driver, until: 2026-12-31}\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: app, image: a, securityContext: {privileged: true, allowPrivilegeEscalation: false}}\n";
const HEAD: &str = "apiVersion: podreeve.dev/v1alpha1\nkind: PolicyTest\nmetadata: {name: team}\nspec:\n  policies: [policy.yaml]\n  given:\n    date: 2026-11-27\n    namespaceLabels: {team: shop}\n    cluster:\n    - apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: all, namespace: default}\n      spec: {podSelector: {}}\n  cases:\n";

fn dir(name: &str, cases: &str) -> Dir {
    let several = format!(
        "{POD}---\n{}",
        POD.replace("name: web", "name: other").replace("privileged: true", "privileged: false")
    );
    Dir::new(
        name,
        &[
            ("t/policy.yaml", POLICY),
            ("t/pod.yaml", POD),
            ("t/several.yaml", &several),
            ("t/test.yaml", &format!("{HEAD}{cases}")),
        ],
    )
}

fn read(dir: &Dir, file: &str) -> String {
    fs::read_to_string(dir.0.join(file)).expect(file)
}

/// The report of these cases.
fn report(name: &str, cases: &str) -> Value {
    dir(name, cases).run(&["test", "-o", "json", "t"]).json()
}

/// A case that passes, whatever it gives.
fn passes(name: &str, case: &str) {
    let ran = dir(name, case).run(&["test", "t"]);
    assert_eq!(ran.code, Some(0), "{case}\n{}{}", ran.out, ran.err);
}

#[test]
fn what_happens_is_compared_with_what_is_expected() {
    for (index, case) in [
        "  - name: a\n    object: pod.yaml\n    expect: {verdict: deny, denied: [privileged], warned: [], patched: [], audited: [], exempt: []}\n",
        "  - name: a\n    object: several.yaml#Pod/other\n    expect: {verdict: allow, denied: []}\n",
        "  - name: a\n    given: {mode: warn}\n    object: pod.yaml\n    expect: {verdict: warn, denied: [], warned: [privileged], messages: [privileged]}\n",
        "  - name: a\n    given: {denyAfter: 2026-11-27}\n    object: pod.yaml\n    expect: {verdict: warn}\n",
        "  - name: a\n    given: {denyAfter: 2026-11-26}\n    object: pod.yaml\n    expect: {verdict: deny}\n",
        "  - name: a\n    given: {namespace: drivers}\n    object: pod.yaml\n    expect: {verdict: warn, denied: [], exempt: [privileged], warned: [network-policy]}\n",
        "  - name: a\n    given: {namespace: drivers, date: 2027-01-01}\n    object: pod.yaml\n    expect: {verdict: deny, exempt: []}\n",
        "  - name: a\n    given: {namespaceLabels: {team: other}}\n    object: pod.yaml\n    expect: {verdict: allow}\n",
        // The repair, as far as it is written: a null is a key that is not there.
        "  - name: a\n    object: several.yaml#Pod/other\n    patch: [{op: remove, path: /spec/containers/0/securityContext/allowPrivilegeEscalation}]\n    expect: {verdict: patch, patched: [allow-privilege-escalation], result: {spec: {hostPID: null, containers: [{name: app, securityContext: {allowPrivilegeEscalation: false}}]}}}\n",
        // An update of what was there before.
        "  - name: a\n    object: pod.yaml\n    patch: [{op: add, path: /metadata/labels, value: {a: b}}]\n    oldObject: pod.yaml\n    expect: {verdict: warn, warned: [privileged]}\n",
        "  - name: a\n    object: pod.yaml\n    oldObject: several.yaml#Pod/other\n    expect: {verdict: deny}\n",
        "  - name: a\n    object: pod.yaml\n    operation: DELETE\n    expect: {verdict: allow}\n",
        // `kubectl debug` adds a container to a pod that exists.
        "  - name: a\n    object: several.yaml#Pod/other\n    patch: [{op: add, path: /spec/ephemeralContainers, value: [{name: debug, image: a, securityContext: {privileged: true, allowPrivilegeEscalation: false}}]}]\n    oldObject: several.yaml#Pod/other\n    subResource: ephemeralcontainers\n    expect: {verdict: deny, denied: [privileged]}\n",
        // Connections enter the pod, which exists.
        "  - name: a\n    object: several.yaml#Pod/other\n    patch: [{op: add, path: /spec/securityContext, value: {runAsUser: 0}}]\n    subResource: exec\n    container: app\n    expect: {verdict: deny, denied: [exec-root]}\n",
        // What exists decides.
        "  - name: a\n    given: {namespace: open}\n    object: several.yaml#Pod/other\n    expect: {verdict: warn, warned: [network-policy]}\n",
        "  - name: a\n    given:\n      exemptionNamespaces: [default]\n      cluster: [{apiVersion: podreeve.dev/v1alpha1, kind: Exemption, metadata: {name: x}, spec: {rules: [privileged], reason: a test}}]\n    object: pod.yaml\n    expect: {verdict: allow, exempt: [privileged]}\n",
        "  - name: a\n    given: {user: admin, groups: []}\n    object: {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n    expect: {verdict: allow}\n",
    ]
    .iter()
    .enumerate()
    {
        passes(&format!("policy-test-{index}"), case);
    }
}

#[test]
fn a_failure_shows_the_difference_and_its_reason() {
    let cases = "  - name: wrong\n    object: pod.yaml\n    expect:\n      verdict: warn\n      denied: [host-pid]\n      messages: [nothing of this]\n      result: {spec: {hostPID: true}}\n  - name: right\n    object: pod.yaml\n    expect: {verdict: deny}\n";
    let ran = dir("policy-test-diff", cases).run(&["test", "-v", "t"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let text = [
        "FAILED t/test.yaml (team): 1 of 2 cases",
        "  FAILED wrong",
        "  ok     right",
        "t/test.yaml:15: wrong",
        "-   verdict: warn",
        "+   verdict: deny",
        "    denied:",
        "-   - host-pid",
        "+   - privileged",
        "-   messages[0]: \"nothing of this\"   (no message has this text)",
        "-   result.spec.hostPID: true",
        "+   result.spec.hostPID: null",
        "  privileged deny: container \"app\": spec.containers[0].securityContext.privileged: found true, wanted false or not set",
        "2 cases: 1 passed, 1 failed",
    ];
    let mut lines = ran.out.lines();
    for line in text {
        assert!(lines.any(|found| found == line), "no {line:?}, or not there, in\n{}", ran.out);
    }
    let of = |args: &[&str]| -> Ran { dir("policy-test-run", cases).run(&[&["test"], args].concat()) };
    let ran = of(&["--run", "right", "t"]);
    assert!(ran.code == Some(0) && ran.out.contains("1 case: 1 passed"), "{}", ran.out);
    assert_eq!(of(&["--run", "test.yaml: wr", "t"]).code, Some(1));
    let ran = of(&["--run", "nothing", "t"]);
    assert!(ran.code == Some(2) && ran.err.contains("no case has `nothing` in its name"), "{}", ran.err);
}

#[test]
fn a_misspelt_key_is_named_where_it_explains_a_failure() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {hostNetwrok: true, containers: [{name: a}]}}";
    let cases = format!("  - name: a\n    object: {pod}\n    expect: {{warned: [host-network]}}\n");
    let ran = dir("policy-test-hint", &cases).run(&["test", "t"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("  note: spec.hostNetwrok: "), "{}", ran.out);
}

#[test]
fn reports_for_programs_have_all_of_it() {
    let cases = "  - name: wrong <&>\n    object: pod.yaml\n    expect: {verdict: warn}\n  - name: right\n    object: pod.yaml\n    expect: {verdict: deny}\n  - name: nothing\n    object: none.yaml\n  - name: new\n    object: pod.yaml\n";
    let ran = dir("policy-test-reports", cases).run(&[
        "test",
        "-o",
        "json",
        "-o",
        "junit=junit.xml",
        "-o",
        "text=out.txt",
        "t",
    ]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let report = ran.json();
    assert_eq!(report["summary"], json!({"cases": 4, "passed": 1, "failed": 2, "errors": 1}));
    let case = &report["cases"][0];
    assert_eq!((&case["passed"], &case["line"], &case["file"]), (&json!(false), &json!(15), &json!("t/test.yaml")));
    assert_eq!(case["mismatches"], json!([{"pointer": "/verdict", "expected": "warn", "found": "deny"}]));
    assert_eq!(case["found"], json!({"verdict": "deny", "denied": ["privileged"]}));
    assert_eq!(case["violations"][0]["rule"], "privileged");
    assert!(
        report["cases"][2]["error"].as_str().is_some_and(|error| error.contains("none.yaml cannot be read")),
        "{report:#}"
    );
    let schema: Value = serde_json::from_str(include_str!("../../docs/test-report.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> = validator.iter_errors(&report).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, [""; 0]);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/policy-test-reports");
    let junit = fs::read_to_string(dir.join("junit.xml")).expect("written");
    assert_eq!(xsd::faults(include_str!("../schemas/junit.xsd"), &junit), [""; 0], "{junit}");
    assert_eq!((junit.matches("<failure ").count(), junit.matches("<error ").count()), (2, 1), "{junit}");
    assert!(fs::read_to_string(dir.join("out.txt")).expect("written").contains("4 cases: 1 passed, 2 failed, 1 error"));
}

#[test]
fn blessing_writes_what_was_found_and_nothing_else() {
    let cases = "  # The first.\n  - name: a   # a name\n    object: pod.yaml\n    expect:   # all of it\n      # no warning\n      warned: [host-network]   # wrong\n      verdict: warn   # wrong, too\n      denied:\n        # kept\n        - privileged   # right\n        - host-pid   # not there\n  - name: b\n    expect:\n      audited:\n      - host-pid\n      verdict: 'deny'\n    object: pod.yaml\n\n  - {name: c, object: pod.yaml}\n  - {name: \"d\", object: pod.yaml, expect: {verdict: allow, denied: []}}\n  - name: e\n    object: several.yaml#Pod/other\n    patch:\n    - {op: remove, path: /spec/containers/0/securityContext/allowPrivilegeEscalation}\n    # what follows is new\n  - name: f\n    object: several.yaml#Pod/other\n    patch: [{op: remove, path: /spec/containers/0/securityContext/allowPrivilegeEscalation}]\n    expect:\n      result:\n        spec:   # of the pod\n          containers:\n          - securityContext:\n              allowPrivilegeEscalation: true   # false\n              privileged: false\n          hostPID: true\n";
    let dir = dir("policy-test-bless", cases);
    let ran = dir.run(&["test", "--bless", "t"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("t/test.yaml: written"), "{}", ran.err);
    let blessed = "  # The first.\n  - name: a   # a name\n    object: pod.yaml\n    expect:   # all of it\n      # no warning\n      warned: []   # wrong\n      verdict: deny   # wrong, too\n      denied:\n        # kept\n        - privileged   # right\n  - name: b\n    expect:\n      audited: []\n      verdict: 'deny'\n    object: pod.yaml\n\n  - {name: c, object: pod.yaml, expect: {verdict: deny, denied: [privileged]}}\n  - {name: \"d\", object: pod.yaml, expect: {verdict: deny, denied: [privileged]}}\n  - name: e\n    object: several.yaml#Pod/other\n    patch:\n    - {op: remove, path: /spec/containers/0/securityContext/allowPrivilegeEscalation}\n    expect:\n      verdict: patch\n      patched: [allow-privilege-escalation]\n      result:\n        spec:\n          containers:\n          - securityContext:\n              allowPrivilegeEscalation: false\n    # what follows is new\n  - name: f\n    object: several.yaml#Pod/other\n    patch: [{op: remove, path: /spec/containers/0/securityContext/allowPrivilegeEscalation}]\n    expect:\n      result:\n        spec:   # of the pod\n          containers:\n          - securityContext:\n              allowPrivilegeEscalation: false   # false\n              privileged: false\n          hostPID: null\n";
    assert_eq!(read(&dir, "t/test.yaml"), format!("{HEAD}{blessed}"));
    // A second time nothing is left to write.
    let ran = dir.run(&["test", "--bless", "t"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn what_cannot_be_blessed_is_left_alone() {
    let cases = "  - name: a\n    object: pod.yaml\n    expect: &shared {verdict: warn, messages: [nothing]}\n  - name: b\n    object: pod.yaml\n    expect: *shared\n";
    let dir = dir("policy-test-alias", cases);
    let ran = dir.run(&["test", "--bless", "t"]);
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("t/test.yaml:18: `b` cannot be changed in place"), "{}", ran.err);
    assert_eq!(read(&dir, "t/test.yaml"), format!("{HEAD}{cases}"));
    // A text that no message has is for people.
    let ran = dir.run(&["test", "--bless", "--run", ": a", "t"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("-   messages[0]: nothing"), "{}", ran.out);
    // JSON stays JSON.
    let json = json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "PolicyTest", "metadata": {"name": "j"},
        "spec": {"policies": ["pss-baseline"], "cases": [{"name": "a", "object": "pod.yaml"}]}});
    dir.write("t/test.json", serde_json::to_string_pretty(&json).expect("JSON"));
    let ran = dir.run(&["test", "--bless", "t/test.json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let blessed: Value = serde_json::from_str(&read(&dir, "t/test.json")).expect("JSON");
    assert_eq!(blessed["spec"]["cases"][0]["expect"], json!({"verdict": "deny", "denied": ["privileged"]}));
}

#[test]
fn a_fault_has_its_line_and_says_what_to_do() {
    let fault = |name: &str, from: &str, to: &str| {
        let good = format!("{HEAD}  - name: a\n    object: pod.yaml\n    expect: {{verdict: deny}}\n");
        assert!(good.contains(from), "{from}");
        let dir = dir(name, "");
        dir.write("t/test.yaml", good.replacen(from, to, 1));
        let ran = dir.run(&["test", "t"]);
        assert_eq!(ran.code, Some(2), "{to}: {}{}", ran.out, ran.err);
        // A case that cannot be judged is in the report.
        ran.err + &ran.out
    };
    for (index, (from, to, says)) in [
        ("verdict: deny", "verdit: deny", "t/test.yaml:17:14: spec.cases[0].expect.verdit: there is no key `verdit`"),
        ("verdict: deny", "verdict: denied", "spec.cases[0].expect.verdict: "),
        ("{verdict: deny}", "{}", "spec.cases[0].expect: compares nothing"),
        ("verdict: deny", "denied: [privilegd]", "there is no rule `privilegd`; did you mean `privileged`?"),
        ("object: pod.yaml", "object: 7", "spec.cases[0].object: is an integer and must be an object, or a string"),
        ("object: pod.yaml", "object: nowhere.yaml", "nowhere.yaml cannot be read"),
        (
            "object: pod.yaml",
            "object: several.yaml",
            "choose one as in `several.yaml#Deployment/web`: Pod/web, Pod/other",
        ),
        ("object: pod.yaml", "object: several.yaml#Pod/x", "several.yaml has no Pod/x; it has Pod/web, Pod/other"),
        (
            "object: pod.yaml",
            "object: {apiVersion: apps/v1, kind: Deploymnt}",
            "Deploymnt/ has no pod and no pod template",
        ),
        ("object: pod.yaml", "object: {apiVersion: v1, kind: List, items: []}", "it is a list"),
        ("object: pod.yaml", "object: {kind: Pod}", "it needs an `apiVersion` and a `kind`"),
        ("object: pod.yaml", "object: pod.yaml\n    patch: [{op: remove, path: /spec/x}]", "patch: it does not apply"),
        ("object: pod.yaml", "object: pod.yaml\n    patch: [{op: set}]", "spec.cases[0].patch: is no JSON Patch"),
        ("object: pod.yaml", "object: pod.yaml\n    operation: UPDATE", "UPDATE needs the `oldObject`"),
        ("object: pod.yaml", "object: pod.yaml\n    operation: CONNECT", "CONNECT needs one of the sub-resources exec"),
        (
            "object: pod.yaml",
            "object: pod.yaml\n    container: app",
            "only `subResource: exec` and `attach` enter a container",
        ),
        ("policies: [policy.yaml]", "policies: []", "spec.policies: name at least one policy"),
        ("policies: [policy.yaml]", "policies: [owsp]", "t/test.yaml: policies: t/owsp: there is no"),
        ("v1alpha1", "v1", "the version `v1` is not known"),
        ("kind: NetworkPolicy", "kind: ResourceQuota", "no policy reads objects of this kind from a cluster"),
    ]
    .iter()
    .enumerate()
    {
        let err = fault(&format!("policy-test-fault-{index}"), from, to);
        assert!(err.contains(says), "{to}: {err}");
    }
    let twice = "  - {name: a, object: pod.yaml}\n  - {name: a, object: pod.yaml}\n";
    assert!(
        dir("policy-test-twice", twice)
            .run(&["test", "t"])
            .err
            .contains("spec.cases[1].name: `a` is also the name of a case before it")
    );
    let none = Dir::new("policy-test-none", &[("pod.yaml", POD), ("PolicyTest.txt", "x")]);
    let ran = none.run(&["test", "."]);
    assert!(ran.code == Some(2) && ran.err.contains("there is no PolicyTest in ."), "{}", ran.err);
    assert!(none.run(&["test", "pod.yaml"]).err.contains("pod.yaml: there is no PolicyTest in it"));
}

#[test]
fn the_published_schema_takes_what_is_read() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/policy-test.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let yaml = |text: &str| -> Value {
        let documents = podreeve::manifest::parse(text.as_bytes()).expect("YAML");
        serde_json::from_str(&documents[0].root.to_json()).expect("JSON")
    };
    for file in ["owasp", "pss-baseline", "pss-restricted"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("policies/tests/{file}.yaml"));
        let test = yaml(&fs::read_to_string(path).expect(file));
        let faults: Vec<String> =
            validator.iter_errors(&test).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert_eq!(faults, [""; 0], "{file}");
    }
    let case = |case: &str| yaml(&format!("{HEAD}  - {case}\n"));
    assert!(validator.is_valid(&case("{name: a, object: pod.yaml}")));
    for wrong in [
        "{name: a}",
        "{name: a, object: x, expects: {}}",
        "{name: a, object: {kind: Pod}}",
        "{name: a, object: x, expect: {verdict: no}}",
    ] {
        assert!(!validator.is_valid(&case(wrong)), "{wrong}");
    }
}

/// Every rule of every built-in policy has a case that violates it, and each does what the tests say.
#[test]
fn the_built_in_policies_do_what_their_tests_say() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/tests");
    let dir = Dir::new("policy-test-built-in", &[]);
    let ran = dir.run(&["test", "--coverage", "-o", "json", tests.to_str().expect("UTF-8")]);
    assert_eq!(ran.code, Some(0), "{:#}{}", ran.json()["uncovered"], ran.err);
    let report = ran.json();
    let tested: Vec<&str> =
        report["cases"].as_array().expect("cases").iter().filter_map(|case| case["test"].as_str()).collect();
    for (name, _) in podreeve::policy::BUILTINS {
        assert!(tested.contains(name), "{name} has no tests in policies/tests");
    }
    // What no case violates is named.
    let few = report_of_few(&dir);
    assert_eq!(few.code, Some(1), "{}", few.err);
    assert!(few.out.contains("no case violates\n  ") && few.out.contains("\n  host-pid of team\n"), "{}", few.out);
}

fn report_of_few(_: &Dir) -> Ran {
    dir("policy-test-coverage", "  - name: a\n    object: pod.yaml\n    expect: {verdict: deny}\n").run(&[
        "test",
        "--coverage",
        "t",
    ])
}

#[test]
fn a_file_can_have_several_tests() {
    let more = report(
        "policy-test-two",
        &format!("  - name: a\n    object: pod.yaml\n---\n{HEAD}  - name: b\n    object: pod.yaml\n"),
    );
    assert_eq!(more["summary"]["failed"], 2);
    let cases = "  - name: a\n    object: pod.yaml\n";
    let dir = dir("policy-test-two-blessed", &format!("{cases}---\n# the second\n{HEAD}{cases}"));
    let ran = dir.run(&["test", "--bless", "t/test.yaml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let blessed = "    expect:\n      verdict: deny\n      denied: [privileged]\n";
    assert_eq!(read(&dir, "t/test.yaml"), format!("{HEAD}{cases}{blessed}---\n# the second\n{HEAD}{cases}{blessed}"));
}
