//! A verdict says what was judged: no image, Dockerfile or node is admitted by policies that have no rule about it.

use super::binary::Dir;
use super::built::{Image, Tar};
use serde_json::json;

const POLICY: &str = "pss-restricted";

#[test]
fn an_image_that_no_rule_judges_is_not_admitted() {
    let dir = Dir::new("verdicts-image", &[]);
    let image = Image::new("amd64", &json!({"User": "1000"})).layer("COPY app /", Tar::default().program("app"));
    dir.write("web.tar", image.docker_save("shop/web:1"));
    let ran = dir.run(&["image", "web.tar", "--policy", POLICY]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.starts_with("error: web.tar: not judged: no rule of the policies judges images"), "{}", ran.err);
    assert!(ran.out.contains("\nnot judged: no rule of the policies") && !ran.out.contains("admits"), "{}", ran.out);
    let report = |format: &str| dir.run(&["image", "web.tar", "--policy", POLICY, "-o", format]);
    let json = report("json");
    assert_eq!((json.code, &json.json()["summary"]["rules"]), (Some(2), &json!(0)), "{json:?}");
    let (html, junit) = (report("html").out, report("junit").out);
    assert!(html.contains("not judged") && !html.contains("admits"), "{html}");
    assert!(junit.contains("tests=\"0\""), "{junit}");
    let ran = dir.run(&["image", "web.tar", "--policy", POLICY, "--policy", "owasp"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_file_that_no_rule_judges_does_not_pass_where_it_is_named() {
    let files = [
        ("Dockerfile", "FROM debian:13\nUSER 1\n"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"),
        (
            "p/files.yaml",
            "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec: {rules: {dockerfile-user: {action: deny}}}\n",
        ),
    ];
    let dir = Dir::new("verdicts-dockerfile", &files);
    for (policy, named, what) in [
        (POLICY, &["Dockerfile"][..], "Dockerfiles"),
        (POLICY, &["-f", "Dockerfile"], "Dockerfiles"),
        (POLICY, &["--dockerfile", "Dockerfile"], "Dockerfiles"),
        (POLICY, &["Dockerfile", "pod.yaml"], "Dockerfiles"),
        ("p/files.yaml", &["-f", "pod.yaml"], "pods"),
    ] {
        let ran = dir.run(&[&["check", "--policy", policy][..], named].concat());
        assert!(ran.code.is_some_and(|code| code > 0), "{named:?}: {ran:?}");
        let says = format!(": not judged: no rule of the policies judges {what}; `--policy owasp` has such rules");
        assert!(ran.err.contains(&says), "{named:?}: {ran:?}");
    }
    let ran = dir.run(&["owasp", "--policy", POLICY, "Dockerfile"]);
    assert!(ran.code == Some(2) && ran.err.contains(": not judged: no rule of the policies judges Dock"), "{ran:?}");
    // In a folder it gets a word.
    let ran = dir.run(&["check", "--policy", "p/files.yaml", "."]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("  ./pod.yaml  no rule of the policies judges pods"), "{}", ran.out);
    std::fs::remove_file(dir.0.join("pod.yaml")).expect("removed");
    let ran = dir.run(&["check", "--policy", POLICY, "."]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("  ./Dockerfile  no rule of the policies judges Dockerfiles"), "{}", ran.out);
    assert!(ran.out.ends_with("0 objects; 1 passed over\n"), "{}", ran.out);
    assert_eq!(dir.run(&["check", "--policy", POLICY, "--require-objects", "."]).code, Some(2));
    let piped = dir.run_with(&["check", "--policy", POLICY, "--dockerfile", "-"], "FROM debian:13\n");
    assert!(piped.code == Some(2) && piped.err.contains("no rule of the policies judges Dockerfiles"), "{piped:?}");
}

#[test]
fn a_node_that_no_rule_judges_does_not_pass() {
    let dir = Dir::new("verdicts-node", &[]);
    let ran = dir.run(&["node", "--root", ".", "--policy", POLICY]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("nothing was judged: no rule of the policies judges nodes"), "{}", ran.err);
}

/// An image with these fields and six programs with setuid, as an archive.
fn with_setuid(run: &serde_json::Value) -> Image {
    let programs = ["chfn", "chsh", "gpasswd", "mount", "passwd", "su"];
    let layer = programs.iter().fold(Tar::default().folder("var/lib/db"), |tar, name| {
        tar.file_with_mode(&format!("usr/bin/{name}"), 0o4755, *name)
    });
    Image::new("amd64", run).created("1970-01-01T00:00:00Z").layer("ADD rootfs.tar /", layer)
}

#[test]
fn the_text_of_an_image_says_what_to_do_and_like_things_once() {
    let dir = Dir::new("verdicts-text", &[]);
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";
    let long = "srv/application/configuration/certificates/production/server.example.com/tls/private/server.pem";
    let image = with_setuid(&json!({"User": "app"})).layer("COPY a /", Tar::default().file(long, key));
    dir.write("web.tar", image.docker_save("shop/web:1"));
    let text = dir.run(&["image", "web.tar"]).out;
    assert!(text.contains("layers[0]/usr/bin/chfn: found setuid") && !text.contains("layers[0]/usr/bin/su:"), "{text}");
    assert!(text.contains("\n  and 5 more like this (--all shows them)\n"), "{text}");
    assert!(text.contains("\n  to do: name the number of a user of its own"), "{text}");
    assert!(text.contains("\n  to do: replace the secret"), "{text}");
    assert!(text.contains("a name is root, and starts no such container") && !text.contains("breaks out"), "{text}");
    assert!(text.contains(&format!("layers[1]/{long} a private key")), "{text}");
    assert!(!text.contains("built 1970"), "{text}");
    let all = dir.run(&["image", "web.tar", "--all"]).out;
    assert!(all.contains("layers[0]/usr/bin/su: found setuid") && !all.contains("more like this"), "{all}");
}

#[test]
fn the_verdict_is_on_stderr_where_all_reports_go_to_files() {
    let dir = Dir::new("verdicts-stderr", &[("Dockerfile", "FROM debian:13\n"), ("a.txt", "")]);
    dir.write("web.tar", with_setuid(&json!({"User": "1000"})).docker_save("shop/web:1"));
    let ran = dir.run(&["image", "web.tar", "-o", "sarif=a.sarif"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.err, "note: web.tar: podreeve admits this image, with warnings: 0 denied, 6 warned, 0 for audit\n");
    let ran = dir.run(&["check", "Dockerfile", "-o", "json=a.json", "-o", "sarif=a.sarif"]);
    assert_eq!(ran.err, "note: 1 object: 0 denied, 0 repaired, 1 with warnings, 0 admitted\n", "{ran:?}");
    assert_eq!(dir.run(&["check", "Dockerfile", "-o", "json=a.json", "-o", "text"]).err, "");
    let ran = dir.run(&["node", "--root", ".", "--name", "n1", "-o", "json=a.json"]);
    assert!(ran.err.starts_with("note: node n1: ") && ran.err.contains(" failed ("), "{ran:?}");
}

#[test]
fn a_full_disk_is_no_fault_of_podreeve() {
    let dir = Dir::new("verdicts-full", &[("Dockerfile", "FROM debian:13\n")]);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let output = dir.command(&["check", "Dockerfile"]).stdout(full).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.starts_with("error: stdout cannot be written: "), "{error}");
}

#[test]
fn the_command_that_shows_the_edit_knows_the_image() {
    let dir = Dir::new("verdicts-explain", &[]);
    let run = json!({"User": "1000", "Volumes": {"/var/lib/db": {}}, "Env": ["DB_PASSWORD=hunter2hunter2"]});
    dir.write("db.tar", with_setuid(&run).docker_save("shop/db:1"));
    let name = "registry.example.com/shop/db:1";
    dir.run(&["image", "db.tar", "--as", name, "--facts", "my facts.json"]);
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: db}}\nspec: {{containers: [{{name: db, image: \"{name}\"}}]}}\n"
    );
    dir.write("db.yaml", pod);
    let ran = dir.run(&["check", "db.yaml", "--image-facts", "my facts.json"]);
    let command = "podreeve explain --image-facts 'my facts.json' -f db.yaml";
    assert!(ran.out.contains(&format!("\nTo see the edit: {command}\n")), "{}", ran.out);
    let diff = dir.run(&["check", "db.yaml", "--image-facts", "my facts.json", "--diff"]).out;
    assert!(!diff.contains("To see the edit"), "{diff}");
    let explained = dir.run(&["explain", "--image-facts", "my facts.json", "-f", "db.yaml"]).out;
    for text in [&diff, &explained] {
        assert!(text.contains("image-secrets") && !text.contains("runAsUser"), "{text}");
        assert!(
            text.contains(
                "goes with the pod: for data that must stay, as on /var/lib/db, mount a PersistentVolumeClaim"
            ),
            "{text}"
        );
        assert!(text.contains("64Mi is an example"), "{text}");
    }
}

#[test]
fn a_dockerfile_with_faults_is_not_admitted() {
    let files = [
        ("one/Dockerfile", "FROM debian:13\nUSER 1\nRUM a\nRUM b\n"),
        ("two/Dockerfile.m4", "include(`base.m4')\ndefine(`A', `B')\nFROM debian:13\n"),
        ("three/bad.Dockerfile", "FRM debian:13\n"),
    ];
    let dir = Dir::new("verdicts-faults", &files);
    let ran = dir.run(&["check", "-R", "."]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains("one/Dockerfile:3:") && ran.err.contains("; and 1 error in other lines"), "{}", ran.err);
    assert!(ran.out.ends_with("0 objects; 2 passed over; 1 could not be read, see the errors\n"), "{}", ran.out);
    // A person who names a file means it.
    let named = dir.run(&["check", "three/bad.Dockerfile"]);
    assert!(named.code == Some(2) && named.err.contains("three/bad.Dockerfile:1:"), "{named:?}");
}

#[test]
fn commands_for_pods_say_which_one_is_for_dockerfiles() {
    let dir = Dir::new("verdicts-commands", &[("Dockerfile", "FROM debian:13\n")]);
    let explain = dir.run(&["explain", "-f", "Dockerfile"]);
    assert!(
        explain.code == Some(2) && explain.err.contains("`podreeve check Dockerfile --diff` shows its edit"),
        "{explain:?}"
    );
    let exempt = dir.run(&["exempt", "Dockerfile", "--reason", "r", "--until", "never"]);
    assert!(
        exempt.code == Some(2) && exempt.err.contains("exemptions are for pods; `podreeve check --write-baseline"),
        "{exempt:?}"
    );
    let image = dir.run(&["image", "x.tar", "--min-severity", "high"]);
    assert!(image.err.contains("tip: only `podreeve check` has this option"), "{}", image.err);
}

#[test]
fn the_table_has_a_row_for_each_severity_and_snippets_end_with_their_text() {
    let text = "FROM debian:13\nENV DB_PASSWORD=hunter2hunter2\nARG NPM_TOKEN\nCOPY . .\nRUN npm ci\n";
    let dir = Dir::new("verdicts-table", &[("Dockerfile", text)]);
    let ran = dir.run(&["check", "Dockerfile"]);
    let rows: Vec<&str> = ran.out.lines().filter(|line| line.ends_with("  dockerfile-secrets")).collect();
    assert_eq!(
        rows,
        ["      1  critical  denied     dockerfile-secrets", "      1  medium    denied     dockerfile-secrets"],
        "{}",
        ran.out
    );
    let snippet = dir.run(&["check", "Dockerfile", "--snippet"]).out;
    assert!(snippet.contains("COPY . .") && snippet.lines().all(|line| !line.ends_with(' ')), "{snippet}");
}
