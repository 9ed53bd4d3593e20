//! What pull secrets of namespaces showed of an image. It is kept apart: no namespace gets the answer of another one, and a registry may
//! answer each of them differently.

use super::record::{Record, Repository, is_later, tag_of};
use super::store::ATTACHED_HARD;
use crate::reference::ImageRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most namespaces whose view of one image is kept. Others read it again.
const TENANTS: usize = 32;
/// The most repositories and the most tags that are kept of one namespace.
const EACH: usize = 4;
/// The most bytes of signatures in the views of all namespaces.
const EVIDENCE: usize = 128 << 10;

/// What one namespace sees.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    pub repositories: BTreeMap<String, Repository>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Timestamp>,
}

/// That a registry gave the image to the holder of these secrets, or does so no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proof {
    pub at: Timestamp,
    /// The names of the Secrets, by which the leader reads the layers.
    pub secrets: Vec<String>,
    /// It refuses them now. That is kept for a while, so that no older view of another replica counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl Seen {
    /// When the registry gave it last.
    fn newest(&self) -> Option<Timestamp> {
        self.repositories.values().filter_map(Repository::proved_at).max()
    }

    fn bytes(&self) -> usize {
        let attached = self.repositories.values().filter_map(|repository| repository.attached.as_ref());
        attached.flat_map(|attached| &attached.evidence).map(|one| one.content.size()).sum()
    }
}

impl Repository {
    pub fn proved_at(&self) -> Option<Timestamp> {
        self.proof.as_ref().map(|proof| proof.at)
    }
}

impl Record {
    /// The repository as podreeve sees it, or as a namespace does.
    pub fn repository(&self, tenant: Option<&str>, name: &str) -> Option<&Repository> {
        match tenant {
            None => self.repositories.get(name),
            Some(tenant) => {
                let repository = self.tenants.get(tenant)?.repositories.get(name)?;
                (!repository.proof.as_ref().is_none_or(|proof| proof.refused)).then_some(repository)
            }
        }
    }

    /// Adds what podreeve or a namespace sees. [`Self::limit_tenants`] bounds what is kept.
    pub fn add_seen(&mut self, tenant: Option<&str>, name: String, repository: Repository) {
        match tenant {
            None => self.add_repository(name, repository),
            Some(tenant) => {
                let seen = self.tenants.entry(tenant.to_owned()).or_default();
                seen.repositories.insert(name, repository);
                drop_oldest(&mut seen.repositories, Repository::proved_at);
            }
        }
    }

    pub fn add_seen_tag(&mut self, tenant: Option<&str>, tag: String, at: Timestamp) {
        match tenant {
            None => self.add_tag(tag, at),
            Some(tenant) => {
                let tags = &mut self.tenants.entry(tenant.to_owned()).or_default().tags;
                tags.insert(tag, at);
                drop_oldest(tags, |at| Some(*at));
            }
        }
    }

    /// Notes that the registry refuses the repository to a namespace.
    pub fn refuse(&mut self, tenant: &str, name: &str, at: Timestamp) {
        if let Some(repository) = self.tenants.get_mut(tenant).and_then(|seen| seen.repositories.get_mut(name)) {
            *repository = Repository { attached: None, proof: Some(Proof { at, secrets: Vec::new(), refused: true }) };
        }
    }

    /// Leaves out what counts no more, and the newest views of too many: those that are kept stay, so that no replica writes them
    /// again and again.
    pub fn limit_tenants(&mut self, now: Timestamp) {
        let counts = |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) < ATTACHED_HARD);
        for seen in self.tenants.values_mut() {
            seen.repositories.retain(|_, repository| counts(repository.proved_at()));
        }
        self.tenants.retain(|_, seen| !seen.repositories.is_empty());
        while self.tenants.len() > TENANTS || self.tenants.values().map(Seen::bytes).sum::<usize>() > EVIDENCE {
            let newest = self.tenants.iter().max_by_key(|(_, seen)| seen.newest()).map(|(name, _)| name.clone());
            let Some(newest) = newest else { return };
            self.tenants.remove(&newest);
        }
    }

    pub(super) fn has_news_of_tenants(&self, before: &Self) -> bool {
        // A namespace that may read it no more is news, too.
        self.tenants.len() != before.tenants.len()
            || self.tenants.iter().any(|(tenant, new)| {
                let Some(old) = before.tenants.get(tenant) else { return true };
                let repository = |(name, new): (&String, &Repository)| {
                    let Some(old) = old.repositories.get(name) else { return true };
                    let secrets =
                        |repository: &Repository| repository.proof.as_ref().map(|proof| proof.secrets.clone());
                    let later = new.proved_at().zip(old.proved_at()).is_none_or(|(new, old)| is_later(new, old));
                    new.is_news_after(old) || later || secrets(new) != secrets(old)
                };
                let tag = |(tag, at): (&String, &Timestamp)| old.tags.get(tag).is_none_or(|old| is_later(*at, *old));
                new.repositories.iter().any(repository) || new.tags.iter().any(tag)
            })
    }

    /// Of two views of one namespace, the newest parts count.
    pub(super) fn merge_tenants(&mut self, others: BTreeMap<String, Seen>) {
        for (tenant, theirs) in others {
            let ours = self.tenants.entry(tenant).or_default();
            for (name, theirs) in theirs.repositories {
                let time = |repository: &Repository| (repository.proved_at(), repository.attached_at());
                if ours.repositories.get(&name).is_none_or(|ours| time(ours) < time(&theirs)) {
                    ours.repositories.insert(name, theirs);
                }
            }
            for (tag, at) in theirs.tags {
                if ours.tags.get(&tag).is_none_or(|ours| *ours < at) {
                    ours.tags.insert(tag, at);
                }
            }
            drop_oldest(&mut ours.repositories, Repository::proved_at);
            drop_oldest(&mut ours.tags, |at| Some(*at));
        }
    }
}

fn drop_oldest<T>(all: &mut BTreeMap<String, T>, at: impl Fn(&T) -> Option<Timestamp>) {
    while all.len() > EACH {
        let oldest = all.iter().min_by_key(|(_, one)| at(one)).map(|(name, _)| name.clone());
        oldest.map(|oldest| all.remove(&oldest));
    }
}

/// The name of a tag in the store: where it leads is known to each reader alone. No reference has a line break.
pub fn tag_seen(tenant: Option<&str>, tag: &str) -> String {
    match tenant {
        None => tag.to_owned(),
        Some(tenant) => format!("{tenant}\n{tag}"),
    }
}

/// The same of a reference.
pub fn tag_of_seen(tenant: Option<&str>, image: &ImageRef<'_>) -> String {
    tag_seen(tenant, &tag_of(image))
}

#[cfg(test)]
mod tests;
