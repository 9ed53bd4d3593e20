//! The repair of an example applies, leaves nothing to find, and changes nothing when it is applied again.

use super::cases::{each, kinds, pod_with, run, with_action, wrap};
use super::common::policies;
use podreeve::admit::Hook;
use podreeve::decide::{Effect, Note};
use podreeve::outcome::Verdict;
use podreeve::rule::Kinds;
use podreeve::workload::pod::ContainerKind;
use serde_json::json;

#[test]
fn repairs_apply_leave_nothing_and_are_idempotent() {
    each(|rule, example, list| {
        let case = format!("{} / {} / {}", rule.id, example.name, list.field());
        if !rule.fixes() || matches!(example.kinds, Kinds::Job(_)) {
            return;
        }
        let (patching, denying) = (with_action(rule, example, "patch"), with_action(rule, example, "deny"));
        let mut object = pod_with(example, list);
        let outcome = run(&object, None, Hook::Mutate, &patching);
        assert_eq!(!outcome.patch.is_empty(), example.is_bad() && !example.no_repair, "{case}: is it repaired?");
        let before = object.clone();
        json_patch::patch(&mut object, &outcome.patch).unwrap_or_else(|e| panic!("{case}: {e}"));
        if outcome.patch.is_empty() {
            assert_eq!(outcome.verdict, Verdict::Allow, "{case}");
            return;
        }
        assert_eq!(outcome.verdict, Verdict::Patch, "{case}");
        assert_ne!(object, before, "{case}: the patch changes something");
        assert_eq!(object["spec"]["fieldOfTheFuture"], json!({"kept": true}), "{case}");
        let again = run(&object, None, Hook::Mutate, &patching);
        assert!(again.patch.is_empty(), "{case}: patched twice: {:?}", again.patch);
        let judged = run(&object, None, Hook::Validate, &denying);
        assert_eq!(judged.violations.len(), 0, "{case}: {:?}", judged.violations);
        // Each violation of a denial has its repair.
        let denied = run(&before, None, Hook::Validate, &denying);
        assert!(denied.violations.iter().all(|v| v.repairable), "{case}");
    });
}

#[test]
fn a_template_whose_pods_will_be_patched_gets_no_warning() {
    each(|rule, example, list| {
        if !rule.fixes() || !example.is_bad() {
            return;
        }
        let case = format!("{} / {} / {}", rule.id, example.name, list.field());
        let spec = json!({"rules": {rule.id: {"action": "patch", "params": example.params_value()}}});
        let mut patched = spec.clone();
        patched["patchTemplates"] = json!(true);
        let (pods, templates) = (policies(&[spec]), policies(&[patched]));
        let pod = pod_with(example, list);
        for kind in kinds(example).filter(|kind| !kind.template.is_empty()) {
            let object = wrap(kind, &pod, example);
            let outcome = run(&object, None, Hook::Validate, &pods);
            let wanted = if example.no_repair { Verdict::Deny } else { Verdict::Allow };
            assert_eq!(outcome.verdict, wanted, "{case} / {}", kind.kind);
            let notes = outcome.violations.iter().filter(|v| v.effect == Effect::Audit).map(|v| v.note);
            assert!(notes.clone().all(|note| note == Some(Note::WillBePatched)), "{case}");
            assert_eq!(notes.count() > 0, !example.no_repair, "{case} / {}: reports have it", kind.kind);
            assert!(run(&object, None, Hook::Mutate, &pods).patch.is_empty(), "{case}");
            let outcome = run(&object, None, Hook::Mutate, &templates);
            let mut repaired = object.clone();
            json_patch::patch(&mut repaired, &outcome.patch).unwrap_or_else(|e| panic!("{case}: {e}"));
            let left = run(&repaired, None, Hook::Validate, &templates);
            let wanted = if example.no_repair { Verdict::Deny } else { Verdict::Allow };
            assert_eq!(left.verdict, wanted, "{case} / {}", kind.kind);
            // Neither the template nor its pods are patched again.
            let mut pod = repaired.pointer(&kind.prefix()).expect("the template").clone();
            json_patch::merge(&mut pod, &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}));
            for again in [&repaired, &pod] {
                let again = run(again, None, Hook::Mutate, &templates).patch;
                assert!(again.is_empty(), "{case} / {}: patched twice: {again:?}", kind.kind);
            }
            // Only its controller changes an owned object.
            let mut owned = object;
            owned["metadata"]["ownerReferences"] = json!([{"controller": true, "kind": "Rollout"}]);
            assert!(run(&owned, None, Hook::Mutate, &templates).patch.is_empty(), "{case}");
        }
    });
}

#[test]
fn a_debug_container_is_repaired_without_touching_the_pod() {
    each(|rule, example, list| {
        if !rule.fixes() || !example.is_bad() || list != ContainerKind::Ephemeral {
            return;
        }
        let case = format!("{} / {}", rule.id, example.name);
        let new = pod_with(example, list);
        let mut old = new.clone();
        old["spec"]["ephemeralContainers"] = json!([]);
        let snapshot = with_action(rule, example, "patch");
        let outcome = run(&new, Some(&old), Hook::Mutate, &snapshot);
        for operation in &outcome.patch {
            assert!(operation.path().as_str().starts_with("/spec/ephemeralContainers/1/"), "{case}: {operation}");
        }
        let mut repaired = new.clone();
        json_patch::patch(&mut repaired, &outcome.patch).unwrap_or_else(|e| panic!("{case}: {e}"));
        let left = run(&repaired, Some(&old), Hook::Validate, &snapshot);
        assert_eq!(left.verdict == Verdict::Deny, outcome.patch.is_empty(), "{case}: {:?}", left.violations);
    });
}
