//! What an archive is a release of, by its name.

/// Words behind the name of a program: platforms and kinds of releases.
const KINDS: [&str; 22] = [
    "aarch64",
    "all",
    "alpine",
    "amd64",
    "any",
    "arm",
    "arm64",
    "bin",
    "darwin",
    "dist",
    "glibc",
    "latest",
    "linux",
    "linux32",
    "linux64",
    "linuxmusl",
    "musl",
    "noarch",
    "release",
    "src",
    "x64",
    "x86",
];

/// The name of the program: `terraform` of `terraform_1.9.0_linux_amd64.zip`. Empty if the name says nothing.
pub fn program_of(archive: &str) -> String {
    // Behind a dot or a variable is no name.
    let head = archive.split(['.', '$', '{', '*', '?', '%', '+']).next().unwrap_or_default();
    let mut words = head.split_inclusive(['-', '_']);
    let mut name = words.next().unwrap_or_default().to_owned();
    if name.ends_with(['-', '_']) {
        let is_kind = |word: &str| {
            let word = word.trim_end_matches(['-', '_']).to_ascii_lowercase();
            let begins = word.strip_prefix('v').unwrap_or(&word);
            begins.starts_with(|c: char| c.is_ascii_digit()) || KINDS.contains(&&*word)
        };
        words.take_while(|word| !is_kind(word)).for_each(|word| name.push_str(word));
    } else {
        // `go1.22`
        name.truncate(name.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    }
    name.trim_end_matches(['-', '_']).to_ascii_lowercase()
}

/// Whether a release of this name has the program.
pub fn has_program(release: &str, program: &str) -> bool {
    match program {
        "" => false,
        "java" | "javac" => release.contains("jdk") || release.contains("jre"),
        "mvn" => release.contains("maven"),
        _ => release == program,
    }
}

#[cfg(test)]
mod tests {
    use super::program_of;

    #[test]
    fn names_of_releases() {
        for (archive, program) in [
            ("go1.22.linux-amd64.tar.gz", "go"),
            ("terraform_${TF}_linux_amd64.zip", "terraform"),
            ("terraform_1.9.0_linux_amd64.zip", "terraform"),
            ("node-v20.1.0-linux-x64.tar.xz", "node"),
            ("node_exporter-1.7.0.linux-amd64.tar.gz", "node_exporter"),
            ("git-lfs-linux-amd64-v3.tgz", "git-lfs"),
            ("apache-maven-3.9.6-bin.tar.gz", "apache-maven"),
            ("k9s_Linux_amd64.tar.gz", "k9s"),
            ("OpenJDK17U-jdk_x64_linux.tgz", "openjdk17u-jdk"),
            ("cmake.tgz", "cmake"),
            ("v1.2.tar.gz", "v"),
            ("1.2.3.tar.gz", ""),
            ("$V.tgz", ""),
            ("", ""),
        ] {
            assert_eq!(program_of(archive), program, "{archive}");
        }
    }
}
