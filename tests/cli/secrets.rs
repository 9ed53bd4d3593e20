//! No output contains a secret that env-secrets finds. The server's log and metrics are tested in
//! tests/server/secrets.rs, the reports, Events and metrics of a scan in e2e/scan_secret_test.go too.

use super::binary::Dir;
use super::common::{TODAY, policies, review};
use super::planted::{SECRET, assert_none, objects, reviews};
use base64::Engine;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::report::{OwnerReport, text};
use podreeve::rules::RULES;
use podreeve::scan::{self, NamespaceScan, Object};
use podreeve::workload::kinds;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

/// The parameters that rules need for their repairs.
fn params(rule: &str) -> Value {
    match rule {
        "memory-limit" | "ephemeral-storage-limit" => json!({"default": "64Mi"}),
        "cpu-request" => json!({"default": "100m"}),
        "run-as-non-root" => json!({"user": 1000}),
        "image-registries" => json!({"allow": ["localhost"]}),
        _ => json!({}),
    }
}

/// A policy with this action for each rule, or with `patch` where the rule has a repair.
fn every_rule(action: &str, repair: bool) -> Value {
    let rules: Map<String, Value> = RULES
        .iter()
        .map(|rule| {
            let action = if repair && rule.fixes() { "patch" } else { action };
            (rule.id.to_owned(), json!({"action": action, "params": params(rule.id)}))
        })
        .collect();
    json!({"rules": rules, "patchTemplates": repair})
}

fn snapshots() -> Vec<Snapshot> {
    let mut exempting = every_rule("deny", false);
    exempting["exemptions"] = json!([{"rules": ["env-secrets"], "namespaces": ["default"], "reason": "a test"}]);
    let specs = [
        every_rule("deny", true),
        every_rule("deny", false),
        every_rule("warn", false),
        every_rule("audit", false),
        exempting,
    ];
    specs.iter().map(|spec| policies(std::slice::from_ref(spec))).collect()
}

#[test]
fn no_answer_holds_a_secret() {
    let reviews = reviews();
    let mut effects = std::collections::HashSet::new();
    for snapshot in snapshots() {
        for hook in Hook::ALL {
            for review in &reviews {
                let outcome = admit(review.to_string().as_bytes(), hook, &snapshot, TODAY);
                assert_none(&outcome.reply, "the answer");
                assert_none(format!("{:?}{:?}", outcome.violations, outcome.problem).as_bytes(), "the outcome");
                assert_none(&serde_json::to_vec(&outcome.patch).expect("JSON"), "the patch");
                effects.extend(outcome.tallies.iter().filter(|t| t.rule == "env-secrets").map(|t| t.effect));
                effects.extend(outcome.tallies.iter().filter(|t| t.effect == Effect::Patch).map(|t| t.effect));
            }
        }
    }
    // Each effect was searched.
    assert_eq!(effects.len(), Effect::ALL.len(), "{effects:?}");
}

#[test]
fn a_body_cut_anywhere_is_refused_without_quoting_it() {
    let snapshot = &snapshots()[1];
    let review = reviews()[0].to_string();
    for end in (0..review.len()).filter(|end| review.is_char_boundary(*end)) {
        let outcome = admit(&review.as_bytes()[..end], Hook::Validate, snapshot, TODAY);
        assert_none(outcome.problem.unwrap_or_default().as_bytes(), "the problem");
        assert_none(&outcome.reply, "the answer");
    }
}

#[test]
fn check_prints_no_secret() {
    let objects = objects();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let dir =
        Dir::new("check", &[("list.json", &list.to_string()), ("list.yaml", &podreeve::manifest::to_yaml(&list))]);
    for (name, mut spec) in [("repair", every_rule("deny", true)), ("warn", every_rule("warn", false))] {
        let exemption = json!({"rules": ["env-secrets"], "namespaces": ["elsewhere", "default"], "reason": "a test"});
        for (exempted, exemptions) in [("", json!([])), ("-exempt", json!([exemption]))] {
            spec["exemptions"] = exemptions;
            let policy = json!({
                "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": name}, "spec": spec,
            });
            let file = format!("{name}{exempted}.json");
            dir.write(&file, policy.to_string());
            for (output, list) in [("text", "list.yaml"), ("json", "list.json")] {
                let ran = dir.run(&["check", "--policy", &file, "--waivers", "-o", output, list]);
                assert_eq!(ran.code, Some(1), "{}", ran.err);
                assert!(ran.out.contains("env-secrets"));
                assert_none(ran.out.as_bytes(), "stdout");
                assert_none(ran.err.as_bytes(), "stderr");
            }
        }
    }
}

/// Reports, Events and metrics of a scan are made from this value alone.
#[test]
fn a_scan_finds_without_the_secret() {
    let mut outcomes = std::collections::HashSet::new();
    for snapshot in snapshots() {
        let mut namespace = NamespaceScan::new("default", usize::MAX);
        for (number, object) in objects().iter().enumerate() {
            let (group, name) = if object["kind"] == "Pod" { ("", "Pod") } else { ("apps", "Deployment") };
            let kind = kinds::find(group, name).expect("a kind");
            let raw = to_raw_value(object).expect("JSON");
            let (name, uid) = (format!("o{number}"), format!("u{number}"));
            let object = Object { kind, namespace: "default", name: &name, uid: &uid, controller: None, raw: &raw };
            if namespace.must_judge(&object) {
                namespace.add(&object, scan::judge(&object, &snapshot, TODAY));
            }
        }
        let found = namespace.finish();
        assert_none(format!("{found:?}").as_bytes(), "what was found");
        outcomes.extend(found.findings.iter().map(scan::ScanFinding::result));
        for owner in OwnerReport::all(&found) {
            assert_none(text::scan::owner(&owner).as_bytes(), "the text of scan");
            assert_none(&serde_json::to_vec(&owner).expect("JSON"), "the JSON of scan");
        }
    }
    assert_eq!(outcomes.len(), 4, "all that can become of it was looked at: {outcomes:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_not_quoted() {
    let dir = Dir::new("secrets-broken", &[]);
    let object = &objects()[0].to_string();
    let yaml = podreeve::manifest::to_yaml(&objects()[0]);
    let value = yaml.split("value: ").map(|rest| rest.lines().next().unwrap_or_default());
    let value = value.skip(1).find(|value| value.contains(SECRET)).expect("a planted value");
    let broken = [
        object[..object.len() / 2].to_owned(),
        yaml.replace(value, &format!("!!int {value}")),
        yaml.replace(value, &format!("\"{value}")),
        yaml.replace(value, &format!("[{value}")),
        yaml.replace(value, &format!("*{value}")),
        yaml.replace(value, &format!("{value}: {value}: x")),
        yaml.replace(value, &format!("!{value} x")),
        yaml.replace(value, &format!("\"\\q{value}\"")),
    ];
    for text in broken {
        dir.write("broken.yaml", &text);
        for output in ["text", "json"] {
            let ran = dir.run(&["check", "-o", output, "broken.yaml"]);
            assert_eq!(ran.code, Some(2), "{text}\n{}", ran.out);
            assert_none(ran.out.as_bytes(), "stdout");
            assert_none(ran.err.as_bytes(), "stderr");
        }
    }
}

#[test]
fn review_prints_no_secret() {
    let dir = Dir::new("review", &[]);
    let policy = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "all"}, "spec": every_rule("warn", true),
    });
    dir.write("policy.json", policy.to_string());
    // One object of each kind is enough here: another test searches every answer.
    for review in reviews().iter().step_by(29).chain([&review("CREATE", &json!({"kind": "Pod", "spec": []}), None)]) {
        for hook in ["validate", "mutate"] {
            for output in ["text", "json"] {
                for policy in ["owasp", "policy.json"] {
                    let args = ["review", "--hook", hook, "-o", output, "--policy", policy, "-"];
                    let ran = dir.run_with(&args, review.to_string());
                    assert_ne!(ran.out, "", "{}", ran.err);
                    assert_none(ran.out.as_bytes(), "stdout");
                    assert_none(ran.err.as_bytes(), "stderr");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "of a secret is, in base64, in a test")]
fn the_search_sees_through_base64() {
    let Value::Array(env) = &objects()[0]["spec"]["initContainers"][0]["env"] else { panic!("no env") };
    let encoded = base64::engine::general_purpose::STANDARD.encode(json!(env).to_string());
    assert_none(format!("{{\"patch\":\"{encoded}\"}}").as_bytes(), "a test");
}
