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
    let laid = Laid::new(&[&layers[0]], &|| Ok(())).unwrap();
    let unread = merge(platform, Some((&[&layers[0]], laid, Vec::new()))).unwrap();
    assert_eq!(unread.missing(), Parts::of(&[Part::Secrets, Part::Settings]));
    assert_eq!(unread.gaps[0].why, "it leads to /opt/x, which podreeve did not read");
}

#[test]
fn what_a_hard_link_keeps_counts_though_its_target_is_gone() {
    // The target has a meaning of its own, and goes or is another file later.
    let kept = |target: &str, link: &str, text: &str, above: Tar| {
        of(vec![Tar::default().file(target, text).hard_link(link, target), above])
    };
    for above in [Tar::default().file("opt/.wh..npmrc", ""), Tar::default().file("opt/.npmrc", "a=1\n")] {
        let facts = kept("opt/.npmrc", "root/.npmrc", "strict-ssl=false\n", above);
        assert_eq!((found(&facts), facts.gaps.as_slice()), (vec!["0/root/.npmrc:1".to_owned()], &[][..]));
    }
    for (target, link, text) in [
        ("lib/apk/db/installed", "usr/lib/apk/db/installed", APK),
        ("var/lib/dpkg/status.d/a", "var/lib/dpkg/status.d/b", DPKG),
    ] {
        let (folder, name) = target.rsplit_once('/').unwrap();
        let facts = kept(target, link, text, Tar::default().file(&format!("{folder}/.wh.{name}"), ""));
        assert_eq!(facts.content.unwrap().packages.len(), 1, "{target}");
    }
    let release = kept(
        "usr/lib/os-release",
        "etc/os-release",
        "ID=debian\nVERSION_ID=10\n",
        Tar::default().file("usr/lib/.wh.os-release", ""),
    );
    assert_eq!(release.content.unwrap().os.unwrap().version, "10");
}

#[test]
fn a_secret_that_a_hard_link_keeps_is_not_removed() {
    let login = "a login to a package registry of npm";
    let keeps = |target: &str, link: &str, text: &str| {
        let (folder, name) = target.rsplit_once('/').unwrap();
        let gone = Tar::default().file(&format!("{folder}/.wh.{name}"), "");
        let mut found = found(&of(vec![Tar::default().file(target, text).hard_link(link, target), gone]));
        found.retain(|line| !line.ends_with(":1"));
        found
    };
    let named = |target: &str| vec![format!("0/{target} {login}, to which /root/.npmrc leads")];
    assert_eq!(keeps("opt/x", "root/.npmrc", NPM), named("opt/x"));
    assert_eq!(keeps("opt/.npmrc", "root/.npmrc", NPM), named("opt/.npmrc"));
    let of_npm = format!("0/root/.npmrc {login}, which is still at /opt/x");
    assert_eq!(keeps("root/.npmrc", "opt/x", NPM), [of_npm]);
    let key = "0/etc/a.pem a private key, which is still at /srv/b.pem";
    assert_eq!(keeps("etc/a.pem", "srv/b.pem", KEY), [key]);
}

#[test]
fn a_hard_link_has_what_its_target_was_when_it_was_made() {
    let list = "etc/apt/sources.list.d/own.list";
    let bad = || Tar::default().file("opt/x", SOURCE);
    let old = vec![format!("0/{list}:2")];
    for (layers, wanted) in [
        // The target of the layer below, before the same layer replaces it.
        (vec![bad(), Tar::default().hard_link(list, "opt/x").file("opt/x", "# ok\n")], old.clone()),
        (vec![bad(), Tar::default().hard_link(list, "opt/x").file("opt/x", "")], old.clone()),
        (vec![bad(), Tar::default().file("opt/x", "# ok\n").hard_link(list, "opt/x")], Vec::new()),
        // Some programs make links at the end.
        (vec![Tar::default().file("opt/x", "# ok\n").hard_link(list, "opt/x").file("opt/x", SOURCE)], old.clone()),
        // The target is below a link, in each of the layers.
        (vec![bad().symlink("data", "opt"), Tar::default().hard_link(list, "data/x")], old.clone()),
        (vec![Tar::default().symlink("data", "opt").file("data/x", SOURCE).hard_link(list, "opt/x")], old.clone()),
        // The target is a link itself, and so is each other name of it.
        (vec![bad().symlink("opt/y", "/opt/x").hard_link(list, "opt/y")], old.clone()),
        (vec![bad().symlink("opt/y", "/opt/x"), Tar::default().hard_link(list, "opt/y")], old),
        (vec![Tar::default().symlink("opt/y", "/nowhere").hard_link(list, "opt/y")], Vec::new()),
    ] {
        let facts = of(layers);
        assert_eq!((found(&facts), facts.gaps.as_slice()), (wanted, &[][..]));
    }
}

#[test]
fn of_two_entries_of_one_path_the_last_one_counts() {
    let list = "etc/apt/sources.list.d/own.list";
    for (first, last, wanted) in [(SOURCE, "# ok\n", 0), ("# ok\n", SOURCE, 1), (SOURCE, "", 0), ("", SOURCE, 1)] {
        let linked = Tar::default().file("opt/x", first).symlink(list, "/opt/x").file("opt/x", last);
        let itself = Tar::default().file(list, first).file(list, last);
        // Two names of one place.
        let renamed =
            Tar::default().symlink("lists", "etc/apt/sources.list.d").file(list, first).file("lists/own.list", last);
        for (tar, wanted) in [(linked, wanted), (itself, wanted), (renamed, if last == SOURCE { 0 } else { wanted })] {
            assert_eq!(found(&of(vec![tar])).len(), wanted, "{first:?} {last:?}");
        }
    }
}

#[test]
fn a_link_into_what_a_runtime_mounts_is_a_gap() {
    let list = "etc/apt/sources.list.d/own.list";
    let why = "it is a link into /proc, /sys or /dev, where podreeve cannot follow it";
    let gaps = |tar: Tar| of(vec![tar]).gaps.iter().map(ToString::to_string).collect::<Vec<_>>();
    let bad = || Tar::default().file("opt/x", SOURCE);
    let of_list = [format!("settings of package managers in /{list}: {why}")];
    assert_eq!(gaps(bad().symlink(list, "/proc/self/root/opt/x")), of_list);
    assert_eq!(gaps(bad().file("dev/x", "# ok").symlink(list, "/dev/x")), of_list);
    assert_eq!(
        gaps(Tar::default().file("opt/own.list", SOURCE).symlink("etc/apt/sources.list.d", "/proc/1/root/opt")),
        [format!("settings of package managers in /etc/apt/sources.list.d: {why}")]
    );
    for target in ["/dev/null", "/proc/../opt/y", "/opt/dev/x"] {
        assert_eq!(gaps(bad().symlink(list, target)), [""; 0], "{target}");
    }
}

#[test]
fn packages_behind_links_are_those_of_their_layers() {
    let more = format!("{DPKG}\nPackage: curl\nVersion: 2\n");
    let facts = of(vec![
        Tar::default().file("opt/x", DPKG).symlink("var/lib/dpkg/status", "/opt/x"),
        Tar::default().file("opt/x", more),
    ]);
    let added: Vec<usize> = facts.layers.iter().map(|layer| layer.added.as_ref().unwrap().packages).collect();
    assert_eq!((added, facts.content.unwrap().packages.len()), (vec![1, 1], 2));
}

/// Searching a layer for each link would take minutes.
#[test]
fn many_links_to_files_that_were_written_below_links_are_followed() {
    let decoys = (0..5000).fold(Tar::default(), |tar, number| tar.file(&format!("a/{number}/x"), ""));
    let links =
        (0..1000).fold(decoys.file("zz/x", NPM), |tar, number| tar.symlink(&format!("srv/{number}/.npmrc"), "/opt/x"));
    let above = (0..20).map(|number| Tar::default().file(&format!("e{number}"), "x"));
    let facts = of([Tar::default().symlink("zz", "opt"), links].into_iter().chain(above).collect());
    assert_eq!(found(&facts).len(), 2 * limits::LINKED);
    // Links that lead over many others, to long paths.
    let deep = format!("/{}x", "d/../".repeat(800));
    let way =
        (0..30).fold(Tar::default(), |tar, number| tar.symlink(&format!("c/{number}"), &format!("{}", number + 1)));
    let way = (0..1000).fold(way.pax(&[("linkpath", deep.as_bytes())]).symlink("c/30", "x"), |tar, number| {
        tar.symlink(&format!("srv/{number}/.npmrc"), "/c/0")
    });
    let above = (0..60).map(|number| Tar::default().file(&format!("e{number}"), "x"));
    let facts = of(std::iter::once(way).chain(above).collect());
    assert!(facts.missing().has_any(Parts::of(&[Part::Secrets])));
}

#[test]
fn a_layer_with_files_behind_links_is_read_once_more_for_all_platforms() {
    struct Counting<'a>(Archive<'a>, usize);
    impl Source for Counting<'_> {
        fn roots(&mut self) -> Result<Vec<Root>, ImageError> {
            self.0.roots()
        }
        fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError> {
            self.1 += wanted.len();
            self.0.each(wanted, visit)
        }
    }
    let tar = || Tar::default().file("opt/x", NPM).symlink("root/.npmrc", "/opt/x");
    let image = |number: usize| Image::new(&format!("a{number}"), &json!({})).layer("", tar());
    let archive = as_tar(&layout("1", &(0..20).map(image).collect::<Vec<_>>()));
    let read_within = |bytes: u64| {
        let mut source = Counting(open_bytes(&archive), 0);
        let opened = open(&mut source, &Wanted::default()).unwrap();
        source.1 = 0;
        let facts = read_within(&mut source, &opened, &mut |_| {}, Allowance { bytes, ..Allowance::IMAGE });
        facts.map(|facts| (facts.iter().map(|facts| found(facts).len()).collect::<Vec<_>>(), source.1))
    };
    let size = tar().end().len() as u64;
    assert_eq!(read_within(size).unwrap(), (vec![2; 20], 2));
}

#[test]
fn the_work_ends_when_it_is_asked_to() {
    let archive = Tar::default().file("opt/x", NPM).symlink("root/.npmrc", "/opt/x").end();
    let digest = Digest::sha256(&archive);
    let layer = scan(&mut archive.as_slice(), &Descriptor::new("", digest.clone(), 0), &digest).unwrap();
    let asked = std::cell::Cell::new(0);
    let late = || {
        asked.set(asked.get() + 1);
        if asked.get() > 3 { Err(ImageError::Choice("late".to_owned())) } else { Ok(()) }
    };
    assert_eq!(Laid::new(&[&layer; 10], &late).unwrap_err().to_string(), "late");
    assert!(Laid::new(&[&layer; 10], &|| Ok(())).is_ok());
}
