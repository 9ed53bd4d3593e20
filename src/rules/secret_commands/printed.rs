//! What `echo`, `printf`, `cat` and `<<<` give to a pipe, a file or a variable, as far as a script says it.

use crate::shell::{Command, Word, powershell};

/// A format that is repeated is written until the text is this many times as long as the words, and this many bytes.
const GROWTH: usize = 4;
const LEAST: usize = 4096;

/// A text, and the words that it was made of: each may be a secret, or a part of one.
#[derive(Default)]
pub struct Printed<'c> {
    pub text: String,
    pub words: Vec<&'c Word>,
}

/// What the words of a command print. A here-document is not among them.
pub fn printed(command: &Command) -> Printed<'_> {
    if command.words.first().is_some_and(|word| powershell::writes_content(&word.text)) {
        let (_, words) = powershell::target_and_values(&command.words);
        let text = words.iter().map(|word| format!("{}\n", word.text)).collect();
        return Printed { text, words };
    }
    let at = command.words.iter().position(|word| matches!(file_name(word), "echo" | "printf"));
    if at.is_none() && command.redirections.is_empty() {
        return Printed::default();
    }
    let mut words: Vec<&Word> = at.and_then(|at| command.words.get(at + 1..)).unwrap_or_default().iter().collect();
    let is_format = at.and_then(|at| command.words.get(at)).is_some_and(|word| file_name(word) == "printf");
    words.drain(..options(&words, is_format));
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let mut text = match texts.split_first() {
        Some((format, arguments)) if is_format => formatted(format, arguments),
        Some(_) => texts.join(" ") + "\n",
        None => String::new(),
    };
    for (_, word) in command.redirections.iter().filter(|(operator, _)| operator == "<<<") {
        text.push_str(&word.text);
        words.push(word);
    }
    Printed { text: without_escapes(&text), words }
}

fn file_name(word: &Word) -> &str {
    word.text.rsplit('/').next().unwrap_or_default()
}

/// How many words before the text are options: `-v NAME`, `--`, `-ne`.
fn options(words: &[&Word], is_format: bool) -> usize {
    let is_option = |text: &str| {
        text.strip_prefix('-').is_some_and(|option| !option.is_empty() && option.chars().all(|c| "neE".contains(c)))
    };
    if !is_format {
        return words.iter().take_while(|word| is_option(&word.text)).count();
    }
    let named = if words.first().is_some_and(|word| word.text == "-v") { 2 } else { 0 };
    let ends = usize::from(words.get(named).is_some_and(|word| word.text == "--"));
    words.len().min(named + ends)
}

/// Writes the arguments in the places of the format, which is repeated as long as there are arguments. They are written in full, whatever
/// width or kind a place has.
fn formatted(format: &str, arguments: &[&str]) -> String {
    let length = arguments.iter().map(|argument| argument.len() + 1).sum::<usize>() + format.len();
    let mut rest = arguments.iter();
    let mut text = String::new();
    loop {
        let before = rest.len();
        once(format, &mut rest, &mut text);
        // A format without a place prints no argument.
        if rest.len() == 0 || rest.len() == before || text.len() > GROWTH * length + LEAST {
            break;
        }
    }
    for argument in rest {
        text.push(' ');
        text.push_str(argument);
    }
    text
}

fn once<'a>(format: &str, arguments: &mut impl Iterator<Item = &'a &'a str>, text: &mut String) {
    let mut rest = format;
    while let Some((before, behind)) = rest.split_once('%') {
        text.push_str(before);
        if let Some(behind) = behind.strip_prefix('%') {
            text.push('%');
            rest = behind;
            continue;
        }
        let place = behind.trim_start_matches(|c: char| c.is_ascii_digit() || " '#*+-.hlLjtzq".contains(c));
        let flags = behind.get(..behind.len() - place.len()).unwrap_or_default();
        // A width may be an argument itself.
        for _ in flags.matches('*') {
            arguments.next();
        }
        let is_quoted = flags.ends_with('q');
        let time = place.strip_prefix('(').and_then(|time| time.split_once(")T"));
        rest = match time {
            Some((_, behind)) => behind,
            None if is_quoted => place,
            None => place.get(place.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default(),
        };
        text.push_str(arguments.next().copied().unwrap_or_default());
    }
    text.push_str(rest);
}

/// `\n`, `\t`, `\\`, `\075` and `\x3d`, as `printf`, `%b` and `echo -e` write them. A shell that leaves them as they are prints no other secret.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    let mut is_escaped = false;
    for part in parts {
        if std::mem::take(&mut is_escaped) {
            plain.push_str(part);
            continue;
        }
        let Some(first) = part.chars().next() else {
            plain.push('\\');
            is_escaped = true;
            continue;
        };
        let (sign, length) = match first {
            'n' => (Some('\n'), 1),
            'r' => (Some('\r'), 1),
            't' => (Some('\t'), 1),
            'x' => digits(part, 1, 2, 16),
            '0'..='7' => digits(part, 0, if first == '0' { 4 } else { 3 }, 8),
            _ => (None, 0),
        };
        match sign {
            Some(sign) => plain.push(sign),
            None => plain.push('\\'),
        }
        plain.push_str(part.get(if sign.is_some() { length } else { 0 }..).unwrap_or_default());
    }
    plain
}

/// The ASCII character with this number, and how long it is written.
fn digits(part: &str, from: usize, most: usize, radix: u32) -> (Option<char>, usize) {
    let rest = part.get(from..).unwrap_or_default();
    let length = rest.bytes().take(most).take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let number = rest.get(..length).and_then(|digits| u8::from_str_radix(digits, radix).ok());
    (number.filter(u8::is_ascii).filter(|number| *number > 0).map(char::from), from + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Script;

    #[test]
    fn programs_print_what_they_are_given() {
        for (script, text) in [
            ("echo a b", "a b\n"),
            ("echo -ne 'a\\tb\\x3dc\\0101\\\\n' -----BEGIN", "a\tb=cA\\n -----BEGIN\n"),
            ("printf a", "a"),
            ("printf -- '%s=%s\\n' A b NAME hunter2 C", "A=b\nNAME=hunter2\nC=\n"),
            ("printf -v X '%b:%-5s:%10.3s:%q:%d%%' a b hunter2 d 5", "a:b:hunter2:d:5%"),
            ("printf '%*s|%.*f|%(%F)T|%ld' 5 a 2 1.5 -1 7", "a|1.5|-1|7"),
            ("printf 'a\\n' b c", "a\n b c"),
            ("printf '%s'", ""),
            ("printf 100%", "100"),
            ("cat <<< hunter2", "hunter2"),
            ("sudo /usr/bin/printf '%s' a", "a"),
            ("cat a", ""),
        ] {
            let script = Script::new(script);
            assert_eq!(printed(&script.commands[0]).text, text, "{script:?}");
        }
    }

    /// The time is that of the words, whatever the format repeats.
    #[test]
    fn a_long_format_is_not_repeated_without_an_end() {
        let format = format!("{}%s", "a".repeat(10_000));
        let arguments = vec!["b"; 10_000];
        assert!(formatted(&format, &arguments).len() < 200_000);
    }
}
