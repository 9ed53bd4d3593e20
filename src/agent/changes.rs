//! Notices that a file which was audited has changed, so that nothing waits for the end of the interval.

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Folders in which something changes all the time.
const NOISY: [&str; 4] = ["/run", "/var/run", "/proc", "/sys"];
/// The most folders that are watched.
const MOST: usize = 500;

/// The folders of the audited files.
pub struct Changes(AsyncFd<File>);

impl Changes {
    /// Watches the folders of these files of the host, as far as they exist.
    ///
    /// # Errors
    /// When the kernel watches nothing.
    pub fn watch<'f>(root: &Path, files: impl Iterator<Item = &'f str>) -> io::Result<Self> {
        let watches = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let kinds = WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        for folder in folders(root, files) {
            // One that is not there is audited again after the interval.
            let _ = add_watch(&watches, &folder, kinds);
        }
        #[allow(deprecated, reason = "it is unsound for types that change their descriptor, and a File owns one")]
        let watches = AsyncFd::with_interest(File::from(watches), Interest::READABLE)?;
        Ok(Self(watches))
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

fn folders<'f>(root: &Path, files: impl Iterator<Item = &'f str>) -> BTreeSet<PathBuf> {
    let folders = files.filter_map(|file| Path::new(file).parent());
    let quiet = folders.filter(|folder| !NOISY.iter().any(|noisy| folder.starts_with(noisy)));
    let below = quiet.filter_map(|folder| Some(root.join(folder.strip_prefix("/").ok()?)));
    below.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn a_change_of_a_file_or_its_rights_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("etc/docker");
        fs::create_dir_all(&folder).unwrap();
        let files = ["/etc/docker/daemon.json", "/run/docker.sock", "/missing/file"];
        let changes = Changes::watch(root.path(), files.into_iter()).unwrap();
        fs::write(folder.join("daemon.json"), "{}").unwrap();
        changes.next().await.unwrap();
        fs::set_permissions(folder.join("daemon.json"), fs::metadata(root.path()).unwrap().permissions()).unwrap();
        changes.next().await.unwrap();
    }

    #[test]
    fn folders_that_always_change_are_left_out() {
        let files = ["/etc/docker/daemon.json", "/etc/docker/key.json", "/run/docker.sock", "/runner/a", "relative/a"];
        let found: Vec<PathBuf> = folders(Path::new("/host"), files.into_iter()).into_iter().collect();
        assert_eq!(found, [PathBuf::from("/host/etc/docker"), PathBuf::from("/host/runner")]);
    }
}
