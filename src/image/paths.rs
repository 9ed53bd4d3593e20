//! Paths in an image: below the root, without a slash at the beginning.

use std::cmp::Ordering;

/// The path without `.`, `..` and doubled slashes. It never leads out of the root.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The folder and the last name.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// `name` in `folder`.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Orders paths so that everything below a folder comes right behind it.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rank = |byte: Option<&u8>| match byte {
        None => 0_u16,
        Some(b'/') => 1,
        Some(byte) => 2 + u16::from(*byte),
    };
    rank(a.get(common)).cmp(&rank(b.get(common)))
}

/// Whether `path` is below `folder`. Everything but the root is below the root.
pub fn is_below(path: &str, folder: &str) -> bool {
    if folder.is_empty() {
        return !path.is_empty();
    }
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_out_of_the_root() {
        for (written, clean_path) in [
            ("./usr//bin/", "usr/bin"),
            ("/etc/../../../root/./a", "root/a"),
            ("..", ""),
            ("", ""),
            ("a/b/../c", "a/c"),
        ] {
            assert_eq!(clean(written), clean_path, "{written}");
        }
        assert_eq!(
            (split("a/b/c"), split("c"), join("", "a"), join("a", "b").as_str()),
            (("a/b", "c"), ("", "c"), "a".to_owned(), "a/b")
        );
    }

    #[test]
    fn what_is_below_a_folder_comes_right_behind_it() {
        let mut paths = ["a.b", "a/c", "a", "a/b/c", "a-b", "b", "a/b", ""];
        paths.sort_by(|a, b| compare(a, b));
        assert_eq!(paths, ["", "a", "a/b", "a/b/c", "a/c", "a-b", "a.b", "b"]);
        assert!(
            is_below("a/b", "a")
                && is_below("a", "")
                && !is_below("ab", "a")
                && !is_below("a", "a")
                && !is_below("", "")
        );
    }
}
