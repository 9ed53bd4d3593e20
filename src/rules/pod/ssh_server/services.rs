//! SSH servers that a service manager runs.

use super::server::{Hit, Server, is_short_options, known, name};
use super::words::{MANAGERS, Order, SERVERS, SERVICES, STARTS, STOPS};

/// How many words of the call of a service manager are read.
const MANAGED: usize = 16;

/// The service that the call of a service manager runs. `rest` are the words after the program.
pub fn managed(program: &str, rest: &[&str]) -> Option<Hit> {
    let rest = rest.get(..MANAGED).unwrap_or(rest);
    let (_, order) = MANAGERS.iter().find(|(manager, _)| *manager == program)?;
    let hit = |(index, name), is_service| Some((index, Server { name, is_service }));
    let lower = |word: &&str| word.to_ascii_lowercase();
    let is_verb = |word: &&str| STARTS.contains(&&*lower(word));
    let name_from = |from: usize| {
        let names = rest.iter().enumerate().skip(from);
        names.filter(|(_, word)| !word.starts_with('-')).find_map(|(index, word)| Some((index, service_name(word)?)))
    };
    match order {
        Order::VerbThenName => hit(name_from(rest.iter().position(&is_verb)? + 1)?, true),
        Order::NameThenVerb => {
            let (index, name) = name_from(0)?;
            rest.iter().skip(index + 1).any(is_verb).then_some(())?;
            hit((index, name), true)
        }
        Order::Name => {
            let stops = rest.iter().any(|word| STOPS.contains(&&*lower(word)));
            hit(name_from(0).filter(|_| !stops)?, true)
        }
        Order::Option(letters) => {
            let starts = rest.iter().any(|word| is_short_options(word) && word.contains(|c| letters.contains(c)));
            hit(name_from(0).filter(|_| starts)?, true)
        }
        Order::Program => {
            let mut programs = rest.iter().enumerate();
            hit(programs.find_map(|(index, word)| Some((index, known(&SERVERS, &name(word))?)))?, false)
        }
    }
}

/// The service that a word names: `ssh.service`, `/etc/service/sshd`, `svc-sshd`, `group:sshd`, `sshd.conf`.
fn service_name(word: &str) -> Option<&'static str> {
    let file = name(word.trim_end_matches('/'));
    let file = file.rsplit(':').next().unwrap_or_default();
    let file = file.split('@').next().unwrap_or_default();
    let suffix =
        [".service", ".socket", ".target", ".conf", ".ini"].iter().find_map(|suffix| file.strip_suffix(suffix));
    let plain = suffix.unwrap_or(file);
    known(&SERVICES, plain.strip_prefix("svc-").unwrap_or(plain))
}
