//! Secrets in the words of a command line, and in scripts that are one word of it.

use super::named::{Names, Secret, is_allowed};
use super::names::{is_one_of, is_setting_secret};
use super::operands::Operands;
use super::shape::secret_in;
use super::values::{is_crypt, is_literal};
use crate::text::name_words;

/// A program with an option that takes a password, though the option's name does not say so.
struct Client {
    /// The name of the program, or the common beginning of several: `mysql*`.
    name: &'static str,
    option: &'static str,
    /// Whether the value can also be the next word.
    value_follows: bool,
    /// Whether the value is `user:password`.
    is_login: bool,
    /// The command of the program that has the option; empty if all have it.
    command: &'static str,
}

const fn client(name: &'static str, option: &'static str, value_follows: bool, is_login: bool) -> Client {
    Client { name, option, value_follows, is_login, command: "" }
}

/// `-p` of a command of the program, such as `docker login -p`.
const fn command(name: &'static str, command: &'static str) -> Client {
    Client { command, ..client(name, "-p", true, false) }
}

static CLIENTS: [Client; 52] = [
    client("mysql*", "-p", false, false),
    client("mariadb*", "-p", false, false),
    client("redis-cli", "-a", true, false),
    client("valkey-cli", "-a", true, false),
    client("keydb-cli", "-a", true, false),
    client("sshpass", "-p", true, false),
    client("ldap*", "-w", true, false),
    client("mongo", "-p", true, false),
    client("mongosh", "-p", true, false),
    client("mongodump", "-p", true, false),
    client("mongorestore", "-p", true, false),
    client("mongoexport", "-p", true, false),
    client("mongoimport", "-p", true, false),
    client("cqlsh", "-p", true, false),
    client("sqlcmd", "-P", true, false),
    client("bcp", "-P", true, false),
    client("curl", "-u", true, true),
    client("curl", "--user", true, true),
    client("curl", "--proxy-user", true, true),
    client("openssl", "-passin", true, false),
    client("openssl", "-passout", true, false),
    client("openssl", "-pass", true, false),
    client("unzip", "-P", true, false),
    client("zip", "-P", true, false),
    client("7z", "-p", false, false),
    client("7za", "-p", false, false),
    client("7zr", "-p", false, false),
    client("7zz", "-p", false, false),
    client("unrar", "-p", false, false),
    client("useradd", "-p", true, false),
    client("usermod", "-p", true, false),
    client("groupadd", "-p", true, false),
    client("groupmod", "-p", true, false),
    command("docker", "login"),
    command("podman", "login"),
    command("buildah", "login"),
    command("nerdctl", "login"),
    command("skopeo", "login"),
    command("helm", "login"),
    command("oras", "login"),
    command("crane", "login"),
    command("regctl", "login"),
    command("oc", "login"),
    command("az", "login"),
    command("cf", "login"),
    command("twine", "upload"),
    command("dotnet", "nuget"),
    client("crictl", "--creds", true, true),
    client("podman", "--creds", true, true),
    client("buildah", "--creds", true, true),
    client("skopeo", "--src-creds", true, true),
    client("skopeo", "--dest-creds", true, true),
];

/// The commands of these programs that have options of their own.
const COMMANDS: [&str; 3] = ["login", "nuget", "upload"];

/// Reads a command line word by word, and remembers what the next word may belong to.
#[derive(Default)]
struct Words<'a> {
    program: Option<&'a str>,
    /// The command of the program.
    command: Option<&'a str>,
    /// The word before, if it is an option: this word may be its value.
    option: Option<&'a str>,
    operands: Option<Operands<'a>>,
}

impl<'a> Words<'a> {
    /// What kind of secret this word contains, by itself or as the value of the option before it. `allow` are names of options
    /// that hold no secret.
    fn secret(&mut self, word: &'a str, allow: &[String]) -> Option<Secret<'a>> {
        let option = self.option.take();
        if let Some(option) = option.filter(|option| !word.starts_with('-') && !is_allowed(allow, option)) {
            let of_program =
                self.options().any(|client| client.value_follows && client.option == option && client.holds(word));
            if of_program || is_option_secret(option, word) {
                return Some(value_of(option));
            }
        }
        if word.starts_with('-') {
            return self.option(word).filter(|secret| !is_allowed(allow, secret.name));
        }
        if self.program.is_none() {
            let name = word.rsplit('/').next().unwrap_or_default();
            self.operands = Operands::of(name);
            self.program = Some(name).filter(|name| self.operands.is_some() || clients(name).next().is_some());
            return None;
        }
        self.command = self.command.or_else(|| Some(word).filter(|word| COMMANDS.contains(word)));
        let name = self.operands.as_mut().and_then(|operands| operands.secret(word, option));
        name.filter(|name| name.is_empty() || !is_allowed(allow, name)).map(value_of)
    }

    fn option(&mut self, word: &'a str) -> Option<Secret<'a>> {
        if let Some(operands) = &mut self.operands {
            operands.option(word);
        }
        if let Some((name, value)) = word.split_once('=') {
            let of_program =
                self.options().any(|client| client.option == name && name.len() > 2 && client.holds(value));
            return (of_program || is_option_secret(name, value)).then_some(value_of(name));
        }
        let mut attached = self.options().filter(|client| {
            client.option.len() == 2 && word.strip_prefix(client.option).is_some_and(|value| client.holds(value))
        });
        let attached = attached.next().map(|client| value_of(client.option));
        self.option = Some(word).filter(|option| !is_switch(option));
        attached
    }

    fn options(&self) -> impl Iterator<Item = &'static Client> + use<'a> {
        let command = self.command;
        let has = move |client: &&Client| client.command.is_empty() || command == Some(client.command);
        self.program.map(clients).into_iter().flatten().filter(has)
    }
}

/// The value of an option.
const fn value_of(name: &str) -> Secret<'_> {
    Secret { what: "a password or key", name }
}

fn clients(name: &str) -> impl Iterator<Item = &'static Client> + use<'_> {
    CLIENTS.iter().filter(move |client| match client.name.strip_suffix('*') {
        // `mysqldump` takes the same options, the server `mysqld` does not.
        Some(family) => {
            name.strip_prefix(family).is_some_and(|rest| rest != "d" && !rest.starts_with(['d', '_']) || rest == "dump")
        }
        None => client.name == name,
    })
}

impl Client {
    fn holds(&self, value: &str) -> bool {
        let value = value.trim_matches(['"', '\'']);
        let value = if self.is_login {
            let Some((_, password)) = value.split_once(':') else { return false };
            password
        } else if self.name == "openssl" {
            let Some(password) = value.strip_prefix("pass:") else { return false };
            password
        } else {
            value
        };
        (is_literal(value) && !value.starts_with(['$', '`'])) || is_crypt(value)
    }
}

fn is_option_secret(name: &str, value: &str) -> bool {
    let name = name.trim_start_matches('-');
    let value = value.trim_matches(['"', '\'']);
    is_name(name) && !value.starts_with(['$', '`']) && is_setting_secret(name, value)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether the option switches a secret off, has it made up or reads it: `--disabled-password app`, `--password-stdin`. The next word
/// is not its value.
fn is_switch(option: &str) -> bool {
    const OFF: [&str; 9] = ["DISABLE", "DISABLED", "EMPTY", "GENERATE", "NO", "RANDOM", "SKIP", "STDIN", "WITHOUT"];
    option.starts_with("--") && name_words(option).any(|word| is_one_of(word, &OFF))
}

/// The index of a word, and its secret.
type WordSecret<'a> = (usize, Secret<'a>);

/// The words that contain a secret.
pub fn secrets_in_words<'a>(words: impl Iterator<Item = &'a str>, allow: &[String]) -> Vec<WordSecret<'a>> {
    let mut state = Words::default();
    words
        .enumerate()
        .filter_map(|(index, word)| {
            let own = state.secret(word, allow);
            let found = own.or_else(|| by_shape(word, allow)).or_else(|| in_script(word, allow));
            Some((index, found?))
        })
        .collect()
}

/// The secret in a word. That of `NAME=value` depends on what the variable is for.
fn by_shape<'a>(word: &'a str, allow: &[String]) -> Option<Secret<'a>> {
    let found = secret_in(word, allow)?;
    let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) else { return Some(found) };
    let names = Names { more: &[], allow };
    let of_value = names.secret(name, value);
    // The shape may be one that begins with the name: `password=hunter2`.
    let is_of_value = secret_in(value, allow).is_some();
    // `host=db password=hunter2` is a list of settings, and `JAVA_OPTS` in front of one is a variable.
    let is_list = value.contains(' ') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let with_name = |secret: Secret<'a>| Secret {
        name: if is_list && !secret.name.is_empty() { secret.name } else { name },
        ..secret
    };
    if is_of_value { of_value.map(with_name) } else { Some(found) }
}

/// The secret in a script that is one word; each command of the script is judged by itself.
fn in_script<'a>(script: &'a str, allow: &[String]) -> Option<Secret<'a>> {
    if !script.contains([' ', '\n']) {
        return None;
    }
    let mut state = Words::default();
    script.split_inclusive(['\n', ';', '|', '&']).find_map(|command| {
        let found = command
            .trim_end_matches(['\n', ';', '|', '&'])
            .split_ascii_whitespace()
            .find_map(|word| state.secret(word, allow));
        // A line that ends with a backslash continues the command.
        if !command.ends_with("\\\n") {
            state = Words::default();
        }
        found
    })
}
