//! What is known of an image, as plain data. Rules judge it, and reports show it. Secrets are named and never kept.

use super::captures::OsRelease;
use super::config::RunConfig;
use super::gap::UNREAD;
use super::packages::Package;
use super::unverified::Fault;
use super::{Digest, Gap, Part, Parts, Platform, paths, tools};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The facts of one platform of an image.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageFacts {
    pub platform: Platform,
    pub created: Option<Timestamp>,
    /// The newest signing time that a signature proves; it counts where `created` is not the time of the build.
    pub signed: Option<Timestamp>,
    /// Who signed it, by a trust document; none if there is no document, or no entry of it covers the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<super::trust::Verdict>,
    pub run: RunConfig,
    /// The steps of the build; those without a layer, too.
    pub history: Vec<super::config::History>,
    pub layers: Vec<LayerFacts>,
    /// What the layers hold; none if they are not read.
    pub content: Option<ContentFacts>,
    /// What is left out of these facts, or could not be read, besides package databases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// A layer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerFacts {
    /// The digest of the layer as it is stored.
    pub digest: Digest,
    /// The digest of its archive.
    pub diff_id: Digest,
    /// Bytes as it is stored.
    pub size: u64,
    /// The command of the build that made it, if the history has one step for each layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// What it adds; none if it is not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<Added>,
}

/// What a layer adds to those below.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// Bytes of the archive.
    pub unpacked_size: u64,
    pub files: usize,
    /// Bytes of its files.
    pub bytes: u64,
    /// Paths of the layers below that it removes.
    pub removed: usize,
    /// Bytes of its files that a later layer overwrites or deletes.
    pub wasted: u64,
    /// The folders and files with most bytes, the largest first.
    pub largest: Vec<Sized>,
    /// How many packages it adds, and the first ones by name.
    pub packages: usize,
    pub package_names: Vec<String>,
}

/// A path and its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sized {
    pub path: String,
    pub bytes: u64,
}

/// What the layers hold, laid over each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContentFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// The last day on which the distribution gets security updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end_of_life: Option<jiff::civil::Date>,
    /// Ordered by name.
    pub packages: Vec<Package>,
    /// Package databases that could not be read, and why: there are packages that are not listed.
    pub unknown_packages: Vec<Unknown>,
    /// Files with setuid, setgid or capabilities.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Compilers and the like.
    pub build_tools: Vec<Tool>,
    pub package_managers: Vec<Tool>,
    /// Programs that change the user: `gosu`, `su-exec`.
    pub user_switchers: Vec<Tool>,
    pub ssh_servers: Vec<Tool>,
    /// `.git` folders.
    pub repositories: Vec<Located>,
    pub secrets: Vec<Secret>,
    /// Settings by which packages are installed without verification.
    pub unverified: Vec<UnverifiedSetting>,
    /// Bytes that later layers overwrite or delete, which every pull still loads.
    pub wasted: u64,
    /// The largest of these files.
    pub wasted_files: Vec<Sized>,
    /// The number of the user that USER names; none if the image has no such user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Volumes, the working directory and the folders of known programs that have files: an emptyDir there would hide them.
    pub filled: Vec<String>,
    /// Something is left out of these facts. The gaps say what, and why.
    pub truncated: bool,
}

/// A path and the layer that it is from, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Located {
    pub path: String,
    pub layer: usize,
}

/// What cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    pub path: String,
    pub why: String,
}

/// A file that gives a process more than its user has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrivilegedFile {
    pub path: String,
    pub layer: usize,
    /// `4755`.
    pub mode: String,
    pub setuid: bool,
    pub setgid: bool,
    /// `cap_net_raw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<String>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub path: String,
    pub layer: usize,
}

/// A secret in a layer. Its value is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    pub path: String,
    pub layer: usize,
    /// `a private key`.
    pub kind: String,
    /// The layer that deletes or overwrites the file, which changes nothing: the earlier layer still has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_in: Option<usize>,
}

/// A line of a settings file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnverifiedSetting {
    pub path: String,
    pub layer: usize,
    #[serde(flatten)]
    pub fault: Fault,
}

/// The user that a container of the image runs as, if the pod names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User<'i> {
    /// USER is a number, and not 0.
    Number(u32),
    /// USER is a name; the number if the image has such a user.
    Named(&'i str, Option<u32>),
    /// USER is `0` or `root`.
    Root(&'i str),
    /// There is no USER, so it is root.
    Unset,
}

/// Whether a runtime reads the name of a user as the number 0: a sign and leading zeros do not count.
#[must_use]
pub fn is_zero(user: &str) -> bool {
    user.parse::<i64>() == Ok(0)
}

impl ImageFacts {
    /// The user, without its group. A number over 2^31-1 is a name to the kubelet.
    #[must_use]
    pub fn user(&self) -> User<'_> {
        let user = self.run.user.split(':').next().unwrap_or_default();
        let uid = || self.content.as_ref().and_then(|content| content.uid);
        match user.parse::<u32>() {
            _ if user.is_empty() => User::Unset,
            Ok(0) => User::Root(user),
            Ok(number) if i32::try_from(number).is_ok() => User::Number(number),
            // A runtime reads `+0` and `-0` as 0.
            _ if user == "root" || is_zero(user) || uid() == Some(0) => User::Root(user),
            _ => User::Named(user, uid()),
        }
    }

    /// The program that changes the user as the image starts.
    #[must_use]
    pub fn switcher(&self) -> Option<&Tool> {
        let started = || self.run.entrypoint.iter().chain(&self.run.cmd).flat_map(|word| word.split_whitespace());
        let is_named = |tool: &Tool| started().any(|word| paths::split(word).1 == tool.name);
        let is_on_purpose = |tool: &Tool| !tools::SWITCHERS_OF_ALL.contains(&tool.name.as_str());
        self.content.as_ref()?.user_switchers.iter().find(|tool| is_on_purpose(tool) || is_named(tool))
    }

    /// All that is not known of the image, and why.
    #[must_use]
    pub fn all_gaps(&self) -> Vec<Gap> {
        let mut gaps = self.gaps.clone();
        match &self.content {
            None => gaps.push(Gap::new(Part::OF_LAYERS, UNREAD)),
            Some(content) => gaps.extend(
                content.unknown_packages.iter().map(|one| Gap::of_file(Part::Packages, &one.path, one.why.as_str())),
            ),
        }
        gaps
    }

    /// The parts of which not all is known.
    #[must_use]
    pub fn missing(&self) -> Parts {
        let of_layers = match &self.content {
            None => Parts::OF_LAYERS,
            Some(content) if content.unknown_packages.is_empty() => Parts::NONE,
            Some(_) => Parts::of(&[Part::Packages]),
        };
        self.gaps.iter().map(|gap| Parts::of(&gap.parts)).fold(of_layers, Parts::and)
    }

    /// The facts without what the layers hold, which can never be read.
    #[must_use]
    pub fn unreadable(mut self, why: &str) -> Self {
        Gap::new(Part::OF_LAYERS, why).add(&mut self.gaps);
        self.content = Some(ContentFacts { truncated: true, ..ContentFacts::default() });
        self
    }

    /// Bytes of all layers, unpacked; as they are stored where they are not read.
    #[must_use]
    pub fn size(&self) -> u64 {
        let of = |layer: &LayerFacts| layer.added.as_ref().map_or(layer.size, |added| added.unpacked_size);
        self.layers.iter().map(of).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_a_number_a_name_or_root() {
        for (written, uid, user) in [
            ("", None, User::Unset),
            (":0", None, User::Unset),
            ("0", None, User::Root("0")),
            ("0:0", None, User::Root("0")),
            ("+0", None, User::Root("+0")),
            ("-00:1", None, User::Root("-00")),
            ("root", Some(0), User::Root("root")),
            ("toor", Some(0), User::Root("toor")),
            ("1000:0", None, User::Number(1000)),
            ("app", Some(1000), User::Named("app", Some(1000))),
            ("app:app", None, User::Named("app", None)),
            ("2147483648", None, User::Named("2147483648", None)),
        ] {
            let mut facts = ImageFacts::default();
            written.clone_into(&mut facts.run.user);
            facts.content = Some(ContentFacts { uid, ..ContentFacts::default() });
            assert_eq!(facts.user(), user, "{written}");
        }
    }
}
