//! Why the exemptions are right, and until when.

use super::Args;
use crate::cli::check::today;
use crate::cli::exit::Failure;
use jiff::civil::Date;
use std::io::{IsTerminal, Write};

pub struct Terms {
    pub reason: String,
    /// None for no end.
    pub until: Option<Date>,
}

impl Terms {
    /// # Errors
    /// If one of them is missing or wrong.
    pub fn of(args: &Args) -> Result<Self, Failure> {
        let reason = match &args.reason {
            Some(reason) => reason.clone(),
            None => ask(
                "Why are these exemptions right? ",
                "--reason is missing: say why the exemptions are right, for their next reader",
            )?,
        };
        if reason.trim().is_empty() {
            return Err(Failure::input("--reason is empty: say why the exemptions are right, for their next reader"));
        }
        let until = match &args.until {
            Some(until) => until.clone(),
            None => ask(
                "Last day on which they hold (YYYY-MM-DD, or never): ",
                "--until is missing: give the last day on which the exemptions hold, as YYYY-MM-DD, or `never`",
            )?,
        };
        Ok(Self { reason: reason.trim().to_owned(), until: parse(until.trim(), today())? })
    }
}

fn parse(until: &str, today: Date) -> Result<Option<Date>, Failure> {
    if until == "never" {
        return Ok(None);
    }
    let date: Date = until
        .parse()
        .map_err(|_| Failure::input(format!("--until: `{until}` is not a date such as 2027-03-31, and not `never`")))?;
    if date < today {
        return Err(Failure::input(format!("--until: {date} is in the past, so the exemptions would cover nothing")));
    }
    Ok(Some(date))
}

/// The answer of a person. Without a terminal, the flag is required.
fn ask(question: &str, missing: &str) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::input(missing));
    }
    let mut answer = String::new();
    let mut stderr = std::io::stderr();
    let read = write!(stderr, "{question}").and_then(|()| stderr.flush()).and_then(|()| stdin.read_line(&mut answer));
    read.map_err(|error| Failure::input(format!("the answer cannot be read: {error}")))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn an_end_is_a_day_to_come_or_never() {
        let today = date(2026, 11, 27);
        assert_eq!(parse("never", today).unwrap(), None);
        assert_eq!(parse("2026-11-27", today).unwrap(), Some(today));
        for wrong in ["2026-11-26", "tomorrow", "", "2026-13-01"] {
            assert!(parse(wrong, today).is_err(), "{wrong}");
        }
    }
}
