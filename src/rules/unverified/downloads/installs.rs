//! Packages that are installed from a file or from an address, whose signature nothing verifies.

use super::super::options::is_local_url;
use super::super::scripts::{is_allowed, is_short};
use super::folders::Folders;
use super::outputs::name_of;
use super::runners;
use crate::shell::Call;
use crate::text::clean;

/// What the call installs: files, addresses, and its options. None if it verifies them, or installs nothing from a file.
///
/// apk and zypper verify packages of files, too, unless an option says otherwise.
pub fn operands(call: &Call<'_>, folders: &Folders) -> Option<Vec<String>> {
    if let Some(packages) = runners::packages(call) {
        return Some(packages.into_iter().map(|package| folders.value(package)).collect());
    }
    let has_letter =
        |letters: &str| call.args().filter(|arg| is_short(arg)).any(|arg| arg.contains(|c| letters.contains(c)));
    let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
    let tool = tool(call);
    let installs = match tool {
        "dpkg" => has(&["--install", "--unpack"]) || has_letter("i"),
        "cpanm" | "gdebi" | "gdebi-core" => true,
        "apt" | "apt-get" | "aptitude" => has(&APT_VERBS),
        // `-q` and `-V` only ask, and `-e` removes.
        "rpm" => {
            has(&["--install", "--upgrade", "--freshen", "--reinstall"]) || (has_letter("iUF") && !has_letter("qVe"))
        }
        "dnf" | "dnf5" | "microdnf" | "tdnf" | "yum" => has(&VERBS) && !call.args().any(verifies_files),
        "rpm-ostree" | "pip" | "gem" => has(&["install"]),
        "npm" => has(&["add", "i", "install"]),
        "msiexec" => has(&["/i", "/package", "-i", "/I"]),
        "deno" => has(&["install", "run"]) && !has_lock(call),
        "pacman" => has_letter("U") || has(&["--upgrade"]),
        _ => false,
    };
    if !installs {
        return None;
    }
    let values: &[&str] = match tool {
        "pip" => &PIP_VALUES,
        "npm" => &["--cache", "--prefix", "--proxy", "--registry"],
        "cpanm" => &["--cpanfile", "--from", "--local-lib", "--local-lib-contained", "--mirror", "-L", "-M", "-l"],
        "deno" => &["--config", "-c", "--import-map", "--lock", "--name", "-n", "--root"],
        _ => &[],
    };
    let mut operands = Vec::new();
    let mut args = call.args();
    while let Some(arg) = args.next() {
        if tool == "msiexec" {
            operands.extend(Some(arg.to_owned()).filter(|arg| arg.to_ascii_lowercase().ends_with(".msi")));
        } else if tool == "pip" && is_list(arg) {
            // What is in the list is installed.
            operands.extend(args.next().map(|list| folders.value(list)));
        } else if let Some(list) = list_behind(arg).filter(|_| tool == "pip") {
            operands.push(folders.value(list));
        } else if !arg.starts_with('-') {
            let operand = folders.value(arg);
            // apt takes a word without a slash for the name of a package.
            if !tool.starts_with("apt") || arg.contains('/') || operand.contains('/') {
                operands.push(operand);
            }
        } else if values.contains(&arg) {
            args.next();
        }
    }
    // What is behind the program is for the program.
    operands.truncate(if tool == "deno" { 2 } else { usize::MAX });
    Some(operands)
}

/// Whether deno compares what it loads with the checksums of a file. With `--lock-write` it writes them.
fn has_lock(call: &Call<'_>) -> bool {
    let options: Vec<&str> = call.args().take_while(|arg| !arg.contains("://")).collect();
    options.iter().any(|arg| *arg == "--lock" || arg.starts_with("--lock=")) && !options.contains(&"--lock-write")
}

fn is_list(option: &str) -> bool {
    matches!(option, "-r" | "--requirement")
}

/// The list in `-rlist` or `--requirement=list`.
fn list_behind(arg: &str) -> Option<&str> {
    arg.strip_prefix("--requirement=").or_else(|| arg.strip_prefix("-r"))
}

/// The installer that the call is, under one name for all that take the same words: `python3 -m pip` is pip.
fn tool<'c>(call: &'c Call<'_>) -> &'c str {
    let is_pip =
        |name: &str| matches!(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'), "pip" | "pipx" | "uv");
    let mut args = call.args();
    match call.name.as_str() {
        "bun" | "pnpm" | "yarn" => "npm",
        name if is_pip(name) => "pip",
        name if name.starts_with("python") && args.next() == Some("-m") && args.next().is_some_and(is_pip) => "pip",
        name => name,
    }
}

/// Options of pip whose value is an address, or a file that is no package.
const PIP_VALUES: [&str; 13] = [
    "--constraint",
    "--default-index",
    "--editable",
    "--extra-index-url",
    "--find-links",
    "--index",
    "--index-url",
    "--proxy",
    "--trusted-host",
    "-c",
    "-e",
    "-f",
    "-i",
];

/// Whether dpkg installs all packages of the folders that it gets.
pub fn takes_folders(call: &Call<'_>) -> bool {
    call.name == "dpkg" && call.args().any(|arg| arg == "--recursive" || (is_short(arg) && arg.contains('R')))
}

/// Commands of apt that install files.
const APT_VERBS: [&str; 4] = ["full-upgrade", "install", "reinstall", "upgrade"];

/// Commands of dnf and yum that install files.
const VERBS: [&str; 9] =
    ["downgrade", "in", "install", "localinstall", "localupdate", "reinstall", "swap", "update", "upgrade"];

/// `--setopt=localpkg_gpgcheck=1`, of which the value may stand apart, and `main.` before the name.
fn verifies_files(arg: &str) -> bool {
    let Some((name, value)) = arg.strip_prefix("--setopt=").unwrap_or(arg).split_once('=') else { return false };
    let name = name.strip_prefix("main.").or_else(|| name.strip_prefix("*.")).unwrap_or(name);
    name == "localpkg_gpgcheck" && ["1", "true", "yes", "on"].iter().any(|on| value.eq_ignore_ascii_case(on))
}

/// Programs that install or run what they load from an address, and verify nothing of it.
const ADDRESSES: [&str; 11] =
    ["cpanm", "deno", "dnf", "dnf5", "microdnf", "npm", "pip", "rpm", "rpm-ostree", "tdnf", "yum"];

/// An address from which a package is installed.
pub fn address(call: &Call<'_>, folders: &Folders, allow: &[String]) -> Option<String> {
    // The others load no address, or verify what they load.
    let runs = runners::packages(call).is_some();
    if !runs && !ADDRESSES.contains(&tool(call)) {
        return None;
    }
    let how = if runs || tool(call) == "deno" { "run" } else { "installed" };
    let operands = operands(call, folders)?;
    let is_open = |url: &&str| {
        !is_local_url(url) && !is_allowed(url, allow) && !has_checksum(url) && url.rsplit('.').next() != Some("git")
    };
    let url = operands.iter().filter_map(|operand| url_in(operand)).find(is_open)?;
    // Not the whole address, which may have a password.
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    // Behind a colon is the port; what else stands there may be a password with a slash.
    let (_, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let host = if port.bytes().all(|b| b.is_ascii_digit()) { host } else { "" };
    let host = if host.is_empty() { "another host" } else { host };
    Some(format!("{} from {} {how} by {} without a check", clean(name_of(url), 80), clean(host, 80), call.name))
}

/// The address of a package; with its name before it, too: `name @ https://...`.
fn url_in(operand: &str) -> Option<&str> {
    let begins = |url: &str| ["http://", "https://", "ftp://"].iter().any(|scheme| url.starts_with(scheme));
    if begins(operand) {
        return Some(operand);
    }
    let at = ["@http", "@ http"].iter().find_map(|begin| operand.find(begin))?;
    operand.get(at + 1..).map(str::trim_start).filter(|url| begins(url))
}

/// pip compares a file with the checksum behind its address.
fn has_checksum(url: &str) -> bool {
    let (_, fragment) = url.split_once('#').unwrap_or_default();
    fragment.split('&').any(|part| ["sha256=", "sha384=", "sha512="].iter().any(|begin| part.starts_with(begin)))
}
