//! `-o FORMAT[=FILE]`: a format, and the file that it is written to.

use super::writing::Destination;
use crate::rule::nearest_name;
use clap::ValueEnum;
use clap::builder::{PossibleValue, TypedValueParser};
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

/// A format, and the file that it is written to; stdout without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSpec<F> {
    pub format: F,
    pub file: Option<PathBuf>,
}

impl<F: ValueEnum + 'static> FromStr for OutputSpec<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
        if file == Some("") {
            return Err(format!("name a file behind `{name}=`"));
        }
        let format = F::from_str(name, true).map_err(|_| unknown::<F>(name))?;
        Ok(Self { format, file: file.filter(|file| *file != "-").map(PathBuf::from) })
    }
}

fn unknown<F: ValueEnum + 'static>(name: &str) -> String {
    let names: Vec<String> = possible::<F>().map(|value| value.get_name().to_owned()).collect();
    let near = nearest_name(name, names.iter().map(String::as_str));
    let meant = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    format!(
        "there is no such format{meant}; the formats are {}, and FORMAT=FILE writes one into a file",
        names.join(", ")
    )
}

fn possible<F: ValueEnum + 'static>() -> impl Iterator<Item = PossibleValue> {
    F::value_variants().iter().filter_map(ValueEnum::to_possible_value)
}

/// Parses an [`OutputSpec`], and names the formats to completions and help.
#[derive(Debug, Clone)]
pub struct OutputParser<F>(PhantomData<F>);

impl<F> OutputParser<F> {
    pub const NEW: Self = Self(PhantomData);
}

impl<F: ValueEnum + Clone + Send + Sync + 'static> TypedValueParser for OutputParser<F> {
    type Value = OutputSpec<F>;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<OutputSpec<F>, clap::Error> {
        <OutputSpec<F> as FromStr>::from_str.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(possible::<F>()))
    }
}

/// Where the reports go.
#[must_use]
pub fn destinations<F>(specs: &[OutputSpec<F>]) -> Vec<Destination<'_>> {
    specs.iter().map(|spec| Destination { what: "a report", path: spec.file.as_deref() }).collect()
}
