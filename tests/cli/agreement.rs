//! `check` and `serve` have the same result for the same object. The webhook's result is taken from its answers, as the API
//! server and its clients read them.

use super::common::{TODAY, policies, review};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::manifest;
use podreeve::report::{CheckReport, CheckResults, Judge};
use podreeve::rule::{Example, Kinds, Rule, Severity};
use podreeve::rules::RULES;
use podreeve::sources::Sources;
use serde_json::{Value, json};

/// The result of the mutating webhook and then of the validating one.
struct Served {
    verdict: &'static str,
    /// `status.details.causes` of a denial: field and message.
    denied: Vec<(String, String)>,
    warnings: Vec<String>,
    /// Rules by effect, of both webhooks.
    annotations: [Vec<String>; 5],
}

const EFFECTS: [(&str, &str); 5] =
    [("denied", "deny"), ("patched", "patch"), ("warned", "warn"), ("audited", "audit"), ("exempted", "exempt")];

fn serve(review: &Value, snapshot: &Snapshot) -> Served {
    let ask = |review: &Value, hook| {
        let reply = admit(review.to_string().as_bytes(), hook, snapshot, TODAY).reply;
        let reply: Value = serde_json::from_slice(&reply).expect("the reply is JSON");
        reply["response"].clone()
    };
    let mutated = ask(review, Hook::Mutate);
    let mut review = review.clone();
    if let Some(patch) = mutated["patch"].as_str() {
        let patch = STANDARD.decode(patch).expect("base64");
        let patch = serde_json::from_slice::<json_patch::Patch>(&patch).expect("a patch");
        json_patch::patch(&mut review["request"]["object"], &patch).expect("it applies");
    }
    let judged = ask(&review, Hook::Validate);
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let annotated = |key: &str| {
        let of = if key == "patched" { &mutated } else { &judged };
        let rules = of["auditAnnotations"][key].as_str().unwrap_or_default();
        rules.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect()
    };
    let warnings = texts(&judged["warnings"]);
    let causes = judged["status"]["details"]["causes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    Served {
        verdict: match () {
            () if judged["allowed"] == false => "deny",
            () if mutated["patch"].is_string() => "patch",
            () if !warnings.is_empty() => "warn",
            () => "allow",
        },
        denied: causes.iter().map(|cause| (text(&cause["field"]), text(&cause["message"]))).collect(),
        warnings,
        annotations: EFFECTS.map(|(key, _)| annotated(key)),
    }
}

/// The object's part of what `check -o json` prints.
fn check(object: &Value, snapshot: &Snapshot) -> Value {
    let documents = manifest::parse(manifest::to_yaml(object).as_bytes()).expect("YAML");
    let judge =
        Judge { snapshot, namespace: "default", today: TODAY, severity: Severity::Low, diffs: false, images: false };
    let object = documents[0].objects().remove(0).expect("an object");
    let objects = vec![judge.object("a.yaml", &object).expect("a pod")];
    let report = CheckReport::new(CheckResults { objects, ..CheckResults::default() });
    serde_json::to_value(report).expect("JSON")["objects"][0].clone()
}

fn text<'v>(violation: &'v Value, key: &str) -> &'v str {
    violation[key].as_str().expect("a text")
}

/// Compares both and returns the verdict.
fn agree(review: &Value, snapshot: &Snapshot, case: &str) -> &'static str {
    let served = serve(review, snapshot);
    let checked = check(&review["request"]["object"], snapshot);
    assert_eq!(checked["verdict"], served.verdict, "{case}: {checked:#}");
    let violations = checked["violations"].as_array().expect("a list");
    let with = |effect: &str| -> Vec<&Value> { violations.iter().filter(|v| v["effect"] == effect).collect() };

    for ((key, effect), annotated) in EFFECTS.iter().zip(&served.annotations) {
        let mut rules: Vec<&str> = with(effect).iter().map(|v| text(v, "rule")).collect();
        let mut annotated: Vec<&str> = annotated.iter().map(String::as_str).collect();
        rules.sort_unstable();
        rules.dedup();
        annotated.sort_unstable();
        assert_eq!(rules, annotated, "{case}: {key}");
    }
    // Each denying violation has a cause, and each cause a violation. The same holds for warnings.
    let denying = with("deny");
    assert_eq!(denying.len(), served.denied.len(), "{case}: {:?}", served.denied);
    for violation in denying {
        let [rule, field, found, wanted] = ["rule", "field", "found", "wanted"].map(|key| text(violation, key));
        let (found, wanted) = (podreeve::text::clean(found, 200), podreeve::text::clean(wanted, 200));
        let says = |(at, message): &(String, String)| {
            at == field
                && message.starts_with(&format!("{rule}: "))
                && message.contains(&format!("found {found}, wanted {wanted}: "))
        };
        assert_eq!(served.denied.iter().filter(|cause| says(cause)).count(), 1, "{case}: {field}: {:?}", served.denied);
    }
    let warning = with("warn");
    assert_eq!(warning.len(), served.warnings.len(), "{case}: {:?}", served.warnings);
    for violation in warning {
        let [rule, field, found] = ["rule", "field", "found"].map(|key| text(violation, key));
        let says = |warning: &&String| {
            warning.starts_with(&format!("podreeve: {rule} "))
                && warning
                    .contains(&format!(": {field}: found {}", podreeve::text::clean(found, 60).trim_end_matches('…')))
        };
        assert_eq!(served.warnings.iter().filter(says).count(), 1, "{case}: {field}: {:?}", served.warnings);
    }
    served.verdict
}

/// The example as a Pod, and in the template of a Deployment or a Job.
fn objects(example: &Example) -> Vec<Value> {
    let mut pod = example.pod();
    let template = json!({"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]});
    let object = |api_version: &str, kind: &str, spec: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "w"}, "spec": spec});
    let mut job = object("batch/v1", "Job", json!({"backoffLimit": 3, "template": template}));
    if let Kinds::Job(patch) = example.kinds {
        json_patch::merge(&mut job["spec"], &serde_json::from_str::<Value>(patch).expect("JSON"));
    }
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    vec![pod, object("apps/v1", "Deployment", json!({"template": template})), job]
}

fn actions(rule: &Rule) -> &'static [&'static str] {
    if rule.fixes() { &["deny", "warn", "audit", "patch"] } else { &["deny", "warn", "audit"] }
}

#[test]
fn they_agree_about_every_example_with_every_action() {
    let mut verdicts = std::collections::BTreeSet::new();
    for rule in RULES {
        for example in rule.examples() {
            for action in actions(rule) {
                // Only the action `patch` repairs templates.
                for templates in [false, true].into_iter().take(1 + usize::from(*action == "patch")) {
                    let spec = json!({
                        "rules": {rule.id: {"action": action, "params": example.params_value()}}, "patchTemplates": templates,
                    });
                    let snapshot = policies(&[spec]);
                    for object in objects(example) {
                        let case = format!("{} / {} / {action} / {}", rule.id, example.name, object["kind"]);
                        verdicts.insert(agree(&review("CREATE", &object, None), &snapshot, &case));
                    }
                }
            }
        }
    }
    assert_eq!(verdicts.into_iter().collect::<Vec<_>>(), ["allow", "deny", "patch", "warn"]);
}

#[test]
fn they_agree_about_every_example_under_the_owasp_policy() {
    let snapshot = Sources::new(&[]).load(1, usize::MAX).expect("the built-in policy");
    for rule in RULES {
        for example in rule.examples() {
            for object in objects(example) {
                let case = format!("{} / {} / {}", rule.id, example.name, object["kind"]);
                agree(&review("CREATE", &object, None), &snapshot, &case);
            }
        }
    }
}

#[test]
fn they_agree_about_recorded_reviews() {
    let snapshot = Sources::new(&[]).load(1, usize::MAX).expect("the built-in policy");
    let mut seen = 0;
    for entry in std::fs::read_dir("tests/reviews").expect("the folder") {
        let path = entry.expect("an entry").path();
        let review: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
        // A file has no old object to compare with.
        if review["request"]["operation"] == "CREATE" {
            agree(&review, &snapshot, &path.display().to_string());
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}
