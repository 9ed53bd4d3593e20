//! Values that completions suggest, though any text is taken: the errors of policies and of `explain` say more than clap's.

use crate::policy::BUILTINS;
use crate::rules::RULES;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use std::ffi::OsStr;

/// Takes any text, and names these values to completions.
#[derive(Debug, Clone)]
pub struct Suggested(fn() -> Vec<PossibleValue>);

/// The name of a built-in policy, or a path.
pub const POLICY: Suggested = Suggested(|| BUILTINS.iter().map(|(name, _)| PossibleValue::new(*name)).collect());

/// The id of a rule.
pub const RULE: Suggested =
    Suggested(|| RULES.iter().map(|rule| PossibleValue::new(rule.id).help(rule.title)).collect());

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter()))
    }
}
