//! Programs that load files from servers.

use crate::shell::Call;

pub struct Loader {
    /// Programs, each with the words behind it with which it loads something. `.name` is a method.
    names: &'static [&'static str],
    /// Options whose value is the file.
    pub file: &'static [&'static str],
    /// Options whose value is the folder.
    pub folder: &'static [&'static str],
    /// Other short options with a value, as letters.
    pub values: &'static str,
    pub writes: Writes,
}

/// Where a program writes what it loads, if no option says so.
#[derive(PartialEq, Eq)]
pub enum Writes {
    Output,
    /// Files that are named as those of the server.
    Names,
    /// The operand behind the address.
    Target,
}

const fn loader(names: &'static [&'static str], file: &'static [&'static str], writes: Writes) -> Loader {
    Loader { names, file, folder: &[], values: "", writes }
}

const OUT_FILE: &str = "-outfile";

static POWERSHELL: Loader =
    loader(&["invoke-webrequest", "invoke-restmethod", "iwr", "irm"], &[OUT_FILE, "-OutFile"], Writes::Output);

static TABLE: &[Loader] = &[
    Loader {
        folder: &["--output-dir"],
        values: "AbcCdDeEFhHKmPQrTtuUwxXyYz",
        ..loader(&["curl"], &["-o", "--output"], Writes::Output)
    },
    Loader {
        folder: &["-P", "--directory-prefix"],
        values: "aeioABDIQRTUltwX",
        ..loader(&["wget", "wget2"], &["-O", "--output-document"], Writes::Names)
    },
    Loader { folder: &["-d", "--dir"], values: "ijkmpsx", ..loader(&["aria2c"], &["-o", "--out"], Writes::Names) },
    Loader { values: "nsSHUT", ..loader(&["axel"], &["-o", "--output"], Writes::Names) },
    loader(&["http"], &["-o", "--output"], Writes::Output),
    loader(&["fetch", "https", "lynx"], &["-o", "--output"], Writes::Names),
    Loader {
        folder: &["-D", "--dir"],
        values: "RA",
        ..loader(&["gh release download"], &["-O", "--output", "-p", "--pattern"], Writes::Output)
    },
    loader(&["aws s3 cp", "azcopy copy", "gcloud storage cp", "gsutil cp", "s3cmd get"], &[], Writes::Target),
    loader(&["gcloud storage cat", "gsutil cat", ".downloadstring"], &[], Writes::Output),
    loader(&["az storage blob download"], &["-f", "--file"], Writes::Output),
    loader(&[".downloadfile"], &[], Writes::Target),
    loader(&["start-bitstransfer"], &["-destination"], Writes::Target),
];

fn tables() -> impl Iterator<Item = &'static Loader> {
    TABLE.iter().chain(std::iter::once(&POWERSHELL))
}

impl Loader {
    pub fn of(call: &Call<'_>) -> Option<&'static Self> {
        // PowerShell has these names for a command of its own.
        if matches!(call.name.as_str(), "curl" | "wget") && call.args().any(|arg| arg == OUT_FILE) {
            return Some(&POWERSHELL);
        }
        let is = |phrase: &&str| {
            let mut words = phrase.split(' ');
            let name = words.next().unwrap_or_default();
            let behind: Vec<&str> = words.collect();
            let has =
                |words: &[crate::shell::Word]| words.iter().map(|word| word.text.as_str()).eq(behind.iter().copied());
            (call.name == name || (name.starts_with('.') && call.name.ends_with(name)))
                && (behind.is_empty() || call.words.windows(behind.len()).any(has))
        };
        tables().find(|loader| loader.names.iter().any(&is))
    }

    /// Whether the word may be the name of such a program, or has it in it.
    pub fn may_be(word: &str) -> bool {
        // Most words are short ones.
        let text = if word.len() > 1 { word.to_ascii_lowercase() } else { return false };
        let is_in =
            |name: &str| if name.len() > 3 { text.contains(name) } else { text.rsplit('/').next() == Some(name) };
        tables().flat_map(|loader| loader.names).any(|phrase| is_in(phrase.split(' ').next().unwrap_or_default()))
    }
}

/// What a call copies from a server, and where to.
pub fn transfer<'c>(call: &'c Call<'_>) -> Option<(&'c str, &'c str)> {
    let mut operands = call.args().filter(|arg| *arg == "-" || !arg.starts_with('-'));
    let source = operands.find(|arg| arg.contains("://") || arg.starts_with('$'))?;
    Some((source, operands.next().filter(|target| !target.contains("://"))?))
}

/// The address of a release that `gh` loads, which its words do not have as such.
pub fn release(call: &Call<'_>) -> Option<String> {
    if call.name != "gh" {
        return None;
    }
    let (mut repository, mut tag) = (None, None);
    let mut args = call.args().skip_while(|arg| *arg != "download").skip(1);
    while let Some(arg) = args.next() {
        match arg {
            "-R" | "--repo" => repository = args.next(),
            "-A" | "--archive" | "-D" | "--dir" | "-O" | "--output" | "-p" | "--pattern" => drop(args.next()),
            arg if arg.starts_with('-') => repository = arg.strip_prefix("--repo=").or(repository),
            arg => tag = tag.or(Some(arg)),
        }
    }
    let repository = repository?.trim_start_matches("https://");
    let host = if repository.matches('/').count() > 1 { "" } else { "github.com/" };
    Some(format!("https://{host}{repository}/releases/download/{}", tag.unwrap_or_default()))
}

/// What the user calls the program.
pub fn display(call: &Call<'_>) -> String {
    call.name.rsplit('.').next().unwrap_or_default().to_owned()
}
