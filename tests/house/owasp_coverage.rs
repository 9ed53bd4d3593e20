//! `podreeve rules --owasp` claims for each item only what a rule really does.

use super::binary::Dir;
use super::common::{TODAY, review, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::rule::{Example, Kinds, Rule};
use podreeve::rules::{RULES, find};
use podreeve::sources::Sources;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn listed(test: &str) -> Vec<Value> {
    let ran = Dir::new(test, &[]).run(&["rules", "--owasp", "-o", "json"]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    ran.json().as_array().expect("a list").clone()
}

fn number(item: &Value) -> u64 {
    item["item"].as_u64().expect("a number")
}

/// The rules of an item and their actions.
fn rules(item: &Value) -> Vec<(&'static Rule, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rules = item["rules"].as_array().expect("rules").iter();
    rules.map(|r| (find(&text(&r["rule"])).expect("the rule exists"), text(&r["action"]))).collect()
}

#[test]
fn items_and_rules_name_each_other() {
    let items = listed("each-other");
    assert_eq!(items.iter().map(number).collect::<Vec<_>>(), (1..=93).collect::<Vec<_>>());
    let mut answers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for item in &items {
        for (rule, _) in rules(item) {
            assert!(
                rule.owasp.iter().any(|n| u64::from(*n) == number(item)),
                "`rules --owasp` lists {} for an item that the rule does not cite. Add it to the rule's `owasp`: {item}",
                rule.id
            );
            answers.entry(rule.id).or_default().push(number(item));
        }
    }
    let table = RULES.iter().map(|rule| {
        let mut items: Vec<u64> = rule.owasp.iter().map(|number| u64::from(*number)).collect();
        items.sort_unstable();
        (rule.id, items)
    });
    assert_eq!(
        answers,
        table.collect(),
        "`rules --owasp` (left) and the rules (right) cite different items. Mend src/rules/owasp.rs or the rule's `owasp`."
    );
}

/// The action of each rule in the built-in policy is a decision. There is no default.
#[test]
fn the_built_in_policy_names_every_rule() {
    let policy = include_str!("../../policies/owasp.yaml");
    let named = |id: &str| policy.lines().any(|line| line.trim_start().starts_with(&format!("{id}: {{action: ")));
    let missing: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| !named(id)).collect();
    assert!(
        missing.is_empty(),
        "policies/owasp.yaml does not name these rules, so they are off by default:\n  {}\n\
         Add a line for each under spec.rules, in the order of RULES: `ID: {{action: deny}}`, or patch, warn, audit, \"off\".",
        missing.join("\n  ")
    );
}

/// Items that no request shows are answered by a command, and none is left to others.
#[test]
fn each_item_is_answered() {
    for item in listed("answered") {
        let status = item["status"].as_str().expect("a status");
        assert!(["enforced", "reported", "command", "off"].contains(&status), "{item}");
        assert_ne!(item["rules"], json!([]), "{item}");
        let shown = rules(&item).iter().any(|(rule, action)| rule.pod().is_some() && action != "off");
        assert_eq!(shown, ["enforced", "reported"].contains(&status), "{item}");
        for cited in item["rules"].as_array().expect("rules") {
            assert!(!cited["commands"].as_array().expect("commands").is_empty(), "{item}");
        }
        assert!(!item["limit"].as_str().expect("a limit").is_empty(), "{item}");
        // A place without a rule has none that cites the item.
        for open in item["open"].as_array().expect("places") {
            assert!(item["rules"].as_array().into_iter().flatten().all(|cited| cited["place"] != *open), "{item}");
        }
    }
}

/// The commands that answer are commands of this program.
#[test]
fn each_named_command_exists() {
    let dir = Dir::new("commands", &[]);
    let mut commands: Vec<String> = Vec::new();
    for item in listed("named") {
        let of_rules = item["rules"].as_array().into_iter().flatten().filter_map(|cited| cited["commands"].as_array());
        commands.extend(of_rules.flatten().map(|command| command.as_str().expect("text").to_owned()));
        commands.extend(item["operation"]["command"].as_str().map(str::to_owned));
    }
    commands.sort();
    commands.dedup();
    for command in commands {
        let mut words: Vec<&str> = command.split(' ').skip(1).collect();
        words.push("--help");
        let ran = dir.run(&words);
        // An option that takes a value complains about the value, and about no unknown name.
        assert!(!ran.err.contains("unexpected") && !ran.err.contains("unrecognized"), "{command}: {}", ran.err);
    }
}

/// The object of the example: a Pod, or a Job where the example needs one.
fn object(example: &Example) -> Value {
    let pod = example.pod();
    let Kinds::Job(patch) = example.kinds else { return pod };
    let mut job =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": pod}});
    job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    json_patch::merge(&mut job["spec"], &serde_json::from_str(patch).expect("JSON"));
    job
}

/// The strictest effect on the bad examples of this rule.
fn strictest(rule: &Rule, snapshot: &Snapshot, chosen: impl Fn(&Example) -> bool) -> Option<Effect> {
    let effects = rule.examples().filter(|e| e.is_bad() && chosen(e)).flat_map(|example| {
        let body = review("CREATE", &object(example), None).to_string();
        Hook::ALL.map(|hook| admit(body.as_bytes(), hook, snapshot, TODAY)).into_iter().flat_map(|outcome| {
            let of_rule = |tally: &podreeve::outcome::Tally| (tally.rule == rule.id).then_some(tally.effect);
            outcome.tallies.iter().filter_map(of_rule).collect::<Vec<_>>()
        })
    });
    effects.max()
}

#[test]
fn the_built_in_policy_has_the_claimed_effects() {
    let owasp = Sources::new(&[]).load(0, usize::MAX).expect("the built-in policy loads");
    for item in listed("claimed") {
        let mut best = "off";
        for (rule, action) in rules(&item) {
            // Their examples need more than an object: tests/rules/ makes an exec, network policies and debug containers.
            let needs_more =
                |example: &Example| example.kinds == Kinds::Entered || !example.network_policies.is_empty();
            // Other subjects have harnesses of their own in tests/rules.
            if rule.pod().is_none() {
                best = if best == "off" && action != "off" { "command" } else { best };
                continue;
            }
            if rule.examples().any(needs_more) {
                let status = if action == "deny" { "enforced" } else { "reported" };
                best = if best == "enforced" { best } else { status };
                continue;
            }
            let by_default = |example: &Example| example.params.is_empty();
            let (effects, status): (&[Effect], &str) = match action.as_str() {
                "deny" => (&[Effect::Deny], "enforced"),
                // A violation without a repair is denied.
                "patch" => (&[Effect::Patch, Effect::Deny], "enforced"),
                "warn" => (&[Effect::Warn], "reported"),
                "audit" => (&[Effect::Audit], "reported"),
                other => {
                    assert_eq!((other, strictest(rule, &owasp, |_| true)), ("off", None), "{}", rule.id);
                    // The rule works in a policy that switches it on.
                    let on = |example: &Example| {
                        snapshot(json!({rule.id: {"action": "deny", "params": example.params_value()}}))
                    };
                    let denies =
                        |e: &Example| strictest(rule, &on(e), |other| other.name == e.name) == Some(Effect::Deny);
                    assert!(rule.examples().filter(|e| e.is_bad()).all(denies), "{}", rule.id);
                    continue;
                }
            };
            let effect = strictest(rule, &owasp, by_default).unwrap_or_else(|| {
                panic!(
                    "no bad example of {} has a finding under policies/owasp.yaml. Add an example without `params`.",
                    rule.id
                )
            });
            assert!(
                effects.contains(&effect),
                "`rules --owasp` claims that {} does {action}, and its bad examples get {effect:?}. Mend the action in policies/owasp.yaml or the rule.",
                rule.id
            );
            best = if best == "enforced" { best } else { status };
        }
        if item["rules"] != json!([]) {
            assert_eq!(item["status"], best, "{item}");
        }
    }
}

#[test]
fn the_text_has_every_item_and_counts_them() {
    let ran = Dir::new("text", &[]).run(&["rules", "--owasp"]);
    let items: Vec<&str> = ran.out.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    assert_eq!(items.len(), 2 * 93, "{}", ran.out);
    assert!(
        ran.out.contains("\n  59  enforced   no privileged containers\n                 privileged (deny)\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\n                 health-probes (audit)\n"), "{}", ran.out);
    assert!(
        ran.out.contains(
            "\n  10  command    remove unused images (prune)\n                 node-image-gc (podreeve node)\n"
        ),
        "{}",
        ran.out
    );
    let counts =
        ran.out.lines().skip(1 + items.len()).filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    assert_eq!(counts.sum::<u64>(), 93, "{}", ran.out);
}
