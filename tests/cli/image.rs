//! `podreeve image`: archives, folders and platforms; what is found, and that no secret is shown.

use super::binary::{Dir, Ran};
use super::built::{Files, Image, Tar, as_tar, gzip, layout, write};
use super::json_schema::validate;
use serde_json::{Value, json};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";

/// A distribution that gets updates, with a package manager and a program with setuid.
fn base(image: Image) -> Image {
    image.layer(
        "ADD rootfs.tar / # buildkit",
        Tar::default()
            .symlink("bin", "usr/bin")
            .file("etc/os-release", "ID=debian\nVERSION_ID=\"13\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n")
            .file("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
            .file("var/lib/dpkg/status", "Package: libc6\nStatus: install ok installed\nVersion: 2.41\n")
            .program("usr/bin/apt-get")
            .file_with_mode("usr/bin/su", 0o4755, vec![7; 100_000]),
    )
}

fn bad(architecture: &str) -> Image {
    let run =
        json!({"Env": ["PATH=/bin", "DB_PASSWORD=hunter2hunter2"], "Entrypoint": ["/app", "--token=hunter2hunter2"]});
    base(Image::new(architecture, &run))
        .layer(
            "RUN |1 API_TOKEN=hunter2hunter2 /bin/sh -c curl -k https://example.com | sh # buildkit",
            Tar::default()
                .file("root/key.pem", KEY)
                .file("root/.npmrc", "//r/:_authToken=hunter2hunter2\n")
                .program("usr/bin/gcc"),
        )
        .layer("RUN /bin/sh -c rm /root/key.pem # buildkit", Tar::default().file("root/.wh.key.pem", ""))
}

fn good(architecture: &str) -> Image {
    Image::new(architecture, &json!({"User": "1000", "Env": ["PATH=/bin"]}))
        .layer("COPY app / # buildkit", Tar::default().program("app"))
}

fn violations(report: &Value) -> Vec<String> {
    let violations = report["violations"].as_array().expect("a list").iter();
    let text = |violation: &Value, key: &str| violation[key].as_str().expect("text").to_owned();
    violations.map(|one| format!("{} {} {}", text(one, "effect"), text(one, "rule"), text(one, "place"))).collect()
}

fn check_schema(ran: &Ran) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../docs/image-report.schema.json")).expect("JSON");
    let report = ran.json();
    validate(&schema, &schema, &report, "").expect("the report fits");
    report
}

#[test]
fn a_bad_image_is_denied_and_its_secrets_are_not_shown() {
    let dir = Dir::new("image-bad", &[]);
    dir.write("bad.tar", bad("amd64").docker_save("shop/web:1"));
    let ran = dir.run(&["image", "bad.tar", "-o", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{ran:?}");
    let report = check_schema(&ran);
    assert_eq!((&report["kind"], &report["image"]), (&json!("ImageReport"), &json!("shop/web:1")));
    assert_eq!(
        violations(&report),
        [
            "deny image-secrets config.Entrypoint[1]",
            "deny image-secrets config.Env[DB_PASSWORD]",
            "deny image-secrets history[1]",
            "deny image-secrets layers[1]/root/.npmrc",
            "deny image-secrets layers[1]/root/key.pem",
            "warn image-user config.User",
            "warn image-setuid layers[0]/usr/bin/su",
            // A download that is not verified, and a script that runs as it arrives.
            "warn image-unverified-packages history[1]",
            "warn image-unverified-packages history[1]",
            "audit image-packages layers[0]/usr/bin/apt-get",
            "audit image-build-tools layers[1]/usr/bin/gcc",
        ]
    );
    let setuid = report["violations"].as_array().expect("a list").iter().find(|one| one["rule"] == "image-setuid");
    assert!(setuid.is_some_and(|one| one["why"].as_str().is_some_and(|why| why.contains("only warns"))), "{setuid:?}");
    let text = dir.run(&["image", "bad.tar"]);
    let all = dir.run(&["image", "bad.tar", "--all"]);
    assert_eq!((text.code, all.code), (Some(1), Some(1)));
    assert!(text.out.contains("Debian GNU/Linux 13 (trixie), updates until 2030-06-30 · runs as root"), "{}", text.out);
    assert!(text.out.contains("\n 0 ████████████████████████"), "{}", text.out);
    assert!(text.out.contains("layers[2] deletes or overwrites in vain"), "{}", text.out);
    assert!(
        text.out.ends_with("podreeve denies this image: 5 denied, 4 warned, 2 for audit (--all shows them)\n"),
        "{}",
        text.out
    );
    assert!(!text.out.contains("image-packages:") && all.out.contains("image-packages:"), "{}", all.out);
    let sarif = dir.run(&["image", "bad.tar", "-o", "sarif", "-o", "html=report.html", "-o", "junit=report.xml"]);
    assert_eq!(sarif.json()["runs"][0]["results"].as_array().map(Vec::len), Some(9), "{sarif:?}");
    let html = std::fs::read_to_string(dir.0.join("report.html")).expect("written");
    let junit = std::fs::read_to_string(dir.0.join("report.xml")).expect("written");
    assert!(html.contains("image shop/web:1") && junit.contains("image shop/web:1"));
    for shown in [ran.out, text.out, all.out, sarif.out, html, junit] {
        assert!(!shown.contains("hunter2") && !shown.contains("MC4CAQ"), "{shown}");
    }
}

#[test]
fn a_good_image_is_clean() {
    let dir = Dir::new("image-good", &[]);
    dir.write("good.tar", good("amd64").docker_save("good:1"));
    let ran = dir.run(&["image", "good.tar", "-o", "json", "--warnings-as-errors"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(violations(&check_schema(&ran)), [""; 0]);
    let ran = dir.run(&["image", "good.tar"]);
    assert!(ran.out.ends_with("podreeve admits this image: 0 denied, 0 warned, 0 for audit\n"), "{}", ran.out);
}

/// The report without the names of the files that were read.
fn read(dir: &Dir, path: &str) -> Value {
    let ran = dir.run(&["image", path, "-o", "json"]);
    assert_eq!(ran.err, "");
    let mut report = check_schema(&ran);
    report["image"] = json!("");
    report
}

#[test]
fn folders_and_archives_have_the_same_report() {
    let dir = Dir::new("image-forms", &[]);
    let files: Files = layout("1", &[bad("amd64"), good("arm64")]);
    write(&files, &dir.0.join("folder"));
    dir.write("archive.tar", as_tar(&files));
    dir.write("archive.tar.gz", gzip(&as_tar(&files)));
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    dir.write("archive.tar.zst", ruzstd::encoding::compress_to_vec(as_tar(&files).as_slice(), level));
    let folder = read(&dir, "folder");
    assert_eq!(read(&dir, "archive.tar"), folder);
    assert_eq!(read(&dir, "archive.tar.gz"), folder);
    assert_eq!(read(&dir, "archive.tar.zst"), folder);
    assert_eq!((folder["summary"]["platforms"].as_u64(), folder["summary"]["layers"].as_u64()), (Some(2), Some(4)));
    // An archive of `docker save` has other digests of layers, and the same violations.
    dir.write("saved.tar", bad("amd64").docker_save("a:1"));
    let saved = read(&dir, "saved.tar");
    assert_eq!(violations(&saved), violations(&folder));
}

#[test]
fn the_worst_platform_counts_unless_one_is_chosen() {
    let dir = Dir::new("image-platforms", &[]);
    write(&layout("1", &[good("amd64"), bad("arm64")]), &dir.0.join("folder"));
    for (platform, code) in [("all", 1), ("linux/amd64", 0), ("linux/arm64", 1), ("linux/aarch64", 1)] {
        assert_eq!(dir.run(&["image", "folder", "--platform", platform]).code, Some(code), "{platform}");
    }
    let all = dir.run(&["image", "folder"]);
    assert!(all.out.contains("layers[1]/root/.npmrc (linux/arm64): found"), "{}", all.out);
    let none = dir.run(&["image", "folder", "--platform", "linux/s390x"]);
    assert_eq!(none.code, Some(2));
    assert!(
        none.err.contains("folder: the image has no platform linux/s390x; it has linux/amd64, linux/arm64"),
        "{}",
        none.err
    );
    let wrong = dir.run(&["image", "folder", "--platform", "arm"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("such as linux/amd64"), "{}", wrong.err);
}

#[test]
fn a_policy_of_ones_own_decides() {
    let policy = |rules: &str| {
        format!("apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {{name: own}}\nspec:\n  rules:\n{rules}")
    };
    let dir = Dir::new("image-policy", &[]);
    dir.write("bad.tar", bad("amd64").docker_save("shop/web:1"));
    for (rules, mode, code) in [
        ("    image-setuid: {action: deny}\n", "deny", 1),
        ("    image-setuid: {action: deny}\n", "warn", 0),
        ("    image-setuid: {action: deny, params: {allow: [/usr/bin/su]}}\n", "deny", 0),
        ("    image-packages: {action: deny, params: {managers: false, max: 1}}\n", "deny", 0),
        ("    image-packages: {action: deny, params: {managers: false, max: 0}}\n", "deny", 1),
        ("    image-user: {action: audit}\n", "deny", 0),
    ] {
        dir.write("own.yaml", policy(rules));
        let ran = dir.run(&["image", "bad.tar", "--policy", "own.yaml", "--mode", mode]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(code), ""), "{rules}: {ran:?}");
    }
    dir.write("own.yaml", policy("    image-setuid: {action: patch}\n"));
    let ran = dir.run(&["image", "bad.tar", "--policy", "own.yaml"]);
    assert!(ran.code == Some(2) && ran.err.contains("has no repair, so it cannot `patch`"), "{}", ran.err);
}

#[test]
fn exemptions_of_the_namespace_cover_the_image() {
    let policy = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: own}\nspec:\n  rules:\n    image-setuid: {action: deny}\n  \
        exemptions:\n  - {rules: [image-setuid], namespaces: [shop], images: [r.example.com/shop], reason: su is needed, until: 2999-12-31}\n  \
        - {rules: [image-setuid], namespaces: [tagged], images: ['r.example.com/shop/web:1'], reason: b}\n  \
        - {rules: [image-setuid], namespaces: [ended], reason: c, until: 2020-01-01}\n  \
        - {rules: [image-setuid], namespaces: [all], reason: d}\n  \
        - {rules: [image-setuid], namespaces: [one], containers: [web], reason: e}\n";
    let dir = Dir::new("image-exempt", &[("own.yaml", policy)]);
    dir.write("bad.tar", bad("amd64").docker_save("r.example.com/shop/web:1"));
    let image = |arguments: &[&str]| {
        let ran = dir.run(&[&["image", "bad.tar", "--policy", "own.yaml"], arguments].concat());
        assert_eq!(ran.err, "", "{arguments:?}");
        ran
    };
    let digest = image(&["-o", "json"]).json()["digest"].as_str().expect("a digest").to_owned();
    for (arguments, code) in [
        (vec![], 1),
        (vec!["-n", "shop"], 0),
        (vec!["--namespace", "other"], 1),
        (vec!["-n", "shop", "--as", "r.example.com/other/web:1"], 1),
        (vec!["-n", "tagged"], 0),
        // What has a digest runs whatever the tag says.
        (vec!["-n", "tagged", "--as", &format!("r.example.com/shop/web:1@{digest}")], 1),
        (vec!["-n", "ended"], 1),
        (vec!["-n", "all"], 0),
        // It names containers, and an image by itself has none.
        (vec!["-n", "one"], 1),
    ] {
        assert_eq!(image(&arguments).code, Some(code), "{arguments:?}");
    }
    let all = image(&["-n", "shop", "--all"]);
    assert!(all.out.contains("(exempt: su is needed, until 2999-12-31)"), "{}", all.out);
    assert!(all.out.ends_with("0 denied, 0 warned, 0 for audit, 1 exempt\n"), "{}", all.out);
    let report = check_schema(&image(&["-n", "shop", "-o", "json"]));
    assert_eq!(violations(&report), ["exempt image-setuid layers[0]/usr/bin/su"]);
    assert_eq!(report["violations"][0]["exemption"], json!({"reason": "su is needed", "until": "2999-12-31"}));
    assert_eq!(report["summary"]["exempt"], 1);
    assert_eq!(dir.run(&["image", "bad.tar", "-n", "Bad_NS"]).code, Some(2));
}

#[test]
fn what_is_no_image_is_an_error_that_says_why() {
    let dir = Dir::new("image-errors", &[("text.txt", "no image"), ("web.tar.xz", ""), ("empty/a", "")]);
    let mut files = layout("1", &[good("amd64")]);
    let blob = files
        .iter()
        .max_by_key(|(path, bytes)| (path.starts_with("blobs/") && bytes.starts_with(&[0x1f]), bytes.len()));
    let (layer, mut bytes) = blob.map(|(path, bytes)| (path.clone(), bytes.clone())).expect("a layer");
    bytes.truncate(bytes.len() - 1);
    files.insert(layer, bytes);
    write(&files, &dir.0.join("damaged"));
    dir.write("long.txt", "a text of several lines\n".repeat(100));
    dir.write("web.tar.xz", b"\xfd7zXZ\0...");
    dir.write("two.tar", {
        let (one, two) = (good("amd64").config(), good("arm64").config());
        let layer = Tar::default().program("app").end();
        let manifest = json!([
            {"Config": "1.json", "RepoTags": ["a:1"], "Layers": ["l.tar"]},
            {"Config": "2.json", "RepoTags": ["b:2"], "Layers": ["l.tar"]},
        ]);
        Tar::default()
            .file("1.json", one)
            .file("2.json", two)
            .file("l.tar", layer)
            .file("manifest.json", manifest.to_string())
            .end()
    });
    for (path, says) in [
        ("nowhere.tar", "error: nowhere.tar: cannot be read: No such file"),
        ("nowhere.tar.zst", "error: nowhere.tar.zst: cannot be read: No such file"),
        ("text.txt", "error: text.txt: it is no archive with an image: neither a tar"),
        ("long.txt", "error: long.txt: it is no archive with an image"),
        ("web.tar.xz", "error: web.tar.xz: it is compressed by xz"),
        ("empty", "error: empty: the folder has no index.json"),
        ("damaged", "error: damaged: the layer sha256:"),
        ("two.tar", "error: two.tar: it has several images; choose one with --name: a:1, b:2"),
    ] {
        let ran = dir.run(&["image", path]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.starts_with(says), "{}", ran.err);
    }
    assert_eq!(dir.run(&["image", "two.tar", "--name", "b:2"]).code, Some(0));
    // What is wrong with the arguments is said before a layer is read.
    for (args, says) in [
        (&["--as", "A B", "--facts", "facts.json"], "error: --as: `A B` is no reference of an image"),
        (&["--as", "shop/web:1", "--seal", "nowhere.key"], "error: nowhere.key: No such file"),
    ] {
        let ran = dir.run(&[&["image", "damaged"][..], args].concat());
        assert!(ran.code == Some(2) && ran.err.starts_with(says), "{}", ran.err);
    }
}

/// An index of Windows names one platform for each of its releases.
#[test]
fn platforms_of_one_name_have_their_own_layers() {
    let dir = Dir::new("image-one-name", &[]);
    let more = good("amd64").layer("RUN make # buildkit", Tar::default().file("b", "c"));
    write(&layout("1", &[good("amd64"), more]), &dir.0.join("two"));
    let report = check_schema(&dir.run(&["image", "two", "-o", "json"]));
    let of = |platform: usize| {
        let manifest = &report["platforms"][platform]["digest"];
        report["layers"].as_array().expect("a list").iter().filter(|layer| layer["manifest"] == *manifest).count()
    };
    assert_eq!((of(0), of(1)), (1, 2));
    let text = dir.run(&["image", "two"]).out;
    assert!(text.contains("   1 layer, ") && text.contains("   2 layers, "), "{text}");
    assert!(!text.contains("\n\n\n"), "{text}");
}

#[test]
fn a_sealed_object_that_cannot_be_written_is_an_error() {
    let dir = Dir::new("image-seal-full", &[("seal.key", "0123456789abcdef0123456789ABCDEF-_")]);
    write(&layout("1", &[good("amd64")]), &dir.0.join("web"));
    let full = std::fs::File::options().write(true).open("/dev/full").expect("this system has /dev/full");
    let mut command = dir.command(&["image", "web", "--as", "registry.example.com/shop/web:1", "--seal", "seal.key"]);
    let output = command.stdout(full).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.starts_with("error: stdout cannot be written"), "{text}");
}

#[test]
fn files_without_content_are_counted() {
    let dir = Dir::new("image-without-content", &[]);
    write(&layout("1", &[good("amd64").layer("RUN touch a", Tar::default().file("a", ""))]), &dir.0.join("web"));
    let text = dir.run(&["image", "web"]).out;
    assert!(text.lines().any(|line| line == "   1 file"), "{text}");
}

/// What was found comes first, by the numbers of its places, below the reason of the rule; then what was not read, and why that matters.
#[test]
fn findings_are_in_order_and_below_their_reason() {
    let dir = Dir::new("image-order", &[]);
    let folder = (0..11).fold(Image::new("amd64", &json!({"User": "1"})), |image, number| {
        image.layer(&format!("ADD {number}.tar /app # buildkit"), Tar::default().file(&format!("{number}"), "b"))
    });
    let linked = folder.layer("", Tar::default().file("root/key.pem", KEY).symlink("root/.npmrc", "/proc/a"));
    dir.write("a.tar", linked.docker_save("a:1"));
    let report = check_schema(&dir.run(&["image", "a.tar", "-o", "json"]));
    let all = violations(&report);
    let position =
        |what: &str| all.iter().position(|one| one.contains(what)).unwrap_or_else(|| panic!("{what}: {all:?}"));
    assert!(position("history[2]") < position("history[10]"), "{all:?}");
    let secrets: Vec<&String> = all.iter().filter(|one| one.contains("image-secrets")).collect();
    assert_eq!(secrets, ["deny image-secrets layers[11]/root/key.pem", "warn image-secrets image"]);
    let text = dir.run(&["image", "a.tar"]).out;
    let heading = |why: &str| text.find(&format!("image-secrets: {why}")).unwrap_or_else(|| panic!("{why}: {text}"));
    assert!(heading("everybody who may pull") < heading("what podreeve has not read"), "{text}");
    let page = dir.run(&["image", "a.tar", "-o", "html"]).out;
    assert!(page.contains("everybody who may pull") && page.contains("what podreeve has not read"));
}

/// A folder of a stranger may have a pipe in the place of a file. A read of it would never return.
#[test]
fn a_pipe_is_no_image_and_no_blob() {
    let dir = Dir::new("image-pipes", &[]);
    let files = layout("1", &[good("amd64")]);
    let layer = files.iter().filter(|(path, _)| path.starts_with("blobs/")).max_by_key(|(_, bytes)| bytes.len());
    for (folder, name) in [("blob", layer.expect("a layer").0.as_str()), ("index", "index.json")] {
        write(&files, &dir.0.join(folder));
        std::fs::remove_file(dir.0.join(folder).join(name)).expect("removed");
        mkfifo(&dir.0.join(folder).join(name));
    }
    mkfifo(&dir.0.join("pipe.tar"));
    for (path, says) in [
        ("blob", "it is no file"),
        ("index", "it is no file"),
        ("pipe.tar", "it is no file, and an archive is read more than once; write it to a file first"),
    ] {
        let ran = dir.run(&["image", path]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.starts_with(&format!("error: {path}")) && ran.err.contains(says), "{}", ran.err);
    }
}

fn mkfifo(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}
