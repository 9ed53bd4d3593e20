use super::*;
use crate::cluster::images::seal::LENGTH;
use crate::image::OpenedImage;
use serde_json::Value;

fn record() -> Record {
    let digest = Digest::sha256(b"image");
    let mut record =
        Record::new(&OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() }).unwrap();
    record.add_tag("registry.example.com/shop/web:1".to_owned(), "2026-11-27T12:00:00Z".parse().unwrap());
    record
}

fn sealer(byte: u8) -> Sealer {
    Sealer::new(&[byte; LENGTH]).unwrap()
}

fn read(object: &Value, sealer: &Sealer) -> Result<Digest, ObjectError> {
    let item: Item = serde_json::from_str(&object.to_string()).unwrap();
    from_object(&item, sealer).map(|(record, _)| record.digest)
}

#[test]
fn an_object_is_believed_with_its_seal_under_its_name_alone() {
    let object: Value = serde_json::from_str(&to_object(&record(), &sealer(7)).unwrap()).unwrap();
    assert_eq!(object["spec"]["image"], "registry.example.com/shop/web:1");
    assert_eq!(read(&object, &sealer(7)), Ok(Digest::sha256(b"image")));
    assert_eq!(read(&object, &sealer(8)), Err(ObjectError::Seal));
    let changed = |pointer: &str, value: Value| {
        let mut object = object.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        read(&object, &sealer(7))
    };
    let other = name_of(&Digest::sha256(b"other"));
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
    let sealer = sealer(7);
    let name = name_of(&Digest::sha256(b"image"));
    let read_packed = |packed: &[u8]| {
        let data = STANDARD.encode(packed);
        let spec = json!({"image": "", "digest": "", "platforms": [], "layersRead": false, "data": data,
            "seal": sealer.seal(&name, packed)});
        read(&json!({"metadata": {"name": name}, "spec": spec}), &sealer)
    };
    let by_hand = |json: &Value| match read_packed(&deflate::pack(json.to_string().as_bytes())) {
        Err(ObjectError::Record { by_hand, .. }) => by_hand,
        other => panic!("{other:?}"),
    };
    assert!(!by_hand(&json!({"format": 2, "digest": {}, "new": 1})));
    assert!(by_hand(&json!({"format": 2, "digest": {}, "byHand": true})));
    // What cannot be read may be anything.
    assert!(by_hand(&json!("a text")));
    assert!(matches!(read_packed(b"otherwise packed"), Err(ObjectError::Record { by_hand: true, .. })));
}
