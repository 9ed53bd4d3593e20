//! Images that hide something at the end of what podreeve lists: it is found, or the report says what was not read.

use super::binary::{Dir, Ran};
use super::built::{Image, Tar};
use super::json_schema::validate;
use serde_json::{Value, json};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";

const DENY: &str = "apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: own}
spec:
  rules:
    image-secrets: {action: deny, params: {allow: ['/allowed/**']}}
    image-setuid: {action: deny}
    image-unverified-packages: {action: deny}
    image-packages: {action: deny, params: {managers: false}}
";

fn read(name: &str, image: &Image) -> (Ran, Value) {
    let dir = Dir::new(&format!("image-gaps-{name}"), &[("own.yaml", DENY)]);
    dir.write("a.tar", image.docker_save("a:1"));
    let ran = dir.run(&["image", "a.tar", "--policy", "own.yaml", "-o", "json", "-o", "sarif=a.sarif"]);
    let schema: Value = serde_json::from_str(include_str!("../../docs/image-report.schema.json")).expect("JSON");
    let report = ran.json();
    validate(&schema, &schema, &report, "").expect("the report fits");
    let sarif: Value = serde_json::from_slice(&std::fs::read(dir.0.join("a.sarif")).expect("read")).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().map_or(0, Vec::len);
    let of = |effect: &str| report["summary"][effect].as_u64().and_then(|count| usize::try_from(count).ok());
    assert_eq!(Some(results), of("denied").zip(of("warned")).map(|(denied, warned)| denied + warned), "{report}");
    (ran, report)
}

fn violations(report: &Value) -> Vec<String> {
    let text = |one: &Value, key: &str| one[key].as_str().expect("text").to_owned();
    let all = report["violations"].as_array().expect("a list").iter();
    all.map(|one| {
        format!("{} {} {}: {}", text(one, "effect"), text(one, "rule"), text(one, "place"), text(one, "found"))
    })
    .collect()
}

#[test]
fn the_end_of_a_long_text_is_searched() {
    let long = "a".repeat(100_000);
    let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let env = [format!("PATH=/bin:/{long}"), format!("FLAGS={long} --header=https://jane:hunter2@example.com/")];
    let image = Image::new("amd64", &json!({"User": "1", "Env": env}))
        .layer(
            &format!("RUN /bin/sh -c echo {long} && curl -k https://example.com/a -o a"),
            Tar::default().program("a"),
        )
        .empty_step(&format!("RUN /bin/sh -c echo {long} {token}"));
    let (ran, report) = read("long", &image);
    assert_eq!((ran.code, &report["summary"]["gaps"]), (Some(1), &json!(0)), "{:?}", violations(&report));
    let places: Vec<String> =
        violations(&report).iter().map(|line| line.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(
        places,
        [
            "deny image-secrets config.Env[FLAGS]",
            "deny image-secrets history[1]",
            "deny image-unverified-packages history[0]"
        ]
    );
    assert!(!ran.out.contains("hunter2") && !ran.out.contains(token));
}

#[test]
fn what_is_behind_a_full_list_is_a_warning() {
    let mut env: Vec<String> = (0..1000).map(|number| format!("A{number}=b")).collect();
    env.push("DB_PASSWORD=hunter2hunter2".to_owned());
    let env = Image::new("amd64", &json!({"User": "1", "Env": env})).layer("", Tar::default().program("a"));
    let keys = (0..1000).fold(Tar::default(), |tar, number| tar.file(&format!("allowed/{number}"), KEY));
    let keys = Image::new("amd64", &json!({"User": "1"})).layer("", keys.file("root/key.pem", KEY));
    let capability: &[u8] = &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let capable = |tar: Tar, path: &str| tar.pax(&[("SCHILY.xattr.security.capability", capability)]).program(path);
    let files = (0..1000).fold(Tar::default(), |tar, number| capable(tar, &format!("opt/{number}")));
    let files = Image::new("amd64", &json!({"User": "1"}))
        .layer("", capable(files, "usr/bin/evil"))
        .layer("", Tar::default().file(".wh.opt", ""));
    for (name, image, says) in [
        (
            "env",
            env,
            "warn image-secrets image: not all of it was read: variables, programs: there are more than podreeve lists",
        ),
        ("keys", keys, "warn image-secrets image: not all of it was read: secrets: there are more than podreeve lists"),
        (
            "capabilities",
            files,
            "warn image-setuid image: not all of it was read: files with setuid or capabilities: there are more than podreeve lists",
        ),
    ] {
        let (ran, report) = read(name, &image);
        assert_eq!((ran.code, &report["summary"]["gaps"]), (Some(0), &json!(1)), "{name}");
        assert_eq!(violations(&report), [says], "{name}");
    }
}

/// Files without a fault take no room from those that a rule needs.
#[test]
fn many_settings_hide_no_package_and_no_other_setting() {
    let many =
        (0..4100).fold(Tar::default(), |tar, number| tar.file(&format!("etc/apt/apt.conf.d/{number}"), "a \"b\";\n"));
    let layer = many
        .file("etc/apt/sources.list", "deb [trusted=yes] http://example.com a b\n")
        .file("var/lib/dpkg/status", "Package: nmap\nStatus: install ok installed\nVersion: 7\n");
    let (ran, report) = read("settings", &Image::new("amd64", &json!({"User": "1"})).layer("", layer));
    assert_eq!((ran.code, &report["summary"]["gaps"]), (Some(1), &json!(0)));
    assert_eq!(
        violations(&report),
        [
            "deny image-unverified-packages layers[0]/etc/apt/sources.list:1: trusted=yes",
            "deny image-packages packages[nmap]: nmap 7"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_a_warning_with_its_reason() {
    let image = || Image::new("amd64", &json!({"User": "1"}));
    let large = format!("//registry.example.com/:_authToken=abc\n{}", "#\n".repeat(600_000));
    for (name, layer, says) in [
        (
            "rpm",
            Tar::default().file("var/lib/rpm/Packages", "x"),
            "warn image-packages image: not all of it was read: packages in /var/lib/rpm/Packages: a database of rpm in the format Berkeley DB".to_owned(),
        ),
        (
            "npmrc",
            Tar::default().file("root/.npmrc", large),
            "warn image-secrets image: not all of it was read: secrets, settings of package managers in /root/.npmrc: it is larger than 1 MiB".to_owned(),
        ),
        (
            "lost-link",
            Tar::default().hard_link("lib/apk/db/installed", "srv/list"),
            "warn image-packages image: not all of it was read: packages in /lib/apk/db/installed: it is a link to a file that is in no layer".to_owned(),
        ),
    ] {
        let (ran, report) = read(name, &image().layer("", layer));
        assert_eq!(ran.code, Some(0), "{name}");
        assert!(violations(&report).contains(&says), "{name}: {:?}", violations(&report));
    }
    let report = read("owasp", &image().layer("", Tar::default().file("var/lib/rpm/Packages", "x"))).1;
    assert_eq!(report["violations"][0]["unknown"], json!(true));
    let owasp = Dir::new("image-gaps-owasp", &[("report.json", &report.to_string())]);
    let list = owasp.run(&["owasp", "--report", "report.json", "-o", "json"]);
    let item =
        list.json()["items"].as_array().and_then(|items| items.iter().find(|item| item["item"] == json!(2))).cloned();
    assert_eq!(item.expect("the item")["verdict"], json!("unknown"), "{list:?}");
    let dir = Dir::new("image-gaps-text", &[("own.yaml", DENY)]);
    dir.write("a.tar", image().layer("", Tar::default().file("var/lib/rpm/Packages", "x")).docker_save("a:1"));
    let ran =
        dir.run(&["image", "a.tar", "--policy", "own.yaml", "-o", "text", "-o", "html=a.html", "--warnings-as-errors"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let line = "not read packages in /var/lib/rpm/Packages: a database of rpm in the format Berkeley DB\n";
    let end = "with warnings: 0 denied, 1 warned, 0 for audit; not all of the image was read: 1 gap\n";
    assert!(ran.out.contains(line) && ran.out.ends_with(end), "{}", ran.out);
    let html = std::fs::read_to_string(dir.0.join("a.html")).expect("written");
    assert!(html.contains("/var/lib/rpm/Packages"), "{html}");
}

/// The folders of an image may be links, and its database is where they lead.
#[test]
fn databases_behind_linked_folders_are_read() {
    let status = "P:musl\nV:1\n";
    for layer in [
        Tar::default().symlink("lib", "usr/lib").file("usr/lib/apk/db/installed", status),
        Tar::default().file("lib/apk/db/installed", status),
        Tar::default().file("var/lib/dpkg/status", ""),
        Tar::default().file("srv/list", "").symlink("var/lib/dpkg/status", "/srv/list"),
    ] {
        let (_, report) = read("linked", &Image::new("amd64", &json!({"User": "1"})).layer("", layer));
        assert_eq!((violations(&report), &report["summary"]["gaps"]), (vec![], &json!(0)));
    }
}

/// What rules read by its name may be a link, and the file may be in another layer.
#[test]
fn files_behind_links_are_judged() {
    let image = Image::new("amd64", &json!({"User": "1"}))
        .layer(
            "",
            Tar::default()
                .file("srv/packages", "Package: nmap\nVersion: 1\n")
                .file("srv/sources", "deb [trusted=yes] http://example.com ./\n")
                .file("srv/login", "//registry.example.com/:_authToken=abc\n"),
        )
        .layer(
            "",
            Tar::default()
                .symlink("var/lib/dpkg/status", "../../../srv/packages")
                .symlink("etc/apt/sources.list.d/own.list", "/srv/sources")
                .hard_link("root/.npmrc", "srv/login"),
        );
    let (ran, report) = read("links", &image);
    let found = violations(&report);
    assert_eq!((ran.code, &report["summary"]["gaps"]), (Some(1), &json!(0)), "{found:?}");
    for says in [
        "packages[nmap]",
        "layers[0]/etc/apt/sources.list.d/own.list:1",
        "layers[0]/srv/login: a login to a package registry of npm",
    ] {
        assert!(found.iter().any(|line| line.contains(says)), "{says}: {found:?}");
    }
    assert!(!ran.out.contains("=abc"), "{}", ran.out);
}

#[test]
fn root_is_called_root_once() {
    let dir = Dir::new("image-gaps-root", &[]);
    for (user, says) in [("root", "found root, wanted"), ("0:0", "found 0, which is root, wanted")] {
        let image = Image::new("amd64", &json!({"User": user})).layer("", Tar::default().program("a"));
        dir.write("a.tar", image.docker_save("a:1"));
        let ran = dir.run(&["image", "a.tar"]);
        assert!(ran.out.contains(says), "{}", ran.out);
    }
}
