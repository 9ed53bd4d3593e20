//! Settings of images: a replica that never loaded any is not ready, and one that did goes on with the last good ones.

use crate::harness::{Http, Running, Setup, get};
use podreeve::cluster::images::{Setup as ImageSetup, TrustInForce};
use podreeve::image::Digest;
use podreeve::image::known::ImageSettings;
use podreeve::registry::{Client, Credentials, Limits, Settings};
use podreeve::server::LoadedImages;
use std::sync::{Arc, Mutex};

fn good() -> LoadedImages {
    let client = Client::new(&Settings::default(), Credentials::default(), Limits::default()).unwrap();
    let setup = ImageSetup {
        client,
        trust: TrustInForce { trust: Arc::default(), id: Digest::sha256(b"") },
        unknown: ImageSettings::default(),
        pull_secrets: None,
        layers: false,
        vulnerability_reports: false,
        registries: 3,
    };
    LoadedImages { setup, faults: Vec::new(), error: None, kept_at: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_ready_when_settings_of_images_have_loaded_once() {
    const WHY: &str = "images.yaml:3: registries[0].pullSecret: there is no Secret `shop`";
    let next = Arc::new(Mutex::new(Err::<Option<LoadedImages>, _>(WHY.to_owned())));
    let files = Arc::clone(&next);
    let load = move || std::mem::replace(&mut *files.lock().unwrap(), Ok(None));
    let server = Running::with(Setup { images: Some(Box::new(load)), ..Setup::default() });
    assert_eq!(server.until_readyz(&format!("[-]images: the settings do not load: {WHY}\n")).await, 503);
    assert_eq!(get(server.admin, "/livez").await.0, 200);
    // It answers who comes all the same: what waits for it is the Service.
    server.client.works(Http::One).await;

    *next.lock().unwrap() = Ok(Some(good()));
    assert_eq!(server.until_readyz("[+]images: settings with 3 registries, trust e3b0c44298fc\n").await, 200);
    *next.lock().unwrap() = Err("a\nb".to_owned());
    assert_eq!(server.until_readyz("trust e3b0c44298fc; newer ones do not load: a; b\n").await, 200);
    *next.lock().unwrap() = Ok(Some(good()));
    assert_eq!(server.until_readyz("trust e3b0c44298fc\n").await, 200);
}

/// What of them is served, and what is not, is at /readyz and in the metric.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_says_what_of_the_settings_of_images_is_not_in_force() {
    let next = Arc::new(Mutex::new(Ok(Some(LoadedImages {
        faults: vec!["images.yaml:3: registries[0].ca: it has no certificate; images below a are unknown".to_owned()],
        ..good()
    }))));
    let files = Arc::clone(&next);
    let load = move || std::mem::replace(&mut *files.lock().unwrap(), Ok(None));
    let server = Running::with(Setup { images: Some(Box::new(load)), ..Setup::default() });
    let fault =
        "trust e3b0c44298fc; images.yaml:3: registries[0].ca: it has no certificate; images below a are unknown\n";
    assert_eq!(server.until_readyz(fault).await, 200);
    let failed = |text: &str| text.lines().any(|line| line == "podreeve_image_settings_failed 1");
    assert!(failed(&get(server.admin, "/metrics").await.1));

    let (error, kept_at) = (Some("no rhyme\nno reason".to_owned()), Some("2026-11-28T12:00:00Z".to_owned()));
    *next.lock().unwrap() = Ok(Some(LoadedImages { error, kept_at, ..good() }));
    let kept = "trust e3b0c44298fc; these are the last good ones, which the leader kept on 2026-11-28T12:00:00Z; \
                newer ones do not load: no rhyme; no reason\n";
    assert_eq!(server.until_readyz(kept).await, 200);
    assert!(failed(&get(server.admin, "/metrics").await.1));
    *next.lock().unwrap() = Ok(Some(good()));
    assert_eq!(server.until_readyz("trust e3b0c44298fc\n").await, 200);
    assert!(!failed(&get(server.admin, "/metrics").await.1));
}

#[tokio::test]
async fn without_images_there_is_no_line() {
    let server = Running::start();
    assert!(!get(server.admin, "/readyz").await.1.contains("images"));
}
