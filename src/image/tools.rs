//! Programs that rules know by name.

use super::facts::{Located, Tool};
use super::listing::{Listing, NodeKind};
use super::{limits, paths, root};

/// Compilers, linkers, and programs that build.
pub const BUILD: &[&str] = &[
    "as", "bazel", "bmake", "c++", "cargo", "cc", "clang", "clang++", "cmake", "cpp", "g++", "gcc", "gfortran", "ghc",
    "go", "gradle", "javac", "ld", "make", "meson", "mvn", "ninja", "nvcc", "rustc", "sbt", "swiftc", "tcc", "tsc",
    "zig",
];

/// Programs that install packages of a distribution.
pub const MANAGERS: &[&str] =
    &["apk", "apt", "apt-get", "dnf", "dnf5", "dpkg", "microdnf", "pacman", "rpm", "tdnf", "yum", "zypper"];

/// Programs that an image starts as root, and that go on as another user.
pub const SWITCHERS: &[&str] = &["gosu", "su-exec", "setpriv", "runuser", "s6-setuidgid", "chpst"];

pub const SSH_SERVERS: &[&str] = &["sshd", "dropbear", "dropbearmulti", "tinysshd", "lshd", "wolfsshd"];

/// Where shells look for programs, if PATH says nothing.
const FOLDERS: &[&str] = &[
    "usr/local/sbin",
    "usr/local/bin",
    "usr/sbin",
    "usr/bin",
    "sbin",
    "bin",
    "usr/local/go/bin",
    "usr/local/cargo/bin",
];

/// The most folders of PATH that are searched.
const MOST: usize = 500;

/// Where to look for programs: in the folders of PATH, and in the usual ones. The second value is whether PATH has more.
pub fn folders(env: &[String]) -> (Vec<String>, bool) {
    let path = env.iter().find_map(|pair| pair.strip_prefix("PATH=")).unwrap_or_default();
    let mut folders: Vec<String> = FOLDERS.iter().map(|folder| (*folder).to_owned()).collect();
    for folder in path.split(':').take(MOST).map(paths::clean).filter(|folder| !folder.is_empty()) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    (folders, path.split(':').nth(MOST).is_some())
}

/// The programs with these names that exist, by where their links lead.
pub fn find(listing: &Listing, folders: &[String], names: &[&str]) -> Vec<Tool> {
    let mut tools: Vec<Tool> = Vec::new();
    for name in names {
        for folder in folders {
            let Some((path, node)) = root::follow(listing, &paths::join(folder, name)) else { continue };
            let is_program = matches!(node.kind, NodeKind::File | NodeKind::HardLink) && node.mode & 0o111 != 0;
            // busybox has a name for each of its parts.
            let is_busybox = paths::split(&path).1 == "busybox";
            if is_program && !is_busybox && !tools.iter().any(|tool| tool.path == path) {
                tools.push(Tool { name: (*name).to_owned(), path, layer: node.layer.into() });
            }
        }
    }
    tools
}

/// Git's folders, and one more than is kept.
pub fn repositories(listing: &Listing) -> Vec<Located> {
    let is_repository = |path: &str, kind: NodeKind| kind == NodeKind::Folder && paths::split(path).1 == ".git";
    let of = |(path, node): (&str, &super::listing::Node)| Located { path: path.to_owned(), layer: node.layer.into() };
    listing.iter().filter(|(path, node)| is_repository(path, node.kind)).map(of).take(limits::FOUND + 1).collect()
}
