//! Options, variables and settings that switch checks off.

use crate::shell::{Call, Word};

pub const VERIFIED: &str = "a verified certificate";
pub const SIGNED: &str = "a verified signature";

type Found<'c> = (&'c Word, String, &'static str);

/// Options of a program that accept anything.
struct Program {
    names: &'static [&'static str],
    options: &'static [&'static str],
    wanted: &'static str,
}

static PROGRAMS: &[Program] = &[
    Program { names: &["wget"], options: &["--no-check-certificate"], wanted: VERIFIED },
    Program {
        names: &["apt-get", "apt", "aptitude", "debootstrap", "mmdebstrap"],
        options: &[
            "--allow-unauthenticated",
            "--force-yes",
            "--allow-insecure-repositories",
            "--no-check-gpg",
            "--allow-downgrade-to-insecure-repositories",
        ],
        wanted: SIGNED,
    },
    Program {
        names: &["yum", "dnf", "dnf5", "microdnf", "tdnf", "rpm", "zypper"],
        options: &[
            "--nogpgcheck",
            "--no-gpgcheck",
            "--no-gpg-check",
            "--no-gpg-checks",
            "--nosignature",
            "--allow-unsigned-rpm",
        ],
        wanted: SIGNED,
    },
    Program { names: &["apk"], options: &["--allow-untrusted"], wanted: SIGNED },
    Program {
        names: &["pip", "pip3", "pip2", "pipx", "uv"],
        options: &["--trusted-host", "--allow-insecure-host"],
        wanted: VERIFIED,
    },
    Program { names: &["conda", "mamba", "micromamba"], options: &["--insecure"], wanted: VERIFIED },
    Program { names: &["aws"], options: &["--no-verify-ssl"], wanted: VERIFIED },
    Program {
        names: &["invoke-webrequest", "invoke-restmethod"],
        options: &["-skipcertificatecheck"],
        wanted: VERIFIED,
    },
    Program {
        names: &["choco", "cinst", "cup"],
        options: &[
            "--allow-empty-checksums",
            "--allow-empty-checksums-secure",
            "--allowemptychecksums",
            "--ignore-checksum",
            "--ignore-checksums",
            "--ignorechecksums",
        ],
        wanted: SIGNED,
    },
    Program { names: &["helm", "skopeo", "podman"], options: &["--insecure-skip-tls-verify"], wanted: VERIFIED },
];

/// Settings behind `-o`, `-c` and the like, in lower case and without blanks.
static SETTINGS: &[(&str, &[&str], &str)] = &[
    (
        "apt",
        &[
            "allowunauthenticated=true",
            "allowunauthenticated=1",
            "allowinsecurerepositories=true",
            "allowinsecurerepositories=1",
        ],
        SIGNED,
    ),
    ("apt", &["verify-peer=false", "verify-peer=0", "verify-host=false"], VERIFIED),
    ("yum", &["gpgcheck=0", "gpgcheck=false", "gpgcheck=no"], SIGNED),
    ("yum", &["sslverify=0", "sslverify=false", "sslverify=no"], VERIFIED),
    ("git", &["http.sslverify=false", "http.sslverify=0"], VERIFIED),
];

/// What the call accepts without a check.
pub fn found<'c>(call: &'c Call<'_>) -> Vec<Found<'c>> {
    let mut found = Vec::new();
    // `python3 -m pip` is pip.
    let is_module = call.name.starts_with("python") && call.args().next() == Some("-m");
    let name = if is_module { call.args().nth(1).unwrap_or_default() } else { call.name.as_str() };
    let family = match name {
        "apt-get" | "apt" | "aptitude" => "apt",
        "yum" | "dnf" | "dnf5" | "microdnf" | "tdnf" => "yum",
        other => other,
    };
    if name == "curl" {
        found.extend(
            curl(call)
                .filter(|_| !is_local(call))
                .map(|word| (word, "curl that accepts any certificate".to_owned(), VERIFIED)),
        );
        return found;
    }
    // It writes lists of packages, or only asks.
    if name == "apk" && call.args().any(|arg| matches!(arg, "index" | "info" | "mkndx" | "verify")) {
        return found;
    }
    let args = call.words.get(1..).unwrap_or_default();
    for (index, word) in args.iter().enumerate() {
        let option = word.text.split('=').next().unwrap_or_default();
        for program in PROGRAMS.iter().filter(|program| program.names.contains(&name)) {
            if program.options.contains(&option) && !(program.wanted == VERIFIED && is_local(call)) {
                found.push((word, format!("{name} {option}"), program.wanted));
            }
        }
        let text = word.text.to_ascii_lowercase().replace([' ', '"'], "");
        for (_, settings, wanted) in SETTINGS.iter().filter(|(of, ..)| *of == family) {
            if let Some(setting) = settings.iter().find(|setting| text.ends_with(**setting)) {
                found.push((word, format!("{name} with {setting}"), *wanted));
            }
        }
        let next = args.get(index + 1).map_or("", |word| word.text.as_str());
        found.extend(switched_off(name, &text, next).map(|what| (word, what, VERIFIED)));
    }
    if matches!(name, "echo" | "printf" | "tee" | "sed") {
        let in_word = |word: &'c Word| setting(&word.text).map(|(_, found)| (word, found, SIGNED));
        found.extend(args.iter().find_map(in_word));
    }
    found
}

/// `npm config set strict-ssl false`, `git config --global http.sslVerify false`, `pip --index-url http://...`.
fn switched_off(name: &str, text: &str, next: &str) -> Option<String> {
    let is_off = || matches!(next.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "none" | "off");
    match (name, text) {
        ("npm" | "yarn" | "pnpm", "strict-ssl")
        | ("yarn", "enablestrictssl")
        | ("git", "http.sslverify")
        | ("conda", "ssl_verify")
            if is_off() =>
        {
            Some(format!("{name} with {text} {next}"))
        }
        ("npm" | "yarn" | "pnpm", "strict-ssl=false" | "--strict-ssl=false" | "--no-strict-ssl") => {
            Some(format!("{name} with {text}"))
        }
        ("pip" | "pip3", "-i" | "--index-url" | "--extra-index-url") => {
            is_plain(next).then(|| format!("{name} {text} with http"))
        }
        ("pip" | "pip3", _) => {
            let url = text.strip_prefix("--index-url=").or_else(|| text.strip_prefix("--extra-index-url="))?;
            is_plain(url).then(|| format!("{name} --index-url with http"))
        }
        ("gem", "nosecurity" | "--trust-policy=nosecurity") => Some("gem with NoSecurity".to_owned()),
        _ => None,
    }
}

/// Whether the address is one of the network without encryption.
fn is_plain(url: &str) -> bool {
    url.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("http://")) && !is_local_url(url)
}

/// The word with `-k` or `--insecure`.
fn curl<'c>(call: &'c Call<'_>) -> Option<&'c Word> {
    let mut words = call.words.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if text == "--insecure" {
            return Some(word);
        }
        let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else { continue };
        for (at, letter) in letters.char_indices() {
            if letter == 'k' {
                return Some(word);
            }
            // Letters whose value follows: in the same word, or as the next one.
            if "AbcCdDeEFHhKmoPQrTtuUwxXyYz".contains(letter) {
                if at + 1 == letters.len() {
                    words.next();
                }
                break;
            }
        }
    }
    None
}

/// Whether each URL of the call is one of this machine.
pub(super) fn is_local(call: &Call<'_>) -> bool {
    let mut urls = call
        .args()
        .filter(|arg| arg.contains("://") || arg.starts_with("localhost") || arg.starts_with("127."))
        .peekable();
    urls.peek().is_some() && urls.all(is_local_url)
}

pub(super) fn is_local_url(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', ':', '?']).next().unwrap_or_default();
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0") || url.contains("://[::1]")
}

/// A variable that switches checks off.
pub fn variable(name: &str, value: &str) -> Option<String> {
    let value = value.trim().to_ascii_lowercase();
    let is_off = match name {
        "NODE_TLS_REJECT_UNAUTHORIZED" | "PYTHONHTTPSVERIFY" => value == "0",
        "GIT_SSL_NO_VERIFY" => !value.is_empty() && value != "0" && value != "false",
        "NPM_CONFIG_STRICT_SSL" | "npm_config_strict_ssl" | "CONDA_SSL_VERIFY" => value == "false",
        "GOINSECURE" | "PIP_TRUSTED_HOST" | "UV_INSECURE_HOST" => !value.is_empty(),
        "GOSUMDB" => value == "off",
        _ => false,
    };
    is_off.then(|| format!("{name} that switches checks off"))
}

/// What apt takes for true, and for false.
const ON: [&str; 6] = ["true", "1", "yes", "on", "with", "enable"];
const OFF: [&str; 6] = ["false", "0", "no", "off", "without", "disable"];

/// Whether it is a source of packages whose options have `trusted=yes`. `line` is in lower case.
fn is_trusted_source(line: &str) -> bool {
    let Some((begin, rest)) = line.split_once('[') else { return false };
    let (options, source) = rest.split_once(']').unwrap_or((rest, ""));
    let options = options.split_whitespace();
    // A folder of the image itself: nothing is loaded.
    let is_local = ["file:", "copy:", "cdrom:"].iter().any(|scheme| source.trim_start().starts_with(scheme));
    !is_local
        && begin.trim_start().starts_with("deb")
        && options.filter_map(|option| option.strip_prefix("trusted=")).any(|value| ON.contains(&value))
}

/// Whether a line of apt's settings without blanks gives the key one of the values.
fn sets(bare: &str, key: &str, values: &[&str]) -> bool {
    bare.match_indices(key).any(|(at, key)| {
        let rest = bare.get(at + key.len()..).unwrap_or_default().trim_start_matches(['\\', '"']);
        values.iter().any(|value| rest.strip_prefix(value).is_some_and(|rest| rest.starts_with(['"', '\\', ';'])))
    })
}

/// A line of a configuration that switches checks off, and where it begins.
pub fn setting(text: &str) -> Option<(usize, String)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let line_lower = line.to_ascii_lowercase();
        let bare: String = line_lower.split_whitespace().collect();
        let is_comment = bare.starts_with('#');
        let found = if is_comment {
            None
        } else if is_trusted_source(&line_lower) {
            Some("a source of packages with trusted=yes")
        } else if bare.starts_with("gpgcheck=0")
            || bare.starts_with("repo_gpgcheck=0")
            || bare.contains("\\ngpgcheck=0")
        {
            Some("gpgcheck=0")
        } else if bare.strip_prefix("trusted:").is_some_and(|value| ON.contains(&value)) {
            Some("a source of packages with Trusted: yes")
        } else if sets(&bare, "allowunauthenticated", &ON) {
            Some("AllowUnauthenticated")
        } else if ["allowinsecurerepositories", "allowdowngradetoinsecurerepositories"]
            .iter()
            .any(|key| sets(&bare, key, &ON))
        {
            Some("AllowInsecureRepositories")
        } else if ["verify-peer", "verify-host"].iter().any(|key| sets(&bare, key, &OFF))
            || bare.starts_with("sslverify=0")
            || bare.starts_with("sslverify=false")
        {
            Some("certificates that are not verified")
        } else {
            None
        };
        if let Some(found) = found {
            return Some((at + line.len() - line.trim_start().len(), found.to_owned()));
        }
        at += line.len();
    }
    None
}
