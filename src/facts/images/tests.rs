use super::*;
use crate::image::ImageFacts;
use crate::image::known::Reader;
use crate::image::trust::Verdict;

fn known(name: &str) -> ImageAnswer {
    ImageAnswer::Known(Arc::new(KnownImage::new(Digest::sha256(name.as_bytes()), Vec::new(), Reader::Podreeve)))
}

fn digest(answer: Option<&ImageAnswer>) -> Option<&str> {
    match answer? {
        ImageAnswer::Known(image) => Some(image.digest.as_str()),
        ImageAnswer::Unknown(unknown) => Some(&unknown.why),
    }
}

fn of<'f>(facts: &'f Facts, reference: &str) -> Option<&'f ImageAnswer> {
    facts.image("shop", reference).map(|found| found.answer)
}

#[test]
fn a_tag_is_known_by_its_digest_too() {
    let mut images = Images::default();
    images.insert("registry.example.com/shop/web:1", known("a"));
    let a = Digest::sha256(b"a");
    for same in ["registry.example.com/shop/web:1".to_owned(), format!("Registry.example.com/shop/web@{a}")] {
        assert_eq!(digest(images.get(&same)), Some(a.as_str()), "{same}");
    }
    let pinned = pinned("registry.example.com/shop/web:1", &a);
    assert_eq!(pinned, format!("registry.example.com/shop/web:1@{a}"));
    assert_eq!(digest(images.get(&pinned)), Some(a.as_str()));
    // Another repository may be one of another tenant.
    for other in ["registry.example.com/shop/web:2".to_owned(), format!("registry.example.com/shop/other@{a}")] {
        assert!(images.get(&other).is_none(), "{other}");
    }
    images.insert("registry.example.com/shop/web:1", known("b"));
    assert_eq!(digest(images.get("registry.example.com/shop/web:1")), Some(Digest::sha256(b"b").as_str()));
    assert_eq!(digest(images.get(&pinned)), Some(a.as_str()));
    images.remove("registry.example.com/shop/web:1");
    assert!(images.get("registry.example.com/shop/web:1").is_none() && images.get(&pinned).is_some());
    images.remove(&pinned);
    assert!(images.get(&pinned).is_none() && images.len() == 1);
}

#[test]
fn what_was_asked_is_not_asked_again() {
    let mut facts = Facts { images: Some(Arc::default()), ..Facts::default() };
    assert!(facts.image("shop", "a:1").is_none() && facts.image_settings("shop").is_some());
    let references = vec!["a:1".to_owned()];
    let query = ImageQuery { namespace: "shop".to_owned(), pull_secrets: Vec::new(), accounts: Vec::new(), references };
    facts.answers.push(FactAnswer::Nothing(FactQuery::Images(query)));
    assert!(digest(of(&facts, "a:1")).is_some_and(|why| why.contains("did not answer")));
    assert!(digest(of(&facts, "b:1")).is_some_and(|why| why.contains("more images")));
    let answer: Images = [("b:1".to_owned(), known("b"))].into_iter().collect();
    facts.answers = vec![FactAnswer::Images(Arc::new(answer))];
    assert_eq!(digest(of(&facts, "b:1")), Some(Digest::sha256(b"b").as_str()));
}

#[test]
fn shared_facts_stay_shared_when_judgements_are_forgotten() {
    let image = known("a");
    let mut images: Images =
        [("a:1".to_owned(), image.clone()), ("b:1".to_owned(), image.clone())].into_iter().collect();
    images.forget_judgements();
    let (ImageAnswer::Known(old), Some(ImageAnswer::Known(a)), Some(ImageAnswer::Known(b))) =
        (&image, images.get("a:1"), images.get("b:1"))
    else {
        panic!("known")
    };
    assert!(Arc::ptr_eq(a, b) && !Arc::ptr_eq(a, old));
}

#[test]
fn what_pull_secrets_showed_is_known_in_their_namespace_alone() {
    let refused = || ImageAnswer::Unknown(Arc::new(UnknownImage::new(UnknownKind::Refused, "refused")));
    let theirs = |name: &str| {
        let reader = Reader::Namespaces(Arc::new(["shop".into()]));
        ImageAnswer::Known(Arc::new(KnownImage::new(Digest::sha256(name.as_bytes()), Vec::new(), reader)))
    };
    let mut images = Images::default();
    let pinned = format!("a:1@{}", Digest::sha256(b"a"));
    images.insert("a:1", theirs("a"));
    images.insert("a:1", refused());
    images.insert(&pinned, refused());
    let facts = Facts { images: Some(Arc::new(images)), ..Facts::default() };
    for reference in ["a:1", &pinned] {
        assert_eq!(digest(of(&facts, reference)), Some(Digest::sha256(b"a").as_str()));
        assert_eq!(digest(facts.image("other", reference).map(|found| found.answer)), Some("refused"));
    }
    // Where the tag leads is known to each namespace alone; what the digest holds is the same everywhere.
    assert!(facts.image("other", "a:1").unwrap().foreign.is_none());
    assert!(
        facts.image("other", &pinned).unwrap().foreign.is_some()
            && facts.image("shop", &pinned).unwrap().foreign.is_none()
    );
}

#[test]
fn that_a_tag_went_back_is_said_of_the_tag_alone() {
    let moved_back = "2026-11-10T00:00:00Z".parse().ok();
    let trust = Some(Verdict { moved_back, ..Verdict::default() });
    let moved = ImageFacts { trust, ..ImageFacts::default() };
    let image = KnownImage::new(Digest::sha256(b"a"), vec![moved], Reader::Podreeve);
    let mut images = Images::default();
    images.insert("a:1", ImageAnswer::Known(Arc::new(image)));
    let a = Digest::sha256(b"a");
    for (reference, went_back) in
        [("a:1".to_owned(), true), (format!("a:1@{a}"), true), (format!("a@{a}"), false), (format!("a:2@{a}"), false)]
    {
        let Some(ImageAnswer::Known(image)) = images.get(&reference) else { panic!("{reference}") };
        assert_eq!(image.is_moved_back(), went_back, "{reference}");
    }
}
