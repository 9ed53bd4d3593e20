use super::*;
use crate::image::trust::{Content, TrustDocument};

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

fn record() -> Record {
    let digest = Digest::sha256(b"image");
    Record::new(&OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() }).unwrap()
}

fn with_evidence(size: usize, hours: i64) -> Repository {
    let subject = Digest::sha256(b"image").to_string();
    let evidence = vec![Evidence { subject, name: "sha256:a".to_owned(), content: Content::Jws(vec![7; size]) }];
    Repository { attached: Some(Attached { at: at(hours), evidence, judged: None }), proof: None }
}

fn trust(key: &str) -> TrustInForce {
    let json =
        format!(r#"{{"trust":[{{"prefix":"registry.example.com","anyOf":[{{"cosignKey":{{"pem":{key:?}}}}}]}}]}}"#);
    let document: TrustDocument = serde_json::from_str(&json).unwrap();
    let trust = Trust::compile(&document, &|_| Err(String::new())).unwrap();
    TrustInForce { trust: Arc::new(trust), id: Digest::sha256(key.as_bytes()) }
}

const NAME: &str = "registry.example.com/shop/web";
const KEY: &str = include_str!("../../../../tests/trust/cosign.pub");
const OTHER: &str = include_str!("../../../../tests/trust/other.pub");

#[test]
fn a_record_is_packed_and_unpacked() {
    let mut record = record();
    record.add_repository(NAME.to_owned(), with_evidence(2000, 0));
    record.add_tag(format!("{NAME}:1"), at(0));
    let packed = record.pack();
    assert!(packed.len() < 1000, "{} bytes", packed.len());
    let read = Record::unpack(&packed).unwrap();
    assert_eq!(read.pack(), packed);
    assert_eq!(read.repositories, record.repositories);
    for bad in [&b""[..], b"garbage", &packed[..packed.len() / 2]] {
        assert!(Record::unpack(bad).is_err());
    }
    let newer = Record { format: FORMAT + 1, ..record };
    assert!(Record::unpack(&newer.pack()).unwrap_err().contains("format"));
}

/// An image is input of a stranger: what compresses well may be as large as a manifest can be.
#[test]
fn a_record_that_would_be_too_large_is_none() {
    let with = |text: &dyn Fn(usize) -> String| {
        let run = crate::image::config::RunConfig {
            env: (0..1000).map(text).collect(),
            ..crate::image::config::RunConfig::default()
        };
        let facts = ImageFacts { run, ..ImageFacts::default() };
        Record { platforms: vec![facts], ..record() }.within_limits().map(|_| ())
    };
    assert!(with(&|number| format!("NAME_{number}=value")).is_ok());
    assert!(with(&|_| "a".repeat(4096)).unwrap_err().to_string().contains("say more than"));
    let random = |number: usize, part: usize| Digest::sha256(format!("{number} {part}").as_bytes()).hex().to_owned();
    assert!(with(&|number| (0..20).map(|part| random(number, part)).collect()).is_err());
}

#[test]
fn a_platform_that_was_pushed_later_is_taken_over() {
    let arm = || "linux/arm64".parse::<Platform>().unwrap();
    let facts = |platform: Platform, is_read: bool| ImageFacts {
        platform,
        content: is_read.then(crate::image::facts::ContentFacts::default),
        ..ImageFacts::default()
    };
    let amd = || "linux/amd64".parse::<Platform>().unwrap();
    let old = Record { platforms: vec![facts(amd(), true)], absent: vec![arm()], ..record() };
    let new = Record { platforms: vec![facts(amd(), false), facts(arm(), false)], ..record() };
    assert!(new.is_news_after(&old));
    for (mut ours, theirs) in [(old.clone(), new.clone()), (new, old)] {
        ours.merge(theirs);
        assert_eq!((ours.platforms.len(), ours.absent.len()), (2, 0));
    }
}

/// A registry has lost one of them meanwhile.
#[test]
fn what_is_read_of_some_platforms_is_kept_with_what_is_known_of_the_others() {
    let named = |text: &str| text.parse::<Platform>().unwrap();
    let facts = |platform: &str, size: Option<u64>| ImageFacts {
        platform: named(platform),
        content: size.map(|wasted| crate::image::facts::ContentFacts { wasted, ..Default::default() }),
        ..ImageFacts::default()
    };
    let merged = |found: ImageFacts, old: [Option<u64>; 2], reader: u32| {
        let before =
            Record { platforms: vec![facts("linux/amd64", old[0]), facts("linux/arm64", old[1])], reader, ..record() };
        let new = Record { platforms: vec![found], absent: vec![named("linux/arm64")], ..record() };
        let both = [(new.clone(), before.clone()), (before, new)].map(|(mut ours, theirs)| {
            ours.merge(theirs);
            let size = |facts: &ImageFacts| facts.content.as_ref().map(|content| content.wasted);
            (ours.platforms.iter().map(size).collect::<Vec<_>>(), ours.absent.len(), ours.reader)
        });
        assert_eq!(both[0], both[1]);
        both[0].clone()
    };
    assert_eq!(merged(facts("linux/amd64", Some(2)), [None, None], READER), (vec![Some(2), None], 0, READER));
    // What this reader found counts more, and what only an earlier one could read stays.
    assert_eq!(merged(facts("linux/amd64", Some(2)), [Some(1), None], 0), (vec![Some(2), None], 0, READER));
    assert_eq!(merged(facts("linux/amd64", Some(2)), [Some(1), Some(1)], 0), (vec![Some(2), Some(1)], 0, 0));
    // Nothing is known less than before.
    assert_eq!(merged(facts("linux/amd64", None), [Some(1), None], 0), (vec![Some(1), None], 0, 0));
}

#[test]
fn many_repositories_do_not_make_an_image_unknown_in_another_one() {
    let mut record = record();
    for number in 0..NAMES {
        record
            .add_repository(format!("registry.example.com/{number}"), with_evidence(1, i64::try_from(number).unwrap()));
    }
    record.add_repository(NAME.to_owned(), Repository::default());
    assert_eq!((record.repositories.len(), record.repositories.contains_key(NAME)), (NAMES, true));
    assert!(!record.repositories.contains_key("registry.example.com/0"));
}

#[test]
fn of_two_records_the_newest_parts_count() {
    let (mut ours, mut theirs) = (record(), record());
    ours.add_repository(NAME.to_owned(), with_evidence(10, 5));
    ours.add_tag(format!("{NAME}:1"), at(1));
    theirs.add_repository(NAME.to_owned(), with_evidence(20, 2));
    theirs.add_repository("other.example.com/web".to_owned(), Repository::default());
    theirs.add_tag(format!("{NAME}:1"), at(3));
    ours.merge(theirs);
    assert_eq!(ours.repositories[NAME], with_evidence(10, 5));
    assert_eq!((ours.repositories.len(), ours.tags[&format!("{NAME}:1")]), (2, at(3)));
}

#[test]
fn a_time_alone_is_news_once_a_day() {
    let with = |size, hours| {
        let mut record = record();
        record.add_repository(NAME.to_owned(), with_evidence(size, hours));
        record.add_tag(format!("{NAME}:1"), at(hours));
        record
    };
    assert!(!with(10, 23).is_news_after(&with(10, 0)));
    assert!(with(10, 24).is_news_after(&with(10, 0)));
    assert!(with(11, 1).is_news_after(&with(10, 0)));
    assert!(with(10, 0).is_news_after(&record()) && !record().is_news_after(&with(10, 0)));
}

#[test]
fn what_is_attached_counts_for_a_week_and_by_hand_for_ever() {
    let image = ImageRef::parse(NAME);
    let mut record = record();
    let of = |record: &Record, hours, is_sealed| match record.judge(&image, None, &trust(KEY), at(hours), is_sealed) {
        Trusted::Verdict(_) => "a verdict",
        Trusted::NotKnown => "not known",
        Trusted::NotAsked => "not asked",
    };
    assert_eq!(of(&record, 0, false), "not known");
    record.add_repository(NAME.to_owned(), with_evidence(10, 0));
    assert_eq!((of(&record, 167, false), of(&record, 168, false)), ("a verdict", "not known"));
    assert_eq!(of(&record, 100_000, true), "a verdict");
    // Of the same image a person sealed another repository.
    record.by_hand = true;
    assert_eq!((of(&record, 167, false), of(&record, 168, false)), ("a verdict", "not known"));
    // No entry covers another registry.
    let other = ImageRef::parse("other.example.com/web");
    assert!(matches!(record.judge(&other, None, &trust(KEY), at(0), false), Trusted::NotAsked));
}

/// A verdict on what is not kept is one by the keys of that time.
#[test]
fn large_evidence_is_judged_once_and_other_keys_need_it_again() {
    let image = ImageRef::parse(NAME);
    let digest = Digest::sha256(b"image").to_string();
    let target = Target { image: &image, digest: &digest, leaves: &[] };
    let Some(Attached { evidence, .. }) = with_evidence(KEPT_EVIDENCE + 1, 0).attached else { panic!("evidence") };
    let attached = Attached::new(evidence, target, &trust(KEY), at(0));
    assert!(attached.evidence.is_empty() && attached.judged.is_some());
    let mut record = record();
    record.add_repository(NAME.to_owned(), Repository { attached: Some(attached), proof: None });
    assert!(matches!(record.judge(&image, None, &trust(KEY), at(1), false), Trusted::Verdict(_)));
    assert!(matches!(record.judge(&image, None, &trust(OTHER), at(1), false), Trusted::NotKnown));
}

#[test]
fn names_have_a_limit() {
    let mut record = record();
    for number in 0..100 {
        record.add_tag(format!("{NAME}:{number}"), at(number));
        record.add_repository(format!("{NAME}{number}"), Repository::default());
    }
    assert_eq!((record.tags.len(), record.repositories.len()), (NAMES, NAMES));
    assert!(record.tags.contains_key(&format!("{NAME}:99")));
}

/// What an earlier podreeve wrote counts until the image is read again, and what a later one wrote is used as it is.
#[test]
fn records_of_other_readers_are_used() {
    let of = |reader: Option<u32>, by_hand: bool| {
        let mut json = serde_json::to_value(Record { by_hand, ..record() }).unwrap();
        json["later"] = serde_json::json!({"a": 1});
        let record = json.as_object_mut().unwrap();
        record.remove("reader");
        record.extend(reader.map(|reader| ("reader".to_owned(), reader.into())));
        Record::unpack(&deflate::pack(&serde_json::to_vec(&json).unwrap())).unwrap()
    };
    assert_eq!((of(None, false).reader, of(None, false).is_old()), (0, true));
    assert!(!of(None, true).is_old(), "nobody can read again what a person wrote");
    assert!(!of(Some(READER), false).is_old() && !of(Some(READER + 1), false).is_old());
    assert_eq!((record().reader, of(Some(READER + 1), false).reader), (READER, READER + 1));
    let (old, new) = (of(None, false), record());
    assert!(new.is_news_after(&old) && !old.is_news_after(&new));
    for (mut ours, theirs) in [(old.clone(), new.clone()), (new, old)] {
        ours.merge(theirs);
        assert_eq!(ours.reader, READER);
    }
}

/// A new reader has not read the layers yet: it knows less than the old one that has.
#[test]
fn layers_that_an_old_reader_read_stay_until_a_new_one_has_read_them() {
    let with = |content: bool, reader: u32| {
        let content = content.then(crate::image::facts::ContentFacts::default);
        Record { reader, platforms: vec![ImageFacts { content, ..ImageFacts::default() }], ..record() }
    };
    let (old, new, read) = (with(true, 0), with(false, READER), with(true, READER));
    for (mut ours, theirs) in [(old.clone(), new.clone()), (new, old.clone())] {
        ours.merge(theirs);
        assert!(ours.has_content() && ours.is_old());
    }
    for (mut ours, theirs) in [(old.clone(), read.clone()), (read, old)] {
        ours.merge(theirs);
        assert!(ours.has_content() && !ours.is_old());
    }
}

/// The manifests of an index for one platform with the same layers, and different users. The layers of those with `read` are read.
fn of_one_platform(read: [Option<u64>; 2], reader: u32) -> Record {
    let facts = |(number, read): (usize, Option<u64>)| ImageFacts {
        run: crate::image::config::RunConfig { user: number.to_string(), ..Default::default() },
        content: read.map(|wasted| crate::image::facts::ContentFacts { wasted, ..Default::default() }),
        ..ImageFacts::default()
    };
    let platforms = read.into_iter().enumerate().map(facts).collect();
    let leaves = ["first", "second"].map(|name| Digest::sha256(name.as_bytes()).to_string()).to_vec();
    Record { reader, leaves, platforms, ..record() }
}

/// The user of each platform, and what is known of its layers.
fn users(record: &Record) -> Vec<(&str, Option<u64>)> {
    let wasted = |facts: &ImageFacts| facts.content.as_ref().map(|content| content.wasted);
    record.platforms.iter().map(|facts| (facts.run.user.as_str(), wasted(facts))).collect()
}

#[test]
fn a_record_says_the_same_after_a_merge_with_itself() {
    for read in [[None, None], [None, Some(1)], [Some(1), None], [Some(1), Some(2)]] {
        for leaves in [true, false] {
            let mut before = of_one_platform(read, READER);
            if !leaves {
                before.leaves.clear();
            }
            let mut merged = before.clone();
            merged.merge(before.clone());
            assert_eq!(serde_json::to_value(merged).unwrap(), serde_json::to_value(before).unwrap(), "{read:?}");
        }
    }
}

/// Else the configuration of one of them hides that of the other, which nodes run as well.
#[test]
fn the_facts_of_one_manifest_are_not_those_of_another_with_the_same_layers() {
    let merged = |ours: Record, theirs: Record| {
        let mut ours = ours;
        ours.merge(theirs);
        (users(&ours).iter().map(|(user, read)| format!("{user} {read:?}")).collect::<Vec<_>>().join(", "), ours.reader)
    };
    let (none, second) = (of_one_platform([None; 2], READER), of_one_platform([None, Some(2)], READER));
    for (ours, theirs) in [(none.clone(), second.clone()), (second.clone(), none.clone())] {
        assert_eq!(merged(ours, theirs), ("0 None, 1 Some(2)".to_owned(), READER));
    }
    // A later reader read the second one alone: its registry lost the first one.
    let old = of_one_platform([Some(1), Some(1)], 0);
    let mut lost = second.clone();
    (lost.platforms, lost.absent) = (lost.platforms.split_off(1), vec![Platform::default()]);
    lost.leaves.reverse();
    for (ours, theirs) in [(old.clone(), lost.clone()), (lost, old.clone())] {
        assert_eq!(merged(ours, theirs), ("0 Some(1), 1 Some(2)".to_owned(), 0));
    }
    // Even where both say the same: the digests of their manifests are different.
    let same = |read: [Option<u64>; 2]| {
        let mut record = of_one_platform(read, READER);
        record.platforms.iter_mut().for_each(|facts| facts.run.user.clear());
        record
    };
    assert_eq!(merged(same([None; 2]), same([None, Some(2)])).0, " None,  Some(2)");
    assert_eq!(merged(same([None, Some(2)]), same([Some(1), None])).0, " Some(1),  Some(2)");
}

#[test]
fn what_a_configuration_lacks_is_no_news_of_the_layers() {
    use crate::image::Part;
    let gap = |part, why: &str| Gap::new(&[part], why);
    let (mut ours, mut theirs) = (of_one_platform([Some(1), None], READER), of_one_platform([None, Some(2)], READER));
    ours.platforms[1].gaps = vec![gap(Part::Variables, "too many")];
    theirs.platforms[1].gaps = vec![gap(Part::Secrets, "too large")];
    ours.merge(theirs);
    assert_eq!(ours.platforms[1].gaps, [gap(Part::Secrets, "too large"), gap(Part::Variables, "too many")]);
}
