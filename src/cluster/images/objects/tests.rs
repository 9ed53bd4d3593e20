use super::*;
use crate::cluster::images::seal::{LENGTH, Sealer};
use crate::cluster::images::tag_memory::TagMemory;
use crate::image::OpenedImage;
use crate::observe::metrics::images::ImageMetrics;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const TAG: &str = "registry.example.com/shop/web:1";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn service() -> Arc<ImageService> {
    let metrics = ImageMetrics::new(&prometheus::Registry::new()).unwrap();
    Arc::new(ImageService::with_clock(Arc::new(metrics), now))
}

fn owner(byte: u8, installation: &str) -> Owner {
    Owner::new(Sealer::new(&[byte; LENGTH]).unwrap(), Some(installation))
}

fn record(by_hand: bool) -> Record {
    let digest = Digest::sha256(b"image");
    let image = OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() };
    let mut record = Record::new(&image).unwrap();
    record.add_tag(TAG.to_owned(), now());
    record.by_hand = by_hand;
    record
}

fn object(record: &Record, owner: &Owner) -> Value {
    serde_json::from_str(&object::to_object(record, owner).unwrap()).unwrap()
}

/// The same object as a version wrote it that named no key.
fn former(mut object: Value, owner: &Owner) -> Value {
    let name = object["metadata"]["name"].as_str().unwrap().split_once('.').unwrap().0.to_owned();
    let packed = STANDARD.decode(object["spec"]["data"].as_str().unwrap()).unwrap();
    object["spec"]["seal"] = json!(owner.sealer.seal(&name, &packed));
    object["metadata"] = json!({"name": name});
    object
}

fn item(object: &Value) -> Item {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn left(service: &ImageService, after: SignedDuration) -> Vec<String> {
    service.known().store.left(now() + after).cloned().collect()
}

fn knows(service: &ImageService) -> bool {
    service.peek(&Digest::sha256(b"image")).is_some()
}

fn unlabelled(service: &ImageService) -> Vec<String> {
    crate::cluster::images::service::lock(&service.unlabelled).iter().cloned().collect()
}

#[test]
fn an_object_of_an_earlier_version_counts_and_goes_after_an_hour() {
    let (service, owner) = (service(), owner(7, "podreeve"));
    let object = former(object(&record(false), &owner), &owner);
    service.learn(&item(&object), &owner, false).unwrap();
    assert!(knows(&service) && unlabelled(&service).is_empty());
    let name = object["metadata"]["name"].as_str().unwrap();
    assert!(left(&service, FORMER - SignedDuration::from_secs(1)).is_empty());
    assert_eq!(left(&service, FORMER), [name]);
    // It has a successor by then, so nothing is read again when it goes.
    service.forget(&item(&object), &owner);
    assert!(knows(&service) && left(&service, FORMER).is_empty());
}

#[test]
fn what_a_person_wrote_stays_under_its_name_gets_the_label_and_goes_with_its_object() {
    let (service, owner) = (service(), owner(7, "podreeve"));
    for object in
        [object(&record(true), &Owner::new(owner.sealer.clone(), None)), former(object(&record(true), &owner), &owner)]
    {
        service.learn(&item(&object), &owner, true).unwrap();
        assert!(knows(&service) && left(&service, unused::UNUSED).is_empty());
        let name = object["metadata"]["name"].as_str().unwrap();
        assert!(unlabelled(&service).iter().any(|object| object == name));
        service.forget(&item(&object), &owner);
        assert!(!knows(&service));
    }
}

#[test]
fn the_objects_of_another_installation_are_left_alone() {
    let (service, ours, theirs) = (service(), owner(7, "ours"), owner(8, "theirs"));
    service.learn(&item(&object(&record(false), &ours)), &ours, true).unwrap();
    let mut memory = TagMemory::default();
    memory.note(TAG, Some(now()), now(), now());
    let packed = memory.take_changed().unwrap();
    let tags = |owner: &Owner| -> Value { serde_json::from_str(&object::to_tags(&packed, owner).unwrap()).unwrap() };
    let (of_theirs, former_tags) = (tags(&theirs), former(tags(&theirs), &theirs));
    let former_image = former(object(&record(true), &theirs), &theirs);
    for object in [object(&record(false), &theirs), former_image, of_theirs, former_tags] {
        assert_eq!(service.learn(&item(&object), &ours, true), Err(ObjectError::Seal));
        service.forget(&item(&object), &ours);
    }
    assert!(knows(&service) && left(&service, unused::UNUSED).is_empty() && unlabelled(&service).is_empty());
    // The memory of tags is not written again and again over one that another installation writes.
    service.known().tags.note(TAG, Some(now()), now(), now());
    assert!(service.known().tags.take_changed().is_some());
    assert!(service.learn(&item(&tags(&theirs)), &ours, true).is_err());
    assert!(service.known().tags.take_changed().is_none());
}

#[test]
fn what_an_earlier_key_sealed_goes_unless_a_person_wrote_it() {
    let (service, new, old) = (service(), owner(7, "podreeve"), owner(8, "podreeve"));
    let (by_podreeve, by_hand) = (object(&record(false), &old), object(&record(true), &old));
    for object in [&by_podreeve, &by_hand] {
        assert_eq!(service.learn(&item(object), &new, true), Err(ObjectError::Seal));
    }
    assert_eq!(left(&service, FORMER), [by_podreeve["metadata"]["name"].as_str().unwrap()]);
    // A forged one of the name of today goes, too, unless podreeve writes over it.
    let mut forged = object(&record(false), &new);
    forged["spec"]["seal"] = json!("AAAA");
    assert_eq!(service.learn(&item(&forged), &new, true), Err(ObjectError::Seal));
    assert_eq!(left(&service, FORMER).len(), 2);
    service.learn(&item(&object(&record(false), &new)), &new, true).unwrap();
    assert_eq!(left(&service, FORMER).len(), 1);
}

#[test]
fn a_restart_is_no_use_of_an_image() {
    let used = |noted: SignedDuration| {
        let (service, owner) = (service(), owner(7, "podreeve"));
        let mut record = record(false);
        record.add_tag(TAG.to_owned(), now() - noted);
        let object = item(&object(&record, &owner));
        service.learn(&object, &owner, false).unwrap();
        // Nor is a list that begins again.
        service.learn(&object, &owner, false).unwrap();
        let known = service.known();
        let stored = known.store.peek(&record.digest).unwrap();
        now().duration_since(stored.used)
    };
    let hours = SignedDuration::from_hours;
    assert_eq!(used(hours(1)), hours(0));
    assert_eq!(used(hours(30)), hours(6));
    // The scan has a day to name what runs.
    assert_eq!(used(hours(24 * 365)), unused::UNUSED - AFTER_START);
}

#[test]
fn objects_that_are_ignored_are_counted_and_those_of_a_person_are_named() {
    let (service, ours, theirs) = (Arc::new(service()), owner(7, "podreeve"), owner(8, "other"));
    let (_leads, leadership) = tokio::sync::watch::channel(false);
    let (log, by_hand) = (LogOnce::default(), HashSet::new());
    let mut sink = ObjectSink { service: &service, owner: &ours, leadership: &leadership, log, by_hand };
    sink.apply(&item(&object(&record(false), &ours)));
    // That of another installation is no fault.
    sink.apply(&item(&object(&record(false), &theirs)));
    assert_eq!(service.metrics.objects_ignored.get(), 0);
    let mut forged = object(&record(false), &ours);
    forged["spec"]["seal"] = json!("AAAA");
    sink.apply(&item(&forged));
    sink.apply(&item(&forged));
    assert_eq!((service.metrics.objects_ignored.get(), sink.by_hand.len()), (2, 0));
    // As `podreeve image --seal` makes it, with another key.
    let sealed = object(&record(true), &Owner::new(Sealer::new(&[9; LENGTH]).unwrap(), None));
    sink.apply(&item(&sealed));
    sink.apply(&item(&sealed));
    assert_eq!((service.metrics.objects_ignored.get(), sink.by_hand.len()), (4, 1));
}

/// An object as `podreeve image --seal` makes it for this name.
fn sealed(owner: &Owner, content: &[u8], name: &str, at: Timestamp) -> Value {
    let digest = Digest::sha256(content);
    let image = OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() };
    let mut record = Record::new(&image).unwrap();
    let attached = Some(super::super::record::Attached { at, evidence: Vec::new(), judged: None });
    let repository = super::super::record::Repository { attached, proof: None };
    record.add_repository(name.split(':').next().unwrap().to_owned(), repository);
    if name.contains(':') {
        record.add_tag(name.to_owned(), at);
    }
    record.by_hand = true;
    object(&record, &Owner::new(owner.sealer.clone(), None))
}

/// The repositories that are known to have the image, and where each tag leads.
fn names(service: &ImageService, content: &[u8], tags: &[&str]) -> (Vec<String>, Vec<bool>) {
    let digest = Digest::sha256(content);
    let repositories = service.peek(&digest).map(|record| record.repositories.into_keys().collect());
    let known = service.known();
    let leads = |tag: &&str| known.store.tagged(tag).is_some_and(|(of, _)| *of == digest);
    (repositories.unwrap_or_default(), tags.iter().map(leads).collect())
}

#[test]
fn one_image_may_be_sealed_under_several_names() {
    let owner = owner(7, "podreeve");
    let (web, stable) = ("registry.example.com/shop/web:1.2", "registry.example.com/shop/web:stable");
    let (mirror, bare) = ("mirror.example.com/shop/web:1", "old.example.com/web");
    let tags = [web, stable, mirror];
    let objects = [web, stable, mirror, bare].map(|name| sealed(&owner, b"image", name, now()));
    let of: HashSet<&str> = objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(of.len(), 4, "`kubectl apply` of one replaces no other");
    let all = ["mirror.example.com/shop/web", "old.example.com/web", "registry.example.com/shop/web"];
    let mut orders = vec![objects.to_vec(), objects.iter().rev().cloned().collect()];
    // What the leader read from a registry may be there first.
    orders.push([vec![object(&record(false), &owner)], objects.to_vec()].concat());
    for order in orders {
        let service = service();
        for object in &order {
            service.learn(&item(object), &owner, true).unwrap();
        }
        assert_eq!(names(&service, b"image", &tags), (all.map(str::to_owned).to_vec(), vec![true; 3]));
        assert!(left(&service, unused::UNUSED).is_empty());
        // One object goes, the others stay.
        service.forget(&item(&objects[0]), &owner);
        assert_eq!(names(&service, b"image", &tags), (all.map(str::to_owned).to_vec(), vec![false, true, true]));
        service.forget(&item(&objects[2]), &owner);
        assert_eq!(names(&service, b"image", &tags).1, [false, true, false]);
        service.forget(&item(&objects[1]), &owner);
        service.forget(&item(&objects[3]), &owner);
        assert!(!knows(&service));
    }
}

#[test]
fn a_tag_leads_to_the_image_that_was_sealed_last_in_whatever_order_the_objects_come() {
    let owner = owner(7, "podreeve");
    let later = now() + SignedDuration::from_hours(1);
    let (old, new) = (sealed(&owner, b"old", TAG, now()), sealed(&owner, b"new", TAG, later));
    for order in [[&old, &new], [&new, &old]] {
        let service = service();
        for object in order {
            service.learn(&item(object), &owner, false).unwrap();
        }
        // That a pod uses the old one decides nothing, nor what a registry says.
        let record = service.peek(&Digest::sha256(b"old")).unwrap();
        service.keep(&record, later + SignedDuration::from_hours(1));
        service.known().store.tag(TAG, &Digest::sha256(b"old"), later + SignedDuration::from_hours(1));
        assert_eq!((names(&service, b"old", &[TAG]).1, names(&service, b"new", &[TAG]).1), (vec![false], vec![true]));
        service.forget(&item(&new), &owner);
        assert_eq!(names(&service, b"old", &[TAG]).1, [true]);
    }
}
