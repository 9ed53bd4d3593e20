use super::*;
use crate::repair::operations;
use crate::rule::Applicability;
use serde_json::json;

fn edit(op: Op) -> Edit {
    Edit { at: 0..0, op, applicability: Applicability::Safe, remark: None, optional: false }
}

/// The object after rounds of edits. The JSON Patch of the same edits makes the same object.
fn edited(object: &Value, rounds: &[&[(&str, Op)]]) -> Value {
    let text = object.to_string();
    let mut tree = Tree::new(Raw::new(&text));
    for round in rounds {
        for (by, (at, op)) in round.iter().enumerate() {
            tree.apply(at, edit(op.clone()), by);
        }
        tree.settle();
    }
    let after: Value = serde_json::from_str(&tree.to_json()).expect("JSON");
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &operations(&tree)).expect("it applies");
    assert_eq!(patched, after);
    after
}

#[test]
fn edits_of_one_place_are_merged_by_key() {
    let object = json!({"c": [{"n": 1}], "s": null});
    let set = |value: Value| Op::Set(value);
    let after = edited(
        &object,
        &[&[
            ("/c/0/s/a", set(json!(1))),
            ("/c/0/s/b/c", set(json!([2]))),
            // Of two values the first is kept.
            ("/c/0/s/a", set(json!(9))),
            ("/c/0/l", Op::Append(json!("x"))),
            ("/c/0/l", Op::Append(json!("x"))),
            ("/c/0/l", Op::Append(json!("y"))),
            ("/s/d", set(json!(true))),
        ]],
    );
    assert_eq!(after, json!({"c": [{"n": 1, "s": {"a": 1, "b": {"c": [2]}}, "l": ["x", "y"]}], "s": {"d": true}}));
}

#[test]
fn a_removal_wins_and_takes_along_what_it_empties() {
    let object = json!({"v": [{"n": "a"}, {"n": "b", "x": {"y": 1}}], "m": [{"p": 1}], "k": {"a": 1}});
    let after = edited(
        &object,
        &[&[
            ("/v/0", Op::Remove),
            ("/v/0/z", Op::Set(json!(1))),
            ("/v/1/x/y", Op::Remove),
            ("/m/0", Op::Remove),
            ("/k/a", Op::Remove),
            ("/k/b", Op::Set(json!(2))),
            ("/absent/a", Op::Remove),
        ]],
    );
    assert_eq!(after, json!({"v": [{"n": "b"}], "k": {"b": 2}}));
}

#[test]
fn a_later_round_does_not_count_what_was_removed() {
    let object = json!({"l": [0, 1, 2, 3], "k": {"a": 1}});
    let first: &[(&str, Op)] = &[("/l/0", Op::Remove), ("/l/2", Op::Remove), ("/k/a", Op::Remove)];
    let second: &[(&str, Op)] =
        &[("/l/1", Op::Set(json!("three"))), ("/l", Op::Append(json!(4))), ("/k/b", Op::Set(json!(5)))];
    let third: &[(&str, Op)] = &[("/l/2", Op::Remove)];
    assert_eq!(edited(&object, &[first, second]), json!({"l": [1, "three", 4], "k": {"b": 5}}));
    assert_eq!(edited(&object, &[first, second, third]), json!({"l": [1, "three"], "k": {"b": 5}}));
}
