//! Replaces a file: the new content is there as a whole, or the old one stays.

use super::temporary::Named;
use std::fs::{self, OpenOptions};
use std::io;

/// Writes `after` to the file, which had the content `before`. Of a link, the file that it leads to is written. Permissions stay.
pub fn replace(name: &str, before: &[u8], after: &[u8]) -> Result<(), String> {
    let fail = |error: io::Error| format!("cannot be written: {error}");
    let target = fs::canonicalize(name).map_err(fail)?;
    let metadata = fs::metadata(&target).map_err(fail)?;
    if !metadata.is_file() {
        return Err("cannot be written: it is no file; write what podreeve prints with --diff".to_owned());
    }
    // A rename would replace a file that is read-only.
    if metadata.permissions().readonly() {
        return Err("cannot be written: it is read-only; make it writable, or use --diff to see the edit".to_owned());
    }
    OpenOptions::new().write(true).open(&target).map_err(fail)?;
    if fs::read(&target).map_err(fail)? != before {
        return Err("it has changed since podreeve read it; run podreeve again".to_owned());
    }
    Named::new(&target, &mut &*after).and_then(|new| new.put(&target)).map_err(fail)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::path::{Path, PathBuf};

    /// A folder with one file, and the path of the file.
    fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("web.yaml");
        fs::write(&path, content).expect("it is written");
        (folder, path)
    }

    fn name(path: &Path) -> &str {
        path.to_str().expect("UTF-8")
    }

    /// What is in the folder.
    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn mode_and_owner_stay() {
        let (folder, path) = file("a");
        // Only root can give a file away; for others the owner is the same in any case.
        let given = chown(&path, Some(65_533), Some(65_532)).is_ok();
        for mode in [0o640, 0o604, 0o755, 0o2660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
            let before = fs::metadata(&path).expect("it is there");
            replace(name(&path), b"a", b"a").expect("it is written");
            let after = fs::metadata(&path).expect("it is there");
            assert_eq!(after.mode() & 0o7777, before.mode() & 0o7777, "{mode:o}");
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
            assert!(!given || (after.uid(), after.gid()) == (65_533, 65_532));
            assert_ne!(after.ino(), before.ino(), "a reader has the old file or the new one, and never a part");
        }
        assert_eq!(names(&folder), ["web.yaml"], "nothing else is left");
    }

    #[test]
    fn a_link_stays_and_leads_to_the_new_content() {
        let (folder, path) = file("a");
        let link = folder.path().join("link.yaml");
        symlink("web.yaml", &link).expect("a link");
        replace(name(&link), b"a", b"b").expect("it is written");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("a file"), "b");
        assert_eq!(names(&folder), ["link.yaml", "web.yaml"]);
    }

    #[test]
    fn what_changed_meanwhile_is_left() {
        let (folder, path) = file("a person's edit");
        let error = replace(name(&path), b"what podreeve read", b"its edit").expect_err("it has changed");
        assert_eq!(error, "it has changed since podreeve read it; run podreeve again");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "a person's edit");
        fs::remove_file(&path).expect("removed");
        assert!(replace(name(&path), b"a", b"b").is_err_and(|error| error.starts_with("cannot be written: ")));
        assert_eq!(names(&folder), [""; 0], "a file that was removed does not come back");
    }

    #[test]
    fn what_is_read_only_or_no_file_is_left() {
        let (folder, path) = file("a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("its mode");
        assert!(replace(name(&path), b"a", b"b").is_err_and(|error| error.contains("read-only")));
        assert!(replace(name(folder.path()), b"a", b"b").is_err_and(|error| error.contains("it is no file")));
        assert_eq!(fs::read_to_string(&path).expect("a file"), "a");
    }
}
