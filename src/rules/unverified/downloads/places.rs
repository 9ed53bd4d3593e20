//! Where commands and instructions put files.

use super::Downloads;

impl Downloads {
    /// Where `ADD` and `COPY` put a file.
    pub(super) fn in_image(&self, target: &str, name: &str) -> String {
        self.folders.resolve(&self.placed(name, target))
    }

    /// Where a file is that goes to `target`: in it, if that is a folder.
    pub(super) fn placed(&self, path: &str, target: &str) -> String {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_folder = target.ends_with('/')
            || matches!(target.rsplit('/').next(), Some("bin" | "sbin" | "tmp" | "." | ".."))
            || self.folders.is_here(target);
        if is_folder { format!("{}/{name}", target.trim_end_matches('/')) } else { target.to_owned() }
    }
}
