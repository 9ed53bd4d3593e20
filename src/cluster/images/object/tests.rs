use super::*;
use crate::cluster::images::seal::LENGTH;
use crate::image::{ImageFacts, OpenedImage};
use serde_json::Value;

fn record() -> Record {
    let digest = Digest::sha256(b"image");
    let mut record =
        Record::new(&OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() }).unwrap();
    record.add_tag("registry.example.com/shop/web:1".to_owned(), "2026-11-27T12:00:00Z".parse().unwrap());
    record
}

fn owner(byte: u8) -> Owner {
    Owner::new(Sealer::new(&[byte; LENGTH]).unwrap(), Some("podreeve"))
}

fn item(object: &Value) -> Item {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn read(object: &Value, owner: &Owner) -> Result<Digest, ObjectError> {
    from_object(&item(object), &owner.sealer).map(|(record, _)| record.digest)
}

/// A column shows one text, and a list as JSON.
#[test]
fn an_object_says_its_platforms_as_a_text() {
    let mut record = record();
    let object = |record: &Record| -> Value { serde_json::from_str(&to_object(record, &owner(7)).unwrap()).unwrap() };
    let mut of_none = object(&record);
    assert!(of_none["metadata"].get("annotations").is_none());
    record.platforms = ["linux/amd64", "linux/arm/v7"]
        .map(|platform| ImageFacts { platform: platform.parse().unwrap(), ..ImageFacts::default() })
        .to_vec();
    let with_platforms = object(&record);
    assert_eq!(with_platforms["metadata"]["annotations"][PLATFORMS], "linux/amd64, linux/arm/v7");
    assert_eq!(with_platforms["metadata"]["labels"][LABEL], "podreeve");
    // It is for people: the seal says nothing of it.
    of_none["metadata"]["annotations"] = serde_json::json!({PLATFORMS: "none"});
    assert!(read(&of_none, &owner(7)).is_ok() && read(&with_platforms, &owner(7)).is_ok());
}

/// Else two installations would overwrite each other's objects again and again.
#[test]
fn two_keys_have_names_of_their_own_and_the_label_says_whose_an_object_is() {
    let (ours, theirs) = (owner(7), Owner::new(owner(8).sealer, Some("other")));
    let digest = Digest::sha256(b"image");
    assert_ne!(ours.name_of(&digest), theirs.name_of(&digest));
    assert_ne!(ours.tags(), theirs.tags());
    for name in [ours.name_of(&digest), theirs.name_of(&digest), format!("sha256-{}", digest.hex())] {
        assert_eq!(digest_of(&name), Some(digest.clone()), "{name}");
    }
    assert!(is_tags(&ours.tags()) && is_tags("tags") && digest_of(&ours.tags()).is_none());
    let object: Value = serde_json::from_str(&to_object(&record(), &theirs).unwrap()).unwrap();
    assert!(ours.is_of_another(&item(&object)) && !theirs.is_of_another(&item(&object)));
    assert!(theirs.has_label_on(&item(&object)) && !ours.has_label_on(&item(&object)));
    // Who forges one of ours cannot keep it quiet by the label of another installation.
    let mut forged = object.clone();
    forged["metadata"]["name"] = json!(ours.name_of(&digest));
    assert!(!ours.is_of_another(&item(&forged)) && read(&forged, &ours) == Err(ObjectError::Seal));
    // A name that is too long for a label is none, and the object is written all the same.
    let long = Owner::new(owner(7).sealer, Some(&"a".repeat(64)));
    let object: Value = serde_json::from_str(&to_object(&record(), &long).unwrap()).unwrap();
    assert!(label(&item(&object)).is_none() && read(&object, &ours).is_ok());
}

#[test]
fn an_object_is_believed_with_its_seal_under_its_name_alone() {
    let object: Value = serde_json::from_str(&to_object(&record(), &owner(7)).unwrap()).unwrap();
    assert_eq!(object["spec"]["image"], "registry.example.com/shop/web:1");
    assert_eq!(read(&object, &owner(7)), Ok(Digest::sha256(b"image")));
    assert_eq!(read(&object, &owner(8)), Err(ObjectError::Seal));
    let changed = |pointer: &str, value: Value| {
        let mut object = object.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        read(&object, &owner(7))
    };
    let other = owner(7).name_of(&Digest::sha256(b"other"));
    assert_eq!(changed("/metadata/name", json!(other)), Err(ObjectError::Seal));
    assert_eq!(changed("/spec/data", json!("AAAA")), Err(ObjectError::Seal));
    assert_eq!(changed("/spec/data", json!("no base64!")), Err(ObjectError::Seal));
    assert_eq!(changed("/spec/seal", json!("")), Err(ObjectError::Seal));
    assert_eq!(changed("/spec", json!({"image": "a"})), Err(ObjectError::Spec));
    // What is for people is not sealed, and nothing is judged by it.
    assert!(changed("/spec/image", json!("registry.example.com/other")).is_ok());
}

#[test]
fn an_object_of_another_version_says_whether_a_person_wrote_it() {
    let owner = owner(7);
    let name = owner.name_of(&Digest::sha256(b"image"));
    let read_packed = |packed: &[u8]| {
        let data = STANDARD.encode(packed);
        let spec = json!({"image": "", "digest": "", "platforms": [], "layersRead": false, "data": data,
            "seal": owner.sealer.seal(&name, packed)});
        let object = json!({"metadata": {"name": name}, "spec": spec});
        (read(&object, &owner), claims_by_hand(&item(&object)))
    };
    let by_hand = |json: &Value| match read_packed(&deflate::pack(json.to_string().as_bytes())) {
        (Err(ObjectError::Record { by_hand, .. }), claimed) => by_hand && claimed,
        other => panic!("{other:?}"),
    };
    assert!(!by_hand(&json!({"format": 2, "digest": {}, "new": 1})));
    assert!(by_hand(&json!({"format": 2, "digest": {}, "byHand": true})));
    // What cannot be read may be anything.
    assert!(by_hand(&json!("a text")));
    assert!(matches!(read_packed(b"otherwise packed"), (Err(ObjectError::Record { by_hand: true, .. }), false)));
}
