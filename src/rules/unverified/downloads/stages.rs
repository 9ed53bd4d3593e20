//! What instructions put into a stage: `ADD`, `COPY`, and the mounts of `RUN`.

use super::super::scripts::is_allowed;
use super::archives::Own;
use super::folders::{Folders, is_same};
use super::{Download, Downloads, MOST, globs, outputs};
use crate::dockerfile::Mount;

/// What a mount of `RUN` hides.
pub struct Mounted {
    place: String,
    hidden: Vec<Download>,
    kind: Kind,
}

enum Kind {
    /// What is written there is lost.
    Bind(Own),
    /// The cache of this name has it the next time.
    Cache(String),
}

/// What commands left in the caches of a build, which all stages share.
#[derive(Debug, Default)]
pub struct Caches(Vec<(String, Vec<Download>)>);

impl Caches {
    fn get(&self, name: &str) -> Option<&[Download]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, files)| files.as_slice())
    }

    fn set(&mut self, name: String, files: Vec<Download>) {
        self.0.retain(|(known, _)| *known != name);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((name, files));
    }
}

/// The path of what is below a folder; empty for the folder itself.
fn inside(place: &str, rest: &str) -> String {
    if rest.is_empty() { place.to_owned() } else { format!("{}/{rest}", place.trim_end_matches('/')) }
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

    /// `RUN --mount=type=bind`: the target has what is there in another stage, or of the context, and nothing else. A cache has what it had,
    /// and first what is in that stage.
    pub fn mount(&mut self, mount: &Mount<'_>, from: Option<&Self>, caches: &Caches) -> Option<Mounted> {
        self.begin();
        let place = self.folders.resolve(mount.target);
        if place.trim_start_matches('/').is_empty() {
            return None;
        }
        let kind = match mount.cache {
            None => Kind::Bind(self.own.clone()),
            Some("") => Kind::Cache(place.clone()),
            Some(name) => Kind::Cache(name.to_owned()),
        };
        let hidden = self.split_off(&place);
        let known = if let Kind::Cache(name) = &kind { caches.get(name) } else { None };
        if let Some(known) = known {
            self.files.extend(known.iter().map(|file| Download { path: inside(&place, &file.path), ..file.clone() }));
        } else {
            let taken = from.map(|from| from.taken(mount.source)).unwrap_or_default();
            if taken.is_empty() && matches!(kind, Kind::Bind(_)) {
                self.own.add(place.clone());
            }
            for Taken { rest, file, .. } in taken {
                self.put(vec![inside(&place, &rest)], &file);
            }
        }
        Some(Mounted { place, hidden, kind })
    }

    /// The command of the mount has run.
    pub fn unmount(&mut self, mounted: Mounted, caches: &mut Caches) {
        let left = self.split_off(&mounted.place);
        match mounted.kind {
            Kind::Bind(own) => self.own = own,
            Kind::Cache(name) => {
                let rest = |path: &str| globs::covered(&mounted.place, path).map(|(_, rest)| rest.to_owned());
                let left = left.into_iter().filter_map(|file| Some(Download { path: rest(&file.path)?, ..file }));
                caches.set(name, left.collect());
            }
        }
        self.files.extend(mounted.hidden);
    }

    /// Takes the files of a folder away.
    fn split_off(&mut self, place: &str) -> Vec<Download> {
        let (of_place, others) =
            std::mem::take(&mut self.files).into_iter().partition(|file| globs::covered(place, &file.path).is_some());
        self.files = others;
        of_place
    }

    fn put(&mut self, places: Vec<String>, file: &Download) {
        for path in places {
            self.files.retain(|known| !is_same(&known.path, &path) || known.is_unpacked);
            if file.text.is_some() {
                self.own.add(path.clone());
            }
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
