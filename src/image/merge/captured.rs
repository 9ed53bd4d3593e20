//! What files say that were read whole: package databases, the release, the accounts, settings.

use super::{Merge, Remains};
use crate::image::captures::{Account, Content, OsRelease};
use crate::image::end_of_life::end_of_life;
use crate::image::facts::{ContentFacts, Unknown, UnverifiedSetting};
use crate::image::gap::FULL;
use crate::image::{Gap, Part, limits};

impl Merge<'_> {
    /// The content of files that the image still has, with their layers.
    fn captures(&self, remains: &Remains) -> impl Iterator<Item = (usize, &str, &Content)> {
        let all = self.layers.iter().enumerate();
        all.flat_map(|(index, layer)| layer.captures.iter().map(move |capture| (index, capture)))
            .filter(|(index, capture)| remains.has(*index, capture.order))
            .chain(self.linked.iter().filter_map(|file| {
                Some((file.linked.layer, file.said.capture.as_ref().filter(|_| file.linked.is_final)?))
            }))
            .map(|(index, capture)| (index, capture.path.as_str(), &capture.content))
    }

    /// Adds it. `user` is the one that USER names.
    pub(super) fn captured(&self, remains: &Remains, user: &str, content: &mut ContentFacts, gaps: &mut Vec<Gap>) {
        let mut accounts: &[Account] = &[];
        let mut releases: Vec<(&str, &OsRelease)> = Vec::new();
        let mut has_more = false;
        for (layer, path, captured) in self.captures(remains) {
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
        for gap in self.links.unread(|linked| self.linked.iter().any(|file| file.linked == *linked)) {
            match &gap.path {
                Some(path) if gap.parts == [Part::Packages] => {
                    content.unknown_packages.push(Unknown { path: path.clone(), why: gap.why });
                }
                _ => gap.add(gaps),
            }
        }
        // The file in /etc wins.
        releases.sort_unstable_by_key(|(path, _)| *path);
        content.os = releases.first().map(|(_, release)| (*release).clone());
        content.end_of_life = content.os.as_ref().and_then(end_of_life);
        content.uid = accounts.iter().find(|account| account.name == user).map(|account| account.uid);
    }
}
