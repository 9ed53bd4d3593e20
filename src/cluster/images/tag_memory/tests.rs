use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

const NOW: i64 = 1_000_000;
const TAG: &str = "registry.example.com/shop/web:1";

#[test]
fn a_tag_that_leads_to_an_older_image_went_back() {
    let mut memory = TagMemory::default();
    let mut note = |tag: &str, signed: Option<i64>| memory.note(tag, signed.map(at), at(NOW), at(NOW));
    assert_eq!(note(TAG, None), None, "nothing is known yet");
    assert_eq!((note(TAG, Some(10)), note(TAG, Some(10)), note(TAG, Some(20))), (None, None, None));
    assert_eq!((note(TAG, Some(19)), note(TAG, None)), (Some(at(20)), Some(at(20))));
    assert_eq!(note("registry.example.com/shop/web:2", Some(5)), None, "another tag");
    // Who signs the old image again means it.
    assert_eq!((note(TAG, Some(30)), note(TAG, Some(20))), (None, Some(at(30))));
    // A time in the future proves nothing.
    assert_eq!((note(TAG, Some(NOW + 1)), note(TAG, Some(30))), (Some(at(30)), None));
}

#[test]
fn it_is_written_when_it_has_changed() {
    let mut memory = TagMemory::default();
    assert!(memory.take_changed().is_none());
    memory.note(TAG, Some(at(10)), at(NOW), at(NOW));
    let packed = memory.take_changed().unwrap();
    memory.note(TAG, Some(at(10)), at(NOW), at(NOW));
    memory.note(TAG, Some(at(5)), at(NOW), at(NOW));
    assert!(memory.take_changed().is_none(), "the same, and an older one");
    memory.note(TAG, Some(at(10)), at(NOW), at(NOW + 86_400));
    assert!(memory.take_changed().is_some(), "it was seen on another day");
    // After a restart it knows as much.
    let mut restarted = TagMemory::default();
    assert!(!restarted.merge(&TagMemory::unpack(&packed).unwrap(), at(NOW)) && restarted.take_changed().is_none());
    assert_eq!(restarted.note(TAG, Some(at(9)), at(NOW), at(NOW)), Some(at(10)));
    for bad in [&b""[..], &packed[..packed.len() - 1], &[2; 23]] {
        assert!(TagMemory::unpack(bad).is_err());
    }
}

/// podreeve asks again within a minute where a tag leads that moves forward. Until then, a replica that heard of the new image from another one must not take
/// the tag for one that went back.
#[test]
fn what_another_replica_saw_since_then_does_not_count() {
    let (mut one, mut other) = (TagMemory::default(), TagMemory::default());
    for memory in [&mut one, &mut other] {
        memory.note(TAG, Some(at(10)), at(NOW), at(NOW));
    }
    one.note(TAG, Some(at(20)), at(NOW + 5), at(NOW + 5));
    other.merge(&TagMemory::unpack(&one.pack()).unwrap(), at(NOW + 6));
    assert_eq!(other.note(TAG, Some(at(10)), at(NOW), at(NOW + 7)), None);
    assert_eq!(other.note(TAG, Some(at(10)), at(NOW + 60), at(NOW + 60)), Some(at(20)));
}

#[test]
fn the_tags_that_were_seen_longest_ago_go() {
    let mut memory = TagMemory::default();
    memory.note("old", Some(at(0)), at(0), at(0));
    for number in 0..MOST {
        memory.note(&number.to_string(), Some(at(0)), at(NOW), at(NOW));
    }
    assert!(memory.tags.len() <= MOST && !memory.tags.contains_key(&key("old")));
    assert!(memory.tags.contains_key(&key(&(MOST - 1).to_string())), "the newest");
    assert!(memory.pack().len() < super::super::object::MAX_DATA);
}

proptest! {
    /// Whatever replicas note, and in whichever order they learn it from each other: each of them finds a tag that went back behind the
    /// newest image that any of them has seen, and only then.
    #[test]
    fn no_order_of_replicas_hides_a_tag_that_went_back(
        notes in prop::collection::vec((0..3_usize, 0..4_u8, prop::option::of(0..50_i64)), 1..40),
        last in (0..4_u8, prop::option::of(0..60_i64)),
        order in Just([0_usize, 1, 2]).prop_shuffle(),
    ) {
        let mut replicas = vec![TagMemory::default(); 3];
        let mut newest: HashMap<u8, i64> = HashMap::new();
        for (replica, tag, signed) in &notes {
            replicas[*replica].note(&tag.to_string(), signed.map(at), at(NOW), at(NOW));
            if let Some(signed) = signed {
                let known = newest.entry(*tag).or_insert(*signed);
                *known = (*known).max(*signed);
            }
        }
        let mut last_one = TagMemory::default();
        for replica in order {
            last_one.merge(&TagMemory::unpack(&replicas[replica].pack()).unwrap(), at(NOW));
        }
        let (tag, signed) = last;
        let known = newest.get(&tag).copied();
        let wanted = known.filter(|known| signed.is_none_or(|signed| signed < *known)).map(at);
        prop_assert_eq!(last_one.note(&tag.to_string(), signed.map(at), at(NOW), at(NOW)), wanted);
    }
}
