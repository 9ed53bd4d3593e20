//! What pull secrets of one namespace showed, in others; and when they are read.

use super::common::snapshot;
use super::images::{WEB, create, deployment, found, known_to, pod, rules, unknown, with_images};
use podreeve::admit::Hook;
use podreeve::facts::FactQuery;
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, PullSecretScope, Reader, UnknownKind};
use podreeve::outcome::Verdict;
use serde_json::{Value, json};
use std::sync::Arc;

#[test]
fn facts_of_another_tenant_are_audited_without_what_they_say() {
    let reader = Reader::Namespaces(Arc::new(["other".into()]));
    let secret = json!({"content": {"secrets": [{"path": "key.pem", "layer": 0, "kind": "a private key"}]}});
    let pinned = format!("{WEB}@{}", Digest::sha256(b"bad"));
    let images = || {
        let refused = || ImageAnswer::Unknown(Arc::new(unknown(UnknownKind::Refused)));
        let of_other = known_to(reader.clone(), "bad", std::slice::from_ref(&secret));
        vec![(WEB, refused()), (&*pinned, refused()), (WEB, of_other)]
    };
    let rules = || snapshot(json!({"image-secrets": {"action": "deny"}}));
    let snapshot = with_images(rules(), &json!({}), images());
    let refused = "nothing is known of it: registry.example.com does not answer";
    let of = |image: &str| found(&create(&pod(image), Hook::Validate, &snapshot));
    // Where its own pull secrets would lead, the namespace has not shown.
    assert_eq!(of(WEB), [format!("warn image-secrets /spec/containers/0/image {refused}")]);
    let audited = "what podreeve read of it with the pull secrets of another namespace violates this rule";
    assert_eq!(
        of(&pinned),
        [refused, audited].map(|text| {
            let effect = if text == audited { "audit" } else { "warn" };
            format!("{effect} image-secrets /spec/containers/0/image {text}")
        })
    );
    // Nothing that is not verified gets in where the policy denies it.
    let strict = with_images(rules(), &json!({"onUnavailable": "deny"}), images());
    assert_eq!(create(&pod(&pinned), Hook::Validate, &strict).verdict, Verdict::Deny);
    for image in [WEB, &pinned] {
        let mut object = pod(image);
        object["metadata"]["namespace"] = json!("other");
        let found = found(&create(&object, Hook::Validate, &snapshot));
        assert!(found[0].starts_with("deny image-secrets") && found[0].contains("key.pem"), "{found:?}");
    }
}

#[test]
fn pull_secrets_are_asked_for_what_podreeve_may_not_read() {
    let ask = |scope: &[&str], object: &Value, kind| {
        let answer = ImageAnswer::Unknown(Arc::new(unknown(kind)));
        let mut snapshot = with_images(rules("deny"), &json!({}), vec![(WEB, answer)]);
        let namespaces = scope.iter().map(|name| (*name).to_owned()).collect();
        let images = snapshot.facts.images.as_mut().and_then(Arc::get_mut).unwrap();
        images.pull_secrets = Some(Arc::new(PullSecretScope { namespaces }));
        match create(object, Hook::Validate, &snapshot).missing_fact {
            Some(FactQuery::Images(query)) => format!("{:?} {:?}", query.pull_secrets, query.accounts),
            other => format!("{other:?}"),
        }
    };
    let secrets = json!([{"name": "login"}]);
    let (mut with_secret, mut template, mut with_account) = (pod(WEB), deployment(WEB), deployment(WEB));
    with_secret["spec"]["imagePullSecrets"] = secrets.clone();
    template["spec"]["template"]["spec"]["imagePullSecrets"] = secrets;
    with_account["spec"]["template"]["spec"]["serviceAccountName"] = json!("builder");
    for kind in [UnknownKind::Refused, UnknownKind::NotFound] {
        assert_eq!(ask(&[], &with_secret, kind), r#"["login"] []"#);
        assert_eq!(ask(&["shop"], &template, kind), r#"["login"] []"#);
        // Pods have the secrets of their ServiceAccount already, and templates do not.
        assert_eq!(ask(&[], &with_account, kind), r#"[] ["builder"]"#);
        assert_eq!(ask(&[], &deployment(WEB), kind), r#"[] ["default"]"#);
        assert_eq!(
            (ask(&[], &pod(WEB), kind), ask(&["other"], &with_secret, kind)),
            ("None".to_owned(), "None".to_owned())
        );
    }
    for kind in [UnknownKind::Unavailable, UnknownKind::NotCovered, UnknownKind::Invalid] {
        assert_eq!(ask(&[], &with_secret, kind), "None");
    }
}
