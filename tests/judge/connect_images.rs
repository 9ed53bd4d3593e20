//! A user who enters a pod enters as the user of its image, where the pod names none.

use super::common::response;
use super::connect::{asked, connect, judge, kept, rules};
use super::images::{found, known_to};
use podreeve::admit::Snapshot;
use podreeve::facts::{FactAnswer, FactQuery, Images};
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, Reader, UnknownImage, UnknownKind};
use podreeve::outcome::Verdict;
use serde_json::{Value, json};
use std::sync::Arc;

const TAG: &str = "registry.example.com/shop/web:1";

fn digest() -> Digest {
    Digest::sha256(b"web")
}

/// A pod with this image, which runs the digest; none if its node has not said so yet.
fn pod(image: &str, context: &Value, runs: bool) -> Value {
    let id = if runs { format!("registry.example.com/shop/web@{}", digest()) } else { String::new() };
    json!({"metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "app", "image": image, "securityContext": context}, {"name": "agent", "image": "b:1"}]},
        "status": {"containerStatuses": [{"name": "app", "imageID": id}]}})
}

/// A cluster that has this pod, with image facts switched on.
fn cluster(pod: &Value, images: Images) -> Snapshot {
    let mut snapshot = asked(&rules(json!({"exec-root": {"action": "deny"}})), Some(kept(pod)));
    snapshot.facts.images = Some(Arc::new(images));
    snapshot
}

fn image(reader: Reader, platforms: &[Value]) -> Images {
    [(format!("registry.example.com/shop/web@{}", digest()), known_to(reader, "web", platforms))].into_iter().collect()
}

fn user(name: &str, uid: Option<u32>) -> Value {
    json!({"run": {"User": name}, "content": {"uid": uid}})
}

fn entered(container: &str, snapshot: &Snapshot) -> (Verdict, String) {
    let outcome = judge(&connect("exec", "PodExecOptions", json!({"container": container})), snapshot);
    assert_eq!(outcome.missing_fact, None);
    (outcome.verdict, found(&outcome).join("\n"))
}

#[test]
fn the_user_of_the_image_that_runs_counts() {
    let at = "deny exec-root /spec/containers/0/securityContext/runAsUser";
    for (platforms, says) in [
        (vec![user("1000", None)], ""),
        (vec![user("1000", None), user("1001", None)], ""),
        (vec![user("app", Some(1000))], ""),
        (vec![user("app", None)], "the image's user app, which may be root"),
        (vec![user("toor", Some(0))], "the image's user toor, which is root"),
        (vec![user("0", None)], "the image's user 0, which is root"),
        (vec![user("root:root", None)], "the image's user root"),
        (vec![user("", None)], "root, because the image names no user"),
        (vec![user("1000", None), user("", None)], "root, because the image names no user"),
        (vec![user("app", Some(1000)), user("1000", None)], "the image's user, which may be root"),
    ] {
        let snapshot = cluster(&pod(TAG, &json!({}), true), image(Reader::Podreeve, &platforms));
        let (verdict, text) = entered("app", &snapshot);
        let wanted = if says.is_empty() { String::new() } else { format!("{at} {says}") };
        assert_eq!((verdict == Verdict::Deny, text), (!says.is_empty(), wanted), "{platforms:?}");
    }
}

#[test]
fn a_tag_says_nothing_about_what_runs() {
    let mut images = image(Reader::Podreeve, &[user("1000", None)]);
    images.insert(TAG, known_to(Reader::Podreeve, "web", &[user("1000", None)]));
    let unknown = "the image's user, which may be root";
    let of = |pod: &Value, images: &Images| entered("app", &cluster(pod, images.clone())).1;
    // By now the tag may lead to another image than the one that runs.
    assert!(of(&pod(TAG, &json!({}), false), &images).ends_with(unknown));
    assert_eq!(of(&pod(&format!("{TAG}@{}", digest()), &json!({}), false), &images), "");
    // What was read with the secrets of another namespace lets nobody in.
    let mut foreign = image(Reader::Namespaces(Arc::new(["other".into()])), &[user("1000", None)]);
    let refused = UnknownImage::new(UnknownKind::Refused, "the registry refuses podreeve's credentials");
    foreign.insert(&format!("registry.example.com/shop/web@{}", digest()), ImageAnswer::Unknown(Arc::new(refused)));
    assert!(of(&pod(TAG, &json!({}), true), &foreign).ends_with(unknown));
    // The pod's own user counts, and other containers are judged by theirs.
    assert!(of(&pod(TAG, &json!({"runAsUser": 0}), true), &images).ends_with("0 (root)"));
    assert_eq!(entered("agent", &cluster(&pod(TAG, &json!({}), true), images)).0, Verdict::Deny);
}

#[test]
fn an_image_that_is_not_known_is_asked_for_once() {
    let exec = |container: &str, snapshot: &Snapshot| {
        judge(&connect("exec", "PodExecOptions", json!({"container": container})), snapshot)
    };
    let mut snapshot = cluster(&pod(TAG, &json!({}), true), Images::default());
    let Some(FactQuery::Images(query)) = exec("app", &snapshot).missing_fact else { panic!("a question") };
    assert_eq!(query.references, [format!("{TAG}@{}", digest())]);
    // The node has not said yet what this container runs.
    assert_eq!(exec("agent", &snapshot).missing_fact, None);
    snapshot.facts.answers.push(FactAnswer::Nothing(FactQuery::Images(query)));
    let outcome = exec("app", &snapshot);
    assert_eq!((outcome.verdict, &outcome.missing_fact), (Verdict::Deny, &None));
    assert!(response(&outcome).to_string().contains("the image's user, which may be root"));
    // Nothing is asked where the pod decides, where no rule needs it, and where image facts are switched off.
    let own = cluster(&pod(TAG, &json!({"runAsUser": 1}), true), Images::default());
    assert_eq!(exec("app", &own).missing_fact, None);
    let pod = pod(TAG, &json!({}), true);
    let mut other = asked(&rules(json!({"exec-privileged": {"action": "deny"}})), Some(kept(&pod)));
    other.facts.images = Some(Arc::default());
    assert_eq!(exec("app", &other).missing_fact, None);
    let off = asked(&rules(json!({"exec-root": {"action": "deny"}})), Some(kept(&pod)));
    assert_eq!((exec("app", &off).missing_fact, exec("app", &off).verdict), (None, Verdict::Deny));
}
