//! All files below a folder, as daemons in Go walk through it: no link is followed, though a file that is a link is read.

use super::Host;
use crate::node::Read;
use crate::node::mode::FileKind;

/// Folders in folders that are read.
const DEEPEST: usize = 8;
/// Files that are read of one folder.
const MOST_FILES: usize = 1000;

/// What is below a folder.
#[derive(Debug, Default)]
pub struct Walked {
    /// Links are among them, those to folders too: the daemon fails to read them as files.
    pub files: Vec<String>,
    /// What cannot be read, and why.
    pub unread: Vec<String>,
    /// Whether the folder itself does not exist.
    pub is_absent: bool,
}

/// Walks through a folder, in the order of the names. A folder that is a link itself is not walked through, unless the path ends with a slash.
pub fn walk(host: &dyn Host, folder: &str) -> Walked {
    let mut found = Walked::default();
    if host.link(folder).is().is_some() {
        found.files.push(folder.to_owned());
        return found;
    }
    found.is_absent = host.entry(folder).is_absent();
    below(host, folder.trim_end_matches('/'), 0, &mut found);
    found
}

fn below(host: &dyn Host, folder: &str, depth: usize, found: &mut Walked) {
    let names = host.list(if folder.is_empty() { "/" } else { folder });
    found.unread.extend(names.unknown().map(|why| format!("{folder} {why}")));
    for name in names.is().into_iter().flatten() {
        let path = format!("{folder}/{name}");
        let is_link = host.link(&path).is().is_some();
        match host.entry(&path) {
            Read::Is(entry) if !is_link && entry.kind == FileKind::Folder => {
                if depth == DEEPEST {
                    found.unread.push(format!("{path} is deeper than podreeve reads"));
                } else {
                    below(host, &path, depth + 1, found);
                }
            }
            _ if found.files.len() >= MOST_FILES => {
                return found.unread.push(format!("{folder} has more files than podreeve reads"));
            }
            _ => found.files.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn files_and_links() {
        let fake = Fake::read(
            "=== /etc/k/10.conf\n=== /etc/k/20/a.conf\n=== /etc/k/30.conf link /data\n=== /etc/k/40 link /data\n=== /data/hard.conf\n\
=== /etc/l link k\n",
        );
        let found = walk(&fake, "/etc/k");
        assert_eq!(found.files, ["/etc/k/10.conf", "/etc/k/20/a.conf", "/etc/k/30.conf", "/etc/k/40"]);
        assert!(found.unread.is_empty() && !found.is_absent);
        assert_eq!(walk(&fake, "/etc/l").files, ["/etc/l"], "a link is not walked through");
        assert_eq!(walk(&fake, "/etc/l/").files.len(), 4);
        assert!(walk(&fake, "/none").is_absent);
    }

    #[test]
    fn what_is_not_read() {
        let deep = "=== /d/1/2/3/4/5/6/7/8/9/a.conf\n";
        assert_eq!(walk(&Fake::read(deep), "/d").unread, ["/d/1/2/3/4/5/6/7/8/9 is deeper than podreeve reads"]);
        let found = walk(&Fake::read("=== /d/a denied\n=== /e denied\n"), "/e");
        assert_eq!(found.unread, ["/e cannot be read: permission denied"]);
        let many: String = (0..=MOST_FILES).map(|n| format!("=== /d/{n}.conf\n")).collect();
        assert_eq!(walk(&Fake::read(&many), "/d").unread, ["/d has more files than podreeve reads"]);
    }
}
