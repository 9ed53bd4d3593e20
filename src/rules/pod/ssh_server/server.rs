//! What the reading of command lines and scripts has in common.

use std::fmt;

/// An SSH server that a command line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    pub name: &'static str,
    /// Whether a service manager or an init script runs it.
    pub is_service: bool,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.name, if self.is_service { "a service" } else { "the program" })
    }
}

/// The index of the word that names the server, and the server.
pub type Hit = (usize, Server);

/// The file name of a program in lower case, without quotes and without the suffix `.exe` of Windows.
pub fn name(program: &str) -> String {
    let path = program.trim_matches(['"', '\'']);
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    file.strip_suffix(".exe").map(str::to_owned).unwrap_or(file)
}

/// Whether the word is one dash and letters, each an option.
pub fn is_short_options(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| !letters.is_empty() && !letters.starts_with('-'))
}

/// The entry of the list that equals the name.
pub fn known(list: &[&'static str], name: &str) -> Option<&'static str> {
    list.iter().find(|entry| **entry == name).copied()
}
