use super::*;
use crate::cluster::images::record::Attached;
use crate::image::trust::{Content, Evidence};
use crate::image::{Digest, OpenedImage};

const NAME: &str = "registry.example.com/shop/web";

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

fn record() -> Record {
    let digest = Digest::sha256(b"image");
    Record::new(&OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() }).unwrap()
}

fn seen(hours: i64, size: usize) -> Repository {
    let evidence = Evidence { subject: String::new(), name: String::new(), content: Content::Jws(vec![7; size]) };
    let attached = Some(Attached { at: at(hours), evidence: vec![evidence], judged: None });
    let proof = Some(Proof { at: at(hours), secrets: vec!["login".to_owned()], refused: false });
    Repository { attached, proof }
}

#[test]
fn each_namespace_has_a_view_of_its_own() {
    let mut record = record();
    record.add_seen(Some("shop"), NAME.to_owned(), seen(0, 10));
    record.add_seen_tag(Some("shop"), format!("{NAME}:1"), at(0));
    assert!(record.repository(Some("shop"), NAME).is_some());
    assert!(record.repository(Some("other"), NAME).is_none() && record.repository(None, NAME).is_none());
    assert!(record.repositories.is_empty() && record.tags.is_empty());
    let read = Record::unpack(&record.pack()).unwrap();
    assert_eq!(read.tenants, record.tenants);
    assert_ne!(tag_seen(Some("shop"), "a:1"), tag_seen(None, "a:1"));
}

#[test]
fn a_refusal_is_news_and_outlives_older_views() {
    let mut before = record();
    before.add_seen(Some("shop"), NAME.to_owned(), seen(0, 10));
    let mut refused = before.clone();
    refused.refuse("shop", NAME, at(2));
    assert!(refused.repository(Some("shop"), NAME).is_none());
    assert!(refused.is_news_after(&before) && before.is_news_after(&record()));
    for (mut one, other) in [(refused.clone(), before.clone()), (before.clone(), refused.clone())] {
        one.merge(other);
        assert!(one.repository(Some("shop"), NAME).is_none());
    }
    // A secret that opens it again counts.
    refused.add_seen(Some("shop"), NAME.to_owned(), seen(3, 10));
    assert!(refused.repository(Some("shop"), NAME).is_some());
    // A namespace that never read it is not refused anything.
    refused.refuse("other", NAME, at(4));
    assert!(!refused.tenants.contains_key("other"));
}

#[test]
fn a_proof_alone_is_news_once_a_day() {
    let of = |hours| {
        let mut record = record();
        record.add_seen(Some("shop"), NAME.to_owned(), seen(hours, 10));
        record
    };
    assert!(!of(23).is_news_after(&of(0)) && of(24).is_news_after(&of(0)));
}

#[test]
fn views_have_limits() {
    let mut record = record();
    for number in 0..100 {
        record.add_seen(Some(&format!("n{number}")), NAME.to_owned(), seen(number, 10));
        record.add_seen(Some("n0"), format!("{NAME}{number}"), seen(number, 10));
        record.add_seen_tag(Some("n0"), format!("{NAME}:{number}"), at(number));
    }
    assert_eq!((record.tenants["n0"].repositories.len(), record.tenants["n0"].tags.len()), (EACH, EACH));
    record.limit_tenants(at(100));
    assert_eq!(record.tenants.len(), TENANTS);
    // Those that were there first stay, until they are too old.
    assert!(record.tenants.contains_key("n1") && !record.tenants.contains_key("n99"));
    record.limit_tenants(at(168 + 10));
    assert!(!record.tenants.contains_key("n10") && record.tenants.contains_key("n11"));
    record.add_seen(Some("large"), NAME.to_owned(), seen(150, EVIDENCE));
    record.limit_tenants(at(168));
    assert!(!record.tenants.contains_key("large") && record.tenants.contains_key("n11"));
}
