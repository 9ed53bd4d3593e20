//! What an image brings to the container that runs it, on all of its platforms together.

use crate::image::facts::User;
use crate::image::{ImageFacts, Part, Parts, caches, runtime_paths};
use std::collections::BTreeSet;

/// What rules about pods need of an image. Where platforms differ, the worst counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageTraits {
    pub user: ImageUser,
    /// Every platform is one of Windows, which has no numbers of users.
    pub windows: bool,
    /// EXPOSE: number and protocol, of any platform.
    pub ports: Vec<(u16, Box<str>)>,
    /// Absolute paths that the program may write to, on which an emptyDir hides nothing: VOLUME, WORKDIR, and the caches of known
    /// programs.
    pub writable: Vec<Box<str>>,
    /// Those of `writable` that are a VOLUME: what the program writes there may be meant to stay.
    pub volumes: Vec<Box<str>>,
    /// VOLUMEs with files, which an emptyDir would hide.
    pub filled: Vec<Box<str>>,
    /// The different command lines of its platforms.
    pub commands: Vec<ImageCommand>,
    /// Paths of SSH servers in it.
    pub ssh_servers: Vec<Box<str>>,
    /// HEALTHCHECK as a command that an exec probe can run.
    pub healthcheck: Option<Vec<Box<str>>>,
    /// Its layers are read, on every platform.
    pub layers_known: bool,
    /// What is not known of platforms that a node of Linux may run.
    pub missing: Parts,
    /// The same of Windows.
    pub missing_of_windows: Parts,
}

/// The command line of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageCommand {
    pub entrypoint: Vec<Box<str>>,
    pub cmd: Vec<Box<str>>,
}

/// The user that the image names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ImageUser {
    /// There are no facts of any platform, or platforms name different users.
    #[default]
    Unknown,
    /// The same number on every platform, and not 0.
    Number(u32),
    /// A number on every platform, none of them 0, and not the same one.
    Numbers,
    /// The same name on every platform; the number that every platform's /etc/passwd has for it.
    Named(Box<str>, Option<u32>),
    /// USER is root or missing, on one platform at least.
    Root {
        /// As it is written; empty if it is missing.
        written: Box<str>,
        /// A program in it that changes the user as it starts: `gosu`.
        switcher: Option<Box<str>>,
    },
}

/// How many paths are kept.
const MOST: usize = 32;
/// How many ports are kept, the lowest ones.
const PORTS: usize = 1024;

impl ImageTraits {
    #[must_use]
    pub fn new(platforms: &[ImageFacts]) -> Self {
        let of_linux = || platforms.iter().filter(|facts| facts.platform.os != "windows");
        let layers_known = !platforms.is_empty() && platforms.iter().all(|facts| facts.content.is_some());
        let folders = Parts::of(&[Part::Folders]);
        let folders_known = layers_known && !platforms.iter().any(|facts| facts.missing().has_any(folders));
        let missing = |is_windows: bool| {
            let runs = |os: &str| if is_windows { matches!(os, "windows" | "") } else { os != "windows" };
            let those = platforms.iter().filter(|facts| runs(&facts.platform.os));
            those.map(ImageFacts::missing).fold(Parts::NONE, Parts::and)
        };
        let filled = filled(platforms);
        let writable = if folders_known { writable(platforms, &filled) } else { Vec::new() };
        Self {
            user: ImageUser::of(of_linux()),
            windows: !platforms.is_empty() && of_linux().next().is_none(),
            ports: ports(platforms),
            volumes: volumes(platforms).map(Into::into).filter(|path| writable.contains(path)).collect(),
            writable,
            filled: volumes(platforms)
                .filter(|path| filled.contains(path.as_str()))
                .take(MOST)
                .map(Into::into)
                .collect(),
            healthcheck: same(platforms, |facts| &facts.run.healthcheck).and_then(|check| probe(&check.as_ref()?.test)),
            commands: commands(platforms),
            ssh_servers: ssh_servers(platforms),
            layers_known,
            missing: missing(false),
            missing_of_windows: missing(true),
        }
    }
}

impl ImageUser {
    fn of<'i>(platforms: impl Iterator<Item = &'i ImageFacts>) -> Self {
        let mut user = None;
        for facts in platforms {
            let next = Self::of_one(facts);
            user = Some(match (user, next) {
                (None, next) => next,
                (Some(root @ Self::Root { .. }), _) | (Some(_), root @ Self::Root { .. }) => root,
                (Some(one), other) if one == other => one,
                (Some(Self::Number(_) | Self::Numbers), Self::Number(_)) => Self::Numbers,
                (Some(Self::Named(name, _)), Self::Named(other, _)) if name == other => Self::Named(name, None),
                _ => Self::Unknown,
            });
        }
        user.unwrap_or_default()
    }

    fn of_one(facts: &ImageFacts) -> Self {
        let switcher = || facts.switcher().map(|tool| tool.name.as_str().into());
        match facts.user() {
            User::Number(number) => Self::Number(number),
            User::Named(name, uid) => Self::Named(name.into(), uid.filter(|uid| i32::try_from(*uid).is_ok())),
            User::Root(written) => Self::Root { written: written.into(), switcher: switcher() },
            User::Unset => Self::Root { written: "".into(), switcher: switcher() },
        }
    }
}

fn boxed(words: &[String]) -> Vec<Box<str>> {
    words.iter().map(|word| word.as_str().into()).collect()
}

/// What all platforms have; none if they differ.
fn same<'i, T: PartialEq>(platforms: &'i [ImageFacts], of: impl Fn(&'i ImageFacts) -> &'i T) -> Option<&'i T> {
    let mut all = platforms.iter().map(of);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn commands(platforms: &[ImageFacts]) -> Vec<ImageCommand> {
    // Each of them counts, and the documents of an image are bounded together.
    let mut all: Vec<ImageCommand> = Vec::new();
    for facts in platforms {
        let command = ImageCommand { entrypoint: boxed(&facts.run.entrypoint), cmd: boxed(&facts.run.cmd) };
        if !all.contains(&command) {
            all.push(command);
        }
    }
    all
}

fn ports(platforms: &[ImageFacts]) -> Vec<(u16, Box<str>)> {
    let read = |port: &String| {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let protocol = protocol.to_ascii_lowercase();
        // A pod can have no other ones.
        let is_known = matches!(protocol.as_str(), "tcp" | "udp" | "sctp");
        Some((number.parse::<u16>().ok().filter(|number| *number > 0 && is_known)?, protocol.into()))
    };
    let all: BTreeSet<_> = platforms.iter().flat_map(|facts| &facts.run.exposed_ports).filter_map(read).collect();
    all.into_iter().take(PORTS).collect()
}

fn volumes(platforms: &[ImageFacts]) -> impl Iterator<Item = String> {
    let all: BTreeSet<String> =
        platforms.iter().flat_map(|facts| &facts.run.volumes).filter_map(|path| mountable(path)).collect();
    all.into_iter()
}

/// The folders with files, of any platform.
fn filled(platforms: &[ImageFacts]) -> BTreeSet<String> {
    let contents = platforms.iter().filter_map(|facts| facts.content.as_ref());
    contents.flat_map(|content| &content.filled).filter_map(|path| mountable(path)).collect()
}

/// The folders that the program may write to, and that have no files on any platform.
fn writable(platforms: &[ImageFacts], filled: &BTreeSet<String>) -> Vec<Box<str>> {
    let folders = platforms.iter().filter_map(|facts| mountable(&facts.run.working_dir));
    let caches = platforms.iter().flat_map(|facts| caches::of(&facts.run)).map(str::to_owned);
    let all: BTreeSet<String> = volumes(platforms).chain(folders).chain(caches).collect();
    let empty = |path: &&String| !filled.contains(*path) && !runtime_paths::is_one(path);
    all.iter().filter(empty).take(MOST).map(|path| path.as_str().into()).collect()
}

/// The path as a pod can mount a volume there; none for the root, for what no pod can name, and for what is written in another way: a
/// relative path has another meaning to each runtime.
fn mountable(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_plain = path.starts_with('/') && !parts.is_empty() && !parts.contains(&"..") && !path.contains([':', ',']);
    (is_plain && !path.chars().any(char::is_control)).then(|| format!("/{}", parts.join("/")))
}

fn ssh_servers(platforms: &[ImageFacts]) -> Vec<Box<str>> {
    let contents = platforms.iter().filter_map(|facts| facts.content.as_ref());
    let all: BTreeSet<&str> =
        contents.flat_map(|content| &content.ssh_servers).map(|tool| tool.path.as_str()).collect();
    all.into_iter().take(MOST).map(Into::into).collect()
}

/// The command of an exec probe. `NONE` switches the check off.
fn probe(test: &[String]) -> Option<Vec<Box<str>>> {
    match test.split_first() {
        Some((kind, command)) if kind == "CMD" && !command.is_empty() => Some(boxed(command)),
        Some((kind, [script])) if kind == "CMD-SHELL" => {
            Some(vec!["/bin/sh".into(), "-c".into(), script.as_str().into()])
        }
        _ => None,
    }
}
