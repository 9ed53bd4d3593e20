//! `why` explains a decision from the log of a running webhook, and what it suggests changes the decision.

use super::binary::{Dir, Ran};
use super::common::{TODAY, good_pod, policies, review};
use super::json_schema::validate;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::observe::lines::Lines;
use podreeve::observe::{Caller, Decisions, Format, Times};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::exemption_object::ObjectExemption;
use podreeve::policy::{Ceiling, Mode};
use podreeve::rule::Severity;
use podreeve::sources::Sources;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIMIT: usize = 20;

/// A log in memory.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of these decisions, as `serve` writes it.
fn log<'o>(format: Format, outcomes: impl IntoIterator<Item = (Hook, &'o Outcome)>) -> String {
    let page = Page::default();
    let lines = Lines::new(page.clone(), |lost| format!("{lost} lost\n")).expect("a thread");
    let decisions = Decisions::new(lines.clone(), format, None).with_caller(Caller::Authenticated);
    for (hook, outcome) in outcomes {
        decisions.write(hook, outcome, Times::default());
    }
    lines.flush(Duration::from_secs(60));
    let bytes = page.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("UTF-8")
}

fn owasp() -> Snapshot {
    Sources::new(&[]).load(1, LIMIT).expect("owasp loads")
}

/// In this mode, and with denials from this severity on.
fn within(snapshot: Snapshot, mode: Mode, deny_from: Severity) -> Snapshot {
    Snapshot { ceiling: Ceiling { mode, deny_from, deny_after: None }, ..snapshot }
}

/// The recorded reviews.
fn recorded() -> Vec<Vec<u8>> {
    let mut files: Vec<_> =
        std::fs::read_dir("tests/reviews").expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("readable")).collect()
}

/// A Deployment in the namespace shop with this pod, as a review with this uid.
fn deployment(uid: &str, pod: &Value) -> Vec<u8> {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": pod["spec"]}},
    });
    let mut review = review("CREATE", &object, None);
    review["request"]["uid"] = json!(uid);
    review.to_string().into_bytes()
}

fn bad_pod() -> Value {
    let mut pod = good_pod();
    pod["spec"]["hostPID"] = json!(true);
    pod["spec"]["containers"][0]["securityContext"]["privileged"] = json!(true);
    let mut init = pod["spec"]["containers"][0].clone();
    init["name"] = json!("init");
    init["securityContext"]["privileged"] = json!(false);
    init["securityContext"]["readOnlyRootFilesystem"] = json!(false);
    pod["spec"]["initContainers"] = json!([init]);
    pod
}

const ID: &str = "705ab4f5";
const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

fn why(log: &str, args: &[&str]) -> Ran {
    let name = format!(
        "why-{:x}",
        args.iter().flat_map(|arg| arg.bytes()).fold(log.len(), |sum, b| sum * 31 % 65_521 + b as usize)
    );
    Dir::new(&name, &[]).run_with(&[&["why"], args].concat(), log)
}

#[test]
fn a_decision_is_explained_rule_by_rule() {
    let outcome = admit(&deployment(UID, &bad_pod()), Hook::Validate, &owasp(), TODAY);
    let message = serde_json::from_slice::<Value>(&outcome.reply).expect("JSON");
    let message = message["response"]["status"]["message"].as_str().expect("a denial").to_owned();
    assert!(message.ends_with(&format!("(id {ID})")), "{message}");
    for format in [Format::Json, Format::Text] {
        let log = log(format, [(Hook::Validate, &outcome)]);
        let prefixed: String =
            log.lines().map(|line| format!("[pod/podreeve-1/podreeve] 2026-11-27T06:47:53Z {line}\n")).collect();
        for log in [log, format!("2026-11-27 podreeve is serving\n{prefixed}")] {
            let ran = why(&log, &[ID]);
            assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
            for says in [
                "Deployment shop/web was denied\n",
                &format!("CREATE by jane, uid {UID}"),
                "deny   privileged (critical), container \"app\", policy owasp\n    field:     spec.template.spec.containers[0].securityContext.privileged\n    found:     true\n    wanted:    false or not set\n    why:",
                "deny   host-pid (high), pod, policy owasp",
                "deny   read-only-root-filesystem (medium), init container \"init\"",
                "podreeve explain host-pid privileged read-only-root-filesystem",
                "kind: Exemption",
                "namespace: shop",
            ] {
                assert!(ran.out.contains(says), "no {says:?} in\n{}", ran.out);
            }
        }
    }
}

/// The exemption that `why` prints admits what was denied. Without one of its rules it is denied.
#[test]
fn the_suggested_exemption_admits_it() {
    let mut bodies = recorded();
    bodies.push(deployment(UID, &bad_pod()));
    let mut suggested = 0;
    for body in bodies {
        let snapshot = owasp();
        let outcome = admit(&body, Hook::Validate, &snapshot, TODAY);
        if outcome.verdict != Verdict::Deny {
            continue;
        }
        let ran = why(&log(Format::Json, [(Hook::Validate, &outcome)]), &[&outcome.about.id(), "-o", "json"]);
        let report = ran.json();
        let changes = report["decisions"][0]["changes"].as_array().expect("a list").clone();
        let exempt = changes.iter().find(|change| change["how"] == "exempt").expect("an exemption");
        let objects = exempt["objects"].as_array().expect("a list");
        assert!(!objects.is_empty(), "{exempt:#}");
        let admitted = |objects: &[Value]| {
            let mut snapshot = snapshot.clone();
            snapshot.policies.exemptions = objects.iter().map(|object| Arc::new(compiled(object))).collect();
            admit(&body, Hook::Validate, &snapshot, TODAY)
        };
        let after = admitted(objects);
        assert_ne!(after.verdict, Verdict::Deny, "{:#?} {objects:#?}", after.tallies);
        assert_eq!(admitted(&objects[1..]).verdict, Verdict::Deny);
        suggested += objects.len();
    }
    assert!(suggested > 3, "{suggested}");
}

fn compiled(object: &Value) -> ObjectExemption {
    let text = |key: &str| object["metadata"][key].as_str().expect("a text").to_owned();
    let spec = object["spec"].to_string();
    ObjectExemption::new(&text("namespace"), &text("name"), Some(&spec)).expect("it compiles")
}

#[test]
fn every_decision_can_be_found_by_its_id_and_fits_the_schemas() {
    let line_schema: Value = serde_json::from_str(include_str!("../../docs/decision-line.schema.json")).expect("JSON");
    let why_schema: Value = serde_json::from_str(include_str!("../../docs/why-report.schema.json")).expect("JSON");
    let snapshot = owasp();
    let bodies = recorded();
    let outcomes: Vec<(Hook, Outcome)> =
        bodies.iter().flat_map(|body| Hook::ALL.map(|hook| (hook, admit(body, hook, &snapshot, TODAY)))).collect();
    let [json, text] =
        [Format::Json, Format::Text].map(|format| log(format, outcomes.iter().map(|(hook, outcome)| (*hook, outcome))));
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        validate(&line_schema, &line_schema, &line, "").expect("the line fits");
    }
    for (_, outcome) in &outcomes {
        let id = outcome.about.id();
        // Both hooks have the same recorded uid.
        for log in [&json, &text] {
            let report = why(log, &[&id, "-o", "json"]).json();
            validate(&why_schema, &why_schema, &report, "").expect("the report fits");
            assert_eq!(report["read"]["decisions"], outcomes.len());
            assert_eq!(report["decisions"].as_array().map(Vec::len), Some(2), "{report:#}");
            assert!(report["decisions"][0]["decision"]["uid"].as_str().is_some_and(|uid| uid.starts_with(&id)));
        }
    }
}

#[test]
fn an_object_and_its_owner_find_all_decisions() {
    let snapshot = owasp();
    let mut pod = good_pod();
    pod["metadata"] = json!({"generateName": "web-5d9c7f8c4-", "namespace": "shop"});
    let of_pod = |pod: &Value, uid: &str| {
        let mut review = review("CREATE", pod, None);
        review["request"]["uid"] = json!(uid);
        admit(review.to_string().as_bytes(), Hook::Validate, &snapshot, TODAY)
    };
    let denied = admit(&deployment(UID, &bad_pod()), Hook::Validate, &snapshot, TODAY);
    let good = of_pod(&pod, "11111111-0000");
    pod["metadata"]["generateName"] = json!("web-api-5d9c7f8c4-");
    let other = of_pod(&pod, "22222222-0000");
    let log = log(Format::Json, [&denied, &good, &other].map(|outcome| (Hook::Validate, outcome)));
    let ran = why(&log, &["shop/web"]);
    assert!(ran.out.starts_with("2 decisions of shop/web, the newest last:\n"), "{}", ran.out);
    assert!(ran.out.contains("11111111  allow") && !ran.out.contains("22222222"), "{}", ran.out);
    // Of these the newest that was not admitted as it is.
    assert!(ran.out.contains("Deployment shop/web was denied"), "{}", ran.out);
    assert!(why(&log, &["Pod/shop/web-5d9c7f8c4-xz2bk"]).out.starts_with("Pod shop/web-5d9c7f8c4-* was admitted\n"));
}

#[test]
fn warnings_and_exemptions_are_explained() {
    let mut pod = good_pod();
    pod["spec"]["hostPID"] = json!(true);
    pod["spec"]["hostIPC"] = json!(true);
    pod["metadata"]["namespace"] = json!("shop");
    let exempt = |until: &str| {
        json!({"rules": {"host-pid": {"action": "deny"}}, "exemptions": [
        {"rules": ["host-pid"], "namespaces": ["shop"], "reason": "a test", "until": until}]})
    };
    let rollout = json!({"rules": {"host-ipc": {"action": "deny"}}, "rollout": {"warnUntil": "2027-01-31"}});
    let mild = json!({"rules": {"host-pid": {"action": "warn"}}});
    let old = |specs: &[Value]| {
        admit(review("UPDATE", &pod, Some(&pod)).to_string().as_bytes(), Hook::Validate, &policies(specs), TODAY)
    };
    let new = |specs: &[Value]| {
        let mut review = review("CREATE", &pod, None);
        review["request"]["dryRun"] = json!(true);
        admit(review.to_string().as_bytes(), Hook::Validate, &policies(specs), TODAY)
    };
    for (outcome, says) in [
        (
            new(&[exempt("2027-03-31")]),
            &["exempt host-pid (high)", "exemption: spec.exemptions[0] of policy p0, until 2027-03-31", "dry run:"][..],
        ),
        (
            new(&[exempt("2026-11-25")]),
            &[
                "note:      is exempt until 2026-11-25, then denied",
                "spec.exemptions[0] of policy p0 covers host-pid up to 2026-11-25",
            ],
        ),
        (new(&[rollout]), &["is denied after 2027-01-31", "Policy p0 only warns up to 2027-01-31"]),
        (new(&[mild]), &["Policy p0 only warns of host-pid", "podreeve explain host-pid"]),
        (
            old(&[json!({"rules": {"host-pid": {"action": "deny"}}})]),
            &["note:      was there before this change", "is judged as a whole"],
        ),
        (new(&[json!({"rules": {}})]), &["No rule found anything."]),
    ] {
        let warned = outcome.verdict == Verdict::Warn;
        let reply: Value = serde_json::from_slice(&outcome.reply).expect("JSON");
        let last = reply["response"]["warnings"].as_array().and_then(|warnings| warnings.last().cloned());
        assert_eq!(last.is_some_and(|last| last.as_str().is_some_and(|last| last.ends_with("(id 11111111)"))), warned);
        let ran = why(&log(Format::Text, [(Hook::Validate, &outcome)]), &["11111111"]);
        for says in says {
            assert!(ran.out.contains(says), "no {says:?} in\n{}", ran.out);
        }
    }
}

#[test]
fn the_mode_is_explained() {
    let body = deployment(UID, &bad_pod());
    let says = |snapshot: &Snapshot, says: &[&str]| {
        let outcome = admit(&body, Hook::Validate, snapshot, TODAY);
        for format in [Format::Json, Format::Text] {
            let ran = why(&log(format, [(Hook::Validate, &outcome)]), &[ID]);
            for says in says {
                assert!(ran.out.contains(says), "no {says:?} in\n{}", ran.out);
            }
        }
        outcome
    };
    says(&owasp(), &["* Mode warn admits it, with warnings"]);
    let held = [
        "mode deny would deny 3 violations",
        "would be denied in mode deny",
        "podreeve explain host-pid privileged",
        "kind: Exemption",
    ];
    let warned = says(&within(owasp(), Mode::Warn, Severity::Low), &held);
    assert_eq!(warned.verdict, Verdict::Warn);
    says(
        &within(owasp(), Mode::Warn, Severity::Low),
        &["was admitted with warnings", "Mode warn holds 3 violations back"],
    );
    says(&within(owasp(), Mode::Audit, Severity::Low), &held);
    says(&within(owasp(), Mode::Audit, Severity::Low), &["was admitted\n", "Mode audit holds 3 violations back"]);
    let severity = ["was denied", "would be denied with denyFrom medium", "deny   privileged (critical)"];
    says(&within(owasp(), Mode::Deny, Severity::Critical), &severity);
}

#[test]
fn a_pod_with_thousands_of_violations_has_a_short_line() {
    let mut pod = bad_pod();
    let container = pod["spec"]["containers"][0].clone();
    let containers = (0..3000).map(|n| {
        let mut container = container.clone();
        container["name"] = json!(format!("c{n}"));
        container
    });
    pod["spec"]["containers"] = containers.collect();
    let outcome = admit(&deployment(UID, &pod), Hook::Validate, &owasp(), TODAY);
    for format in [Format::Json, Format::Text] {
        let log = log(format, [(Hook::Validate, &outcome)]);
        assert!(log.len() <= 16 * 1024, "{}", log.len());
        let ran = why(&log, &[ID]);
        assert!(ran.out.contains("more violations without details. Counted by rule: "), "{}", ran.out);
        assert!(ran.out.contains("3000 privileged (deny)"), "{}", ran.out);
        // So it names no container, which would cover only a part.
        assert!(!ran.out.contains("      containers:\n        - c0"), "{}", ran.out);
    }
}

#[test]
fn what_is_not_found_is_said_with_what_was_read() {
    let outcome = admit(&deployment(UID, &bad_pod()), Hook::Validate, &owasp(), TODAY);
    let log = log(Format::Json, [(Hook::Validate, &outcome)]);
    let line = log.trim_end();
    for (log, wanted, says) in [
        (
            log.as_str(),
            "12345678",
            &["no decision has the id 12345678: 1 decision read, from 20", "--tail=-1", "| podreeve why 12345678"][..],
        ),
        (&log, "shop/db", &["no decision is about shop/db: 1 decision read"]),
        ("", ID, &["there is no decision of podreeve among 0 lines", "--log-level info", "kubectl logs"]),
        ("a\nb\n", ID, &["among 2 lines;"]),
        (&line[..line.len() - 9], ID, &["stdin:1: the line of decision 705ab4f5 is cut off"]),
        (&line[..line.len() - 9], "12345678", &["among 1 line (1 of them cut off)"]),
    ] {
        let ran = why(log, &[wanted]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.matches("error:").count()), (Some(2), "", 1), "{ran:?}");
        for says in says {
            assert!(ran.err.contains(says), "no {says:?} in\n{}", ran.err);
        }
    }
    let dir = Dir::new("why-files", &[("a.log", &log), ("b.log", "podreeve\n")]);
    // A log that is given twice has the decision once.
    let report = dir.run(&["why", ID, "b.log", "a.log", "a.log", "-o", "json"]).json();
    assert_eq!(report["decisions"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["decisions"][0]["place"], "a.log:1");
    let ran = dir.run(&["why", ID, "nowhere.log"]);
    assert!(ran.code == Some(2) && ran.err.contains("nowhere.log: there is no such file"), "{ran:?}");
    assert_eq!(dir.run(&["why", "web"]).code, Some(2));
}

/// The pages show a recorded log. It is what `serve` writes today.
#[test]
fn the_log_of_the_pages_is_not_outdated() {
    let yaml = std::fs::read_to_string("examples/privileged-deployment.yaml").expect("the example");
    let object: Value = serde_saphyr::from_str(&yaml).expect("YAML");
    let body = review("CREATE", &object, None).to_string().replace("11111111-2222-3333-4444-555555555555", UID);
    let outcome = admit(body.as_bytes(), Hook::Validate, &owasp(), TODAY);
    for (format, file) in [(Format::Json, "podreeve.log"), (Format::Text, "podreeve.text.log")] {
        let recorded = std::fs::read_to_string(format!("tests/pages/reader/{file}")).expect("the log");
        let decision = |log: &str| {
            let mut decision = why(log, &[ID, "-o", "json"]).json()["decisions"][0]["decision"].take();
            for key in ["timestamp", "micros", "caller"] {
                decision.as_object_mut().expect("a decision").remove(key);
            }
            decision
        };
        assert_eq!(
            decision(&recorded),
            decision(&log(format, [(Hook::Validate, &outcome)])),
            "{file}: record it again"
        );
    }
}

/// The page names every field of the schema, and the schema has every field that the page names.
#[test]
fn the_page_has_the_fields_of_the_line() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/decision-line.schema.json")).expect("JSON");
    let page = include_str!("../../docs/reference/decision-log.md");
    let names: Vec<&str> = page
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    let of =
        |schema: &Value| -> Vec<String> { schema["properties"].as_object().expect("fields").keys().cloned().collect() };
    let mut fields = of(&schema);
    fields.extend(of(&schema["$defs"]["ViolationRecord"]));
    for field in &fields {
        assert!(names.contains(&field.as_str()), "the page has no field `{field}`: {names:?}");
    }
    for name in names {
        assert!(fields.iter().any(|field| field == name), "the line has no field `{name}`");
    }
    for field in of(&schema["$defs"]["RuleCount"]) {
        assert!(page.contains(&format!("`{field}`")), "the page has no field `{field}`");
    }
}
