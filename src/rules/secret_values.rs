//! The values of variables that are secrets, so that no text repeats them. Builders and rules write values where a variable stood.

use super::image::step::{Step, pairs};
use crate::dockerfile::{Arguments, Dockerfile, Instruction, Keyword, Pair, Word};
use crate::image::ImageFacts;
use crate::secret_shapes::{is_literal, is_named_secret, secret_value};
use crate::text::HIDDEN;
use std::ops::Range;

/// Shorter values would be a part of too many words.
const SHORTEST: usize = 3;

/// With more of them no text is shown.
const MOST: usize = 64;

/// A value of the kind that each rule takes for a secret, if the name of its variable says so without a doubt.
const ANY: &str = "hunter2";

/// The secrets among the values of variables, each with the name of its variable.
#[derive(Debug, Default)]
pub struct SecretValues {
    values: Vec<(String, String)>,
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
        let is_known = || self.values.iter().any(|(_, known)| known == value);
        if value.len() < SHORTEST || value.starts_with('$') || self.is_full || is_known() {
            return;
        }
        self.is_full = self.values.len() >= MOST;
        // The longest first: one may be a part of another.
        let at = self.values.partition_point(|(_, known)| known.len() >= value.len());
        self.values.insert(at, (name.to_owned(), value.to_owned()));
    }

    /// The text with `$NAME` in the place of each value, and without other secrets.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        if self.is_full {
            return HIDDEN.to_owned();
        }
        let mut pieces = vec![Piece::Text(text)];
        for (name, value) in &self.values {
            if text.contains(value) {
                pieces = pieces.into_iter().flat_map(|piece| piece.without(name, value)).collect();
            }
        }
        let mut shown = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.push_cut(text, &mut shown),
                Piece::Name(name) => push_name(name, &mut shown),
            }
        }
        without_secrets(shown)
    }

    /// Whether the text has a value, so that it must not be shown as it is.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.is_full || self.values.iter().any(|(_, value)| text.contains(value))
    }

    /// Adds a text in which a value may be cut.
    fn push_cut(&self, text: &str, shown: &mut String) {
        for part in text.split_inclusive(CUT) {
            let before = part.strip_suffix(CUT);
            let found = before.and_then(|before| {
                let mut begins = self.values.iter().filter_map(|(name, value)| Some((name, cut(before, value)?)));
                begins.next().map(|(name, begin)| (name, part.get(..begin)))
            });
            let Some((name, rest)) = found else {
                shown.push_str(part);
                continue;
            };
            shown.push_str(rest.unwrap_or_default());
            push_name(name, shown);
            shown.push(CUT);
        }
    }
}

/// The end of a text that was cut.
const CUT: char = '…';

/// The longest name that is shown in place of a value, so that a text does not grow without an end.
const LONGEST_NAME: usize = 64;

/// The most bytes of a value that can stand before the end of a text that was cut.
const LONGEST_CUT: usize = 1024;

/// A part of a text. A name is never searched for values, since names and values could lead to each other without an end.
enum Piece<'t> {
    Text(&'t str),
    /// The name of a variable whose value stood here.
    Name(&'t str),
}

impl<'t> Piece<'t> {
    /// With the name in place of the value.
    fn without(self, name: &'t str, value: &str) -> Vec<Self> {
        let Self::Text(text) = self else { return vec![self] };
        let mut pieces = Vec::new();
        for part in text.split(value) {
            pieces.extend([Self::Name(name), Self::Text(part)]);
        }
        // No value stands before the first part.
        pieces.remove(0);
        pieces
    }
}

fn push_name(name: &str, shown: &mut String) {
    if name.len() <= LONGEST_NAME {
        shown.push('$');
        shown.push_str(name);
    } else {
        shown.push_str(HIDDEN);
    }
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
    let ends = value.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST);
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
mod tests {
    use super::*;
    use crate::image::config::History;

    #[test]
    fn names_stand_in_place_of_values() {
        let text = "ARG TOKEN=12345\nFROM postgres\nENV POSTGRES_PASSWORD=postgres DB_PASSWORD=hunter2hunter2 MODE=fast A=$TOKEN\n";
        let secrets = SecretValues::of_dockerfile(&Dockerfile::parse(text), &[]);
        for (text, shown) in [
            ("/12345/a.sh from curl run", "/$TOKEN/a.sh from curl run"),
            ("/fast/a.sh", "/fast/a.sh"),
            ("postgres without a tag", "postgres without a tag"),
            ("/a/hunter2hunter2/b and hunter2hun… by curl", "/a/$DB_PASSWORD/b and $DB_PASSWORD… by curl"),
            ("/a/hu…", "/a/hu…"),
            ("a https://jane:hunter3@h/b c", "a (not repeated) c"),
        ] {
            assert_eq!(secrets.hide(text), shown);
        }
        let pin = "FROM a\nENV PIN=1234\n";
        let file = Dockerfile::parse(pin);
        assert_eq!(SecretValues::of_dockerfile(&file, &[]).hide("/1234"), "/1234");
        assert_eq!(SecretValues::of_dockerfile(&file, std::slice::from_ref(&(11..19))).hide("/1234"), "/$PIN");
    }

    #[test]
    fn a_name_is_no_place_of_a_value() {
        // Each name has the value of the next variable twice.
        let of = |number: usize| format!("x{number:02}");
        let env = |number| format!("{next}_{next}_PASSWORD={}", of(number), next = of(number + 1));
        let mut image = ImageFacts::default();
        image.run.env = (0..MOST).map(env).collect();
        let secrets = SecretValues::of_image(&image);
        assert_eq!(secrets.hide("/x00/x63x62…x6…"), "/$x01_x01_PASSWORD/$x64_x64_PASSWORD$x63_x63_PASSWORD…x6…");
        let long = "A".repeat(LONGEST_NAME);
        image.run.env = vec![format!("{long}_PASSWORD=hunter2"), "A_PASSWORD=hunter3hunter3".to_owned()];
        let secrets = SecretValues::of_image(&image);
        assert_eq!(secrets.hide("/hunter2"), format!("/{HIDDEN}"));
        assert_eq!(secrets.hide("hunter3hun…, hunter3hu…"), "$A_PASSWORD…, $A_PASSWORD…");
    }

    #[test]
    fn all_values_of_an_image_are_known() {
        let mut image = ImageFacts::default();
        let steps =
            ["RUN |2 MODE=fast TOKEN=abc123 /bin/sh -c make # buildkit", "/bin/sh -c #(nop)  ENV A_SECRET=abc12345"];
        image.history = steps.map(|step| History { created_by: step.to_owned(), empty_layer: false }).to_vec();
        image.run.env = vec!["PATH=/bin".to_owned(), "API_KEY=abcdef".to_owned()];
        image.run.on_build = vec!["ENV B_TOKEN=ghijkl".to_owned()];
        let secrets = SecretValues::of_image(&image);
        assert_eq!(
            secrets.hide("/abc123 /abc12345 /abcdef ghijkl /fast"),
            "/$TOKEN /$A_SECRET /$API_KEY $B_TOKEN /fast"
        );
        image.run.env = (0..=MOST).map(|number| format!("A{number}_PASSWORD=hunter{number}")).collect();
        assert_eq!(SecretValues::of_image(&image).hide("a"), HIDDEN);
    }
}
