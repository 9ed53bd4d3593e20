//! Files that rules read by the name of a link.

use super::*;

const DPKG: &str = "Package: sudo\nStatus: install ok installed\nVersion: 1\n";
const APK: &str = "P:sudo\nV:1\n\n";
const SOURCE: &str = "\ndeb [trusted=yes] http://a b c\n";
const NPM: &str = "strict-ssl=false\n//r.example.com/:_authToken=hunter2hunter2\n";

fn of(layers: Vec<Tar>) -> ImageFacts {
    let image = layers.into_iter().fold(Image::new("amd64", &json!({})), |image, layer| image.layer("", layer));
    facts(&image.docker_save("a:1")).remove(0)
}

/// The settings and the secrets, each with its place.
fn found(facts: &ImageFacts) -> Vec<String> {
    let content = facts.content.as_ref().unwrap();
    let settings = content.unverified.iter().map(|one| format!("{}/{}:{}", one.layer, one.path, one.fault.line));
    let secrets = content.secrets.iter().map(|one| {
        let removed = one.removed_in.map(|layer| format!(" - {layer}")).unwrap_or_default();
        format!("{}/{} {}{removed}", one.layer, one.path, one.kind)
    });
    settings.chain(secrets).collect()
}

#[test]
fn settings_behind_links_are_read() {
    let list = "etc/apt/sources.list.d/own.list";
    let there = format!("0/{list}:2");
    for layers in [
        vec![Tar::default().file("opt/x", SOURCE).symlink(list, "/opt/x")],
        // The link comes first, and another link is on the way.
        vec![
            Tar::default()
                .symlink(list, "../../../srv/y")
                .symlink("srv", "opt")
                .symlink("opt/y", "x")
                .file("opt/x", SOURCE),
        ],
        vec![Tar::default().file("opt/x", SOURCE).hard_link(list, "opt/x")],
        vec![Tar::default().file("opt/x", SOURCE).hard_link("opt/y", "opt/x").hard_link(list, "opt/y")],
        // The target of a hard link is gone.
        vec![Tar::default().file("opt/x", SOURCE).hard_link(list, "opt/x").file("opt/x", "other")],
        vec![Tar::default().file("opt/x", SOURCE), Tar::default().symlink(list, "/opt/x")],
        vec![Tar::default().file("opt/x", SOURCE), Tar::default().hard_link(list, "opt/x").file("opt/.wh.x", "")],
        // A folder that is a link, and the folder above it.
        vec![Tar::default().file("opt/lists/own.list", SOURCE).symlink("etc/apt/sources.list.d", "/opt/lists")],
        vec![Tar::default().file("opt/sources.list.d/own.list", SOURCE).symlink("etc/apt", "../opt")],
        vec![
            Tar::default().file("opt/x", SOURCE).folder("opt/lists").symlink("etc/apt/sources.list.d", "/opt/lists"),
            Tar::default().symlink("opt/lists/own.list", "../x"),
        ],
    ] {
        let facts = of(layers);
        assert_eq!((found(&facts), facts.gaps.as_slice()), (vec![there.clone()], &[][..]));
    }
    // What a hard link keeps of a file with the same meaning that is gone.
    let list_of = |target: &str| {
        let below = Tar::default().file(target, SOURCE).hard_link(list, target);
        of(vec![below, Tar::default().file(&target.replace("apt/", "apt/.wh."), "")])
    };
    assert_eq!(found(&list_of("etc/apt/sources.list")), [there]);
    // Written below a link, in a layer above that of the link.
    let below =
        of(vec![Tar::default().symlink("data", "opt"), Tar::default().file("data/x", SOURCE).symlink(list, "/opt/x")]);
    assert_eq!((found(&below), below.gaps.as_slice()), (vec![format!("1/{list}:2")], &[][..]));
}

#[test]
fn only_what_the_image_still_has_counts_for_settings() {
    let list = "etc/apt/sources.list.d/own.list";
    for layers in [
        vec![Tar::default().file("opt/x", SOURCE).symlink(list, "/opt/x"), Tar::default().file("opt/x", "# none\n")],
        vec![Tar::default().file("opt/x", SOURCE).symlink(list, "/opt/x"), Tar::default().file("opt/.wh.x", "")],
        vec![
            Tar::default().file("opt/x", SOURCE).symlink(list, "/opt/x"),
            Tar::default().file("etc/apt/sources.list.d/.wh.own.list", ""),
        ],
        // Links that lead to nothing, to themselves, to a folder, to an empty file, and names that are read as no settings.
        vec![Tar::default().symlink(list, "/nowhere").symlink("root/.npmrc", ".npmrc").symlink("root/.curlrc", "/etc")],
        vec![Tar::default().file("opt/x", "").symlink(list, "/opt/x").hard_link("root/.npmrc", "opt/x")],
        vec![Tar::default().file("opt/x", SOURCE).symlink("etc/apt/sources.list.d/own.save", "/opt/x")],
    ] {
        let facts = of(layers);
        assert_eq!((found(&facts), facts.gaps.as_slice()), (Vec::new(), &[][..]));
    }
}

#[test]
fn credentials_behind_links_are_found_in_every_layer() {
    let login = "a login to a package registry of npm, to which /root/.npmrc leads";
    let both = of(vec![Tar::default().file("opt/x", NPM).symlink("root/.npmrc", "/opt/x")]);
    assert_eq!(found(&both), ["0/root/.npmrc:1".to_owned(), format!("0/opt/x {login}")]);
    let removed = of(vec![
        Tar::default().file("opt/x", NPM),
        Tar::default().symlink("root/.npmrc", "/opt/x"),
        Tar::default().file("root/.wh..npmrc", "").file("opt/.wh.x", ""),
    ]);
    assert_eq!(found(&removed), [format!("0/opt/x {login} - 2")]);
    let docker = "{\"auths\":{\"r.example.com\":{\"auth\":\"YTpiYWJhYmFi\"}}}";
    let folder = of(vec![Tar::default().file("opt/d/config.json", docker).symlink("root/.docker", "/opt/d")]);
    let image = "a login to an image registry, to which /root/.docker/config.json leads";
    assert_eq!(found(&folder), [format!("0/opt/d/config.json {image}")]);
}

#[test]
fn databases_accounts_and_the_release_behind_links_are_read() {
    for tar in [
        Tar::default().file("x", APK).hard_link("lib/apk/db/installed", "x"),
        Tar::default().file("x", DPKG).symlink("var/lib/dpkg/status", "/x"),
        Tar::default().file("opt/status", DPKG).symlink("var/lib/dpkg", "../../opt"),
        Tar::default().file("x", DPKG).symlink("var/lib/dpkg/status.d/sudo", "/x"),
        Tar::default().file("opt/sudo", DPKG).symlink("var/lib/dpkg/status.d", "/opt"),
        // Alpine has such a link.
        Tar::default().symlink("lib", "usr/lib").file("usr/lib/apk/db/installed", APK),
    ] {
        let content = of(vec![tar]).content.unwrap();
        let packages: Vec<&str> = content.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!((packages, content.unknown_packages.as_slice()), (vec!["sudo"], &[][..]));
    }
    for tar in [
        Tar::default().symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm").file("usr/lib/sysimage/rpm/other", "x"),
        Tar::default().file("var/lib/dpkg/status", "").symlink("var/lib/dpkg/status.d", "/nowhere"),
        Tar::default().symlink("var/lib/dpkg/status", "/nowhere"),
    ] {
        let content = of(vec![tar]).content.unwrap();
        assert_eq!((content.packages, content.unknown_packages), (Vec::new(), Vec::new()));
    }
    let sqlite = of(vec![Tar::default().file("x", "y").hard_link("var/lib/rpm/rpmdb.sqlite", "x")]);
    assert!(sqlite.content.unwrap().unknown_packages[0].why.contains("no SQLite"));
    let tar = Tar::default()
        .file("nix/release", "ID=debian\nVERSION_ID=10\nPRETTY_NAME=Debian\n")
        .symlink("etc/os-release", "/nix/release")
        .file("nix/users", "app:x:1000:1000::/:/bin/sh\n")
        .symlink("etc/passwd", "/nix/users");
    let image = Image::new("amd64", &json!({"User": "app"})).layer("", tar);
    let content = content(image);
    assert_eq!((content.os.unwrap().version.as_str(), content.uid), ("10", Some(1000)));
    assert!(content.end_of_life.is_some());
}

#[test]
fn what_is_behind_links_and_not_read_is_a_gap() {
    let lost = of(vec![Tar::default().hard_link("root/.npmrc", "opt/x")]);
    let gaps: Vec<String> = lost.gaps.iter().map(ToString::to_string).collect();
    assert_eq!(
        gaps,
        ["settings of package managers, secrets in /root/.npmrc: it is a link to a file that is in no layer"]
    );
    let large = of(vec![Tar::default().file("opt/x", " ".repeat(1_100_000)).symlink("root/.npmrc", "/opt/x")]);
    assert_eq!(large.missing(), Parts::of(&[Part::Secrets, Part::Settings]));
    let many = (0..300)
        .fold(Tar::default().file("opt/x", NPM), |tar, number| tar.symlink(&format!("srv/{number}/.npmrc"), "/opt/x"));
    let many = of(vec![many]);
    assert_eq!(found(&many).len(), 2 * limits::LINKED);
    assert!(
        many.missing().has_any(Parts::of(&[Part::Secrets])) && many.missing().has_any(Parts::of(&[Part::Settings]))
    );
    // Any number of links, and of files in a folder behind one.
    let links = (0..2000).fold(Tar::default(), |tar, number| tar.symlink(&format!("srv/{number}/.npmrc"), "/nowhere"));
    let files = (0..2000).fold(Tar::default().symlink("etc/apt/sources.list.d", "/opt"), |tar, number| {
        tar.file(&format!("opt/{number}.list"), "")
    });
    for tar in [links, files] {
        assert!(of(vec![tar]).missing().has_any(Parts::of(&[Part::Settings])));
    }
    // Without a second reading.
    let archive = Tar::default().file("opt/x", NPM).symlink("root/.npmrc", "/opt/x").symlink("root/.curlrc", "/opt/y");
    let image = Image::new("amd64", &json!({})).layer("", archive);
    let archive = image.docker_save("a:1");
    let mut source = open_bytes(&archive);
    let opened = open(&mut source, &Wanted::default()).unwrap();
    let platform = &opened.platforms[0];
    let mut layers = Vec::new();
    source
        .each(&[&platform.manifest.layers[0]], &mut |_, reader| {
            layers.push(scan(reader, &platform.manifest.layers[0], &platform.config.rootfs.diff_ids[0])?);
            Ok(())
        })
        .unwrap();
    let unread = merge(platform, Some(&[&layers[0]])).unwrap();
    assert_eq!(unread.missing(), Parts::of(&[Part::Secrets, Part::Settings]));
    assert_eq!(unread.gaps[0].why, "it leads to /opt/x, which podreeve did not read");
}
