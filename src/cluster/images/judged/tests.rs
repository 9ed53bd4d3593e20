use super::*;
use crate::cluster::images::record::{Repository, TrustInForce};
use crate::cluster::images::service::Asker;
use crate::facts::images::MustBeSigned;
use crate::image::facts::ContentFacts;
use crate::image::known::Reader;
use crate::image::{ImageFacts, OpenedImage};
use crate::observe::metrics::images::ImageMetrics;
use jiff::SignedDuration;
use std::sync::Barrier;

const IMAGE: &str = "registry.example.com/shop/web:1";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn service() -> Arc<ImageService> {
    let service = ImageService::with_clock(Arc::new(ImageMetrics::new(&prometheus::Registry::new()).unwrap()), clock);
    service.set_up(Setup::of_tests());
    Arc::new(service)
}

thread_local! {
    /// What the clock does on this thread, which a judgement looks at.
    static AT_CLOCK: std::cell::RefCell<Option<Box<dyn Fn()>>> = const { std::cell::RefCell::new(None) };
}

fn clock() -> Timestamp {
    AT_CLOCK.with_borrow(|does| does.iter().for_each(|does| does()));
    now()
}

/// An answer about the image of a record, as it is known without its layers.
fn answer(record: &Record) -> Resolved {
    let image = KnownImage::new(record.digest.clone(), record.platforms.clone(), Reader::Podreeve);
    Resolved { answer: ImageAnswer::Known(Arc::new(image)), until: now() + SignedDuration::from_hours(1) }
}

fn has_layers(answer: Option<&ImageAnswer>) -> bool {
    let Some(ImageAnswer::Known(image)) = answer else { panic!("unknown") };
    image.platforms.iter().all(|facts| facts.content.is_some())
}

/// It would wait for as long as all images are judged, on a thread that serves requests.
#[test]
fn an_answer_waits_for_no_judgement_of_others() {
    let service = service();
    let key = Key { reference: IMAGE.to_owned(), namespace: None };
    let light = record("web", "registry.example.com/shop/web", false);
    service.keep(&light, now());
    service.known().hot.insert(&key, answer(&light), now());
    let since = service.known().judged_again;
    let (stops, goes_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    std::thread::scope(|scope| {
        let (stopped, waits) = (Arc::clone(&stops), Arc::clone(&goes_on));
        let judging = &service;
        scope.spawn(move || {
            AT_CLOCK.set(Some(Box::new(move || {
                stopped.wait();
                waits.wait();
            })));
            judging.judge_again(None);
        });
        stops.wait();
        service.keep(&record("web", "registry.example.com/shop/web", true), now());
        let mut resolved = answer(&light);
        assert!(service.land(&key, &mut resolved, since, true));
        assert!(has_layers(Some(&resolved.answer)));
        goes_on.wait();
    });
    assert!(has_layers(service.known().hot.get(&key, now())));
}

#[tokio::test]
async fn many_images_are_judged_on_another_thread() {
    let service = service();
    let light = record("web", "registry.example.com/shop/web", false);
    service.keep(&light, now());
    let keys: Vec<Key> = (0..=FEW)
        .map(|number| {
            let digest = &light.digest;
            Key { reference: format!("registry.example.com/shop/web:{number}@{digest}"), namespace: None }
        })
        .collect();
    for key in &keys {
        service.known().hot.insert(key, answer(&light), now());
    }
    service.keep(&record("web", "registry.example.com/shop/web", true), now());
    let news = service.news.notified();
    AT_CLOCK.set(Some(Box::new(|| panic!("an image is judged on the thread of the test"))));
    service.judge_again(Some(&light.digest));
    AT_CLOCK.set(None);
    news.await;
    for key in &keys {
        assert!(has_layers(service.known().hot.get(key, now())), "{key:?}");
    }
}

/// What is known of an image in a repository, with or without its layers.
fn record(name: &str, repository: &str, read: bool) -> Record {
    let digest = Digest::sha256(name.as_bytes());
    let opened = OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() };
    let mut record = Record::new(&opened).unwrap();
    record.platforms = vec![ImageFacts { content: read.then(ContentFacts::default), ..ImageFacts::default() }];
    record.add_repository(repository.to_owned(), Repository::default());
    record.add_tag(tag_of(&ImageRef::parse(IMAGE)), now());
    record
}

/// Else the image counts as one whose layers are not read, for as long as its digest does.
#[test]
fn layers_that_were_read_while_an_answer_was_on_its_way_count() {
    let service = service();
    let key = Key { reference: IMAGE.to_owned(), namespace: None };
    let light = record("web", "registry.example.com/shop/web", false);
    service.keep(&light, now());
    let older = KnownImage::new(light.digest.clone(), light.platforms, Reader::Podreeve);
    let since = service.known().judged_again;
    // The leader has read them, and no request could find the image so far.
    service.keep(&record("web", "registry.example.com/shop/web", true), now());
    service.judge_again(Some(&light.digest));
    let until = now() + SignedDuration::from_hours(1);
    let mut resolved = Resolved { answer: ImageAnswer::Known(Arc::new(older)), until };
    assert!(service.land(&key, &mut resolved, since, true));
    let hot = service.known().hot.get(&key, now()).cloned();
    for answer in [Some(resolved.answer), hot] {
        let Some(ImageAnswer::Known(image)) = answer else { panic!("unknown") };
        assert!(image.platforms.iter().all(|facts| facts.content.is_some()));
    }
}

#[test]
fn what_two_readers_keep_at_one_time_is_kept() {
    let service = service();
    let start = Barrier::new(2);
    let keep = |repository: &str, read: bool| {
        for number in 0..300 {
            let record = record(&number.to_string(), repository, read);
            start.wait();
            service.keep(&record, now());
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| keep("registry.example.com/shop/web", false));
        keep("mirror.example.com/shop/web", true);
    });
    for number in 0..300 {
        let kept = service.peek(&Digest::sha256(number.to_string().as_bytes())).unwrap();
        assert_eq!((kept.has_content(), kept.repositories.len()), (true, 2), "image {number}");
    }
}

const KEY: &str = include_str!("../../../../tests/trust/cosign.pub");

/// Settings by which every image of the registry must be signed.
fn signed() -> Setup {
    let json =
        serde_json::json!({"trust": [{"prefix": "registry.example.com", "anyOf": [{"cosignKey": {"pem": KEY}}]}]});
    let document = serde_json::from_value(json).unwrap();
    let trust = crate::image::trust::Trust::compile(&document, &|_| Err(String::new())).unwrap();
    let trust = TrustInForce { trust: Arc::new(trust), id: Digest::sha256(KEY.as_bytes()) };
    Setup { trust, ..Setup::of_tests() }
}

fn must_be_signed(answer: Option<&ImageAnswer>) -> bool {
    matches!(answer, Some(ImageAnswer::Unknown(image)) if image.must_be_signed)
}

/// Nothing that is attached to it was read so far: the answer would admit it.
#[test]
fn an_answer_by_older_settings_is_none_for_an_image_that_must_be_signed() {
    for is_kept in [true, false] {
        let service = service();
        let key = Key { reference: IMAGE.to_owned(), namespace: None };
        let known = record("web", "registry.example.com/shop/web", true);
        service.keep(&known, now());
        let (since, mut resolved) = (service.known().judged_again, answer(&known));
        service.set_up(signed());
        assert!(!service.land(&key, &mut resolved, since, is_kept));
        assert!(must_be_signed(Some(&resolved.answer)), "{:?}", resolved.answer);
        assert!(service.known().hot.get(&key, now()).is_none());
    }
}

/// A request waits for what the scan reads, too.
#[tokio::test]
async fn what_is_read_by_older_settings_is_read_again_whoever_asked_first() {
    for asker in [Asker::Scan, Asker::Request] {
        let service = service();
        service.keep(&record("web", "registry.example.com/shop/web", true), now());
        // The settings change when all is read: at the beginning, and when the reading begins, it looks at the clock, too.
        let (changing, looks) = (Arc::clone(&service), std::cell::Cell::new(0));
        AT_CLOCK.set(Some(Box::new(move || {
            looks.set(looks.get() + 1);
            if looks.get() == 3 {
                changing.set_up(signed());
            }
        })));
        let key = Key { reference: IMAGE.to_owned(), namespace: None };
        let resolved = service.read_one(&key, asker).await;
        AT_CLOCK.set(None);
        assert_eq!(service.setup.load().as_ref().map(|setup| setup.trust.id.clone()), Some(signed().trust.id));
        assert!(must_be_signed(Some(&resolved.answer)), "{asker:?}: {:?}", resolved.answer);
        // It was tried with the settings of now, which name no registry.
        let ImageAnswer::Unknown(image) = resolved.answer else { panic!("known") };
        assert_eq!(image.kind, crate::image::known::UnknownKind::NotCovered);
    }
}

/// Whatever was found for a request before the settings changed.
#[tokio::test]
async fn no_request_gets_an_image_without_the_verdict_that_its_settings_want() {
    let service = service();
    service.set_up(signed());
    let known = record("web", "registry.example.com/shop/web", true);
    service.keep(&known, now());
    let key = Key { reference: IMAGE.to_owned(), namespace: None };
    service.known().hot.insert(&key, answer(&known), now());
    let query = ImageQuery {
        namespace: "shop".to_owned(),
        pull_secrets: Vec::new(),
        accounts: Vec::new(),
        references: vec![IMAGE.to_owned()],
    };
    let images = service.ask(&query, Asker::Request, tokio::time::Instant::now()).await;
    assert!(must_be_signed(images.get(IMAGE)), "{:?}", images.get(IMAGE));
    // What was not asked for must be signed all the same.
    assert!(
        matches!(&images.must_be_signed, MustBeSigned::By(trust) if trust.entry(&ImageRef::parse(IMAGE)).is_some())
    );
    // A verdict by older keys is none by those of now.
    let (before, after) = (Arc::new(Setup::of_tests()), service.setup.load_full().unwrap());
    let mut judged = known.clone();
    judged.add_repository("registry.example.com/shop/web".to_owned(), read_at(now()));
    service.keep(&judged, now());
    let verdict = Arc::new(service.stored(&after, &key, now()).unwrap());
    let of = |before: &Arc<Setup>| {
        let answer = ImageAnswer::Known(Arc::clone(&verdict));
        service.by_settings_of_now(&query, IMAGE, answer, (Some(before), Some(&after)))
    };
    assert!(matches!(of(&after), ImageAnswer::Known(_)) && matches!(of(&before), ImageAnswer::Known(_)));
    service.known().store.remove(&known.digest);
    assert!(matches!(of(&after), ImageAnswer::Known(_)) && must_be_signed(Some(&of(&before))));
}

/// Else old signatures in a repository that podreeve reads count without end, because a person sealed another one.
#[test]
fn what_a_person_sealed_counts_for_ever_in_its_repository_alone() {
    let service = service();
    service.set_up(signed());
    let old = now() - SignedDuration::from_hours(24 * 30);
    let mut sealed = record("web", "registry.example.com/shop/web", true);
    sealed.add_repository("registry.example.com/shop/web".to_owned(), read_at(old));
    sealed.by_hand = true;
    service.known().store.add_by_hand("object", &sealed, &sealed.pack());
    sealed.add_repository("registry.example.com/mirror/web".to_owned(), read_at(old));
    service.keep(&sealed, now());
    let setup = service.setup.load_full().unwrap();
    for (repository, is_known) in [("shop/web", true), ("mirror/web", false)] {
        let reference = format!("registry.example.com/{repository}@{}", sealed.digest);
        let key = Key { reference, namespace: None };
        assert_eq!(service.stored(&setup, &key, now()).is_some(), is_known, "{repository}");
    }
}

/// A repository of which it was read at this time that nothing is attached to the image.
fn read_at(at: Timestamp) -> Repository {
    let attached = crate::cluster::images::record::Attached { at, evidence: Vec::new(), judged: None };
    Repository { attached: Some(attached), proof: None }
}
