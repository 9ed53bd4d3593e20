//! `podreeve node`: a root on disk in all formats, dumps, exemptions, exit codes, and what nobody can read.

use super::binary::{Dir, Ran};
use super::json_schema::validate;
use super::xsd;
use serde_json::{Value, json};
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Command;

const UNIT: &str = "[Service]\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375\n";
const SOCKET: &str = "[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";

/// An image of a disk with a docker that does not run.
fn disk(name: &str, daemon: &str) -> Dir {
    let dir = Dir::new(
        name,
        &[
            ("root/etc/hostname", "web-1\n"),
            ("root/etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"),
            ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
            ("root/etc/group", "docker:x:101:\n"),
            ("root/usr/lib/systemd/system/docker.service", UNIT),
            ("root/usr/lib/systemd/system/docker.socket", SOCKET),
            ("root/etc/docker/certs.d/r.example.com/client.key", KEY),
        ],
    );
    if !daemon.is_empty() {
        dir.write("root/etc/docker/daemon.json", daemon);
    }
    dir
}

fn report(ran: &Ran) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../docs/node-report.schema.json")).expect("JSON");
    let report = ran.json();
    validate(&schema, &schema, &report, "").expect("the report fits");
    report
}

fn results<'r>(report: &'r Value, rule: &'r str) -> Vec<(&'r str, &'r str)> {
    let results = report["results"].as_array().expect("a list").iter().filter(|result| result["rule"] == rule);
    let text = |result: &'r Value, key: &str| result[key].as_str().expect("a text");
    results.map(|result| (text(result, "verdict"), text(result, "subject"))).collect()
}

#[test]
fn every_format_has_the_failures() {
    let dir = disk("node-formats", "{\"icc\": false}\n");
    let ran = dir.run(&["node", "--root", "root", "-o", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{ran:?}");
    let report = report(&ran);
    assert_eq!((&report["kind"], &report["node"]), (&json!("NodeReport"), &json!("web-1")));
    assert!(results(&report, "node-tls").contains(&("fail", "dockerd: tcp://0.0.0.0:2375")), "{report:#}");
    assert!(results(&report, "node-network").contains(&("pass", "dockerd: icc")), "{report:#}");
    let summary = &report["summary"];
    assert_eq!(summary["fail"], summary["denied"]);
    let all = report["results"].as_array().map(Vec::len);
    let counted = ["pass", "fail", "notApplicable", "unknown"].map(|key| summary[key].as_u64().expect("a number"));
    assert_eq!(all.map(|all| all as u64), Some(counted.iter().sum()));

    let text = dir.run(&["node", "--root", "root"]);
    let (tls, network) = (text.out.find("\nnode-tls:"), text.out.find("\nnode-network:"));
    assert!(tls.is_some() && tls < network, "the worst rule is first: {}", text.out);
    assert!(text.out.contains("fix: remove -H tcp://0.0.0.0:2375"), "{}", text.out);
    assert!(!text.out.contains("  pass"), "{}", text.out);
    let place = "Paths and commands are for the host whose files are in root: run them there, or in `chroot root`.";
    assert_eq!(text.out.matches(place).count(), 1, "{}", text.out);
    assert!(dir.run(&["node", "--root", "root", "--all"]).out.contains("  pass"));

    let files = [
        "-o",
        "sarif=n.sarif",
        "-o",
        "junit=n.xml",
        "-o",
        "html=n.html",
        "-o",
        "gitlab=n.json",
        "-o",
        "markdown=n.md",
        "-o",
        "github",
    ];
    let ran = dir.run(&[&["node", "--root", "root"], &files[..]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let read = |name: &str| std::fs::read_to_string(dir.0.join(name)).expect("written");
    for (name, text) in [
        ("github", ran.out.clone()),
        ("sarif", read("n.sarif")),
        ("html", read("n.html")),
        ("gitlab", read("n.json")),
        ("markdown", read("n.md")),
    ] {
        assert!(text.contains("0.0.0.0:2375") && text.contains("node-tls"), "{name}: {text}");
        assert!(!text.contains("abcdefghij"), "{name} has a key");
    }
    let sarif: Value = serde_json::from_str(&read("n.sarif")).expect("JSON");
    // The published pattern of `language` has a bracket too many, which not every reader of patterns takes.
    let schema = include_str!("../schemas/sarif-2.1.0.json").replace("{2}]?$", "{2}?$");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    let faults: Vec<String> =
        validator.iter_errors(&sarif).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let uris = sarif["runs"][0]["results"].as_array().expect("a list").iter();
    let mut uris =
        uris.map(|one| one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a URI"));
    assert!(uris.any(|uri| uri == "file:///etc/docker/certs.d/r.example.com/client.key"), "{sarif:#}");
    assert_eq!(xsd::faults(include_str!("../schemas/junit.xsd"), &read("n.xml")), [""; 0]);
}

#[test]
fn a_dump_is_judged_elsewhere() {
    let dir = disk("node-dump", "");
    let dumped = dir.run(&["node", "--root", "root", "--dump", "host.json"]);
    assert_eq!((dumped.code, dumped.out.as_str()), (Some(0), ""), "{dumped:?}");
    let text = std::fs::read_to_string(dir.0.join("host.json")).expect("written");
    assert!(!text.contains("abcdefghij"), "it has no contents of keys");
    let of = |args: &[&str]| {
        let mut report = dir.run(&[&["node", "-o", "json"], args].concat()).json();
        report["taken"].take();
        report
    };
    assert_eq!(of(&["--from", "host.json"]), of(&["--root", "root"]));
    let broken = dir.run(&["node", "--from", "root/etc/passwd"]);
    assert_eq!(broken.code, Some(2));
    assert!(broken.err.contains("root/etc/passwd: is no JSON object"), "{}", broken.err);
    let nowhere = dir.run(&["node", "--root", "nowhere"]);
    assert!(nowhere.code == Some(2) && nowhere.err.contains("--root nowhere: cannot be opened"), "{nowhere:?}");
}

#[test]
fn exemptions_and_exit_codes() {
    let dir = disk("node-exempt", "");
    dir.write(
        "own.yaml",
        "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: own}\nspec:\n  rules: {node-tls: {action: deny}, node-lsm: {action: deny}}\n  \
         nodeExemptions:\n  - rules: [node-tls]\n    nodeSelector: {matchLabels: {pool: build}}\n    subjects: ['dockerd: tcp://0.0.0.0:2375']\n    \
         reason: the builders' network is closed\n    until: 2999-12-31\n",
    );
    let run = |more: &[&str]| dir.run(&[&["node", "--root", "root", "--policy", "own.yaml"], more].concat());
    assert_eq!(run(&[]).code, Some(1));
    let exempt = run(&["--label", "pool=build", "--all"]);
    assert_eq!(exempt.code, Some(0), "{exempt:?}");
    assert!(exempt.out.contains("exempt: the builders' network is closed, until 2999-12-31"), "{}", exempt.out);
    // The disk has no kernel, so nothing is known of its security modules.
    assert_eq!(run(&["--label", "pool=build", "--strict"]).code, Some(2));
    assert_eq!(run(&["--strict"]).code, Some(1), "a failure comes first");
    assert_eq!(run(&["--mode", "warn"]).code, Some(0));
    assert_eq!(run(&["--mode", "warn", "--warnings-as-errors"]).code, Some(1));
    let wrong = run(&["--label", "pool"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("KEY=VALUE"), "{wrong:?}");
}

/// Every rule that asks the settings of docker says that it does not know them.
#[test]
fn what_nobody_can_read_is_unknown() {
    type Make = fn(&std::path::Path);
    let cases: [(&str, Make, &str); 6] = [
        (
            "fifo",
            |path| assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success()),
            "it is no regular file",
        ),
        (
            "huge",
            |path| File::create(path).expect("a file").set_len(1 << 30).expect("sparse"),
            "is larger than podreeve reads",
        ),
        ("loop", |path| symlink("daemon.json", path).expect("a link"), "is a circle of links"),
        ("folder", |path| std::fs::create_dir(path).expect("a folder"), "it is no regular file"),
        ("garbage", |path| std::fs::write(path, [0x80, 0, 0xff, 0x7b]).expect("written"), "this is no JSON"),
        ("deep", |path| std::fs::write(path, "[".repeat(1 << 20)).expect("written"), "this is no JSON"),
    ];
    for (name, make, says) in cases {
        let dir = disk(&format!("node-bad-{name}"), "");
        make(&dir.0.join("root/etc/docker/daemon.json"));
        let ran = dir.run(&["node", "--root", "root", "-o", "json"]);
        let report = report(&ran);
        for rule in ["node-tls", "node-network", "node-user-namespaces", "node-experimental"] {
            let found = report["results"].as_array().expect("a list").iter().find(|result| result["rule"] == rule);
            let found = found.unwrap_or_else(|| panic!("{name}: no {rule}"));
            assert_eq!(found["verdict"], "unknown", "{name} {rule}: {found:#}");
            assert!(found["found"].as_str().is_some_and(|text| text.contains(says)), "{name} {rule}: {found:#}");
        }
    }
}

/// A file of a megabyte with a hundred thousand keys is read in one pass. Read anew for each key, each of these would take minutes.
#[test]
fn files_with_very_many_keys() {
    let dir = disk("node-wide", "");
    let each = |key: fn(usize) -> String| (0..100_000).map(key).collect::<String>();
    dir.write("root/etc/docker/daemon.json", format!("{{{}\n\"icc\": false}}", each(|n| format!("\"k{n}\": 1,\n"))));
    dir.write("root/usr/lib/systemd/system/containerd.service", "[Service]\nExecStart=/usr/bin/containerd\n");
    dir.write("root/etc/containerd/config.toml", each(|n| format!("k{n}=1\n")));
    dir.write(
        "root/usr/lib/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet --config=/k.yaml\n",
    );
    dir.write(
        "root/k.yaml",
        format!(
            "kind: KubeletConfiguration\n{}",
            each(|n| format!("k{n}: {}\n", if n % 2 == 0 { "1" } else { "null" }))
        ),
    );
    dir.write("root/etc/audit/audit.rules", each(|n| format!("-w /{n}\n")));
    dir.write("root/usr/lib/systemd/system/docker.socket", each(|n| format!("A{n}=1\nB=\n")));
    let report = report(&dir.run(&["node", "--root", "root", "-o", "json"]));
    let found = results(&report, "node-tls");
    let why = "/usr/lib/systemd/system/docker.socket has more lines than podreeve reads";
    assert!(found.contains(&("unknown", "dockerd")) && report.to_string().contains(why), "{found:?}");
    assert!(found.contains(&("pass", "containerd: TCP")), "{found:?}");
}

/// The host that runs the tests: it has processes that come and go while they are read.
#[test]
fn the_host_of_this_test_is_read() {
    let dir = Dir::new("node-self", &[]);
    let mut busy = Command::new("sh").args(["-c", "while :; do /bin/true; done"]).spawn().expect("a shell");
    let ran = dir.run(&["node", "-o", "json"]);
    busy.kill().expect("it runs");
    busy.wait().expect("it ends");
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
    let report = report(&ran);
    assert!(report["results"].as_array().is_some_and(|results| results.len() > 10), "{report:#}");
}

/// In a user namespace of its own, where root is root of nothing else; none where this machine does not allow that.
fn run_apart(dir: &Dir, args: &[&str]) -> Option<Value> {
    let apart = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["-r", program]).current_dir(&dir.0);
        command
    };
    if !apart("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine has no user namespaces");
        return None;
    }
    let output = apart(env!("CARGO_BIN_EXE_podreeve")).args(args).output().expect("it runs");
    Some(serde_json::from_slice(&output.stdout).expect("a report"))
}

/// The owners that podreeve sees there are not those of the host, whatever `/proc` the root has.
#[test]
fn owners_in_a_user_namespace_are_unknown() {
    let dir = disk("node-apart", "{}");
    let Some(report) = run_apart(&dir, &["node", "--root", "root", "-o", "json"]) else { return };
    let found = results(&report, "node-files");
    assert!(found.contains(&("unknown", "/etc/docker/daemon.json")), "{found:?}");
    assert!(!found.iter().any(|(verdict, _)| matches!(*verdict, "pass" | "fail")), "{found:?}");
}

/// What root of another namespace may not read could set anything.
#[test]
fn a_folder_that_may_not_be_read_is_no_pass() {
    let dir = disk("node-unread", "");
    dir.write(
        "root/usr/lib/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet --config=/k.yaml --config-dir=/etc/kubelet.d\n",
    );
    dir.write("root/k.yaml", "kind: KubeletConfiguration\n");
    dir.write("root/etc/kubelet.d/10.conf", "kind: KubeletConfiguration\nreadOnlyPort: 10255\n");
    dir.write("root/usr/lib/systemd/system/containerd.service", "[Service]\nExecStart=/usr/bin/containerd\n");
    dir.write("root/etc/containerd/config.toml", "version = 3\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n");
    dir.write("root/etc/containerd/conf.d/a.toml", "version = 3\n[grpc]\ntcp_address = \"0.0.0.0:1\"\n");
    dir.write("root/usr/lib/systemd/system/crio.service", "[Service]\nExecStart=/usr/bin/crio\n");
    dir.write("root/etc/crio/crio.conf.d/a", "[crio.api]\nstream_address = \"0.0.0.0\"\n");
    for folder in ["etc/kubelet.d", "etc/containerd/conf.d", "etc/crio/crio.conf.d"] {
        let folder = dir.0.join("root").join(folder);
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("closed");
        if chown(&folder, Some(1000), Some(1000)).is_err() {
            eprintln!("skipped: another owner takes root");
            return;
        }
    }
    let Some(report) = run_apart(&dir, &["node", "--root", "root", "-o", "json"]) else { return };
    for (rule, subject) in [("node-authorization", "kubelet"), ("node-tls", "containerd"), ("node-tls", "crio")] {
        let found = results(&report, rule);
        let ours: Vec<_> = found.iter().filter(|(_, name)| name.starts_with(subject)).collect();
        assert_eq!(ours, [&("unknown", subject)], "{rule}: {found:?}");
    }
}

/// What can take minutes is not done for a report that has no place.
#[test]
fn a_report_that_cannot_be_written_is_found_before_the_host_is_read() {
    let dir = Dir::new("node-outputs", &[("old.json", "old")]);
    let ran = dir.run(&["node", "--from", "nowhere.json", "-o", "json=none/a.json"]);
    assert!(ran.code == Some(2) && ran.err.starts_with("error: none/a.json: cannot be written"), "{ran:?}");
    let ran = dir.run(&["node", "--from", "nowhere.json", "-o", "json=old.json"]);
    assert!(ran.code == Some(2) && ran.err.starts_with("error: nowhere.json"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(dir.0.join("old.json")).expect("kept"), "old");
}
