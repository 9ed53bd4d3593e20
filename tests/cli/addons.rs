//! Add-ons of clusters under the built-in policy: networks, storage, observability, traffic, devices, builders, operators. Their shapes are those of
//! common ones. What needs the node is denied; what is decent gets no warning at all.

use crate::binary::Dir;
use podreeve::manifest::{Document, parse};
use std::collections::BTreeSet;

/// Each object names the rules that deny it; without the annotation it is decent.
const DENIED: &str = "podreeve.test/denied";

#[test]
fn what_needs_the_node_is_denied_and_what_is_decent_gets_no_warning() {
    let dir = Dir::new("addons", &[]);
    let (mut decent, mut denied) = (0, 0);
    for entry in std::fs::read_dir("tests/addons").expect("the folder") {
        let file = entry.expect("an entry").path();
        let documents = parse(&std::fs::read(&file).expect("a file")).expect("objects");
        let file = std::path::absolute(file).expect("a path").display().to_string();
        let report = dir.run(&["check", "-o", "json", &file]).json();
        let objects = report["objects"].as_array().expect("objects");
        assert_eq!(objects.len(), documents.len(), "{file}");
        for (object, document) in objects.iter().zip(&documents) {
            let name = format!("{file}: {}", object["name"]);
            let want: BTreeSet<&str> = rules_that_deny(document).split_whitespace().collect();
            let violations = object["violations"].as_array().expect("violations");
            let have = violations.iter().filter(|v| v["effect"] == "deny").filter_map(|v| v["rule"].as_str());
            assert_eq!(have.collect::<BTreeSet<_>>(), want, "{name}");
            if want.is_empty() {
                decent += 1;
                assert_ne!(object["verdict"], "deny", "{name}");
                assert_eq!(object["warnings"].as_array().map(Vec::len), Some(0), "{name}: {}", object["warnings"]);
            } else {
                denied += 1;
            }
        }
    }
    assert!(decent >= 25 && denied >= 30, "{decent} decent, {denied} denied");
}

fn rules_that_deny(document: &Document) -> &str {
    let annotations = document.root.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|annotations| annotations.get(DENIED)?.as_str()).unwrap_or_default()
}
