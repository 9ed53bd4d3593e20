//! The order in which an API server lists objects: the order of their keys in etcd.

use std::cmp::Ordering;
use std::iter::once;

/// Compares namespaces as parts of a key, `/registry/pods/NAMESPACE/NAME`: `a-b/` comes before `a/`.
#[must_use]
pub fn namespaces(a: &str, b: &str) -> Ordering {
    let key = |name: &'_ str| name.bytes().chain(once(b'/')).collect::<Vec<u8>>();
    if a == b { Ordering::Equal } else { key(a).cmp(&key(b)) }
}

/// Compares objects of one kind by namespace and name.
#[must_use]
pub fn objects(a: (&str, &str), b: (&str, &str)) -> Ordering {
    namespaces(a.0, b.0).then_with(|| a.1.cmp(b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_ends_a_namespace() {
        let mut names = ["a", "a-b", "a0", "b", "a-b-c", "ab"];
        names.sort_by(|a, b| namespaces(a, b));
        assert_eq!(names, ["a-b-c", "a-b", "a", "a0", "ab", "b"]);
        assert_eq!(objects(("a-b", "z"), ("a", "a")), Ordering::Less);
        // A name is the end of a key.
        assert_eq!(objects(("a", "web"), ("a", "web-1")), Ordering::Less);
    }
}
