//! What is not known of an image, and why. A rule that judges such a part may have passed over a violation.

use crate::text::clean;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of the facts of an image, as rules need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Part {
    /// The variables in the configuration.
    Variables,
    /// The commands of the build.
    History,
    /// What later layers overwrite or delete.
    Waste,
    /// The distribution and its release.
    Distribution,
    /// The packages of a package manager.
    Packages,
    /// Programs that rules know by name.
    Programs,
    /// Files with setuid, setgid or capabilities.
    PrivilegedFiles,
    /// Git repositories.
    Repositories,
    /// Keys and credentials in files.
    Secrets,
    /// Settings of package managers.
    Settings,
    /// The users of the image.
    Accounts,
    /// The folders that have files.
    Folders,
}

impl Part {
    /// What the layers hold.
    pub const OF_LAYERS: &'static [Self] = &[
        Self::Waste,
        Self::Distribution,
        Self::Packages,
        Self::Programs,
        Self::PrivilegedFiles,
        Self::Repositories,
        Self::Secrets,
        Self::Settings,
        Self::Accounts,
        Self::Folders,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Variables => "variables",
            Self::History => "history",
            Self::Waste => "waste",
            Self::Distribution => "distribution",
            Self::Packages => "packages",
            Self::Programs => "programs",
            Self::PrivilegedFiles => "files with setuid or capabilities",
            Self::Repositories => "Git repositories",
            Self::Secrets => "secrets",
            Self::Settings => "settings of package managers",
            Self::Accounts => "users",
            Self::Folders => "folders",
        }
    }
}

/// A set of parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts(u16);

impl Parts {
    pub const NONE: Self = Self(0);
    pub const OF_LAYERS: Self = Self::of(Part::OF_LAYERS);
    pub const OF_CONFIGURATION: Self = Self::of(&[Part::Variables, Part::History]);
    pub const ALL: Self = Self::OF_LAYERS.and(Self::OF_CONFIGURATION);

    #[must_use]
    pub const fn of(parts: &[Part]) -> Self {
        let (mut all, mut rest) = (0, parts);
        while let [first, others @ ..] = rest {
            all |= 1 << *first as u16;
            rest = others;
        }
        Self(all)
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Something of which not all is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gap {
    /// The parts that may lack something.
    pub parts: Vec<Part>,
    /// The file that was not read, without a slash at the beginning; none if it is not about one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why, as a clause.
    pub why: String,
}

/// The most gaps of one image, besides those that are not about one file.
const MOST: usize = 32;
/// Why a list lacks something.
pub const FULL: &str = "there are more than podreeve lists";
/// Why nothing is known of what the layers hold.
pub const UNREAD: &str = "its layers are not read yet";

impl Gap {
    #[must_use]
    pub fn new(parts: &[Part], why: impl Into<String>) -> Self {
        Self { parts: parts.to_vec(), path: None, why: why.into() }
    }

    /// A file that was not read.
    #[must_use]
    pub fn of_file(part: Part, path: &str, why: impl Into<String>) -> Self {
        Self { parts: vec![part], path: Some(path.to_owned()), why: why.into() }
    }

    /// Adds this one to a list. Of many files, the others are one gap: none is left out.
    pub fn add(mut self, gaps: &mut Vec<Self>) {
        if self.path.is_some() && gaps.len() >= MOST && !gaps.contains(&self) {
            (self.path, self.why) = (None, "there are more files that podreeve does not read".to_owned());
        }
        match gaps.iter_mut().find(|known| known.path == self.path && known.why == self.why) {
            Some(known) => {
                let new: Vec<Part> = self.parts.into_iter().filter(|part| !known.parts.contains(part)).collect();
                known.parts.extend(new);
            }
            None => gaps.push(self),
        }
    }

    /// Whether it is about what the configuration says, whatever the layers hold.
    #[must_use]
    pub fn is_of_configuration(&self) -> bool {
        Parts::of(&self.parts).has_any(Parts::OF_CONFIGURATION)
    }

    /// Whether it is about the layers as a whole, and may be gone as soon as they are read.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.why == UNREAD
    }
}

impl fmt::Display for Gap {
    /// Safe to print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parts.len() < Part::OF_LAYERS.len() {
            let words: Vec<&str> = self.parts.iter().map(|part| part.as_str()).collect();
            f.write_str(&words.join(", "))?;
            if let Some(path) = &self.path {
                write!(f, " in /{}", clean(path, 200))?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&clean(&self.why, 300))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_files_none_is_left_out() {
        let mut gaps = Vec::new();
        for number in 0..100 {
            Gap::of_file(Part::Secrets, &format!("a{number}"), "it is large").add(&mut gaps);
        }
        Gap::of_file(Part::Packages, "var/lib/rpm/Packages", "another format").add(&mut gaps);
        Gap::of_file(Part::Settings, "a0", "it is large").add(&mut gaps);
        Gap::new(&[Part::Programs], FULL).add(&mut gaps);
        let parts = gaps.iter().map(|gap| Parts::of(&gap.parts)).fold(Parts::NONE, Parts::and);
        assert_eq!(parts, Parts::of(&[Part::Secrets, Part::Packages, Part::Settings, Part::Programs]));
        assert_eq!(gaps.len(), MOST + 2);
        assert_eq!(gaps[0].to_string(), "secrets in /a0: it is large");
        assert_eq!(Gap::new(Part::OF_LAYERS, UNREAD).to_string(), UNREAD);
    }
}
