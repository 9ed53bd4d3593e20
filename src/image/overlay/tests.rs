use super::*;
use crate::image::tar::{Entry, Kind};

/// `f:PATH=SIZE`, `d:PATH`, `l:PATH>TARGET`, `w:PATH` (a whiteout), `o:PATH` (an opaque folder).
fn listing(entries: &[&str]) -> Listing {
    let mut listing = Listing::default();
    for entry in entries {
        let (kind, rest) = entry.split_once(':').unwrap();
        let (path, size) = rest.split_once('=').unwrap_or((rest, "0"));
        let (path, link) = path.split_once('>').unwrap_or((path, ""));
        let of = |kind| Node::of(&Entry { kind, size: size.parse().unwrap(), ..Entry::default() });
        let node = match kind {
            "f" => of(Kind::File),
            "d" => of(Kind::Folder),
            "l" => of(Kind::Symlink),
            "w" => Node::WHITEOUT,
            "o" => Node::OPAQUE,
            other => panic!("{other}"),
        };
        listing.add(path, link, node).unwrap();
    }
    listing.finish();
    listing
}

fn overlay(layers: &[&[&str]]) -> Overlay {
    let mut overlay = Overlay::default();
    for layer in layers {
        overlay.add(&listing(layer), &|| Ok(())).unwrap();
    }
    overlay
}

fn merged(layers: &[&[&str]]) -> Vec<String> {
    let overlay = overlay(layers);
    overlay.root.iter().map(|(path, node)| format!("{path}@{}", node.layer)).collect()
}

#[test]
fn a_later_file_replaces_an_earlier_one() {
    assert_eq!(merged(&[&["f:a=1", "f:b=2"], &["f:b=3", "f:c=4"]]), ["a@0", "b@1", "c@1"]);
    let overlay = overlay(&[&["f:a=1", "f:b=2"], &["f:b=3"], &["f:b=5", "w:a"]]);
    assert_eq!(overlay.wasted, [3, 3, 0]);
    let files: Vec<_> = overlay.wasted_files.iter().map(|file| (file.path.as_str(), file.bytes)).collect();
    assert_eq!(files, [("b", 3), ("b", 2), ("a", 1)]);
    assert_eq!(overlay.removed, [0, 0, 1]);
}

#[test]
fn a_whiteout_removes_a_path_and_all_below() {
    let base: &[&str] = &["d:a", "f:a/b=1", "d:a/c", "f:a/c/d=2", "f:a-b=3", "f:b=4"];
    assert_eq!(merged(&[base, &["w:a"]]), ["a-b@0", "b@0"]);
    assert_eq!(merged(&[base, &["w:a/c", "w:none"]]), ["a@0", "a/b@0", "a-b@0", "b@0"]);
    // What the same layer adds stays, whatever order it has.
    assert_eq!(merged(&[base, &["w:a", "d:a", "f:a/c/new=1"]]), ["a@1", "a/c/new@1", "a-b@0", "b@0"]);
    assert_eq!(merged(&[base, &["w:a", "f:a/b=9", "f:a/x=1"]]), ["a/b@1", "a/x@1", "a-b@0", "b@0"]);
}

/// `chmod` of a link changes its target, also one of the layers below.
#[test]
fn a_bit_that_a_link_brings_stays_when_the_link_goes() {
    let set = |path: &str, link: &str, mode: u16| {
        let kind = if link.is_empty() { Kind::File } else { Kind::HardLink };
        let node = Node::of(&Entry { kind, mode: mode.into(), ..Entry::default() });
        (path.to_owned(), link.to_owned(), node)
    };
    let of = |entries: Vec<(String, String, Node)>| {
        let mut listing = Listing::default();
        for (path, link, node) in entries {
            listing.add(&path, &link, node).unwrap();
        }
        listing.finish();
        listing
    };
    let found = |base: u16, links: [u16; 2]| {
        let mut overlay = Overlay::default();
        overlay.add(&of(vec![set("base", "", base)]), &|| Ok(())).unwrap();
        overlay.add(&of(vec![set("b", "base", links[0]), set("a", "b", links[1])]), &|| Ok(())).unwrap();
        let set: Vec<String> =
            overlay.root.iter().filter(|(_, node)| node.is_set_id()).map(|(path, _)| path.to_owned()).collect();
        set
    };
    assert_eq!(found(0o755, [0o755, 0o755]), [""; 0]);
    for (base, links) in [(0o4755, [0o755, 0o755]), (0o755, [0o4755, 0o755]), (0o755, [0o755, 0o4755])] {
        assert_eq!(found(base, links), ["a", "b", "base"], "{base:o} {links:?}");
    }
}

#[test]
fn an_opaque_folder_hides_what_was_in_it() {
    let base: &[&str] = &["d:a", "f:a/b=1", "f:a/c=2", "f:b=4"];
    assert_eq!(merged(&[base, &["d:a", "o:a", "f:a/c=3"]]), ["a@1", "a/c@1", "b@0"]);
    assert_eq!(merged(&[base, &["o:"]]), [""; 0]);
}

#[test]
fn a_file_in_place_of_a_folder_hides_it() {
    let base: &[&str] = &["d:a", "f:a/b=1", "f:b=4"];
    assert_eq!(merged(&[base, &["f:a=1"]]), ["a@1", "b@0"]);
    assert_eq!(merged(&[base, &["d:a"]]), ["a@1", "a/b@0", "b@0"]);
    assert_eq!(merged(&[&["f:a=1"], &["d:a", "f:a/b=1"]]), ["a@1", "a/b@1"]);
}

#[test]
fn what_is_below_a_link_is_where_the_link_leads() {
    let base: &[&str] = &["l:bin>usr/bin", "d:usr", "d:usr/bin", "f:usr/bin/sh=1"];
    assert_eq!(merged(&[base, &["f:bin/sh=2"]]), ["bin@0", "usr@0", "usr/bin@0", "usr/bin/sh@1"]);
    assert_eq!(merged(&[base, &["w:bin/sh"]]), ["bin@0", "usr@0", "usr/bin@0"]);
    // A folder in place of the link is a folder.
    assert_eq!(merged(&[base, &["d:bin", "f:bin/x=2"]]), ["bin@1", "bin/x@1", "usr@0", "usr/bin@0", "usr/bin/sh@0"]);
    // Of two entries for one place the last one counts, whatever their names are.
    let layers: [(&[&str], u64); 2] = [(&["f:usr/bin/sh=2", "f:bin/sh=3"], 3), (&["f:bin/sh=3", "f:usr/bin/sh=2"], 2)];
    for (layer, size) in layers {
        let overlay = overlay(&[base, layer]);
        assert_eq!(overlay.root.find("usr/bin/sh").map(|node| node.size), Some(size));
    }
    assert_eq!(merged(&[&["l:up>.", "l:a>b", "f:up/a=1"]]), ["a@0", "up@0"]);
    assert_eq!(overlay(&[&["l:up>.", "l:a>b", "f:up/a=1"]]).root.find("a").map(|node| node.size), Some(1));
    // A link counts for what comes behind it in the archive: the whiteout removes nothing of usr/bin.
    let su: &[&str] = &["d:d", "d:usr", "d:usr/bin", "f:usr/bin/su=1"];
    assert_eq!(merged(&[su, &["w:d/su", "l:d>usr/bin"]]), ["d@1", "usr@0", "usr/bin@0", "usr/bin/su@0"]);
    assert_eq!(merged(&[su, &["l:d>usr/bin", "w:d/su"]]), ["d@1", "usr@0", "usr/bin@0"]);
    assert_eq!(merged(&[su, &["l:d>tmp", "w:d/su", "l:d>usr/bin"]]), ["d@1", "usr@0", "usr/bin@0", "usr/bin/su@0"]);
    // A link that the layer removes leads nowhere.
    assert_eq!(merged(&[base, &["w:bin", "f:bin/sh=2"]]), ["bin/sh@1", "usr@0", "usr/bin@0", "usr/bin/sh@0"]);
    // The folder to which a link leads is emptied.
    assert_eq!(merged(&[base, &["o:bin"]]), ["bin@0", "usr@0", "usr/bin@0"]);
    // In one layer, too.
    assert_eq!(merged(&[&["l:lib>usr/lib", "f:lib/x=1"]]), ["lib@0", "usr/lib/x@0"]);
}

#[test]
fn layers_over_a_large_one_remove_and_replace_what_they_name() {
    let large: Vec<String> =
        (0..300).flat_map(|at| [format!("d:{at}"), format!("f:{at}/a=1"), format!("f:{at}/b=2")]).collect();
    let large: Vec<&str> = large.iter().map(String::as_str).collect();
    let mut layers: Vec<Vec<String>> =
        (0..100).map(|at| vec![format!("w:{at}"), format!("f:{}/a=3", 100 + at)]).collect();
    layers.push(vec!["o:250".to_owned(), "f:250/c=1".to_owned(), "w:299/b".to_owned()]);
    let mut overlay = overlay(&[&large]);
    for layer in &layers {
        let layer: Vec<&str> = layer.iter().map(String::as_str).collect();
        overlay.add(&listing(&layer), &|| Ok(())).unwrap();
    }
    // A hundred folders with their files, and three files more.
    assert_eq!(overlay.root.len(), 900 - 300 - 3 + 1);
    assert_eq!((overlay.removed.iter().sum::<usize>(), overlay.wasted[0]), (303, 100 * 3 + 100 + 3 + 2));
    let paths: Vec<&str> = overlay.root.iter().map(|(path, _)| path).collect();
    assert!(paths.is_sorted_by(|a, b| paths::compare(a, b).is_lt()));
    let layer = |path: &str| overlay.root.find(path).map(|node| node.layer);
    assert_eq!([layer("150/a"), layer("150/b"), layer("250/a"), layer("250/c")], [Some(51), Some(0), None, Some(101)]);
}
