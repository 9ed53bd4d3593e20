//! Calls of `tar` and `unzip`.

use crate::shell::Call;

/// A call that unpacks an archive.
#[derive(Debug, Default)]
pub struct Unpacking {
    /// None, or `-`: what it reads.
    pub archive: Option<String>,
    pub folder: String,
    /// What it takes out of the archive; all if it names nothing.
    pub members: Vec<String>,
}

impl Unpacking {
    pub fn of(call: &Call<'_>) -> Option<Self> {
        match call.name.as_str() {
            "tar" | "bsdtar" | "gtar" | "jar" => Self::tar(call),
            "unzip" => Some(Self::unzip(call)),
            "expand-archive" => Some(Self::of_powershell(call)),
            name if name.ends_with("::extracttodirectory") => Some(Self::of_powershell(call)),
            "7z" | "7za" | "7zr" | "7zz" | "ar" | "cpio" | "dpkg" | "dpkg-deb" | "unrar" => Self::other(call),
            _ => None,
        }
    }

    /// Archivers whose first word says what they do, and whose second operand is the archive.
    fn other(call: &Call<'_>) -> Option<Self> {
        let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
        let mut operands = call.args().filter(|arg| !arg.starts_with('-'));
        let option =
            |begin: &str| call.args().find_map(|arg| arg.strip_prefix(begin)).filter(|value| !value.is_empty());
        let (archive, folder) = match call.name.as_str() {
            "cpio" => {
                let extracts = |arg: &str| arg == "--extract" || (super::is_short(arg) && arg.contains('i'));
                call.args().any(extracts).then_some((None, None))?
            }
            "dpkg" | "dpkg-deb" => {
                has(&["-X", "-x", "--extract", "--vextract"]).then_some(())?;
                (Some(operands.next()?), operands.next())
            }
            _ => {
                operands.next().filter(|verb| verb.starts_with(['e', 'x']))?;
                let archive = operands.next()?;
                // 7z has an option for the folder, unrar has a last word.
                let last = operands.last().filter(|word| word.ends_with('/'));
                (Some(archive), option("-o").filter(|_| call.name.starts_with('7')).or(last))
            }
        };
        let (archive, folder) = (archive.map(str::to_owned), folder.unwrap_or(".").to_owned());
        Some(Self { archive, folder, members: Vec::new() })
    }

    fn tar(call: &Call<'_>) -> Option<Self> {
        let mut unpacking = Self { folder: ".".to_owned(), ..Self::default() };
        let mut extracts = false;
        let mut args = call.args().enumerate();
        while let Some((index, arg)) = args.next() {
            let mut next = || args.next().map(|(_, value)| value.to_owned());
            if let Some(long) = arg.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let mut value = || value.map(str::to_owned).or_else(&mut next);
                match name {
                    "extract" | "get" => extracts = true,
                    "file" => unpacking.archive = value(),
                    "directory" | "cd" => unpacking.folder = value().unwrap_or_default(),
                    "exclude"
                    | "group"
                    | "owner"
                    | "strip"
                    | "strip-components"
                    | "transform"
                    | "use-compress-program" => {
                        value();
                    }
                    _ => {}
                }
            } else if arg != "-" && (arg.starts_with('-') || index == 0) {
                let is_dashed = arg.starts_with('-');
                for (at, letter) in arg.char_indices() {
                    extracts |= letter == 'x';
                    if !"CfbIKTXN".contains(letter) {
                        continue;
                    }
                    let rest = arg.get(at + 1..).filter(|rest| is_dashed && !rest.is_empty());
                    let value = rest.map(str::to_owned).or_else(&mut next);
                    match letter {
                        'C' => unpacking.folder = value.unwrap_or_default(),
                        'f' => unpacking.archive = value,
                        _ => {}
                    }
                    if is_dashed {
                        break;
                    }
                }
            } else if arg != "-" {
                unpacking.members.push(arg.to_owned());
            }
        }
        extracts.then_some(unpacking)
    }

    /// Its operands are the archive and the folder, whether or not the name of an option is before each.
    fn of_powershell(call: &Call<'_>) -> Self {
        let mut operands = call.args().filter(|arg| !arg.starts_with('-')).map(str::to_owned);
        let archive = operands.next();
        Self { archive, folder: operands.next().unwrap_or_else(|| ".".to_owned()), members: Vec::new() }
    }

    fn unzip(call: &Call<'_>) -> Self {
        let mut unpacking = Self { folder: ".".to_owned(), ..Self::default() };
        let mut args = call.args();
        while let Some(arg) = args.next() {
            if arg == "-d" {
                args.next().unwrap_or_default().clone_into(&mut unpacking.folder);
            } else if arg == "-x" {
                break;
            } else if let Some(folder) = arg.strip_prefix("-d") {
                folder.clone_into(&mut unpacking.folder);
            } else if arg.starts_with('-') {
            } else if unpacking.archive.is_none() {
                unpacking.archive = Some(arg.to_owned());
            } else {
                unpacking.members.push(arg.to_owned());
            }
        }
        unpacking
    }
}
