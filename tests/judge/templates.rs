//! Templates are judged as their pods will be: after the repairs that policies make in them.

use super::common::{policies, response, snapshot};
use super::images::{WEB, create, deployment, found, known, pod, setuid_of, with_images};
use podreeve::admit::{Hook, Snapshot};
use podreeve::decide::{Effect, Note};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{Ceiling, Mode};
use serde_json::{Value, json};

/// An image whose user is a name, which has this number.
fn named() -> Value {
    json!({"run": {"User": "app"}, "content": {"uid": 1000}})
}

fn root() -> Value {
    json!({"run": {"User": "root"}})
}

fn rules() -> Value {
    json!({"image-user": {"action": "deny"}, "run-as-non-root": {"action": "patch"}})
}

fn judged(object: &Value, snapshot: &Snapshot) -> Outcome {
    create(object, Hook::Validate, snapshot)
}

/// The verdict about a pod as the validating webhook sees it: with its repairs.
fn of_pod(image: &str, snapshot: &Snapshot) -> Verdict {
    let mut object = pod(image);
    let patch = create(&object, Hook::Mutate, snapshot).patch;
    json_patch::patch(&mut object, &patch).expect("the patch applies");
    judged(&object, snapshot).verdict
}

#[test]
fn what_a_repair_of_another_rule_takes_away_is_no_violation_of_a_template() {
    for (rules, image, facts) in [
        (rules(), WEB, named()),
        // It is harmless where no process gets more rights.
        (
            json!({"image-setuid": {"action": "deny"}, "allow-privilege-escalation": {"action": "patch"}}),
            WEB,
            setuid_of(&["bin/su"]),
        ),
        (json!({"image-tag": {"action": "deny"}, "image-digest": {"action": "patch"}}), "web", json!({})),
        (json!({"image-user": {"action": "warn"}, "run-as-non-root": {"action": "patch"}}), WEB, named()),
    ] {
        let snapshot = with_images(snapshot(rules.clone()), &json!({}), vec![(image, known("web", &[facts]))]);
        let outcome = judged(&deployment(image), &snapshot);
        assert_eq!((of_pod(image, &snapshot), outcome.verdict), (Verdict::Allow, Verdict::Allow), "{rules}");
        assert!(outcome.violations.iter().all(|v| v.effect == Effect::Audit), "{:?}", found(&outcome));
    }
    let snapshot = with_images(snapshot(rules()), &json!({}), vec![(WEB, known("web", &[named()]))]);
    let notes: Vec<_> = judged(&deployment(WEB), &snapshot).violations.iter().map(|v| (v.rule.id, v.note)).collect();
    let wanted = Some(Note::WillBePatched);
    assert_eq!(notes, [("run-as-non-root", wanted), ("image-user", wanted)]);
}

#[test]
fn what_no_repair_takes_away_is_denied() {
    let images = || vec![(WEB, known("web", &[named()])), ("root:1", known("root", &[root()]))];
    let with = |rules: Value| with_images(snapshot(rules), &json!({}), images());
    let only_audited = json!({"image-user": {"action": "deny"}, "run-as-non-root": {"action": "audit"}});
    for (rules, image) in [(rules(), "root:1"), (only_audited, WEB), (json!({"image-user": {"action": "deny"}}), WEB)] {
        let snapshot = with(rules);
        let verdicts = (of_pod(image, &snapshot), judged(&deployment(image), &snapshot).verdict);
        assert_eq!(verdicts, (Verdict::Deny, Verdict::Deny), "{image}");
    }
    // Each container by itself, also where only the first ones of many are described.
    let mut object = deployment(WEB);
    let container = |number: usize| {
        let image = if number.is_multiple_of(2) { WEB } else { "root:1" };
        json!({"name": format!("c{number}"), "image": image})
    };
    object["spec"]["template"]["spec"]["containers"] = (0..60).map(container).collect();
    let mut snapshot = with(rules());
    snapshot.report_limit = 3;
    let outcome = judged(&object, &snapshot);
    let of_images = || outcome.violations.iter().filter(|v| v.rule.id == "image-user");
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert!(of_images().filter(|v| v.effect == Effect::Deny).all(|v| v.found.contains("root")));
    let message = response(&outcome)["status"]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("c1") && !message.contains("the name app"), "{message}");
}

/// The policies of a template need not be those of its pods.
#[test]
fn the_repairs_are_those_of_the_pods() {
    for (matching, verdict) in [
        (json!({"kinds": ["Pod"]}), Verdict::Allow),
        (json!({"kinds": ["Deployment"]}), Verdict::Deny),
        (json!({"namespaces": ["other"]}), Verdict::Deny),
        // Who the controllers are is not known.
        (json!({"users": ["alice"]}), Verdict::Deny),
        (json!({"groups": ["system:masters"]}), Verdict::Deny),
    ] {
        let policies = policies(&[
            json!({"rules": {"image-user": {"action": "deny"}}}),
            json!({"match": matching, "rules": {"run-as-non-root": {"action": "patch"}}}),
        ]);
        let snapshot = with_images(policies, &json!({}), vec![(WEB, known("web", &[named()]))]);
        assert_eq!(judged(&deployment(WEB), &snapshot).verdict, verdict, "{matching}");
    }
}

/// What is only suggested elsewhere is made in pods where a policy patches.
#[test]
fn all_repairs_of_a_policy_that_patches_count() {
    let rules = |action: &str| json!({"read-only-root-filesystem": {"action": action}, "service-account-token": {"action": action}});
    let both = policies(&[json!({"rules": rules("patch")}), json!({"rules": rules("deny")})]);
    assert_eq!((of_pod(WEB, &both), judged(&deployment(WEB), &both).verdict), (Verdict::Allow, Verdict::Allow));
}

/// The repair of a denial is judged in the same way, and does not name what its pods will not have.
#[test]
fn a_denial_is_about_what_stays() {
    let mut rules = rules();
    rules["privileged"] = json!({"action": "deny"});
    let snapshot = with_images(snapshot(rules), &json!({}), vec![(WEB, known("web", &[named()]))]);
    let mut object = deployment(WEB);
    object["spec"]["template"]["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    let outcome = judged(&object, &snapshot);
    let denied = outcome.violations.iter().filter(|v| v.effect == Effect::Deny).map(|v| v.rule.id);
    assert_eq!(denied.collect::<Vec<_>>(), ["privileged"]);
    let left: Vec<_> = outcome.repair.expect("a repair").left.iter().map(|v| v.rule.id).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Where the mode repairs nothing, the pods are as their template.
#[test]
fn a_mode_that_only_warns_says_what_mode_deny_would_do() {
    for mode in [Mode::Warn, Mode::Audit] {
        let mut snapshot = with_images(snapshot(rules()), &json!({}), vec![(WEB, known("web", &[named()]))]);
        snapshot.ceiling = Ceiling { mode, ..snapshot.ceiling };
        let outcome = judged(&deployment(WEB), &snapshot);
        let notes: Vec<_> = outcome.violations.iter().map(|v| (v.effect, v.note)).collect();
        assert_eq!(notes, [(Effect::Audit, Some(Note::WouldBePatched)); 2]);
    }
}
