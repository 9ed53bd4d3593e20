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
    let first = || call.args().find(|arg| !arg.starts_with('-'));
    let has_letter =
        |letters: &str| call.args().filter(|arg| is_short(arg)).any(|arg| arg.contains(|c| letters.contains(c)));
    let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
    let installs = match call.name.as_str() {
        "dpkg" => has(&["--install"]) || has_letter("i"),
        "gdebi" | "gdebi-core" => true,
        "apt" | "apt-get" | "aptitude" => first() == Some("install"),
        // `-q` and `-V` only ask, and `-e` removes.
        "rpm" => {
            has(&["--install", "--upgrade", "--freshen", "--reinstall"]) || (has_letter("iUF") && !has_letter("qVe"))
        }
        "dnf" | "dnf5" | "microdnf" | "tdnf" | "yum" => {
            let verb = call.args().find(|arg| VERBS.contains(arg));
            verb.is_some()
                && !call
                    .args()
                    .any(|arg| arg.ends_with("localpkg_gpgcheck=1") || arg.ends_with("localpkg_gpgcheck=true"))
        }
        _ => false,
    };
    // apt takes a word without a slash for the name of a package.
    let is_apt = call.name.starts_with("apt");
    installs.then(|| call.args().filter(move |arg| !arg.starts_with('-') && (!is_apt || arg.contains('/'))))
}

/// Commands of dnf and yum that install files.
const VERBS: [&str; 8] =
    ["downgrade", "install", "localinstall", "localupdate", "reinstall", "swap", "update", "upgrade"];

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
