//! Users and groups of the host: `/etc/passwd` and `/etc/group`.

use serde::{Deserialize, Serialize};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

/// A group and its members, without those who have it as their primary group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// All users and groups in the files. A host may have more in a directory service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    /// Whether `/etc/nsswitch.conf` names another source than the files.
    pub elsewhere: bool,
}

impl Accounts {
    #[must_use]
    pub fn read(passwd: &str, group: &str, nsswitch: &str) -> Self {
        let users = passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _, uid, gid, _, home) =
                (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            Some(User { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()?, home: home.to_owned() })
        });
        let groups = group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _, gid, members) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let members =
                members.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Some(Group { name: name.to_owned(), gid: gid.parse().ok()?, members })
        });
        // A line that begins so adds those of a directory service.
        let adds_more = |text: &str| text.lines().any(|line| line.starts_with('+'));
        let elsewhere = names_another_source(nsswitch) || adds_more(passwd) || adds_more(group);
        Self { users: users.collect(), groups: groups.collect(), elsewhere }
    }

    /// The user's name, or the number where no file has one.
    #[must_use]
    pub fn user(&self, uid: u32) -> String {
        let found = self.users.iter().find(|user| user.uid == uid);
        found.map_or_else(|| if uid == 0 { "root".to_owned() } else { uid.to_string() }, |user| user.name.clone())
    }

    /// The group's name, or the number where no file has one.
    #[must_use]
    pub fn group(&self, gid: u32) -> String {
        let found = self.groups.iter().find(|group| group.gid == gid);
        found.map_or_else(|| if gid == 0 { "root".to_owned() } else { gid.to_string() }, |group| group.name.clone())
    }

    /// The number of a user, by the name or the number itself; none where no file has the name.
    #[must_use]
    pub fn uid(&self, user: &str) -> Option<u32> {
        let found = self.users.iter().find(|known| known.name == user).map(|known| known.uid);
        found.or_else(|| if user == "root" { Some(0) } else { user.parse().ok() })
    }

    /// The number of a group, by the name or the number itself; none where no file has the name.
    #[must_use]
    pub fn gid(&self, group: &str) -> Option<u32> {
        let found = self.groups.iter().find(|known| known.name == group).map(|known| known.gid);
        found.or_else(|| if group == "root" { Some(0) } else { group.parse().ok() })
    }

    /// All who are in a group, by their primary group too, except root. The kernel knows numbers alone, so the members of every group with
    /// its number are in it.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<&str> {
        let is_it = |found: &&Group| found.name == group || group.parse() == Ok(found.gid);
        let numbers: Vec<u32> = self.groups.iter().filter(is_it).map(|group| group.gid).collect();
        let named = self.groups.iter().filter(|group| numbers.contains(&group.gid)).flat_map(|group| &group.members);
        let primary = self.users.iter().filter(|user| numbers.contains(&user.gid) && user.uid != 0);
        let mut all: Vec<&str> = named
            .map(String::as_str)
            .filter(|name| *name != "root")
            .chain(primary.map(|user| user.name.as_str()))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether `passwd` or `group` come from a service such as LDAP, in addition to the files.
fn names_another_source(nsswitch: &str) -> bool {
    let lines = nsswitch.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let services = lines.filter_map(|line| line.strip_prefix("passwd:").or_else(|| line.strip_prefix("group:")));
    let mut words = services.flat_map(str::split_whitespace);
    // systemd makes users of its own units known; they are in no group that matters.
    words.any(|word| !word.starts_with('[') && !matches!(word, "files" | "compat" | "systemd" | "altfiles"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_by_the_file_and_by_the_primary_group() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:999::/home/ann:/bin/sh\nbad line\nbob:x:1001:1001::/home/bob:\n";
        let accounts = Accounts::read(passwd, "docker:x:999:bob,root, \nempty:x:5:\n", "passwd: files systemd\n");
        assert_eq!(accounts.members("docker"), ["ann", "bob"]);
        assert!(accounts.members("empty").is_empty() && accounts.members("none").is_empty());
        assert!(!accounts.elsewhere);
        assert!(Accounts::read("", "", "group: files [NOTFOUND=return] sss # ldap\n").elsewhere);
        assert!(Accounts::read("", "docker:x:5:\n+:::\n", "").elsewhere);
        assert_eq!(Accounts::read(passwd, "docker:x:999:bob\n", "").members("999"), ["ann", "bob"]);
        let two = Accounts::read(passwd, "docker:x:101:\nops:x:101:bob\n", "");
        assert_eq!((two.members("docker"), two.members("ops")), (vec!["bob"], vec!["bob"]), "two names of one number");
        assert_eq!(
            (accounts.user(1000), accounts.user(7), accounts.group(0)),
            ("ann".to_owned(), "7".to_owned(), "root".to_owned())
        );
    }
}
