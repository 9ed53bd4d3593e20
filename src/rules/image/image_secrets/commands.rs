//! Secrets in the variables, commands and labels of an image: in its configuration, and in the steps of its build.

use crate::image::config::{History, RunConfig};
use crate::image::{ImageFacts, Place};
use crate::rules::image::step::{self, Step};
use crate::rules::secret_commands::{self, Found, Names, of_label};
use crate::secret_shapes::{NAMED, Secret};
use crate::shell::Script;
use crate::text::clean;
use std::collections::{HashMap, HashSet};

/// The secrets in the configuration, with what each one is in.
pub fn in_config<'i>(run: &'i RunConfig, names: Names<'_>) -> Vec<(Place<'i>, String)> {
    let mut found = Vec::new();
    for (name, value) in run.env.iter().filter_map(|pair| pair.split_once('=')) {
        found.extend(of_variable(name, value, names).map(|secret| (Place::Env(name), said(&secret))));
    }
    let count = run.entrypoint.len();
    // Together they are one command line.
    for secret in in_command(&words(run.entrypoint.iter().chain(&run.cmd)), names) {
        let index = secret.span.start;
        let of_cmd = index.checked_sub(count).map(|index| Place::Word("Cmd", index));
        found.push((of_cmd.unwrap_or(Place::Word("Entrypoint", index)), of_command(&secret)));
    }
    let test = run.healthcheck.iter().flat_map(|check| &check.test);
    for (list, words) in [("Healthcheck.Test", words(test)), ("Shell", words(run.shell.iter()))] {
        let secrets = in_command(&words, names).into_iter();
        found.extend(secrets.map(|secret| (Place::Word(list, secret.span.start), of_command(&secret))));
    }
    for (index, step) in run.on_build.iter().enumerate() {
        let secrets = of_step(step, &RunConfig::default(), names);
        found.extend(secrets.first().map(|secret| (Place::Word("OnBuild", index), of_command(secret))));
    }
    for (name, value) in &run.labels {
        let secret = of_label(&names, name, value).map(|secret| named(secret, secret.name));
        found.extend(secret.map(|secret| (Place::Label(name), format!("{} in the label", said(&secret)))));
    }
    found
}

/// The most secrets in steps that are reported of an image: a step can have thousands of variables.
const MOST: usize = 64;

/// The secrets in the steps of the build, each name once.
pub fn in_history<'i>(image: &'i ImageFacts, names: Names<'_>) -> Vec<(Place<'i>, String)> {
    let mut first: HashMap<(String, &str), usize> = HashMap::new();
    let mut all: Vec<(usize, Found, usize)> = Vec::new();
    for (index, step) in image.history.iter().enumerate() {
        let mut here: Vec<Found> = of_step(&step.created_by, &image.run, names);
        let mut seen = HashSet::new();
        here.retain(|secret| seen.insert(secret.name.clone()));
        // What has no name may be the same secret once more.
        let is_other = here.iter().any(|secret| !secret.name.is_empty());
        for secret in here.into_iter().filter(|secret| !(is_other && secret.name.is_empty())) {
            // An option has another secret in each step.
            let is_variable = !secret.name.is_empty() && !secret.name.starts_with('-');
            let known = first.get(&(secret.name.clone(), secret.what)).filter(|_| is_variable);
            if let Some((_, _, more)) = known.and_then(|known| all.get_mut(*known)) {
                *more += 1;
            } else if all.len() < MOST {
                first.insert((secret.name.clone(), secret.what), all.len());
                all.push((index, secret, 0));
            }
        }
    }
    let shown = |(index, secret, more): (usize, Found, usize)| {
        let layer = layer_of(&image.history, index).filter(|layer| *layer < image.layers.len());
        let layer = layer.map(|layer| format!(" of layers[{layer}]")).unwrap_or_default();
        let more = match more {
            0 => String::new(),
            1 => ", and in 1 more step".to_owned(),
            more => format!(", and in {more} more steps"),
        };
        (Place::History(index), format!("{}{layer}{more}", of_command(&secret)))
    };
    all.into_iter().map(shown).collect()
}

/// The layer that a step made, as the report counts them.
fn layer_of(history: &[History], index: usize) -> Option<usize> {
    let is_empty = history.get(index)?.empty_layer;
    (!is_empty).then(|| history.iter().take(index).filter(|step| !step.empty_layer).count())
}

fn of_command(secret: &Found) -> String {
    format!("{} in the command", said(secret))
}

fn said(secret: &Found) -> String {
    // What only the name of a variable says, in the words of this rule.
    let what = if secret.what == NAMED { "a secret by its name" } else { secret.what };
    if secret.name.is_empty() { what.to_owned() } else { format!("{what} ({})", clean(&secret.name, 80)) }
}

/// The secrets in a step of the build. What the configuration has too is reported there.
pub fn of_step(step: &str, run: &RunConfig, names: Names<'_>) -> Vec<Found> {
    let is_variable = |name: &str, value: &str| run.env.iter().any(|pair| pair.split_once('=') == Some((name, value)));
    let variables = |text| -> Vec<Found> {
        let pairs = step::pairs(text).into_iter().filter(|(name, value)| !is_variable(name, value));
        let pairs = pairs.filter(|(_, value)| !value.starts_with(['$', '`']));
        pairs
            .filter_map(|(name, value)| Some(Found { name: name.to_owned(), ..of_variable(name, value, names)? }))
            .collect()
    };
    if step.contains("ONBUILD ") && run.on_build.iter().any(|known| step.trim_end().ends_with(known.trim())) {
        return Vec::new();
    }
    match Step::read(step) {
        Step::Run { arguments, script, .. } => {
            let mut found = variables(arguments);
            found.extend(of_script(script, names));
            found
        }
        Step::Instruction("ARG" | "ENV", text) => variables(text),
        Step::Instruction("CMD" | "ENTRYPOINT" | "SHELL", text) => of_program(text, run, names),
        Step::Instruction("HEALTHCHECK", text) => of_program(behind_cmd(text), run, names),
        Step::Instruction("LABEL", text) => {
            let is_known = |name: &str, value: &str| run.labels.get(name).is_some_and(|known| known == value);
            let pairs = step::pairs(text).into_iter().filter(|(name, value)| !is_known(name, value));
            let secret = |(name, value): (&str, &str)| Some(named(of_label(&names, name, value)?, name));
            pairs.into_iter().filter_map(secret).collect()
        }
        Step::Instruction(_, text) => {
            let mut words = text.split_whitespace().chain([text]);
            words.find_map(|word| names.in_text(word)).map(|secret| named(secret, secret.name)).into_iter().collect()
        }
    }
}

fn named(secret: Secret<'_>, name: &str) -> Found {
    Found { span: 0..0, what: secret.what, name: name.to_owned() }
}

fn of_variable(name: &str, value: &str, names: Names<'_>) -> Option<Found> {
    names.secret(name, value).map(|secret| named(secret, secret.name))
}

/// What is behind `--interval=30s CMD`, as buildah writes it.
fn behind_cmd(health: &str) -> &str {
    let cmd =
        health.split_once("CMD ").filter(|(options, _)| options.split_whitespace().all(|one| one.starts_with("--")));
    cmd.map_or(health, |(_, program)| program.trim_start())
}

fn of_program(text: &str, run: &RunConfig, names: Names<'_>) -> Vec<Found> {
    let health = run.healthcheck.iter().flat_map(|check| &check.test);
    let known: Vec<&str> = words(run.entrypoint.iter().chain(&run.cmd).chain(&run.shell).chain(health));
    match list(text) {
        Some(list) => {
            let words = words(list.iter());
            let is_new = |found: &Found| words.get(found.span.start).is_some_and(|word| !known.contains(word));
            in_command(&words, names).into_iter().filter(is_new).collect()
        }
        None if known.contains(&text) => Vec::new(),
        None => of_script(text, names),
    }
}

fn of_script(script: &str, names: Names<'_>) -> Vec<Found> {
    secret_commands::in_script(&Script::new(script), &names)
}

/// The words of a command that hold a secret; their spans are their indexes. Those of a HEALTHCHECK begin with how it runs.
pub fn in_command(words: &[&str], names: Names<'_>) -> Vec<Found> {
    let mut found = match words {
        ["CMD-SHELL", script, ..] => secret_commands::in_words(&["sh", "-c", script], names),
        ["CMD", rest @ ..] => secret_commands::in_words(rest, names),
        words => return secret_commands::in_words(words, names),
    };
    // The script of a shell is its third word, and here the second.
    let is_script = words.first() == Some(&"CMD-SHELL");
    found.retain_mut(|found| {
        let start = if is_script { found.span.start.checked_sub(1) } else { Some(found.span.start + 1) };
        found.span = start.map_or(0..0, |start| start..start + 1);
        start.is_some()
    });
    found
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
