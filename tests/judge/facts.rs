//! Facts of the cluster. A missing fact is looked up, and never counts as absent.

use super::common::{TODAY, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::findings;
use podreeve::facts::pods::Texts;
use podreeve::facts::{FactAnswer, FactKinds, FactQuery, Facts, Labels, PodsByName};
use podreeve::json::Raw;
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::pod_security::{Level, LevelVersion};
use podreeve::policy::{Cluster, CompiledPolicy, PolicyDocument, PolicySet, standard};
use podreeve::rule::Finding;
use podreeve::rule::pss::Version;
use podreeve::rules::RULES;
use podreeve::workload::{ContainerKind, kinds};
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

fn snapshot(spec: &Value, labels: Option<&[(&str, &str)]>) -> Snapshot {
    let document =
        json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"}, "spec": spec});
    let document = PolicyDocument::from_json(&document.to_string()).expect("the policy loads");
    let policy = CompiledPolicy::compile(&document, Cluster::With).expect("the policy compiles");
    let mut snapshot = Snapshot::new(PolicySet::new(vec![policy], 1), 20);
    snapshot.facts.cluster = true;
    if let Some(labels) = labels {
        let labels: Labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        snapshot.facts.namespaces = Arc::new([("shop".to_owned(), Arc::new(labels))].into());
    }
    snapshot
}

fn judge(review: &Value, snapshot: &Snapshot) -> Outcome {
    admit(review.to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

fn pod(privileged: bool, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"containers": [{"name": "app", "image": image, "securityContext": {"privileged": privileged}}]},
    })
}

fn deployment(privileged: bool) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"template": {"spec": pod(privileged, "a")["spec"]}},
    })
}

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const LABELS: &str = "podSecurityLabels";

#[test]
fn a_selector_applies_by_the_labels_of_the_namespace() {
    let spec = json!({
        "match": {"namespaceSelector": {"matchLabels": {"team": "shop"}}}, "rules": {"privileged": {"action": "deny"}},
    });
    let review = review("CREATE", &pod(true, "a"), None);
    let verdict = |labels: &[(&str, &str)]| judge(&review, &snapshot(&spec, Some(labels))).verdict;
    assert_eq!(verdict(&[("team", "shop")]), Verdict::Deny);
    assert_eq!(verdict(&[("team", "other")]), Verdict::Allow);

    // The labels are unknown: they are looked up, and without an answer the policy applies.
    let mut unknown = snapshot(&spec, None);
    let wanted = FactQuery::Namespace("shop".to_owned());
    assert_eq!(judge(&review, &unknown).missing_fact, Some(wanted.clone()));
    unknown.facts.answers = vec![FactAnswer::Nothing(wanted)];
    let outcome = judge(&review, &unknown);
    assert_eq!((outcome.verdict, outcome.missing_fact, outcome.problem), (Verdict::Deny, None, None));
    let other = Arc::new(Labels::from([("team".to_owned(), "other".to_owned())]));
    unknown.facts.answers = vec![FactAnswer::Namespace("shop".to_owned(), Some(other))];
    assert_eq!(judge(&review, &unknown).verdict, Verdict::Allow);
}

#[test]
fn labels_deny_pods_and_warn_of_templates() {
    let snapshot = snapshot(&json!({LABELS: true, "rules": {}}), Some(&[(ENFORCE, "baseline")]));
    let denied = judge(&review("CREATE", &pod(true, "a"), None), &snapshot);
    assert_eq!(denied.verdict, Verdict::Deny);
    let text = "violates PodSecurity \"baseline:latest\": privileged (container \"app\" must not set securityContext.privileged=true)";
    assert_eq!(denied.pod_security.denied.as_deref(), Some(text));
    let warned = judge(&review("CREATE", &deployment(true), None), &snapshot);
    assert_eq!(
        (warned.verdict, &*warned.pod_security.warnings),
        (Verdict::Warn, &[format!("would violate{}", &text["violates".len()..])][..])
    );
    for good in [pod(false, "a"), deployment(false)] {
        assert_eq!(judge(&review("CREATE", &good, None), &snapshot).verdict, Verdict::Allow);
    }
}

/// As upstream does: an update is evaluated as a whole, but only if an image or the containers change.
#[test]
fn an_update_counts_when_an_image_changes() {
    let snapshot = snapshot(&json!({LABELS: true, "rules": {}}), Some(&[(ENFORCE, "baseline")]));
    let old = pod(true, "a");
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(judge(&review("UPDATE", &labelled, Some(&old)), &snapshot).verdict, Verdict::Allow);
    assert_eq!(judge(&review("UPDATE", &pod(true, "b"), Some(&old)), &snapshot).verdict, Verdict::Deny);
    let mut debugged = old.clone();
    debugged["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "d"}]);
    assert_eq!(judge(&review("UPDATE", &debugged, Some(&old)), &snapshot).verdict, Verdict::Deny);
}

#[rstest]
#[case(json!({"namespaces": ["shop"]}), Verdict::Allow)]
#[case(json!({"namespaces": ["shop-2"]}), Verdict::Deny)]
#[case(json!({"usernames": ["jane"]}), Verdict::Allow)]
#[case(json!({"usernames": ["joe"]}), Verdict::Deny)]
#[case(json!({"runtimeClasses": ["kata"]}), Verdict::Allow)]
#[case(json!({"runtimeClasses": ["", "other"]}), Verdict::Deny)]
fn the_policy_names_the_exempt_users_and_namespaces(#[case] exemptions: Value, #[case] wanted: Verdict) {
    let spec = json!({LABELS: true, "podSecurityExemptions": exemptions, "rules": {}});
    let mut pod = pod(true, "a");
    pod["spec"]["runtimeClassName"] = json!("kata");
    let snapshot = snapshot(&spec, Some(&[(ENFORCE, "baseline")]));
    assert_eq!(judge(&review("CREATE", &pod, None), &snapshot).verdict, wanted);
}

#[test]
fn without_labels_pods_are_kept_out_and_templates_are_not() {
    let mut snapshot = snapshot(&json!({LABELS: true, "rules": {}}), None);
    snapshot.facts.answers = vec![FactAnswer::Nothing(FactQuery::Namespace("shop".to_owned()))];
    let outcome = judge(&review("CREATE", &pod(false, "a"), None), &snapshot);
    assert_eq!(outcome.problem.as_deref(), Some("failed to lookup namespace \"shop\""));
    assert_eq!(judge(&review("CREATE", &deployment(true), None), &snapshot).verdict, Verdict::Allow);
}

fn namespace(labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}})
}

#[test]
fn relabelling_a_namespace_warns_of_its_pods() {
    let mut snapshot = snapshot(&json!({LABELS: true, "rules": {}}), None);
    let (old, new) = (namespace(&json!({})), namespace(&json!({ENFORCE: "baseline"})));
    let mut relabel = review("UPDATE", &new, Some(&old));
    relabel["request"]["name"] = json!("shop");
    let wanted = FactQuery::Pods("shop".to_owned());
    assert_eq!(judge(&relabel, &snapshot).missing_fact, Some(wanted.clone()));
    snapshot.facts.answers = vec![FactAnswer::Nothing(wanted)];
    assert_eq!(
        judge(&relabel, &snapshot).pod_security.warnings,
        ["failed to list pods while checking new PodSecurity enforce level"]
    );

    let mut texts = Texts::default();
    let mut keep = |privileged| texts.keep(&serde_json::value::to_raw_value(&pod(privileged, "a")).unwrap()).unwrap();
    let pods =
        PodsByName::from([("c", true), ("b", true), ("a", false)].map(|(name, bad)| (name.to_owned(), keep(bad))));
    assert!(Arc::ptr_eq(&pods["b"].text, &pods["c"].text), "pods that are alike share a text");
    snapshot.facts = Facts {
        pods: Arc::new([("shop".to_owned(), Arc::new(pods))].into()),
        complete: FactKinds::PODS,
        ..Facts::default()
    };
    let outcome = judge(&relabel, &snapshot);
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(
        outcome.pod_security.warnings,
        [
            "existing pods in namespace \"shop\" violate the new PodSecurity enforce level \"baseline:latest\"",
            "b (and 1 other pod): privileged"
        ]
    );
    // A looser level and an unchanged level give no warning.
    for (old, new) in [
        (json!({ENFORCE: "restricted"}), json!({ENFORCE: "baseline"})),
        (json!({ENFORCE: "baseline"}), json!({ENFORCE: "baseline", "a": "b"})),
    ] {
        let outcome = judge(&review("UPDATE", &namespace(&new), Some(&namespace(&old))), &snapshot);
        assert_eq!((outcome.verdict, outcome.missing_fact), (Verdict::Allow, None));
    }
}

#[test]
fn a_label_that_means_nothing_is_refused_once() {
    let snapshot = snapshot(&json!({LABELS: true, "rules": {}}), None);
    let wrong = namespace(&json!({ENFORCE: "strict"}));
    let outcome = judge(&review("CREATE", &wrong, None), &snapshot);
    assert_eq!(outcome.verdict, Verdict::Deny);
    let reply: Value = serde_json::from_slice(&outcome.reply).unwrap();
    let status = &reply["response"]["status"];
    assert_eq!((&status["code"], &status["reason"]), (&json!(422), &json!("Invalid")));
    assert_eq!(status["details"]["causes"][0]["field"], "metadata.labels[pod-security.kubernetes.io/enforce]");
    // The violation is preexisting, so a change of something else is only warned.
    let mut changed = wrong.clone();
    changed["metadata"]["annotations"] = json!({"a": "b"});
    assert_eq!(judge(&review("UPDATE", &changed, Some(&wrong)), &snapshot).verdict, Verdict::Allow);
    assert_eq!(judge(&review("UPDATE", &wrong, Some(&namespace(&json!({})))), &snapshot).verdict, Verdict::Deny);
    // Whether the violation is preexisting is unknown.
    for operation in ["", "update", "PATCH"] {
        assert_eq!(judge(&review(operation, &wrong, Some(&wrong)), &snapshot).verdict, Verdict::Deny, "{operation}");
    }
    assert_eq!(judge(&review("DELETE", &wrong, Some(&wrong)), &snapshot).verdict, Verdict::Allow);
}

/// The fields that a kept pod drops change no verdict of the standards.
#[test]
fn a_kept_pod_is_judged_as_the_pod() {
    let kind = kinds::find("", "Pod").unwrap();
    let (mut texts, mut found) = (Texts::default(), 0);
    for level in [Level::Baseline, Level::Restricted] {
        let policy = standard(LevelVersion { level, version: Version::LATEST }).unwrap();
        for (rule, example) in RULES.iter().flat_map(|rule| rule.examples().map(move |example| (rule, example))) {
            for list in ContainerKind::ALL {
                let mut pod = example.pod_with_good_container();
                pod["spec"][list.field()] = json!([{"name": "a"}, example.container_value()]);
                let raw = serde_json::value::to_raw_value(&pod).unwrap();
                let kept = texts.keep(&raw).unwrap();
                let (before, after) = (
                    kind.pod(Raw::new(raw.get())).unwrap().unwrap(),
                    kind.pod(Raw::new(kept.raw().unwrap().get())).unwrap().unwrap(),
                );
                for compiled in &policy.rules {
                    // The container and the count are compared, because dropped ports change the index of others.
                    let told = |pod| -> Vec<Option<(ContainerKind, usize)>> {
                        let place = |finding: &Finding<'_>| finding.container().map(|c| (c.kind, c.index));
                        findings(compiled, pod).iter().map(place).collect()
                    };
                    assert_eq!(told(&before), told(&after), "{} / {} / {}", rule.id, example.name, compiled.rule.id);
                    found += told(&before).len();
                }
            }
        }
    }
    assert!(found > 500, "only {found} violations were compared");
}
