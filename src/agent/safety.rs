//! The agent refuses to run where it could do more than read.
//!
//! A container that mounts the host's `/` read-only can still write to the file systems that are mounted below it, as far as its user may. And
//! no mount keeps a user from a socket: user 0 and group 0 connect to that of the runtime, which is root on the node.

use std::fs;
use std::io;
use std::path::Path;

/// `CAP_DAC_READ_SEARCH` and `CAP_SYS_PTRACE`: both read, and change nothing.
const ALLOWED: u64 = 1 << 2 | 1 << 19;

/// What this process could do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Powers {
    pub user: u32,
    pub group: u32,
    /// Groups in addition to [`Self::group`].
    pub more_groups: Vec<u32>,
    /// The capabilities that it has or could get.
    pub capabilities: u64,
    pub no_new_privileges: bool,
    /// Mount points at the root and below it that can be written to.
    pub writable: Vec<String>,
    /// Whether the root is a mount point of its own.
    pub is_mounted: bool,
}

impl Powers {
    /// Those of this process.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        Ok(Self::of(&fs::read_to_string("/proc/self/status")?, &fs::read_to_string("/proc/self/mountinfo")?, root))
    }

    fn of(status: &str, mountinfo: &str, root: &Path) -> Self {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().split_ascii_whitespace()
        };
        let set =
            |name: &str| field(name).next().and_then(|bits| u64::from_str_radix(bits, 16).ok()).unwrap_or(u64::MAX);
        let mounts: Vec<(String, bool)> = mountinfo.lines().filter_map(mount).collect();
        let below: Vec<&(String, bool)> = mounts.iter().filter(|(at, _)| Path::new(at).starts_with(root)).collect();
        // Of the four ids, the one that the kernel checks.
        let id = |name: &str| field(name).nth(1).and_then(|id| id.parse().ok()).unwrap_or_default();
        let (user, group) = (id("Uid"), id("Gid"));
        let groups = field("Groups").map(|id| id.parse().unwrap_or_default());
        Self {
            user,
            group,
            more_groups: groups.filter(|more| *more != group).collect(),
            capabilities: set("CapBnd") | set("CapPrm"),
            no_new_privileges: field("NoNewPrivs").next() == Some("1"),
            is_mounted: below.iter().any(|(at, _)| Path::new(at) == root),
            writable: below.iter().filter(|(_, read_only)| !read_only).map(|(at, _)| at.clone()).collect(),
        }
    }

    /// Why the agent must not run, and what to do.
    #[must_use]
    pub fn refusal(&self, root: &Path) -> Option<String> {
        let root = root.display();
        if !self.is_mounted {
            return Some(format!(
                "{root} is no mount of the host's / of its own; mount it there, read-only, or run `podreeve node` on the host itself"
            ));
        }
        if self.capabilities & !ALLOWED != 0 {
            return Some(format!(
                "the container has capabilities ({:#x}) that do more than read; drop ALL, add DAC_READ_SEARCH alone, and do not run it \
                 privileged",
                self.capabilities
            ));
        }
        if !self.no_new_privileges {
            return Some("allowPrivilegeEscalation is not false; set it to false".to_owned());
        }
        if self.writable.iter().any(|at| Path::new(at) == Path::new(&root.to_string())) {
            return Some(format!("{root} can be written to; mount it with readOnly: true"));
        }
        let sockets = "connects to the socket of the container runtime, which is root on the node, however read-only its mounts are";
        if self.user == 0 {
            return Some(format!("user 0 {sockets}; set runAsUser: 65532"));
        }
        if self.group == 0 {
            return Some(format!("group 0 {sockets}; set runAsGroup: 65532"));
        }
        if let Some(group) = self.more_groups.first() {
            return Some(format!(
                "group {group} may be one that {sockets}; set no supplementalGroups, no fsGroup, and an image without groups"
            ));
        }
        None
    }
}

/// The mount point of a row of `mountinfo`, and whether it is read-only.
fn mount(row: &str) -> Option<(String, bool)> {
    let mut fields = row.split(' ').skip(4);
    let (at, options) = (fields.next()?, fields.next()?);
    Some((at.replace("\\040", " ").replace("\\134", "\\"), options.split(',').any(|option| option == "ro")))
}

/// Raises `CAP_DAC_READ_SEARCH` of this thread, and of all threads that it starts. The program's file has it as permitted only, so that the
/// same program starts where a container drops ALL. Returns whether this process has it now.
#[must_use]
pub fn raise() -> bool {
    use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
    let wanted = CapabilitySet::DAC_READ_SEARCH;
    let Ok(sets) = capabilities(None) else { return false };
    if !sets.permitted.contains(wanted) {
        return false;
    }
    let raised = CapabilitySets { effective: sets.effective | wanted, ..sets };
    set_capabilities(None, raised).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tpodreeve\nUid:\t65532\t65532\t65532\t65532\nGid:\t65532\t65532\t65532\t65532\nGroups:\t65532 \n\
                          CapPrm:\t0000000000000004\nCapBnd:\t0000000000000004\nNoNewPrivs:\t1\n";
    const MOUNTS: &str = "1 0 8:1 / / rw - overlay o rw\n2 1 8:1 / /host ro,relatime - ext4 d rw\n3 2 0:5 / /host/proc ro - proc p rw\n\
                          4 2 0:6 / /host/run\\040b ro - tmpfs t rw\n5 1 0:7 / /hosts rw - tmpfs t rw\n";

    fn refusal(status: &str, mounts: &str) -> Option<String> {
        let root = Path::new("/host");
        Powers::of(status, mounts, root).refusal(root)
    }

    #[test]
    fn an_agent_that_only_reads_runs() {
        assert_eq!(refusal(STATUS, MOUNTS), None);
        let without = refusal(&STATUS.replace("0004", "0000"), MOUNTS);
        assert_eq!(without, None);
        // As a user without rights it may run where the kernel cannot make all mounts read-only.
        assert_eq!(refusal(STATUS, &MOUNTS.replace("/host/proc ro", "/host/proc rw")), None);
    }

    #[test]
    fn an_agent_that_could_do_more_does_not_run() {
        let privileged = STATUS.replace("CapBnd:\t0000000000000004", "CapBnd:\t000001ffffffffff");
        for (status, mounts, says) in [
            (&*privileged, MOUNTS, "do more than read"),
            (&STATUS.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0"), MOUNTS, "allowPrivilegeEscalation"),
            (STATUS, &MOUNTS.replace("/host ro,relatime", "/host rw,relatime"), "/host can be written to"),
            // Where nothing can be written to, too.
            (&STATUS.replace("Uid:\t65532\t65532", "Uid:\t65532\t0"), MOUNTS, "user 0 connects to the socket"),
            (&STATUS.replace("Gid:\t65532\t65532", "Gid:\t65532\t0"), MOUNTS, "group 0 connects to the socket"),
            (&STATUS.replace("Groups:\t65532", "Groups:\t65532 998"), MOUNTS, "group 998 may be one"),
            (&STATUS.replace("Groups:\t65532", "Groups:\t0"), MOUNTS, "group 0 may be one"),
            (STATUS, "1 0 8:1 / / rw - overlay o rw\n", "no mount of the host's /"),
            // What cannot be read counts as all rights.
            ("Name:\ta\nNoNewPrivs:\t1\n", MOUNTS, "do more than read"),
        ] {
            let refused = refusal(status, mounts).unwrap_or_default();
            assert!(refused.contains(says), "{says}: {refused}");
        }
    }
}
