//! Variables of a Dockerfile, and words with their values.

use std::collections::HashMap;

/// Values and words longer than this are not expanded further: each use of a variable may double it.
const LONGEST: usize = 4096;
/// How deep defaults are nested at most: `${A:-${B:-c}}`.
const DEEPEST: usize = 8;

/// The variables of a stage.
#[derive(Debug, Default)]
pub struct Scope {
    variables: HashMap<String, Setting>,
}

/// What a stage says of a variable.
#[derive(Debug, Clone)]
pub struct Setting {
    /// None if only the build knows it.
    pub value: Option<String>,
    /// Set by `ENV`, so that it is set in the image, too.
    pub is_env: bool,
}

impl Scope {
    /// `ENV` stands above `ARG`.
    pub fn set(&mut self, name: &str, value: Option<String>, is_env: bool) {
        let stays = !is_env && self.variables.get(name).is_some_and(|setting| setting.is_env);
        if !stays {
            let value = value.filter(|value| value.len() <= LONGEST);
            self.variables.insert(name.to_owned(), Setting { value, is_env });
        }
    }

    /// None if the stage says nothing of it.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.variables.get(name)
    }
}

/// The value of a variable; none if the file does not have it.
pub type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The word without quotes, and with the values of its variables. None if one of these is unknown.
pub fn expand(raw: &str, escape: char, look_up: LookUp<'_>) -> Option<String> {
    nested(raw, escape, look_up, 0)
}

fn nested(raw: &str, escape: char, look_up: LookUp<'_>, depth: usize) -> Option<String> {
    if raw.len() > LONGEST || depth > DEEPEST {
        return None;
    }
    let mut word = Reader { rest: raw, escape, look_up, depth, out: String::with_capacity(raw.len()) };
    word.read()?;
    Some(word.out)
}

struct Reader<'a> {
    rest: &'a str,
    escape: char,
    look_up: LookUp<'a>,
    depth: usize,
    out: String,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn read(&mut self) -> Option<()> {
        let mut in_quotes = false;
        while let Some(c) = self.next() {
            match c {
                '\'' if !in_quotes => {
                    let (text, rest) = self.rest.split_once('\'').unwrap_or((self.rest, ""));
                    self.out.push_str(text);
                    self.rest = rest;
                }
                '"' => in_quotes = !in_quotes,
                '$' => self.variable()?,
                c if c == self.escape => {
                    let escaped = self.next();
                    // In quotes only these are escaped.
                    if in_quotes && !escaped.is_some_and(|c| matches!(c, '"' | '$') || c == self.escape) {
                        self.out.push(c);
                    }
                    self.out.extend(escaped);
                }
                c => self.out.push(c),
            }
            if self.out.len() > LONGEST {
                return None;
            }
        }
        Some(())
    }

    fn variable(&mut self) -> Option<()> {
        if let Some(inner) = self.rest.strip_prefix('{') {
            let (inside, rest) = inner.split_at_checked(closing(inner))?;
            self.rest = rest.get(1..).unwrap_or_default();
            return self.braced(inside);
        }
        let length = name_length(self.rest);
        let (name, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if name.is_empty() {
            self.out.push('$');
            return Some(());
        }
        self.out.push_str(&(self.look_up)(name)?);
        Some(())
    }

    /// `${NAME}`, `${NAME:-word}`, `${NAME:+word}`; other forms compute what the file does not have.
    fn braced(&mut self, inside: &str) -> Option<()> {
        let (name, operator) = inside.split_at_checked(name_length(inside))?;
        let value = (self.look_up)(name);
        let (is_colon, operator) = operator.strip_prefix(':').map_or((false, operator), |rest| (true, rest));
        let value = value.filter(|value| !is_colon || !value.is_empty());
        let other = || operator.get(1..).and_then(|word| nested(word, self.escape, self.look_up, self.depth + 1));
        let text = match (operator.chars().next(), value) {
            (None | Some('-' | '?'), Some(value)) => value,
            // A default stands for what the build may give: it is the best that the file says.
            (Some('-'), None) | (Some('+'), Some(_)) => other()?,
            _ => return None,
        };
        self.out.push_str(&text);
        Some(())
    }
}

/// How many bytes the name of a variable has at the beginning of a text.
fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return 1;
    }
    bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
}

/// Where the brace that is open closes.
fn closing(text: &str) -> usize {
    let mut open = 1_usize;
    let end = text.char_indices().find(|(_, c)| {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        open == 0
    });
    end.map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(word: &str) -> Option<String> {
        expand(word, '\\', &|name| match name {
            "A" => Some("a".to_owned()),
            "E" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_have_the_values_of_the_file() {
        for (word, value) in [
            ("x$A", Some("xa")),
            ("${A}b", Some("ab")),
            ("$A-$E-$", Some("a--$")),
            (r#""$A b"'$A'"#, Some("a b$A")),
            (r"\$A", Some("$A")),
            (r#""\$A\n""#, Some("$A\\n")),
            ("${N:-$A}", Some("a")),
            ("${E:-d}${E-d}", Some("d")),
            ("${A:+b}", Some("b")),
            ("${A?x}", Some("a")),
            ("${N:-${N:-x}}y", Some("xy")),
            ("${A", Some("a")),
            ("${A#a}", None),
            ("$N", None),
            ("${N+b}", None),
        ] {
            assert_eq!(expanded(word).as_deref(), value, "{word}");
        }
    }

    #[test]
    fn what_grows_is_cut_off() {
        let long = "x".repeat(LONGEST);
        assert_eq!(expand("$A$A", '\\', &|_| Some(long.clone())), None);
        let deep = format!("{}x{}", "${N:-".repeat(1 + DEEPEST), "}".repeat(1 + DEEPEST));
        assert_eq!(expanded(&deep), None);
        assert_eq!(expanded(&deep[5..deep.len() - 1]).as_deref(), Some("x"));
    }
}
