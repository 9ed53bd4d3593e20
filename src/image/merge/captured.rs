//! What files say that were read whole: package databases, the release, the accounts, settings.

use super::Merge;
use crate::image::captures::{Account, Content, OsRelease};
use crate::image::end_of_life::end_of_life;
use crate::image::facts::{ContentFacts, Unknown, UnverifiedSetting};
use crate::image::gap::FULL;
use crate::image::{Gap, Part, databases, limits};

impl<'l> Merge<'l> {
    /// The content of files that the image still has, with their layers.
    fn captures(&self) -> impl Iterator<Item = (usize, &'l str, &'l Content)> {
        let all = self.layers.iter().enumerate();
        all.flat_map(|(index, layer)| layer.captures.iter().map(move |capture| (index, capture)))
            .filter(|(index, capture)| self.is_final(&capture.path, *index))
            .map(|(index, capture)| (index, capture.path.as_str(), &capture.content))
    }

    /// Adds it. `user` is the one that USER names.
    pub(super) fn captured(&self, user: &str, content: &mut ContentFacts, gaps: &mut Vec<Gap>) {
        let mut accounts: &[Account] = &[];
        let mut releases: Vec<(&str, &OsRelease)> = Vec::new();
        let mut has_more = false;
        for (layer, path, captured) in self.captures() {
            match captured {
                Content::Packages(packages) => {
                    has_more |= packages.len() > limits::PACKAGES;
                    content.packages.extend(packages.iter().cloned());
                }
                Content::Unknown(Part::Packages, why) => {
                    content.unknown_packages.push(Unknown { path: path.to_owned(), why: why.clone() });
                }
                Content::Unknown(part, why) => Gap::of_file(*part, path, why.as_str()).add(gaps),
                Content::OsRelease(release) => releases.push((path, release)),
                Content::Accounts(found) => accounts = found,
                Content::Faults(faults) => content.unverified.extend(faults.iter().map(|fault| UnverifiedSetting {
                    path: path.to_owned(),
                    layer,
                    fault: fault.clone(),
                })),
            }
        }
        content.packages.sort();
        content.packages.dedup();
        if has_more || content.packages.len() > limits::PACKAGES {
            Gap::new(&[Part::Packages], FULL).add(gaps);
            content.packages.truncate(limits::PACKAGES);
        }
        // A database that is only linked there is not among the files that were read.
        let is_read = |path: &str| self.captures().any(|(_, captured, _)| captured == path);
        content.unknown_packages.extend(databases::unread(&self.overlay.root, is_read));
        // The file in /etc wins.
        releases.sort_unstable_by_key(|(path, _)| *path);
        content.os = releases.first().map(|(_, release)| (*release).clone());
        content.end_of_life = content.os.as_ref().and_then(end_of_life);
        content.uid = accounts.iter().find(|account| account.name == user).map(|account| account.uid);
    }
}
