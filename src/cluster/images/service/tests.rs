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
