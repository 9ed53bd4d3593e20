//! Rules about images, judged for the images of pods and templates.

use super::common::{TODAY, policies, response, review, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::facts::images::{MAX_ASKED, MustBeSigned};
use podreeve::facts::{FactAnswer, FactQuery, ImageQuery, Images};
use podreeve::image::known::{ImageAnswer, ImageSettings, KnownImage, Reader, UnknownImage, UnknownKind};
use podreeve::image::trust::{Trust, TrustDocument};
use podreeve::image::{Digest, ImageFacts};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::rule::ImageExample;
use serde_json::{Value, json};
use std::sync::Arc;

/// A repository below which nothing else lies.
pub const WEB: &str = "registry.example.com/shop/web:1";

/// Facts of one platform: those of a good image, changed.
pub fn facts(change: &Value) -> ImageFacts {
    let change: &'static str = Box::leak(change.to_string().into_boxed_str());
    ImageExample::good("facts", change).image().expect("facts")
}

/// A known image of these platforms. Its digest is that of its name.
pub fn known(name: &str, platforms: &[Value]) -> ImageAnswer {
    known_to(Reader::Podreeve, name, platforms)
}

pub fn known_to(reader: Reader, name: &str, platforms: &[Value]) -> ImageAnswer {
    let platforms = platforms.iter().map(facts).collect();
    ImageAnswer::Known(Arc::new(KnownImage::new(Digest::sha256(name.as_bytes()), platforms, reader)))
}

pub fn unknown(kind: UnknownKind) -> UnknownImage {
    UnknownImage::new(kind, "registry.example.com does not answer")
}

/// The snapshot, with image facts switched on.
pub fn with_images(mut snapshot: Snapshot, settings: &Value, images: Vec<(&str, ImageAnswer)>) -> Snapshot {
    let settings: ImageSettings = serde_json::from_value(settings.clone()).expect("settings");
    let mut all = Images::new(settings);
    for (reference, answer) in images {
        all.insert(reference, answer);
    }
    snapshot.facts.images = Some(Arc::new(all));
    snapshot
}

pub fn pod(image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"containers": [{"name": "app", "image": image}]},
    })
}

pub fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"template": {"spec": pod(image)["spec"]}},
    })
}

pub fn create(object: &Value, hook: Hook, snapshot: &Snapshot) -> Outcome {
    admit(review("CREATE", object, None).to_string().as_bytes(), hook, snapshot, TODAY)
}

/// What is found: effect, rule, field and text of each violation.
pub fn found(outcome: &Outcome) -> Vec<String> {
    let line = |v: &podreeve::outcome::Violation| format!("{} {} {} {}", v.effect, v.rule.id, &*v.field, &*v.found);
    outcome.violations.iter().map(line).collect()
}

fn setuid(path: &str) -> Value {
    json!({"path": path, "layer": 1, "mode": "4755", "setuid": true, "setgid": false})
}

pub fn setuid_of(paths: &[&str]) -> Value {
    json!({"content": {"privilegedFiles": paths.iter().map(|path| setuid(path)).collect::<Vec<_>>()}})
}

pub fn rules(action: &str) -> Snapshot {
    snapshot(json!({"image-setuid": {"action": action}}))
}

#[test]
fn every_image_of_an_object_is_judged_where_it_is_named() {
    let bad = known("bad", &[setuid_of(&["usr/bin/su"])]);
    let snapshot = with_images(rules("deny"), &json!({}), vec![(WEB, bad), ("good:1", known("good", &[json!({})]))]);
    let mut object = pod("good:1");
    object["spec"]["initContainers"] = json!([{"name": "good", "image": "good:1"}, {"name": "init", "image": WEB}]);
    object["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": WEB}]);
    object["spec"]["volumes"] = json!([{"name": "a", "emptyDir": {}}, {"name": "b", "image": {"reference": WEB}}]);
    let text = "layers[1]/usr/bin/su: setuid (mode 4755)";
    let fields =
        ["/spec/volumes/1/image/reference", "/spec/initContainers/1/image", "/spec/ephemeralContainers/0/image"];
    let wanted = |prefix: &str| fields.map(|field| format!("deny image-setuid {prefix}{field} {text}")).to_vec();
    assert_eq!(found(&create(&object, Hook::Validate, &snapshot)), wanted(""));
    let mut template = deployment("good:1");
    template["spec"]["template"]["spec"] = object["spec"].clone();
    assert_eq!(found(&create(&template, Hook::Validate, &snapshot)), wanted("/spec/template"));
    // Nothing is judged, and nothing asked, where image facts are switched off.
    let off = create(&object, Hook::Validate, &rules("deny"));
    assert!(off.verdict == Verdict::Allow && off.missing_fact.is_none() && off.violations.is_empty());
}

#[test]
fn what_is_missing_is_asked_in_one_question() {
    let mut snapshot = with_images(rules("deny"), &json!({}), vec![("good:1", known("good", &[json!({})]))]);
    let mut object = pod(WEB);
    object["spec"]["initContainers"] = json!([{"name": "a", "image": "other:1"}, {"name": "b", "image": WEB}]);
    object["spec"]["volumes"] = json!([{"name": "b", "image": {"reference": "good:1"}}]);
    object["spec"]["imagePullSecrets"] = json!([{"name": "login"}, null, {}]);
    let outcome = create(&object, Hook::Validate, &snapshot);
    let Some(FactQuery::Images(query)) = outcome.missing_fact else { panic!("{:?}", outcome.missing_fact) };
    assert_eq!((query.namespace.as_str(), query.references), ("shop", vec!["other:1".to_owned(), WEB.to_owned()]));
    assert_eq!(query.pull_secrets, ["login"]);
    // The mutating webhook needs images for repairs alone.
    assert!(create(&object, Hook::Mutate, &snapshot).missing_fact.is_none());
    let answers = [(WEB, known("bad", &[setuid_of(&["bin/su"])])), ("other:1", known("good", &[json!({})]))];
    let answers = answers.into_iter().map(|(reference, answer)| (reference.to_owned(), answer)).collect();
    snapshot.facts.answers = vec![FactAnswer::Images(Arc::new(answers))];
    let outcome = create(&object, Hook::Validate, &snapshot);
    let line = |field: &str| format!("deny image-setuid {field} layers[1]/bin/su: setuid (mode 4755)");
    assert_eq!(found(&outcome), ["/spec/initContainers/1/image", "/spec/containers/0/image"].map(line));
    // One object asks for a bounded number.
    let containers: Vec<Value> =
        (0..100).map(|n| json!({"name": format!("c{n}"), "image": format!("a{n}:1")})).collect();
    object["spec"]["containers"] = json!(containers);
    snapshot.facts.answers.clear();
    let Some(FactQuery::Images(query)) = create(&object, Hook::Validate, &snapshot).missing_fact else { panic!() };
    assert_eq!(query.references.len(), MAX_ASKED);
    snapshot.facts.answers = vec![FactAnswer::Nothing(FactQuery::Images(query))];
    let outcome = create(&object, Hook::Validate, &snapshot);
    assert_eq!((outcome.verdict, outcome.count(Effect::Warn)), (Verdict::Warn, 102));
}

/// An object can name more images than are asked for. What must be signed is not let in because of that.
#[test]
fn an_image_that_was_not_asked_for_is_not_taken_for_signed() {
    let key = json!({"cosignKey": {"pem": include_str!("../trust/cosign.pub")}});
    let document = json!({"trust": [{"prefix": "registry.example.com", "anyOf": [key]}]});
    let document: TrustDocument = serde_json::from_value(document).unwrap();
    let trust = Arc::new(Trust::compile(&document, &|_| Err(String::new())).unwrap());
    let verdict = |image: &str, must_be_signed: MustBeSigned, asked: bool| {
        let mut snapshot = snapshot(json!({"image-signature": {"action": "deny"}, "image-size": {"action": "deny"}}));
        let mut images = Images::default();
        images.must_be_signed = must_be_signed;
        snapshot.facts.images = Some(Arc::new(images));
        let references = if asked { vec![image.to_owned()] } else { vec!["other:1".to_owned()] };
        let query =
            ImageQuery { namespace: "shop".to_owned(), pull_secrets: Vec::new(), accounts: Vec::new(), references };
        snapshot.facts.answers = vec![FactAnswer::Nothing(FactQuery::Images(query))];
        create(&pod(image), Hook::Validate, &snapshot).verdict
    };
    for asked in [true, false] {
        let by = || MustBeSigned::By(Arc::clone(&trust));
        assert_eq!(verdict(WEB, by(), asked), Verdict::Deny);
        assert_eq!(verdict("nginx:1", by(), asked), Verdict::Warn);
        assert_eq!(verdict("nginx:1", MustBeSigned::All, asked), Verdict::Deny);
        assert_eq!(verdict(WEB, MustBeSigned::None, asked), Verdict::Warn);
    }
}

/// What a tag leads to now may be another image than the one that runs.
#[test]
fn in_an_outage_a_tag_that_runs_is_not_taken_for_signed() {
    let mut image = unknown(UnknownKind::Unavailable);
    (image.must_be_signed, image.runs_already) = (true, true);
    let pinned = format!("{WEB}@{}", Digest::sha256(b"web"));
    let images = || [WEB, &pinned].map(|name| (name, ImageAnswer::Unknown(Arc::new(image.clone())))).to_vec();
    let verdict = |object: &Value, settings: Value| {
        let snapshot = with_images(snapshot(json!({"image-signature": {"action": "deny"}})), &settings, images());
        create(object, Hook::Validate, &snapshot).verdict
    };
    for settings in [json!({}), json!({"onUnavailable": "allowRunning"})] {
        assert_eq!(verdict(&pod(WEB), settings.clone()), Verdict::Deny);
        assert_eq!(verdict(&pod(&pinned), settings.clone()), Verdict::Warn);
        // Its pods are judged when they are created.
        assert_eq!(verdict(&deployment(WEB), settings), Verdict::Warn);
    }
    assert_eq!(verdict(&pod(WEB), json!({"onUnavailable": "warn"})), Verdict::Warn);
}

/// A node of Linux runs an image that says it is for Windows, unless an index says it.
#[test]
fn an_image_that_says_it_is_for_windows_is_judged_in_a_pod_for_linux() {
    let windows = || json!({"platform": {"os": "windows", "architecture": "amd64"}, "run": {"User": ""}});
    let images = || vec![(WEB, known("one", &[windows()])), ("many:1", known("many", &[windows(), json!({})]))];
    let verdict = |image: &str, os: Value| {
        let mut object = pod(image);
        object["spec"]["os"] = os;
        let snapshot = with_images(snapshot(json!({"image-user": {"action": "deny"}})), &json!({}), images());
        create(&object, Hook::Validate, &snapshot).verdict
    };
    assert_eq!(verdict(WEB, json!(null)), Verdict::Deny);
    assert_eq!(verdict(WEB, json!({"name": "windows"})), Verdict::Allow);
    assert_eq!(verdict("many:1", json!(null)), Verdict::Allow);
    let mut mounted = pod("good:1");
    mounted["spec"]["volumes"] = json!([{"name": "a", "image": {"reference": WEB}}]);
    let mut images = images();
    images.push(("good:1", known("good", &[json!({})])));
    let snapshot = with_images(snapshot(json!({"image-user": {"action": "deny"}})), &json!({}), images);
    assert_eq!(create(&mounted, Hook::Validate, &snapshot).verdict, Verdict::Allow);
}

#[test]
fn all_that_a_rule_finds_in_an_image_is_one_violation() {
    let paths = ["a", "b", "c", "d", "e"];
    let arm = |facts: Value| {
        let mut facts = facts;
        facts["platform"] = json!({"os": "linux", "architecture": "arm64"});
        facts
    };
    let many = known("many", &[setuid_of(&paths), arm(setuid_of(&paths))]);
    let some = known("some", &[setuid_of(&[]), arm(setuid_of(&["a"]))]);
    let snapshot = with_images(rules("deny"), &json!({}), vec![("many:1", many), ("some:1", some)]);
    let of = |image: &str| found(&create(&pod(image), Hook::Validate, &snapshot)).join("\n");
    let one = |path: &str| format!("layers[1]/{path}: setuid (mode 4755)");
    let begin = "deny image-setuid /spec/containers/0/image";
    assert_eq!(of("many:1"), format!("{begin} {}; {}; {}; and 2 more", one("a"), one("b"), one("c")));
    assert_eq!(of("some:1"), format!("{begin} {} (linux/arm64)", one("a")));
}

#[test]
fn the_pod_decides_what_a_finding_means() {
    let bad = || {
        let mut facts = setuid_of(&["bin/su"]);
        facts["run"] = json!({"User": ""});
        vec![(WEB, known("bad", &[facts]))]
    };
    let context = |context: Value| {
        let mut object = pod(WEB);
        object["spec"]["containers"][0]["securityContext"] = context;
        object
    };
    let effect = |rules: Value, context_of: Value| {
        let snapshot = with_images(snapshot(rules), &json!({}), bad());
        let outcome = create(&context(context_of), Hook::Validate, &snapshot);
        outcome.violations.first().map(|violation| violation.effect)
    };
    let escalation = |value: Value| json!({"allowPrivilegeEscalation": value});
    let owasp = || json!({"image-setuid": {"action": "deny", "params": {"onlyEscalationDenies": true}}});
    let plain = || json!({"image-setuid": {"action": "deny"}});
    assert_eq!(effect(owasp(), escalation(json!(null))), Some(Effect::Warn));
    assert_eq!(effect(owasp(), escalation(json!(true))), Some(Effect::Deny));
    assert_eq!(effect(owasp(), escalation(json!(false))), Some(Effect::Audit));
    assert_eq!(effect(plain(), escalation(json!(null))), Some(Effect::Deny));
    assert_eq!(effect(plain(), escalation(json!(false))), Some(Effect::Audit));
    let user = || json!({"image-user": {"action": "deny"}});
    assert_eq!(effect(user(), json!({})), Some(Effect::Deny));
    assert_eq!(effect(user(), json!({"runAsUser": 1000})), None);
}

#[test]
fn an_unknown_image_does_what_the_settings_say() {
    let signed = |snapshot: Snapshot, settings: Value, change: fn(&mut UnknownImage)| {
        let mut image = unknown(UnknownKind::Unavailable);
        change(&mut image);
        let snapshot = with_images(snapshot, &settings, vec![(WEB, ImageAnswer::Unknown(Arc::new(image)))]);
        found(&create(&pod(WEB), Hook::Validate, &snapshot)).join("\n")
    };
    let text = "/spec/containers/0/image nothing is known of it: registry.example.com does not answer";
    let owasp = || {
        snapshot(json!({
            "image-size": {"action": "audit"}, "image-secrets": {"action": "deny"}, "image-user": {"action": "warn"},
            "image-signature": {"action": "deny"}, "image-sbom": {"action": "audit"},
        }))
    };
    assert_eq!(signed(owasp(), json!({}), |_| {}), format!("warn image-secrets {text}"));
    assert_eq!(signed(owasp(), json!({"onUnavailable": "deny"}), |_| {}), format!("deny image-secrets {text}"));
    let missing: fn(&mut UnknownImage) = |image| image.kind = UnknownKind::NotFound;
    assert_eq!(signed(owasp(), json!({"onUnknown": "allow"}), missing), format!("audit image-secrets {text}"));
    // Who signed it must be known, unless the settings say otherwise. What runs already may start again.
    let must: fn(&mut UnknownImage) = |image| image.must_be_signed = true;
    assert_eq!(signed(owasp(), json!({}), must), format!("deny image-signature {text}"));
    assert_eq!(signed(owasp(), json!({"onUnavailable": "warn"}), must), format!("warn image-signature {text}"));
    let runs: fn(&mut UnknownImage) = |image| (image.must_be_signed, image.runs_already) = (true, true);
    // A tag is not the image that runs.
    assert_eq!(signed(owasp(), json!({}), runs), format!("deny image-signature {text}"));
    assert_eq!(signed(owasp(), json!({"onUnavailable": "deny"}), runs), format!("deny image-signature {text}"));
    // It never does more than the strictest rule.
    let audited = || snapshot(json!({"image-size": {"action": "audit"}, "image-user": {"action": "off"}}));
    assert_eq!(signed(audited(), json!({"onUnavailable": "deny"}), must), format!("audit image-size {text}"));
    let trust_alone = || snapshot(json!({"image-sbom": {"action": "deny"}}));
    assert_eq!(signed(trust_alone(), json!({"onUnavailable": "deny"}), must), "");
}

#[test]
fn an_exemption_names_the_image() {
    let spec = |exemption: Value| {
        let mut exemption = exemption;
        exemption["rules"] = json!(["image-setuid"]);
        exemption["namespaces"] = json!(["shop"]);
        exemption["reason"] = json!("it is old");
        json!({"rules": {"image-setuid": {"action": "deny"}}, "exemptions": [exemption]})
    };
    for (exemption, effect) in [
        (json!({"images": ["registry.example.com/shop"]}), Effect::Exempt),
        (json!({"containers": ["app"]}), Effect::Exempt),
        (json!({}), Effect::Exempt),
        (json!({"images": ["registry.example.com/other"]}), Effect::Deny),
        (json!({"containers": ["other"]}), Effect::Deny),
    ] {
        let bad = known("bad", &[setuid_of(&["bin/su"])]);
        let snapshot = with_images(policies(&[spec(exemption.clone())]), &json!({}), vec![(WEB, bad)]);
        let outcome = create(&pod(WEB), Hook::Validate, &snapshot);
        assert_eq!(outcome.count(effect), 1, "{exemption}: {:?}", found(&outcome));
    }
}

#[test]
fn an_update_that_changes_no_image_is_not_denied() {
    let bad = |name: &str| known(name, &[setuid_of(&["bin/su"])]);
    let snapshot = with_images(rules("deny"), &json!({}), vec![(WEB, bad("a")), ("other:1", bad("b"))]);
    let update = |new: &Value, old: &Value| {
        admit(review("UPDATE", new, Some(old)).to_string().as_bytes(), Hook::Validate, &snapshot, TODAY).verdict
    };
    let old = deployment(WEB);
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(update(&labelled, &old), Verdict::Warn);
    assert_eq!(update(&deployment("other:1"), &old), Verdict::Deny);
}

#[test]
fn what_was_verified_is_what_runs() {
    let trusted = json!({"trust": {"digest": "sha256:aa", "wanted": ["sha256:aa"], "signatures": [
        {"digest": "sha256:aa", "authority": "a", "signer": "a", "provedAt": null, "expiry": null}]}});
    let images = || vec![(WEB, known("web", std::slice::from_ref(&trusted))), ("good:1", known("good", &[json!({})]))];
    let snapshot = with_images(snapshot(json!({"image-signature": {"action": "deny"}})), &json!({}), images());
    let verdict = |object: &Value| create(object, Hook::Validate, &snapshot).verdict;
    assert_eq!(verdict(&pod(WEB)), Verdict::Deny);
    let pinned = format!("{WEB}@{}", Digest::sha256(b"web"));
    assert_eq!(verdict(&pod(&pinned)), Verdict::Allow);
    // What no entry covers needs no signature.
    assert_eq!(verdict(&pod("good:1")), Verdict::Allow);
    // A template is refused with its pods, and says which digest it needs. One whose pods get their digests may keep its tag.
    assert_eq!((verdict(&deployment(WEB)), verdict(&deployment(&pinned))), (Verdict::Deny, Verdict::Allow));
    let answer = response(&create(&deployment(WEB), Hook::Validate, &snapshot));
    let message = answer["status"]["message"].as_str().expect("a message");
    assert!(message.contains(&pinned) && !message.contains("sign the image"), "{message}");
    // What counts is what applies to the pods.
    for (matching, verdict) in [
        (json!({}), Verdict::Allow),
        (json!({"kinds": ["Pod"]}), Verdict::Allow),
        (json!({"users": ["system:serviceaccount:kube-system:replicaset-controller"]}), Verdict::Allow),
        (json!({"kinds": ["Deployment"]}), Verdict::Deny),
        (json!({"namespaces": ["other"]}), Verdict::Deny),
    ] {
        let policies = policies(&[
            json!({"rules": {"image-signature": {"action": "deny"}}}),
            json!({"match": matching, "rules": {"image-digest": {"action": "patch"}}}),
        ]);
        let patched = with_images(policies, &json!({}), images());
        assert_eq!(create(&deployment(WEB), Hook::Validate, &patched).verdict, verdict, "{matching}");
    }
}

/// A violation is found again when the policy or the day changes, and each policy finds its own.
#[test]
fn a_remembered_judgement_is_that_of_its_policy_and_day() {
    let end = json!({"content": {"endOfLife": "2026-11-30", "privilegedFiles": [setuid("bin/su")]}});
    let snapshot = policies(&[
        json!({"rules": {"image-base": {"action": "deny"}, "image-setuid": {"action": "warn", "params": {"allow": ["/bin/su"]}}}}),
        json!({"rules": {"image-setuid": {"action": "warn"}}}),
    ]);
    let snapshot = with_images(snapshot, &json!({}), vec![(WEB, known("web", &[end]))]);
    let on = |day| {
        let body = review("CREATE", &pod(WEB), None).to_string();
        admit(body.as_bytes(), Hook::Validate, &snapshot, day).violations.iter().map(|v| v.rule.id).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(on(TODAY), ["image-setuid"]);
        assert_eq!(on(jiff::civil::date(2026, 12, 1)), ["image-setuid", "image-base"]);
    }
}

/// What helps against setuid files does not help where the image is not known: each violation says what to do about it.
#[test]
fn a_denial_says_what_to_do_about_an_image_that_is_not_known() {
    let images = vec![
        (WEB, known("bad", &[setuid_of(&["bin/su"])])),
        ("new:1", ImageAnswer::Unknown(Arc::new(unknown(UnknownKind::Unavailable)))),
    ];
    let snapshot = with_images(rules("deny"), &json!({"onUnavailable": "deny"}), images);
    let mut object = pod(WEB);
    object["spec"]["initContainers"] = json!([{"name": "new", "image": "new:1"}]);
    let answer = response(&create(&object, Hook::Validate, &snapshot));
    let message = answer["status"]["message"].as_str().expect("a message");
    let lines: Vec<&str> = message.lines().filter(|line| line.starts_with("* ")).collect();
    assert!(lines.len() == 2 && lines[0].contains("try again in a minute") && lines[1].contains("remove"), "{message}");
    assert!(!lines[0].contains("remove") && !lines[1].contains("try again"), "{message}");
}
