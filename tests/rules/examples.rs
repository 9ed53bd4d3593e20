//! What the rules find in their examples.

use super::cases::{bare_with, chosen, each, expected, kinds, pod_with, run, with_action, wrap};
use podreeve::admit::Hook;
use podreeve::decide::findings;
use podreeve::json::Raw;
use podreeve::outcome::Verdict;
use podreeve::policy::{Action, CompiledRule};
use podreeve::rule::Example;
use podreeve::rules::RULES;
use podreeve::text::dotted;
use podreeve::workload::{Connect, Ingress, PodContext, PodFeatures};
use serde_json::Value;

#[test]
fn every_example_is_judged_in_every_list_and_kind() {
    each(|rule, example, list| {
        let snapshot = with_action(rule, example, "deny");
        let pod = pod_with(example, list);
        for kind in kinds(example) {
            let object = wrap(kind, &pod, example);
            let outcome = run(&object, None, Hook::Validate, &snapshot);
            let case = format!("{} / {} / {} / {}", rule.id, example.name, list.field(), kind.kind);
            let fields: Vec<String> = outcome.violations.iter().map(|v| dotted(&v.field)).collect();
            assert_eq!(fields, expected(example, list, kind), "{case}");
            assert_eq!(outcome.verdict == Verdict::Deny, example.is_bad(), "{case}");
            for violation in &outcome.violations {
                let pointer = violation.pointer();
                assert!(object.pointer(pointer).is_some(), "{case}: {pointer} does not resolve");
                assert!(violation.field.starts_with(pointer), "{case}");
                let there = object.pointer(&violation.field).is_some_and(|value| !value.is_null());
                assert_eq!(there, *violation.field == *pointer, "{case}: {} is there or not", violation.field);
                assert!(!violation.found.is_empty() && !violation.wanted.is_empty(), "{case}: found and wanted");
                assert_ne!(*violation.found, *violation.wanted, "{case}");
            }
        }
    });
}

/// A rule that [`Check::requires`] leaves out would find nothing.
#[test]
fn a_rule_finds_nothing_in_a_pod_without_the_features_it_requires() {
    let mut rules = Vec::new();
    for (order, rule) in RULES.iter().enumerate() {
        let Some(pod) = rule.pod() else { continue };
        let mut params: Vec<Value> = rule.examples().map(Example::params_value).collect();
        params.dedup();
        for params in params {
            let check = (pod.compile)(params).expect("params of an example");
            rules.push(CompiledRule::new(rule, order, Action::Deny, check));
        }
    }
    let context = [
        PodContext::default(),
        PodContext { ingress: Some(Ingress::Open), ..PodContext::default() },
        PodContext { connect: Some(Connect::default()), ..PodContext::default() },
    ];
    let (mut without, mut with) = (0, 0);
    each(|rule, example, list| {
        for kind in kinds(example).filter(|kind| matches!(&*kind.kind, "Pod" | "Job")) {
            let pods = [pod_with(example, list), bare_with(example, list)];
            let texts = pods.map(|pod| wrap(kind, &pod, example).to_string());
            for (text, context) in texts.iter().flat_map(|text| context.iter().map(move |context| (text, context))) {
                let mut pod = kind.pod(Raw::new(text)).expect("it is read").expect("it holds a pod");
                pod.context = context.clone();
                let parts = PodFeatures::of(&pod);
                for compiled in &rules {
                    if parts.intersects(compiled.requires) {
                        with += 1;
                        continue;
                    }
                    without += 1;
                    let found = findings(compiled, &pod);
                    let case = format!("{} / {} ({})", rule.id, example.name, list.field());
                    assert!(found.is_empty(), "{} finds {found:?} in {parts:?} of {case}", compiled.rule.id);
                }
            }
        }
    });
    // `RULE` may name rules that judge no pods.
    if chosen().iter().any(|rule| !rule.judges_exec() && rule.examples().next().is_some()) {
        assert!(without > 0 && with > without / 10, "{without} and {with}");
    }
}
