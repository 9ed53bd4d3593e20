//! What instructions put into a stage: `ADD`, `COPY`, and the mounts of `RUN`.

use super::super::scripts::is_allowed;
use super::archives::Own;
use super::folders::{Folders, is_same};
use super::{Download, Downloads, globs, outputs};

/// What a mount of `RUN` hides.
pub struct Mounted {
    place: String,
    hidden: Vec<Download>,
    own: Own,
}

/// What comes from another stage.
struct Taken {
    name: String,
    /// Its path below what is copied; empty for that itself.
    rest: String,
    file: Download,
}

impl Downloads {
    /// `ADD` of a URL.
    pub fn added(&mut self, url: &str, target: &str, allow: &[String]) {
        self.begin();
        for path in self.placed(outputs::name_of(url), target, true, false) {
            self.load(&path, "ADD", !is_allowed(url, allow));
        }
    }

    /// `COPY` of files that the build did not load.
    pub fn copied<'w>(&mut self, sources: impl Iterator<Item = &'w str>, target: &str) {
        self.begin();
        for source in sources {
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            for path in self.placed(name, target, true, false) {
                self.files.retain(|file| !is_same(&file.path, &path) || file.is_unpacked);
                self.own.add(path);
            }
            // Of a folder, what is in it is copied.
            if !name.trim_start_matches('.').contains('.') || name.contains('*') {
                self.own.add(self.folders.resolve(target));
            }
        }
    }

    /// `COPY --from` another stage.
    pub fn copied_from<'w>(&mut self, from: &Self, sources: impl Iterator<Item = &'w str>, target: &str) {
        self.begin();
        for source in sources {
            let taken = from.taken(source);
            if taken.is_empty() {
                self.copied(std::iter::once(source), target);
            }
            for Taken { name, rest, file } in taken {
                // Of a folder, what is in it is copied.
                let places = if rest.is_empty() && !name.is_empty() {
                    self.placed(&name, target, true, false)
                } else {
                    vec![self.folders.resolve(&format!("{}/{rest}", target.trim_end_matches('/')))]
                };
                self.put(places, &file);
            }
        }
    }

    /// `RUN --mount=type=bind`: the target has what is there in another stage, or of the context, and nothing else.
    pub fn mount(&mut self, from: Option<&Self>, source: &str, target: &str) -> Option<Mounted> {
        self.begin();
        let place = self.folders.resolve(target);
        if place.trim_start_matches('/').is_empty() {
            return None;
        }
        let own = self.own.clone();
        let (hidden, left) =
            std::mem::take(&mut self.files).into_iter().partition(|file| globs::covered(&place, &file.path).is_some());
        self.files = left;
        let taken = from.map(|from| from.taken(source)).unwrap_or_default();
        if taken.is_empty() {
            self.own.add(place.clone());
        }
        for Taken { rest, file, .. } in taken {
            let path = if rest.is_empty() { place.clone() } else { format!("{}/{rest}", place.trim_end_matches('/')) };
            self.put(vec![path], &file);
        }
        Some(Mounted { place, hidden, own })
    }

    /// The command of the mount has run.
    pub fn unmount(&mut self, mounted: Mounted) {
        self.files.retain(|file| globs::covered(&mounted.place, &file.path).is_none());
        self.files.extend(mounted.hidden);
        self.own = mounted.own;
    }

    fn put(&mut self, places: Vec<String>, file: &Download) {
        for path in places {
            self.files.retain(|known| !is_same(&known.path, &path) || known.is_unpacked);
            self.add(Download { path, ..file.clone() });
        }
    }

    /// What another stage takes from this one.
    fn taken(&self, source: &str) -> Vec<Taken> {
        let mut root = Folders::default();
        root.begin_at("/");
        let source = root.resolve(source);
        let mut taken: Vec<Taken> = Vec::new();
        let mut has_archive = false;
        for file in &self.files {
            let path = root.resolve(&file.path);
            let Some((name, rest)) = globs::covered(&source, &path) else { continue };
            has_archive |= rest.is_empty() && file.is_unpacked;
            // A folder that was unpacked has no name of its own: what is in it is taken.
            let name = if file.is_unpacked { "" } else { name };
            taken.push(Taken { name: name.to_owned(), rest: rest.to_owned(), file: file.clone() });
        }
        if let Some(file) = self.unpacked(&source).and_then(|at| self.files.get(at)).filter(|_| !has_archive) {
            let name = source.rsplit('/').next().unwrap_or_default().to_owned();
            let file = Download { members: Vec::new(), ..file.clone() };
            taken.push(Taken { name, rest: String::new(), file });
        }
        taken
    }
}
