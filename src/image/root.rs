//! Look-ups in the root of an image, where links are followed as a kernel follows them.

use super::listing::{Listing, Node, NodeKind};
use super::paths;

/// The most links on one way.
pub const LINKS: usize = 40;

/// The path without links; none if it leads in circles. What does not exist is kept as it is written.
///
/// `link` is the target of a path that is a link. `last` is whether the last part is followed, too.
pub fn resolve<'l>(path: &str, last: bool, link: impl Fn(&str) -> Option<&'l str>) -> Option<String> {
    let mut todo: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
    let (mut done, mut links) = (String::new(), 0);
    while let Some(part) = todo.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                done.truncate(done.rfind('/').unwrap_or_default());
                continue;
            }
            _ => {}
        }
        let next = paths::join(&done, &part);
        match link(&next).filter(|_| last || !todo.is_empty()) {
            Some(target) => {
                links += 1;
                if links > LINKS {
                    return None;
                }
                if target.starts_with('/') {
                    done.clear();
                }
                todo.extend(target.rsplit('/').map(str::to_owned));
            }
            None => done = next,
        }
    }
    Some(done)
}

/// The target, if the path is a link.
pub fn link_at<'l>(listing: &'l Listing, path: &str) -> Option<&'l str> {
    let node = listing.find(path).filter(|node| node.kind == NodeKind::Symlink)?;
    Some(listing.link(node))
}

/// The file or folder that a path leads to.
pub fn follow<'l>(listing: &'l Listing, path: &str) -> Option<(String, &'l Node)> {
    let path = resolve(path, true, |path| link_at(listing, path))?;
    let node = listing.find(&path)?;
    Some((path, node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_circles_end() {
        let links = [
            ("bin", "usr/bin"),
            ("usr/bin/gcc", "gcc-12"),
            ("usr/bin/gcc-12", "/usr/lib/../bin/real"),
            ("a", "b"),
            ("b", "/a"),
            ("up", "../../etc"),
        ];
        let link = |path: &str| links.iter().find(|(from, _)| *from == path).map(|(_, to)| *to);
        let of = |path| resolve(path, true, link);
        assert_eq!(of("bin/gcc").as_deref(), Some("usr/bin/real"));
        assert_eq!((of("a"), of("a/x"), of("none/x").as_deref()), (None, None, Some("none/x")));
        assert_eq!(of("up/passwd").as_deref(), Some("etc/passwd"));
        assert_eq!(resolve("bin/gcc", false, link).as_deref(), Some("usr/bin/gcc"));
    }
}
