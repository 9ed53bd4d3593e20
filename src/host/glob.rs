//! Paths that fit a pattern, as shells and daemons write it.

use super::{Host, MOST_NAMES};

/// Paths of a pattern: `*`, `?` and `[...]` in any of its parts.
pub fn glob(host: &dyn Host, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            for path in &mut found {
                *path = format!("{path}/{part}");
            }
            continue;
        }
        let below = |folder: &String| {
            let names = host.list(if folder.is_empty() { "/" } else { folder });
            let names: Vec<String> = names.is().into_iter().flatten().cloned().collect();
            names
                .into_iter()
                .filter(|name| fits(part.as_bytes(), name.as_bytes()))
                .map(|name| format!("{folder}/{name}"))
                .collect::<Vec<_>>()
        };
        found = found.iter().flat_map(below).take(MOST_NAMES).collect();
    }
    found.retain(|path| !host.entry(path).is_absent());
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
        assert_eq!(glob(&fake, "/etc/c/conf.d/*.toml"), ["/etc/c/conf.d/10.toml", "/etc/c/conf.d/20.toml"]);
        assert_eq!(glob(&fake, "/etc/*/conf.d/[12]?.toml").len(), 2);
        assert_eq!(glob(&fake, "/etc/c/conf.d/10.toml"), ["/etc/c/conf.d/10.toml"]);
        assert!(glob(&fake, "/etc/none/*").is_empty() && glob(&fake, "/etc/c/none").is_empty());
        assert!(fits(b"a*b*c", b"axxbyyc") && !fits(b"a*b", b"axc") && fits(b"*", b"") && !fits(b"[^a-c]", b"b"));
    }
}
