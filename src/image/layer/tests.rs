use super::*;
use crate::image::built::{self, gzip, sha256};
use crate::image::captures::Content as Captured;

fn scanned(stored: &[u8], archive: &[u8]) -> Result<Layer, ImageError> {
    let digest = |bytes: &[u8]| Digest::try_from(sha256(bytes)).unwrap();
    let descriptor = Descriptor::new("", digest(stored), stored.len() as u64);
    scan(&mut &*stored, &descriptor, &digest(archive))
}

fn archive() -> Vec<u8> {
    built::Tar::default()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file_with_mode("usr/bin/su", 0o4755, "x".repeat(5000))
        .pax(&[("SCHILY.xattr.security.capability", &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])])
        .program("usr/bin/ping")
        .file("tmp/.wh.old", "")
        .file("opt/.wh..wh..opq", "")
        .file("opt/.wh..wh.plnk", "")
        .file("root/.npmrc", "//r/:_authToken=hunter2\n")
        .end()
}

#[test]
fn a_layer_is_read_in_every_compression() {
    let archive = archive();
    let zstd = ruzstd::encoding::compress_to_vec(archive.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    // A frame to pass over, and two frames.
    let (first, second) = archive.split_at(700);
    let frame = |part: &[u8]| ruzstd::encoding::compress_to_vec(part, ruzstd::encoding::CompressionLevel::Fastest);
    let frames = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], frame(first).as_slice(), &frame(second)].concat();
    let members = [gzip(first), gzip(second)].concat();
    for stored in [archive.clone(), gzip(&archive), members, zstd, frames] {
        let layer = scanned(&stored, &archive).unwrap();
        assert_eq!(layer.raw, archive.len() as u64);
        let paths: Vec<&str> = layer.listing.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["etc/os-release", "opt", "root/.npmrc", "tmp/old", "usr/bin/ping", "usr/bin/su"]);
        assert_eq!(layer.capabilities, [("usr/bin/ping".to_owned(), "cap_net_raw".to_owned())]);
        assert!(layer.listing.find("usr/bin/su").unwrap().is_set_id());
        assert_eq!((layer.secrets.len(), layer.secrets[0].path.as_str()), (1, "root/.npmrc"));
        assert!(matches!(&layer.captures[0].content, Captured::OsRelease(os) if os.version == "12"));
        assert!(!format!("{layer:?}").contains("hunter2"));
    }
}

#[test]
fn content_that_is_not_what_the_digests_say_is_refused() {
    let archive = archive();
    let stored = gzip(&archive);
    let other = built::Tar::default().file("a", "b").end();
    assert!(matches!(scanned(&stored, &other), Err(ImageError::WrongDigest { .. })));
    let digest = Digest::try_from(sha256(&stored)).unwrap();
    let diff_id = Digest::try_from(sha256(&archive)).unwrap();
    let scan = |bytes: &[u8], size| scan(&mut &*bytes, &Descriptor::new("", digest.clone(), size), &diff_id);
    let changed: Vec<u8> = stored.iter().enumerate().map(|(at, byte)| if at == 9 { byte ^ 1 } else { *byte }).collect();
    assert!(matches!(scan(&changed, 0), Err(ImageError::WrongDigest { .. })));
    assert!(matches!(scan(&stored, 7), Err(ImageError::WrongSize { .. })));
    for cut in [1, 10, stored.len() / 2, stored.len() - 1] {
        assert!(scan(&stored[..cut], 0).is_err(), "{cut}");
    }
    // What follows the end of an archive belongs to its digest.
    let longer = [archive.clone(), vec![7; 5000]].concat();
    assert!(scanned(&longer, &longer).is_ok());
    assert!(scanned(&longer, &archive).is_err());
}

#[test]
fn what_podreeve_cannot_read_is_said() {
    let says = |stored: &[u8]| scanned(stored, stored).unwrap_err().to_string();
    assert!(says(b"BZh91AY").contains("bzip2"));
    assert!(says(&[0x28, 0xb5, 0x2f, 0xfd, 0xff]).contains("zstd"));
    let encrypted = Descriptor::new("application/vnd.oci.image.layer.v1.tar+encrypted", Digest::sha256(b""), 0);
    assert!(scan(&mut [].as_slice(), &encrypted, &Digest::sha256(b"")).unwrap_err().to_string().contains("encrypted"));
}
