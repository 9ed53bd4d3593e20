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
    store.remove(&record(199).digest);
    assert_eq!(store.bytes, store.images.len() << 20);
}

#[test]
fn content_that_is_wrong_is_left_alone_for_longer() {
    let mut store = Store::default();
    store.is_broken("layers of a", ReadError::Late, at(0));
    assert!(store.failure("layers of a", at(3599)).is_some() && store.failure("layers of a", at(3600)).is_none());
}
