//! From a source to the facts of an image.

mod links;

use super::archive::Archive;
use super::built::{self, Image, Tar, as_tar, gzip, layout};
use super::facts::{ContentFacts, ImageFacts, User};
use super::layer::scan;
use super::*;
use serde_json::json;

fn open_bytes(bytes: &[u8]) -> Archive<'_> {
    Archive::new(Box::new(move || Ok(Box::new(bytes))))
}

/// The facts of all platforms.
fn facts(archive: &[u8]) -> Vec<ImageFacts> {
    let mut source = open_bytes(archive);
    let image = open(&mut source, &Wanted::default()).unwrap();
    let mut bytes = 0;
    let facts = read(&mut source, &image, &mut |count| bytes += count).unwrap();
    assert!(bytes > 0);
    facts
}

fn content(image: Image) -> ContentFacts {
    facts(&image.docker_save("a:1")).remove(0).content.unwrap()
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";

fn debian() -> Image {
    Image::new("amd64", &json!({"User": "app", "Volumes": {"/data": {}, "/empty": {}}, "WorkingDir": "/srv"})).layer(
        "ADD rootfs.tar / # buildkit",
        Tar::default()
            .symlink("bin", "usr/bin")
            .file("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
            .symlink("etc/os-release", "../usr/lib/os-release")
            .file("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n")
            .file("var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nVersion: 5\n")
            .file("etc/apt/sources.list", "deb [trusted=yes] http://a b c\n")
            .program("usr/bin/apt-get")
            .file_with_mode("usr/bin/su", 0o4755, "1234")
            .file_with_mode("usr/bin/wall", 0o2755, "1234")
            .file("data/file", "1"),
    )
}

#[test]
fn the_facts_of_an_image_are_those_of_its_root() {
    let image = debian()
        .layer(
            "RUN apt-get install gcc # buildkit",
            Tar::default()
                .file("var/lib/dpkg/status", "Package: bash\nVersion: 5\n\nPackage: gcc\nVersion: 12\n")
                .symlink("bin/gcc", "gcc-12")
                .program("usr/bin/gcc-12")
                .symlink("usr/bin/cc", "/etc/alternatives/cc")
                .symlink("usr/bin/make", "/nowhere")
                .folder("src/.git")
                .file("src/key.pem", KEY)
                .file_with_mode("bin/su", 0o755, "5678"),
        )
        .layer("RUN rm -r /src # buildkit", Tar::default().file(".wh.src", "").file("etc/apt/.wh.sources.list", ""));
    let facts = &facts(&image.docker_save("a:1"))[0];
    let content = facts.content.as_ref().unwrap();
    assert_eq!(content.os.as_ref().unwrap().name, "Debian 12");
    assert_eq!(content.end_of_life, Some(jiff::civil::date(2028, 6, 30)));
    assert_eq!(content.packages.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["bash", "gcc"]);
    // su is a plain file in the second layer, which wrote it below a link.
    let privileged: Vec<_> =
        content.privileged_files.iter().map(|file| (file.path.as_str(), file.mode.as_str())).collect();
    assert_eq!(privileged, [("usr/bin/wall", "2755")]);
    let tools: Vec<_> =
        content.build_tools.iter().map(|tool| (tool.name.as_str(), tool.path.as_str(), tool.layer)).collect();
    assert_eq!(tools, [("gcc", "usr/bin/gcc-12", 1)]);
    assert_eq!(content.package_managers[0].path, "usr/bin/apt-get");
    assert_eq!((content.repositories.len(), content.unverified.len()), (0, 0));
    let secret = &content.secrets[0];
    assert_eq!((secret.path.as_str(), secret.layer, secret.removed_in), ("src/key.pem", 1, Some(2)));
    assert_eq!(content.filled, ["/data"]);
    assert_eq!(facts.user(), User::Named("app", Some(1000)));
    assert!(!content.truncated && content.unknown_packages.is_empty());
    let added: Vec<_> = facts.layers.iter().map(|layer| layer.added.as_ref().unwrap()).collect();
    assert_eq!((added[1].packages, added[1].package_names.clone()), (1, vec!["gcc".to_owned()]));
    assert_eq!((added[0].files, added[2].removed), (8, 3));
    assert_eq!(content.wasted, added.iter().map(|added| added.wasted).sum::<u64>());
    assert_eq!(facts.layers[1].created_by.as_deref(), Some("RUN apt-get install gcc # buildkit"));
    assert!(!serde_json::to_string(facts).unwrap().contains("MC4CAQ"));
}

#[test]
fn one_layer_alone_has_the_same_facts() {
    let content = content(debian());
    assert_eq!(content.privileged_files.len(), 2);
    assert_eq!(content.unverified[0].fault.setting, "trusted=yes");
    assert_eq!((content.wasted, content.wasted_files.len()), (0, 0));
}

#[test]
fn packages_of_other_databases_are_read_or_unknown() {
    let of =
        |path: &str, bytes: &[u8]| content(Image::new("amd64", &json!({})).layer("", Tar::default().file(path, bytes)));
    let apk = of("lib/apk/db/installed", b"P:musl\nV:1\n\nP:zlib\nV:2\n");
    assert_eq!(apk.packages.len(), 2);
    let distroless = of("var/lib/dpkg/status.d/base-files", b"Package: base-files\nVersion: 12\n");
    assert_eq!(distroless.packages.len(), 1);
    for (path, why) in [
        ("var/lib/rpm/Packages", "Berkeley DB"),
        ("usr/lib/sysimage/rpm/Packages.db", "ndb"),
        ("var/lib/rpm/rpmdb.sqlite", "no SQLite"),
        ("var/lib/rpm/rpmdb.sqlite-wal", "journal"),
    ] {
        let facts = of(path, b"x");
        assert!(facts.packages.is_empty() && facts.unknown_packages[0].why.contains(why), "{path}");
    }
}

#[test]
fn build_tools_are_found_without_their_usual_links() {
    let image = Image::new("amd64", &json!({})).layer(
        "",
        Tar::default()
            .symlink("bin", "usr/bin")
            .program("usr/bin/gcc-12")
            .program("usr/bin/x86_64-linux-gnu-ld")
            .program("usr/bin/sub/go-1"),
    );
    let tools: Vec<_> = content(image).build_tools.into_iter().map(|tool| (tool.name, tool.path)).collect();
    let tool = |name: &str, path: &str| (name.to_owned(), path.to_owned());
    assert_eq!(tools, [tool("gcc", "usr/bin/gcc-12"), tool("ld", "usr/bin/x86_64-linux-gnu-ld")]);
}

#[test]
fn keys_of_libraries_are_public_and_their_logins_are_not() {
    let login = "//registry.example.com/:_authToken=abcdefgh12345\n";
    let image = Image::new("amd64", &json!({})).layer(
        "",
        Tar::default()
            .file("app/node_modules/a/test/key.pem", KEY)
            .file("app/node_modules/a/test/.npmrc", login)
            .file("usr/lib/google/sa.pem", KEY),
    );
    let paths: Vec<String> = content(image).secrets.into_iter().map(|secret| secret.path).collect();
    assert_eq!(paths, ["app/node_modules/a/test/.npmrc", "usr/lib/google/sa.pem"]);
}

#[test]
fn every_platform_is_read_from_an_index() {
    let image = |architecture: &str, user: &str| {
        Image::new(architecture, &json!({"User": user})).layer("", Tar::default().file("a", architecture))
    };
    let archive = as_tar(&layout("1", &[image("amd64", "1000"), image("arm64", "")]));
    let users: Vec<String> =
        facts(&archive).iter().map(|facts| format!("{} {:?}", facts.platform, facts.user())).collect();
    assert_eq!(users, ["linux/amd64 Number(1000)", "linux/arm64 Unset"]);
    let wanted = |platform: &str| {
        let wanted = Wanted { platform: Some(platform.parse().unwrap()), name: None };
        open(&mut open_bytes(&archive), &wanted).map(|image| image.platforms.len()).map_err(|error| error.to_string())
    };
    assert_eq!(wanted("linux/arm64"), Ok(1));
    assert_eq!(
        wanted("linux/s390x").unwrap_err(),
        "the image has no platform linux/s390x; it has linux/amd64, linux/arm64"
    );
}

#[test]
fn a_platform_that_the_source_lacks_is_named() {
    let image =
        |architecture: &str| Image::new(architecture, &json!({})).layer("", Tar::default().file("a", architecture));
    let mut files = layout("1", &[image("amd64"), image("arm64")]);
    let config = built::sha256(&image("arm64").config()).replace(':', "/");
    files.remove(&format!("blobs/{config}")).unwrap();
    let opened = open(&mut open_bytes(&as_tar(&files)), &Wanted::default()).unwrap();
    assert_eq!((opened.platforms.len(), opened.absent[0].platform.to_string()), (1, "linux/arm64".to_owned()));
    // It may be pushed later, so it must be signed, too.
    let absent = opened.absent[0].digest.to_string();
    assert_eq!(opened.leaves(), [opened.platforms[0].digest.to_string(), absent]);
}

#[test]
fn nothing_in_an_index_hides_an_image_that_a_node_runs() {
    let image = |user: &str| Image::new("amd64", &json!({"User": user})).layer("", Tar::default().file("a", user));
    let unknown = || Image::new("unknown", &json!({})).layer("", Tar::default().file("a", "b"));
    let users = |change: &dyn Fn(&mut serde_json::Value)| {
        let files = relisted(layout("1", &[image("1000"), image(""), unknown()]), change);
        let users = open(&mut open_bytes(&as_tar(&files)), &Wanted::default())
            .map(|opened| opened.platforms.iter().map(|platform| platform.config.run().user).collect::<Vec<_>>());
        users.map_err(|error| error.to_string())
    };
    let both = Ok(vec!["1000".to_owned(), String::new()]);
    assert_eq!(users(&|_| {}), both);
    // A runtime does not know the annotation.
    let note = json!({"vnd.docker.reference.type": "attestation-manifest"});
    assert_eq!(users(&|index| index["manifests"][1]["annotations"] = note.clone()), both);
    // Without a platform in the index, some runtimes take an image on every node.
    let no_platform = |index: &mut serde_json::Value| {
        for entry in index["manifests"].as_array_mut().unwrap() {
            entry.as_object_mut().unwrap().remove("platform");
        }
    };
    assert_eq!(users(&no_platform), Ok(vec!["1000".to_owned(), String::new(), String::new()]));
    // Go reads this key as the other one.
    let twice = users(&|index| index["Manifests"] = json!([index["manifests"][1]]));
    assert!(twice.as_ref().unwrap_err().contains("`manifests` is there twice"), "{twice:?}");
    let respelled = |index: &mut serde_json::Value| {
        let list = index.as_object_mut().unwrap().remove("manifests").unwrap();
        index["MANIFESTS"] = list;
    };
    assert_eq!(users(&respelled), both);
}

/// The layout with another index of platforms.
fn relisted(
    mut files: std::collections::BTreeMap<String, Vec<u8>>,
    change: impl Fn(&mut serde_json::Value),
) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut root: serde_json::Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let path = |entry: &serde_json::Value| format!("blobs/{}", entry["digest"].as_str().unwrap().replace(':', "/"));
    let mut index: serde_json::Value = serde_json::from_slice(&files[&path(&root["manifests"][0])]).unwrap();
    change(&mut index);
    let bytes = index.to_string().into_bytes();
    root["manifests"][0]["digest"] = json!(built::sha256(&bytes));
    root["manifests"][0]["size"] = json!(bytes.len());
    files.insert(path(&root["manifests"][0]), bytes);
    files.insert("index.json".to_owned(), root.to_string().into_bytes());
    files
}

#[test]
fn the_image_of_an_archive_is_chosen_by_its_name() {
    let archive = Image::new("amd64", &json!({}))
        .layer("", Tar::default().file("a", "b"))
        .docker_save("r.example.com/shop/web:1");
    let named = |name: &str| {
        let wanted = Wanted { name: Some(name.to_owned()), platform: None };
        open(&mut open_bytes(&archive), &wanted).map(|image| image.name.unwrap()).map_err(|error| error.to_string())
    };
    assert_eq!(named("1").unwrap(), "r.example.com/shop/web:1");
    assert_eq!(named("r.example.com/shop/web:1").unwrap(), "r.example.com/shop/web:1");
    assert!(named("2").unwrap_err().contains("there is no image `2` in it; it has r.example.com/shop/web:1"));
    let says = |archive: &[u8]| open(&mut open_bytes(archive), &Wanted::default()).unwrap_err().to_string();
    let other = Tar::default().file("a", "b").end();
    assert!(says(&other).contains("neither index.json"));
    assert!(says(&other[..1024]).contains("the archive: it is cut off"), "{}", says(&other[..1024]));
    assert!(says(&other[..1124]).contains("the archive: it ends within a header"), "{}", says(&other[..1124]));
    assert!(
        says(b"no archive, but a text that is long enough to be a part of a header")
            .contains("it is no archive with an image")
    );
}

#[test]
fn content_that_was_changed_is_refused() {
    let image = Image::new("amd64", &json!({})).layer("", Tar::default().file("a", "b"));
    let mut files = layout("1", &[image]);
    for (path, bytes) in &mut files {
        if path.starts_with("blobs/") {
            bytes.push(b' ');
        }
    }
    let error = open(&mut open_bytes(&as_tar(&files)), &Wanted::default()).unwrap_err();
    assert!(error.to_string().contains("was changed or is damaged"), "{error}");
}

#[test]
fn layers_of_an_archive_may_be_compressed_and_linked() {
    let layer = Tar::default().file("usr/bin/x", "y").end();
    let image = Image::new("amd64", &json!({})).raw_layer("", layer.clone()).raw_layer("", layer.clone());
    let config = image.config();
    let manifest = json!([{"Config": "c.json", "RepoTags": null, "Layers": ["a/layer.tar", "b/layer.tar"]}]);
    let archive = Tar::default()
        .file("c.json", config)
        .file("a/layer.tar", gzip(&layer))
        .symlink("b/layer.tar", "../a/layer.tar")
        .file("manifest.json", manifest.to_string())
        .end();
    let mut source = open_bytes(&archive);
    let image = open(&mut source, &Wanted::default()).unwrap();
    let mut seen = 0;
    let stored: Vec<&Descriptor> = image.platforms[0].manifest.layers.iter().take(1).collect();
    source
        .each(&stored, &mut |index, reader| {
            seen += scan(reader, stored[index], &stored[index].digest)?.listing.len();
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn all_layers_together_have_limits() {
    let layer = |name: &str| Tar::default().file(name, "x".repeat(600)).file("etc/passwd", "root:x:0:0::/:/bin/sh\n");
    // A file of a mebibyte of zeros, which the archive does not have.
    let sparse = Tar::default().changed(b'S', "sparse", "", 0o644, b"", |header| {
        header[483..495].copy_from_slice(b"00004000000\0");
    });
    let image = Image::new("amd64", &json!({})).layer("", layer("a")).layer("", layer("b")).layer("", sparse);
    let archive = as_tar(&layout("1", &[image]));
    let within = |allowance: Allowance| {
        let mut source = open_bytes(&archive);
        let image = open(&mut source, &Wanted::default()).unwrap();
        read_within(&mut source, &image, &mut |_| {}, allowance)
            .map(|facts| facts.len())
            .map_err(|error| error.to_string())
    };
    let archives = 2 * (512 + 1024 + 512 + 512 + 1024) + 512 + 1024;
    let enough = Allowance { bytes: archives + (1 << 20), entries: 5, memory: 4096 };
    assert_eq!(within(enough), Ok(1));
    for (few, says) in [
        (Allowance { bytes: enough.bytes - 1, ..enough }, "all layers together, is over the limit of 64 GiB"),
        (Allowance { bytes: archives, ..enough }, "all layers together, is over the limit of 64 GiB"),
        (Allowance { entries: 4, ..enough }, "all layers together, is over the limit of 4000000 entries"),
        (Allowance { memory: 300, ..enough }, "the list of what the layers have is over the limit"),
    ] {
        let error = within(few).unwrap_err();
        assert!(error.starts_with("the layer sha256:") && error.contains(says), "{few:?}: {error}");
    }
    // Each layer alone is below it.
    assert_eq!(within(Allowance { memory: 2000, ..enough }), Ok(1));
}
