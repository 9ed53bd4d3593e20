//! The fast path for JSON decides nothing: what it reads, serde_json reads as the same value.

use podreeve::json::{Objects, Reader};
use podreeve::review::{Request, Review};
use podreeve::rule::GOOD_POD;
use podreeve::rules::RULES;
use podreeve::workload::{Pod, kinds};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// What the fast path reads; none when it gives up. Whether it is switched off makes no difference here.
fn fast<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let mut reader = Reader::new(text);
    let value = T::deserialize(&mut reader).ok()?;
    reader.is_at_end().then_some(value)
}

/// What the fast path reads, compared with what serde_json reads; none when the fast path gives up.
fn both<'a, T: Deserialize<'a> + Debug>(text: &'a str) -> Option<String> {
    let fast = format!("{:?}", fast::<T>(text)?);
    let mut json = serde_json::Deserializer::from_str(text);
    // serde_json also checks the syntax of a value that no type reads.
    if let Ok(slow) = T::deserialize(Objects(&mut json)) {
        assert_eq!(fast, format!("{slow:?}"), "{text}");
    }
    Some(fast)
}

/// Every key that a rule judges, each with a different value. `tests/house/fields.rs` compares it with `tests/podspec-fields.txt`.
const EVERY_KEY: &str = include_str!("../every-key.json");

/// Its keys that make no difference: their value is null, or no rule judges them.
const UNREAD: &[&str] = &[
    "/metadata/annotations/other",
    "/spec/containers/0/resources/requests",
    "/spec/containers/0/startupProbe/exec",
    "/spec/initContainers/0/restartPolicyRules/0/action",
    "/spec/resources/limits/nothing",
    "/spec/volumes/2/name",
    "/spec/volumes/2/projected/sources/1/secret",
    "/spec/volumes/3/nfs",
    "/status",
];

/// Every key of the text makes a difference: a type reads it.
#[test]
fn every_key_is_read() {
    let whole = both::<Pod<'_>>(EVERY_KEY).expect("the fast path reads it");
    let value: Value = serde_json::from_str(EVERY_KEY).expect("it is JSON");
    let mut keys = Vec::new();
    pointers(&value, &mut String::new(), &mut keys);
    let unread: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .filter(|key| {
            let mut without = value.clone();
            remove(&mut without, key);
            both::<Pod<'_>>(&without.to_string()).expect("the fast path reads it") == whole
        })
        .collect();
    assert_eq!(
        unread, UNREAD,
        "keys of tests/every-key.json that make no difference to the pod that is read.\n\
         Add a field for each in src/workload, or add its pointer to UNREAD here."
    );
    assert!(whole.contains("n27A"), "{whole}");
}

/// The text gives every field of the types a value, in at least one place.
#[test]
fn every_field_is_filled() {
    let whole = both::<Pod<'_>>(EVERY_KEY).expect("the fast path reads it");
    // The context is not part of the JSON of a pod.
    let text = &whole[..whole.find(", context: ").expect("a pod has a context")];
    let is_empty = |at: &usize| ["None", "[]"].iter().any(|nothing| text[at + 2..].starts_with(nothing));
    let name = |at: usize| text[..at].rsplit([' ', '{']).next().unwrap_or_default();
    let (empty, filled): (Vec<usize>, Vec<usize>) = text.match_indices(": ").map(|(at, _)| at).partition(is_empty);
    let filled: BTreeSet<&str> = filled.into_iter().map(name).chain(["job"]).collect();
    let empty: BTreeSet<&str> = empty.into_iter().map(name).collect();
    assert_eq!(
        empty.difference(&filled).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "fields of the pod in src/workload without a value in tests/every-key.json; add each with a different value"
    );
}

/// The pointer of every value that has a key.
fn pointers(value: &Value, at: &mut String, found: &mut Vec<String>) {
    let length = at.len();
    let mut inner = |key: &str, value: &Value, is_key: bool| {
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        found.extend(is_key.then(|| at.clone()));
        pointers(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inner(key, value, true)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| inner(&n.to_string(), value, false)),
        _ => {}
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let map = value.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    map.remove(&key.replace("~1", "/").replace("~0", "~")).expect("the key is there");
}

#[test]
fn the_fast_path_reads_recorded_reviews() {
    let files: Vec<_> = std::fs::read_dir("tests/reviews").unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5);
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "json")) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(both::<Review<'_>>(&text).is_some(), "{}", file.display());
        let (_, mut request) = Review::parse(&text).unwrap();
        if let Some(object) = request.object() {
            assert!(both::<Pod<'_>>(object.get()).is_some(), "{}", file.display());
            same_pod(&mut request);
        }
    }
}

#[test]
fn the_fast_path_reads_examples() {
    assert!(both::<Pod<'_>>(GOOD_POD).is_some());
    for example in RULES.iter().flat_map(|rule| rule.examples()) {
        let text = example.pod().to_string();
        let read = both::<Pod<'_>>(&text);
        assert!(read.is_some() || has_fraction(&example.pod()), "{}", example.name);
    }
}

/// The request's pod is the pod of its object, however often it is read.
fn same_pod(request: &mut Request<'_>) {
    let Some(kind) = kinds::find(&request.kind.group, &request.kind.kind) else { return };
    let object = request.object().expect("an object");
    let [first, second] = [request.take_pods(kind, object), request.take_pods(kind, object)];
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert_eq!(format!("{second:?}"), format!("{:?}", kind.pods(object)));
}

/// The API server sends the kind before the object. Another order changes nothing.
#[test]
fn the_object_is_the_same_wherever_it_stands() {
    let object = r#"{"metadata":{"managedFields":[{"a":"}"}],"name":"a"},"spec":{"hostPID":true}}"#;
    let kind = r#""kind":{"group":"","version":"v1","kind":"Pod"}"#;
    let fraction = r#"{"spec":{"securityContext":{"runAsUser":1.0}}}"#;
    let unread = r#"{"spec":{"hostPID":1}}"#;
    for object in [object, fraction, unread, "{}", "null"] {
        let before = format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u",{kind},"object":{object},"name":"n"}}}}"#
        );
        let after = before.replace(&format!("{kind},"), "").replace(r#""name":"n""#, &format!(r#""name":"n",{kind}"#));
        let [before, after] = [&before, &after].map(|text| {
            let (_, mut request) = Review::parse(text).unwrap();
            assert_eq!(&*request.name, "n");
            assert_eq!(request.object().map_or("null", |object| object.get()), object);
            if request.object().is_some() {
                same_pod(&mut request);
            }
            format!("{:?}", request.object().map(|object| kinds::find("", "Pod").unwrap().pod(object)))
        });
        assert_eq!(before, after);
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(map) => map.values().any(has_fraction),
        _ => value.is_f64(),
    }
}

#[test]
fn the_fast_path_gives_up_on_rare_and_wrong_json() {
    for text in [
        r#"{"spec":{"hostPID":true,"hostPID":false}}"#,
        r#"{"spec":{"host\u0050ID":true}}"#,
        r#"{"spec":{"hostPID":1}}"#,
        r#"{"spec":[]}"#,
        r#"{"spec":{"containers":[null]}}"#,
        r#"{"spec":{"containers":[{"name":"a"},]}}"#,
        r#"{"spec":{"securityContext":{"runAsUser":-0}}}"#,
        r#"{"spec":{"securityContext":{"runAsUser":1.5}}}"#,
        r#"{"spec":{"securityContext":{"runAsUser":99999999999999999999}}}"#,
        r#"{"spec":{"volumes":[{"hostPath":{},"hostPath":{}}]}}"#,
        r#"{"spec":{}} x"#,
        r#"{"spec":{}"#,
        r#"{"spec":{},}"#,
        "{\"metadata\":{\"name\":\"a\nb\"}}",
        "",
    ] {
        assert_eq!(both::<Pod<'_>>(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Some bytes are changed, removed or added. What the fast path still reads must be the same for serde_json.
    #[test]
    fn a_damaged_pod_is_the_same_for_both(at in 0..EVERY_KEY.len(), with in "[\"{}\\[\\]:,\\\\ 0-9a-z]{0,3}", cut in 0..4_usize) {
        let mut text = EVERY_KEY.to_owned();
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &with);
        both::<Pod<'_>>(&text);
    }

    /// The same with containers that differ in nothing but their names, which the fast path recognises as copies.
    #[test]
    fn damaged_copies_of_a_container_are_the_same_for_both(at in 0..COPIES.len(), with in "[\"{}\\[\\]:,\\\\ 0-9a-z]{0,3}", cut in 0..4_usize) {
        let mut text = COPIES.to_owned();
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &with);
        both::<Pod<'_>>(&text);
    }
}

const COPIES: &str = r#"{"spec":{"initContainers":[{"image":"a","name":"a"}],"containers":[{"image":"a","name":"b","env":[{"name":"e"}]},{"image":"a","name":"","env":[{"name":"e"}]},{"image":"a","name":"c","env":[{"name":"e"}]},{"image":"a","name":"c","env":[{"name":"f"}]},{"name":"d"},{"name":"e"},{},{}]}}"#;

/// The names and the order of copies.
#[test]
fn copies_of_a_container_have_their_own_names() {
    let pod = fast::<Pod<'_>>(COPIES).expect("the fast path reads it");
    let found: Vec<String> = pod
        .all_containers()
        .map(|c| format!("{} {} {}", c.pointer(), c.name, c.image.as_deref().unwrap_or_default()))
        .collect();
    let wanted = [
        "/spec/initContainers/0 a a",
        "/spec/containers/0 b a",
        "/spec/containers/1  a",
        "/spec/containers/2 c a",
        "/spec/containers/3 c a",
        "/spec/containers/4 d ",
        "/spec/containers/5 e ",
        "/spec/containers/6  ",
        "/spec/containers/7  ",
    ];
    assert_eq!(found, wanted);
    assert!(both::<Pod<'_>>(COPIES).is_some());
    let mut containers = pod.all_containers();
    let mut first = Vec::new();
    while let Some(container) = containers.next() {
        first.push(container.index);
        containers.skip_copies();
    }
    assert_eq!(first, [0, 0, 3, 4, 6, 7], "the containers that are no copies");
}
