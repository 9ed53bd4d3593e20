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

/// Those of them that every image of some distributions has: they change the user only where the command names them.
pub const SWITCHERS_OF_ALL: &[&str] = &["setpriv", "runuser"];

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
            add(&mut tools, listing, name, &paths::join(folder, name));
        }
    }
    tools
}

/// Programs with these names, and those with a version or a target in their name: `gcc-12`, `x86_64-linux-gnu-g++-14`.
pub fn find_versions(listing: &Listing, folders: &[String], names: &[&str]) -> Vec<Tool> {
    let mut tools = find(listing, folders, names);
    for folder in folders {
        // The folder itself may be a link.
        let Some(folder) = root::resolve(folder, true, |path| root::link_at(listing, path)) else { continue };
        let from = listing.nodes().get(listing.position(&folder)..).unwrap_or_default().iter();
        let below = from.map(|node| listing.path(node)).skip_while(|path| *path == folder);
        for path in below.take_while(|path| paths::is_below(path, &folder)) {
            let (above, program) = paths::split(path);
            if above != folder {
                continue;
            }
            let base = without_version(program);
            if let Some(name) = names.iter().find(|name| base == **name && base != program) {
                add(&mut tools, listing, name, path);
            }
        }
    }
    tools
}

fn add(tools: &mut Vec<Tool>, listing: &Listing, name: &str, path: &str) {
    let Some((path, node)) = root::follow(listing, path) else { return };
    let is_program = matches!(node.kind, NodeKind::File | NodeKind::HardLink) && node.mode & 0o111 != 0;
    // busybox has a name for each of its parts.
    let is_busybox = paths::split(&path).1 == "busybox";
    if is_program && !is_busybox && tools.len() < limits::FOUND && !tools.iter().any(|tool| tool.path == path) {
        tools.push(Tool { name: name.to_owned(), path, layer: node.layer.into() });
    }
}

/// The name without a version at its end, and without the target of a cross compiler before it.
fn without_version(program: &str) -> &str {
    let bare = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let name = bare.strip_suffix('-').filter(|_| bare.len() < program.len()).unwrap_or(program);
    let is_target =
        |target: &str| ["-linux-", "-elf", "-eabi", "-mingw32", "-musl"].iter().any(|part| target.contains(part));
    name.rsplit_once('-').filter(|(target, _)| is_target(target)).map_or(name, |(_, name)| name)
}

/// Git's folders, and one more than is kept.
pub fn repositories(listing: &Listing) -> Vec<Located> {
    let is_repository = |path: &str, kind: NodeKind| kind == NodeKind::Folder && paths::split(path).1 == ".git";
    let of = |(path, node): (&str, &super::listing::Node)| Located { path: path.to_owned(), layer: node.layer.into() };
    listing.iter().filter(|(path, node)| is_repository(path, node.kind)).map(of).take(limits::FOUND + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_targets_are_no_part_of_a_name() {
        for (program, name) in [
            ("gcc-12", "gcc"),
            ("g++-14.2", "g++"),
            ("x86_64-linux-gnu-gcc-12", "gcc"),
            ("aarch64-linux-gnu-ld", "ld"),
            ("arm-none-eabi-as", "as"),
            ("x86_64-w64-mingw32-g++", "g++"),
            ("gcc", "gcc"),
            ("mkfs.ext4", "mkfs.ext4"),
            ("update-go", "update-go"),
            ("base64", "base64"),
        ] {
            assert_eq!(without_version(program), name, "{program}");
        }
    }
}
