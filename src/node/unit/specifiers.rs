//! Specifiers of systemd: `%n` and others, which stand for parts of the unit's name and for folders of the system.

/// A text with its specifiers replaced, for a unit of the system with this name.
///
/// # Errors
/// The specifier whose value no file shows for certain, such as `%H`.
pub fn expand(text: &str, unit: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            None => out.push('%'),
            Some(letter) => match value(letter, unit) {
                Some(value) => out.push_str(&value),
                None if letter.is_ascii_alphanumeric() => return Err(format!("%{letter}")),
                None => out.extend(['%', letter]),
            },
        }
    }
    Ok(out)
}

fn value(letter: char, unit: &str) -> Option<String> {
    let whole = unit.rsplit_once('.').map_or(unit, |(whole, _)| whole);
    let (prefix, instance) = whole.split_once('@').unwrap_or((whole, ""));
    let last = prefix.rsplit('-').next().unwrap_or(prefix);
    let found = match letter {
        '%' => "%",
        'n' => unit,
        'N' => whole,
        'p' => prefix,
        'i' => instance,
        'j' => last,
        'P' => return unescaped(prefix),
        'I' => return unescaped(instance),
        'J' => return unescaped(last),
        't' => "/run",
        'E' => "/etc",
        'C' => "/var/cache",
        'S' => "/var/lib",
        'L' => "/var/log",
        'T' => "/tmp",
        'V' => "/var/tmp",
        'h' => "/root",
        'u' | 'g' => "root",
        'U' | 'G' => "0",
        _ => return None,
    };
    Some(found.to_owned())
}

/// A part of a name, in which `-` stands for `/`. Other bytes are written with a backslash, which names of daemons do not have.
fn unescaped(part: &str) -> Option<String> {
    (!part.contains('\\')).then(|| part.replace('-', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_folders_and_what_is_unknown() {
        let of = |text: &str| expand(text, "a-b@c-d.service");
        assert_eq!(of("%n %N %p %i %j %I").as_deref(), Ok("a-b@c-d.service a-b@c-d a-b c-d b c/d"));
        assert_eq!(of("unix://%t/docker.sock %h %U").as_deref(), Ok("unix:///run/docker.sock /root 0"));
        assert_eq!(of("100%% %- %").as_deref(), Ok("100% %- %"));
        assert_eq!(of("/etc/%H").unwrap_err(), "%H");
        assert_eq!(of("%9").unwrap_err(), "%9");
        assert_eq!(expand("%N", "docker.service").as_deref(), Ok("docker"));
    }
}
