//! The values of variables that are secrets, so that no text repeats them. Builders and rules write values where a variable stood.

use super::image::step::{Step, pairs};
use crate::dockerfile::{Arguments, Dockerfile, Instruction, Keyword, Pair, Word};
use crate::image::ImageFacts;
use crate::rule::Rule;
use crate::secret_shapes::{is_literal, is_named_secret, secret_value};
use crate::text::HIDDEN;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// With more of them no text is shown.
const MOST: usize = 64;

/// A value of the kind that each rule takes for a secret, if the name of its variable says so without a doubt.
const ANY: &str = "hunter2";

/// A value with the name of its variable.
#[derive(Debug)]
struct Value {
    name: String,
    text: String,
    /// It is hidden at its variable alone.
    is_usual: bool,
}

/// The secrets among the values of variables, each with the name of its variable.
#[derive(Debug, Default)]
pub struct SecretValues {
    values: Vec<Value>,
    is_full: bool,
}

impl SecretValues {
    /// Of an image: its variables, and the arguments and variables of its build.
    #[must_use]
    pub fn of_image(image: &ImageFacts) -> Self {
        let mut all = Self::default();
        image.run.env.iter().filter_map(|pair| pair.split_once('=')).for_each(|(name, value)| all.add(name, value));
        for step in image.history.iter().map(|step| &step.created_by).chain(&image.run.on_build) {
            if let Step::Run { arguments: text, .. } | Step::Instruction("ARG" | "ENV", text) = Step::read(step) {
                for (name, value) in pairs(text) {
                    all.add(name, value);
                }
            }
        }
        all
    }

    /// Of a Dockerfile: those of its variables and those at the places that a rule found. What is the name of a base is none.
    #[must_use]
    pub fn of_dockerfile(file: &Dockerfile<'_>, found: &[Range<usize>]) -> Self {
        let bases: Vec<&str> = file.instructions.iter().filter_map(base).collect();
        let mut all = Self::default();
        let variables = file.instructions.iter().filter(|it| matches!(it.keyword, Keyword::Env | Keyword::Arg));
        for Pair { name, value, span } in variables.flat_map(Instruction::pairs) {
            let value = value.as_ref().map_or("", Word::text);
            if bases.iter().any(|base| base.contains(value)) {
                continue;
            }
            if found.iter().any(|found| found.start == span.start) {
                all.push(name, value);
            } else {
                all.add(name, value);
            }
        }
        all
    }

    fn add(&mut self, name: &str, value: &str) {
        let is_secret = secret_value(value).is_some()
            || is_named_secret(name, value, &[])
            || (is_named_secret(name, ANY, &[]) && is_literal(value));
        if is_secret {
            self.push(name, value);
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        let is_known = |known: &Value| known.text == value && known.name == name;
        if value.is_empty() || value.starts_with('$') || self.is_full || self.values.iter().any(is_known) {
            return;
        }
        self.is_full = self.values.len() >= MOST;
        // The longest first: one may be a part of another.
        let at = self.values.partition_point(|known| known.text.len() >= value.len());
        let value = Value { name: name.to_owned(), text: value.to_owned(), is_usual: is_usual(value) };
        self.values.insert(at, value);
    }

    /// The text without the values: where one is assigned to its variable, and anywhere if it is no usual word. A hole in the place of a
    /// usual word would say which word it is.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        without_secrets(self.hide_with(text, MARK)).replace(MARK, HIDDEN)
    }

    /// Whether a text has another secret, once the values are hidden.
    #[must_use]
    pub fn hides_all(&self, step: &str, has_secret: impl Fn(&str) -> bool) -> bool {
        !self.is_full && !has_secret(&self.hide_with(step, MARK))
    }

    fn hide_with(&self, text: &str, mark: &str) -> String {
        if self.is_full {
            return mark.to_owned();
        }
        let mut hidden: Vec<Range<usize>> = Vec::new();
        for Value { name, text: value, is_usual } in &self.values {
            for (at, _) in text.match_indices(value.as_str()) {
                let place = at..at + value.len();
                if (!is_usual && is_whole(text, &place)) || is_assigned(text, &place, name) {
                    hidden.push(place);
                }
            }
            if !is_usual {
                hidden.extend(cuts(text, value));
            }
        }
        hidden.sort_by_key(|place| (place.start, place.end));
        let mut shown = String::with_capacity(text.len());
        let (mut at, mut is_open) = (0, false);
        for place in hidden {
            if place.start > at || (place.start == at && !is_open) {
                shown.push_str(text.get(at..place.start).unwrap_or_default());
                shown.push_str(mark);
            }
            (at, is_open) = (at.max(place.end), true);
        }
        shown.push_str(text.get(at..).unwrap_or_default());
        shown
    }

    /// Whether the text has a value that is hidden wherever it stands.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.is_full || self.values.iter().any(|value| !value.is_usual && text.contains(value.text.as_str()))
    }
}

/// Stands for a value while a text is searched for other secrets, which a variable is not.
const MARK: &str = "$HIDDEN";

/// Shorter values would be a part of too many words.
const SHORTEST: usize = 4;
/// Up to this length a value is hidden as a whole word alone.
const SHORT: usize = 5;

/// Words of the trade that stand in many a command, and a hole in their place would say which word it is.
#[rustfmt::skip]
const USUAL: [&str; 56] = [
    "admin", "alpine", "alpine3", "apache", "bash", "base64", "build", "bullseye11", "curl", "data", "debian", "debian10", "debian11",
    "debian12", "debian13", "debug", "default", "demo", "docker", "false", "home", "java", "latest", "local", "localhost", "main", "mongo",
    "mysql", "nginx", "node", "node18", "node20", "node22", "none", "null", "password", "postgres", "postgres15", "postgres16", "prod",
    "production", "python", "python2", "python3", "redis", "release", "root", "server", "sha256", "sha512", "staging", "test", "true", "ubuntu",
    "user", "web",
];

/// Whether a value stands in many a text without being the secret: `root`, `postgres`, `value`.
fn is_usual(value: &str) -> bool {
    value.len() < SHORTEST || USUAL.contains(&value) || OWN_WORDS.contains(value)
}

/// The words of podreeve's own sentences about images and Dockerfiles.
static OWN_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let is_judged = |rule: &&&Rule| rule.id.starts_with("image-") || rule.id.starts_with("dockerfile-");
    let texts = super::RULES.iter().filter(is_judged).flat_map(|rule| [rule.title, rule.why, rule.docs]);
    texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).chain(SENTENCES).collect()
});

/// Words of findings that no page of a rule has.
const SENTENCES: [&str; 6] = ["accepts", "installed", "literal", "mount", "type", "wanted"];

/// Whether it is no part of a longer word, such as `make` in `cmake`. A long value is searched for within words, too.
fn is_whole(text: &str, place: &Range<usize>) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let before = text.get(..place.start).and_then(|before| before.chars().next_back());
    let after = text.get(place.end..).and_then(|after| after.chars().next());
    place.len() > SHORT || !(is_word(before) || is_word(after))
}

/// Whether the value stands at the variable: `NAME=value`, `NAME="value"`, or the older `NAME value`, as a whole.
fn is_assigned(text: &str, place: &Range<usize>, name: &str) -> bool {
    let before = text.get(..place.start).unwrap_or_default().trim_end_matches(['"', '\'', '\\']);
    let name_of = before.strip_suffix(['=', ' ']).unwrap_or_default().trim_end_matches('"');
    let is_name =
        name_of.strip_suffix(name).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    let after = text.get(place.end..).and_then(|rest| rest.chars().next());
    is_name && after.is_none_or(|c| !c.is_alphanumeric())
}

/// The end of a text that was cut.
const CUT: char = '…';

/// The least characters that show which value was cut.
const CUT_LEAST: usize = 3;

/// The most bytes of a value that can stand before the end of a text that was cut.
const LONGEST_CUT: usize = 1024;

/// Where the beginning of a value stands before a cut.
fn cuts(text: &str, value: &str) -> Vec<Range<usize>> {
    let ends = text.match_indices(CUT).map(|(at, _)| at);
    ends.filter_map(|end| Some(cut(text.get(..end)?, value)?..end)).collect()
}

/// What a FROM says.
fn base<'i>(instruction: &'i Instruction<'_>) -> Option<&'i str> {
    match &instruction.arguments {
        Arguments::From(image) => Some(&image.raw),
        _ => None,
    }
}

/// Where the beginning of a value stands at the end of a text.
fn cut(text: &str, value: &str) -> Option<usize> {
    let ends = value.char_indices().map(|(at, _)| at).filter(|at| *at >= CUT_LEAST);
    let mut ends: Vec<usize> = ends.take_while(|end| *end <= text.len().min(LONGEST_CUT)).collect();
    ends.reverse();
    ends.into_iter().find(|end| value.get(..*end).is_some_and(|part| text.ends_with(part))).map(|end| text.len() - end)
}

/// Without words that are secrets by their shape.
fn without_secrets(text: String) -> String {
    if secret_value(&text).is_none() {
        return text;
    }
    let word = |word| if secret_value(word).is_some() { HIDDEN } else { word };
    let words = text.split(' ').map(word).collect::<Vec<_>>().join(" ");
    if secret_value(&words).is_some() { HIDDEN.to_owned() } else { words }
}

#[cfg(test)]
mod tests;
