//! Patterns of files, as shells and `find` read them.

/// What else the pattern `*` stands for: `?` and `[a-z]`, which match less.
const STARS: [char; 2] = ['*', '?'];

/// Whether the path is one that the pattern names.
pub fn is_match(pattern: &str, path: &str) -> bool {
    covered(pattern, path).is_some_and(|(_, rest)| rest.is_empty())
}

/// The name of what the pattern covers, and the rest of the path if that is below it. `**` stands for any folders.
///
/// Where nothing says in which folder a build begins, it is the root.
pub fn covered<'p>(pattern: &str, path: &'p str) -> Option<(&'p str, &'p str)> {
    let (pattern, path) = (pattern.trim_start_matches('/'), path.trim_start_matches('/'));
    if let Some((folder, name)) = pattern.split_once("**/") {
        let rest = below(folder.trim_end_matches('/'), path)?;
        let depth = rest.matches('/').count().checked_sub(name.matches('/').count())?;
        let begin =
            rest.match_indices('/').nth(depth.wrapping_sub(1)).filter(|_| depth > 0).map_or(0, |(at, _)| at + 1);
        let named = rest.get(begin..).filter(|named| are_parts(name, named))?;
        return Some((last(named), ""));
    }
    if pattern.is_empty() {
        return Some(("", path));
    }
    if !has_star(pattern) {
        let rest = below(pattern, path)?;
        let covered = path.get(..path.len() - rest.len()).unwrap_or_default();
        return Some((last(covered.trim_end_matches('/')), rest));
    }
    let parts = pattern.matches('/').count();
    let end = path.match_indices('/').nth(parts).map_or(path.len(), |(at, _)| at);
    let (named, rest) = path.split_at_checked(end)?;
    are_parts(pattern, named).then(|| (last(named), rest.trim_start_matches('/')))
}

pub fn has_star(text: &str) -> bool {
    text.contains(STARS) || text.contains('[')
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What of the path is below the folder; empty if it is the folder itself.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if folder.is_empty() || rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn are_parts(pattern: &str, path: &str) -> bool {
    pattern.matches('/').count() == path.matches('/').count()
        && pattern.split('/').zip(path.split('/')).all(|(pattern, name)| is_name(pattern, name))
}

/// Each part of the pattern between stars is looked for once, behind the one before.
fn is_name(pattern: &str, name: &str) -> bool {
    if !has_star(pattern) {
        return pattern == name;
    }
    // A name that only the build knows.
    let is_unknown =
        name.strip_prefix('$').is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let mut parts = between_stars(pattern).peekable();
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first).filter(|_| !is_unknown) else { return is_unknown };
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

/// The texts between stars; `[a-z]` is one.
fn between_stars(pattern: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(pattern);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = text.find(['*', '?', '[']) else { return rest.take() };
        let (part, behind) = text.split_at_checked(at)?;
        let closed = behind.strip_prefix('[').and_then(|inner| inner.split_once(']'));
        rest = closed.map(|(_, behind)| behind).or_else(|| behind.get(1..));
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files_and_folders() {
        for (pattern, path, wanted) in [
            ("/a/b", "/a/b", Some(("b", ""))),
            ("/a/b", "/a/b/c/d", Some(("b", "c/d"))),
            ("/a/b", "/a/bc", None),
            ("/a", "a", Some(("a", ""))),
            ("/", "/a/b", Some(("", "a/b"))),
            ("/a/*", "/a/b", Some(("b", ""))),
            ("/a/*", "/a/b/c", Some(("b", "c"))),
            ("/a/*", "/a", None),
            ("/a/*.deb", "/a/b.deb", Some(("b.deb", ""))),
            ("/a/x*y*.deb", "/a/x-y_$V.deb", Some(("x-y_$V.deb", ""))),
            ("/a/x*y*.deb", "/a/y-x.deb", None),
            ("/a/x*x", "/a/x", None),
            ("/a/b?.d[ae]b", "/a/b1.deb", Some(("b1.deb", ""))),
            ("/*/b/*", "/a/b/c/d", Some(("c", "d"))),
            ("/a/**/*.deb", "/a/b.deb", Some(("b.deb", ""))),
            ("/a/**/*.deb", "/a/c/d/b.deb", Some(("b.deb", ""))),
            ("/a/**/*.deb", "/b/b.deb", None),
            ("**/c/*.deb", "/a/c/b.deb", Some(("b.deb", ""))),
            ("/a/*.deb", "/a/$URL", Some(("$URL", ""))),
            ("/a/*.deb", "/a/$URL.rpm", None),
        ] {
            assert_eq!(covered(pattern, path), wanted, "{pattern} {path}");
        }
    }
}
