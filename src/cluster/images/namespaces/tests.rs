use super::*;
use crate::cluster::images::access::reader;
use crate::cluster::images::hot::{Key, Resolved};
use crate::cluster::images::record::{Record, name_of, tag_of};
use crate::cluster::images::setup::Setup;
use crate::cluster::images::tenants::Proof;
use crate::image::known::{ImageAnswer, KnownImage, PullSecretScope};
use crate::image::{Digest, OpenedImage};
use crate::observe::metrics::images::ImageMetrics;
use crate::reference::ImageRef;
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use std::sync::Arc;

const IMAGE: &str = "registry.example.com/shop/web:1";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn namespace(name: &str, made_at: Timestamp) -> Item {
    let metadata =
        ObjectMeta { name: Some(name.to_owned()), creation_timestamp: Some(Time(made_at)), ..ObjectMeta::default() };
    Item { metadata, ..Item::of("{}".to_owned()) }
}

fn setup() -> Setup {
    Setup { pull_secrets: Some(Arc::new(PullSecretScope::default())), layers: false, ..Setup::of_tests() }
}

/// A service to which a secret of the namespace `shop` showed the image a minute ago, with the answer in the snapshot.
fn service() -> (Arc<ImageService>, Key) {
    let service = ImageService::with_clock(Arc::new(ImageMetrics::new(&prometheus::Registry::new()).unwrap()), now);
    service.set_up(setup());
    let (image, digest) = (ImageRef::parse(IMAGE), Digest::sha256(b"image"));
    let opened = OpenedImage { name: None, digest: digest.clone(), platforms: Vec::new(), absent: Vec::new() };
    let mut record = Record::new(&opened).unwrap();
    let at = now() - SignedDuration::from_secs(60);
    let proof = Some(Proof { at, secrets: vec!["login".to_owned()], refused: false });
    record.add_seen(Some("shop"), name_of(&image), Repository { attached: None, proof });
    record.add_seen_tag(Some("shop"), tag_of(&image), at);
    service.keep(&record, now());
    let key = Key { reference: IMAGE.to_owned(), namespace: Some("shop".to_owned()) };
    let answer = ImageAnswer::Known(Arc::new(KnownImage::new(digest, Vec::new(), reader(Some("shop")))));
    let until = now() + SignedDuration::from_hours(1);
    service.known().hot.insert(&key, Resolved { answer, until }, now());
    (Arc::new(service), key)
}

#[test]
fn a_namespace_that_is_made_again_is_not_judged_by_what_the_former_one_saw() {
    let (service, key) = service();
    let mut sink = NamespaceSink::new(&service);
    let counts = || {
        let stored = service.stored(&service.setup.load_full().unwrap(), &key, now()).is_some();
        let hot = service.known().hot.get(&key, now()).is_some();
        (stored, hot)
    };
    // Before the first list, and for the namespace that showed it.
    assert_eq!(counts(), (true, true));
    sink.list_begins();
    sink.apply(&namespace("shop", now() - SignedDuration::from_hours(1)));
    sink.list_ends();
    assert_eq!(counts(), (true, true));
    sink.apply(&namespace("other", now()));
    assert_eq!(counts(), (true, true));
    sink.delete(&namespace("shop", now() - SignedDuration::from_hours(1)));
    sink.apply(&namespace("shop", now() - SignedDuration::from_secs(30)));
    assert_eq!(counts(), (false, false));
}
