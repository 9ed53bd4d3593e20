//! Here-documents of a script: text that begins on the next line.

pub struct Heredoc {
    end: String,
    is_indented: bool,
    /// The command that reads it, when that is known.
    pub command: Option<usize>,
}

impl Heredoc {
    /// Reads what stands behind `<<`, and how long it is.
    pub fn read(text: &str) -> (Self, usize) {
        let (is_indented, name) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let name = name.trim_start_matches([' ', '\t']);
        let length = word(name);
        let end = name.get(..length).unwrap_or_default().replace(['"', '\'', '\\'], "");
        (Self { end, is_indented, command: None }, text.len() - name.len() + length)
    }

    /// The text, and how long it is with its end.
    pub fn body<'s>(&self, text: &'s str) -> (&'s str, usize) {
        let (mut length, mut body) = (0, 0);
        for line in text.split_inclusive('\n') {
            length += line.len();
            let bare = if self.is_indented { line.trim_start_matches('\t') } else { line };
            if bare.trim_end_matches(['\n', '\r']) == self.end {
                break;
            }
            body = length;
        }
        (text.get(..body).unwrap_or_default(), length)
    }
}

/// How long the word is that a text begins with. In quotes it may have blanks.
fn word(text: &str) -> usize {
    let mut quote = None;
    let end = text.char_indices().find(|(_, c)| match (quote, *c) {
        (_, '\n') => true,
        (Some(open), c) => {
            quote = Some(open).filter(|open| *open != c);
            false
        }
        (None, c @ ('"' | '\'')) => {
            quote = Some(c);
            false
        }
        (None, c) => c.is_whitespace() || ";&|<>()".contains(c),
    });
    end.map_or(text.len(), |(at, _)| at)
}
