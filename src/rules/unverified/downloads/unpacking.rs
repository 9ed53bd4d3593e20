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
            "tar" | "bsdtar" | "gtar" => Self::tar(call),
            "unzip" => Some(Self::unzip(call)),
            _ => None,
        }
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
            } else if arg.len() > 1 && (arg.starts_with('-') || index == 0) {
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
