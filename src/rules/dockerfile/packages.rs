//! Calls of package managers.

use crate::shell::{Call, Word};
use crate::workload::image::split;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Apt,
    Apk,
    Yum,
    Zypper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Install,
    Remove,
    /// Reads the lists of packages, and installs nothing.
    Update,
    Other,
}

/// A call of a package manager.
pub struct Order<'c> {
    pub manager: Manager,
    pub verb: Verb,
    pub packages: Vec<&'c Word>,
    /// The name of a group of packages: `apk add --virtual NAME`.
    pub group: Option<&'c str>,
}

impl<'c> Order<'c> {
    /// None for any other program.
    pub fn read(call: &'c Call<'_>) -> Option<Self> {
        let manager = match call.name.as_str() {
            "apt-get" | "apt" | "aptitude" => Manager::Apt,
            "apk" => Manager::Apk,
            "yum" | "dnf" | "dnf5" | "microdnf" | "tdnf" => Manager::Yum,
            "zypper" => Manager::Zypper,
            _ => return None,
        };
        let mut words = call.words.iter().skip(1);
        let (mut verb, mut group) = (None, None);
        let mut packages = Vec::new();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            if text.starts_with('-') {
                let value = text.split_once('=').map(|(_, value)| value);
                if matches!(text, "-t" | "--virtual") && manager == Manager::Apk {
                    group = words.next().map(|word| word.text.as_str());
                } else if text.starts_with("--virtual=") {
                    group = value;
                } else if takes_value(manager, text) {
                    words.next();
                }
            } else if verb.is_none() {
                verb = Some(read_verb(manager, text));
            } else {
                packages.push(word);
            }
        }
        Some(Self { manager, verb: verb?, packages, group })
    }
}

fn takes_value(manager: Manager, option: &str) -> bool {
    match manager {
        Manager::Apt => {
            matches!(option, "-o" | "-t" | "-c" | "-a" | "--target-release" | "--default-release" | "--option")
        }
        Manager::Apk => {
            matches!(option, "-X" | "--repository" | "-p" | "--root" | "--keys-dir" | "--arch" | "--repositories-file")
        }
        Manager::Yum => {
            matches!(option, "-c" | "-x" | "--releasever" | "--installroot" | "--enablerepo" | "--disablerepo")
        }
        Manager::Zypper => matches!(option, "-r" | "--repo" | "--from" | "-R" | "--root"),
    }
}

fn read_verb(manager: Manager, verb: &str) -> Verb {
    match (manager, verb) {
        (Manager::Apt, "install" | "reinstall") | (Manager::Apk, "add") | (Manager::Zypper, "install" | "in") => {
            Verb::Install
        }
        (Manager::Yum, "install" | "groupinstall" | "localinstall" | "reinstall") => Verb::Install,
        (Manager::Apt, "remove" | "purge" | "autoremove" | "autopurge")
        | (Manager::Apk, "del")
        | (Manager::Zypper, "remove" | "rm")
        | (Manager::Yum, "remove" | "erase" | "autoremove") => Verb::Remove,
        (Manager::Apt | Manager::Apk, "update") => Verb::Update,
        _ => Verb::Other,
    }
}

/// The name of a package without its version.
pub fn name(package: &str) -> &str {
    package.split(['=', '<', '>', '~', ':', '@']).next().unwrap_or_default()
}

/// Packages that compile programs.
const COMPILERS: [&str; 23] = [
    "autoconf",
    "automake",
    "base-devel",
    "build-base",
    "build-essential",
    "cargo",
    "ccache",
    "clang",
    "cmake",
    "cpp",
    "g++",
    "gcc",
    "gcc-c++",
    "go",
    "golang",
    "gradle",
    "make",
    "maven",
    "meson",
    "nasm",
    "ninja-build",
    "rust",
    "rustc",
];

/// Whether a program needs it to be built, and not to run.
pub fn is_build_tool(package: &str) -> bool {
    let name = name(package);
    let versioned = ["gcc-", "g++-", "clang-", "golang-", "go-", "llvm-"]
        .iter()
        .any(|begin| name.strip_prefix(begin).is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())));
    COMPILERS.contains(&name)
        || versioned
        || name.ends_with("-dev")
        || name.ends_with("-devel")
        || (name.starts_with("openjdk") && name.contains("-jdk"))
        || matches!(name, "linux-headers" | "kernel-headers" | "musl-dev")
}

/// The last part of the name of an image, and its tag.
fn short(image: &str) -> (&str, &str) {
    let (name, tag, _) = split(image);
    (name.rsplit('/').next().unwrap_or_default(), tag.unwrap_or_default())
}

/// Whether the image has compilers and is made to build with.
pub fn is_build_image(image: &str) -> bool {
    let (name, tag) = short(image);
    // `buildpack-deps` has two kinds of tags without compilers.
    let is_slim = ["slim", "runtime", "jre"].iter().any(|part| tag.contains(part))
        || (name == "buildpack-deps" && ["curl", "scm"].iter().any(|end| tag.ends_with(end)));
    let builds = ["buildpack-deps", "gcc", "golang", "gradle", "haskell", "maven", "rust"].contains(&name);
    (builds && !is_slim) || image.contains("dotnet/sdk")
}

/// Whether it is the image of a distribution, with `su`, `mount` and the like in it.
pub fn is_distribution(image: &str) -> bool {
    const NAMES: [&str; 18] = [
        "almalinux",
        "alpine",
        "amazonlinux",
        "archlinux",
        "centos",
        "debian",
        "fedora",
        "leap",
        "opensuse",
        "oraclelinux",
        "photon",
        "rockylinux",
        "tumbleweed",
        "ubi",
        "ubi8",
        "ubi9",
        "ubi10",
        "ubuntu",
    ];
    let (name, _) = short(image);
    NAMES.contains(&name)
}

/// Whether it is a well-known image from Docker Hub that is made to begin with, whose user is root.
pub fn is_common_base(image: &str) -> bool {
    const NAMES: [&str; 22] = [
        "amazoncorretto",
        "buildpack-deps",
        "busybox",
        "eclipse-temurin",
        "elixir",
        "erlang",
        "gcc",
        "golang",
        "gradle",
        "httpd",
        "maven",
        "mysql",
        "nginx",
        "node",
        "openjdk",
        "perl",
        "php",
        "postgres",
        "python",
        "redis",
        "ruby",
        "rust",
    ];
    let image =
        ["docker.io/", "library/"].iter().fold(image, |image, begin| image.strip_prefix(begin).unwrap_or(image));
    is_distribution(image) || (!image.contains('/') && NAMES.contains(&short(image).0))
}
