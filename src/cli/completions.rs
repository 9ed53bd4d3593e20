//! `podreeve completions`.

use super::exit::{Exit, Failure};
use super::output;
use clap::{Arg, Command};
use clap_complete::Shell;
use std::fmt::Write;

/// Print completions for a shell, to be sourced by it
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

/// `command` is podreeve with all its subcommands.
///
/// # Errors
/// If stdout cannot be written.
pub fn run(args: &Args, mut command: Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "podreeve", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    match args.shell {
        Shell::Fish => script.push_str(&fish(&command)),
        Shell::Bash => script = with_files_in_bash(script, &command),
        Shell::Zsh => script = with_files_in_zsh(script, &command),
        _ => {}
    }
    output::print(&script)?;
    Ok(Exit::Clean)
}

/// What clap_complete leaves out for fish: the values of arguments without a flag, and files where a value may be a name or a path.
fn fish(command: &Command) -> String {
    let mut script = String::new();
    for subcommand in command.get_subcommands() {
        let line = format!("complete -c podreeve -n \"__fish_podreeve_using_subcommand {}\"", subcommand.get_name());
        for arg in subcommand.get_arguments() {
            if arg.is_positional() && has_values(arg) {
                // A backslash before a quote, because the values are within quotes of their own.
                let quoted =
                    |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'").replace(['\n', '"', '$'], " ");
                let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
                for value in values {
                    let help = value.get_help().map(ToString::to_string).unwrap_or_default();
                    let _ = writeln!(script, "{line} -f -a '{}' -d '{}'", quoted(value.get_name()), quoted(&help));
                }
            }
            if let (Some(long), true) = (arg.get_long(), is_name_or_path(arg)) {
                let _ = writeln!(script, "{line} -l {long} -r -F");
            }
        }
    }
    script
}

/// bash completes names alone where an argument has names. Here it may be a path as well.
fn with_files_in_bash(script: String, command: &Command) -> String {
    let Some(names) = policy_names(command) else { return script };
    script.replace(&format!("compgen -W \"{names}\""), &format!("compgen -f -W \"{names}\""))
}

fn with_files_in_zsh(script: String, command: &Command) -> String {
    let Some(names) = policy_names(command) else { return script };
    let both = format!(
        "_podreeve_policies() {{\n    _alternative 'policies:policy:({names})' 'files:file:_files'\n}}\n\n_podreeve() {{"
    );
    script.replacen("_podreeve() {", &both, 1).replace(&format!(":POLICY:({names})"), ":POLICY:_podreeve_policies")
}

/// The names of built-in policies, with spaces between them.
fn policy_names(command: &Command) -> Option<String> {
    let arg = command.get_subcommands().flat_map(Command::get_arguments).find(|arg| is_name_or_path(arg))?;
    let names: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    Some(names.join(" "))
}

fn has_values(arg: &Arg) -> bool {
    !arg.get_possible_values().is_empty()
}

/// Whether the argument takes the name of a built-in policy, or a path.
fn is_name_or_path(arg: &Arg) -> bool {
    arg.get_long() == Some("policy") && has_values(arg)
}
