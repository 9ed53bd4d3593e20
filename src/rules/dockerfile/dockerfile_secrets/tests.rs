//! Entries of `allow`, and what a message says.

use super::*;

#[test]
fn an_entry_that_can_match_nothing_is_refused() {
    for entry in ["", "-", "TOKEN=hunter2", "A B"] {
        assert!(compile_file::<DockerfileSecrets>(serde_json::json!({"allow": [entry]})).is_err(), "{entry}");
    }
    assert!(compile_file::<DockerfileSecrets>(serde_json::json!({"allow": ["TOKEN", "--a", ".env"]})).is_ok());
}

/// What is in no image is a warning, and says where the value stays.
#[test]
fn an_argument_of_another_stage_is_no_denial() {
    let text = "FROM node:22 AS build\nARG NPM_TOKEN\nFROM debian:12\nARG NPM_TOKEN\n";
    let file = Dockerfile::parse(text);
    let mut findings = Vec::new();
    DockerfileSecrets::default().check(&file, &mut findings);
    let [cached, shipped] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((cached.most, cached.severity), (Some(AtMost::Warn), Some(Severity::Low)));
    assert!(cached.found.contains("provenance") && cached.found.ends_with("in ARG NPM_TOKEN"), "{}", cached.found);
    assert_eq!((shipped.most, shipped.severity), (None, Some(Severity::Medium)));
}

#[test]
fn a_message_has_the_name_that_allow_takes() {
    let text = "FROM a\nRUN app --token=a1b2c3d4e5f6a7b8c9\nENV A=-Dkey.password=hunter2\n";
    let mut findings = Vec::new();
    let file = Dockerfile::parse(text);
    DockerfileSecrets::default().check(&file, &mut findings);
    let found: Vec<&str> = findings.iter().map(|finding| &*finding.found).collect();
    assert!(
        found[0].contains("token") && found[1] == "a setting with a password or key (-Dkey.password) in ENV A",
        "{found:?}"
    );
}
