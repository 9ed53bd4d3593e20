//! `why` reads a log that somebody else wrote.

use super::binary::Dir;
use serde_json::json;

/// A log passes through many hands. What a line says never moves the cursor, and never becomes a command.
#[test]
fn a_forged_line_is_only_text() {
    let evil = "a\u{1b}[2J\u{202e}\n; rm -rf $(id)";
    let violation = json!({
        "rule": evil, "effect": "deny", "severity": "critical", "policy": format!("pss-{evil}"), "action": "deny", "container": evil,
        "container_kind": "containers", "field": evil, "found": evil, "wanted": evil, "exemption": evil, "until": evil,
    });
    let line = |uid: &str, at: u8| {
        json!({
            "timestamp": format!("2026-11-27T07:30:0{at}Z"), "level": "INFO", "target": "podreeve::decision", "message": "decided",
            "hook": "validate", "uid": uid, "user": evil, "caller": evil, "operation": evil, "kind": evil, "namespace": evil, "name": evil,
            "verdict": "deny", "problem": evil, "detail": evil, "rules": [{"rule": evil, "effect": "deny", "count": 2}], "micros": 1,
            "pod_security_labels": true, "violations": [violation], "left_out": 3,
        })
        .to_string()
    };
    let uid = "\u{1b}[1mforged";
    let log = format!("{}\n{}\n", line(uid, 1), line(uid, 2));
    let ran = Dir::new("why-forged", &[]).run_with(&["why", uid], &log);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("2 decisions of"), "{}", ran.out);
    let bad: Vec<char> = ran.out.chars().filter(|c| *c != '\n' && podreeve::text::is_unsafe(*c)).collect();
    assert!(bad.is_empty(), "{bad:?} in {}", ran.out);
    assert!(!ran.out.contains("podreeve explain a") && !ran.out.contains("kubectl get namespace a"), "{}", ran.out);
}
