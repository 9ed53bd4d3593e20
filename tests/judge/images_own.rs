//! Images of podreeve's own namespace.

use super::common::snapshot;
use super::images::{WEB, create, deployment, found, known, pod, setuid_of, unknown, with_images};
use podreeve::admit::{Hook, Snapshot};
use podreeve::facts::{FactAnswer, FactQuery, ImageQuery, Images};
use podreeve::image::known::{ImageAnswer, UnknownKind};
use serde_json::json;
use std::sync::Arc;

/// Neither a registry nor a setting of images keeps podreeve's own pods out, or the Deployment that repairs the setting.
#[test]
fn nothing_behind_the_images_of_podreeves_own_namespace_is_judged() {
    let rules = || snapshot(json!({"image-signature": {"action": "deny"}, "image-setuid": {"action": "deny"}}));
    let mut snapshots = vec![
        with_images(rules(), &json!({}), vec![(WEB, known("bad", &[setuid_of(&["usr/bin/su"])]))]),
        with_images(
            rules(),
            &json!({"onUnknown": "deny"}),
            vec![(WEB, ImageAnswer::Unknown(Arc::new(unknown(UnknownKind::NotFound))))],
        ),
        rules(),
    ];
    snapshots[2].facts.images = Some(Arc::new(Images::unsettled()));
    snapshots[2].facts.answers = vec![FactAnswer::Nothing(FactQuery::Images(ImageQuery {
        namespace: "shop".to_owned(),
        pull_secrets: Vec::new(),
        accounts: Vec::new(),
        references: vec![WEB.to_owned()],
    }))];
    for mut snapshot in snapshots {
        for object in [pod(WEB), deployment(WEB)] {
            let of = |snapshot: &Snapshot| create(&object, Hook::Validate, snapshot);
            snapshot.facts.own_namespace = None;
            assert!(!found(&of(&snapshot)).is_empty(), "{object}");
            snapshot.facts.own_namespace = Some("shop".into());
            let outcome = of(&snapshot);
            assert!(found(&outcome).is_empty() && outcome.missing_fact.is_none(), "{:?}", found(&outcome));
            snapshot.facts.own_namespace = Some("podreeve".into());
            assert!(!found(&of(&snapshot)).is_empty(), "{object}");
        }
    }
}

/// What only facts of an image could repair does not keep podreeve out; what its operators want denied does.
#[test]
fn podreeves_own_tags_are_not_pinned_and_pass() {
    for (action, images, denied) in [("patch", true, false), ("patch", false, false), ("deny", true, true)] {
        let mut snapshot = snapshot(json!({"image-digest": {"action": action}}));
        snapshot.facts.images = images.then(|| Arc::new(Images::unsettled()));
        snapshot.facts.own_namespace = Some("shop".into());
        for object in [pod(WEB), deployment(WEB)] {
            let outcome = create(&object, Hook::Validate, &snapshot);
            let is_denied = found(&outcome).iter().any(|line| line.starts_with("deny"));
            assert_eq!(is_denied, denied, "{action} {:?}", found(&outcome));
        }
    }
}
