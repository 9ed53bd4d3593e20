//! Packages that are installed from a file or from an address, whose signature nothing verifies.

use super::super::options::is_local_url;
use super::super::scripts::{is_allowed, is_short};
use super::folders::is_same;
use super::outputs::name_of;
use crate::shell::Call;
use crate::text::clean;

/// What the call installs: files, addresses, and its options. None if it verifies them, or installs nothing from a file.
///
/// apk and zypper verify packages of files, too, unless an option says otherwise.
pub fn operands<'c>(call: &'c Call<'_>) -> Option<impl Iterator<Item = &'c str>> {
    let has_letter =
        |letters: &str| call.args().filter(|arg| is_short(arg)).any(|arg| arg.contains(|c| letters.contains(c)));
    let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
    let installs = match call.name.as_str() {
        "dpkg" => has(&["--install", "--unpack"]) || has_letter("i"),
        "gdebi" | "gdebi-core" => true,
        "apt" | "apt-get" | "aptitude" => call.args().any(|arg| APT_VERBS.contains(&arg)),
        // `-q` and `-V` only ask, and `-e` removes.
        "rpm" => {
            has(&["--install", "--upgrade", "--freshen", "--reinstall"]) || (has_letter("iUF") && !has_letter("qVe"))
        }
        "dnf" | "dnf5" | "microdnf" | "tdnf" | "yum" => {
            let args: Vec<&str> = call.args().collect();
            args.iter().any(|arg| VERBS.contains(arg)) && !args.iter().any(|arg| verifies_files(arg))
        }
        "rpm-ostree" => call.args().any(|arg| arg == "install"),
        _ => false,
    };
    // apt takes a word without a slash for the name of a package.
    let is_apt = call.name.starts_with("apt");
    installs.then(|| call.args().filter(move |arg| !arg.starts_with('-') && (!is_apt || arg.contains('/'))))
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

/// An address from which rpm or dnf installs a package.
pub fn address(call: &Call<'_>, allow: &[String]) -> Option<String> {
    if matches!(call.name.as_str(), "dpkg" | "gdebi" | "gdebi-core" | "apt" | "apt-get" | "aptitude") {
        return None;
    }
    let is_open = |arg: &&str| {
        ["http://", "https://", "ftp://"].iter().any(|scheme| arg.starts_with(scheme))
            && !is_local_url(arg)
            && !is_allowed(arg, allow)
    };
    let url = operands(call)?.find(is_open)?;
    // Not the whole address, which may have a password.
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    // Behind a colon is the port; what else stands there may be a password with a slash.
    let (_, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let host = if port.bytes().all(|b| b.is_ascii_digit()) { host } else { "" };
    let host = if host.is_empty() { "another host" } else { host };
    Some(format!("{} from {} installed by {} without a check", clean(name_of(url), 80), clean(host, 80), call.name))
}

/// Whether the operand is the file, both as resolved paths. A star stands for a part of the name.
pub fn is_file(operand: &str, path: &str) -> bool {
    let (folder, pattern) = operand.rsplit_once('/').unwrap_or(("", operand));
    let Some((begin, rest)) = pattern.split_once('*') else { return is_same(operand, path) };
    let end = rest.rsplit('*').next().unwrap_or_default();
    let (place, name) = path.rsplit_once('/').unwrap_or(("", path));
    folder == place && name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
}
