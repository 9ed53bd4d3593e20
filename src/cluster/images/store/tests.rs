use super::*;
use crate::image::OpenedImage;
use crate::registry::RegistryError;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

#[test]
fn waits_double_up_to_five_minutes_and_end_with_a_success() {
    let mut store = Store::default();
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..6 {
        let failure = store.fail("a.example.com/x", ReadError::Late, now);
        waits.push(failure.until.duration_since(now).as_secs());
        assert!(store.failure("a.example.com/x", now).is_some());
        now = failure.until;
        assert!(store.failure("a.example.com/x", now).is_none());
    }
    assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
    store.succeeded("a.example.com/x");
    assert_eq!(store.fail("a.example.com/x", ReadError::Late, now).until, now + WAIT.0);
}

#[test]
fn a_registry_that_asks_for_more_time_gets_it() {
    let mut store = Store::default();
    let error = |seconds| {
        let retry_after = Some(std::time::Duration::from_secs(seconds));
        ReadError::Registry(RegistryError::TooManyRequests { host: "a".to_owned(), retry_after })
    };
    assert_eq!(store.fail("a", error(90), at(0)).until, at(90));
    // But not as much as it likes.
    assert_eq!(store.fail("b", error(1_000_000), at(0)).until, at(3600));
}

#[test]
fn what_is_broken_is_tried_less_and_less_often() {
    let (mut store, mut now) = (Store::default(), at(0));
    let broken = || ReadError::Image("its first layer is no archive".to_owned());
    assert!(!store.failed_so_before("a", &broken()));
    let mut waits = Vec::new();
    for _ in 0..7 {
        store.is_broken("a", broken(), now);
        let until = store.failure("a", now).unwrap().until;
        waits.push(until.duration_since(now).as_hours());
        now = until;
        // It is in the log once, as long as it is the same fault.
        assert!(store.failed_so_before("a", &broken()));
        assert!(!store.failed_so_before("a", &ReadError::Image("it has no layers".to_owned())));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 24, 24]);
    // An outage is tried again soon, and after a success all begins again.
    assert_eq!(store.fail("a", ReadError::Late, now).until, now + WAIT.1);
    store.succeeded("a");
    store.is_broken("a", broken(), now);
    assert_eq!(store.failure("a", now).unwrap().until, now + BROKEN.0);
}

#[test]
fn a_pause_of_the_registry_is_no_failure_of_the_image() {
    let mut store = Store::default();
    let error = || ReadError::Registry(RegistryError::TooManyRequests { host: "a".to_owned(), retry_after: None });
    let pause = Failure::at(error(), at(600));
    store.postpone("a", pause.clone(), at(0));
    assert_eq!(store.failure("a", at(0)).unwrap().until, at(600));
    let broken = || ReadError::Image("its first layer is no archive".to_owned());
    store.is_broken("b", broken(), at(0));
    store.is_broken("b", broken(), at(3600));
    store.postpone("b", pause, at(3600));
    assert_eq!(store.failure("b", at(3600)).unwrap().until, at(3 * 3600));
    assert!(store.failed_so_before("b", &broken()));
}

#[test]
fn the_newest_answer_about_a_tag_counts() {
    let mut store = Store::default();
    let (one, two) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
    store.tag("a.example.com/x:1", &one, at(10));
    store.tag("a.example.com/x:1", &two, at(5));
    assert_eq!(store.tagged("a.example.com/x:1"), Some(&(one, at(10))));
    store.tag("a.example.com/x:1", &two, at(20));
    assert_eq!(store.tagged("a.example.com/x:1"), Some(&(two, at(20))));
}

#[test]
fn names_of_an_attacker_take_no_more_than_their_place() {
    let mut store = Store::default();
    for number in 0..FAILURES + 10 {
        store.fail(&format!("a.example.com/{number}"), ReadError::Late, at(0));
    }
    assert!(store.failures.len() <= FAILURES);
    let digest = Digest::sha256(b"1");
    for number in 0..TAGS + 10 {
        store.tag(&format!("a.example.com/x:{number}"), &digest, at(i64::try_from(number).unwrap()));
    }
    assert!(store.tags.len() <= TAGS);
    assert!(store.tagged("a.example.com/x:0").is_none());
    assert!(store.tagged(&format!("a.example.com/x:{}", TAGS + 9)).is_some());
}

#[test]
fn large_images_take_no_more_than_their_place() {
    let mut store = Store::default();
    let packed: Arc<[u8]> = vec![0; 1 << 20].into();
    let record = |number: i64| {
        let digest = Digest::sha256(&number.to_be_bytes());
        let image = OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() };
        Record::new(&image).unwrap()
    };
    for number in 0..200 {
        // Twice, as a record that says something new.
        store.put_packed(&record(number), Arc::clone(&packed), at(number));
        store.put_packed(&record(number), Arc::clone(&packed), at(number));
        let sum: usize = store.images.values().map(|stored| stored.packed.len()).sum();
        assert_eq!(store.bytes, sum);
        assert!(sum <= BYTES);
    }
    assert!(store.get(&record(199).digest, at(200)).is_some() && store.get(&record(0).digest, at(200)).is_none());
    // The cluster keeps them no longer than this replica.
    let gone: Vec<Digest> = store.gone(at(200)).cloned().collect();
    assert_eq!(gone.len() + store.images.len(), 200);
    store.remove(&record(0).digest);
    store.put_packed(&record(1), Arc::clone(&packed), at(200));
    assert!(!store.gone(at(200)).any(|digest| [record(0).digest, record(1).digest].contains(digest)));
    store.remove(&record(199).digest);
    assert_eq!(store.bytes, store.images.len() << 20);
}

#[test]
fn what_a_person_wrote_is_not_forgotten_for_what_strangers_name() {
    let mut store = Store::default();
    let packed: Arc<[u8]> = vec![0; 1 << 20].into();
    let mut put = |name: &[u8], by_hand| {
        let image = OpenedImage { name: None, digest: Digest::sha256(name), platforms: Vec::new(), absent: Vec::new() };
        let mut record = Record::new(&image).unwrap();
        record.by_hand = by_hand;
        store.put_packed(&record, Arc::clone(&packed), at(0));
    };
    put(b"by hand", true);
    (0..200_u32).for_each(|number| put(&number.to_be_bytes(), false));
    let by_hand = Digest::sha256(b"by hand");
    assert!(store.get(&by_hand, at(0)).is_some() && !store.gone(at(0)).any(|digest| *digest == by_hand));
}

#[test]
fn an_object_of_another_version_goes_later_and_not_more_than_fit_are_remembered() {
    let mut store = Store::default();
    for number in 0..GONE + 10 {
        store.is_gone(Digest::sha256(&number.to_be_bytes()), at(60));
        store.is_left(&format!("{number:06}"), at(60));
    }
    assert_eq!((store.gone(at(59)).count(), store.gone(at(60)).count()), (0, GONE));
    assert_eq!((store.left(at(59)).count(), store.left(at(60)).count()), (0, GONE));
    // Seen again it stays no longer.
    store.is_left("000000", at(90));
    assert!(store.left(at(60)).any(|object| object == "000000"));
    store.is_not_left("000000");
    assert!(!store.left(at(90)).any(|object| object == "000000"));
}

#[test]
fn content_that_is_wrong_is_left_alone_for_longer() {
    let mut store = Store::default();
    store.is_broken("layers of a", ReadError::Late, at(0));
    assert!(store.failure("layers of a", at(3599)).is_some() && store.failure("layers of a", at(3600)).is_none());
}
