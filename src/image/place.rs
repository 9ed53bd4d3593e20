//! A place in an image.

use crate::text::clean;
use std::fmt;

/// Where a finding is. Layers and steps are counted from 0, as in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'i> {
    /// The image as a whole.
    Image,
    /// A field of the configuration: `User`.
    Config(&'static str),
    /// A variable of the configuration, by its name.
    Env(&'i str),
    /// A label, by its name.
    Label(&'i str),
    /// A word or an instruction in a list of the configuration: `Entrypoint`.
    Word(&'static str, usize),
    /// A step of the build.
    History(usize),
    /// A file of a layer.
    File { layer: usize, path: &'i str },
    /// A line of a file, from 1.
    Line { layer: usize, path: &'i str, line: usize },
    /// A package.
    Package(&'i str),
}

/// The longest path or name that is shown.
const SHOWN: usize = 200;

impl fmt::Display for Place<'_> {
    /// Safe to print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image => f.write_str("image"),
            Self::Config(field) => write!(f, "config.{field}"),
            Self::Env(name) => write!(f, "config.Env[{}]", clean(name, SHOWN)),
            Self::Label(name) => write!(f, "config.Labels[{}]", clean(name, SHOWN)),
            Self::Word(list, index) => write!(f, "config.{list}[{index}]"),
            Self::History(step) => write!(f, "history[{step}]"),
            Self::File { layer, path } => write!(f, "layers[{layer}]/{}", clean(path, SHOWN)),
            Self::Line { layer, path, line } => write!(f, "layers[{layer}]/{}:{line}", clean(path, SHOWN)),
            Self::Package(name) => write!(f, "packages[{}]", clean(name, SHOWN)),
        }
    }
}
