//! Objects and files that `podreeve check` does not judge. It reports them, and an error in one file hides no other file.

use super::binary::Dir;
use serde_json::Value;
use std::os::unix::fs::symlink;

const POLICY: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: test}
spec:
  rules:
    privileged: {action: deny}
";

fn pod(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: a, image: x, securityContext: {{privileged: true}}}}]}}\n"
    )
}

fn good(name: &str) -> String {
    pod(name).replace("true", "false")
}

fn check(dir: &Dir, args: &[&str]) -> super::binary::Ran {
    check_with(dir, args, "")
}

fn check_with(dir: &Dir, args: &[&str], stdin: &str) -> super::binary::Ran {
    dir.write("policy/policy.yaml", POLICY);
    dir.run_with(&[&["check", "--policy", "policy/policy.yaml"], args].concat(), stdin)
}

/// The names of the judged objects.
fn judged(report: &Value) -> Vec<&str> {
    report["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| object["name"].as_str().expect("a name"))
        .collect()
}

/// The file and the reason of each part that was skipped.
fn passed(report: &Value) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value, key: &str| -> &'static str { value[key].as_str().expect("text").to_owned().leak() };
    let list = report["passedOver"].as_array().expect("a list");
    list.iter().map(|passed| (text(passed, "file"), text(passed, "reason"))).collect()
}

const DOUBTFUL: &str = "\
apiVersion: v1
kind: Deployment
metadata: {name: wrong-group}
spec: {template: {spec: {containers: [{name: a, image: x, securityContext: {privileged: true}}]}}}
---
apiVersion: extensions/v1beta1
kind: Deployment
metadata: {name: old-group}
---
apiVersion: apps/v1
kind: daemonset
metadata: {name: lower-case}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: other-workload}
spec: {template: {spec: {containers: [{name: a, image: x, securityContext: {privileged: true}}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: more}
";

#[test]
fn kinds_that_are_not_judged_are_counted_and_named_where_in_doubt() {
    let dir = Dir::new("doubt", &[("all.yaml", DOUBTFUL), ("good.yaml", &good("good"))]);
    let ran = check(&dir, &["all.yaml", "good.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out);
    let report = check(&dir, &["-o", "json", "all.yaml"]).json();
    assert_eq!(report["withoutPod"], serde_json::json!([{"apiVersion": "v1", "kind": "ConfigMap", "count": 2}]));
    assert_eq!(report["summary"]["passedOver"], 6);
    assert_eq!(report["passedOver"][0]["line"], 1);
    assert_eq!(report["passedOver"][0]["name"], "wrong-group");
}

#[test]
fn nothing_judged_is_no_success_on_stdin() {
    let dir = Dir::new("nothing", &[("none.yaml", "apiVersion: v1\nkind: ConfigMap\n"), ("good.yaml", &good("good"))]);
    for stdin in [
        "",
        "# helm failed\n",
        "---\n---\n",
        "apiVersion: v1\nkind: ConfigMap\n",
        "apiVersion: v1\nkind: List\nitems: []\n",
    ] {
        let ran = check_with(&dir, &["-"], stdin);
        assert_eq!(ran.code, Some(2), "{stdin:?}: {ran:?}");
        assert!(ran.err.contains("error: -: nothing in it was judged"), "{ran:?}");
    }
    // An empty stdin is an error, whatever the other files hold.
    assert_eq!(check_with(&dir, &["good.yaml", "-"], "").code, Some(2));
    assert_eq!(check_with(&dir, &["-"], &good("a")).code, Some(0));
    assert_eq!(check_with(&dir, &["-"], &pod("a")).code, Some(1));

    assert_eq!(check(&dir, &["none.yaml"]).code, Some(0));
    let ran = check(&dir, &["--require-objects", "none.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("none.yaml: nothing was judged") && ran.out.contains("1 v1 ConfigMap"), "{ran:?}");
    assert_eq!(check(&dir, &["--require-objects", "none.yaml", "good.yaml"]).code, Some(0));
}

/// `<(...)` of a shell is the name of a pipe.
#[test]
fn a_pipe_is_read_once_and_is_as_good_as_stdin() {
    let none = "apiVersion: v1\nkind: ConfigMap\n";
    let dir =
        Dir::new("passed-over-pipe", &[("bad.yaml", &pod("bad")), ("none.yaml", none), ("policy/policy.yaml", POLICY)]);
    let check = |args: &str| {
        let line = format!("exec '{}' check --policy policy/policy.yaml {args}", env!("CARGO_BIN_EXE_podreeve"));
        let ran = std::process::Command::new("bash").args(["-c", &line]).current_dir(&dir.0).output().expect("bash");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        super::binary::Ran { code: ran.status.code(), out: text(ran.stdout), err: text(ran.stderr) }
    };
    let ran = check("<(cat bad.yaml)");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("denied: Pod default/bad") && !ran.out.contains("explain -f"), "{ran:?}");
    let ran = check("<(cat none.yaml)");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(": nothing in it was judged"), "{ran:?}");
    let ran = check("--fix --unsafe-fixes <(cat bad.yaml)");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains(": not edited: a pipe is not written; "), "{ran:?}");
    let ran = check("/dev/stdin < bad.yaml");
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[test]
fn a_fault_hides_no_other_document_and_no_other_file() {
    let broken = format!("{}---\na: [1\n---\n{}---\nspec: {{a: 1, a: 2}}\n---\n{}", pod("a"), pod("b"), pod("c"));
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- null\n- text\n- {{kind: Pod}}\n- {}\n",
        pod("d").replace('\n', "\n  ")
    );
    let dir = Dir::new("faults", &[("broken.yaml", &broken), ("list.yaml", &list), ("last.yaml", &pod("e"))]);
    dir.write("bytes.yaml", [0xff, 0xfe, 0]);
    let ran = check(&dir, &["-o", "json", "bytes.yaml", "nowhere.yaml", "broken.yaml", "list.yaml", "last.yaml"]);
    assert_eq!(ran.code, Some(1));
    let report = ran.json();
    assert_eq!(judged(&report), ["a", "b", "c", "d", "e"]);
    let errors: Vec<_> = report["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| {
            format!(
                "{}:{} {}",
                error["file"].as_str().expect("text"),
                error["line"],
                error["message"].as_str().expect("text")
            )
        })
        .collect();
    assert_eq!(errors.len(), 7, "{errors:#?}");
    for (error, says) in errors.iter().zip([
        "bytes.yaml:1 the file is UTF-16",
        "nowhere.yaml:null there is no such file",
        "broken.yaml:6 ",
        "broken.yaml:13 the key `a` is here twice",
        "list.yaml:4 this is null, not a Kubernetes object",
        "list.yaml:5 this is a string, not a Kubernetes object",
        "list.yaml:6 no `apiVersion`",
    ]) {
        assert!(error.starts_with(says), "{error} is not {says}");
    }
}

#[test]
fn policies_are_refused_for_every_document_that_is_wrong() {
    let policies = format!("{POLICY}---\na: [1\n---\n{}", POLICY.replace("privileged", "privilegd"));
    let dir = Dir::new("policies", &[("p.yaml", &policies), ("good.yaml", &good("a"))]);
    let ran = dir.run(&["check", "--policy", "p.yaml", "good.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("p.yaml:8:") && ran.err.contains("there is no rule `privilegd`"), "{}", ran.err);
}

#[test]
fn a_kind_that_needs_a_template_has_one() {
    let stray = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 1}\ntemplate: {spec: {containers: [{name: a, image: x}]}}\n";
    let null =
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec:\n  jobTemplate:\n    spec:\n      template:\n";
    let dir = Dir::new("template", &[("stray.yaml", stray), ("null.yaml", null), ("pod.yaml", &pod("a"))]);
    let ran = check(&dir, &["stray.yaml", "null.yaml", "pod.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("stray.yaml:4:1: Deployment d has no pod template at `spec.template`"), "{}", ran.err);
    assert!(ran.err.contains("there is one at `template.spec`"), "{}", ran.err);
    assert!(
        ran.err.contains("null.yaml:7:7: CronJob c has no pod template at `spec.jobTemplate.spec.template`"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("denied: Pod default/a, "), "{}", ran.out);
}

#[test]
fn what_belongs_to_other_tools_is_passed_over_by_name() {
    let dir = Dir::new(
        "tools",
        &[
            (
                "r/kustomize/kustomization.yaml",
                "resources: [pod.yaml]\npatches:\n- path: ../kustomize/patch.yaml\npatchesStrategicMerge: [old.yaml, pod.yaml]\n",
            ),
            ("r/kustomize/pod.yaml", &pod("kustomized")),
            (
                "r/kustomize/patch.yaml",
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 3}\n",
            ),
            (
                "r/kustomize/old.yaml",
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 3}\n",
            ),
            ("r/kustomize/json6902.yaml", "- {op: replace, path: /spec/replicas, value: 1}\n"),
            ("r/component/kustomization.yml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"),
            ("r/chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n"),
            ("r/chart/values.yaml", "image: x\n"),
            ("r/chart/values-prod.yml", "image: y\n"),
            ("r/chart/templates/pod.yaml", "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\n{{- end }}\n"),
            ("r/chart/templates/readable.yaml", &pod("\"{{ .Release.Name }}\"")),
            ("r/chart/templates/static.yaml", &pod("static")),
            ("r/jinja.yaml", "kind: {{ kind }}\n"),
            ("r/docker-compose.yml", "services: {web: {image: x}}\n"),
            ("r/stack.yaml", "services: {web: {image: x}}\n"),
            ("r/ci/build.yaml", "on: push\njobs: {build: {steps: []}}\n"),
            ("r/.gitlab-ci.yml", "build: {script: make}\n"),
            ("r/package.json", "{\"name\": \"x\"}"),
            ("r/playbook.yml", "- hosts: all\n"),
            ("r/.git/config.yaml", "a: [\n"),
            ("r/.github/workflows/ci.yaml", "a: [\n"),
            ("r/web/node_modules/x/package.json", "{"),
            ("r/in-quotes.yaml", &pod("\"{{ name }}\"")),
        ],
    );
    let ran = check(&dir, &["-o", "json", "-R", "r"]);
    let report = ran.json();
    assert_eq!(report["errors"], serde_json::json!([]), "{report:#}");
    assert_eq!(ran.code, Some(1));
    // A template of a chart without braces is YAML, and so is a quoted name outside a chart.
    assert_eq!(judged(&report), ["static", "{{ name }}", "kustomized"]);
    let passed = passed(&report);
    for (file, says) in [
        (
            "r/kustomize/kustomization.yaml",
            "a kustomization; to judge what it makes, run kubectl kustomize r/kustomize | podreeve check -",
        ),
        ("r/kustomize/patch.yaml", "a patch of r/kustomize/kustomization.yaml; "),
        ("r/kustomize/old.yaml", "a patch of r/kustomize/kustomization.yaml; "),
        ("r/kustomize/json6902.yaml", "a JSON patch; "),
        ("r/component/kustomization.yml", "kubectl kustomize r/component | podreeve check -"),
        ("r/chart/Chart.yaml", "run helm template r/chart | podreeve check -"),
        ("r/chart/values.yaml", "values of a chart; "),
        ("r/chart/values-prod.yml", "values of a chart; "),
        (
            "r/chart/templates/pod.yaml",
            "a template (`{{`); to judge what it makes, run helm template r/chart | podreeve check -",
        ),
        ("r/chart/templates/readable.yaml", "a template (`{{`); "),
        ("r/jinja.yaml", "a template (`{{`); "),
        ("r/docker-compose.yml", "a Compose file; "),
        ("r/stack.yaml", "a Compose file; "),
        ("r/ci/build.yaml", "a workflow; "),
        ("r/.gitlab-ci.yml", "a workflow; "),
        ("r/package.json", "a tool's file; "),
        ("r/playbook.yml", "an Ansible playbook; "),
    ] {
        assert!(passed.iter().any(|(name, reason)| *name == file && reason.contains(says)), "{file}: {passed:#?}");
    }
    assert_eq!(passed.len(), 17, "{passed:#?}");
    // A directory that is named on the command line is walked, whatever its name.
    assert_eq!(check(&dir, &["-R", "r/.git"]).code, Some(2));
    // A name alone is no reason to skip a file: kubectl would create this object.
    dir.write("values.yaml", pod("b"));
    dir.write("docker-compose.yml", pod("c"));
    assert_eq!(judged(&check(&dir, &["-o", "json", "values.yaml", "docker-compose.yml"]).json()), ["b", "c"]);
    // kubectl reads a duplicate key, with or without braces.
    dir.write("twice.yaml", pod("d").replace("metadata:", "x: '{{'\nx: 1\nmetadata:"));
    assert_eq!(check(&dir, &["twice.yaml"]).code, Some(2));
}

#[test]
fn files_are_left_out_by_pattern() {
    let dir = Dir::new(
        "exclude",
        &[
            ("m/a.yaml", &pod("a")),
            ("m/b.test.yaml", &pod("b")),
            ("m/deep/c.yaml", &pod("c")),
            ("m/deep/er/d.yaml", &pod("d")),
        ],
    );
    for (excludes, left) in [
        (&["*.test.yaml"][..], &["a", "c", "d"][..]),
        (&["deep"], &["a", "b"]),
        (&["m/deep/*.yaml"], &["a", "b", "d"]),
        (&["m/deep/**"], &["a", "b"]),
        (&["./m/deep", "a.yaml"], &["b"]),
        (&["deep/*"], &["a", "b", "c", "d"]),
    ] {
        let flags: Vec<String> = excludes.iter().map(|pattern| format!("--exclude={pattern}")).collect();
        let args: Vec<&str> = ["-o", "json", "-R", "m"].into_iter().chain(flags.iter().map(String::as_str)).collect();
        assert_eq!(judged(&check(&dir, &args).json()), left, "{excludes:?}");
    }
    assert_eq!(judged(&check(&dir, &["-o", "json", "--exclude=a.*", "m/a.yaml", "m/b.test.yaml"]).json()), ["b"]);
    assert_eq!(check(&dir, &["--exclude=[", "m"]).code, Some(2));
}

#[test]
fn a_link_that_leads_nowhere_is_a_line() {
    let dir = Dir::new("passed-over-links", &[("m/z.yaml", &pod("z")), ("other/w.yaml", &pod("w"))]);
    symlink("nowhere", dir.0.join("m/a.yaml")).expect("a link");
    symlink("../other", dir.0.join("m/b.yaml")).expect("a link");
    symlink("../other/w.yaml", dir.0.join("m/c.yaml")).expect("a link");
    // Nothing writes into the pipe, so a read would never return.
    let made = std::process::Command::new("mkfifo").arg(dir.0.join("m/d.yaml")).status().expect("mkfifo");
    assert!(made.success());
    let ran = check(&dir, &["-o", "json", "-R", "m"]);
    let report = ran.json();
    assert_eq!((ran.code, judged(&report)), (Some(1), vec!["w", "z"]), "{report:#}");
    assert_eq!(
        passed(&report),
        [
            ("m/a.yaml", "a link to a file that does not exist"),
            ("m/b.yaml", "a link to a directory, which is not followed; name the directory")
        ]
    );
    // A file that is named on the command line is read.
    assert_eq!(check(&dir, &["m/a.yaml"]).code, Some(2));
}
