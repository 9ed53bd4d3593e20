use super::*;

/// The oracle asks of each bit by itself whether it is more than the maximum allows.
#[test]
fn every_mode_against_every_maximum() {
    for max in [0o644, 0o444, 0o400, 0o600, 0o660, 0o755, 0o700] {
        for mode in 0..0o10000 {
            let more = (0..12).any(|bit| mode & (1 << bit) != 0 && max & (1 << bit) == 0);
            assert_eq!(excess_bits(mode, max) != 0, more, "{mode:04o} {max:04o}");
        }
    }
}

fn facts(uid: u32, gid: u32, mode: u32, parents: &[(u32, u32, u32)]) -> FileFacts {
    let parent = |(at, (uid, gid, mode)): (usize, &(u32, u32, u32))| Parent {
        path: format!("/p{at}"),
        access: Access { uid: *uid, gid: *gid, mode: *mode },
        acl: Vec::new(),
    };
    FileFacts {
        path: "/p1/p0/f".to_owned(),
        kind: FileKind::File,
        access: Access { uid, gid, mode },
        acl: Vec::new(),
        parents: parents.iter().enumerate().map(parent).collect(),
        link_parents: Vec::new(),
        modified: 0,
        read_only: false,
    }
}

fn excess(facts: &FileFacts, mode: u32, is_key: bool) -> Vec<(String, bool)> {
    let max = Maximum { uid: 0, groups: Vec::new(), mode };
    let found = facts.excess(&max, &Accounts::default(), is_key);
    found.into_iter().map(|excess| (excess.found, excess.grave)).collect()
}

#[test]
fn what_grants_more() {
    let root = [(0, 0, 0o755)];
    assert_eq!(excess(&facts(0, 0, 0o644, &root), 0o644, false), []);
    assert_eq!(excess(&facts(0, 0, 0, &root), 0o400, true), []);
    assert_eq!(excess(&facts(0, 0, 0o604, &root), 0o640, false), [("mode 0604".to_owned(), false)]);
    assert_eq!(excess(&facts(0, 0, 0o640, &root), 0o400, true), [("mode 0640".to_owned(), true)]);
    assert_eq!(excess(&facts(0, 0, 0o600, &root), 0o400, true), [("mode 0600".to_owned(), false)]);
    assert_eq!(excess(&facts(1000, 0, 0o644, &root), 0o644, false), [("1000:root".to_owned(), true)]);
    // A closed folder hides a bit for reading, and none for writing.
    assert_eq!(excess(&facts(0, 0, 0o644, &[(0, 0, 0o700)]), 0o600, true), []);
    assert_eq!(excess(&facts(0, 0, 0o666, &[(0, 0, 0o700)]), 0o600, false).len(), 1);
    let open = [(0, 0, 0o755), (0, 0, 0o777)];
    assert_eq!(excess(&facts(0, 0, 0o644, &open), 0o644, false), [("folder /p1 is root:root 0777".to_owned(), true)]);
    assert_eq!(excess(&facts(0, 0, 0o644, &[(0, 0, 0o1777)]), 0o644, false), []);
    assert_eq!(excess(&facts(0, 0, 0o644, &[(7, 0, 0o755)]), 0o644, false).len(), 1);
}

#[test]
fn an_acl_grants_too() {
    let mut file = facts(0, 0, 0o640, &[(0, 0, 0o755)]);
    file.acl = vec![AclEntry { group: false, id: 1000, bits: 0o4 }];
    assert_eq!(excess(&file, 0o640, true), [("an ACL gives user 1000 r--".to_owned(), true)]);
    file.acl = vec![AclEntry { group: true, id: 1000, bits: 0o4 }];
    assert_eq!(excess(&file, 0o640, false), []);
}

/// The mode of a folder of `root:root` shows the rights of a named user as those of the group, which alone are harmless.
#[test]
fn folders_of_links_and_acls_of_folders_count() {
    let mut file = facts(0, 0, 0o644, &[(0, 0, 0o775)]);
    assert_eq!(excess(&file, 0o644, false), []);
    file.parents[0].acl = vec![AclEntry { group: false, id: 1000, bits: 0o7 }];
    let found = "folder /p0 is root:root 0775, and an ACL gives user 1000 rwx".to_owned();
    assert_eq!(excess(&file, 0o644, false), [(found, true)]);
    file.parents[0].acl[0].bits = 0o5;
    assert_eq!(excess(&file, 0o644, false), []);
    // A closed folder above a link does not hide what the link leads to.
    let closed = facts(0, 0, 0o644, &[(0, 0, 0o700)]).parents;
    let file = FileFacts { link_parents: closed, ..facts(0, 0, 0o644, &[(0, 0, 0o755)]) };
    assert_eq!(excess(&file, 0o600, true).len(), 1);
    let open = facts(0, 0, 0o644, &[(0, 0, 0o777)]).parents;
    let file = FileFacts { link_parents: open, ..facts(0, 0, 0o644, &[(0, 0, 0o755)]) };
    assert_eq!(excess(&file, 0o644, false), [("folder /p0 is root:root 0777".to_owned(), true)]);
}

#[test]
fn paths_are_quoted_for_a_shell() {
    assert_eq!(shell("/etc/docker/daemon.json"), "/etc/docker/daemon.json");
    assert_eq!(shell("/a b;$(x)'"), r"'/a b;$(x)'\'''");
}
