//! Facts of the images of a body: known before the request, as in a cluster where image facts are switched on.

use podreeve::admit::Snapshot;
use podreeve::facts::Images;
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, KnownImage, Reader};
use podreeve::rule::ImageExample;
use serde_json::{Value, json};
use std::sync::Arc;

/// The snapshot with facts of every image that the body names: two platforms, 157 packages and 20 steps of history each.
pub fn known(snapshot: &Snapshot, body: &str) -> Snapshot {
    let packages: Vec<Value> =
        (0..157).map(|n| json!({"name": format!("lib-package-{n}"), "version": "1.2.3-4+deb13u1"})).collect();
    let history: Vec<Value> = (0..20)
        .map(|n| json!({"created_by": format!("RUN /bin/sh -c apt-get install -y lib{n} && rm -r /var/lib/apt/lists/* # buildkit")}))
        .collect();
    let platform = |architecture: &str| {
        let facts = json!({
            "platform": {"os": "linux", "architecture": architecture},
            "history": history,
            "content": {"packages": packages},
        });
        let facts: &'static str = Box::leak(facts.to_string().into_boxed_str());
        ImageExample::good("known", facts).image().expect("facts")
    };
    let review: Value = serde_json::from_str(body).expect("JSON");
    let mut images = Images::default();
    for container in review.pointer("/request/object/spec/containers").and_then(Value::as_array).into_iter().flatten() {
        let reference = container["image"].as_str().expect("an image");
        let platforms = vec![platform("amd64"), platform("arm64")];
        let image = KnownImage::new(Digest::sha256(reference.as_bytes()), platforms, Reader::Podreeve);
        images.insert(reference, ImageAnswer::Known(Arc::new(image)));
    }
    let mut snapshot = snapshot.clone();
    snapshot.facts.images = Some(Arc::new(images));
    snapshot
}
