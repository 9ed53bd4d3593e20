//! The settings of apt, whose names may be nested: `APT { Get { Assume-Yes "true"; }; };`.

/// A setting with its whole name.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The line of its value, from 1.
    pub line: usize,
    /// `APT::Get::Assume-Yes`
    pub key: String,
    pub value: String,
}

/// The most levels of names.
const DEPTH: usize = 64;

#[derive(Default)]
struct Reader {
    line: usize,
    /// The names of the open blocks.
    blocks: Vec<String>,
    /// The words since the last end of a setting, and the line of each.
    words: Vec<(usize, String)>,
    settings: Vec<Setting>,
}

/// The settings of a text. What is no setting is passed over.
pub fn settings(text: &str) -> Vec<Setting> {
    let mut reader = Reader { line: 1, ..Reader::default() };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let comment = comment(rest);
        let length = comment.unwrap_or_else(|| match c {
            '"' => quoted(rest),
            _ if "{};".contains(c) || c.is_whitespace() => c.len_utf8(),
            _ => rest.find(|c: char| c.is_whitespace() || "{};\"".contains(c)).unwrap_or(rest.len()),
        });
        let (token, behind) = rest.split_at_checked(length.max(1)).unwrap_or((rest, ""));
        if comment.is_none() {
            reader.take(token);
        }
        reader.line += token.matches('\n').count();
        rest = behind;
    }
    reader.end();
    reader.settings
}

/// The length of the comment that a text begins with. `#clear` and `#include` are orders.
fn comment(text: &str) -> Option<usize> {
    let is_order = text.starts_with("#clear") || text.starts_with("#include");
    if text.starts_with("/*") {
        Some(text.find("*/").map_or(text.len(), |end| end + 2))
    } else if text.starts_with("//") || (text.starts_with('#') && !is_order) {
        Some(text.find('\n').unwrap_or(text.len()))
    } else {
        None
    }
}

/// The length of a text in quotes, with them.
fn quoted(text: &str) -> usize {
    text.get(1..).and_then(|inner| inner.find('"')).map_or(text.len(), |end| end + 2)
}

impl Reader {
    fn take(&mut self, token: &str) {
        match token {
            "{" => {
                let name = self.words.drain(..).next().map_or_else(String::new, |(_, name)| name);
                if self.blocks.len() < DEPTH {
                    self.blocks.push(name);
                }
            }
            "}" => {
                self.end();
                self.blocks.pop();
            }
            ";" => self.end(),
            blank if blank.trim().is_empty() => {}
            word => self.words.push((self.line, word.trim_matches('"').to_owned())),
        }
    }

    /// Ends a setting. A value without a name is an element of the list that the block is.
    fn end(&mut self) {
        let mut words = self.words.drain(..);
        if let (Some((_, name)), Some((line, value))) = (words.next(), words.next())
            && !name.starts_with('#')
        {
            let names = self.blocks.iter().map(String::as_str).chain(std::iter::once(name.as_str()));
            let key: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
            self.settings.push(Setting { line, key: key.join("::"), value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_are_joined() {
        let read = |text: &str| -> Vec<String> {
            settings(text).into_iter().map(|one| format!("{} {}={}", one.line, one.key, one.value)).collect()
        };
        let text = "A::B \"1\"; // c\nA {\n  B { C \"x y\"; };\n  D::E 2;\n  \"list\";\n};\nF \"no end\"";
        assert_eq!(read(text), ["1 A::B=1", "3 A::B::C=x y", "4 A::D::E=2", "7 F=no end"]);
        assert_eq!(read("/* A \"1\"; */ #clear A;\n# B \"2\";\n#C \"3\";\nD \"4\";"), ["4 D=4"]);
        for broken in ["{{{{", "}}}", "\"", "/*", "A {\"", ";;", "#", "\u{e4} \"\u{e4}\";"] {
            let _ = settings(broken);
        }
    }
}
