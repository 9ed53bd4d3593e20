//! Files of variables as systemd reads them for `EnvironmentFile=`, which is not as a shell does.

use std::str::Chars;

const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The variables of a file, in their order.
///
/// A value goes on in the next line after a backslash, and inside quotes without one. Quotes at its beginning are taken off; those after
/// another character are a part of it.
#[must_use]
pub fn variables(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = text.chars();
    while let Some(first) = rest.next() {
        if WHITE.contains(&first) {
            continue;
        }
        if matches!(first, '#' | ';') {
            // What follows a line is read by itself, whether the comment ends with a backslash or not.
            rest.find(|c| is_end(*c));
            continue;
        }
        if let Some(name) = name(first, &mut rest) {
            all.push((name, value(&mut rest)));
        }
    }
    all
}

const fn is_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// The text before `=`; none where the line ends before.
fn name(first: char, rest: &mut Chars<'_>) -> Option<String> {
    let mut name = String::from(first);
    loop {
        match rest.next()? {
            '=' => {
                name.truncate(name.trim_end_matches(WHITE).len());
                return Some(name);
            }
            c if is_end(c) => return None,
            c => name.push(c),
        }
    }
}

fn value(rest: &mut Chars<'_>) -> String {
    let mut value = String::new();
    loop {
        match rest.next() {
            None => return value,
            Some(c) if is_end(c) => return value,
            Some('\'') => value.extend(rest.by_ref().take_while(|c| *c != '\'')),
            Some('"') => quoted(rest, &mut value),
            Some(c) if WHITE.contains(&c) => {}
            Some(c) => {
                plain(c, rest, &mut value);
                return value;
            }
        }
    }
}

/// The text up to the closing quote. A backslash takes itself away before what a shell would read, and at the end of a line.
fn quoted(rest: &mut Chars<'_>, value: &mut String) {
    while let Some(c) = rest.next() {
        match c {
            '"' => return,
            '\\' => match rest.next() {
                Some(c @ ('"' | '\\' | '`' | '$')) => value.push(c),
                Some('\n') | None => {}
                Some(c) => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
}

/// The rest of a value without quotes at its beginning, up to the end of the line.
fn plain(first: char, rest: &mut Chars<'_>, value: &mut String) {
    // White space at the end is no part of it, unless a backslash is before it.
    let mut kept = value.len();
    let mut next = Some(first);
    while let Some(c) = next.filter(|c| !is_end(*c)) {
        if c == '\\' {
            match rest.next() {
                Some(c) if !is_end(c) => value.push(c),
                _ => {}
            }
            kept = value.len();
        } else {
            value.push(c);
            if !WHITE.contains(&c) {
                kept = value.len();
            }
        }
        next = rest.next();
    }
    value.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        variables(text)
    }

    fn one(text: &str) -> String {
        let all = of(&format!("A={text}\nB=x\n"));
        assert_eq!((all.len(), all[0].0.as_str(), all[1].1.as_str()), (2, "A", "x"), "{all:?}");
        all[0].1.clone()
    }

    #[test]
    fn values_that_go_on() {
        assert_eq!(one("\"-H unix:///x \\\n -H tcp://0.0.0.0:2375\""), "-H unix:///x  -H tcp://0.0.0.0:2375");
        assert_eq!(one("-H unix:///x \\\n  -H tcp://0.0.0.0:2375"), "-H unix:///x   -H tcp://0.0.0.0:2375");
        assert_eq!(one("\"a\n b\""), "a\n b");
        assert_eq!(one("'a\\\n b'"), "a\\\n b");
        assert_eq!(of("A=a\\"), [("A".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn quotes_and_white_space() {
        assert_eq!(one("  'a'b \t"), "ab");
        assert_eq!(one("\"a\" \"b\""), "ab");
        assert_eq!(one("-D --label=\"a b\""), "-D --label=\"a b\"");
        assert_eq!(one("\"\\$x \\y\""), "$x \\y");
        assert_eq!(one("a\\ \\\\"), "a \\");
        assert_eq!(one(""), "");
    }

    #[test]
    fn lines_that_are_no_variables() {
        let all = of("# X=1 \\\nA=1\n;B=2\nno line\r\n C = 3 \n\n=x");
        assert_eq!(all, [("A".to_owned(), "1".to_owned()), ("C".to_owned(), "3".to_owned())]);
    }
}
