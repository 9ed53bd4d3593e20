//! `podreeve check --waivers`: exemptions without use, and exemptions that end.

use super::binary::{Dir, Ran};
use jiff::{Timestamp, ToSpan, civil::Date, tz::Offset};
use serde_json::{Value, json};

const RULES: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: test}
spec:
  rules:
    privileged: {action: deny}
    host-network: {action: warn}
    allow-privilege-escalation: {action: patch}
  exemptions:
";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  hostNetwork: true
  containers:
  - name: app
    image: registry.example.com/app@sha256:0
    securityContext: {privileged: true, allowPrivilegeEscalation: false}
";

/// A date as the command counts days. A test that runs over midnight is off by one day, and no case is that near a limit.
fn in_days(days: i64) -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date().saturating_add(days.days())
}

/// An exemption in one line.
fn exemption(rest: &str) -> String {
    format!("  - {{reason: a test, {rest}}}\n")
}

fn check(dir: &Dir, exemptions: &[&str], args: &[&str]) -> Ran {
    let exemptions: String = exemptions.iter().map(|rest| exemption(rest)).collect();
    dir.write(
        "policy.yaml",
        if exemptions.is_empty() { RULES.replace("  exemptions:\n", "") } else { RULES.to_owned() + &exemptions },
    );
    dir.run(&[&["check", "--policy", "policy.yaml", "pod.yaml"], args].concat())
}

fn waivers(dir: &Dir, exemptions: &[&str]) -> Vec<Value> {
    let report = check(dir, exemptions, &["--waivers", "-o", "json"]).json();
    report["waivers"].as_array().expect("a list").clone()
}

/// The place in the policy and the states of each listed exemption.
fn states(waivers: &[Value]) -> Vec<(u64, String)> {
    waivers.iter().map(|w| (w["index"].as_u64().expect("a place"), w["states"].to_string())).collect()
}

fn state(index: u64, states: &[&str]) -> (u64, String) {
    (index, json!(states).to_string())
}

#[test]
fn what_is_unused_or_ends_is_listed_with_its_place() {
    let dir = Dir::new("listed", &[("pod.yaml", POD)]);
    let (soon, later, past) = (in_days(7), in_days(60), in_days(-7));
    let found = waivers(
        &dir,
        &[
            &format!("rules: [privileged], namespaces: [shop], until: {later}"),
            &format!("rules: [host-network], namespaces: [shop], until: {soon}"),
            "rules: [privileged], namespaces: [elsewhere]",
            &format!("rules: [privileged], namespaces: [shop], until: {past}"),
            &format!(
                "rules: [host-ports], namespaces: [shop], containers: [x], images: [a.example.com/b], until: {soon}"
            ),
        ],
    );
    let expected =
        [state(1, &["expiring"]), state(2, &["unused"]), state(3, &["expired"]), state(4, &["expiring", "unused"])];
    assert_eq!(states(&found), expected);
    let last = &found[3];
    // The first exemption is on line 10.
    assert_eq!((&last["file"], &last["line"], &last["column"]), (&json!("policy.yaml"), &json!(14), &json!(5)));
    assert_eq!((&last["policy"], &last["reason"], &last["until"]), (&json!("test"), &json!("a test"), &json!(soon)));
    assert_eq!((&last["rules"], &last["namespaces"]), (&json!(["host-ports"]), &json!(["shop"])));
    assert_eq!((&last["containers"], &last["images"]), (&json!(["x"]), &json!(["a.example.com/b"])));
    assert_eq!(found[1]["until"], Value::Null);
}

#[test]
fn the_text_has_the_next_step() {
    let dir = Dir::new("waivers-text", &[("pod.yaml", POD)]);
    let past = in_days(-7);
    let exemptions = [
        "rules: [host-network], namespaces: [shop]",
        &format!("rules: [privileged], namespaces: [shop], until: {past}"),
    ];
    let ran = check(&dir, &exemptions, &["--waivers"]);
    let expected = format!(
        "Exemptions to look at\n    policy.yaml:11:5  expired  privileged, policy \"test\"\n      namespaces: shop\n      \
         reason:     a test\n      until:      {past}\n      note:       it ended after {past} and lets nothing \
         through; remove it, or give it a new date\n\n1 object: "
    );
    assert!(ran.out.contains(&expected), "{}", ran.out);
    let ran = check(&dir, &exemptions[..1], &["--waivers"]);
    assert!(ran.out.contains("\nEvery exemption is needed, and none ends within 14 days.\n"), "{}", ran.out);
    // Without the option nothing is listed.
    let ran = check(&dir, &exemptions, &["-o", "json"]);
    assert_eq!(ran.json().get("waivers"), None);
    assert!(!check(&dir, &exemptions, &[]).out.contains("xemption"));
}

#[test]
fn the_days_are_those_of_the_warning() {
    let dir = Dir::new("days", &[("pod.yaml", POD)]);
    for (days, listed) in [(1, true), (13, true), (16, false)] {
        let exemption = format!("rules: [privileged], namespaces: [shop], until: {}", in_days(days));
        assert_eq!(waivers(&dir, &[&exemption]).len(), usize::from(listed), "in {days} days");
        let report = check(&dir, &[&exemption], &["-o", "json"]).json();
        let violations = report["objects"][0]["violations"].as_array().expect("a list").clone();
        let warned = violations.iter().any(|v| v["rule"] == "privileged" && v["effect"] == "warn");
        assert_eq!(warned, listed, "in {days} days");
    }
}

#[test]
fn a_part_that_is_unused_is_named() {
    let dir = Dir::new("partly", &[("pod.yaml", POD)]);
    let found = waivers(&dir, &["rules: [privileged, host-pid, host-ipc], namespaces: [shop, old-shop]"]);
    assert_eq!(states(&found), [state(0, &["partly-unused"])]);
    assert_eq!(found[0]["unusedRules"], json!(["host-pid", "host-ipc"]));
    assert_eq!(found[0]["unusedNamespaces"], json!(["old-shop"]));
    let message = "nothing in the checked files needs it for host-pid, host-ipc, nor in old-shop; narrow it";
    assert_eq!(found[0]["message"], message);
}

#[test]
fn without_those_that_are_unused_every_verdict_is_the_same() {
    let dir = Dir::new("same", &[("pod.yaml", POD)]);
    // Of two exemptions that cover the same violation one is enough.
    let exemptions = [
        "rules: [privileged], namespaces: [shop]",
        "rules: [privileged], namespaces: [shop], containers: [app]",
        "rules: [privileged], namespaces: [shop], containers: [other]",
    ];
    let found = waivers(&dir, &exemptions);
    assert_eq!(found.len(), 2);
    let unused: Vec<u64> = states(&found).iter().map(|(index, _)| *index).collect();
    let left: Vec<&str> = (0..).zip(exemptions).filter(|(n, _)| !unused.contains(n)).map(|(_, e)| e).collect();
    let verdict =
        |exemptions: &[&str]| check(&dir, exemptions, &["-o", "json"]).json()["objects"][0]["verdict"].clone();
    assert_eq!(verdict(&left), verdict(&exemptions));
    assert_ne!(verdict(&left), verdict(&[]));
}

#[test]
fn a_stricter_policy_does_not_make_an_exemption_unused() {
    let dir = Dir::new("beside", &[("pod.yaml", POD)]);
    let strict = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: strict}
spec: {match: {kinds: [Pod]}, rules: {privileged: {action: deny}}}
---
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: not-here}
spec:
  match: {namespaces: [elsewhere]}
  rules: {privileged: {action: deny}}
  exemptions: [{rules: [privileged], namespaces: [shop], reason: a test}]
";
    dir.write("strict.yaml", strict);
    let exemptions = ["rules: [privileged], namespaces: [shop]"];
    let ran = check(&dir, &exemptions, &["--policy", "strict.yaml", "--waivers", "-o", "json"]);
    let report = ran.json();
    assert_eq!((ran.code, &report["objects"][0]["violations"][1]["policy"]), (Some(1), &json!("strict")));
    let found = report["waivers"].as_array().expect("a list");
    assert_eq!(found.len(), 1, "{report:#}");
    assert_eq!((&found[0]["policy"], &found[0]["line"]), (&json!("not-here"), &json!(12)));
}

#[test]
fn the_exit_code_is_that_of_the_objects() {
    let dir = Dir::new("exit", &[("pod.yaml", POD), ("empty.yaml", "# nothing\n"), ("broken.yaml", "a: [")]);
    let past = format!("rules: [privileged], namespaces: [shop], until: {}", in_days(-7));
    let holds = "rules: [privileged], namespaces: [shop]";
    let unused = "rules: [host-pid], namespaces: [shop]";
    assert_eq!(check(&dir, &[holds, unused, &past], &["--waivers"]).code, Some(0));
    assert_eq!(check(&dir, &[&past], &["--waivers"]).code, Some(1));
    assert_eq!(check(&dir, &[holds], &["--waivers", "broken.yaml"]).code, Some(2));
    let help = dir.run(&["check", "--help"]).out;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("They do not change the exit code"), "{help}");
    // Without objects no exemption is needed.
    let ran = dir.run(&["check", "--policy", "policy.yaml", "--waivers", "-o", "json", "empty.yaml"]);
    assert_eq!(states(ran.json()["waivers"].as_array().expect("a list")), [state(0, &["unused"])]);
}

const OBJECTS: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Exemption
metadata: {name: needed, namespace: shop}
spec: {rules: [privileged], reason: a test}
---
apiVersion: podreeve.dev/v1alpha1
kind: Exemption
metadata: {name: unused, namespace: shop}
spec: {rules: [host-pid], containers: [app], reason: a test}
---
apiVersion: podreeve.dev/v1alpha1
kind: Exemption
metadata: {name: elsewhere, namespace: bank}
spec: {rules: [privileged], reason: a test}
";

#[test]
fn exemption_objects_count_where_they_may() {
    let dir = Dir::new("objects", &[("pod.yaml", POD), ("waivers.yaml", OBJECTS)]);
    // Without leave they are nothing but objects, and the reader is told so.
    let ran = check(&dir, &[], &["waivers.yaml", "-o", "json"]);
    assert_eq!((ran.code, &ran.json()["objects"][0]["verdict"]), (Some(1), &json!("deny")), "{}", ran.err);
    let note = "note: waivers.yaml:1: Exemption shop/needed does not count; if it counts in the cluster, add --exemption-namespaces shop";
    assert!(ran.err.contains(note), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 3, "{}", ran.err);

    // The exemptions come after the pod that needs them.
    let allowed = &["waivers.yaml", "--exemption-namespaces", "cart,shop", "--waivers", "-o", "json"];
    let ran = check(&dir, &[], allowed);
    let report = ran.json();
    assert_eq!((ran.code, &report["objects"][0]["verdict"]), (Some(0), &json!("warn")), "{report:#}");
    assert!(ran.err.starts_with("note: waivers.yaml:11: Exemption bank/elsewhere does not count"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    let found = report["waivers"].as_array().expect("a list");
    assert_eq!(found.len(), 1, "{report:#}");
    let told =
        json!([found[0]["exemption"], found[0]["policy"], found[0]["index"], found[0]["file"], found[0]["line"]]);
    assert_eq!(told, json!(["shop/unused", null, null, "waivers.yaml", 6]));
    assert_eq!(found[0]["states"], json!(["unused"]));
    let text = check(&dir, &[], &allowed[..4]).out;
    assert!(text.contains("    waivers.yaml:6:1  unused  host-pid, Exemption shop/unused\n"), "{text}");
}

#[test]
fn an_exemption_object_that_is_wrong_is_an_error() {
    let dir = Dir::new("wrong", &[("pod.yaml", POD)]);
    for (from, to, says) in [
        (
            "[host-pid]",
            "[host-pdi]",
            "waivers.yaml:9:16: Exemption shop/unused: spec.rules[0]: there is no rule `host-pdi`",
        ),
        (
            "name: unused",
            "name: needed",
            "waivers.yaml:8:12: Exemption shop/needed: it is also at waivers.yaml:1; leave one out",
        ),
        (
            "v1alpha1\nkind: Exemption\nmetadata: {name: unused",
            "v9\nkind: Exemption\nmetadata: {name: unused",
            "waivers.yaml:6:1: Exemption shop/unused: the version `v9` is not known",
        ),
    ] {
        dir.write("waivers.yaml", OBJECTS.replacen(from, to, 1));
        let ran = check(&dir, &[], &["waivers.yaml", "--exemption-namespaces", "shop"]);
        assert!(ran.err.contains(says), "{}", ran.err);
        assert_eq!(ran.err.matches("error:").count(), 1, "{}", ran.err);
        assert_eq!(ran.code, Some(2));
    }
}
