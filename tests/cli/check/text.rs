//! The text of `check`: one line for each finding, and what is left out of it.

use super::{BAD, GOOD, check};
use crate::binary::Dir;

/// A policy that audits and repairs, in addition to one denial.
const MIXED: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: mixed}
spec:
  rules:
    privileged: {action: deny}
    host-network: {action: audit}
    image-tag: {action: warn}
";

#[test]
fn two_thousand_clean_files_print_one_line() {
    let dir = Dir::new("clean", &[]);
    for number in 0..2000 {
        let other = if number % 7 == 0 { "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n" } else { "" };
        dir.write(&format!("m/{number}.yaml"), format!("{GOOD}{other}"));
    }
    let ran = check(&dir, &["m"]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    assert_eq!(ran.out, "2000 objects: 0 denied, 0 repaired, 0 with warnings, 2000 admitted; 286 passed over\n");
}

#[test]
fn many_files_are_reported_in_their_order() {
    let dir = Dir::new("order", &[]);
    let names: Vec<String> = (0..300).map(|number| format!("m/{number:03}.yaml")).collect();
    for name in &names {
        dir.write(name, BAD);
    }
    let ran = check(&dir, &["m"]);
    let found: Vec<&str> =
        ran.out.lines().filter_map(|line| line.split_once(":15:13 ")).map(|(name, _)| name).collect();
    assert_eq!(found, names);
    assert_eq!(check(&dir, &["m"]).out, ran.out);
}

#[test]
fn what_needs_no_action_is_shown_with_all() {
    let dir = Dir::new("all", &[("bad.yaml", BAD), ("policy/mixed.yaml", MIXED)]);
    let run = |args: &[&str]| dir.run(&[&["check", "--policy", "policy/mixed.yaml", "bad.yaml"], args].concat());
    let ran = run(&[]);
    assert!(!ran.out.contains("host-network"), "{}", ran.out);
    assert!(ran.out.contains("image-tag") && ran.out.contains("privileged"), "{}", ran.out);
    let ran = run(&["--all"]);
    assert!(ran.out.contains("bad.yaml:10:7 host-network high audit: Deployment shop/web, "), "{}", ran.out);
    assert_eq!(ran.code, Some(1));
}

/// Denied before warned, and the worst first.
#[test]
fn the_worst_comes_first() {
    let dir = Dir::new("worst", &[("bad.yaml", BAD), ("policy/mixed.yaml", MIXED)]);
    let ran = dir.run(&["check", "--policy", "policy/mixed.yaml", "--all", "bad.yaml"]);
    let rules: Vec<&str> = ran.out.lines().take(3).filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(rules, ["privileged", "image-tag", "host-network"]);
    let table: Vec<&str> = ran.out.lines().skip_while(|line| !line.contains("count")).skip(1).take(3).collect();
    assert!(table[0].ends_with("privileged") && table[2].ends_with("host-network"), "{table:?}");
}

#[test]
fn findings_below_the_severity_do_not_count() {
    let dir = Dir::new("severity", &[("bad.yaml", BAD)]);
    dir.write(
        "policy/one.yaml",
        MIXED.replace("privileged: {action: deny}", "host-pid: {action: deny}").replace("warn", "deny"),
    );
    let run = |args: &[&str]| dir.run(&[&["check", "--policy", "policy/one.yaml", "bad.yaml"], args].concat());
    assert_eq!(run(&[]).code, Some(1));
    // image-tag is medium.
    let ran = run(&["--min-severity", "high"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "1 object: 0 denied, 0 repaired, 0 with warnings, 1 admitted\n");
    let report = run(&["--min-severity", "high", "-o", "json"]).json();
    assert_eq!(report["objects"][0]["verdict"], "allow", "{report:#}");
}

#[test]
fn warnings_are_errors_on_demand() {
    let dir = Dir::new("warnings", &[("bad.yaml", &BAD.replace("privileged: true", "privileged: false"))]);
    assert_eq!(check(&dir, &["bad.yaml"]).code, Some(0));
    assert_eq!(check(&dir, &["--warnings-as-errors", "bad.yaml"]).code, Some(1));
    assert_eq!(check(&dir, &["--warnings-as-errors", "--min-severity", "critical", "bad.yaml"]).code, Some(0));
}

#[test]
fn the_lines_of_the_file_and_the_edit_are_shown_on_demand() {
    let dir = Dir::new("shown", &[("bad.yaml", BAD)]);
    let ran = check(&dir, &["--snippet", "bad.yaml"]);
    let snippet = "critical denied[privileged]: Deployment shop/web, container \"app\", securityContext.privileged: found true, wanted false or not set\n  --> bad.yaml:15:13\n   |\n15 |             privileged: true";
    assert!(ran.out.contains(snippet), "{}", ran.out);
    assert!(ran.out.contains("^^^^^^^^^^^^^^^^ found true, wanted false or not set"), "{}", ran.out);
    let ran = check(&dir, &["--diff", "bad.yaml"]);
    assert!(ran.out.contains("bad.yaml:2 Deployment"), "{}", ran.out);
    assert!(ran.out.lines().any(|line| line.starts_with('-') && line.contains("privileged: true")), "{}", ran.out);
    assert_eq!(ran.code, Some(1));
}

/// A value of a wrong type is reported at its own line, whichever field it is.
#[test]
fn a_wrong_type_is_at_its_line() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  hostNetwork: false\n  securityContext:\n    runAsUser: 5\n  volumes:\n  - name: v\n    hostPath: {path: /a}\n  containers:\n  - name: app\n    image: x\n    ports:\n    - containerPort: 80\n    env:\n    - name: A\n    resources:\n      limits: {cpu: 1}\n    securityContext:\n      privileged: false\n";
    let lines: Vec<&str> = pod.lines().collect();
    let dir = Dir::new("types", &[]);
    let mut found = 0;
    for (index, line) in lines.iter().enumerate().skip(3) {
        let Some((key, _)) = line.split_once(": ").filter(|(key, _)| !key.trim_start().starts_with("- ")) else {
            continue;
        };
        for wrong in ["[[1]]", "{a: {b: 1}}"] {
            let mut changed: Vec<String> = lines.iter().map(ToString::to_string).collect();
            changed[index] = format!("{key}: {wrong}");
            dir.write("pod.yaml", changed.join("\n"));
            let report = dir.run(&["check", "-o", "json", "pod.yaml"]).json();
            let object = &report["objects"][0];
            if object["problem"].is_string() {
                found += 1;
                assert_eq!(object["problemLine"], index + 1, "{}: {object:#}", changed[index]);
            }
        }
    }
    assert!(found >= 8, "{found}");
}

#[test]
fn a_colour_is_forced_as_in_a_pipeline() {
    let dir = Dir::new("force", &[("bad.yaml", BAD)]);
    let with = |variables: &[(&str, &str)]| {
        let output = dir.command(&["check", "bad.yaml"]).envs(variables.iter().copied()).output().expect("runs");
        output.stdout.contains(&0x1b)
    };
    assert!(with(&[("FORCE_COLOR", "1")]));
    assert!(!with(&[("FORCE_COLOR", "0")]) && !with(&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]) && !with(&[]));
}

#[test]
fn a_flag_that_does_not_exist_gets_no_misleading_tip() {
    let dir = Dir::new("tips", &[("good.yaml", GOOD)]);
    let ran = check(&dir, &["--strict", "good.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert!(!ran.err.contains("as a value") && !ran.err.contains("--snippet"), "{}", ran.err);
    let ran = check(&dir, &["--severity", "high", "good.yaml"]);
    assert!(ran.err.contains("--min-severity"), "{}", ran.err);
}

/// An unreadable file hides no denial, and stderr and the summary name it.
#[test]
fn a_denial_decides_the_exit_code_and_the_unreadable_file_is_named() {
    let dir = Dir::new("both", &[("bad.yaml", BAD)]);
    let ran = check(&dir, &["nofile.yaml", "bad.yaml"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.err, "error: nofile.yaml: there is no such file\n");
    assert!(ran.out.ends_with(
        "1 object: 1 denied, 0 repaired, 0 with warnings, 0 admitted; 1 could not be read, see the errors\n"
    ));
}

#[test]
fn without_a_file_the_error_names_stdin() {
    let dir = Dir::new("no-file", &[]);
    let ran = dir.run_with(&["check"], GOOD);
    assert_eq!((ran.code, &*ran.out), (Some(2), ""));
    assert!(ran.err.contains("`-` to read stdin") && ran.err.contains("podreeve check -"), "{}", ran.err);
}

#[test]
fn a_namespace_that_cannot_exist_is_refused() {
    let dir = Dir::new("bad-namespace", &[("good.yaml", GOOD)]);
    for args in [["-n", "Bad_NS"], ["-n", ""], ["--exemption-namespaces", "shop,Bad_NS"]] {
        let ran = check(&dir, &[&args[..], &["good.yaml"]].concat());
        assert_eq!(ran.code, Some(2), "{args:?}");
        assert!(ran.err.contains("a namespace has at most 63 characters of a-z"), "{}", ran.err);
    }
}

/// The size of the text grows with the findings, and each is one line.
#[test]
fn a_finding_is_one_line() {
    let dir = Dir::new("one-line", &[("many.yaml", &format!("{BAD}---\n").repeat(200))]);
    let ran = check(&dir, &["many.yaml"]);
    let lines = ran.out.lines().filter(|line| line.starts_with("many.yaml:")).count();
    assert_eq!(lines, 400);
    assert!(ran.out.len() < 400 * 160, "{} bytes", ran.out.len());
}
