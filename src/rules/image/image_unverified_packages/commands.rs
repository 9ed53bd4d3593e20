//! Commands in the history of an image that verify nothing. The history has them in one line, without quotes that can be trusted.

/// Programs, and their options that switch verification off.
const OPTIONS: &[(&[&str], &[&str])] = &[
    (&["apt", "apt-get", "aptitude"], &["--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"]),
    (
        &["yum", "dnf", "dnf5", "microdnf", "tdnf"],
        &["--nogpgcheck", "--no-gpgchecks", "--setopt=sslverify=0", "--setopt=sslverify=false", "--setopt=gpgcheck=0"],
    ),
    (&["zypper"], &["--no-gpg-checks", "--gpg-auto-import-keys", "--allow-unsigned-rpm"]),
    (&["rpm"], &["--nosignature", "--nodigest", "--noverify"]),
    (&["apk"], &["--allow-untrusted", "--no-verify"]),
    (&["pip", "pip3", "uv", "pipx"], &["--trusted-host", "--allow-insecure-host"]),
    (&["npm", "yarn", "pnpm"], &["--strict-ssl=false", "--no-strict-ssl"]),
    (&["wget"], &["--no-check-certificate"]),
    (&["curl"], &["--insecure", "-k", "--proxy-insecure"]),
    (&["git"], &["http.sslVerify=false"]),
    (&["dpkg"], &["--force-bad-verify"]),
];

/// Variables that do the same for every program behind them.
const VARIABLES: &[&str] =
    &["GIT_SSL_NO_VERIFY=1", "GIT_SSL_NO_VERIFY=true", "NODE_TLS_REJECT_UNAUTHORIZED=0", "PYTHONHTTPSVERIFY=0"];

const LOADERS: &[&str] = &["curl", "wget"];
const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "python", "python3", "perl", "ruby", "node"];
/// Words in front of a program.
const WRAPPERS: &[&str] = &["sudo", "env", "exec", "command", "nice", "time", "then", "do", "else", "!", "{", "("];

/// What verifies nothing in a step of the history.
pub fn unverified(step: &str) -> Option<String> {
    let step = step.trim();
    let is_run = step.starts_with("RUN ") || step.starts_with("/bin/sh -c ") || step.starts_with('|');
    // Docker writes other steps as comments of a shell.
    if !is_run || step.starts_with("/bin/sh -c #(nop)") {
        return None;
    }
    let spaced = step.replace("&&", " && ").replace("||", " ; ").replace(';', " ; ").replace('|', " | ");
    let mut commands: Vec<Vec<&str>> = vec![Vec::new()];
    let mut piped = vec![false];
    for word in spaced.split_whitespace() {
        if matches!(word, "&&" | ";" | "|") {
            commands.push(Vec::new());
            piped.push(word == "|");
        } else if let Some(command) = commands.last_mut() {
            command.push(bare(word));
        }
    }
    let names: Vec<Option<&str>> = commands.iter().map(|words| program(words)).collect();
    let run = names.iter().zip(names.iter().skip(1)).zip(piped.iter().skip(1)).find_map(|((from, to), piped)| {
        let (from, to) = (from.filter(|name| LOADERS.contains(name))?, to.filter(|name| SHELLS.contains(name))?);
        piped.then(|| format!("{from} ... | {to}"))
    });
    let option = || commands.iter().find_map(|words| option(words));
    run.or_else(|| substituted(step)).or_else(option)
}

/// A shell whose script is what a program loads: `sh -c "$(curl ...)"`, `bash <(curl ...)`.
fn substituted(step: &str) -> Option<String> {
    const MARKS: &[&str] = &["sh -c \"$(", "sh -c $(", "sh -c \"`", "sh <(", "eval \"$(", "eval $("];
    let loads = |loader: &&&str| MARKS.iter().any(|mark| step.contains(&format!("{mark}{loader} ")));
    LOADERS.iter().find(loads).map(|loader| format!("a shell that runs what {loader} loads"))
}

/// A word without quotes and parentheses around it.
fn bare(word: &str) -> &str {
    word.trim_matches(['"', '\'', '(', ')'])
}

/// The file name of the program that the words start.
fn program<'w>(words: &[&'w str]) -> Option<&'w str> {
    at_program(words).and_then(|at| words.get(at)).map(|word| word.rsplit('/').next().unwrap_or(word))
}

fn at_program(words: &[&str]) -> Option<usize> {
    // A step begins with the shell that runs it.
    let shell =
        words.windows(2).position(|pair| matches!(pair, ["/bin/sh" | "/bin/bash" | "/bin/ash", "-c" | "-ec" | "-ce"]));
    let from = shell.map_or(0, |at| at + 2);
    let mut rest = words.iter().enumerate().skip(from);
    rest.find(|(_, word)| {
        let is_setting = word.starts_with('-') || word.contains('=') || word.is_empty();
        !is_setting && !WRAPPERS.contains(word) && **word != "RUN"
    })
    .map(|(at, _)| at)
}

fn option(words: &[&str]) -> Option<String> {
    let at = at_program(words)?;
    if let Some(variable) = words.iter().take(at).find(|word| VARIABLES.contains(word)) {
        return Some((*variable).to_owned());
    }
    let name = program(words)?;
    let (_, options) = OPTIONS.iter().find(|(names, _)| names.contains(&name))?;
    let arguments = words.get(at + 1..)?;
    let is_off = |word: &str| {
        // Short options of curl are written together: `-sSLk`.
        let together = name == "curl" && word.starts_with('-') && !word.starts_with("--") && word.len() < 10;
        let short = together
            && word
                .chars()
                .skip(1)
                .take_while(|c| !matches!(c, 'o' | 'H' | 'd' | 'u' | 'X' | 'A' | 'x'))
                .any(|c| c == 'k');
        short
            || options
                .iter()
                .any(|option| word == *option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')))
    };
    let found = arguments.iter().find(|word| is_off(word))?;
    Some(format!("{name} {}", found.split('=').next().filter(|_| !options.contains(found)).unwrap_or(found)))
}
