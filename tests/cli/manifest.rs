//! A manifest has the values of its text, and every value has its line.

use podreeve::manifest::{Content, Document, Node, Position, parse, to_yaml};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn value(node: &Node) -> Value {
    serde_json::from_str(&node.to_json()).expect("JSON")
}

fn read(text: &str) -> Vec<Document> {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn one(text: &str) -> Value {
    let documents = read(text);
    assert_eq!(documents.len(), 1, "{text}");
    value(&documents[0].root)
}

fn fails(text: &str) -> (usize, usize, String) {
    let error = parse(text.as_bytes()).expect_err(text);
    (error.at.line, error.at.column, error.message)
}

/// Numbers as kubectl sends them: a whole number has no fraction.
fn whole(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[allow(clippy::cast_possible_truncation, reason = "only where it is exact")]
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => json!(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(whole).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), whole(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

/// Texts that YAML readers often get wrong.
const PITS: &[&str] = &[
    "",
    "yes",
    "No",
    "on",
    "y",
    "~",
    "null",
    "0644",
    "0o17",
    "1_000",
    "1e3",
    ".5",
    "- x",
    "a: b",
    "a #b",
    "#",
    "<<",
    "*a",
    "&a",
    "!t",
    "%",
    "@",
    "`",
    "|",
    ">",
    "---",
    "...",
    "{",
    "}",
    "[",
    "]",
    ",",
    "?",
    ":",
    " lead",
    "trail ",
    "tab\t",
    "line\nline",
    "line\n\nline\n",
    "\n",
    "\r\n",
    "quote'\"",
    "back\\slash",
    "\u{1b}[31m",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{1F600}",
    "é",
    "2026-11-22",
    "12:30",
    "0x1F",
    "+1",
    ".inf",
    ".nan",
    "=",
    "\0",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(PITS).prop_map(str::to_owned), any::<String>(), "[ -~\\n\\t]{0,100}",]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // serde_json reads longer fractions to the last digit but one.
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every value of the tree and its JSON pointer.
fn walk<'n>(node: &'n Node, pointer: &str, found: &mut Vec<(String, &'n Node)>) {
    found.push((pointer.to_owned(), node));
    match &node.content {
        Content::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{index}"), found);
            }
        }
        Content::Map(members) => {
            for member in members {
                walk(&member.value, &format!("{pointer}/{}", podreeve::patch::escape(&member.key)), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn json_reads_back(value in json_value()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
            let documents = read(&text);
            let found = documents.first().map_or(Value::Null, |document| self::value(&document.root));
            prop_assert_eq!(&found, &whole(&value), "{}", text);
        }
    }

    #[test]
    fn yaml_reads_back(value in json_value()) {
        let text = to_yaml(&value);
        let documents = read(&text);
        let found = documents.first().map_or(Value::Null, |document| self::value(&document.root));
        prop_assert_eq!(found, whole(&value), "{}", text);
    }

    #[test]
    fn every_pointer_leads_to_its_value(value in json_value()) {
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        let lines: Vec<&str> = text.lines().collect();
        for document in read(&text) {
            let mut nodes = Vec::new();
            walk(&document.root, "", &mut nodes);
            for (pointer, node) in nodes {
                let (resolved, at) = document.root.resolve(&pointer);
                prop_assert_eq!(resolved, &pointer);
                let line = lines[at.line - 1];
                let from: String = line.chars().skip(at.column - 1).collect();
                // The position of the key, or of the value for an item of a list.
                let key = podreeve::patch::unescape(pointer.rsplit('/').next().unwrap_or_default()).into_owned();
                let is_key = from.starts_with(&format!("{}:", Value::from(key)));
                let is_value = from.starts_with(&node.to_json()) || from.starts_with(['[', '{']) || node.to_json().parse::<f64>().is_ok();
                prop_assert!(is_key || is_value, "{} at {:?}: {}", pointer, at, line);
            }
        }
    }

    #[test]
    fn nothing_panics(text in "[ \\n\\t\\r:#,\\[\\]{}&*!|>'\"%@`?<~a-c0-9.\\-\\\\]{0,60}") {
        let _ = parse(text.as_bytes());
    }
}

#[test]
fn encodings_and_line_ends() {
    for text in [
        "\u{feff}a: 1\n",
        "a: 1",
        "a: 1\r\n",
        "# c\r\na: 1 # d\r\n",
        "---\na: 1\n...\n",
        "%YAML 1.2\n---\na: 1\n",
        "{\"a\":\n\t1}",
        "\u{feff}{\"a\": 1}",
    ] {
        assert_eq!(one(text), json!({"a": 1}), "{text:?}");
    }
    for empty in ["", "\n", "# only this", "---\n---\n", "---\n# x\n...\n", "null", "\u{feff}"] {
        assert!(read(empty).is_empty(), "{empty:?}");
    }
}

#[test]
fn json_strings_and_numbers_are_exact() {
    let text = r#"{"s": "\ud83d\ude00\u00e9\/\b\f\n\r\t\"\\", "t":	"a	b", "long": "LONG", "n": [1.5E+2, -0, 1e-7, 123456789012345678901234567890]}"#;
    let text = text.replace("a\tb", "a b").replace("LONG", &"x".repeat(5000));
    let root = &read(&text)[0].root;
    assert_eq!(root.get("s").and_then(Node::as_str), Some("\u{1F600}é/\u{8}\u{c}\n\r\t\"\\"));
    assert_eq!(root.get("n").map(Node::to_json).as_deref(), Some("[150,0,1e-7,123456789012345678901234567890]"));
    let key = "k".repeat(2000);
    assert_eq!(one(&format!("{{\"{key}\": 1}}")), json!({ key: 1 }));
}

#[test]
fn half_a_surrogate_pair_is_an_error() {
    for text in [r#"{"a": "\ud83d"}"#, r#"{"a": "\ud83dx"}"#, r#"{"a": "\ude00"}"#, r#"{"a": "\ud83d\ud83d"}"#] {
        assert!(fails(text).2.contains("surrogate"), "{text}");
    }
}

#[test]
fn aliases_and_merges_are_written_out() {
    let text = "\
base: &base {a: 1, b: 2}
copy: *base
merged:
  <<: *base
  b: 3
list:
  <<: [{a: first}, {a: second, c: 4}]
";
    let expected = json!({
        "base": {"a": 1, "b": 2}, "copy": {"a": 1, "b": 2}, "merged": {"a": 1, "b": 3}, "list": {"a": "first", "c": 4},
    });
    assert_eq!(one(text), expected);
    // As in kubectl, a merge below a key replaces it.
    assert_eq!(one("x: &x {a: 1}\nz:\n  a: 2\n  <<: *x\n")["z"], json!({"a": 1}));
    assert_eq!(one("a: \"<<\"\n\"<<\": 1\n"), json!({"a": "<<", "<<": 1}));
    assert_eq!(fails("a: *b\n").0, 1);
    assert!(fails("a: &a [*a]\n").2.contains("inside the value that it names"));
    assert!(fails("x: &x 1\ny:\n  <<: *x\n").2.contains("`<<` takes an object"));
    // An anchor ends with its document.
    assert_eq!(fails("a: &a 1\n---\nb: *a\n").0, 3);
}

#[test]
fn keys_are_texts_and_unique() {
    assert_eq!(one("1: a\ntrue: b\n0x10: c\n? d\n: e\n"), json!({"1": "a", "true": "b", "16": "c", "d": "e"}));
    assert_eq!(
        fails("a: 1\nb: 2\na: 3\n"),
        (3, 1, "the key `a` is here twice, first on line 1; keep one, kubectl would take the last".to_owned())
    );
    assert_eq!(fails("x: {a: 1, 'a': 2}").1, 11);
    assert_eq!(fails("y: 1\n\"true\": 2\n").0, 2);
    assert!(fails("? [a]\n: b\n").2.contains("a key must be a string, not a list"));
    assert!(fails("~: b\n").2.contains("a key must be a string, not null"));
    let many = (0..100).fold(String::new(), |text, n| text + &format!("k{n}: {n}\n"));
    assert_eq!(one(&many).as_object().map(Map::len), Some(100));
    assert_eq!(fails(&format!("{many}k7: x\n")).0, 101);
}

#[test]
fn a_tag_has_its_meaning_or_is_refused() {
    assert_eq!(
        one("a: !!str 1\nb: !!int \"2\"\nc: !!float 3\nd: ! 4\ne: !!map {}\nf: !!seq []\ng: !!bool \"true\"\n"),
        json!({"a": "1", "b": 2, "c": 3, "d": "4", "e": {}, "f": [], "g": true})
    );
    for text in ["a: !custom x", "a: !!binary x", "a: !!int x", "a: !!map []", "a: !!set {x}", "a: .inf", "a: .nan"] {
        assert_eq!(fails(text).0, 1, "{text}");
    }
}

#[test]
fn text_blocks_keep_their_lines() {
    assert_eq!(one("a: |\n  x\n   y\n\n  z\nb: >-\n  x\n  y\n"), json!({"a": "x\n y\n\nz\n", "b": "x y"}));
    assert_eq!(
        one("a: |\n  --- not a document\n  # not a comment\n"),
        json!({"a": "--- not a document\n# not a comment\n"})
    );
}

#[test]
fn positions_are_of_keys_and_items() {
    let documents = read("# one\na:\n  - b: 1\n  -\n    c: {d: 2}\n");
    let root = &documents[0].root;
    for (pointer, line, column) in [
        ("", 2, 1),
        ("/a", 2, 1),
        ("/a/0", 3, 5),
        ("/a/0/b", 3, 5),
        ("/a/1/c", 5, 5),
        ("/a/1/c/d", 5, 9),
        // The nearest ancestor.
        ("/a/1/c/x/y", 5, 5),
        ("/a/7", 2, 1),
        ("/a/01x", 2, 1),
        ("/x", 2, 1),
    ] {
        assert_eq!(root.position(pointer), Position { line, column }, "{pointer}");
    }
    assert_eq!(root.resolve("/a/1/c/x/y").0, "/a/1/c");
    let documents = read("{\"a\": 1}\n\n  {\"b\": 2}");
    assert_eq!(documents[1].root.position("/b"), Position { line: 3, column: 4 });
}

#[test]
fn a_broken_text_is_reported_with_its_position() {
    for (text, line) in [
        ("a: [1, 2", 1),
        ("a: 1\n b: 2\n", 2),
        ("a: \"x\n", 1),
        ("a:\n\t- x\n", 2),
        ("{\"a\": 1,,}", 1),
        ("a: b: c\n", 1),
        ("- a\nb: 1\n", 2),
    ] {
        let (found, column, message) = fails(text);
        assert!(found >= line && column >= 1 && !message.is_empty(), "{text:?}: {found}:{column} {message}");
    }
}
