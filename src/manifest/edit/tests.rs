//! Edits of texts in the styles that people write.

use super::{Editor, apply};
use crate::manifest::read;
use json_patch::PatchOperation;
use rstest::rstest;
use serde_json::{Value, json};

fn operations(patch: &Value) -> Vec<PatchOperation> {
    serde_json::from_value(patch.clone()).expect("a patch")
}

/// The text after the patch of its last document, or why it is left.
fn edited(text: &str, patch: &Value) -> Result<String, String> {
    let reading = read(text.as_bytes());
    assert_eq!(reading.errors, [], "{text}");
    let document = reading.documents.last().expect("a document");
    let operations = operations(patch);
    let editor = Editor::new(text.as_bytes(), document).expect("a layout");
    let edits = editor.edits(&operations).map_err(|unsure| unsure.reason)?;
    let after = apply(text, &edits);
    assert!(editor.makes(&edits, &operations), "{after}");
    Ok(after)
}

fn set(path: &str, value: Value) -> Value {
    json!([{"op": "add", "path": path, "value": value}])
}

fn remove(path: &str) -> Value {
    json!([{"op": "remove", "path": path}])
}

#[rstest]
// A new key comes behind the last one, as deep as it.
#[case("a:\n  b: 1 # one\n# end\n", set("/a/c", json!({"d": true})), "a:\n  b: 1 # one\n  c:\n    d: true\n# end\n")]
#[case("a:\n    b: 1\n", set("/a/c", json!({"d": [1]})), "a:\n    b: 1\n    c:\n        d:\n        - 1\n")]
#[case("a:\n  - b: 1\n", set("/a/0/c", json!(["x"])), "a:\n  - b: 1\n    c:\n      - x\n")]
#[case("a:\n-   b: 1\n", set("/a/0/c", json!("y")), "a:\n-   b: 1\n    c: \"y\"\n")]
#[case("a:\r\n  b: 1\r\n", set("/a/c", json!({"d": "x"})), "a:\r\n  b: 1\r\n  c:\r\n    d: x\r\n")]
#[case("a:\n  b: 1", set("/a/c", json!({"d": 2})), "a:\n  b: 1\n  c:\n    d: 2")]
#[case("\"a\":\n  \"b\": 1\n", set("/a/c", json!({"d": 2})), "\"a\":\n  \"b\": 1\n  \"c\":\n    \"d\": 2\n")]
#[case("a:\n  b: |\n    x\n\n# c\nd: 1\n", set("/a/c", json!(1)), "a:\n  b: |\n    x\n  c: 1\n\n# c\nd: 1\n")]
#[case("a:\n  b: |+\n    x\n\nd: 1\n", set("/a/c", json!(1)), "a:\n  b: |+\n    x\n\n  c: 1\nd: 1\n")]
#[case("a: {}  # none\nd: 1\n", set("/a/c", json!({"e": 1})), "a:  # none\n  c:\n    e: 1\nd: 1\n")]
#[case("a:\nd: 1\n", set("/a", json!({"e": 1})), "a:\n  e: 1\nd: 1\n")]
#[case("a: # c\nd: 1\n", set("/a", json!(["e"])), "a: # c\n- e\nd: 1\n")]
#[case("a: null\nd: 1\n", set("/a", json!(false)), "a: false\nd: 1\n")]
#[case("a:\nd: 1\n", set("/a", json!("no")), "a: \"no\"\nd: 1\n")]
// A scalar keeps its quotes and its comment.
#[case("a: 'x' # c\n", set("/a", json!("y")), "a: 'y' # c\n")]
#[case("a: \"x\"\n", set("/a", json!("z")), "a: \"z\"\n")]
#[case("a: &n 1 # c\n", set("/a", json!(2)), "a: 2 # c\n")]
#[case("a:\n  - 1 # one\n  - 2\n", json!([{"op": "replace", "path": "/a/0", "value": 3}]), "a:\n  - 3 # one\n  - 2\n")]
#[case("a: |\n  x\n  y\nb: 1\n", set("/a", json!("z")), "a: z\nb: 1\n")]
#[case("a: &n 5\nc: *n\nb: 1\n", set("/c", json!(7)), "a: &n 5\nc: 7\nb: 1\n")]
// Lines go as a whole.
#[case(
    "a:\n  # about b\n  b: 1 # one\n  # about c\n  c: 2\n",
    remove("/a/b"),
    "a:\n  # about b\n  # about c\n  c: 2\n"
)]
#[case("a:\n- b: 1\n  c: 2\n", remove("/a/0/b"), "a:\n- c: 2\n")]
#[case("a:\n- b: 1 # one\n  # about c\n  c: 2\n", remove("/a/0/b"), "a:\n-\n  # about c\n  c: 2\n")]
#[case("a:\n- b: 1\n- c: 2\n", remove("/a/0"), "a:\n- c: 2\n")]
#[case("a:\n- b:\n    x: 1\n\n# about c\n- c: 2", remove("/a/1"), "a:\n- b:\n    x: 1\n\n# about c\n")]
#[case("a:\n  b: 1\n  c: 2", json!([{"op": "remove", "path": "/a/c"}, {"op": "add", "path": "/a/d", "value": 3}]), "a:\n  b: 1\n  d: 3")]
#[case("a:\n  b: 1\n", remove("/a/b"), "a: {}\n")]
#[case("a:\n- b\n- c\nd: 1\n", json!([{"op": "remove", "path": "/a/1"}, {"op": "remove", "path": "/a/0"}, {"op": "add", "path": "/a/-", "value": {"name": "m", "a": 1}}]), "a:\n- name: m\n  a: 1\nd: 1\n")]
#[case("a:\n- b\nd: 1\n", json!([{"op": "add", "path": "/a/-", "value": {"z": {}, "name": "m"}}]), "a:\n- b\n- name: m\n  z: {}\nd: 1\n")]
// In brackets.
#[case("a: {b: 1} # c\n", set("/a/c", json!({"d": ["ALL"]})), "a: {b: 1, c: {d: [ALL]}} # c\n")]
#[case("a: {b: 1, }\n", set("/a/c", json!(2)), "a: {b: 1, c: 2, }\n")]
#[case("a: {b: 1, c: 2, d: 3}\n", remove("/a/c"), "a: {b: 1, d: 3}\n")]
#[case("a: {b: 1, c: 2, d: 3}\n", remove("/a/d"), "a: {b: 1, c: 2}\n")]
#[case("a: [x, y]\n", json!([{"op": "remove", "path": "/a/1"}, {"op": "add", "path": "/a/-", "value": "z"}]), "a: [x, z]\n")]
#[case("a: {b: , c: 2}\n", set("/a/b", json!(1)), "a: {b: 1 , c: 2}\n")]
#[case("{\"a\":{\"b\":1}}\n", set("/a/c", json!({"d": "x"})), "{\"a\":{\"b\":1,\"c\":{\"d\":\"x\"}}}\n")]
#[case("{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", set("/a/c", json!({"d": "x"})), "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": {\n      \"d\": \"x\"\n    }\n  }\n}\n")]
#[case("{\n  \"a\": {\n    \"b\": 1,\n    \"c\": 2\n  }\n}\n", remove("/a/c"), "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n")]
#[case("{\n  \"a\": {\n    \"b\": 1,\n    \"c\": 2\n  }\n}\n", remove("/a/b"), "{\n  \"a\": {\n    \"c\": 2\n  }\n}\n")]
#[case("{\n\t\"a\": {},\n\t\"b\": 1\n}\n", set("/a/c", json!({"d": []})), "{\n\t\"a\": {\n\t\t\"c\": {\n\t\t\t\"d\": []\n\t\t}\n\t},\n\t\"b\": 1\n}\n")]
#[case("a: {\n  b: 1, # one\n  c: 2 # two\n}\n", set("/a/d", json!(3)), "a: {\n  b: 1, # one\n  c: 2, # two\n  d: 3\n}\n")]
// Several documents.
#[case("a: 1\n---\n# b\nb: 1\n", set("/c", json!(1)), "a: 1\n---\n# b\nb: 1\nc: 1\n")]
#[case("{\"a\": 1}\n{\"b\": 1}\n", set("/c", json!(1)), "{\"a\": 1}\n{\"b\": 1, \"c\": 1}\n")]
// Through an anchor without an alias, and behind a merge.
#[case("a: &n\n  b: 1\n", set("/a/c", json!(1)), "a: &n\n  b: 1\n  c: 1\n")]
#[case("x: &n {b: 1}\na:\n  <<: *n\n", set("/a/c", json!(1)), "x: &n {b: 1}\na:\n  <<: *n\n  c: 1\n")]
fn the_text_has_the_edit_and_nothing_else(#[case] text: &str, #[case] patch: Value, #[case] expected: &str) {
    assert_eq!(edited(text, &patch).as_deref(), Ok(expected));
    let crlf = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(edited(&crlf(text), &patch), Ok(crlf(expected)));
}

#[rstest]
#[case("x: &n {b: 1}\na: *n\n", set("/a/b", json!(2)), "`*n` stands for a value of another place")]
#[case("x: &n {b: 1}\na: *n\n", set("/x/b", json!(2)), "an alias (`*`) uses this value elsewhere, too")]
#[case("x: &n {b: 1}\na: *n\n", remove("/x"), "an alias (`*`) uses this value elsewhere, too")]
#[case("x: &n {b: 1}\na:\n  <<: *n\n  c: 1\n", set("/a/b", json!(2)), "`b` comes from a merge (`<<`)")]
#[case("? a\n: b: 1\n", set("/a", json!(2)), "podreeve does not edit YAML of this form")]
fn what_is_unsure_is_left(#[case] text: &str, #[case] patch: Value, #[case] reason: &str) {
    assert_eq!(edited(text, &patch), Err(reason.to_owned()));
}
