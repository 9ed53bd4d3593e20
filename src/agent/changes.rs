//! Notices that a file which was audited has changed, so that nothing waits for the end of the interval.

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The folders of what was audited.
pub struct Changes(AsyncFd<File>);

impl Changes {
    /// Watches these folders of the host, as far as they exist.
    ///
    /// # Errors
    /// When the kernel watches nothing.
    pub fn watch(root: &Path, folders: &[String]) -> io::Result<Self> {
        let watches = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let kinds = WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        for folder in folders.iter().filter_map(|folder| folder.strip_prefix('/')) {
            // One that is not there is audited again after the interval.
            let _ = add_watch(&watches, root.join(folder), kinds);
        }
        #[allow(deprecated, reason = "it is unsound for types that change their descriptor, and a File owns one")]
        let watches = AsyncFd::with_interest(File::from(watches), Interest::READABLE)?;
        Ok(Self(watches))
    }

    /// Forgets the changes until now. Returns whether there were any.
    pub fn drain(&self) -> bool {
        let (mut events, mut any) = ([0; 4096], false);
        let mut watches = self.0.get_ref();
        while watches.read(&mut events).is_ok_and(|read| read > 0) {
            any = true;
        }
        any
    }

    /// Waits for a change.
    ///
    /// # Errors
    /// When the kernel reports none any more.
    pub async fn next(&self) -> io::Result<()> {
        let mut events = [0; 4096];
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|watches| {
                let mut watches = watches.get_ref();
                watches.read(&mut events)
            });
            if let Ok(read) = read {
                return read.map(|_| ());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Root, Watched, snapshot};
    use std::fs;

    #[tokio::test]
    async fn a_change_of_a_file_or_its_rights_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("etc/docker");
        fs::create_dir_all(&folder).unwrap();
        let folders = ["/etc/docker", "/missing", "relative"].map(str::to_owned);
        let changes = Changes::watch(root.path(), &folders).unwrap();
        fs::write(folder.join("daemon.json"), "{}").unwrap();
        changes.next().await.unwrap();
        fs::set_permissions(folder.join("daemon.json"), fs::metadata(root.path()).unwrap().permissions()).unwrap();
        changes.next().await.unwrap();
    }

    /// A folder of drop-ins that did not exist, and the target of a link, wake the agent as a change of the file itself does.
    #[tokio::test]
    async fn what_an_audit_reads_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["usr/lib/systemd/system", "etc/systemd/system", "etc/docker", "srv"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        fs::write(path("usr/lib/systemd/system/docker.service"), "[Service]\nExecStart=/usr/bin/dockerd\n").unwrap();
        fs::write(path("srv/daemon.json"), "{}").unwrap();
        std::os::unix::fs::symlink("/srv/daemon.json", path("etc/docker/daemon.json")).unwrap();
        let watch = || {
            let root = Root::open(dir.path()).unwrap();
            let watched = Watched::new(&root);
            let node = snapshot(&watched, 0);
            Changes::watch(dir.path(), &watched.folders(&node)).unwrap()
        };
        let changes = watch();
        assert!(!changes.drain(), "to read it is no change");
        let drop_ins = path("etc/systemd/system/docker.service.d");
        fs::create_dir(&drop_ins).unwrap();
        changes.next().await.unwrap();
        let changes = watch();
        fs::write(drop_ins.join("a.conf"), "[Service]\n").unwrap();
        changes.next().await.unwrap();
        assert!(!changes.drain());
        fs::write(path("srv/daemon.json"), "{\"icc\": false}").unwrap();
        changes.next().await.unwrap();
    }
}
