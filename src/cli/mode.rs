//! The options for the mode, which all commands that judge have.

use crate::policy::{Ceiling, Mode};
use crate::rule::Severity;
use clap::builder::PossibleValuesParser;
use jiff::civil::Date;

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Mode")]
pub struct ModeArgs {
    /// The most that happens because of a violation, whatever the policies say
    ///
    /// With warn nothing is denied and nothing is changed, and users are warned of what deny would deny. With audit they are not even
    /// warned: audit annotations, metrics and the log have the violations.
    #[arg(long, value_name = "MODE", default_value = "deny", value_parser = PossibleValuesParser::new(Mode::ALL.map(Mode::as_str)))]
    mode: String,

    /// In mode deny, the least severity that is denied; what is milder is neither denied nor changed, and warns
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = PossibleValuesParser::new(Severity::WORST_FIRST.map(Severity::as_str)))]
    deny_from: String,

    /// In mode deny, the last day (UTC) on which podreeve only warns, as YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    deny_after: Option<Date>,
}

impl ModeArgs {
    pub fn ceiling(&self) -> Ceiling {
        // The parsers above take no other words.
        let mode = Mode::ALL.into_iter().find(|mode| mode.as_str() == self.mode).unwrap_or_default();
        let from = Severity::WORST_FIRST.into_iter().find(|severity| severity.as_str() == self.deny_from);
        Ceiling { mode, deny_from: from.unwrap_or(Severity::Low), deny_after: self.deny_after }
    }
}
