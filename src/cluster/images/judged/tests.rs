use super::*;
use crate::cluster::images::record::Repository;
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
        service.land(&key, &mut resolved, since);
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
    service.land(&key, &mut resolved, since);
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
