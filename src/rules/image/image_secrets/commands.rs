//! Secrets in the variables, commands and labels of an image: in its configuration, and in the steps of its build.

use crate::image::Place;
use crate::image::config::RunConfig;
use crate::rules::image::step::{self, Step};
use crate::rules::secret_commands::{self, Names};
use crate::secret_shapes::{is_named_secret, secret_value};
use crate::shell::Script;

/// The secrets in the configuration, with what each one is in.
pub fn in_config(run: &RunConfig) -> Vec<(Place<'_>, String)> {
    let mut found = Vec::new();
    for (name, value) in run.env.iter().filter_map(|pair| pair.split_once('=')) {
        found.extend(of_variable(name, value).map(|what| (Place::Env(name), what.to_owned())));
    }
    let count = run.entrypoint.len();
    // Together they are one command line.
    for (index, what) in in_command(&words(run.entrypoint.iter().chain(&run.cmd))) {
        let of_cmd = index.checked_sub(count).map(|index| Place::Word("Cmd", index));
        found.push((of_cmd.unwrap_or(Place::Word("Entrypoint", index)), of_command(what)));
    }
    let test = run.healthcheck.iter().flat_map(|check| &check.test);
    for (list, words) in [("Healthcheck.Test", words(test)), ("Shell", words(run.shell.iter()))] {
        let secrets = in_command(&words).into_iter();
        found.extend(secrets.map(|(index, what)| (Place::Word(list, index), of_command(what))));
    }
    for (index, step) in run.on_build.iter().enumerate() {
        let what = of_step(step, &RunConfig::default());
        found.extend(what.map(|what| (Place::Word("OnBuild", index), of_command(what))));
    }
    for (name, value) in &run.labels {
        found.extend(secret_value(value).map(|what| (Place::Label(name), format!("{what} in the label"))));
    }
    found
}

pub fn of_command(what: &str) -> String {
    format!("{what} in the command")
}

/// The secret in a step of the build. What the configuration has too is reported there.
pub fn of_step(step: &str, run: &RunConfig) -> Option<&'static str> {
    let is_variable = |name: &str, value: &str| run.env.iter().any(|pair| pair.split_once('=') == Some((name, value)));
    let variables = |text| {
        let pairs = step::pairs(text).into_iter().filter(|(name, value)| !is_variable(name, value));
        pairs.filter(|(_, value)| !value.starts_with(['$', '`'])).find_map(|(name, value)| of_variable(name, value))
    };
    if step.contains("ONBUILD ") && run.on_build.iter().any(|known| step.trim_end().ends_with(known.trim())) {
        return None;
    }
    match Step::read(step) {
        Step::Run { arguments, script } => variables(arguments).or_else(|| of_script(script)),
        Step::Instruction("ARG" | "ENV", text) => variables(text),
        Step::Instruction("CMD" | "ENTRYPOINT" | "SHELL", text) => of_program(text, run),
        Step::Instruction("HEALTHCHECK", text) => of_program(behind_cmd(text), run),
        Step::Instruction("LABEL", text) => {
            let is_known = |name: &str, value: &str| run.labels.get(name).is_some_and(|known| known == value);
            let pairs = step::pairs(text).into_iter().filter(|(name, value)| !is_known(name, value));
            pairs.into_iter().find_map(|(_, value)| secret_value(value))
        }
        Step::Instruction(_, text) => text.split_whitespace().find_map(secret_value).or_else(|| secret_value(text)),
    }
}

fn of_variable(name: &str, value: &str) -> Option<&'static str> {
    secret_value(value).or_else(|| is_named_secret(name, value, &[]).then_some("a secret by its name"))
}

/// What is behind `--interval=30s CMD`, as buildah writes it.
fn behind_cmd(health: &str) -> &str {
    let cmd =
        health.split_once("CMD ").filter(|(options, _)| options.split_whitespace().all(|one| one.starts_with("--")));
    cmd.map_or(health, |(_, program)| program.trim_start())
}

fn of_program(text: &str, run: &RunConfig) -> Option<&'static str> {
    let health = run.healthcheck.iter().flat_map(|check| &check.test);
    let known: Vec<&str> = words(run.entrypoint.iter().chain(&run.cmd).chain(&run.shell).chain(health));
    match list(text) {
        Some(list) => {
            let words = words(list.iter());
            let is_new = |(index, _): &(usize, _)| words.get(*index).is_some_and(|word| !known.contains(word));
            in_command(&words).into_iter().find(is_new).map(|(_, what)| what)
        }
        None if known.contains(&text) => None,
        None => of_script(text),
    }
}

fn of_script(script: &str) -> Option<&'static str> {
    secret_commands::in_script(&Script::new(script), &Names::default())
}

/// The words of a command that hold a secret, by their index. Those of a HEALTHCHECK begin with how it runs.
pub fn in_command(words: &[&str]) -> Vec<(usize, &'static str)> {
    match words {
        ["CMD-SHELL", script, ..] => {
            let found = secret_commands::in_words(&["sh", "-c", script]);
            found.into_iter().filter_map(|(index, what)| Some((index.checked_sub(1)?, what))).collect()
        }
        ["CMD", rest @ ..] => {
            secret_commands::in_words(rest).into_iter().map(|(index, what)| (index + 1, what)).collect()
        }
        words => secret_commands::in_words(words),
    }
}

fn words<'w>(words: impl Iterator<Item = &'w String>) -> Vec<&'w str> {
    words.map(String::as_str).collect()
}

/// The words of `["a" "b"]`, or of `&{["CMD-SHELL" "a"] "30s"}`, as builders write them. None of a text for a shell.
fn list(text: &str) -> Option<Vec<String>> {
    let list = text.trim_start_matches("&{").strip_prefix('[')?;
    let is_list = list.trim_start().starts_with(['"', ']']);
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = list.chars().take_while(|_| is_list);
    while let Some(c) = chars.next() {
        match (&mut word, c) {
            (None, ']') => return Some(words),
            (None, '"') => word = Some(String::new()),
            (None, _) => {}
            (Some(_), '"') => words.extend(word.take()),
            (Some(word), '\\') => word.extend(chars.next().map(|escaped| match escaped {
                'n' => '\n',
                't' => '\t',
                other => other,
            })),
            (Some(word), c) => word.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_all_builders_are_read() {
        for (text, words) in [
            (r#"["a" "b c"]"#, Some(vec!["a", "b c"])),
            (r#"["a", "say \"b\"\n", "]"]"#, Some(vec!["a", "say \"b\"\n", "]"])),
            (r#"&{["CMD-SHELL" "curl -f a"] "30s" "0s"}"#, Some(vec!["CMD-SHELL", "curl -f a"])),
            ("[]", Some(vec![])),
            ("[ -f a ] && b", None),
            (r#"["a""#, None),
            ("app --port 80", None),
        ] {
            let wanted = words.map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(list(text), wanted, "{text}");
        }
    }
}
