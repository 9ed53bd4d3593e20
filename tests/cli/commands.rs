//! The other commands: review, rules, explain, version, completions, man; and the generated files.

use super::binary::Dir;
use podreeve::rules::RULES;
use serde_json::{Value, json};

/// The review with its uid first, as the API server sends it.
fn review(object: &Value) -> String {
    let request = json!({
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE", "namespace": "default", "object": object,
    });
    let request = request.to_string().replacen('{', "{\"uid\":\"u-1\",", 1);
    format!("{{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{request}}}")
}

#[test]
fn review_answers_as_the_webhook() {
    let privileged = review(
        &json!({"spec": {"containers": [{"name": "a", "securityContext": {"privileged": true}}, {"name": "b"}]}}),
    );
    let config_map = review(&json!({})).replace("\"Pod\"", "\"ConfigMap\"").replace("\"pods\"", "\"configmaps\"");
    let dir = Dir::new(
        "review",
        &[("bad.json", &privileged), ("good.json", &config_map), ("cut.json", &privileged[..privileged.len() - 3])],
    );
    let ran = dir.run(&["review", "bad.json"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.json()["response"]["uid"], "u-1");
    assert_eq!(ran.json()["response"]["allowed"], false);
    assert_eq!(dir.run_with(&["review", "-"], &privileged).out, ran.out);
    assert_eq!(dir.run(&["review", "good.json"]).code, Some(0));
    let ran = dir.run(&["review", "--hook", "mutate", "bad.json", "-o", "text"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.starts_with("allowed\n"), "{}", ran.out);
    assert!(ran.out.contains("patch: spec.securityContext: {seccompProfile: {type: RuntimeDefault}}"), "{}", ran.out);
    // The output is an explicit denial, and the exit code shows that the input was wrong.
    let ran = dir.run(&["review", "cut.json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.json()["response"]["allowed"], false);
    assert!(ran.err.starts_with("error: cut.json: the body is not JSON"), "{}", ran.err);
    for (body, said) in [("", "the body is not JSON"), ("{}", "this webhook reads admission.k8s.io/v1 AdmissionReview")]
    {
        let ran = dir.run_with(&["review", "-"], body);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{ran:?}");
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    assert_eq!(dir.run(&["review", "nowhere.json"]).code, Some(2));
}

/// As the webhook without a cluster: whoever enters is let in, and hears that nobody judged it.
#[test]
fn review_of_an_exec_is_no_denial_for_want_of_a_cluster() {
    let dir = Dir::new("exec", &[]);
    for sub_resource in ["exec", "attach", "portforward", "proxy"] {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "1", "operation": "CONNECT", "namespace": "shop", "name": "web", "subResource": sub_resource,
            "kind": {"group": "", "version": "v1", "kind": "PodExecOptions"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "alice"}, "object": {"kind": "PodExecOptions", "container": "web"},
        }});
        let ran = dir.run_with(&["review", "-o", "text", "-"], review.to_string());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let wanted = "allowed\nwarning: podreeve: this podreeve runs without a cluster";
        assert!(ran.out.starts_with(wanted) && ran.out.contains("exec-privileged, exec-root"), "{}", ran.out);
    }
}

#[test]
fn rules_are_listed_with_their_settings() {
    let dir = Dir::new("rules", &[]);
    let ran = dir.run(&["rules", "-o", "json"]);
    assert_eq!(ran.code, Some(0));
    let rules = ran.json();
    assert_eq!(rules.as_array().map(Vec::len), Some(RULES.len()));
    let privileged = &rules[0];
    assert_eq!(privileged["id"], "privileged");
    assert_eq!(privileged["owasp"], json!([59]));
    assert_eq!(privileged["pss"], "baseline");
    assert_eq!(privileged["patch"], false);
    assert_eq!(privileged["action"], "deny");
    for rule in rules.as_array().expect("a list") {
        for example in rule["examples"].as_array().expect("examples") {
            assert_eq!(example["pod"]["kind"], "Pod");
            let bad = example["expect"] == "bad";
            assert_eq!(example["fields"].as_array().is_some_and(|fields| !fields.is_empty()), bad, "{example:#}");
        }
    }
    assert_eq!(rules.as_array().expect("a list").iter().filter(|rule| rule["params"].is_string()).count(), 2);
    let text = dir.run(&["rules", "--judges", "image"]).out;
    let image = RULES.iter().filter(|rule| rule.subject() == "image");
    assert_eq!(text.lines().skip(1).take_while(|line| !line.is_empty()).count(), image.count(), "{text}");
    assert!(
        text.contains("In `owasp`, image-setuid has onlyEscalationDenies: true.") && !text.contains("volume-types")
    );
    assert!(dir.run(&["explain", "image-setuid"]).out.contains("`owasp`: deny, onlyEscalationDenies: true"));
    let text = dir.run(&["rules"]).out;
    assert!(RULES.iter().all(|rule| text.lines().any(|line| line.starts_with(rule.id))), "{text}");
}

#[test]
fn explain_shows_what_to_change() {
    let dir = Dir::new("explain", &[]);
    let ran = dir.run(&["explain", "privileged"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("\n  -       privileged: true\n"), "{}", ran.out);
    for rule in RULES {
        let ran = dir.run(&["explain", rule.id]);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
        // Every rule has an edit, or says what to do without one.
        // A flag of a daemon may begin a line, too.
        let is_diff = |line: &str| line.starts_with("  +") || (line.starts_with("  -") && !line.starts_with("  --"));
        let changes = ran.out.lines().any(is_diff);
        assert_eq!(changes, ran.out.contains("\nWhat to change"), "{}", ran.out);
        assert!(changes || ran.out.contains("\nWhat to do\n"), "{}", ran.out);
        let passes = match rule.subject() {
            "dockerfile" => "--baseline".to_owned(),
            "node" => "`spec.nodeExemptions`".to_owned(),
            _ => format!("- rules: [{}]", rule.id),
        };
        assert!(ran.out.contains(&passes), "{}", ran.out);
        // Nothing can shorten a digest.
        let fits = |line: &str| line.chars().count() <= 140 || line.contains("@sha256:");
        assert!(ran.out.lines().all(fits), "{}", ran.out);
    }
}

#[test]
fn explain_shows_the_edit_of_the_readers_objects() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true, containers: [{name: a, image: 'a:1'}]}\n";
    let policy = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: one}\nspec: {rules: {host-pid: {action: deny}}}\n";
    let dir = Dir::new(
        "explain-object",
        &[("pod.yaml", pod), ("p.yaml", policy), ("good.yaml", &pod.replace("true", "false"))],
    );
    let ran = dir.run(&["explain", "--policy", "p.yaml", "-f", "pod.yaml"]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
    assert!(ran.out.starts_with("Pod default/p: This edit of spec passes:\n\n- hostPID: true "), "{}", ran.out);
    let ran = dir.run(&["explain", "--policy", "p.yaml", "-f", "good.yaml"]);
    assert!(ran.out.starts_with("There is nothing to edit"), "{}", ran.out);
    assert_eq!(dir.run(&["explain", "-f", "missing.yaml"]).code, Some(2));
    assert_eq!(dir.run(&["explain", "-f", "pod.yaml", "host-pid"]).code, Some(2));
}

/// Current API servers refuse this field of a pod.
#[test]
fn explain_does_not_ask_authors_to_set_limits_pids() {
    let ran = Dir::new("explain-pids", &[]).run(&["explain", "pids-limit"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let added: Vec<&str> = ran.out.lines().filter(|line| line.trim_start().starts_with('+')).collect();
    assert_eq!(added, Vec::<&str>::new(), "{}", ran.out);
    let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Change the nodes' kubelet configuration, not the pod."), "{}", ran.out);
}

#[test]
fn explain_prints_json() {
    let ran = Dir::new("explain-json", &[]).run(&["explain", "-o", "json", "privileged", "memory-limit"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let rules = ran.json();
    assert_eq!((&rules[0]["id"], &rules[0]["owasp"][0]["number"]), (&"privileged".into(), &59.into()), "{rules:#}");
    assert!(rules[0]["repair"]["lines"].as_array().is_some_and(|lines| !lines.is_empty()), "{rules:#}");
    assert!(rules[1]["params"].as_array().is_some_and(|params| params.iter().any(|param| param["name"] == "max")));
}

#[test]
fn links_of_rules_are_addresses_everywhere() {
    let dir = Dir::new("explain-links", &[("Dockerfile", "FROM scratch\n")]);
    let address = "(https://github.com/podreeve/podreeve/blob/main/docs/signatures.md)";
    for args in
        [&["explain", "image-signature"][..], &["explain", "-o", "json", "image-signature"], &["rules", "-o", "json"]]
    {
        let ran = dir.run(args);
        assert!(ran.out.contains(address) && !ran.out.contains("](../"), "{}", ran.out);
    }
}

#[test]
fn explain_knows_a_rule_in_any_case() {
    let ran = Dir::new("explain-case", &[]).run(&["explain", "CAPABILITIES", "hostPID"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("did you mean `capabilities`?") && ran.err.contains("did you mean `host-pid`?"),
        "{}",
        ran.err
    );
}

#[test]
fn explain_knows_what_was_meant() {
    let dir = Dir::new("explain-unknown", &[]);
    let ran = dir.run(&["explain", "privilegd", "host-pid", "zzzzzzzz"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.out.starts_with("host-pid: "), "{}", ran.out);
    assert!(ran.err.contains("there is no rule `privilegd`; did you mean `privileged`?"), "{}", ran.err);
    assert!(ran.err.contains("there is no rule `zzzzzzzz`; `podreeve rules` lists all"), "{}", ran.err);
}

#[test]
fn version_completions_and_man_pages() {
    let dir = Dir::new("version", &[]);
    // The tests have the environment that the binary was built in.
    let (commit, date) = (option_env!("PODREEVE_COMMIT"), option_env!("PODREEVE_DATE"));
    let built_from = commit.zip(date).map(|(commit, date)| format!(" ({commit}, {date})")).unwrap_or_default();
    assert_eq!(dir.run(&["version"]).out, format!("podreeve {}{built_from}\n", env!("CARGO_PKG_VERSION")));
    let said = dir.run(&["version", "-o", "json"]).json();
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&said["commit"], &said["date"]), (&json!(commit), &json!(date)));
    assert_eq!(said["platform"], format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = dir.run(&["completions", shell]);
        assert_eq!(ran.code, Some(0));
        // Rules, policies and formats are completed.
        if ["bash", "zsh", "fish"].contains(&shell) {
            // The script for fish completes the values of flags alone.
            let rule = (shell != "fish").then_some("run-as-non-root");
            for word in ["pss-restricted", "sarif"].into_iter().chain(rule) {
                assert!(ran.out.contains(word), "{shell} {word}");
            }
        }
        assert!(ran.out.contains("explain"), "{shell}");
    }
    assert!(dir.run(&["man"]).out.contains(".TH podreeve 1"));
    assert_eq!(dir.run(&["man", "pages"]).code, Some(0));
    for page in ["podreeve.1", "podreeve-check.1", "podreeve-serve.1", "podreeve-explain.1"] {
        assert!(dir.0.join("pages").join(page).is_file(), "{page}");
    }
}

#[test]
fn usage_errors_exit_with_2() {
    let dir = Dir::new("usage", &[]);
    for args in
        [&[][..], &["chek"], &["explain"], &["check"], &["review", "--hook", "both", "x"], &["completions", "csh"]]
    {
        let ran = dir.run(args);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains("--help") || ran.err.contains("Usage: "), "{}", ran.err);
    }
}

#[test]
fn generated_files_are_up_to_date() {
    for (name, content) in podreeve::cli::generate::files() {
        let there = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&name));
        let there = there.unwrap_or_default();
        let different = there.lines().zip(content.lines()).position(|(there, made)| there != made);
        let line = different.unwrap_or_else(|| there.lines().count().min(content.lines().count()));
        assert!(
            there == content,
            "{name}:{} is not what the code makes:\n  file: {}\n  code: {}\nRun `make gen` and commit what it writes.",
            line + 1,
            there.lines().nth(line).unwrap_or("(end)"),
            content.lines().nth(line).unwrap_or("(end)"),
        );
    }
}

#[test]
fn no_command_writes_generated_files() {
    let dir = Dir::new("gen", &[]);
    assert_eq!(dir.run(&["gen"]).code, Some(2));
    assert_eq!(dir.run(&["help", "gen"]).code, Some(2));
    // `cargo test` builds the examples too.
    let example = std::path::Path::new(env!("CARGO_BIN_EXE_podreeve")).with_file_name("examples").join("gen");
    for (manifest, refused) in
        [("", true), ("[package]\nname = \"other\"\n", true), ("[package]\nname = \"podreeve\"\n", false)]
    {
        dir.write("Cargo.toml", manifest);
        dir.write("src/cli/generate.rs", "");
        let ran = std::process::Command::new(&example).current_dir(&dir.0).output();
        let ran = ran.unwrap_or_else(|error| {
            panic!(
                "{}: {error}. Build it: `cargo build --example gen`. `cargo test` without --test does.",
                example.display()
            )
        });
        assert_eq!(ran.status.code(), Some(if refused { 2 } else { 0 }), "{ran:?}");
        assert_eq!(dir.0.join("docs").exists(), !refused);
    }
}

#[test]
fn the_page_of_policies_shows_each_rule_denying() {
    let page = include_str!("../../policies/README.md");
    let dir = Dir::new("page", &[]);
    for rule in RULES {
        let heading = format!("\n## {}\n", rule.id);
        let section = page.split_once(&heading).unwrap_or_else(|| panic!("no {heading}")).1;
        let section = section.split("\n## ").next().expect("a section");
        if let Some(file) = rule.file() {
            let bad = file.examples.iter().find(|example| section.contains(&format!("An example ({}", example.name)));
            assert!(bad.is_some() && section.contains("\n* line ") && section.contains("\nWhat to do: "), "{section}");
            continue;
        }
        if rule.image().is_some() || rule.node().is_some() {
            assert!(section.contains("An example (") && section.contains("\nWhat to do: "), "{section}");
            continue;
        }
        // These need a user who enters a pod, other objects of the cluster, or a Job around the pod.
        if ["exec-privileged", "exec-root", "network-policy", "restart-limit"].contains(&rule.id) {
            continue;
        }
        let setting = section.split_once("With `").and_then(|(_, rest)| rest.split_once("`, a pod is denied ("));
        let (setting, denial) = setting.unwrap_or_else(|| panic!("no denial in {section}"));
        assert!(denial.contains("```text\nPod default/good denied: "), "{section}");
        match denial.split_once("```diff\n") {
            Some((_, diff)) => assert!(diff.lines().any(|line| line.starts_with(['-', '+'])), "{section}"),
            None => assert!(denial.contains("\nWhat to do: "), "{section}"),
        }
        // The policy that a reader copies from the page loads, and denies.
        let policy = format!(
            "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {{name: ours}}\nspec:\n  rules:\n    {setting}\n"
        );
        dir.write("policy.yaml", policy);
        let name = denial.split_once("):\n").expect("the example's name").0;
        let example = rule.examples().find(|example| example.name == name).expect("an example of the rule");
        dir.write("pod.json", example.pod().to_string());
        assert_eq!(dir.run(&["check", "--policy", "policy.yaml", "pod.json"]).code, Some(1), "{setting}");
    }
}
