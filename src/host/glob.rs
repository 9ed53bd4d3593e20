//! Paths that fit a pattern, as shells and daemons write it.

use super::{Host, MOST_NAMES};

/// What a pattern finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub paths: Vec<String>,
    /// Folders that cannot be read, and why: what is in them is not known.
    pub unread: Vec<String>,
}

/// Paths of a pattern: `*`, `?` and `[...]` in any of its parts.
pub fn glob(host: &dyn Host, pattern: &str) -> Found {
    let mut found = Found { paths: vec![String::new()], unread: Vec::new() };
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            for path in &mut found.paths {
                *path = format!("{path}/{part}");
            }
            continue;
        }
        let mut below = Vec::new();
        for folder in std::mem::take(&mut found.paths) {
            let names = host.list(if folder.is_empty() { "/" } else { &folder });
            found.unread.extend(names.unknown().map(|why| format!("{folder} {why}")));
            let names = names.is().into_iter().flatten().filter(|name| fits(part.as_bytes(), name.as_bytes()));
            below.extend(names.map(|name| format!("{folder}/{name}")));
        }
        if below.len() > MOST_NAMES {
            found.unread.push(format!("{pattern} has more paths than podreeve reads"));
            below.truncate(MOST_NAMES);
        }
        found.paths = below;
    }
    found.paths.retain(|path| !host.entry(path).is_absent());
    found
}

/// Whether a name fits a pattern. A pattern with `*` is tried from its last `*` again, so the work is linear in the product of both.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while of < name.len() {
        match (pattern.get(at), one(pattern.get(at..).unwrap_or_default(), name.get(of).copied())) {
            (Some(b'*'), _) => {
                star = Some((at, of));
                at += 1;
            }
            (Some(_), Some(length)) => {
                at += length;
                of += 1;
            }
            _ => match star {
                Some((star_at, star_of)) => {
                    star = Some((star_at, star_of + 1));
                    (at, of) = (star_at + 1, star_of + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

/// How many bytes of the pattern stand for this byte; none if it does not fit.
fn one(pattern: &[u8], byte: Option<u8>) -> Option<usize> {
    let byte = byte?;
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => {
            let end = rest.iter().skip(1).position(|b| *b == b']')? + 1;
            let set = rest.get(..end)?;
            let (negated, set) = match set {
                [b'^' | b'!', set @ ..] => (true, set),
                set => (false, set),
            };
            let ranges = set.windows(3).filter(|window| window.get(1) == Some(&b'-'));
            let in_range = |window: &[u8]| matches!(window, [low, _, high] if (*low..=*high).contains(&byte));
            let has = set.contains(&byte) || ranges.into_iter().any(in_range);
            (has != negated).then_some(end + 2)
        }
        [first, ..] => (*first == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn patterns() {
        let fake = Fake::read(
            "=== /etc/c/conf.d/10.toml\n=== /etc/c/conf.d/20.toml\n=== /etc/c/conf.d/x.bak\n=== /etc/d/conf.d/1.toml\n",
        );
        let glob = |fake: &Fake, pattern: &str| glob(fake, pattern).paths;
        assert_eq!(glob(&fake, "/etc/c/conf.d/*.toml"), ["/etc/c/conf.d/10.toml", "/etc/c/conf.d/20.toml"]);
        assert_eq!(glob(&fake, "/etc/*/conf.d/[12]?.toml").len(), 2);
        assert_eq!(glob(&fake, "/etc/c/conf.d/10.toml"), ["/etc/c/conf.d/10.toml"]);
        assert!(glob(&fake, "/etc/none/*").is_empty() && glob(&fake, "/etc/c/none").is_empty());
        assert!(fits(b"a*b*c", b"axxbyyc") && !fits(b"a*b", b"axc") && fits(b"*", b"") && !fits(b"[^a-c]", b"b"));
    }

    #[test]
    fn folders_that_cannot_be_read() {
        let fake = Fake::read("=== /etc/a/conf.d denied\n=== /etc/b/conf.d/1.toml\n");
        let found = glob(&fake, "/etc/*/conf.d/*.toml");
        assert_eq!(found.paths, ["/etc/b/conf.d/1.toml"]);
        assert_eq!(found.unread, ["/etc/a/conf.d cannot be read: permission denied"]);
    }
}
