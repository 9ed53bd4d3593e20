use super::*;
use crate::image::built;

/// Each entry as `kind path>link size`, with the content of files.
fn read(archive: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ImageError> {
    let mut tar = Tar::new(archive);
    let mut found = Vec::new();
    while let Some(entry) = tar.next_entry()? {
        let text = format!("{:?} {}>{} {}", entry.kind, entry.path, entry.link, entry.size);
        let (mut content, mut buffer) = (Vec::new(), [0; 7]);
        loop {
            match tar.read_data(&mut buffer)? {
                0 => break,
                count => content.extend(&buffer[..count]),
            }
        }
        found.push((text, content));
    }
    Ok(found)
}

fn texts(archive: &[u8]) -> Vec<String> {
    read(archive).unwrap().into_iter().map(|(text, _)| text).collect()
}

#[test]
fn entries_of_all_kinds_are_read() {
    let archive = built::Tar::default()
        .folder("./usr/")
        .file("usr/a", "content")
        .symlink("usr/b", "../a")
        .hard_link("c", "/usr/a")
        .entry(b'3', "dev/null", "", 0o666, b"")
        .entry(0, "old/", "", 0o755, b"")
        .changed(b'0', "name", "", 0o644, b"x", |header| header[345..351].copy_from_slice(b"prefix"))
        .end();
    assert_eq!(
        texts(&archive),
        [
            "Folder usr> 0",
            "File usr/a> 7",
            "Symlink usr/b>../a 0",
            "HardLink c>usr/a 0",
            "Other dev/null> 0",
            "Folder old> 0",
            "File prefix/name> 1"
        ]
    );
    assert_eq!(read(&archive).unwrap()[1].1, b"content");
}

#[test]
fn long_names_and_extended_headers_belong_to_the_next_entry() {
    let long = "d/".repeat(80) + "f";
    let archive = built::Tar::default()
        .gnu_long(b'L', &long)
        .gnu_long(b'K', "target")
        .symlink("short", "x")
        .pax(&[("path", b"from/pax"), ("size", b"3"), ("SCHILY.xattr.security.capability", &[1, 0])])
        .changed(b'0', "short", "", 0o644, b"abc", |header| header[124..135].fill(b'0'))
        .entry(b'g', "global", "", 0o644, b"12 path=evil\n")
        .file("last", "z")
        .end();
    assert_eq!(texts(&archive), [format!("Symlink {long}>target 0"), "File from/pax> 3".into(), "File last> 1".into()]);
    let mut tar = Tar::new(archive.as_slice());
    tar.next_entry().unwrap();
    assert_eq!(tar.next_entry().unwrap().unwrap().capability.as_deref(), Some([1, 0].as_slice()));
    // What is not read is passed over.
    assert_eq!(tar.next_entry().unwrap().unwrap().path, "last");
    assert_eq!(tar.entry().capability, None);
    assert!(tar.next_entry().unwrap().is_none());
}

#[test]
fn sparse_files_have_their_zeros() {
    let map = b"2\n2\n3\n8\n2\n";
    let mut in_data = map.to_vec();
    in_data.resize(512, 0);
    in_data.extend(b"abcde");
    let archive = built::Tar::default()
        .pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"12"), ("GNU.sparse.name", b"one")])
        .file("GNUSparseFile/one", &in_data)
        .pax(&[("GNU.sparse.size", b"12"), ("GNU.sparse.map", b"2,3,8,2")])
        .file("two", b"abcde")
        .changed(b'S', "three", "", 0o644, b"abcde", |header| {
            header[257..265].copy_from_slice(b"ustar  \0");
            for (at, number) in [(386, 2), (398, 3), (410, 8), (422, 2), (483, 12)] {
                header[at..at + 11].copy_from_slice(format!("{number:011o}").as_bytes());
            }
        })
        .file("after", "z")
        .end();
    let found = read(&archive).unwrap();
    for (index, name) in ["one", "two", "three"].iter().enumerate() {
        assert_eq!(found[index], (format!("File {name}> 12"), b"\0\0abc\0\0\0de\0\0".to_vec()));
    }
    assert_eq!(found[3].0, "File after> 1");
}

#[test]
fn numbers_may_be_binary() {
    let binary = |number: u64| {
        let mut field = [0; 12];
        field[4..].copy_from_slice(&number.to_be_bytes());
        field[0] |= 0x80;
        field
    };
    let archive = built::Tar::default()
        .changed(b'0', "a", "", 0o644, b"abc", |header| header[124..136].copy_from_slice(&binary(3)))
        .end();
    assert_eq!(texts(&archive), ["File a> 3"]);
    let huge = built::Tar::default()
        .changed(b'0', "a", "", 0o644, b"abc", |header| header[124..136].copy_from_slice(&binary(u64::MAX)))
        .end();
    assert!(read(&huge).is_err());
}

#[test]
fn a_broken_archive_is_an_error_wherever_it_is_cut() {
    let archive = built::Tar::default().gnu_long(b'L', "long").file("a", "content").folder("b").end();
    for end in 0..archive.len() - 1024 {
        // At the end of an entry, the end of the archive may be missing.
        let is_end = end % 512 == 0 && [0, 2048, 2560].contains(&end);
        let is_between = end % 512 == 0 && end == 1024;
        assert_eq!(read(&archive[..end]).is_ok(), is_end || is_between, "{end}");
    }
    let mut wrong = archive.clone();
    wrong[1024] ^= 1;
    assert!(read(&wrong).unwrap_err().to_string().contains("checksum"));
    let zeros = built::Tar::default().file("a", "b").raw(&[0; 512]).file("c", "d").end();
    assert!(read(&zeros).unwrap_err().to_string().contains("zeros"));
}

#[test]
fn what_one_entry_costs_is_bounded() {
    let says = |archive: Vec<u8>| read(&archive).unwrap_err().to_string();
    let long = "a".repeat(limits::PATH + 10);
    assert!(says(built::Tar::default().gnu_long(b'L', &long).file("a", "").end()).contains("over the limit"));
    assert!(
        says(built::Tar::default().pax(&[("path", long.as_bytes())]).file("a", "").end()).contains("over the limit")
    );
    let huge = built::Tar::default()
        .changed(b'x', "pax", "", 0, b"", |header| header[124..135].copy_from_slice(b"77777777777"));
    assert!(says(huge.end()).contains("over the limit"));
    let zeros = (limits::LAYER + 1).to_string();
    let sparse =
        built::Tar::default().pax(&[("GNU.sparse.size", zeros.as_bytes()), ("GNU.sparse.map", b"0,1")]).file("a", "b");
    assert!(says(sparse.end()).contains("sparse files"));
    for map in ["1", "5,9", "0,1,0,1", "18446744073709551615,2", "x"] {
        let sparse =
            built::Tar::default().pax(&[("GNU.sparse.size", b"10"), ("GNU.sparse.map", map.as_bytes())]).file("a", "b");
        assert!(read(&sparse.end()).is_err(), "{map}");
    }
}
