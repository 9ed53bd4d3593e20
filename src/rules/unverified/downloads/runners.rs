//! Programs that load a package and run a program of it: `npx PACKAGE`, `uv tool run --from PACKAGE NAME`.

use crate::shell::Call;

/// Each program, with the words that it needs for that.
const RUNNERS: [(&str, &str); 12] = [
    ("bun", "x"),
    ("bunx", ""),
    ("npm", "exec"),
    ("npm", "x"),
    ("npx", ""),
    ("pipx", "run"),
    ("pnpm", "dlx"),
    ("pnpx", ""),
    ("uv", "run"),
    ("uv", "tool run"),
    ("uvx", ""),
    ("yarn", "dlx"),
];

/// Options whose value is a package, or a list of packages.
const PACKAGES: [&str; 5] = ["--from", "--package", "--spec", "--with", "--with-requirements"];

/// Other options with a value.
#[rustfmt::skip]
const VALUES: [&str; 21] = [
    "--cache", "--cache-dir", "--call", "--constraint", "--default-index", "--directory", "--env-file", "--extra-index-url",
    "--find-links", "--index", "--index-url", "--pip-args", "--prefix", "--project", "--python", "--registry", "--userconfig",
    "-c", "-f", "-i", "-p",
];

/// The packages from which the call runs a program. None if it is no such call.
pub fn packages<'c>(call: &'c Call<'_>) -> Option<Vec<&'c str>> {
    let runs = |words: &[&str]| {
        let is_same =
            |(name, verbs): &(&str, &str)| call.name == *name && verbs.split_whitespace().eq(words.iter().copied());
        RUNNERS.iter().any(is_same)
    };
    if !RUNNERS.iter().any(|(name, _)| call.name == *name) {
        return None;
    }
    // `-p` is the version of Python for the others.
    let takes_package = !matches!(call.name.as_str(), "pipx" | "uv" | "uvx");
    let (mut packages, mut words) = (Vec::new(), Vec::new());
    let mut args = call.args();
    while let Some(arg) = args.next() {
        let (option, value) = arg.split_once('=').map_or((arg, None), |(option, value)| (option, Some(value)));
        if !arg.starts_with('-') {
            // What is behind the package is for its program.
            if runs(&words) {
                packages.push(arg);
                return Some(packages);
            }
            words.push(arg);
            if words.len() > 2 {
                return None;
            }
        } else if PACKAGES.contains(&option) || (option == "-p" && takes_package) {
            packages.extend(value.or_else(|| args.next()));
        } else if value.is_none() && VALUES.contains(&option) {
            args.next();
        }
    }
    runs(&words).then_some(packages)
}
