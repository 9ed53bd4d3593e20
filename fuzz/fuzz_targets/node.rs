//! Whatever the files of a host hold (units, daemon.json, TOML, a kubelet's YAML, accounts, audit rules, rows of /proc): no panic, a
//! result of every rule, and a dump that reads as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::host::{fake::Fake, snapshot};
use podreeve::node::Node;
use podreeve::rule::Results;
use podreeve::rules::RULES;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let node = snapshot(&Fake::read(text), 1_795_737_600);
    let json = serde_json::to_string(&node).expect("JSON");
    assert_eq!(serde_json::from_str::<Node>(&json).ok(), Some(node.clone()), "the dump reads as something else");
    for rule in RULES.iter().filter_map(|rule| rule.node()) {
        let check = (rule.compile)(Value::Null).expect("the defaults compile");
        let mut results = Results::default();
        check.check(&node, &mut results);
        assert!(!results.all.is_empty(), "a rule says nothing");
    }
});
