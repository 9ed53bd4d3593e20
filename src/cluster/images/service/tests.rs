use super::*;

/// Else a user with requests as large as they may be would take all memory.
#[tokio::test]
async fn nothing_is_remembered_of_a_reference_that_no_runtime_accepts() {
    let metrics = ImageMetrics::new(&prometheus::Registry::new()).unwrap();
    let service = Arc::new(ImageService::new(Arc::new(metrics)));
    let long = format!("registry.example.com/{}", "a".repeat(1 << 20));
    for reference in [long.as_str(), "a b"] {
        let key = Key { reference: reference.to_owned(), namespace: None };
        assert!(matches!(service.start(&key, None, Asker::Request), Started::Known(ImageAnswer::Unknown(_))));
    }
    assert!(lock(&service.flights).is_empty() && service.known().hot.keys(None).is_empty());
    assert_eq!(service.known().store.counts(service.now()).unknown, 0);
}

/// A record with a layer that is read, and signatures of this time.
fn record(name: &str, read: bool, signatures_at: Option<Timestamp>) -> Record {
    let repository = match signatures_at {
        Some(at) => serde_json::json!({"attached": {"at": at, "evidence": []}}),
        None => serde_json::json!({}),
    };
    let mut facts = serde_json::to_value(crate::image::ImageFacts::default()).unwrap();
    if read {
        facts["content"] = serde_json::to_value(crate::image::facts::ContentFacts::default()).unwrap();
    }
    let record = serde_json::json!({
        "format": 1, "digest": Digest::sha256(name.as_bytes()), "leaves": [], "platforms": [facts],
        "repositories": {"registry.example.com/shop/web": repository}, "tags": {},
    });
    serde_json::from_value(record).unwrap()
}

#[tokio::test]
async fn the_gauges_show_what_is_known() {
    let registry = prometheus::Registry::new();
    let metrics = Arc::new(ImageMetrics::new(&registry).unwrap());
    let now: fn() -> Timestamp = || Timestamp::from_second(1_800_000_000).unwrap();
    let service = ImageService::with_clock(metrics, now);
    let ago = |seconds| now() - jiff::SignedDuration::from_secs(seconds);
    service.keep(&record("a", true, Some(ago(90))), now());
    service.keep(&record("b", false, Some(ago(60))), now());
    service.keep(&record("c", true, None), now());
    service.known().store.fail("registry.example.com/shop/none:1", ReadError::Late, now());
    // One that may be tried again is not counted.
    service.known().store.fail("registry.example.com/shop/old:1", ReadError::Late, ago(3600));
    let counts = service.known().store.counts(now());
    service.report(counts);
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for wanted in ["known 3", "layers_known 2", "unknown 1", "signatures_age_seconds 90"] {
        let wanted = format!("podreeve_image_{wanted}");
        assert!(text.lines().any(|line| line == wanted), "there is no {wanted}:\n{text}");
    }
}
