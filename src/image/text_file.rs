//! Settings in text files, in whichever format: `key = value`, `key: value`, `"key": "value"`.

/// The line from 1, the key and the value of each setting.
pub fn settings(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let mut rest = line.trim();
        let is_flow = is_flow(rest);
        // One piece is the whole line.
        let pieces = std::iter::from_fn(move || {
            let end = if is_flow { piece(rest) } else { rest.len() };
            let (piece, behind) = rest.split_at_checked(end).filter(|_| !rest.is_empty())?;
            rest = behind.get(1..).unwrap_or_default();
            Some(piece)
        });
        pieces.filter_map(move |piece| {
            let piece = piece.trim().trim_start_matches(['{', '-', ' ']);
            if piece.starts_with(['#', ';', '[']) {
                return None;
            }
            let (key, value) = pair(piece)?;
            Some((index + 1, bare(key), bare(value)))
        })
    })
}

/// Whether several settings may stand in the line, as in JSON and in YAML with braces, also in a list.
fn is_flow(line: &str) -> bool {
    let line = line.trim_start_matches(['-', ' ']);
    let in_map =
        |(key, value): (&str, &str)| !key.contains('=') && value.trim_start_matches(['[', ' ']).starts_with('{');
    line.starts_with('{')
        || line.starts_with("[{")
        || (line.starts_with('"') && line.contains("\":"))
        || line.split_once(": ").is_some_and(in_map)
}

/// Where the first piece ends: before a brace, a bracket or a comma that is in no quotes.
fn piece(text: &str) -> usize {
    let (mut quote, mut before, mut is_escaped) = (None, ':', false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if std::mem::take(&mut is_escaped) => {}
            (Some('"'), '\\') => is_escaped = true,
            (Some(open), c) => quote = Some(open).filter(|open| *open != c),
            // An apostrophe within a word is none.
            (None, '"' | '\'') if matches!(before, ':' | ',' | '{' | '[') => quote = Some(c),
            (None, '{' | '}' | '[' | ']' | ',') => return at,
            _ => {}
        }
        before = if c == ' ' { before } else { c };
    }
    text.len()
}

/// JSON first, since its values have all signs. npm's keys have colons, without a blank behind them.
fn pair(line: &str) -> Option<(&str, &str)> {
    let json = line.split_once("\":").filter(|(key, _)| key.starts_with('"'));
    let equals = line.find('=').unwrap_or(usize::MAX);
    let colon = line.find(": ").unwrap_or(usize::MAX);
    json.or_else(|| if colon < equals { line.split_once(": ") } else { line.split_once('=') })
        .or_else(|| line.split_once(':'))
}

/// Without blanks and quotes.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches([',', '}', ' ']).trim_matches(['"', '\''])
}

/// Whether a value is nothing, or stands for one that is put in later.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || value == "null"
        || value.starts_with(['$', '<', '%', '`'])
        || value.contains("${")
        || crate::secret_shapes::is_placeholder(value)
        || value.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_several_formats_are_read() {
        let text = "a = 1\n# b = 2\n[c]\nd: \"e=\"\n  \"f\":\"g=\",\n//r/:_authToken=h=\n";
        let read: Vec<_> = settings(text).collect();
        assert_eq!(read, [(1, "a", "1"), (4, "d", "e="), (5, "f", "g="), (6, "//r/:_authToken", "h=")]);
    }

    #[test]
    fn several_settings_of_one_line_are_read() {
        let read = |text| {
            settings(text)
                .filter(|(_, _, value)| !value.is_empty())
                .map(|(_, key, value)| (key, value))
                .collect::<Vec<_>>()
        };
        let json = r#"{"a":{"b":"c,{d}","e\"":"f"},"g":[1,{"h": "i"}]}"#;
        assert_eq!(read(json), [("b", "c,{d}"), ("e\\", "f"), ("h", "i")]);
        assert_eq!(read("a: {b: {c: d, 'e': 'f, g'}, h: it's}"), [("c", "d"), ("e", "f, g"), ("h", "it's")]);
        assert_eq!(
            read("- {a: b, c: d}\n\"a\": \"b\", \"c\": \"d\""),
            [("a", "b"), ("c", "d"), ("a", "b"), ("c", "d")]
        );
        assert_eq!(
            read("a: [{b: c, d: {e: f}}, {g: h}]\ni: [j, k]"),
            [("b", "c"), ("e", "f"), ("g", "h"), ("i", "[j, k]")]
        );
        // Braces and commas of other formats are a part of the value.
        assert_eq!(read("a={b,c: d}\ne: f, g: h\ni: 'j{k'\n"), [("a", "{b,c: d"), ("e", "f, g: h"), ("i", "j{k")]);
    }
}
