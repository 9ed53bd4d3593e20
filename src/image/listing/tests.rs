use super::*;

fn file(mode: u16) -> Node {
    Node { mode, ..Node::new(NodeKind::File) }
}

#[test]
fn the_last_of_two_entries_counts() {
    let mut listing = Listing::default();
    for (path, mode) in [("b", 1), ("a/b", 2), ("b", 3), ("a", 4), ("a-b", 5)] {
        listing.add(path, "", file(mode)).unwrap();
    }
    listing.add("b", "", Node::WHITEOUT).unwrap();
    listing.finish();
    let found: Vec<_> = listing.iter().map(|(path, node)| (path, node.mode, node.kind.is_mark())).collect();
    assert_eq!(found, [("a", 4, false), ("a/b", 2, false), ("a-b", 5, false), ("b", 0, true), ("b", 3, false)]);
    assert_eq!((listing.find("b").map(|node| node.mode), listing.find("c")), (Some(3), None));
}

#[test]
fn a_hard_link_and_its_target_are_one_file() {
    let mut listing = Listing::default();
    let link = Node { mode: 0o4755, ..Node::new(NodeKind::HardLink) };
    listing.add("a", "b", link).unwrap();
    listing.add("b", "", file(0o755)).unwrap();
    listing.add("c", "elsewhere", link).unwrap();
    listing.finish();
    assert!(listing.find("b").unwrap().is_set_id() && listing.find("a").unwrap().kind == NodeKind::File);
    assert_eq!(listing.find("c").unwrap().kind, NodeKind::HardLink);

    // The target is replaced, and its link has the file all the same.
    let mut listing = Listing::default();
    listing.add("b", "", file(0o4755)).unwrap();
    listing.add("a", "b", Node { mode: 0o755, ..link }).unwrap();
    listing.add("b", "", file(0o755)).unwrap();
    listing.finish();
    assert!(listing.find("a").unwrap().is_set_id());
}

/// An archive may have the links of one file in any order of their names, and any of them may bring the bit.
#[test]
fn a_chain_of_hard_links_is_one_file() {
    let names: Vec<String> = (0..300).map(|number| format!("{}", 997 * number % 300)).collect();
    for with_bit in ["base", names[0].as_str(), names[150].as_str(), names[299].as_str()] {
        let mode = |name: &str| if name == with_bit { 0o4755 } else { 0o755 };
        let mut listing = Listing::default();
        listing.add("base", "", file(mode("base"))).unwrap();
        for (at, name) in names.iter().enumerate() {
            let target = if at == 0 { "base" } else { names[at - 1].as_str() };
            listing.add(name, target, Node { mode: mode(name), ..Node::new(NodeKind::HardLink) }).unwrap();
        }
        listing.finish();
        assert!(listing.iter().all(|(_, node)| node.is_set_id()), "{with_bit}");
    }
}
