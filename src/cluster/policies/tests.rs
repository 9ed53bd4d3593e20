use super::*;
use serde_json::{Value, json};

fn item(name: &str, generation: i64, spec: Value) -> Item {
    let metadata = json!({"name": name, "generation": generation, "uid": "u", "deletionTimestamp": null});
    serde_json::from_str(&json!({"metadata": metadata, "spec": spec, "status": {"x": 1}}).to_string()).unwrap()
}

fn rules(action: &str) -> Value {
    json!({"rules": {"privileged": {"action": action}}})
}

fn actions(policies: &PolicyStore) -> Vec<String> {
    policies.in_force().iter().map(|p| format!("{}: {:?}", p.name, p.rules[0].action)).collect()
}

#[test]
fn the_last_good_version_stays_in_force() {
    let mut policies = PolicyStore::new(StateSender::default(), ServedPolicies::none());
    assert!(policies.apply(&item("a", 1, rules("deny"))).ready);
    assert!(policies.apply(&item("b", 1, rules("warn"))).ready);
    let status = policies.apply(&item("a", 2, rules("forbid")));
    assert!(!status.ready);
    assert!(status.message.contains("`forbid` is no action"), "{}", status.message);
    assert!(status.message.contains("generation 1 of it stays in force"), "{}", status.message);
    assert_eq!(actions(&policies), ["a: Deny", "b: Warn"]);
    assert_eq!(policies.errors().len(), 1);

    assert!(policies.apply(&item("a", 3, rules("audit"))).ready);
    assert_eq!(actions(&policies), ["a: Audit", "b: Warn"]);
    assert!(policies.errors().is_empty());
    policies.remove(&(String::new(), "a".to_owned()));
    assert_eq!(actions(&policies), ["b: Warn"]);
    policies.retain(&[(String::new(), "c".to_owned())].into());
    assert!(actions(&policies).is_empty());
}

#[test]
fn a_policy_that_never_compiled_is_not_in_force() {
    let mut policies = PolicyStore::new(StateSender::default(), ServedPolicies::none());
    let status = policies.apply(&item("a", 1, json!({"rules": {"privilegd": {"action": "deny"}}})));
    assert!(status.message.contains("did you mean `privileged`"), "{}", status.message);
    assert!(status.message.contains("nothing of it is in force"), "{}", status.message);
    assert!(policies.in_force().is_empty());
}

#[test]
fn an_unchanged_generation_is_not_swapped() {
    let mut policies = PolicyStore::new(StateSender::default(), ServedPolicies::none());
    let mut seen = policies.state.subscribe();
    policies.apply(&item("a", 1, rules("deny")));
    policies.publish();
    assert_eq!(seen.borrow_and_update().policies.len(), 1);
    policies.apply(&item("a", 1, rules("deny")));
    policies.publish();
    assert!(!seen.has_changed().unwrap());
}

fn served(spec: &Value) -> (super::super::served::ServedSender, ServedPolicies) {
    let policy = CompiledPolicy::from_object("owasp", Some(&spec.to_string()), Cluster::With).unwrap();
    let sender = watch::Sender::new(vec![Arc::new(policy)]);
    let served = ServedPolicies::new(&sender);
    (sender, served)
}

#[test]
fn a_name_that_a_file_has_is_explained() {
    let (sender, served) = served(&json!({"extends": "owasp"}));
    let mut policies = PolicyStore::new(StateSender::default(), served);
    let status = policies.apply(&item("owasp", 1, rules("deny")));
    assert_eq!((status.ready, status.reason, status.notice), (true, "NameTaken", true));
    assert!(status.message.contains("the strictest action wins"), "{}", status.message);
    assert_eq!(actions(&policies), ["owasp: Deny"], "nothing gets milder");
    assert!(policies.refresh().is_empty());
    sender.send_replace(Vec::new());
    let refreshed = policies.refresh();
    assert_eq!((refreshed.len(), refreshed[0].1.reason), (1, "Compiled"));
}

#[test]
fn a_copy_shows_what_is_served_and_is_not_in_force() {
    let (sender, served) = served(&json!({"extends": "owasp"}));
    let mut policies = PolicyStore::new(StateSender::default(), served);
    let mut copied = item("owasp", 1, rules("deny"));
    copied.metadata.labels = Some([(copy::LABEL.to_owned(), "podreeve".to_owned())].into());
    let status = policies.apply(&copied);
    assert_eq!((status.ready, status.reason), (true, "BuiltIn"));
    assert!(actions(&policies).is_empty());
    policies.publish();
    let found = policies.found().borrow().clone().unwrap();
    assert_eq!(found["owasp"].copy_of.as_deref(), Some("podreeve"));
    sender.send_replace(Vec::new());
    assert_eq!(policies.refresh()[0].1.reason, "NotServed");
}

#[test]
fn a_copy_of_another_installation_is_left_to_it() {
    let store = PolicyStore::new(StateSender::default(), ServedPolicies::none());
    let mut policies = store.of(Some("podreeve"));
    for (name, copy_of) in [("owasp", Some("podreeve")), ("pss-baseline", Some("other")), ("ours", None)] {
        let mut policy = item(name, 1, rules("deny"));
        policy.metadata.labels = copy_of.map(|of| [(copy::LABEL.to_owned(), of.to_owned())].into());
        policies.apply(&policy);
        assert_eq!(policies.is_of_another(&policy.key()), copy_of == Some("other"), "{name}");
    }
}

#[test]
fn an_exemption_of_a_policy_that_ended_is_in_the_condition() {
    let mut policies = PolicyStore::new(StateSender::default(), ServedPolicies::none());
    let exemption = |until| json!({"rules": ["privileged"], "namespaces": ["a"], "reason": "r", "until": until});
    let spec = json!({"rules": {}, "exemptions": [exemption("2999-01-01"), exemption("2020-01-31")]});
    let status = policies.apply(&item("a", 1, spec));
    assert_eq!((status.ready, status.reason, status.notice), (true, "ExemptionExpired", true));
    assert!(
        status.message.contains("spec.exemptions[1] exempts nothing any more: its last day was 2020-01-31"),
        "{}",
        status.message
    );
}

#[test]
fn a_key_next_to_the_spec_is_an_error() {
    let mut policies = PolicyStore::new(StateSender::default(), ServedPolicies::none());
    let mut wrong = item("a", 1, rules("deny"));
    wrong.raw = RawValue::from_string(wrong.raw.get().replacen('{', r#"{"exemptions":[],"#, 1)).unwrap();
    let status = policies.apply(&wrong);
    assert!(!status.ready);
    assert!(status.message.contains("exemptions: there is no key `exemptions` next to `spec`"), "{}", status.message);
}

#[test]
fn the_condition_says_that_the_mode_denies_nothing() {
    let message = |mode| {
        let ceiling = Ceiling { mode, ..Ceiling::default() };
        let mut policies = PolicyStore::new(StateSender::default(), ServedPolicies::none()).under(ceiling);
        let status = policies.apply(&item("a", 1, rules("deny")));
        assert!(status.ready);
        status.message
    };
    assert_eq!(message(Mode::Deny), "this generation is in force");
    let warn = "this generation is in force; podreeve runs in mode warn, which denies and changes nothing";
    assert_eq!(message(Mode::Warn), warn);
}
