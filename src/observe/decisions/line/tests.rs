//! The lines, read back as a reader of the log reads them.

use super::super::read::{LogLine, read};
use super::super::record::{DecisionLine, HeldByWord, LINE_MAX, NoteWord};
use super::*;
use crate::decide::{Effect, Note};
use crate::observe::syslog::MESSAGE_MAX;
use crate::outcome::{About, CoveringExemption, Operation, SubjectRef, Violation};
use crate::policy::{Action, HeldBy, Mode};
use crate::rule::Severity;
use crate::rules::{self, RULES};
use crate::workload::ContainerKind;
use jiff::civil::date;
use serde_json::{Value, json};
use std::time::Duration;

fn outcome() -> Outcome {
    let about = About {
        uid: "u-1".to_owned(),
        name: "a\u{1b}[31m\"\\\n\u{202e}é".to_owned(),
        user: "jane".to_owned(),
        ..About::default()
    };
    let mut outcome = Outcome::refused(about, "no \"pod\"".to_owned());
    "pod \"a\"\n".clone_into(&mut outcome.hidden);
    outcome.tallies.push(Tally { rule: "privileged", effect: Effect::Deny, count: 2, held_back: HeldBack::default() });
    let held_back = HeldBack { deny: 1, patch: 0 };
    outcome.tallies.push(Tally { rule: "host-pid", effect: Effect::Warn, count: 1, held_back });
    outcome
}

fn violation(rule: &str, effect: Effect, name: &str) -> Violation {
    Violation {
        rule: rules::find(rule).unwrap(),
        policy: "owasp".into(),
        action: Action::Deny,
        effect,
        severity: Severity::Critical,
        subject: SubjectRef::Container { kind: ContainerKind::Init, name: name.into() },
        pod: "".into(),
        present: "/spec/initContainers/0".len(),
        field: "/spec/initContainers/0/securityContext/privileged".into(),
        found: "true".into(),
        wanted: "false or \"not set\"".into(),
        why: "".into(),
        instead: "",
        from_cluster: false,
        note: None,
        exemption: None,
        stage: crate::decide::Stage::Pod,
        repairable: false,
    }
}

fn line(format: Format, caller: Caller, outcome: &Outcome) -> String {
    let times = Times { total: Duration::from_micros(41), ..Times::default() };
    let at: Timestamp = "2026-01-02T03:04:05.000678901Z".parse().unwrap();
    let mut out = String::new();
    write(&mut out, Style { format, max: LINE_MAX }, caller, at, Hook::Validate, outcome, times);
    assert!(out.ends_with('\n') && out.matches('\n').count() == 1 && out.len() <= LINE_MAX, "{} {out}", out.len());
    out
}

fn decision(line: &str) -> DecisionLine {
    match read(line) {
        LogLine::Decision(decision) => *decision,
        other => panic!("{other:?}: {line}"),
    }
}

#[test]
fn a_json_line_is_json_whatever_is_in_it() {
    let line = line(Format::Json, Caller::Unauthenticated, &outcome());
    let wanted = json!({
        "timestamp": "2026-01-02T03:04:05.000678Z", "level": "INFO", "target": TARGET, "message": "decided",
        "hook": "validate", "uid": "u-1", "user": "jane", "caller": "unauthenticated", "operation": "", "kind": "", "namespace": "",
        "name": "a\\u{1b}[31m\"\\\\u{a}\\u{202e}é", "dry_run": false, "mode": "deny", "verdict": "deny", "problem": "no \"pod\"", "micros": 41,
        "detail": "pod \"a\"\\u{a}", "violations": [], "left_out": 3,
        "rules": [
            {"rule": "privileged", "effect": "deny", "count": 2},
            {"rule": "host-pid", "effect": "warn", "count": 1, "would_deny": 1},
        ],
    });
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), wanted);
}

#[test]
fn a_text_line_has_each_field_once() {
    let mut outcome = outcome();
    outcome.about.name = "a uid=u-2 user=root".to_owned();
    outcome.about.user = "x\" verdict=allow".to_owned();
    outcome.about.dry_run = true;
    let wanted = "2026-01-02T03:04:05.000678Z  INFO podreeve::decision: deny validate \"\" \"\" \"a uid=u-2 user=root\" uid=u-1 \
                  user=\"x\\\" verdict=allow\" caller=unauthenticated mode=deny dry_run=true rules=privileged:deny:2,host-pid:warn:1:would_deny:1 micros=41 \
                  problem=\"no \\\"pod\\\"\" detail=\"pod \\\"a\\\"\\\\u{a}\" violations=[] left_out=3\n";
    assert_eq!(line(Format::Text, Caller::Unauthenticated, &outcome), wanted);
}

/// An outcome in which every field has a value, some of them of strangers.
fn full() -> Outcome {
    let mut outcome = outcome();
    outcome.problem = None;
    outcome.mode = Mode::Warn;
    outcome.about.operation = Operation::Create;
    outcome.about.kind = "Pod a/b".to_owned();
    outcome.about.sub_resource = "exec=\"".to_owned();
    outcome.about.namespace = "shop/\\".to_owned();
    outcome.about.dry_run = true;
    outcome.pod_security.denied = Some("x".to_owned());
    outcome.tallies[0].count = 4;
    let exempt = Violation {
        exemption: Some(CoveringExemption { name: "Exemption shop/a".to_owned(), until: Some(date(2027, 3, 31)) }),
        ..violation("host-path", Effect::Exempt, "b")
    };
    let noted = |note| Violation { note: Some(note), ..violation("host-pid", Effect::Warn, "c} ]{ \"\\ \n") };
    let field = "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1app".into();
    let pod = Violation { subject: SubjectRef::Pod, field, ..violation("apparmor-profile", Effect::Deny, "") };
    outcome.violations = vec![
        violation("privileged", Effect::Deny, "a"),
        exempt,
        noted(Note::Preexisting),
        noted(Note::WillBePatched),
        noted(Note::WarnedUntil(date(2027, 1, 31))),
        noted(Note::ExemptUntil(date(2027, 2, 28))),
        noted(Note::WouldBeDenied(HeldBy::Mode)),
        noted(Note::WouldBeDenied(HeldBy::Severity)),
        noted(Note::WouldBeDenied(HeldBy::Until(date(2027, 4, 30)))),
        noted(Note::WouldBePatched),
        pod,
    ];
    outcome
}

#[test]
fn both_formats_have_the_same_fields() {
    let json_line = line(Format::Json, Caller::Unauthenticated, &full());
    let json = decision(&json_line);
    assert_eq!(json, decision(&line(Format::Text, Caller::Unauthenticated, &full())));
    // The types know every field of the line, and the line has no other.
    assert_eq!(serde_json::to_value(&json).unwrap(), serde_json::from_str::<Value>(&json_line).unwrap());
    assert_eq!((json.name.as_str(), json.namespace.as_str()), ("a\\u{1b}[31m\"\\\\u{a}\\u{202e}é", "shop/\\"));
    assert_eq!((json.kind.as_str(), json.sub_resource.as_deref()), ("Pod a/b", Some("exec=\"")));
    let notes: Vec<_> = json.violations.iter().map(|v| (v.note, v.held_by, v.until.as_deref())).collect();
    assert_eq!(
        notes,
        [
            (None, None, None),
            (None, None, Some("2027-03-31")),
            (Some(NoteWord::Preexisting), None, None),
            (Some(NoteWord::WillBePatched), None, None),
            (Some(NoteWord::WarnedUntil), None, Some("2027-01-31")),
            (Some(NoteWord::ExemptUntil), None, Some("2027-02-28")),
            (Some(NoteWord::WouldBeDenied), Some(HeldByWord::Mode), None),
            (Some(NoteWord::WouldBeDenied), Some(HeldByWord::Severity), None),
            (Some(NoteWord::WouldBeDenied), Some(HeldByWord::Date), Some("2027-04-30")),
            (Some(NoteWord::WouldBePatched), None, None),
            (None, None, None),
        ]
    );
    let last = &json.violations[10];
    assert_eq!(last.field, "metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/app\"]");
    assert_eq!((&last.container, &last.container_kind), (&None, &None));
    assert_eq!(json.violations[1].exemption.as_deref(), Some("Exemption shop/a"));
}

/// The worst that a request can bring: every rule with every effect, and texts that grow when they are escaped.
#[test]
fn no_line_is_longer_than_the_limit() {
    for text in ["\u{1b}".repeat(5000), "\"\\".repeat(5000), "é".repeat(5000), "a".repeat(300)] {
        let mut outcome = Outcome::refused(
            About {
                uid: text.clone(),
                operation: Operation::Other(text.clone()),
                kind: text.clone(),
                sub_resource: text.clone(),
                namespace: text.clone(),
                name: text.clone(),
                user: text.clone(),
                dry_run: true,
                ..About::default()
            },
            text.clone(),
        );
        outcome.hidden.clone_from(&text);
        let effects = [Effect::Exempt, Effect::Audit, Effect::Warn, Effect::Deny];
        outcome.tallies = RULES
            .iter()
            .filter(|rule| rule.judges_requests())
            .flat_map(|rule| {
                effects.map(|effect| Tally {
                    rule: rule.id,
                    effect,
                    count: 20_000,
                    held_back: HeldBack { deny: 20_000, patch: 20_000 },
                })
            })
            .collect();
        let bad = Violation {
            policy: text.as_str().into(),
            field: format!("/{text}").as_str().into(),
            found: text.as_str().into(),
            wanted: text.clone().into(),
            ..violation("privileged", Effect::Warn, &text)
        };
        outcome.violations = vec![bad; 40];
        for format in [Format::Json, Format::Text] {
            let line = decision(&line(format, Caller::Unauthenticated, &outcome));
            let count = outcome.tallies.len() * 20_000;
            assert_eq!(line.left_out, count - line.violations.len());
        }
        // The room that a message of syslog leaves at worst.
        let (mut out, max) = (String::new(), MESSAGE_MAX - 400);
        let style = Style { format: Format::Json, max };
        write(
            &mut out,
            style,
            Caller::Unauthenticated,
            Timestamp::UNIX_EPOCH,
            Hook::Validate,
            &outcome,
            Times::default(),
        );
        assert!(out.len() <= max, "{}", out.len());
        decision(&out);
    }
}

#[test]
fn the_worst_violations_are_kept_where_not_all_fit() {
    let mut outcome = outcome();
    let long = "x".repeat(63);
    let mild = Violation { severity: Severity::Low, ..violation("host-path", Effect::Deny, &long) };
    outcome.violations = vec![mild; 60];
    outcome.violations.push(violation("privileged", Effect::Deny, &long));
    outcome.tallies = vec![
        Tally { rule: "privileged", effect: Effect::Deny, count: 1, held_back: HeldBack::default() },
        Tally { rule: "host-path", effect: Effect::Deny, count: 20_000, held_back: HeldBack::default() },
    ];
    let json = decision(&line(Format::Json, Caller::Authenticated, &outcome));
    assert!((10..60).contains(&json.violations.len()), "{}", json.violations.len());
    assert_eq!(json.violations.last().map(|v| v.rule.as_str()), Some("privileged"));
    assert_eq!(json.left_out, 20_001 - json.violations.len());
}

#[test]
fn the_reason_of_an_invalid_object_and_of_a_warning_without_a_rule_is_kept() {
    let invalid = Outcome::invalid(
        About::default(),
        vec![("spec.rules".to_owned(), "is missing".to_owned()), (String::new(), "bad".to_owned())],
    );
    let json: Value = serde_json::from_str(&line(Format::Json, Caller::Authenticated, &invalid)).unwrap();
    assert_eq!(json["problem"], "spec.rules: is missing; bad");
    let mut warned = Outcome::allow(About::default());
    warned.pod_security.warnings = vec!["podreeve: \"exec-root\" did not judge".to_owned()];
    let json: Value = serde_json::from_str(&line(Format::Json, Caller::Authenticated, &warned)).unwrap();
    assert_eq!(json["detail"], "podreeve: \"exec-root\" did not judge");
}

#[test]
fn a_decision_is_found_behind_any_prefix() {
    for format in [Format::Json, Format::Text] {
        let line = line(format, Caller::Authenticated, &full());
        let line = line.trim_end();
        let wanted = decision(line);
        let quoted = Value::from(format!("{line}\n"));
        for wrapped in [
            format!("[pod/podreeve-5d9c/podreeve] {line}"),
            format!("2026-11-27T06:47:53.123456789Z {line}"),
            format!("[pod/podreeve-5d9c/podreeve] 2026-11-27T06:47:53.123456789Z {line}\r"),
            format!("podreeve-5d9c podreeve {line}"),
            format!("2026-11-27T06:47:53.123456789Z stderr F {line}"),
            format!("{{\"log\":{quoted},\"stream\":\"stderr\"}}"),
            format!("{{\"_source\":{{\"kubernetes\":{{\"pod\":\"a\"}},\"message\":{quoted}}}}}"),
        ] {
            assert_eq!(decision(&wrapped), wanted, "{wrapped}");
        }
        // A line that a collector has cut off.
        for end in [line.len() - 1, line.len() / 2] {
            let cut = line.char_indices().map(|(at, _)| at).rfind(|at| *at <= end).unwrap();
            assert_eq!(read(&line[..cut]), LogLine::Unreadable, "{format:?} {}", &line[..cut]);
        }
    }
    let merged = format!("{{\"kubernetes\":{{}},\"parsed\":{}}}", line(Format::Json, Caller::Authenticated, &full()));
    assert_eq!(decision(&merged).uid, "u-1");
    assert_eq!(read("{\"target\":\"podreeve::log\"}"), LogLine::Other);
}

/// A line of a podreeve before violations were in it, and one of a newer podreeve.
#[test]
fn lines_of_other_versions_are_read() {
    let old = json!({"timestamp": "2026-01-02T03:04:05.000678Z", "level": "INFO", "target": TARGET, "message": "decided",
        "hook": "mutate", "uid": "u-1", "user": "jane", "operation": "CREATE", "kind": "Pod", "namespace": "a", "name": "b",
        "verdict": "patch", "micros": 1, "rules": [], "new": {"key": 1}});
    assert_eq!(decision(&old.to_string()).violations, []);
    let mut newer = old;
    newer["verdict"] = json!("postpone");
    assert_eq!(read(&newer.to_string()), LogLine::Unreadable);
}
