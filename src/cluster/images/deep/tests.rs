use super::*;
use crate::image::ImageFacts;
use crate::image::facts::ContentFacts;
use crate::observe::metrics::images::ImageMetrics;
use jiff::Timestamp;

fn service() -> ImageService {
    let service = ImageService::new(Arc::new(ImageMetrics::new(&prometheus::Registry::new()).unwrap()));
    service.set_up(crate::cluster::images::Setup::of_tests());
    service
}

/// A record as an earlier podreeve wrote it, with a layer that is read or not.
fn record(name: &str, is_read: bool, more: &serde_json::Value) -> Record {
    let content = is_read.then(ContentFacts::default);
    let facts = ImageFacts { content, ..ImageFacts::default() };
    let mut json = serde_json::json!({
        "format": 1, "digest": Digest::sha256(name.as_bytes()), "leaves": [], "platforms": [facts],
        "repositories": {"registry.example.com/shop/web": {}}, "tags": {},
    });
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn what_an_earlier_reader_read_is_read_again_after_what_is_new() {
    let (service, now) = (service(), Timestamp::now());
    let nothing = serde_json::json!({});
    service.keep(&record("new", false, &nothing), now);
    service.keep(&record("old", true, &nothing), now);
    service.keep(&record("by hand", true, &serde_json::json!({"byHand": true})), now);
    service.keep(&record("of this reader", true, &serde_json::json!({"reader": READER})), now);
    service.keep(&record("of a later one", true, &serde_json::json!({"reader": READER + 1})), now);
    let one = service.next_to_deepen().expect("an image");
    assert_eq!(one.digest, Digest::sha256(b"new"));
    assert!(service.next_to_deepen().is_none(), "what is known already is read when nothing else is");
    service.keep(&record("new", true, &serde_json::json!({"reader": READER})), now);
    drop(one);
    let other = service.next_to_deepen().expect("an image");
    assert_eq!(other.digest, Digest::sha256(b"old"));
    assert!(service.next_to_deepen().is_none(), "it is being read");
    // It is known meanwhile.
    assert!(service.record_of(&other.digest, now).is_some_and(|record| record.has_content()));
}

/// The registry is none that podreeve asks any more.
#[tokio::test]
async fn what_cannot_be_read_again_stays_known() {
    let (service, now) = (Arc::new(service()), Timestamp::now());
    let old = record("old", true, &serde_json::json!({}));
    service.keep(&old, now);
    deepen(&service, &Layers::default(), &old.digest).await;
    assert!(service.record_of(&old.digest, now).is_some_and(|record| record.has_content() && record.is_old()));
    assert!(service.next_to_deepen().is_none(), "it is not tried again at once");
}
