//! Errors of usage, without the suggestions of clap that lead astray.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use strsim::levenshtein;

/// The error, with suggestions only where they help. `podreeve` is the program with all its commands.
pub fn mend(mut error: Error, podreeve: &Command) -> Error {
    // "To pass it as a value, use -- --fix": no value of podreeve begins with a dash.
    if let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested) {
        let kept: Vec<_> = tips.into_iter().filter(|tip| !tip.to_string().contains("as a value")).collect();
        if !kept.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept));
        }
    }
    // clap suggests whatever shares some letters, such as --filename for --fix.
    let given = text(&error, ContextKind::InvalidArg);
    let suggested = text(&error, ContextKind::SuggestedArg);
    if let (Some(given), Some(suggested)) = (given, suggested)
        && !is_near(&given, &suggested)
    {
        error.remove(ContextKind::SuggestedArg);
    }
    let unknown = text(&error, ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument);
    if let Some(command) = unknown.and_then(|given| owner(&given, podreeve)) {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![format!("only `{command}` has this option").into()]),
        );
    }
    error
}

/// `podreeve check` for `--fix`: the only command that has this flag.
fn owner(given: &str, podreeve: &Command) -> Option<String> {
    let flag = given.split(['=', ' ']).next()?.strip_prefix("--")?;
    let has = |command: &&Command| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
    let mut owners = podreeve.get_subcommands().filter(has);
    match (owners.next(), owners.next()) {
        (Some(only), None) => Some(format!("podreeve {}", only.get_name())),
        _ => None,
    }
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

/// Whether one may be a mistake for the other: a few letters differ, or one is a part of the other.
fn is_near(given: &str, suggested: &str) -> bool {
    let name = |flag: &str| flag.trim_start_matches('-').split(['=', ' ']).next().unwrap_or_default().to_lowercase();
    let (given, suggested) = (name(given), name(suggested));
    let part = given.len() >= 4 && (suggested.contains(&given) || given.contains(&suggested));
    part || levenshtein(&given, &suggested) <= 1 + given.len() / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_meant_is_near() {
        for (given, suggested) in [
            ("--polcy", "--policy"),
            ("--severity", "--min-severity"),
            ("--outptu", "--output <FORMAT>"),
            ("--Policy", "--policy"),
        ] {
            assert!(is_near(given, suggested), "{given} {suggested}");
        }
        for (given, suggested) in [("--fix", "--filename"), ("--strict", "--snippet"), ("--format", "--filename")] {
            assert!(!is_near(given, suggested), "{given} {suggested}");
        }
    }
}
